"""All providers by name, and which of them this stack is set up for."""

from collections.abc import Mapping
from dataclasses import dataclass

from atelier.catalog import Route
from atelier.ports import HttpClient, ProviderKeys
from atelier.providers import Provider
from atelier.providers.artificial_studio import ArtificialStudio
from atelier.providers.sketch import Sketch


@dataclass(frozen=True, slots=True)
class Setup:
    """What the owner has set up: keys, the addresses of self-hosted providers, and Bedrock's models."""

    keys: ProviderKeys
    urls: Mapping[str, str]
    bedrock_models: tuple[str, ...] = ()

    def ready(self, route: Route) -> bool:
        """Tell whether this stack can take a route."""
        kind = KINDS.get(route.provider)
        return kind is not None and (not kind.needs_key or self.keys.get(route.provider) is not None)


KINDS: Mapping[str, type[Provider]] = {kind.name: kind for kind in (Sketch, ArtificialStudio)}


def providers(http: HttpClient, *, urls: Mapping[str, str]) -> Mapping[str, Provider]:
    """Make every provider that this stack can call; `urls` are addresses that the owner has given them."""
    known: tuple[Provider, ...] = (Sketch(http), ArtificialStudio(http, urls))
    return {provider.name: provider for provider in known}
