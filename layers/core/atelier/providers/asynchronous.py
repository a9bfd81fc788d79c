"""The providers that have jobs: apart from the registry, since a callback needs no others."""

from collections.abc import Callable, Mapping

from atelier.outbound.http_client import HttpClient
from atelier.providers.artificial_studio import ArtificialStudio
from atelier.providers.bfl import BlackForestLabs
from atelier.providers.comfyui import ComfyUI
from atelier.providers.fal import Fal
from atelier.providers.provider import AsynchronousProvider
from atelier.providers.replicate import Replicate
from atelier.providers.sketch.provider import Sketch


def asynchronous(
    http: HttpClient, *, urls: Mapping[str, str], verify: Callable[[bytes, bytes, bytes], bool]
) -> Mapping[str, AsynchronousProvider]:
    """Make the providers that have jobs, and call back; `urls` are addresses that the operator has given them.

    `verify` tells whether a public key's holder signed a message.
    """
    known: tuple[AsynchronousProvider, ...] = (
        Sketch(http), ArtificialStudio(http, urls), Replicate(http, urls), Fal(http, urls, verify),
        BlackForestLabs(http, urls), ComfyUI(http, urls),
    )  # fmt: skip
    return {provider.name: provider for provider in known}
