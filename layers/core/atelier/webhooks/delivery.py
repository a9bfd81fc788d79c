"""A delivery: telling a client's webhook of one event of a generation, until it has heard or we give up.

All times are milliseconds since the Unix epoch, all durations milliseconds.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from atelier.clock import HOUR, MINUTE
from atelier.errors import ConflictError
from atelier.generations.model import Status
from atelier.webhooks.schedule import LONGEST_REST, MAX_AGE, SCHEDULE, next_wait, wait_for_slot, wait_while_down

ATTEMPT_LEASE = 1 * MINUTE
"""Longer than deliver may run: after it, the worker that started the attempt is gone."""
GONE = 410


class DeliveryStatus(StrEnum):
    """Whether the client has been told."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try, the `number`th of its delivery: when, how long it took, and how it went.

    `answer` is the beginning of what the receiver answered, `reason` why the try failed.
    """

    number: int
    at: int
    duration: int
    status_code: int | None = None
    answer: str | None = None
    reason: str | None = None

    @property
    def succeeded(self) -> bool:
        """Tell whether the receiver took the webhook."""
        return self.status_code is not None and 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event of a generation on its way to a webhook, with its attempts.

    Its schedule runs from `begun_at`; `tries` of it were begun, and `attempts` have ended in all. `started_at` is when
    the try under way began. `jitter` is what chance added to the last wait. `postponements` counts how often there was
    no slot at the host since the last try. `line_since` is its place in the line for a host that is down: when its last
    try began. `reason` says why it is dead.
    """

    generation_id: str
    user_id: str
    event: Status
    url: str
    body: str
    created_at: int
    begun_at: int
    status: DeliveryStatus = DeliveryStatus.PENDING
    version: int = 0
    tries: int = 0
    attempts: int = 0
    started_at: int | None = None
    jitter: int = 0
    postponements: int = 0
    line_since: int | None = None
    due_at: int | None = None
    reason: str | None = None

    @property
    def message_id(self) -> str:
        """The `webhook-id`, the same at every attempt."""
        return f"msg_{self.generation_id}_{self.event}"

    @property
    def in_line(self) -> bool:
        """Tell whether it waits for a host that is down."""
        return self.postponements > 0 and self.line_since is not None

    def is_due(self, now: int) -> bool:
        """Tell whether something is to be done about it."""
        return self.status is DeliveryStatus.PENDING and self.due_at is not None and self.due_at <= now

    def started(self, now: int) -> "Delivery":
        """Take the next attempt; ConflictError where it is not due, or the last one was not recorded yet."""
        if not self.is_due(now) or self.started_at is not None:
            raise ConflictError("delivery is not due")
        return self._next(
            begun_at=self._begun_at(now),
            tries=self.tries + 1,
            started_at=now,
            postponements=0,
            line_since=now,
            due_at=now + ATTEMPT_LEASE,
        )

    def finished(self, attempt: Attempt, now: int, rest: int = 0) -> "Delivery":
        """Record how the attempt went and when the next one is due; the receiver asked for `rest` until then."""
        ended = self._next(attempts=attempt.number, started_at=None)
        if attempt.succeeded:
            return replace(ended, status=DeliveryStatus.DELIVERED, due_at=None)
        if attempt.status_code == GONE:
            return ended._dead("The receiver says that it is gone for good (410).")
        if self.tries > len(SCHEDULE):
            return ended._dead(f"All {self.tries} attempts failed.")
        if now - self.begun_at >= MAX_AGE:
            return ended._dead(f"The last attempt of {MAX_AGE // HOUR} hours failed.")
        wait, jitter = next_wait(self.tries, last_jitter=self.jitter, rest=rest)
        latest = max(self.begun_at + MAX_AGE, now + min(rest, LONGEST_REST))
        return replace(ended, jitter=jitter, due_at=min(now + wait, latest))

    def rescheduled(self, retry_at: int, now: int, *, down: bool = False) -> "Delivery":
        """Come back when the host may have a free slot, later by chance the more often there was none.

        Where the host is `down`, stand in line for it from now on.

        That counts as no try, but a delivery that finds no slot for MAX_AGE is given up.
        """
        begun_at = self._begun_at(now)
        line_since = self.line_since or (begun_at if down else None)
        later = self._next(begun_at=begun_at, postponements=self.postponements + 1, line_since=line_since)
        if now - begun_at >= MAX_AGE:
            return later._dead(f"The receiver's host was down or busy for {MAX_AGE // HOUR} hours.")
        wait = wait_for_slot(retry_at - now, self.postponements)
        if down:
            wait = wait_while_down(retry_at - now, self.postponements, now - begun_at)
        return replace(later, due_at=min(now + wait, begun_at + MAX_AGE))

    def woken(self, at: int) -> "Delivery":
        """Attempt it at this time, since its turn in the line has come; ConflictError where it stands in none."""
        if not self.in_line or self.status is not DeliveryStatus.PENDING:
            raise ConflictError("delivery stands in no line")
        return self._next(due_at=at)

    def repeated(self, now: int) -> "Delivery":
        """Begin anew, whatever became of it: the same message, due now, with a whole schedule before it.

        ConflictError where an attempt is under way.
        """
        if self.started_at is not None and not self.is_due(now):
            raise ConflictError("an attempt is under way")
        return self._next(
            status=DeliveryStatus.PENDING, begun_at=now, due_at=now,
            tries=0, started_at=None, jitter=0, postponements=0, line_since=None, reason=None,
        )  # fmt: skip

    def _begun_at(self, now: int) -> int:
        """Return when the schedule began: with the first try, or with the first look that found no slot for it."""
        return self.begun_at if self.tries or self.postponements else now

    def _dead(self, reason: str) -> "Delivery":
        return replace(self, status=DeliveryStatus.DEAD, due_at=None, reason=reason)

    def _next(self, **changes: Any) -> "Delivery":
        return replace(self, version=self.version + 1, **changes)


class Announced(NamedTuple):
    """A delivery as the end of its generation announces it: nobody has attempted it yet."""

    delivery: Delivery
    correlation_id: str

    @property
    def id(self) -> str:
        """The generation's id."""
        return self.delivery.generation_id

    @property
    def status(self) -> Status:
        """The generation's status when this was announced."""
        return self.delivery.event


class DeliveryHistory(NamedTuple):
    """A delivery with its newest attempts, the oldest of them first."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]
