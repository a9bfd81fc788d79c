"""Results of models that have no common shape: their pictures, and what their filters took out."""

from collections.abc import Mapping
from typing import Any

from atelier.providers import http_responses
from atelier.providers.provider import Failed, ImageUrls


def read(provider: str, document: Mapping[str, Any]) -> ImageUrls | Failed:
    """Read the URLs of a result's pictures, without those that the model's filter has painted black."""
    pictures, blackened = _listed(document.get("images") or document.get("image")), _blackened(document)
    if not http_responses.urls(pictures):
        words = http_responses.faults(document) or "it finished without a picture"
        return Failed(http_responses.failure(provider, words))
    found = http_responses.urls([picture for n, picture in enumerate(pictures) if n not in blackened])
    return ImageUrls(found) if found else Failed(http_responses.moderation(provider, "it painted the picture black"))


def failed(provider: str, document: Mapping[str, Any]) -> Failed:
    """Read why a model failed."""
    words = http_responses.faults(document)
    details = [item.get("type") for item in _listed(document.get("detail")) if isinstance(item, dict)]
    if "content_policy_violation" in details:
        return Failed(http_responses.moderation(provider, words))
    return Failed(http_responses.failure(provider, words))


def _blackened(document: Mapping[str, Any]) -> frozenset[int]:
    """Number the pictures that the model's filter has painted black."""
    flags = [_listed(document.get(name)) for name in ("has_nsfw_concepts", "nsfw_content_detected", "nsfw")]
    return frozenset(n for found in flags for n, flag in enumerate(found) if flag is True)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
