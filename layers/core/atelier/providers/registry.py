"""All providers by name, and which of them this stack is set up for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from atelier.catalog.gateway import Gateway
from atelier.catalog.model import Catalog, Route
from atelier.clock import now_ms
from atelier.errors import NotFoundError
from atelier.outbound.http_client import HttpClient
from atelier.providers.artificial_studio import ArtificialStudio
from atelier.providers.automatic1111 import Automatic1111
from atelier.providers.bedrock import Bedrock
from atelier.providers.bfl import BlackForestLabs
from atelier.providers.comfyui import ComfyUI
from atelier.providers.fal import Fal
from atelier.providers.gemini import Gemini
from atelier.providers.ideogram import Ideogram
from atelier.providers.openai import OpenAI
from atelier.providers.openai_shaped import shaped
from atelier.providers.ports import ModelInvoker, ProviderKeys
from atelier.providers.provider import Provider
from atelier.providers.replicate import Replicate
from atelier.providers.sketch.provider import Sketch
from atelier.providers.stability import Stability

_MODULES: tuple[type[Provider], ...] = (
    Sketch, ArtificialStudio, Replicate, Fal, BlackForestLabs, OpenAI, Gemini, Ideogram, Stability, Bedrock, ComfyUI,
    Automatic1111,
)  # fmt: skip
KINDS: Mapping[str, type[Provider]] = {kind.name: kind for kind in _MODULES}
KEYS_FOR_CALLBACKS = frozenset({Replicate.name})
"""The providers that tell only the holder of a key how they sign their callbacks."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The operator's configuration: keys, addresses of self-hosted providers, and ARNs of Bedrock's models.

    `clock` tells which models have ended at their providers.
    """

    keys: ProviderKeys
    urls: Mapping[str, str]
    bedrock_models: tuple[str, ...] = ()
    clock: Callable[[], int] = now_ms

    def ready(self, route: Route) -> bool:
        """Tell whether this stack can take a route: it is set up, and the provider still serves the model."""
        if route.has_ended(self.clock()):
            return False
        kind: type[Provider] | Gateway | None = KINDS.get(route.provider) or route.gateway
        if kind is None or (kind.needs_address and kind.name not in self.urls):
            return False
        listing = not isinstance(kind, Gateway) and kind.needs_listing
        if listing and not any(arn.endswith(f"/{route.model}") for arn in self.bedrock_models):
            return False
        return not kind.needs_key or self.keys.get(kind.name) is not None


def kinds(catalog: Catalog) -> Mapping[str, type[Provider]]:
    """Return all providers by name: those with a module, and the gateways that the catalog describes."""
    return {**KINDS, **{name: shaped(one) for name, one in catalog.gateways.items() if name not in KINDS}}


def keyed(name: str, catalog: Catalog) -> type[Provider]:
    """Return a provider that takes a key; NotFoundError, naming those that do, where there is none of the name."""
    known = kinds(catalog)
    kind = known.get(name)
    if kind is None or not kind.takes_key:
        names = ", ".join(other.name for other in known.values() if other.takes_key)
        raise NotFoundError(f"There is no provider '{name}' that takes a key; {names} do.")
    return kind


def testable(name: str, catalog: Catalog) -> type[Provider]:
    """Return a provider that can be tested; NotFoundError where there is none of the name."""
    kind = kinds(catalog).get(name)
    return kind if kind is not None and kind.needs_listing else keyed(name, catalog)


def synchronous(http: HttpClient, *, urls: Mapping[str, str], models: ModelInvoker) -> Mapping[str, Provider]:
    """Make the providers that answer with the pictures; `models` are Bedrock's."""
    known: tuple[Provider, ...] = (
        OpenAI(http, urls), Gemini(http, urls), Ideogram(http, urls), Stability(http, urls), Bedrock(models),
        Automatic1111(http, urls),
    )  # fmt: skip
    return {provider.name: provider for provider in known}


@dataclass(frozen=True, slots=True)
class Gateways:
    """Makes the providers that the catalog describes.

    An address in `urls`, the operator's parameter, is called whatever it is, by `http`. One in the catalog, which is an
    object that more people may write, must be public, which `public` sees to.
    """

    http: HttpClient
    public: HttpClient
    urls: Mapping[str, str]

    def __call__(self, gateway: Gateway) -> Provider:
        """Make the provider of a gateway."""
        url = self.urls.get(gateway.name)
        return shaped(gateway)(self.http if url else self.public, url)
