"""The catalog: the tools and models that clients can name, and who serves them, read from TOML."""

import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from atelier.catalog import input_validation, passthrough
from atelier.catalog.gateway import Gateway, gateway
from atelier.catalog.price import Price, microdollars, price_of, prices
from atelier.catalog.provider_input import AUTO, SHAPE, Rule, plain, ratio_of, translate
from atelier.catalog.workflow import filled, workflow
from atelier.clock import utc_day
from atelier.errors import ConfigurationError, FieldError, NotFoundError

T = TypeVar("T")
PASSTHROUGH = ("replicate", "fal", "comfyui")
"""Providers whose models can be asked for by their own names."""
PASSTHROUGH_SECONDS = 600
COMFYUI = "comfyui"
WARNED_DAYS = 60
"""So many days before a model ends at a provider, the operator is told."""
MAX_NAMED = 12
"""So many models are named to a client that asks for an unknown one."""
EMBEDDED = Path(__file__).with_name("default.toml")
DEFAULT_CONCURRENCY = 10
SKETCH = "sketch"
CREDIT_PRICE = 10_000
"""What a credit is sold for where the catalog does not say, in millionths of a US dollar."""
_FAULTS = (KeyError, TypeError, ValueError, AttributeError)
"""Raised by reading a document of another shape; tomllib's own error is a ValueError."""

OUTPUT = frozenset({"output_format", "output_compression", "quality", "background"})
"""Inputs that say how the picture is to be written; what no provider makes of them, the stack does."""

_RULE_WORDS = frozenset({"from", "choices", "multiple", "megapixels", "most", "ratio", "lower", "sized", "auto"})


@dataclass(frozen=True, slots=True)
class Tool:
    """A kind of task: its type of output and the input that it takes; the search also finds it by its `keywords`.

    `output` names inputs, all of OUTPUT, that each of its models takes whether the model says so or not.
    """

    slug: str
    name: str
    description: str
    type: str
    input: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    keywords: str = ""
    output: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Route:
    """A provider that can serve a model, the model's name there, and how our input is put into its words.

    `fallback`: it serves only where the stack has no other provider of the model. `input` maps the provider's inputs to
    ours, None if it uses our names; `fixed` is always sent; what is `ignored` does not reach the provider, what is
    `attached` does as bytes. `edit` is the model's name for an input with pictures, where that is another one;
    `defaults` are those of the model's inputs; `price` is what the provider asks for a picture, in millionths of a US
    dollar, 0 where that is not known, unless one of `prices` holds. `gateway` describes a provider that the catalog
    makes. `workflow`: nodes of ComfyUI, whose fields `input` and `fixed` fill.
    `own_words`: clients speak the provider's. `ends`: the last day on which the provider serves the model.
    """

    provider: str
    model: str
    fallback: bool = False
    input: Mapping[str, Rule] | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    attached: frozenset[str] = frozenset()
    edit: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    price: int = 0
    prices: tuple[Price, ...] = ()
    gateway: Gateway | None = None
    workflow: Mapping[str, Any] | None = None
    own_words: bool = False
    ends: date | None = None

    def has_ended(self, now: int) -> bool:
        """Tell whether the provider has stopped serving the model; `now` in milliseconds since the epoch."""
        return self.ends is not None and self.ends < utc_day(now)

    def translate(
        self, payload: Mapping[str, Any], images: tuple[str, ...] = (), mask: str | None = None
    ) -> dict[str, Any]:
        """Put a client's input into the provider's words.

        `images` and `mask` are the URLs where the client's pictures, and the mask of the first, were stored.
        """
        if self.own_words:
            sent = {name: value for name, value in payload.items() if value is not None}
            sent |= ({"image_urls": list(images)} if images else {}) | ({"mask_url": mask} if mask else {})
            return filled(self.workflow, sent) if self.workflow is not None else {**sent, **self.fixed}
        if self.input is None:
            ours = {name: value for name, value in payload.items() if name not in self.ignored}
            return {**plain(ours, images, mask), **self.fixed}
        given = {name: value for name, value in payload.items() if value is not None}
        sent = {**translate(self.input, {**self.defaults, **given}, images, mask), **self.fixed}
        return filled(self.workflow, sent) if self.workflow is not None else sent

    def price_for(self, sent: Mapping[str, Any], inputs: int = 0) -> int:
        """Return the price of a picture by what the provider gets, and from how many pictures it is made."""
        return price_of(self.prices, self.price, sent, inputs)

    def model_for(self, payload: Mapping[str, Any]) -> str:
        """Return the provider's name of the model for a client's input."""
        return self.edit if self.edit and payload.get("image_urls") else self.model


