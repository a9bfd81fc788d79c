"""Reconcile: find whatever is overdue and set it going again, or fail it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from atelier.clock import MINUTE, SECOND
from atelier.errors import ConflictError, NotFoundError, UnavailableError, UnreadableRecordError
from atelier.generations.model import (
    ANNOUNCE_AFTER,
    GRACE,
    MAX_PENDING,
    MAX_TRIES,
    POLL_EVERY,
    RESEND_AFTER,
    UPLOAD_LEASE,
    Generation,
    Status,
)
from atelier.generations.ports import Due, Generations, Queue, Schedule

MAX_PER_RUN = 10_000
"""One vCPU's time for so many: three calls to AWS for each, of 1.2 ms."""
RUN = 40 * SECOND
"""No record is begun later in a run, which ends after 55 s; the next one begins with what is left."""
LEAST_WAIT, LONGEST_WAIT = 1 * MINUTE, 60 * MINUTE
LONGEST_RESEND = 5 * MINUTE
"""A message that waits in a long queue has copies, fewer the longer it waits."""
DELIVER_AGAIN_AFTER = 5 * MINUTE
"""A delivery that is sent and stays due is sent again after this."""


def later(age: int) -> int:
    """Return how long a record waits that could not be handled: a quarter of its age, within limits."""
    return min(max(LEAST_WAIT, age // 4), LONGEST_WAIT)


class Action(Enum):
    """The action that an overdue record needs."""

    ANNOUNCE = auto()
    RESEND = auto()
    RELEASE = auto()
    INGEST = auto()
    WAIT = auto()
    FAIL = auto()
    GIVE_UP = auto()
    DELIVER = auto()
    TRY_LATER = auto()


def decide(generation: Generation, now: int) -> Action:
    """Say what an overdue generation needs; ConflictError where it is not overdue (any more)."""
    if generation.due_at is None or generation.due_at > now:
        raise ConflictError("generation is not overdue")
    deadline = generation.deadline_at or 0
    expiry = max(deadline, generation.sources_until or 0)
    match generation.status:
        case Status.SUCCESS | Status.ERROR:
            return Action.ANNOUNCE
        case Status.PENDING:
            return Action.RESEND if now < _kept_until(generation) else Action.GIVE_UP
        case Status.PROCESSING if generation.job_id is not None:
            return Action.INGEST if now < deadline + GRACE else Action.FAIL
        case Status.PROCESSING if generation.committed:
            return Action.WAIT if now < deadline else Action.FAIL
        case Status.UPLOADING if generation.sources or generation.job_id is not None:
            return Action.INGEST if now < expiry + GRACE else Action.FAIL
        case Status.UPLOADING if generation.committed:
            return Action.FAIL
        case _:
            return Action.RELEASE if generation.tries < MAX_TRIES else Action.GIVE_UP


def _kept_until(generation: Generation) -> int:
    """Return when a pending generation is given up unseen: after dispatch, which knows whether it can be served."""
    latest = generation.created_at + MAX_PENDING
    return min(generation.claim_by + GRACE, latest) if generation.claim_by else latest


@dataclass(frozen=True, slots=True)
class Handled:
    """An overdue record and what was done about it, or the error that kept it from being done."""

    generation_id: str
    correlation_id: str | None
    action: Action
    error: Exception | None = None


@dataclass(slots=True)
class _Run:
    """One run: when it ends, and what it found out of reach, with the error that told."""

    ends_at: int
    lost: dict[int, UnavailableError] = field(default_factory=dict)

    def reach(self, upstream: object, call: Callable[[], None]) -> None:
        """Call a queue or the topic; raise at once what an earlier call of this run raised."""
        if error := self.lost.get(id(upstream)):
            raise error
        try:
            call()
        except UnavailableError as exc:
            self.lost[id(upstream)] = exc
            raise

    def send(self, queue: Queue, generation_id: str) -> None:
        """Send an id to a queue that was not found out of reach."""
        self.reach(queue, lambda: queue.send(generation_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Sends ids to queues and fails what is lost; the work itself is done by the queues' own functions."""

    generations: Generations
    schedule: Schedule
    dispatch_queue: Queue
    ingest_queue: Queue
    delivery_queue: Queue
    announce: Callable[[Generation], None]
    clock: Callable[[], int]
    each: "Callable[[Callable[[Due], Handled | None], Iterable[Due]], Iterable[Handled | None]]" = map
    """Applies a function to records: one as each result is taken, or several at once."""
    max_per_run: int = MAX_PER_RUN

    def __call__(self) -> Iterator[Handled]:
        """Look after at most `max_per_run` overdue records for RUN.

        A record that cannot be handled is postponed, so that it holds up no other. Where a queue or the topic is out of
        reach, that run tries it for no further record.
        """
        run = _Run(ends_at=self.clock() + RUN)
        overdue = self.schedule.due(self.clock(), self.max_per_run)
        return (handled for handled in self.each(lambda due: self._handle(due, run), overdue) if handled)

    def _handle(self, due: Due, run: _Run) -> Handled | None:
        """Handle a record; None where it has moved on, or the run is at its end."""
        if self.clock() >= run.ends_at:
            return None
        try:
            return self._deliver(due, run) if due.kind == "delivery" else self._look_after(due, run)
        except (ConflictError, NotFoundError):
            return None
        except Exception as exc:  # noqa: BLE001 (whatever it is, the other records must not suffer)
            return Handled(due.generation_id, None, Action.TRY_LATER, self._postponed(due, exc))

    def _deliver(self, due: Due, run: _Run) -> Handled:
        self.schedule.postpone(due, self.clock() + DELIVER_AGAIN_AFTER)
        run.send(self.delivery_queue, due.generation_id)
        return Handled(due.generation_id, None, Action.DELIVER)

    def _look_after(self, due: Due, run: _Run) -> Handled:
        generation = self.generations.get(due.generation_id)
        action = decide(generation, self.clock())
        if action is Action.ANNOUNCE:  # before the call that may hang: no write of its own moves it
            self.schedule.postpone(due, self.clock() + ANNOUNCE_AFTER)
        self._do(action, generation, run)
        return Handled(generation.id, generation.correlation_id, action)

    def _postponed(self, due: Due, error: Exception) -> Exception:
        """Postpone what failed: soon again where something was out of reach, else ever later; returns the error."""
        now = self.clock()
        passes = isinstance(error, UnavailableError) and not isinstance(error, UnreadableRecordError)
        wait = LEAST_WAIT if passes else later(now - int(due.generation_id[:12], 16))
        with suppress(ConflictError, UnavailableError):  # it was moved before it failed, or the table is out of reach
            self.schedule.postpone(due, now + wait)
        return error

    def _do(self, action: Action, generation: Generation, run: _Run) -> None:
        now = self.clock()
        match action:
            case Action.ANNOUNCE:
                run.reach(self.announce, lambda: self.announce(generation))
            case Action.RESEND:
                wait = max(RESEND_AFTER, (now - generation.created_at) // 4)
                self.generations.advance(generation, generation.rescheduled(now + min(wait, LONGEST_RESEND)))
                run.send(self.dispatch_queue, generation.id)
            case Action.RELEASE:
                reason = "Whoever worked on it was interrupted."
                self.generations.advance(generation, generation.requeued(reason, now))
                run.send(self.dispatch_queue, generation.id)
            case Action.INGEST:
                wait = POLL_EVERY if generation.status is Status.PROCESSING else UPLOAD_LEASE
                self.generations.advance(generation, generation.rescheduled(now + wait))
                run.send(self.ingest_queue, generation.id)
            case Action.WAIT:
                self.generations.advance(generation, generation.rescheduled(generation.deadline_at or now))
            case Action.FAIL:
                message = "The provider did not answer in time, or its answer was lost; it was not asked again."
                self.generations.advance(generation, generation.timed_out(message, now))
            case Action.GIVE_UP:
                message = "The generation could not be worked on; try again later."
                self.generations.advance(generation, generation.failed(message, now))
