"""Ports of the generations room; adapters/ holds the implementations, the tests hold fakes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from atelier.clock import MINUTE
from atelier.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from atelier.accounts.api_keys import ApiKey
    from atelier.generations.idempotency import CountedRequest, Idempotency
    from atelier.generations.model import Generation, Status
    from atelier.outbound.circuit_breaker import Release, Slot, Upstream


T = TypeVar("T")
MAX_QUEUE_DELAY = 15 * MINUTE
"""SQS delays no message for longer, in milliseconds; reconcile sends what waits longer."""


class Acceptances(Protocol):
    """The tables of generations and accounts, as far as accepting a generation needs them."""

    def write(
        self,
        generation: Generation,
        key: ApiKey,
        idempotency: Idempotency | None,
        now: int,
        counted: CountedRequest | None = None,
    ) -> Generation:
        """Write a new generation, its charge and its count, all or nothing, and return it.

        With an idempotency key that the same request used before, return that one's generation. A counted request can
        be found again by claim(). Raises IdempotencyMismatchError, TooManyRequestsError or PaymentRequiredError.
        """
        ...

    def find_earlier(self, key: ApiKey, idempotency: Idempotency, now: int) -> Generation | None:
        """Return the generation that the same request made before, if there is one, and count the repetition.

        Raises IdempotencyMismatchError or TooManyRequestsError.
        """
        ...

    def claim(self, key: ApiKey, counted: CountedRequest, now: int) -> Generation | None:
        """Return the generation that an earlier sending of this request made, if there is one to be had.

        Each is given once to a second sending, once to a third, and so on.
        """
        ...


class Generations(Protocol):
    """The table of generations. Every write is conditional, and ConflictError says that it came too late."""

    def get(self, generation_id: str) -> Generation:
        """Read one, consistently; NotFoundError where there is none."""
        ...

    def status(self, generation_id: str) -> Status:
        """Read one's status alone, perhaps as it was a moment ago; NotFoundError where there is none."""
        ...

    def finished(self, generation: Generation) -> bool:
        """Tell whether one is finished, perhaps as it was a moment ago; NotFoundError where there is none."""
        ...

    def advance(self, before: Generation, after: Generation, release: Release | None = None) -> Generation:
        """Write `after` if the record is still `before`, and return it; the provider's slot is released in any case."""
        ...

    def release(self, release: Release) -> None:
        """Release a provider's slot."""
        ...

    def acquire(self, before: Generation, after: Generation, upstream: Upstream, now: int) -> Slot:
        """Write `after` if the record is still `before`, and acquire a slot of its provider, both or neither.

        UpstreamUnavailableError where no slot is free.
        """
        ...

    def recovered(self, upstream: str, slots: int, now: int) -> None:
        """Close the breakers of a provider with so many slots that did a job though its answer was lost."""
        ...

    def record_job(self, generation_id: str, *, provider: str, job_id: str) -> Generation:
        """Keep a job's id from a callback if that provider has the generation and none is known; return the generation.

        NotFoundError where there is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """A record that was due at `due_at`: `kind` is "generation" or "delivery", `record` the name of its record."""

    generation_id: str
    kind: str
    record: str = "generation"
    due_at: int = 0


class Schedule(Protocol):
    """The records that have something left to do."""

    def due(self, now: int, limit: int) -> Iterable[Due]:
        """Name at most `limit` records that were due before `now`, the longest overdue first.

        A kind gets at least half of them, where it has so many.
        """
        ...

    def postpone(self, due: Due, until: int) -> None:
        """Take a record from the head of the schedule, to be named again at `until`; it may be one that cannot be read.

        ConflictError where another worker moved it.
        """
        ...


class Queue(Protocol):
    """A queue of generation ids."""

    def send(self, generation_id: str, *, delay: int = 0, known: Generation | None = None) -> None:
        """Send an id, to be seen after `delay` seconds (MAX_QUEUE_DELAY at most).

        `known` is the generation as its sender has just read or written it, which spares the receiver a read.
        """
        ...


def take(known: Generation | None, read: Callable[[], Generation], step: Callable[[Generation], T]) -> T:
    """Run a step on a generation as its message knows it, or as the table does where that came too late.

    Every write is conditional on the version, so a step that believes an old message changes nothing: it raises
    ConflictError, and runs again on what is read then, as it would for a message that comes twice.
    """
    if known is not None:
        with suppress(ConflictError):
            return step(known)
    return step(read())


class Eraser(Protocol):
    """The stored part of a finished generation."""

    def erase(self, generation_id: str) -> None:
        """Delete a generation's records; ConflictError where it is not finished. There may be none."""
        ...
