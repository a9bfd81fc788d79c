"""A typed client of the two APIs that the command speaks: the admin's and the public one."""

from __future__ import annotations

import mimetypes
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypedDict, TypeVar, cast
from urllib.parse import quote

import httpx

from atelier_cli.errors import ApiError, GenerationError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Status = Literal["pending", "processing", "uploading", "success", "error"]
Record = TypeVar("Record")

_UNFINISHED = {"pending", "processing", "uploading"}
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 3.0
_FOREIGN = "the answer is not that of an Atelier API; check --stack"


class User(TypedDict):
    """Someone who owns keys and generations."""

    id: str
    email: str
    name: str
    plan: str
    credits: int | None
    createdAt: str


class LedgerEntry(TypedDict):
    """One change of a user's credits."""

    id: str
    kind: str
    amount: int
    generationId: str | None
    note: str | None
    createdAt: str


class Key(TypedDict):
    """An API key as the stack remembers it, which is without the key itself."""

    id: str
    name: str
    prefix: str
    userId: str
    userEmail: str
    test: bool
    scopes: list[str]
    requestsPerMinute: int | None
    models: list[str] | None
    createdAt: str
    expiresAt: str | None
    lastUsedAt: str | None
    revokedAt: str | None


class NewKey(Key):
    """A key just made: the only answer that carries the key itself."""

    key: str


class RetiredSecret(TypedDict):
    """An older webhook secret that still signs for a while."""

    version: int
    secret: str
    signsUntil: str


class WebhookSecret(TypedDict):
    """A user's secret for verifying webhooks, and the older ones that still sign."""

    version: int
    secret: str
    retired: list[RetiredSecret]


class Provider(TypedDict):
    """A provider as an admin sees it; `set` is None where it needs no key."""

    name: str
    needsKey: bool
    set: bool | None
    models: list[str]


class Started(TypedDict):
    """A generation as the answer to its creation names it."""

    id: str
    status: str


class StoredPicture(TypedDict):
    """A picture that the stack keeps: its size in bytes and pixels."""

    url: str
    contentType: str
    size: int
    width: int
    height: int


class Generation(Started):
    """A generation as its owner sees it."""

    output: str | None
    error: str | None


class MadeGeneration(Generation):
    """A generation as its owner sees it alone, with all its pictures."""

    outputs: list[StoredPicture]


class OwnedGeneration(Generation):
    """A generation as an admin sees it."""

    model: str | None
    tool: str | None
    type: str
    userId: str
    provider: str | None
    cost: int
    payload: dict[str, object]
    createdAt: str
    finishedAt: str | None


class Moment(TypedDict):
    """When a generation came to a status."""

    status: str
    at: str


class Turn(TypedDict):
    """One provider's attempt, how many milliseconds it took, and why it ended without a picture."""

    provider: str
    model: str
    at: str
    duration: int | None
    error: str | None


class Attempt(TypedDict):
    """One try to tell a webhook; `answer` is the beginning of what it answered."""

    at: str
    duration: int
    statusCode: int | None
    reason: str | None
    answer: str | None


class Delivery(TypedDict):
    """How telling a webhook of an event went; `reason` says why it was given up."""

    id: str
    event: Status
    url: str
    status: str
    reason: str | None
    attempts: list[Attempt]
    nextAttemptAt: str | None


class GenerationDetail(OwnedGeneration):
    """A generation and all that happened to it."""

    outputs: list[StoredPicture]
    inputs: list[StoredPicture]
    cancelledAt: str | None
    refunded: bool
    attempts: list[Turn]
    webhook: str | None
    webhookEvents: list[Status]
    timeline: list[Moment]
    deliveries: list[Delivery]


class Model(TypedDict):
    """What can be asked for; `cost` is in credits a picture."""

    slug: str
    name: str
    available: bool
    cost: int


class UploadedFile(TypedDict):
    """A file that was uploaded."""

    url: str


class Day(TypedDict):
    """What became of one day's generations."""

    date: str
    success: int
    error: int
    other: int


class Overview(TypedDict):
    """What became of some days' generations."""

    days: list[Day]
    successRate: float | None
    medianSeconds: float | None
    creditsSpent: int
    deadLetters: int


@dataclass(frozen=True)
class EncodedImage:
    """A downloaded output and the file name suffix that fits it."""

    content: bytes
    suffix: str


