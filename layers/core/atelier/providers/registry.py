"""All providers by name, and which of them this stack is set up for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from atelier.catalog.model import Route
from atelier.errors import NotFoundError
from atelier.outbound.http_client import HttpClient
from atelier.providers.artificial_studio import ArtificialStudio
from atelier.providers.automatic1111 import Automatic1111
from atelier.providers.bedrock import Bedrock
from atelier.providers.fal import Fal
from atelier.providers.openai import OpenAI
from atelier.providers.ports import ModelInvoker, ProviderKeys
from atelier.providers.provider import AsynchronousProvider, Provider
from atelier.providers.replicate import Replicate
from atelier.providers.sketch.provider import Sketch
from atelier.providers.stability import Stability

KINDS: Mapping[str, type[Provider]] = {
    kind.name: kind for kind in (Sketch, ArtificialStudio, Replicate, Fal, OpenAI, Stability, Bedrock, Automatic1111)
}


@dataclass(frozen=True, slots=True)
class Setup:
    """The operator's configuration: keys, addresses of self-hosted providers, and ARNs of Bedrock's models."""

    keys: ProviderKeys
    urls: Mapping[str, str]
    bedrock_models: tuple[str, ...] = ()

    def ready(self, route: Route) -> bool:
        """Tell whether this stack can take a route."""
        kind = KINDS.get(route.provider)
        if kind is None:
            return False
        if kind.needs_address and kind.name not in self.urls:
            return False
        if kind.needs_listing and not any(arn.endswith(f"/{route.model}") for arn in self.bedrock_models):
            return False
        return not kind.needs_key or self.keys.get(kind.name) is not None


def keyed(name: str) -> type[Provider]:
    """Return a provider that takes a key; NotFoundError, naming those that do, where there is none of the name."""
    kind = KINDS.get(name)
    if kind is None or not kind.takes_key:
        names = ", ".join(other.name for other in KINDS.values() if other.takes_key)
        raise NotFoundError(f"There is no provider '{name}' that takes a key; {names} do.")
    return kind


def asynchronous(
    http: HttpClient, *, urls: Mapping[str, str], verify: Callable[[bytes, bytes, bytes], bool]
) -> Mapping[str, AsynchronousProvider]:
    """Make the providers that have jobs, and call back; `urls` are addresses that the operator has given them.

    `verify` tells whether a public key's holder signed a message.
    """
    known: tuple[AsynchronousProvider, ...] = (
        Sketch(http), ArtificialStudio(http, urls), Replicate(http, urls), Fal(http, urls, verify)
    )  # fmt: skip
    return {provider.name: provider for provider in known}


def synchronous(http: HttpClient, *, urls: Mapping[str, str], models: ModelInvoker) -> Mapping[str, Provider]:
    """Make the providers that answer with the pictures; `models` are Bedrock's."""
    known: tuple[Provider, ...] = (
        OpenAI(http, urls), Stability(http, urls), Bedrock(models), Automatic1111(http, urls)
    )  # fmt: skip
    return {provider.name: provider for provider in known}
