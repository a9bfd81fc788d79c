"""The calls without I/O: generators that yield steps, which the sync and the async client carry out.

A step is answered with its result, or with the httpx error that it met; a flow's return value is the call's.
"""

from __future__ import annotations

import json
import mimetypes
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import httpx

from atelier_client.errors import ApiError, GenerationFailedError, UnavailableError, WaitTimeoutError
from atelier_client.models import Account, FieldError, File, Generation, Model, Page, Status

LONGEST_WAIT_S = 25
"""How long the API keeps a request waiting at most: its gateway ends a call after 29 seconds."""
MAX_KEY_LENGTH = 255
LONGEST_RETRY_AFTER_S = 60.0
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 8.0
FIRST_POLL_S, LONGEST_POLL_S = 0.5, 3.0
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
_FOREIGN = "The answer is not that of an Atelier API; check the base URL."


@dataclass(frozen=True)
class Call:
    """Send a request to the API, with the key."""

    method: str
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True)
class Fetch:
    """Get a public URL, without the key, over redirects."""

    url: str


@dataclass(frozen=True)
class Pause:
    """Sleep."""

    seconds: float


@dataclass(frozen=True)
class Update:
    """Call the caller's function with the generation."""

    generation: Generation


Step: TypeAlias = Call | Fetch | Pause | Update
T = TypeVar("T")
Flow: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True)
class Download:
    """The bytes of a picture and their media type."""

    content: bytes
    content_type: str

    @property
    def suffix(self) -> str:
        """The file name suffix that fits, such as `.png`."""
        return mimetypes.guess_extension(self.content_type, strict=False) or ".png"


