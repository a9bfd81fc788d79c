"""Write the tables of docs/providers.md and of the README from the catalog and the providers' code.

Each table stands between `<!-- NAME -->` and `<!-- /NAME -->`; what is around them is written by hand.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from atelier.catalog.gateway import Sent
from atelier.catalog.model import Catalog, Model, Route, embedded
from atelier.catalog.price import Price
from atelier.providers.provider import Provider
from atelier.providers.registry import kinds

ROOT = Path(__file__).parents[1]
FILES = (ROOT / "docs" / "providers.md", ROOT / "README.md")
NAMES = {
    "artificial-studio": "Artificial Studio",
    "automatic1111": "AUTOMATIC1111",
    "bedrock": "Bedrock",
    "bfl": "Black Forest Labs",
    "comfyui": "ComfyUI",
    "gemini": "Google Gemini",
    "ideogram": "Ideogram",
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
    "recraft": "Recraft",
    "replicate": "Replicate",
    "stability": "Stability",
    "together": "Together",
    "xai": "xAI",
}
"""How providers write their names, where that is not how the catalog does."""
CALLBACKS = {
    "replicate": "signed (Standard Webhooks)",
    "fal": "signed (Ed25519)",
    "artificial-studio": "a hint, so it is asked",
    "bfl": "a hint, so it is asked",
    "comfyui": "none; asked every few seconds",
    "sketch": "none needed",
}
TOLD = {"bfl": "`cost`, in cents", "openai": "tokens, by their prices"}
FREE = ("sketch", "automatic1111", "comfyui")
TEXT_TO_IMAGE = "text-to-image"


def tables() -> Mapping[str, str]:
    """Make each table, by its name."""
    catalog = embedded()
    return {
        "models": models_table(catalog),
        "providers": providers_table(catalog),
        "features": features_table(catalog),
        "prices": prices_table(catalog, tool=True),
        "tool-prices": prices_table(catalog, tool=False),
    }


def models_table(catalog: Catalog) -> str:
    """List the models that make pictures from words, their providers in order, and what a picture costs."""
    rows = [
        (f"`{slug}`", ", ".join(dict.fromkeys(name(route.provider) for route in model.routes)), credits_of(model))
        for slug, model in catalog.models.items()
        if model.tool.slug == TEXT_TO_IMAGE
    ]
    return table(("model", "providers, in order", "credits a picture"), rows)


def providers_table(catalog: Catalog) -> str:
    """List the providers, and how each is called."""
    rows = [(name(kind.name), *features(kind, catalog)) for kind in kinds(catalog).values()]
    head = (
        "provider",
        "answers",
        "needs",
        "tells its end",
        "cancels",
        "a paid call is repeated",
        "tells its cost",
        "models",
    )
    return table(head, rows)


def features(kind: type[Provider], catalog: Catalog) -> tuple[str, ...]:
    """Say how a provider is called; `models` are those of the catalog."""
    needs = [
        what
        for what, wanted in (
            ("a key", kind.needs_key),
            ("an address", kind.needs_address),
            ("listed ARNs", kind.needs_listing),
        )
        if wanted
    ]
    gateway = catalog.gateways.get(kind.name)
    told = TOLD.get(kind.name) or (", ".join(f"`{path}`" for path in gateway.cost) if gateway else "") or "no"
    served = [
        slug for slug, model in catalog.models.items() if any(route.provider == kind.name for route in model.routes)
    ]
    return (
        "with a job" if kind.asynchronous else "with the pictures",
        " and ".join(needs) or "nothing",
        CALLBACKS.get(kind.name, "in its answer"),
        "yes" if kind.cancels else "no",
        "never blindly" if kind.charges else "yes, it is free",
        told,
        str(len(served)),
    )


def features_table(catalog: Catalog) -> str:
    """List for each provider and tool how many models it has there, and the lowest price of a picture."""
    rows = [
        (name(provider), *(feature(catalog, provider, tool) for tool in catalog.tools)) for provider in kinds(catalog)
    ]
    return table(("provider", *(f"`{tool}`" for tool in catalog.tools)), rows)


def feature(catalog: Catalog, provider: str, tool: str) -> str:
    """Say what a provider offers of a tool."""
    routes = [
        route
        for model in catalog.models_of(catalog.tools[tool])
        for route in model.routes
        if route.provider == provider and "image_urls" not in route.ignored.intersection(model.input["required"])
    ]
    if not routes:
        return "–"
    prices = [min([route.price, *(price.image for price in route.prices)]) for route in routes if route.price]
    lowest = f"from {number(min(prices) / 1_000_000)}" if prices else "free" if provider in FREE else "price not known"
    return f"{len(routes)}, {lowest}"


def prices_table(catalog: Catalog, *, tool: bool) -> str:
    """List the prices of each model at each provider, and the inputs that it takes there."""
    rows = [
        (
            f"`{slug}`",
            name(route.provider),
            f"`{theirs(route)}`",
            pictures(route, model),
            dollars_of(route),
            credits_of(model),
        )
        for slug, model in catalog.models.items()
        if (model.tool.slug == TEXT_TO_IMAGE) == tool
        for route in model.routes
    ]
    return table(("model", "provider", "its name there", "clients' pictures", "US dollars a picture", "credits"), rows)


def theirs(route: Route) -> str:
    """Return the provider's name of a model, without the digits of a version."""
    return route.model.partition(":")[0]


