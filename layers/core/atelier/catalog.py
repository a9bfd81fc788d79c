"""The catalog: the tools and models that clients can name, read from catalog.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atelier.errors import ConfigurationError, FieldError, NotFoundError

EMBEDDED = Path(__file__).with_name("catalog.toml")


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
    """A provider that can serve a model, and the model's name there."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model and the providers that serve it, best first; `deadline` is in milliseconds, `cost` in credits."""

    slug: str
    name: str
    description: str
    tool: Tool
    deadline: int
    cost: int
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All models by slug."""

    models: Mapping[str, Model]

    def model(self, slug: str) -> Model:
        """Return a model; NotFoundError, naming the known ones, where there is none."""
        try:
            return self.models[slug]
        except KeyError:
            message = f"The models here are {', '.join(self.models)}; there is no '{slug}'."
            raise NotFoundError(message, [FieldError("model", message, "unknown_model")]) from None


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
                routes=tuple(Route(route["name"], route.get("model", slug)) for route in item["providers"]),
            )
            for slug, item in document["models"].items()
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as exc:
        raise ConfigurationError(f"the catalog cannot be read: {exc!r}") from exc
    return Catalog(models)


def embedded() -> Catalog:
    """Read the catalog that ships with the code."""
    return load(EMBEDDED.read_text(encoding="utf-8"))