@dataclass(frozen=True)
class Flows:
    """The calls of one client: its number of retries, and its clock and chance, which tests replace."""

    max_retries: int
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def create(
        self,
        model: str,
        input: Mapping[str, Any],
        *,
        wait: int | None,
        webhook: str | None = None,
        webhook_events: Sequence[Status] | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[Generation]:
        """Request a generation, and let the API wait for its end for so many seconds at most.

        Every attempt sends the same bytes under the same Idempotency-Key, so at most one generation is made.
        """
        body: dict[str, Any] = {"model": model, "input": dict(input)}
        if webhook is not None:
            body["webhook"] = webhook
        if webhook_events is not None:
            body["webhook_events"] = list(webhook_events)
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        if not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
            raise ApiError(f"The idempotency key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters.")
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "Prefer": f"wait={wait}" if wait else "respond-async",
        }
        content = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        call = Call("POST", "generate", headers=headers, content=content)
        return _read(Generation.from_json, (yield from self.request(call, idempotency_key=key)))

    def run(
        self, model: str, input: Mapping[str, Any], *, timeout: float, idempotency_key: str | None
    ) -> Flow[Generation]:
        """Request a generation, and wait for its end."""
        until = self.clock() + timeout
        wait = min(LONGEST_WAIT_S, int(timeout))
        generation = yield from self.create(model, input, wait=wait, idempotency_key=idempotency_key)
        return (yield from self._ended(generation, until, timeout, notify=False))

    def subscribe(
        self, model: str, input: Mapping[str, Any], *, timeout: float, idempotency_key: str | None
    ) -> Flow[Generation]:
        """Request a generation, report each status, and wait for its end."""
        until = self.clock() + timeout
        generation = yield from self.create(model, input, wait=None, idempotency_key=idempotency_key)
        return (yield from self._ended(generation, until, timeout, notify=True))

    def wait(self, generation_id: str, *, timeout: float) -> Flow[Generation]:
        """Wait for the end of a generation, and report each status."""
        until = self.clock() + timeout
        generation = yield from self._seen(generation_id, until)
        return (yield from self._ended(generation, until, timeout, notify=True))

    def _seen(self, generation_id: str, until: float) -> Flow[Generation]:
        """Read the generation; an outage is no reason to give up before the deadline."""
        while True:
            try:
                return (yield from self.get(generation_id))
            except UnavailableError:
                if self.clock() + LONGEST_POLL_S > until:
                    raise
                yield Pause(LONGEST_POLL_S)

    def get(self, generation_id: str) -> Flow[Generation]:
        """Read a generation."""
        return _read(Generation.from_json, (yield from self.request(Call("GET", _path("generations", generation_id)))))

    def generations(self, *, limit: int, cursor: str, status: str | None) -> Flow[Page]:
        """List generations."""
        params: dict[str, str | int] = {"limit": limit, "cursor": cursor}
        if status:
            params["status"] = status
        return _read(Page.from_json, (yield from self.request(Call("GET", "generations", params=params))))

    def models(self) -> Flow[list[Model]]:
        """List the catalog."""
        answer = yield from self.request(Call("GET", "models"))
        return _read(lambda it: [Model.from_json(one) for one in it["data"]], answer)

    def account(self) -> Flow[Account]:
        """Read the account."""
        return _read(Account.from_json, (yield from self.request(Call("GET", "account"))))

    def cancel(self, generation_id: str) -> Flow[Generation]:
        """Cancel a generation; the API takes the same cancellation twice."""
        call = Call("POST", _path("generations", generation_id, "cancel"))
        return _read(Generation.from_json, (yield from self.request(call)))

    def delete(self, generation_id: str) -> Flow[None]:
        """Delete a generation; one that an earlier attempt of this call deleted is deleted."""
        call = Call("DELETE", _path("generations", generation_id))
        yield from self.request(call, gone_is_done=True)

    def upload(self, content: bytes, *, name: str | None, transient: bool) -> Flow[File]:
        """Store a file."""
        headers = {"Content-Type": "application/octet-stream"} | ({"X-Filename": quote(name)} if name else {})
        params = {"transient": "true"} if transient else {}
        call = Call("POST", "files", params=params, headers=headers, content=content)
        return _read(File.from_json, (yield from self.request(call)))

    def download(self, generation: Generation) -> Flow[list[Download]]:
        """Get the pictures of a generation."""
        if generation.status != "success" or not generation.output:
            raise GenerationFailedError(generation)
        pictures = []
        for url in [picture.url for picture in generation.outputs] or [generation.output]:
            try:
                response = yield from self._answered(Fetch(url))
            except ApiError as exc:
                raise type(exc)(f"Cannot download the picture: {exc}", status=exc.status) from exc
            content_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
            pictures.append(Download(response.content, content_type))
        return pictures

    def request(self, call: Call, *, idempotency_key: str | None = None, gone_is_done: bool = False) -> Flow[Any]:
        """Send a request until it is answered, and return the JSON of the answer; None where there is no body."""
        try:
            response = yield from self._answered(call, gone_is_done=gone_is_done)
        except ApiError as exc:
            exc.idempotency_key = idempotency_key
            raise
        if response is None or response.status_code == httpx.codes.NO_CONTENT:
            return None
        document = _json(response)
        if document is None:
            raise ApiError(_FOREIGN, status=response.status_code, idempotency_key=idempotency_key)
        return document

    def _answered(self, step: Call | Fetch, *, gone_is_done: bool = False) -> Flow[Any]:
        """Repeat the step until it succeeds; raise ApiError where it is refused, or when no retry is left."""
        for attempt in range(self.max_retries + 1):
            try:
                response: httpx.Response = yield step
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as exc:
                raise ApiError(f"The request cannot be sent: {exc}") from exc
            except httpx.HTTPError as exc:
                # A message of httpx may quote a header.
                failure = UnavailableError(f"No answer from the server ({type(exc).__name__}); try again.")
                failure.__cause__, pause = exc, self._backoff(attempt)
            else:
                if response.is_success:
                    return response
                if gone_is_done and attempt and response.status_code == httpx.codes.NOT_FOUND:
                    return None
                refusal = _refusal(response)
                if not isinstance(refusal, UnavailableError):
                    raise refusal
                failure, pause = refusal, max(_retry_after(response), self._backoff(attempt))
            if attempt == self.max_retries or pause > LONGEST_RETRY_AFTER_S:
                raise failure
            yield Pause(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _backoff(self, attempt: int) -> float:
        longest = min(FIRST_BACKOFF_S * 2.0**attempt, LONGEST_BACKOFF_S)
        return longest * (0.5 + 0.5 * self.chance())

    def _ended(self, generation: Generation, until: float, timeout: float, *, notify: bool) -> Flow[Generation]:
        """Read the generation, ever less often, until it has ended."""
        pause, seen = FIRST_POLL_S, None
        while True:
            if notify and generation.status != seen:
                seen = generation.status
                yield Update(generation)
            if generation.status == "success":
                return generation
            if generation.ended:
                raise GenerationFailedError(generation)
            if self.clock() + pause > until:
                raise WaitTimeoutError(generation, timeout)
            yield Pause(pause)
            pause = min(pause * 1.5, LONGEST_POLL_S)
            try:
                generation = yield from self.get(generation.id)
            except UnavailableError:
                continue  # the generation goes on; only the deadline ends the wait


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _refusal(response: httpx.Response) -> ApiError:
    document = _json(response)
    said = document.get("message") if isinstance(document, dict) else None
    errors = _field_errors(document)
    kind = UnavailableError if response.status_code in _RETRIED else ApiError
    return kind(
        str(said or f"HTTP {response.status_code} {response.reason_phrase}".strip()),
        status=response.status_code,
        errors=errors,
    )


def _field_errors(document: object) -> list[FieldError]:
    match document:
        case {"errors": [*errors]}:
            return [
                FieldError(str(one.get("field")), str(one.get("message")), str(one.get("code")))
                for one in errors
                if isinstance(one, dict)
            ]
    return []


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _read(reader: Callable[[Any], T], document: Any) -> T:
    try:
        return reader(document)
    except (KeyError, TypeError, AttributeError) as exc:
        raise ApiError(_FOREIGN) from exc