class _Api:
    """JSON requests over one authorized httpx client; every failure becomes an ApiError."""

    unauthorized: ClassVar[str]

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def _call(
        self,
        method: str,
        *path: str,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> object:
        url = "/".join(quote(part, safe="") for part in path)
        host = self._http.base_url.netloc.decode()
        try:
            response = self._http.request(method, url, params=params, json=json, content=content, headers=headers)
        except httpx.ConnectError as exc:
            raise ApiError(f"cannot connect to {host}: {exc}; run `make run` or pass --stack") from exc
        except httpx.TimeoutException as exc:
            raise UnavailableError(f"{host} does not answer; try again") from exc
        except httpx.HTTPError as exc:
            # Not the message: for a malformed header it quotes the secret.
            raise UnavailableError(f"the request to {host} broke off ({type(exc).__name__}); try again") from exc
        if response.is_success:
            return _json(response)
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> ApiError:
        said = f"{_reason(response)} (HTTP {response.status_code})"
        match response.status_code:
            case 401:
                return ApiError(f"{said}; {self.unauthorized}")
            case 404:
                return ApiError(f"{said}; check the id and --stack")
            case 429 | 500 | 502 | 503 | 504:
                return UnavailableError(f"{said}; try again")
        return ApiError(said)


class AdminApi(_Api):
    """The admin API: every user's keys, secrets and generations."""

    unauthorized = "check --stack and its admin secret (ATELIER_ADMIN_SECRET for a URL)"

    def create_key(self, name: str, *, user: str, test: bool, limits: Mapping[str, object]) -> NewKey:
        """Make a key for the user with this email; `limits` are the fields that hold it back."""
        return _record(NewKey, self._call("POST", "keys", json={"name": name, "user": user, "test": test, **limits}))

    def rotate_key(self, key_id: str, *, overlap: int) -> NewKey:
        """Replace a key by a new one; the old one holds for so many seconds."""
        return _record(NewKey, self._call("POST", "keys", key_id, "rotate", json={"overlapSeconds": overlap}))

    def keys(self) -> list[Key]:
        """List all keys, revoked ones too."""
        return _records(Key, self._call("GET", "keys"))

    def revoke_key(self, key_id: str) -> Key:
        """Revoke a key for good."""
        return _record(Key, self._call("DELETE", "keys", key_id))

    def users(self) -> list[User]:
        """List all users."""
        return _records(User, self._call("GET", "users"))

    def create_user(self, email: str, fields: Mapping[str, object]) -> User:
        """Make a user."""
        return _record(User, self._call("POST", "users", json={"email": email, **fields}))

    def top_up(self, user: str, *, amount: int, note: str | None) -> User:
        """Give the user with this email or id more credits."""
        body = {"amount": amount} | ({"note": note} if note else {})
        return _record(User, self._call("POST", "users", self._user_id(user), "credits", json=body))

    def ledger(self, user: str) -> list[LedgerEntry]:
        """List how the credits of the user with this email or id changed."""
        return _records(LedgerEntry, self._call("GET", "users", self._user_id(user), "ledger"))

    def webhook_secret(self, user: str) -> WebhookSecret:
        """Get the webhook secret of the user with this email or id."""
        return _record(WebhookSecret, self._call("GET", "users", self._user_id(user), "webhook-secret"))

    def rotate_webhook_secret(self, user: str) -> WebhookSecret:
        """Give the user with this email or id a new webhook secret; the old one signs for a day more."""
        return _record(WebhookSecret, self._call("POST", "users", self._user_id(user), "webhook-secret", "rotate"))

    def providers(self) -> list[Provider]:
        """List the providers, and whether each has a key."""
        return _records(Provider, self._call("GET", "providers"))

    def set_provider_key(self, name: str, key: str) -> Provider:
        """Set a provider's key."""
        return _record(Provider, self._call("POST", "providers", name, json={"key": key}))

    def unset_provider_key(self, name: str) -> Provider:
        """Unset a provider's key."""
        return _record(Provider, self._call("DELETE", "providers", name))

    def generations(
        self, *, limit: int, status: Status | None = None, model: str | None = None, user: str | None = None
    ) -> list[OwnedGeneration]:
        """List the newest generations, those of one status, model or user if it is given."""
        filters = {"status": status, "model": model, "user": user}
        params = {"limit": limit} | {name: value for name, value in filters.items() if value}
        return _records(OwnedGeneration, self._call("GET", "generations", params=params))

    def generation(self, generation_id: str) -> GenerationDetail:
        """Get one generation of any user, and what happened to it."""
        return _record(GenerationDetail, self._call("GET", "generations", generation_id))

    def cancel(self, generation_id: str) -> OwnedGeneration:
        """Cancel a generation, as far as it still can be."""
        return _record(OwnedGeneration, self._call("POST", "generations", generation_id, "cancel"))

    def delete(self, generation_id: str) -> None:
        """Delete a finished generation and its files."""
        self._call("DELETE", "generations", generation_id)

    def redeliver(self, generation_id: str, event: Status | None = None) -> list[Delivery]:
        """Tell a generation's webhook again, of an event or of all."""
        body = {"event": event} if event else None
        return _records(Delivery, self._call("POST", "generations", generation_id, "redeliver", json=body))

    def overview(self, *, days: int) -> Overview:
        """Count what became of the newest generations."""
        return _record(Overview, self._call("GET", "overview", params={"days": days}))

    def _user_id(self, user: str) -> str:
        if "@" not in user:
            return user
        for known in self.users():
            if known["email"].casefold() == user.casefold():
                return known["id"]
        raise ApiError(f"no user has the email {user}; see `atelier users list`")


class PublicApi(_Api):
    """The public API, as the holder of one key uses it."""

    unauthorized = "check ATELIER_API_KEY, or make a key with `atelier keys create`"

    def __init__(
        self,
        http: httpx.Client,
        files: httpx.Client,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the client that carries the key, and for files of other hosts one that does not."""
        super().__init__(http)
        self._files = files
        self._sleep = sleep
        self._clock = clock

    def models(self) -> list[Model]:
        """List what can be asked for, and what cannot just now."""
        return _records(Model, self._call("GET", "models"))

    def upload(self, content: bytes) -> str:
        """Store a picture for a while, and return the URL under which inputs may name it."""
        headers = {"Content-Type": "application/octet-stream"}
        stored = self._call("POST", "files", params={"transient": "true"}, content=content, headers=headers)
        return _record(UploadedFile, stored)["url"]

    def generate(self, model: str, inputs: Mapping[str, object]) -> Started:
        """Start a generation without waiting for it."""
        body = {"model": model, "input": inputs}
        return _record(Started, self._call("POST", "generate", json=body, headers={"Prefer": "respond-async"}))

    def wait(self, generation_id: str, *, timeout: float, on_status: Callable[[str], None]) -> MadeGeneration:
        """Ask for the generation, ever less often, until it has ended, and tell each status seen."""
        deadline = self._clock() + timeout
        pause = _FIRST_PAUSE_S
        while self._clock() + pause <= deadline:
            self._sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
            try:
                answer = self._call("GET", "generations", generation_id)
            except UnavailableError:
                continue
            generation = _record(MadeGeneration, answer)
            on_status(generation["status"])
            if generation["status"] not in _UNFINISHED:
                return generation
        raise GenerationError(f"not finished after {timeout:g} s")

    def download(self, generation: MadeGeneration) -> list[EncodedImage]:
        """Fetch the generation's pictures without showing anyone the key."""
        if generation["status"] != "success" or not generation["outputs"]:
            raise GenerationError(f"the generation failed: {generation['error'] or generation['status']}")
        return [self._picture(output["url"]) for output in generation["outputs"]]

    def _picture(self, url: str) -> EncodedImage:
        try:
            response = self._files.get(url)
            response.raise_for_status()
        except httpx.HTTPStatusError as exc:
            raise ApiError(f"cannot download the output (HTTP {exc.response.status_code})") from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise ApiError(f"cannot download the output: {exc}") from exc
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        return EncodedImage(response.content, mimetypes.guess_extension(kind, strict=False) or ".png")


def _json(response: httpx.Response) -> object:
    try:
        return cast("object", response.json())
    except ValueError:
        return None


def _reason(response: httpx.Response) -> str:
    match _json(response):
        case {"message": message, "errors": [_, *_] as errors}:
            return f"{message}: {'; '.join(map(_detail, errors))}"
        case {"message": message}:
            return str(message)
    return response.reason_phrase or "unexpected answer"


def _detail(error: object) -> str:
    match error:
        case {"field": field, "message": message, "code": code}:
            return f"{field}: {message} ({code})"
    return str(error)


def _records(kind: type[Record], answer: object) -> list[Record]:
    match answer:
        case {"data": [*items]}:
            return [_record(kind, item) for item in items]
    raise ApiError(_FOREIGN)


def _record(kind: type[Record], answer: object) -> Record:
    if isinstance(answer, dict) and kind.__annotations__.keys() <= answer.keys():
        return cast("Record", answer)
    raise ApiError(_FOREIGN)
