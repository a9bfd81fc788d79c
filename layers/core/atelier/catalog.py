"""The catalog: the tools and models that clients can name, and who serves them, read from catalog.toml."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atelier.errors import ConfigurationError, FieldError, NotFoundError

EMBEDDED = Path(__file__).with_name("catalog.toml")
DEFAULT_PLACES = 10
SKETCH = "sketch"


@dataclass(frozen=True, slots=True)
class Tool:
    """What can be made: the kind of output and the input that it takes."""

    slug: str
    name: str
    description: str
    type: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A provider that can serve a model, the model's name there, and how our input is put into its words.

    `stand_in`: it serves only where the stack has no other provider of the model.
    """

    provider: str
    model: str
    stand_in: bool = False
    input: Mapping[str, Any] | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def translate(self, payload: Mapping[str, Any], images: tuple[str, ...] = ()) -> dict[str, Any]:
        """Put a client's input into the provider's words; `images` are the URLs of the client's pictures."""
        return {**payload, **self.fixed}


@dataclass(frozen=True, slots=True)
class Model:
    """A model and the providers that serve it, best first; `deadline` in milliseconds, `cost` in credits a picture."""

    slug: str
    name: str
    description: str
    tool: Tool
    deadline: int
    cost: int
    routes: tuple[Route, ...]
    input: Mapping[str, Any] = field(default_factory=dict)

    def usable(self, ready: Callable[[Route], bool], *, test: bool) -> tuple[Route, ...]:
        """List the routes that can be taken, best first; `ready` tells whether this stack is set up for one.

        A test key's generation is always sketched. Stand-ins count where nobody else is ready.
        """
        if test:
            return (Route(SKETCH, SKETCH),)
        found = tuple(route for route in self.routes if ready(route))
        return tuple(route for route in found if not route.stand_in) or found

    def price(self, payload: Mapping[str, Any]) -> int:
        """Return what a client's input costs, in credits."""
        return self.cost * int(payload.get("num_images") or 1)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All models and tools by slug, and how many calls at once a provider gets."""

    models: Mapping[str, Model]
    tools: Mapping[str, Tool] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)

    def model(self, slug: str) -> Model:
        """Return a model; NotFoundError, naming the known ones, where there is none."""
        try:
            return self.models[slug]
        except KeyError:
            message = f"The models here are {', '.join(self.models)}; there is no '{slug}'."
            raise NotFoundError(message, [FieldError("model", message, "unknown_model")]) from None

    def places_at(self, provider: str) -> int:
        """Return how many calls at once a provider gets."""
        return self.places.get(provider, DEFAULT_PLACES)


def load(text: str) -> Catalog:
    """Read a catalog; ConfigurationError where it is not one."""
    try:
        document = tomllib.loads(text)
        tools = {
            slug: Tool(slug, item["name"], item["description"], item["type"], item["input"])
            for slug, item in document["tools"].items()
        }
        models = {
            slug: Model(
                slug=slug,
                name=item["name"],
                description=item["description"],
                tool=tools[item["tool"]],
                deadline=item["deadline"] * 1_000,
                cost=item["cost"],
                routes=tuple(_route(slug, route) for route in item["providers"]),
                input=tools[item["tool"]].input,
            )
            for slug, item in document["models"].items()
        }
        places = {name: item["concurrency"] for name, item in document.get("providers", {}).items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as exc:
        raise ConfigurationError(f"the catalog cannot be read: {exc!r}") from exc
    return Catalog(models, tools, places)


def embedded() -> Catalog:
    """Read the catalog that ships with the code."""
    return load(EMBEDDED.read_text(encoding="utf-8"))


def _route(slug: str, item: Mapping[str, Any]) -> Route:
    return Route(
        item["name"], item.get("model", slug), item.get("stand_in", False), item.get("input"), item.get("fixed", {})
    )
