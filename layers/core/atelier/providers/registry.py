"""All providers by name."""

from collections.abc import Callable, Mapping

from atelier.ports import HttpClient
from atelier.providers import Provider
from atelier.providers.artificial_studio import ArtificialStudio
from atelier.providers.sketch import Sketch

CALLBACK_READERS: Mapping[str, Callable[[str], str | None]] = {
    kind.name: kind.callback_job_id for kind in (Sketch, ArtificialStudio)
}


def providers(http: HttpClient, *, artificial_studio_url: str) -> Mapping[str, Provider]:
    """Make every provider that this stack can call."""
    known: tuple[Provider, ...] = (Sketch(http), ArtificialStudio(http, artificial_studio_url))
    return {provider.name: provider for provider in known}
