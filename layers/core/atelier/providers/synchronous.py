"""The base of providers that answer with the images."""

from collections.abc import Callable, Mapping
from typing import Any

from atelier.errors import ProviderRejectedError
from atelier.images.image import sniff
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.provider import Images, InputImage, Job, ProviderImage

TIMEOUT_SECONDS = 150.0
"""Pictures can take two minutes, and the dispatch function lives for three."""
MAX_ANSWER_BYTES = 64 * 1024 * 1024


class Synchronous:
    """A provider without jobs: there is nothing to ask for, to stop, or to be called back about."""

    name: str
    inputs: frozenset[str]
    needs_key = True
    takes_key = True
    needs_address = False
    needs_listing = False
    charges = True
    asynchronous = False
    cancels = False

    def check(self, key: str | None) -> None:
        """Do nothing: it takes no key."""


def only_picture(provider: str, job: Job) -> InputImage | None:
    """Return the client's picture, if there is one; ProviderRejectedError where there are several."""
    if len(job.images) > 1:
        raise ProviderRejectedError(http_responses.refusal(provider, "it takes one picture"))
    return job.images[0] if job.images else None


def post(
    http: HttpClient,
    provider: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes,
    message: Callable[[dict[str, Any]], object],
) -> dict[str, Any]:
    """POST a job once and return the good answer's document; raises as http_responses.submit does."""
    response = http_responses.submit(
        http,
        provider,
        url,
        headers=headers,
        content=content,
        timeout=TIMEOUT_SECONDS,
        max_bytes=MAX_ANSWER_BYTES,
        message=message,
    )
    return http_responses.document(response.body)


def listed(value: object) -> list[Any]:
    """Read a JSON list; whatever is none counts as an empty one."""
    return value if isinstance(value, list) else []


def finished(provider: str, pictures: list[Any], cost: int | None = None) -> Images:
    """Read pictures in base64; OutcomeUnknownError where there is none, or one that is none that we keep."""
    decoded = [http_responses.decoded(found, provider) for found in pictures or [None]]
    return Images(tuple(picture(provider, content) for content in decoded), cost)


def picture(provider: str, content: bytes) -> ProviderImage:
    """Take a picture that a provider sent; OutcomeUnknownError where it is none that we keep."""
    content_type = sniff(content)
    if content_type is None:
        raise http_responses.unknown(provider, "answered with something that is no picture")
    return ProviderImage(content, content_type)
