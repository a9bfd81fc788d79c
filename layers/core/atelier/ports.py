"""What the steps need of the world outside; adapters/ has the real ones, the tests have fakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # these are only words here, and a function should not pay for modules that it does not use
    from collections.abc import Iterable, Mapping, Sequence

    from atelier.account import ApiKey, User
    from atelier.attempts import Attempts
    from atelier.breaker import Leave, Peer, Place
    from atelier.delivery import Attempt, Delivery
    from atelier.generation import Generation, Status
    from atelier.idempotency import Idempotency
    from atelier.session import Session


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer: its status, its headers by lower-case name, and its body's bytes as they came, not decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """Sends one request, follows no redirect, and ends within `timeout` seconds in all."""

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        timeout: float,
        max_bytes: int,
    ) -> HttpResponse:
        """Return the answer with its whole body, whatever its status.

        Raises FetchRefusedError, also where the body is longer than `max_bytes`, or FetchFailedError.
        """
        ...

    def post(
        self, url: str, *, headers: Mapping[str, str], content: bytes, timeout: float, keep_bytes: int
    ) -> HttpResponse:
        """POST, and return the answer with the first `keep_bytes` of its body, whatever its status.

        Reads no further and hangs up, so that a long or dripping body costs nothing; a body that neither ends nor
        gets that far in time is an error. Raises FetchRefusedError or FetchFailedError.
        """
        ...


class ApiKeys(Protocol):
    """The table of API keys, as far as letting clients in needs it."""

    def get(self, key_id: str) -> ApiKey | None:
        """Read a key's record."""
        ...


class Acceptances(Protocol):
    """The tables of generations and accounts, as far as accepting a generation needs them."""

    def accept(self, generation: Generation, key: ApiKey, idempotency: Idempotency | None, now: int) -> Generation:
        """Write a new generation, its charge and its count, all or nothing, and return it.

        With an idempotency key that the same request used before, return that one's generation. Raises
        IdempotencyMismatchError, TooManyRequestsError or PaymentRequiredError.
        """
        ...


class Generations(Protocol):
    """The table of generations. Every write is conditional, and ConflictError says that it came too late."""

    def add(self, generation: Generation) -> None:
        """Write a new generation."""
        ...

    def get(self, generation_id: str) -> Generation:
        """Read one, consistently; NotFoundError where there is none."""
        ...

    def advance(self, before: Generation, after: Generation, leave: Leave | None = None) -> Generation:
        """Write `after` if the record is still `before`, and return it; the provider's place is left in any case."""
        ...

    def leave(self, leave: Leave) -> None:
        """Leave a provider's place."""
        ...

    def enter(self, before: Generation, after: Generation, peer: Peer, now: int) -> Place:
        """Write `after` if the record is still `before`, and take a place at its provider, both or neither.

        PeerUnavailableError where there is no place.
        """
        ...

    def record_job(self, generation_id: str, *, provider: str, callback_token: str, job_id: str | None) -> Generation:
        """Keep a job's id from a callback where it is that provider's turn and none is known; return the generation.

        NotFoundError where id and token don't match.
        """
        ...


class Deliveries(Protocol):
    """The table of deliveries. Every write is conditional, and ConflictError says that it came too late."""

    def find(self, generation_id: str) -> tuple[Generation, Mapping[Status, Delivery]]:
        """Read a generation and its deliveries by event, consistently; NotFoundError where there is no generation."""
        ...

    def announced(self, generation: Generation, deliveries: Sequence[Delivery]) -> None:
        """Take a finished generation off the agenda and put those of its deliveries there that are not written yet."""
        ...

    def advance(
        self, before: Delivery | None, after: Delivery, attempt: Attempt | None = None, leave: Leave | None = None
    ) -> Delivery:
        """Write `after` if the record is still `before` (None: there was none), and the attempt with it; return it.

        The host's place is left in any case.
        """
        ...

    def enter(self, before: Delivery | None, after: Delivery, peer: Peer, now: int) -> Place:
        """Write `after` if the record is still `before`, and take a place at its host, both or neither.

        PeerUnavailableError where there is no place.
        """
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """A record whose time has come: `kind` is "generation" or "delivery"."""

    generation_id: str
    kind: str


class Agenda(Protocol):
    """What is overdue."""

    def due(self, now: int, limit: int) -> Iterable[Due]:
        """Name at most `limit` records that were due before `now`, the longest overdue first in each shard."""
        ...


class Queue(Protocol):
    """A queue of generation ids."""

    def send(self, generation_id: str, *, delay: int = 0) -> None:
        """Send an id, to be seen after `delay` seconds (at most 900)."""
        ...


class Topic(Protocol):
    """Where finished generations are announced."""

    def publish(self, document: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
        """Publish a JSON document with attributes that subscribers can filter on."""
        ...


class Files(Protocol):
    """The bucket."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object."""
        ...

    def get(self, key: str) -> bytes:
        """Read an object; NotFoundError where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a client may POST its file, with these fields before it."""

    url: str
    fields: Mapping[str, str]


class UploadFiles(Protocol):
    """The bucket, as far as clients' files need it."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object."""
        ...

    def form(self, key: str, content_type: str, size: int, *, seconds: int) -> UploadForm:
        """Make a form by which its holder may store one object, of this type and size, for so long."""
        ...


class ProviderKeys(Protocol):
    """The providers' keys."""

    def get(self, provider: str) -> str | None:
        """Return a provider's key, or None where it is not set."""
        ...

    def refresh(self) -> None:
        """Forget what is remembered, so that the next get() reads anew."""
        ...


class ModelInvoker(Protocol):
    """The models of a cloud that are invoked by its own SDK."""

    def invoke(self, model: str, body: bytes) -> bytes:
        """Send a model a JSON document once, and return the one that it answers with; raises a ProviderError."""
        ...


class Sessions(Protocol):
    """The owner's sessions, and the attempts to start one."""

    def start(self, session: Session) -> None:
        """Write a new session."""
        ...

    def lives(self, session: Session) -> bool:
        """Tell whether a session was started here and has not been ended."""
        ...

    def end(self, session: Session, now: int) -> None:
        """End a session for good; repeating it changes nothing."""
        ...

    def attempts(self, source: str) -> Attempts | None:
        """Read how often a source tried."""
        ...

    def advance(self, before: Attempts | None, after: Attempts) -> None:
        """Write `after` if the record is still `before` (None: there was none); else ConflictError."""
        ...


class RotatedSecret(Protocol):
    """A secret that may be changed while it is remembered."""

    def __call__(self) -> str:
        """Return the secret."""
        ...

    def refresh(self) -> None:
        """Read it anew at the next call, unless it was read just now."""
        ...


class Eraser(Protocol):
    """What is kept of a finished generation."""

    def erase(self, generation_id: str) -> None:
        """Delete a generation's records; ConflictError where it is not finished. There may be none."""
        ...


class StoredFiles(Protocol):
    """The bucket, as far as deleting needs it."""

    def delete_all(self, prefix: str) -> None:
        """Delete all objects whose keys begin with `prefix`; there may be none."""
        ...


class Accounts(Protocol):
    """The table of users and keys, as far as the owner's changes need it."""

    def get(self, key_id: str) -> ApiKey | None:
        """Read a key's record."""
        ...

    def user(self, user_id: str) -> User:
        """Read a user; NotFoundError where there is none."""
        ...

    def add_user(self, user: User) -> None:
        """Write a new user; ConflictError where the address is taken."""
        ...

    def replace_key(self, old_id: str, new_key: ApiKey, expires_at: int) -> None:
        """Write a new key, and let the old one expire then."""
        ...
