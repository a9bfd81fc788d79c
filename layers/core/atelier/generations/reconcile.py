"""Reconcile: find whatever is overdue and set it going again, or fail it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from atelier.errors import ConflictError, NotFoundError
from atelier.generations.model import (
    GRACE,
    MAX_PENDING,
    MAX_TRIES,
    POLL_EVERY,
    RESEND_AFTER,
    UPLOAD_LEASE,
    Generation,
    Status,
)
from atelier.generations.ports import Generations, Queue, Schedule

MAX_PER_RUN = 400


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
            return Action.RESEND if now < generation.created_at + MAX_PENDING else Action.GIVE_UP
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


@dataclass(frozen=True, slots=True)
class Handled:
    """An overdue record and what was done about it, or the error that kept it from being done."""

    generation_id: str
    correlation_id: str | None
    action: Action
    error: Exception | None = None


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

    def __call__(self) -> Iterator[Handled]:
        """Look after at most MAX_PER_RUN overdue records, one as each result is taken.

        Of what is out of reach, or cannot be read, the other records notice nothing.
        """
        for due in self.schedule.due(self.clock(), MAX_PER_RUN):
            try:
                if due.kind == "delivery":
                    self.delivery_queue.send(due.generation_id)
                    yield Handled(due.generation_id, None, Action.DELIVER)
                else:
                    generation = self.generations.get(due.generation_id)
                    action = decide(generation, self.clock())
                    self._do(action, generation)
                    yield Handled(generation.id, generation.correlation_id, action)
            except (ConflictError, NotFoundError):
                continue
            except Exception as exc:  # noqa: BLE001 (whatever it is, the other records must not suffer)
                yield Handled(due.generation_id, None, Action.TRY_LATER, exc)

    def _do(self, action: Action, generation: Generation) -> None:
        now = self.clock()
        match action:
            case Action.ANNOUNCE:
                self.announce(generation)
            case Action.RESEND:
                self.generations.advance(generation, generation.rescheduled(now + RESEND_AFTER))
                self.dispatch_queue.send(generation.id)
            case Action.RELEASE:
                reason = "Whoever worked on it was interrupted."
                self.generations.advance(generation, generation.requeued(reason, now))
                self.dispatch_queue.send(generation.id)
            case Action.INGEST:
                wait = POLL_EVERY if generation.status is Status.PROCESSING else UPLOAD_LEASE
                self.generations.advance(generation, generation.rescheduled(now + wait))
                self.ingest_queue.send(generation.id)
            case Action.WAIT:
                self.generations.advance(generation, generation.rescheduled(generation.deadline_at or now))
            case Action.FAIL:
                message = "The provider did not answer in time, or its answer was lost; it was not asked again."
                self.generations.advance(generation, generation.timed_out(message, now))
            case Action.GIVE_UP:
                message = "The generation could not be worked on; try again later."
                self.generations.advance(generation, generation.failed(message, now))
