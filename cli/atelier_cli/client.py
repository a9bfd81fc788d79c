"""A typed client of the admin API. The public one is that of the package atelier_client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar, cast
from urllib.parse import quote

import httpx

from atelier_cli.errors import ApiError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Status = Literal["pending", "processing", "uploading", "success", "error"]
Record = TypeVar("Record")

_FOREIGN = "the answer is not that of an Atelier API; check --stack"


class User(TypedDict):
    """Someone who owns keys and generations."""

    id: str
    email: str
    name: str
    plan: str
    credits: int | None
    budgetPerDay: int | None
    budgetPerMonth: int | None
    disabledAt: str | None
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
    disabledAt: str | None
    userDisabledAt: str | None
    budgetPerDay: int | None
    budgetPerMonth: int | None


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
    """A provider as an admin sees it; `set` is None where it takes no key."""

    name: str
    needsKey: bool
    set: bool | None
    configured: bool
    models: list[str]
    breaker: str
    lastError: str | None
    lastErrorAt: str | None


class ProviderTest(TypedDict):
    """Whether a provider takes this stack's key, and what it answered where it does not."""

    name: str
    accepted: bool
    message: str | None


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


class Day(TypedDict):
    """One day's generations by outcome."""

    date: str
    success: int
    error: int
    cancelled: int


class Overview(TypedDict):
    """Some days' generations by outcome."""

    days: list[Day]
    successRate: float | None
    averageSeconds: float | None
    creditsSpent: int
    inProgress: int
    deadLetters: int


class AdminApi:
    """The admin API: every user's keys, secrets and generations. Every failure becomes an ApiError."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def _call(
        self,
        method: str,
        *path: str,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> object:
        url = "/".join(quote(part, safe="") for part in path)
        host = self._http.base_url.netloc.decode()
        try:
            response = self._http.request(method, url, params=params, json=json)
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

    def _pages(
        self, kind: type[Record], path: str, params: Mapping[str, str | int], cursor: str | None = None
    ) -> Iterator[Record]:
        """List what is on all pages of a list."""
        while True:
            answer = self._call("GET", path, params={**params, **({"cursor": cursor} if cursor else {})} or None)
            yield from _records(kind, answer)
            match answer:
                case {"pagination": {"nextCursor": str(cursor)}}:
                    continue
            return

    def _refusal(self, response: httpx.Response) -> ApiError:
        document = _json(response)
        said = f"{_reason(document) or response.reason_phrase or 'unexpected answer'} (HTTP {response.status_code})"
        match response.status_code:
            case 401:
                return ApiError(f"{said}; check --stack and its admin secret (ATELIER_ADMIN_SECRET for a URL)")
            case 404:
                return ApiError(f"{said}; check the id and --stack")
            case 429 | 500 | 502 | 503 | 504:
                # A message of the stack's own says what to do.
                return UnavailableError(said if _reason(document) else f"{said}; try again")
        return ApiError(said)

    def create_key(self, name: str, *, user: str, test: bool, limits: Mapping[str, object]) -> NewKey:
        """Make a key for the user with this email; `limits` are the fields that hold it back."""
        return _record(NewKey, self._call("POST", "keys", json={"name": name, "user": user, "test": test, **limits}))

    def rotate_key(self, key_id: str, *, overlap: int) -> NewKey:
        """Replace a key by a new one; the old one holds for so many seconds."""
        return _record(NewKey, self._call("POST", "keys", key_id, "rotate", json={"overlapSeconds": overlap}))

    def keys(self, search: str | None = None) -> Iterator[Key]:
        """List the keys, revoked ones too, or those that a text is found in."""
        return self._pages(Key, "keys", {"q": search} if search else {})

    def revoke_key(self, key_id: str) -> Key:
        """Revoke a key for good."""
        return _record(Key, self._call("DELETE", "keys", key_id))

    def edit_key(self, key_id: str, changes: Mapping[str, object]) -> Key:
        """Change a key's name, limits or state; None removes a limit."""
        return _record(Key, self._call("PATCH", "keys", key_id, json=changes))

    def users(self, search: str | None = None) -> Iterator[User]:
        """List the users, or those that a text is found in."""
        return self._pages(User, "users", {"q": search} if search else {})

    def create_user(self, email: str, fields: Mapping[str, object]) -> User:
        """Make a user."""
        return _record(User, self._call("POST", "users", json={"email": email, **fields}))

    def edit_user(self, user: str, changes: Mapping[str, object]) -> User:
        """Change the name, plan, budget or state of the user with this email or id; None removes a limit."""
        return _record(User, self._call("PATCH", "users", self._user_id(user), json=changes))

    def delete_user(self, user: str) -> None:
        """Delete the user with this email or id, and revoke all keys of it."""
        self._call("DELETE", "users", self._user_id(user))

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

    def test_provider(self, name: str) -> ProviderTest:
        """Have the stack make a provider's free call."""
        return _record(ProviderTest, self._call("POST", "providers", name, "test"))

    def unset_provider_key(self, name: str) -> Provider:
        """Unset a provider's key."""
        return _record(Provider, self._call("DELETE", "providers", name))

    def generations(
        self,
        *,
        page: int,
        cursor: str | None = None,
        status: Status | None = None,
        model: str | None = None,
        user: str | None = None,
        search: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Iterator[OwnedGeneration]:
        """List the generations that fit, newest first, `page` at a time; `search` is in the prompt or begins the id."""
        filters = {"status": status, "model": model, "user": user, "q": search, "from": since, "to": until}
        params: dict[str, str | int] = {"limit": page} | {name: value for name, value in filters.items() if value}
        return self._pages(OwnedGeneration, "generations", params, cursor)

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

    def user(self, user: str) -> User:
        """Find the user with this email or id."""
        for known in self.users():
            if user.casefold() in (known["email"].casefold(), known["id"].casefold()):
                return known
        raise ApiError(f"no user has the email or id {user}; see `atelier users list`")

    def _user_id(self, user: str) -> str:
        return self.user(user)["id"] if "@" in user else user


def _json(response: httpx.Response) -> object:
    try:
        return cast("object", response.json())
    except ValueError:
        return None


def _reason(document: object) -> str:
    match document:
        case {"message": str(message), "errors": [_, *_] as errors}:
            return invalid(message, [one for one in errors if isinstance(one, dict)])
        case {"message": message}:
            return str(message)
    return ""


def invalid(message: str, errors: Sequence[Mapping[str, object]]) -> str:
    """Name each field at fault once: the API's message repeats the first one's, and counts the others."""
    if not errors:
        return message
    faults = [f"{error.get('field')}: {str(error.get('message')).rstrip('.')}" for error in errors]
    head = message.partition(faults[0])[0].partition(str(errors[0].get("message")))[0]
    return f"{head.rstrip(' :')}: {'; '.join(faults)}"


def _records(kind: type[Record], answer: object) -> list[Record]:
    match answer:
        case {"data": [*items]}:
            return [_record(kind, item) for item in items]
    raise ApiError(_FOREIGN)


def _record(kind: type[Record], answer: object) -> Record:
    if isinstance(answer, dict) and kind.__annotations__.keys() <= answer.keys():
        return cast("Record", answer)
    raise ApiError(_FOREIGN)