def pictures(route: Route, model: Model) -> str:
    """Say how clients' pictures reach a provider, if they do."""
    most = model.input["properties"].get("image_urls")
    if not most:
        return "–"
    if "image_urls" in route.attached:
        how = "as files" if route.gateway is None or route.gateway.pictures is Sent.FORM else "as data"
    elif route.input is None or any("image_urls" in rule.expressed for rule in route.input.values()):
        how = "as URLs"
    else:
        return "–"
    return f"{how}, up to {most.get('maxItems', 1)}"


def dollars_of(route: Route) -> str:
    """Write a provider's price of a picture, and its exceptions."""
    if not route.price:
        return "–" if route.provider in FREE else "not known"
    lines = [exception(price, 1_000_000) for price in route.prices if price.image != route.price or extras(price, 1)]
    return "; ".join([number(route.price / 1_000_000), *lines])


def credits_of(model: Model) -> str:
    """Write a model's cost, and its exceptions."""
    if not model.cost:
        return "free"
    lines = [exception(price, 1) for price in model.costs if price.image != model.cost or extras(price, 1)]
    return "; ".join([str(model.cost), *lines])


def exception(price: Price, unit: int) -> str:
    """Write a line of a price list."""
    when = [str(value) for value in price.when.values()]
    if price.megapixels != float("inf"):
        when.append(f"to {number(price.megapixels)} MP")
    said = f"{' '.join(when)}: {number(price.image / unit)}" if when else ""
    return " ".join(filter(None, (said, extras(price, unit))))


def extras(price: Price, unit: int) -> str:
    """Write what a further megapixel and a picture to work from cost."""
    parts = (("further MP", price.megapixel), ("picture given", price.input))
    return ", ".join(f"+{number(amount / unit)} a {what}" for what, amount in parts if amount)


def number(value: float) -> str:
    """Write a number without needless digits."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def name(provider: str) -> str:
    """Write a provider's name."""
    return NAMES.get(provider, provider)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a table in Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines)


def filled(text: str) -> str:
    """Return a page with its tables made anew."""
    for title, found in tables().items():
        before, opening, rest = text.partition(f"<!-- {title} -->")
        _, closing, after = rest.partition(f"<!-- /{title} -->")
        if opening and closing:
            text = f"{before}{opening}\n\n{found}\n\n{closing}{after}"
    return text


def main() -> None:
    """Write the tables into the pages."""
    for path in FILES:
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
