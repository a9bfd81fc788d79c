"""Reconcile: what each overdue state needs."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from atelier.adapters.threads import in_threads
from atelier.clock import HOUR, MINUTE, SECOND
from atelier.errors import ConflictError, UnreadableRecordError
from atelier.generations.model import (
    ANNOUNCE_AFTER,
    GRACE,
    MAX_PENDING,
    MAX_TRIES,
    POLL_EVERY,
    RESEND_AFTER,
    UPLOAD_LEASE,
    Generation,
    ProviderAttempt,
    Status,
    drawn_lease,
)
from atelier.generations.ports import Due
from atelier.generations.reconcile import (
    DELIVER_AGAIN_AFTER,
    LEAST_WAIT,
    LONGEST_RESEND,
    RUN,
    Action,
    Handled,
    Reconcile,
    decide,
)
from atelier.outbound.circuit_breaker import Release
from atelier.webhooks.announce import Announce
from atelier.webhooks.delivery import Delivery
from tests.cases import each
from tests.unit.fakes import (
    BASE_URL,
    NOW,
    Clock,
    InMemoryDeliveries,
    InMemoryGenerations,
    InMemoryQueue,
    InMemoryTopic,
    Table,
    a_generation,
)

MAX_PER_RUN = 400
URLS = ("https://cdn.example/1.png",)


def overdue(**changes: Any) -> Generation:
    return a_generation(**{"due_at": NOW - 1, "deadline_at": NOW + 1, **changes})


TABLE = [
    (overdue(status=Status.SUCCESS), Action.ANNOUNCE),
    (overdue(status=Status.ERROR), Action.ANNOUNCE),
    (overdue(status=Status.ERROR, committed=True, sources=URLS, job_id="job-1"), Action.ANNOUNCE),
    (overdue(status=Status.PENDING), Action.RESEND),
    (overdue(status=Status.PENDING, tries=MAX_TRIES), Action.RESEND),
    (overdue(status=Status.PENDING, deadline_at=None), Action.RESEND),
    (overdue(status=Status.PENDING, created_at=NOW - MAX_PENDING + 1), Action.RESEND),
    (overdue(status=Status.PENDING, created_at=NOW - MAX_PENDING), Action.GIVE_UP),
    # Dispatch tells whom no provider can take by the deadline; a long queue of ours is waited for.
    (overdue(status=Status.PENDING, claim_by=NOW - GRACE + 1), Action.RESEND),
    (overdue(status=Status.PENDING, claim_by=NOW - GRACE), Action.GIVE_UP),
    (overdue(status=Status.PENDING, created_at=NOW - MAX_PENDING, claim_by=NOW + 1), Action.GIVE_UP),
    # A job that is known is asked for, until long after its deadline.
    (overdue(status=Status.PROCESSING, job_id="job-1", committed=True), Action.INGEST),
    (overdue(status=Status.PROCESSING, job_id="job-1", committed=False), Action.INGEST),
    (overdue(status=Status.PROCESSING, job_id="job-1", deadline_at=NOW - GRACE + 1), Action.INGEST),
    (overdue(status=Status.PROCESSING, job_id="job-1", deadline_at=NOW - GRACE), Action.FAIL),
    # A call that may have cost money is waited for, and never made again.
    (overdue(status=Status.PROCESSING, committed=True), Action.WAIT),
    (overdue(status=Status.PROCESSING, committed=True, deadline_at=NOW), Action.FAIL),
    (overdue(status=Status.PROCESSING, committed=True, deadline_at=None), Action.FAIL),
    (overdue(status=Status.UPLOADING, committed=True), Action.FAIL),
    # Pictures whose place is known are fetched again.
    (overdue(status=Status.UPLOADING, committed=True, sources=URLS), Action.INGEST),
    (overdue(status=Status.UPLOADING, committed=False, sources=URLS), Action.INGEST),
    (overdue(status=Status.UPLOADING, sources=URLS, deadline_at=NOW - GRACE), Action.FAIL),
    (overdue(status=Status.UPLOADING, sources=URLS, deadline_at=0, sources_until=NOW - GRACE + 1), Action.INGEST),
    (overdue(status=Status.UPLOADING, sources=URLS, deadline_at=0, sources_until=NOW - GRACE), Action.FAIL),
    # Pictures that a worker had in hand are asked for again where that is possible.
    (overdue(status=Status.UPLOADING, committed=True, job_id="job-1"), Action.INGEST),
    (overdue(status=Status.UPLOADING, committed=True, job_id="job-1", deadline_at=NOW - GRACE), Action.FAIL),
    # What its client gave up is stopped by ingest, or given up in the end.
    (overdue(status=Status.PROCESSING, job_id="job-1", cancelled_at=NOW - 9), Action.INGEST),
    (overdue(status=Status.PROCESSING, job_id="job-1", cancelled_at=1, deadline_at=NOW - GRACE), Action.FAIL),
    # What costs nothing is done again, but not for ever.
    (overdue(status=Status.PROCESSING), Action.RELEASE),
    (overdue(status=Status.UPLOADING), Action.RELEASE),
    (overdue(status=Status.PROCESSING, tries=MAX_TRIES - 1), Action.RELEASE),
    (overdue(status=Status.PROCESSING, tries=MAX_TRIES), Action.GIVE_UP),
    (overdue(status=Status.UPLOADING, tries=MAX_TRIES), Action.GIVE_UP),
]


@each(("generation", "action"), TABLE)
def test_each_state_has_its_action(generation: Generation, action: Action) -> None:
    assert decide(generation, NOW) is action


def test_the_table_has_every_status_and_every_action() -> None:
    assert {generation.status for generation, _ in TABLE} == set(Status)
    assert {action for _, action in TABLE} == set(Action) - {Action.DELIVER, Action.TRY_LATER}


@each("due_at", [None, NOW + 1])
@each("status", list(Status))
def test_nothing_is_done_before_its_time(status: Status, due_at: int | None) -> None:
    with pytest.raises(ConflictError):
        decide(a_generation(status=status, due_at=due_at), NOW)


def announcing(generations: InMemoryGenerations, topic: InMemoryTopic) -> Announce:
    """Make the step that announces."""
    deliveries = InMemoryDeliveries(generations.table)
    return Announce(deliveries=deliveries, topic=topic, base_url=BASE_URL)


class Room:
    """The step and its fakes."""

    def __init__(self, *generations: Generation, store: InMemoryGenerations | None = None) -> None:
        self.generations = store or InMemoryGenerations()
        for generation in generations:
            self.generations.add(generation)
        self.dispatch, self.ingest, self.delivery = InMemoryQueue(), InMemoryQueue(), InMemoryQueue()
        self.topic = InMemoryTopic()
        self.clock = Clock()
        self.step = Reconcile(
            generations=self.generations,
            schedule=self.generations,
            dispatch_queue=self.dispatch,
            ingest_queue=self.ingest,
            delivery_queue=self.delivery,
            announce=announcing(self.generations, self.topic),
            clock=self.clock,
            max_per_run=MAX_PER_RUN,
        )

    def run(self) -> list[Action]:
        return [handled.action for handled in self.step()]

    @property
    def sent(self) -> dict[str, int]:
        """Which queues were sent how many messages."""
        queues = {"dispatch": self.dispatch, "ingest": self.ingest, "delivery": self.delivery}
        return {name: len(queue.sent) for name, queue in queues.items() if queue.sent}


@each(
    ("generation", "status", "due_at", "sent"),
    [
        (overdue(), Status.PENDING, NOW + RESEND_AFTER, {"dispatch": 1}),
        (overdue(status=Status.PROCESSING), Status.PENDING, NOW + RESEND_AFTER, {"dispatch": 1}),
        (overdue(status=Status.UPLOADING), Status.PENDING, NOW + RESEND_AFTER, {"dispatch": 1}),
        (overdue(status=Status.PROCESSING, job_id="j"), Status.PROCESSING, NOW + POLL_EVERY, {"ingest": 1}),
        (overdue(status=Status.UPLOADING, sources=URLS), Status.UPLOADING, NOW + UPLOAD_LEASE, {"ingest": 1}),
        (overdue(status=Status.PROCESSING, committed=True), Status.PROCESSING, NOW + 1, {}),
        (overdue(status=Status.UPLOADING, committed=True), Status.ERROR, NOW + ANNOUNCE_AFTER, {}),
        (overdue(status=Status.PROCESSING, tries=MAX_TRIES), Status.ERROR, NOW + ANNOUNCE_AFTER, {}),
        (overdue(status=Status.SUCCESS), Status.SUCCESS, None, {}),
    ],
)
def test_each_action_moves_the_generation_on(
    generation: Generation, status: Status, due_at: int | None, sent: dict[str, int]
) -> None:
    room = Room(generation)
    room.run()
    left = room.generations.get(generation.id)
    assert (left.status, left.due_at, room.sent) == (status, due_at, sent)
    assert bool(left.error) is (status is Status.ERROR)


def test_a_finished_generation_is_announced() -> None:
    room = Room(overdue(status=Status.SUCCESS))
    assert room.run() == [Action.ANNOUNCE]
    assert len(room.topic.published) == 1


def test_an_overdue_delivery_is_sent_to_its_queue() -> None:
    room = Room()
    room.generations.table.deliveries["d", Status.SUCCESS] = Delivery(
        generation_id="d", user_id="u", event=Status.SUCCESS, url="https://a.example/", body="{}",
        created_at=NOW, begun_at=NOW, due_at=NOW - 1,
    )  # fmt: skip
    assert list(room.step()) == [Handled("d", None, Action.DELIVER)]
    assert room.delivery.sent == [("d", 0)]


def test_what_was_done_is_told_with_its_correlation_id() -> None:
    assert list(Room(overdue()).step()) == [Handled(overdue().id, "correlation-1", Action.RESEND)]


def test_a_second_run_at_once_finds_nothing() -> None:
    room = Room(*[overdue(id=f"{number:032x}", status=status) for number, status in enumerate(Status)])
    assert len(room.run()) == len(Status)
    assert room.run() == []


def test_one_run_is_bounded() -> None:
    room = Room(*[overdue(id=f"{number:032x}", due_at=NOW - 1 - number) for number in range(MAX_PER_RUN + 5)])
    assert len(room.run()) == MAX_PER_RUN
    assert len(room.run()) == 5


class Busy(InMemoryGenerations):
    """The agenda is a moment old: one generation has moved on since, one is gone, and one changes just now."""

    def due(self, now: int, limit: int) -> Iterable[Due]:
        return [Due(name * 32, "generation") for name in "abcd"]

    def advance(self, before: Generation, after: Generation, release: Release | None = None) -> Generation:
        if before.id == "c" * 32:
            raise ConflictError("too late")
        return super().advance(before, after)


def test_what_another_worker_took_or_is_gone_is_skipped() -> None:
    room = Room(
        overdue(id="a" * 32, due_at=NOW + 1_000), overdue(id="c" * 32), overdue(id="d" * 32), store=Busy()
    )  # "b" is gone  # fmt: skip
    assert [handled.generation_id for handled in room.step()] == ["d" * 32]
    assert room.dispatch.sent == [("d" * 32, 0)]


def test_a_message_that_cannot_be_sent_is_sent_by_a_later_run() -> None:
    room = Room(overdue())
    broken = replace(room.step, dispatch_queue=InMemoryQueue(broken=True))
    assert [handled.action for handled in broken()] == [Action.TRY_LATER]
    room.clock.now += RESEND_AFTER + 1
    assert room.run() == [Action.RESEND]
    assert room.dispatch.sent == [(overdue().id, 0)]


def test_a_record_beyond_care_does_not_hold_up_the_others() -> None:
    room = Room(overdue(id="0" * 32, status=Status.SUCCESS), overdue(id="f" * 32))
    room.step = replace(
        room.step,
        announce=announcing(room.generations, InMemoryTopic(broken=True)),
    )

    assert sorted(action.name for action in room.run()) == ["RESEND", "TRY_LATER"]
    assert room.sent == {"dispatch": 1}


class Malformed(InMemoryGenerations):
    """One record cannot be read."""

    def get(self, generation_id: str) -> Generation:
        if generation_id == "0" * 32:
            raise KeyError("payload")
        return super().get(generation_id)


def test_an_unreadable_record_is_told_of_and_holds_up_no_other() -> None:
    room = Room(overdue(id="0" * 32), overdue(id="f" * 32), store=Malformed())
    first, second = room.step()
    assert (first.generation_id, first.action, type(first.error)) == ("0" * 32, Action.TRY_LATER, KeyError)
    assert (second.action, second.error) == (Action.RESEND, None)


def test_a_job_given_up_and_beyond_asking_ends_as_cancelled() -> None:
    room = Room(overdue(status=Status.PROCESSING, job_id="j", committed=True, cancelled_at=1, deadline_at=NOW - GRACE))
    room.run()
    ended = room.generations.get(overdue().id)
    assert (ended.error, ended.refunded) == ("cancelled", False)


def test_who_was_interrupted_is_named_among_the_attempts() -> None:
    room = Room(overdue(status=Status.PROCESSING, attempts=(ProviderAttempt("sketch", "sketch", NOW - 9),)))
    room.run()
    [attempt] = room.generations.get(overdue().id).attempts
    assert (attempt.ended_at, attempt.reason) == (NOW, "Whoever worked on it was interrupted.")


class Unreadable(InMemoryGenerations):
    """No record can be read."""

    def __init__(self, table: Table, error: Exception) -> None:
        super().__init__(table)
        self._error = error

    def get(self, generation_id: str) -> Generation:
        raise self._error


@each("error", [KeyError("payload"), UnreadableRecordError("A newer release wrote it.")])
def test_an_unreadable_record_waits_longer_each_time(error: Exception) -> None:
    young, old = (f"{NOW - age:012x}" + "0" * 20 for age in (MINUTE, HOUR))
    room = Room(overdue(id=young), overdue(id=old))
    room.step = replace(room.step, generations=Unreadable(room.generations.table, error))
    assert room.run() == [Action.TRY_LATER] * 2
    assert {name: until - NOW for (name, *_), until in room.generations.table.postponed.items()} == {
        young: LEAST_WAIT, old: 15 * MINUTE
    }  # fmt: skip
    assert room.run() == []


def test_four_hundred_unreadable_records_hold_up_nobody() -> None:
    """An orphan that came after them was reached after 304 s, once they moved on; before, never."""
    poison = [overdue(id=f"{NOW - HOUR:012x}{number:020x}", due_at=NOW - MINUTE) for number in range(MAX_PER_RUN)]
    orphan = overdue(id=f"{NOW:012x}" + "f" * 20, due_at=NOW - 1)
    room = Room(*poison, orphan)
    room.step = replace(room.step, generations=Poisoned(room.generations.table, {item.id for item in poison}))
    assert room.run() == [Action.TRY_LATER] * MAX_PER_RUN
    assert room.run() == [Action.RESEND]
    assert room.dispatch.sent == [(orphan.id, 0)]


class Poisoned(InMemoryGenerations):
    """Some records cannot be read."""

    def __init__(self, table: Table, poison: set[str]) -> None:
        super().__init__(table)
        self._poison = poison

    def get(self, generation_id: str) -> Generation:
        if generation_id in self._poison:
            raise KeyError("payload")
        return super().get(generation_id)


def test_a_topic_that_is_down_is_tried_once_a_run() -> None:
    """Four hundred unannounced generations kept a run from everything else while each was tried."""
    unannounced = [overdue(id=f"{number:032x}", status=Status.SUCCESS, due_at=NOW - 9) for number in range(MAX_PER_RUN)]
    room = Room(*unannounced, overdue(id="f" * 32))
    topic = CountingTopic(broken=True)
    room.step = replace(room.step, announce=announcing(room.generations, topic))
    assert room.run() == [Action.TRY_LATER] * MAX_PER_RUN
    assert topic.tried == 1
    assert room.run() == [Action.RESEND]
    room.clock.now += ANNOUNCE_AFTER + 1
    assert len(room.run()) == MAX_PER_RUN
    assert topic.tried == 2


class CountingTopic(InMemoryTopic):
    """Counts what it is asked to publish."""

    tried = 0

    def publish(self, *message: Any) -> None:
        self.tried += 1
        super().publish(*message)


def test_a_queue_that_is_down_stops_only_what_needs_it() -> None:
    room = Room(
        *[overdue(id=f"{number:032x}", due_at=NOW - 9) for number in range(3)],
        overdue(id="e" * 32, status=Status.PROCESSING, job_id="j"),
        overdue(id="f" * 32, status=Status.SUCCESS),
    )
    room.step = replace(room.step, dispatch_queue=InMemoryQueue(broken=True))
    assert room.run() == [Action.TRY_LATER] * 3 + [Action.INGEST, Action.ANNOUNCE]
    assert room.run() == []


def a_due_delivery(name: str, due_at: int = NOW - 1) -> Delivery:
    return Delivery(
        generation_id=name, user_id="u", event=Status.SUCCESS, url="https://a.example/", body="{}",
        created_at=NOW, begun_at=NOW, due_at=due_at,
    )  # fmt: skip


def test_a_delivery_that_was_sent_moves_on_and_stays_due() -> None:
    room = Room()
    room.generations.table.deliveries["d", Status.SUCCESS] = a_due_delivery("d")
    assert room.run() == [Action.DELIVER]
    assert room.run() == []
    assert room.generations.table.deliveries["d", Status.SUCCESS].is_due(NOW)
    room.clock.now += DELIVER_AGAIN_AFTER + 1
    assert room.run() == [Action.DELIVER]


def test_a_kind_gets_half_of_a_run_however_many_others_wait() -> None:
    room = Room(*[overdue(id=f"{number:032x}") for number in range(MAX_PER_RUN)])
    for number in range(2 * MAX_PER_RUN):
        name = f"{number + 10_000:032x}"
        room.generations.table.deliveries[name, Status.SUCCESS] = a_due_delivery(name, NOW - HOUR)
    done = Counter(room.run())
    assert done == {Action.DELIVER: MAX_PER_RUN // 2, Action.RESEND: MAX_PER_RUN // 2}


def test_a_run_begins_nothing_that_it_could_not_end() -> None:
    room = Room(*[overdue(id=f"{number:032x}") for number in range(3)])
    results = room.step()
    next(results)
    room.clock.now += RUN
    assert list(results) == []
    assert [handled.generation_id for handled in room.step()][:2] == [f"{number:032x}" for number in (1, 2)]


@each("tries", [1, 2, 3])
def test_a_drawing_whose_worker_dies_comes_again(tries: int) -> None:
    """At most 90 s after its worker took it, at first: reconcile runs each minute."""
    drawing = a_generation(tries=tries - 1).claimed(
        "sketch", "sketch", committed=False, now=NOW, deadline=MINUTE, lease=drawn_lease(tries)
    )
    assert drawing.due_at == NOW + 30 * SECOND * 2 ** (tries - 1)
    assert drawing.uploading(NOW).due_at == drawing.due_at


def test_a_message_in_a_long_queue_has_ever_fewer_copies() -> None:
    waits = [MINUTE, 4 * MINUTE, HOUR]
    for age in waits:
        room = Room(overdue(created_at=NOW - age))
        room.run()
        left = room.generations.get(overdue().id).due_at or 0
        assert left - NOW == min(max(RESEND_AFTER, age // 4), LONGEST_RESEND)


DRAWN = a_generation(webhook=None).claimed(
    "sketch", "sketch", committed=False, now=NOW, deadline=MINUTE, lease=drawn_lease(1)
)
KILLED = [
    (a_generation(), 90),
    (DRAWN, 90),
    (DRAWN.uploading(NOW), 90),
    (
        overdue(status=Status.PROCESSING, job_id="j", committed=True, due_at=NOW + POLL_EVERY, deadline_at=NOW + HOUR),
        120,
    ),
    (
        overdue(
            status=Status.UPLOADING, committed=True, sources=URLS, due_at=NOW + UPLOAD_LEASE, deadline_at=NOW + HOUR
        ),
        240,
    ),
]


@each(("left", "seconds"), KILLED)
def test_a_killed_workers_message_is_made_up_for(left: Generation, seconds: int) -> None:
    """It was hidden for up to 24 minutes; reconcile runs each minute, at any second of it."""
    for first in range(0, 60, 5):
        room = Room(left)
        room.clock.now = NOW + first * SECOND
        while not (room.run() and room.sent):
            room.clock.now += MINUTE
        assert room.clock.now - NOW <= seconds * SECOND


class MeetingQueue(InMemoryQueue):
    """Takes a message once another queue takes one at the same time."""

    def __init__(self, meeting: Barrier) -> None:
        super().__init__()
        self._meeting = meeting

    def send(self, generation_id: str, **known: Any) -> None:
        self._meeting.wait(timeout=10)
        super().send(generation_id, **known)


def test_kinds_are_handled_at_once() -> None:
    """A slow queue of one kind held up the records of the other."""
    room = Room(overdue(id="f" * 32))
    room.generations.table.deliveries["d", Status.SUCCESS] = a_due_delivery("d")
    meeting = Barrier(2)
    room.step = replace(
        room.step, dispatch_queue=MeetingQueue(meeting), delivery_queue=MeetingQueue(meeting), each=in_threads(2)
    )
    assert set(room.run()) == {Action.RESEND, Action.DELIVER}


@each("count", [0, 1, 2, 50])
def test_threads_give_results_in_order(count: int) -> None:
    running, most = Counter[str](), [0]

    def double(number: int) -> int:
        running["now"] += 1
        most.append(running["now"])
        time.sleep(0.001 * (number % 3))
        running["now"] -= 1
        return 2 * number

    assert list(in_threads(4)(double, range(count))) == [2 * number for number in range(count)]
    assert max(most) <= 4
