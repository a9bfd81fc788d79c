"""HTTP calls to providers: what a response means (429: try again; 400: refused), and messages for clients."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from atelier.clock import SECOND
from atelier.errors import (
    UNSAFE,
    FetchError,
    FetchFailedError,
    FetchRefusedError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
)
from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.outbound.retry_after import retry_after

MAX_MESSAGE_LENGTH = 1_000
MAX_URL_LENGTH = 2_048
MAX_URLS = 16
MAX_DOLLARS = 1_000
MAX_UNITS = 1e15
CHECK_SECONDS = 10.0
MAX_CHECK_BYTES = 5 * 1024 * 1024
PASSING = (429, 503, 529)
"""No job was taken. After 500 one may have been, and 502 and 504 are a gateway's, behind which one may have been."""
ACCOUNT = (401, 402, 403)
"""Our account is refused: its key, its credit, or its right to the model."""

_JOB_ID = re.compile(r"[0-9A-Za-z_-]{1,200}")
_HEADER = re.compile(r"[!-~]+(?: [!-~]+)*")
_RESET = re.compile(r"\bresets? in ~?([0-9]{1,9}) ?s", re.IGNORECASE)
_UNSAFE = re.compile(
    r"nsfw|\bflagged\b|moderat|content[ _-](policy|filter|checker)|\bsafety\b|\bunsafe\b|\bE005\b", re.IGNORECASE
)


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
    _check(headers, provider)
    try:
        response = http.send("POST", url, headers=headers, content=content, timeout=timeout, max_bytes=max_bytes)
    except FetchFailedError as exc:
        if exc.sent:
            raise unknown(provider, "did not answer") from exc
        raise ProviderBusyError(f"The provider {provider} could not be reached; try again later.") from exc
    except FetchRefusedError as exc:
        raise unknown(provider, "answered with more than can be read") from exc
    refuse(response, provider, message)
    if not 200 <= response.status < 300:
        raise unknown(provider, f"answered {response.status}")
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
    """Make a call that costs nothing and may be repeated, and return the good answer, or what is refused for good.

    ProviderBusyError where it may be tried again, ProviderCredentialsError where our account is refused.
    """
    response = call(http, provider, method, url, headers=headers, timeout=timeout, max_bytes=max_bytes)
    answered(response, provider)
    return response


def check(
    http: HttpClient,
    provider: str,
    url: str,
    *,
    headers: Mapping[str, str],
    known: Collection[int] = (),
    message: Callable[[dict[str, Any]], object] = lambda _: None,
) -> None:
    """GET what only a good key may read; `known` are refusals that say as much, since they come after the key's check.

    Raises as `ask` does, and ProviderRejectedError where the answer is none of the provider's; `message` may itself
    raise what the provider's codes say.
    """
    response = ask(http, provider, "GET", url, headers=headers, timeout=CHECK_SECONDS, max_bytes=MAX_CHECK_BYTES)
    message(document(response.body))
    if response.status >= 300 and response.status not in known:
        raise ProviderRejectedError(
            f"The provider {provider} answered {response.status} to a request for its account; check its address."
        )


def call(
    http: HttpClient,
    provider: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    timeout: float,
    max_bytes: int,
) -> HttpResponse:
    """Make a call that costs nothing, and return whatever the answer is; ProviderBusyError where there is none."""
    _check(headers, provider)
    try:
        return http.send(method, url, headers=headers, content=content, timeout=timeout, max_bytes=max_bytes)
    except FetchError as exc:
        raise ProviderBusyError(f"The provider {provider} could not be reached; try again later.") from exc


def answered(response: HttpResponse, provider: str) -> None:
    """Raise for an answer to a call that may be repeated unless it is good, or a refusal for good."""
    if response.status in ACCOUNT:
        raise ProviderCredentialsError(account(provider, response.status))
    if not (200 <= response.status < 300 or 400 <= response.status < 500) or response.status in (408, 425, 429):
        raise _busy(response, provider)


def refuse(response: HttpResponse, provider: str, message: Callable[[dict[str, Any]], object]) -> None:
    """Raise for the answers after which no job exists; `message` may itself raise what the provider's codes say."""
    if response.status < 400:
        return
    words = message(document(response.body))
    match response.status:
        case status if status in ACCOUNT:
            raise ProviderCredentialsError(account(provider, status))
        case status if status in PASSING:
            raise _busy(response, provider, words)
        case status if 400 <= status < 500 and status != 408:
            raise ProviderRejectedError(refusal(provider, words))


def unknown(provider: str, what: str) -> OutcomeUnknownError:
    """Make the error of a call after which a job may exist or not."""
    return OutcomeUnknownError(f"The provider {provider} {what}; it may have taken the job, so it is not asked again.")


def account(provider: str, reason: object) -> str:
    """Tell that our account is refused; `reason` is a status, or the provider's own code."""
    return (
        f"The provider {provider} refuses this stack's account ({reason}): its key, its credit or its right to the "
        "model; tell the operator."
    )


