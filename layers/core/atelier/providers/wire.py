"""What all providers' HTTP has in common: one call, and what its failure allows."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from atelier.errors import (
    FetchError,
    FetchFailedError,
    FetchRefusedError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
)
from atelier.ports import HttpClient, HttpResponse

MAX_MESSAGE_LENGTH = 1_000
PASSING = (429, 500, 503, 529)
"""No job was taken. 502 and 504 are a gateway's, behind which one may have been."""


def submit(
    http: HttpClient,
    provider: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes,
    timeout: float,
    max_bytes: int,
    message: Callable[[dict[str, Any]], object],
) -> HttpResponse:
    """POST a job once and return the good answer; `message` finds a refusal's words in its document.

    Raises the ProviderError that says what the caller may do next.
    """
    try:
        response = http.send("POST", url, headers=headers, content=content, timeout=timeout, max_bytes=max_bytes)
    except FetchFailedError as exc:
        if exc.sent:
            raise OutcomeUnknownError(f"There was no answer from {provider}.") from exc
        raise ProviderBusyError(f"{provider} could not be reached.") from exc
    except FetchRefusedError as exc:
        raise OutcomeUnknownError(f"{provider} answered with too much.") from exc
    refuse(response, provider, message)
    if not 200 <= response.status < 300:
        raise OutcomeUnknownError(f"{provider} answered {response.status}.")
    return response


def ask(
    http: HttpClient,
    provider: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: float,
    max_bytes: int,
) -> HttpResponse:
    """Make a call that costs nothing and may be repeated; ProviderBusyError where it may be tried again.

    Returns good answers and refusals (4xx).
    """
    try:
        response = http.send(method, url, headers=headers, timeout=timeout, max_bytes=max_bytes)
    except FetchError as exc:
        raise ProviderBusyError(f"{provider} could not be reached.") from exc
    if response.status in (401, 403):
        raise ProviderCredentialsError(f"{provider} refused the key.")
    if response.status in (408, 429) or not 200 <= response.status < 500:
        raise ProviderBusyError(f"{provider} answered {response.status}.", retry_after=retry_after(response.headers))
    return response


def refuse(response: HttpResponse, provider: str, message: Callable[[dict[str, Any]], object]) -> None:
    """Raise for the answers after which no job exists; `message` may itself raise what the provider's codes say."""
    if response.status < 400:
        return
    words = text(message(document(response.body)))
    match response.status:
        case 401 | 402 | 403:
            raise ProviderCredentialsError(f"{provider} refused our account ({response.status}): its key or credit.")
        case status if status in PASSING:
            raise ProviderBusyError(f"{provider} answered {status}.", retry_after=retry_after(response.headers))
        case status if 400 <= status < 500 and status != 408:
            raise ProviderRejectedError(words or f"The provider {provider} refused the request ({status}).")


def document(body: bytes | str) -> dict[str, Any]:
    """Read a JSON object; whatever is none counts as an empty one."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text(value: object) -> str | None:
    """Take words for the client, without lone surrogates, which JSON can carry and UTF-8 cannot."""
    if not isinstance(value, str) or not value:
        return None
    return value[:MAX_MESSAGE_LENGTH].encode(errors="replace").decode()


def decoded(value: object, provider: str) -> bytes:
    """Read a picture in base64, with or without the head of a data URL; OutcomeUnknownError where it is none."""
    if isinstance(value, str):
        try:
            return base64.b64decode(value.rpartition(",")[2], validate=True)
        except (binascii.Error, ValueError) as exc:
            raise OutcomeUnknownError(f"{provider} answered with a picture that cannot be read.") from exc
    raise OutcomeUnknownError(f"{provider} answered without a picture.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the seconds of a Retry-After header."""
    header = headers.get("retry-after", "")
    return float(header) if header.isascii() and header.isdigit() and len(header) < 10 else None