@dataclass(frozen=True, slots=True)
class Model:
    """A model and the providers that serve it, best first; `deadline` in milliseconds, `cost` in credits a picture.

    `costs` are exceptions from `cost`. `aliases` are names by which clients of other services ask for it. `variants`
    are the same model for its further tools, each with that tool's inputs.
    """

    slug: str
    name: str
    description: str
    tool: Tool
    deadline: int
    cost: int
    routes: tuple[Route, ...]
    input: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    costs: tuple[Price, ...] = ()
    variants: tuple["Model", ...] = ()

    @property
    def is_drawn(self) -> bool:
        """Tell whether this stack draws it, and no provider is ever asked."""
        return all(route.provider == SKETCH for route in self.routes)

    def expresses(self, name: str) -> bool:
        """Tell whether one of its providers is told of an input."""
        rules = (rule for route in self.routes for rule in (route.input or {}).values())
        return any(name in rule.expressed for rule in rules)

    def usable(self, ready: Callable[[Route], bool], *, test: bool) -> tuple[Route, ...]:
        """List the routes that can be taken, best first; `ready` tells whether this stack is set up for one.

        A test key's generation is always sketched. A fallback counts where no other provider is ready.
        """
        if test:
            return (Route(SKETCH, SKETCH),)
        found = tuple(route for route in self.routes if ready(route))
        return tuple(route for route in found if not route.fallback) or found

    def price(self, payload: Mapping[str, Any], routes: tuple[Route, ...]) -> int:
        """Return what a client's input costs, in credits, with these usable routes; what we draw ourselves is free."""
        if routes and routes[0].provider == SKETCH:
            return 0
        given = {name: value for name, value in payload.items() if value is not None}
        values = {**self.defaults, **given}
        each = price_of(self.costs, self.cost, values, len(given.get("image_urls") or ()))
        return each * (passthrough.count(given) if self.own_words else int(given.get("num_images") or 1))

    @property
    def own_words(self) -> bool:
        """Tell whether clients speak its provider's words."""
        return any(route.own_words for route in self.routes)

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The values of the inputs that a client may leave out."""
        return {name: item["default"] for name, item in self.input.get("properties", {}).items() if "default" in item}


@dataclass(frozen=True, slots=True)
class Catalog:
    """All models and tools by slug, their other names, and how many calls at once a provider gets.

    `credit_price`: what a credit is sold for, in millionths of a US dollar. `gateways`: providers that it makes.
    `passthrough`: models by patterns of their providers' own names, each with the pattern as its slug.
    """

    models: Mapping[str, Model]
    tools: Mapping[str, Tool] = field(default_factory=dict)
    concurrency: Mapping[str, int] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    credit_price: int = CREDIT_PRICE
    gateways: Mapping[str, Gateway] = field(default_factory=dict)
    passthrough: Mapping[str, Model] = field(default_factory=dict)

    def is_tool(self, slug: str) -> bool:
        """Tell whether a slug or alias names a tool and no model."""
        slug = self.aliases.get(slug, slug)
        return slug in self.tools and slug not in self.models

    def model(self, slug: str, tool: str | None = None) -> Model:
        """Return a model by its slug or an alias, as a tool has it where it serves that one too.

        NotFoundError, naming the known ones, where there is none.
        """
        try:
            found = self.models[self.aliases.get(slug, slug)]
            return next((variant for variant in found.variants if variant.tool.slug == tool), found)
        except KeyError:
            if (pattern := passthrough.find(self.passthrough, slug)) is not None:
                return _by_own_name(self.passthrough[pattern], slug)
            message = f"The models here are {_listed(self.models)}; there is no '{slug}'."
            raise NotFoundError(message, [FieldError("model", message, "unknown_model")]) from None

    def tool(self, slug: str) -> Tool:
        """Return a tool by its slug or an alias; NotFoundError, naming the known ones, where there is none."""
        try:
            return self.tools[self.aliases.get(slug, slug)]
        except KeyError:
            message = f"The tools here are {', '.join(self.tools)}; there is no '{slug}'."
            raise NotFoundError(message, [FieldError("tool", message, "unknown_tool")]) from None

    def models_of(self, tool: Tool) -> tuple[Model, ...]:
        """List a tool's models; where none is named, the first that can be used is meant.

        Models whose first tool it is come before those that serve it too, and of these, what is drawn here comes last.
        """
        own = [model for model in self.models.values() if model.tool is tool]
        others = [each for model in self.models.values() for each in model.variants if each.tool is tool]
        return (*own, *sorted(others, key=lambda each: each.is_drawn))

    def concurrency_of(self, provider: str) -> int:
        """Return how many calls at once a provider gets."""
        return self.concurrency.get(provider, DEFAULT_CONCURRENCY)


def _by_own_name(model: Model, slug: str) -> Model:
    """Return the model of a pattern as the one that a client asked for."""
    (route,) = model.routes
    return replace(model, slug=slug, name=slug, routes=(replace(route, model=slug.partition("/")[2]),))


def _listed(slugs: Collection[str]) -> str:
    """Name the first of many models."""
    first = list(slugs)[:MAX_NAMED]
    rest = len(slugs) - len(first)
    return ", ".join(first) + (f" and {rest} others, which GET /models lists" if rest else "")


def load(text: str) -> Catalog:
    """Read a catalog; ConfigurationError where it is not one."""
    try:
        document = tomllib.loads(text)
        inputs = document.get("inputs", {})
        tools = _each(document["tools"], lambda slug, item: _tool(slug, item, inputs))
        providers = document.get("providers", {})
        concurrency = _each(providers, lambda _, item: _number(item["concurrency"], 1))
        gateways = _each({name: item for name, item in providers.items() if "shape" in item}, gateway)
        models = _each(document["models"], lambda slug, item: _model(slug, item, tools, gateways))
        aliases = _aliases(tools, models)
        own_names = _each(document.get("passthrough", {}), lambda slug, item: _passthrough(slug, item, tools))
        credit_price = microdollars(document.get("credit", CREDIT_PRICE / 1_000_000))
    except _FAULTS as exc:
        raise ConfigurationError(f"the catalog cannot be read: {_words(exc)}") from exc
    return Catalog(models, tools, concurrency, aliases, credit_price, gateways, own_names)


@cache
def embedded() -> Catalog:
    """Read the catalog that ships with the code."""
    return load(EMBEDDED.read_text(encoding="utf-8"))


def mismatches(catalog: Catalog, inputs: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Say where a catalog and the providers do not fit; `inputs` are the names that each provider with a module takes.

    A route may neither tell a provider what it does not take, nor drop a client's input in silence.
    """
    for name in catalog.gateways.keys() & inputs.keys():
        yield f"{name}: a provider of this name exists; give the gateway another one"
    for slug, open_model in catalog.passthrough.items():
        if open_model.routes[0].provider not in PASSTHROUGH:
            yield f"{slug}: only models of {', '.join(PASSTHROUGH)} can be asked for by their own names"
    inputs = {name: found.inputs for name, found in catalog.gateways.items()} | dict(inputs)
    for model in (each for first in catalog.models.values() for each in (first, *first.variants)):
        wanted = frozenset(model.input["properties"])
        for route in model.routes:
            where = f"{model.slug} at {route.provider}"
            if route.provider not in inputs:
                yield f"{where}: there is no such provider; known are {', '.join(inputs)}"
                continue
            sent, expressed = _reach(route, wanted)
            takes = inputs[route.provider] if route.workflow is None else sent | frozenset(route.fixed)
            if strange := sorted((sent | frozenset(route.fixed)) - takes):
                yield f"{where}: it takes no {', '.join(strange)}"
            if dropped := sorted(wanted - expressed - route.ignored - route.attached - model.tool.output):
                yield f"{where}: nothing is made of {', '.join(dropped)}; map it, or list it as ignored"