def refusal(provider: str, words: object) -> str:
    """Tell a client that an input is refused, in the provider's own words where there are some."""
    return _unsafe(provider, words) or f"The provider {provider} refused the input{_quoted(words)}; change it."


def failure(provider: str, words: object) -> str:
    """Tell a client that a job failed, in the provider's own words where there are some."""
    return (
        _unsafe(provider, words)
        or f"The provider {provider} could not make the picture{_quoted(words)}; try again, or change the input."
    )


def moderation(provider: str, words: object) -> str:
    """Tell a client that a prompt or its picture is held to be unsafe."""
    return f"The provider {provider} {UNSAFE}{_quoted(words)}; change the prompt."


def faults(document: Mapping[str, Any]) -> str | None:
    """Put an error into words: a `detail` that is text or a list of faults, each with its field, or an `error`."""
    found = document.get("detail") or document.get("error")
    listed = found if isinstance(found, list) else [] if found is None else [found]
    return text("; ".join(filter(None, map(_fault, listed))))


def _fault(item: object) -> str:
    if not isinstance(item, dict):
        return item if isinstance(item, str) else ""
    place = item.get("loc")
    parts = place if isinstance(place, list) else [place]
    field = ".".join(str(part) for part in parts if part not in ("body", None))
    said = item.get("msg") or item.get("message")
    return ": ".join(part for part in (field, said) if isinstance(part, str) and part)


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


def job_id(value: object) -> str | None:
    """Return a job's id if it can be part of a URL's path."""
    return value if isinstance(value, str) and _JOB_ID.fullmatch(value) else None


def urls(value: object) -> tuple[str, ...]:
    """Pick the pictures' URLs out of a JSON value, in order: strings, or objects with a `url`, however they are nested.

    Whether a URL may be fetched is for the client that fetches it to say.
    """
    found: dict[str, None] = {}
    left = [value]
    while left and len(found) < MAX_URLS:
        match left.pop():
            case str(url) if url.startswith(("https://", "http://")) and url.isascii() and len(url) <= MAX_URL_LENGTH:
                found[url] = None
            case {"url": str(url)}:
                left.append(url)
            case dict(members):
                left += reversed(members.values())
            case list(items):
                left += reversed(items)
    return tuple(found)


def decoded(value: object, provider: str) -> bytes:
    """Read a picture in base64, with or without the head of a data URL; OutcomeUnknownError where it is none."""
    if isinstance(value, str):
        try:
            return base64.b64decode(value.rpartition(",")[2], validate=True)
        except (binascii.Error, ValueError) as exc:
            raise unknown(provider, "answered with a picture that cannot be read") from exc
    raise unknown(provider, "answered without a picture")


def cost(answer: Mapping[str, Any], units: Mapping[str, float]) -> int | None:
    """Return what an answer says that it cost, in millionths of a US dollar; None where it does not, or nonsense.

    `units` has its fields, dots between their parts, and how many dollars a unit of each is; they are added up.
    """
    amounts = [_amount(answer, path) for path in units]
    if not amounts or None in amounts:
        return None
    dollars = sum(amount * unit for amount, unit in zip(amounts, units.values(), strict=True) if amount is not None)
    return round(dollars * 1_000_000) if 0 <= dollars < MAX_DOLLARS else None


def _amount(answer: object, path: str) -> float | None:
    for name in path.split("."):
        answer = answer.get(name) if isinstance(answer, Mapping) else None
    known = isinstance(answer, int | float) and not isinstance(answer, bool)
    return float(min(max(answer, -1), MAX_UNITS)) if known and isinstance(answer, int | float) else None


def _check(headers: Mapping[str, str], provider: str) -> None:
    """Find out a key that no header can hold before anything is sent, since afterwards nobody knows what was."""
    if not all(_HEADER.fullmatch(value) for value in headers.values()):
        raise ProviderCredentialsError(
            f"The key for the provider {provider} is empty, or has spaces, line ends or other than ASCII characters "
            "in it; tell the operator."
        )


def _busy(response: HttpResponse, provider: str, words: object = None) -> ProviderBusyError:
    """Make the error of a busy provider, which says when to come back in a header, or in words as Replicate does."""
    asked = retry_after(response.headers)
    wait = None if asked is None else asked / SECOND
    if wait is None and isinstance(words, str) and (found := _RESET.search(words)):
        wait = float(found[1])
    return ProviderBusyError(
        f"The provider {provider} is busy or out of order ({response.status}); try again later.", retry_after=wait
    )


def _unsafe(provider: str, words: object) -> str | None:
    return moderation(provider, words) if isinstance(words, str) and _UNSAFE.search(words) else None


def _quoted(words: object) -> str:
    """Put a provider's words, if there are any, into one line that ends without a full stop."""
    line = " ".join((text(words) or "").split()).rstrip(".;")
    return f": {line}" if line else ""