@dataclass(frozen=True, slots=True)
class Ending:
    """A provider's last day of a model, which has passed or comes soon."""

    model: str
    provider: str
    name: str
    ends: date
    has_ended: bool

    def __str__(self) -> str:
        if self.has_ended:
            return f"{self.model} at {self.provider}: {self.name} ended on {self.ends}; name its successor"
        return f"{self.model} at {self.provider}: {self.name} ends on {self.ends}; name its successor before"


def ended(model: Model) -> str:
    """Tell a client that every provider of a model has stopped serving it."""
    last = max(route.ends for route in model.routes if route.ends)
    return (
        f"{model.slug} ended at its {'providers' if len(model.routes) > 1 else 'provider'} on {last}; ask for another "
        "model of GET /models, or tell the operator, who can name its successor in the catalog."
    )


def endings(catalog: Catalog, today: date) -> list[Ending]:
    """List the routes whose models have ended at their providers, or will within WARNED_DAYS."""
    routes = [(model, route) for model in catalog.models.values() for route in model.routes if route.ends]
    return [
        Ending(model.slug, route.provider, route.model, route.ends, route.ends < today)
        for model, route in routes
        if route.ends and (route.ends - today).days <= WARNED_DAYS
    ]


def _reach(route: Route, wanted: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the provider's input, and the names of the client's inputs that it expresses."""
    if route.input is None:
        sent = wanted - route.ignored
        return (sent - {"aspect_ratio"}) | (SHAPE - {"aspect_ratio"} if sent & SHAPE else frozenset()), sent
    return frozenset(route.input), frozenset().union(*(rule.expressed for rule in route.input.values()))


def _each(items: Mapping[str, Any], read: Callable[[str, Any], T]) -> dict[str, T]:
    found = {}
    for slug, item in items.items():
        try:
            found[slug] = read(slug, item)
        except _FAULTS as exc:
            raise ValueError(f"{slug}: {_words(exc)}") from exc
    return found


def _words(exc: Exception) -> str:
    return f"{exc} is missing, or not known" if isinstance(exc, KeyError) else str(exc)


def _aliases(tools: Mapping[str, Tool], models: Mapping[str, Model]) -> dict[str, str]:
    """Return the slug behind each alias; ValueError if a name would mean two things."""
    named = {slug: item.aliases for slug, item in tools.items()} | {slug: item.aliases for slug, item in models.items()}
    found: dict[str, str] = {}
    for slug, aliases in named.items():
        for alias in aliases:
            if alias in found or alias in named:
                raise ValueError(f"{slug}: the alias '{alias}' is taken already, by {found.get(alias, alias)}")
            found[alias] = slug
    return found


def _tool(slug: str, item: Mapping[str, Any], inputs: Mapping[str, Any]) -> Tool:
    """Read a tool; what it says of an input is added to what `inputs` say of that name."""
    tool = Tool(
        slug=slug,
        name=item["name"],
        description=item["description"],
        type=item["type"],
        input=_checked(_with(item["input"], inputs)),
        aliases=_names(item.get("aliases", [])),
        keywords=item.get("keywords", ""),
        output=frozenset(item.get("output", ())),
    )
    if strange := sorted(tool.output - OUTPUT.intersection(tool.input["properties"])):
        raise ValueError(
            f"its output has {', '.join(strange)}; it may have {', '.join(sorted(OUTPUT))}, each described"
        )
    return tool


def _with(described: Any, inputs: Mapping[str, Any]) -> Any:
    if not isinstance(described, Mapping) or not isinstance(described.get("properties"), Mapping):
        return described
    properties = {
        name: {**inputs.get(name, {}), **own} if isinstance(own, Mapping) else own
        for name, own in described["properties"].items()
    }
    return {**described, "properties": properties}


def _model(slug: str, item: Mapping[str, Any], tools: Mapping[str, Tool], gateways: Mapping[str, Gateway]) -> Model:
    own_tools = [tools[name] for name in (item["tool"] if isinstance(item["tool"], list) else [item["tool"]])]
    served = [(tool, _described(tool, item.get("input"), own_tools)) for tool in own_tools]
    properties = {name: field for _, described in reversed(served) for name, field in described["properties"].items()}
    first, *variants = (
        Model(
            slug=slug,
            name=item["name"],
            description=item["description"],
            tool=tool,
            deadline=_number(item["deadline"], 1) * 1_000,
            cost=_number(item["cost"], 0),
            routes=tuple(_route(slug, route, properties, tool, described, gateways) for route in item["providers"]),
            input=described,
            aliases=_names(item.get("aliases", [])),
            costs=prices(item.get("costs", []), lambda amount: _number(amount, 0)),
        )
        for tool, described in served
    )
    return replace(first, variants=tuple(variants))


def _passthrough(slug: str, item: Mapping[str, Any], tools: Mapping[str, Tool]) -> Model:
    provider, _, name = slug.partition("/")
    if not name or "*" in provider:
        raise ValueError("it must be a provider's name, a slash, and a model's name or a pattern of it")
    tool = tools[item["tool"]] if "tool" in item else next(iter(tools.values()))
    nodes = workflow(item["workflow"], item.get("fixed", ())) if "workflow" in item else None
    if (provider == COMFYUI) != (nodes is not None):
        raise ValueError(f"a 'workflow' is what a name of {COMFYUI} needs, and no other takes")
    route = Route(
        provider=provider,
        model=name,
        fixed=item.get("fixed", {}),
        price=microdollars(item.get("price", 0)),
        prices=prices(item.get("prices", []), microdollars),
        workflow=filled(nodes, item.get("fixed", {})) if nodes is not None else None,
        own_words=True,
    )
    return Model(
        slug=slug,
        name=slug,
        description=item.get("description", "A model by its provider's own name, with its own inputs."),
        tool=tool,
        deadline=_number(item.get("deadline", PASSTHROUGH_SECONDS), 1) * 1_000,
        cost=_number(item["cost"], 0),
        routes=(route,),
        input=passthrough.described(nodes, tool.input["properties"].get("image_urls")),
        costs=prices(item.get("costs", []), lambda amount: _number(amount, 0)),
    )


def _described(tool: Tool, own: Mapping[str, Any] | None, tools: list[Tool]) -> Mapping[str, Any]:
    """Describe what a model takes as one of its `tools`, without those of its own inputs that only the others have."""
    if own is None:
        return tool.input
    others = {name for other in tools for name in other.input["properties"]} - set(tool.input["properties"])
    always: dict[str, Any] = {name: {} for name in tool.output}
    return _narrowed(tool.input, always | {name: field for name, field in own.items() if name not in others})


def _names(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError("'aliases' must be a list of names")
    return tuple(names)


def _narrowed(tool: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """Pick the tool's inputs that a model names, in the tool's order, each with what the model says of it."""
    names = [
        *(name for name in tool["properties"] if name in own),
        *(name for name in own if name not in tool["properties"]),
    ]
    properties = {name: {**tool["properties"].get(name, {}), **own[name]} for name in names}
    for item in properties.values():
        for word in item.keys() & {"excludes", "requires"}:
            item[word] = [other for other in item[word] if other in properties]
    required = [name for name in tool.get("required", ()) if name in properties]
    some = {"atLeastOne": [name for name in tool["atLeastOne"] if name in properties]} if "atLeastOne" in tool else {}
    return _checked({**tool, **some, "required": required, "properties": properties})


def _checked(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an input's description; ValueError where requests could not be checked, priced or mapped by it."""
    for fault in input_validation.faults(described):
        raise ValueError(fault)
    for name, item in described["properties"].items():
        if name in ("width", "height", "num_images") and (item["type"] != "integer" or item.get("minimum", 0) < 1):
            raise ValueError(f"'{name}' must be an integer with a minimum of at least 1")
        if name == "aspect_ratio":
            _check_shapes(item["enum"])
    return described


def _check_shapes(shapes: Iterable[str]) -> None:
    for shape in shapes:
        if shape != AUTO:
            ratio_of(shape)


def _route(
    slug: str,
    item: Mapping[str, Any],
    properties: Mapping[str, Any],
    tool: Tool,
    described: Mapping[str, Any],
    gateways: Mapping[str, Gateway],
) -> Route:
    """Read a route, whose rules may name any of the model's `properties`.

    One that speaks our names is not told what the stack sees to itself.
    """
    rules = item.get("input")
    return Route(
        provider=item["name"],
        model=item.get("model", slug),
        fallback=item.get("fallback", False),
        input=None if rules is None else {theirs: _rule(ours, properties) for theirs, ours in rules.items()},
        fixed=item.get("fixed", {}),
        ignored=frozenset(item.get("ignored", ())) | (tool.output if rules is None else frozenset()),
        attached=frozenset(item.get("attached", ())),
        edit=item.get("edit"),
        defaults={name: field["default"] for name, field in described["properties"].items() if "default" in field},
        price=microdollars(item.get("price", 0)),
        prices=prices(item.get("prices", []), microdollars),
        gateway=gateways.get(item["name"]),
        ends=_date(item["ends"]) if "ends" in item else None,
        workflow=workflow(item["workflow"], (*(rules or ()), *item.get("fixed", {}))) if "workflow" in item else None,
    )


def _rule(item: Any, properties: Mapping[str, Any]) -> Rule:
    given = {"from": item} if isinstance(item, str) else item
    if strange := set(given) - _RULE_WORDS:
        raise ValueError(f"a rule has {', '.join(sorted(strange))}; known are {', '.join(sorted(_RULE_WORDS))}")
    choices = tuple(given.get("choices", ()))
    if given["from"] == "aspect_ratio":
        choices = choices or tuple(ratio for ratio in properties["aspect_ratio"]["enum"] if ratio != AUTO)
    _check_shapes(choices)
    return Rule(
        given["from"],
        choices,
        _number(given.get("multiple", 1), 1),
        _number(given.get("megapixels", 1), 1),
        _sides(given["most"]) if "most" in given else None,
        _number(given.get("ratio", 100), 1),
        bool(given.get("lower", False)),
        _word(given.get("sized")),
        _word(given.get("auto")),
    )


def _word(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"a provider's word for a shape must be text, not {value!r}")
    return value


def _sides(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"'most' must be a list of two sides in pixels, not {value!r}")
    return _number(value[0], 1), _number(value[1], 1)


def _date(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(f"'ends' must be a date such as 2027-03-15, not {value!r}")
    return value


def _number(value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{value!r} is not a whole number from {least} on")
    return value
