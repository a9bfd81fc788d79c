"""Deliveries: when the next attempt is due, and when there is none."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.delivery import (
    ATTEMPT_LEASE,
    HOUR,
    JITTER,
    MAX_ATTEMPTS_KEPT,
    SCHEDULE,
    Attempt,
    Delivery,
    DeliveryStatus,
)
from atelier.errors import ConflictError
from atelier.generation import SECOND

NOW = 1_700_000_000_000
NEW = Delivery(
    generation_id="g1", user_id="user_1", url="https://example.com/hook", body="{}", created_at=NOW, due_at=NOW
)
relaxed = settings(deadline=None)
failures = st.none() | st.integers(100, 199) | st.integers(300, 599).filter(lambda code: code != 410)


def attempt(status_code: int | None, at: int = NOW) -> Attempt:
    """Make an attempt with this outcome."""
    return Attempt(at=at, duration=5, status_code=status_code, reason=None if status_code else "no answer")


def due(delivery: Delivery) -> int:
    """Return when a pending delivery is due."""
    assert delivery.due_at is not None
    return delivery.due_at


def test_the_schedule_grows_and_lasts_more_than_75_hours() -> None:
    assert sum(SCHEDULE) > 75 * HOUR
    assert list(SCHEDULE) == sorted(SCHEDULE)
    assert SCHEDULE[0] == 5 * SECOND


def test_the_message_id_is_the_generations_and_stays() -> None:
    assert NEW.message_id == "msg_g1"
    assert NEW.started(NOW).finished(attempt(500), NOW).message_id == "msg_g1"


@pytest.mark.parametrize(
    ("code", "succeeded"),
    [(None, False), (100, False), (199, False), (200, True), (204, True), (299, True), (300, False), (302, False),
     (400, False), (410, False), (500, False)],
)  # fmt: skip
def test_only_a_2xx_is_a_success(*, code: int | None, succeeded: bool) -> None:
    assert attempt(code).succeeded is succeeded


@pytest.mark.parametrize("late", [0, 1, HOUR])
def test_a_due_attempt_is_taken_for_a_while(late: int) -> None:
    started = NEW.started(NOW + late)
    assert (started.tries, started.version, started.due_at) == (1, 1, NOW + late + ATTEMPT_LEASE)
    assert started.status is DeliveryStatus.PENDING


def test_an_attempt_is_not_taken_before_it_is_due() -> None:
    with pytest.raises(ConflictError, match="not due"):
        NEW.started(NOW - 1)


def test_an_attempt_is_not_taken_twice_while_its_worker_may_live() -> None:
    started = NEW.started(NOW)
    with pytest.raises(ConflictError):
        started.started(NOW + ATTEMPT_LEASE - 1)
    assert started.started(NOW + ATTEMPT_LEASE).tries == 2


@pytest.mark.parametrize("status", [DeliveryStatus.DELIVERED, DeliveryStatus.DEAD])
def test_what_is_over_is_not_attempted(status: DeliveryStatus) -> None:
    for due_at in (None, NOW):
        with pytest.raises(ConflictError):
            replace(NEW, status=status, due_at=due_at).started(NOW)


def test_a_delivery_without_a_time_is_not_attempted() -> None:
    with pytest.raises(ConflictError):
        replace(NEW, due_at=None).started(NOW)


@pytest.mark.parametrize("code", [200, 201, 204, 299])
def test_a_2xx_ends_it_well(code: int) -> None:
    done = NEW.started(NOW).finished(attempt(code), NOW + 5)
    assert (done.status, done.due_at, done.version) == (DeliveryStatus.DELIVERED, None, 2)
    assert done.attempts == (attempt(code),)


def test_a_410_ends_it_at_once() -> None:
    gone = NEW.started(NOW).finished(attempt(410), NOW)
    assert (gone.status, gone.due_at) == (DeliveryStatus.DEAD, None)


@relaxed
@given(st.integers(1, len(SCHEDULE)), failures, st.integers(NOW, NOW + 100 * HOUR))
def test_after_a_failure_the_next_wait_is_the_schedules(tries: int, code: int | None, now: int) -> None:
    failed = replace(NEW, tries=tries).finished(attempt(code), now)
    wait = SCHEDULE[tries - 1]
    assert failed.status is DeliveryStatus.PENDING
    assert wait * (1 - JITTER) - 1 <= due(failed) - now <= wait * (1 + JITTER)


def test_the_waits_are_not_all_the_same() -> None:
    started = NEW.started(NOW)
    waits = {due(started.finished(attempt(500), NOW)) for _ in range(100)}
    assert len(waits) > 50
    assert min(waits) < NOW + SCHEDULE[0] < max(waits)


@relaxed
@given(failures)
def test_a_receiver_that_never_answers_well_is_given_up_after_the_last_attempt(code: int | None) -> None:
    delivery, now = NEW, NOW
    while delivery.status is DeliveryStatus.PENDING:
        now = due(delivery)
        delivery = delivery.started(now).finished(attempt(code, now), now)
    assert (delivery.status, delivery.due_at) == (DeliveryStatus.DEAD, None)
    assert delivery.tries == len(delivery.attempts) == len(SCHEDULE) + 1
    assert delivery.version == 2 * delivery.tries
    assert now - NOW > (1 - JITTER) * 75 * HOUR


def test_the_last_attempt_may_still_succeed() -> None:
    last = replace(NEW, tries=len(SCHEDULE)).started(NOW)
    assert last.finished(attempt(204), NOW).status is DeliveryStatus.DELIVERED


def test_a_lost_worker_uses_up_a_try() -> None:
    lost = replace(NEW, tries=len(SCHEDULE) - 1).started(NOW)
    last = lost.started(NOW + ATTEMPT_LEASE)
    assert lost.finished(attempt(500), NOW).status is DeliveryStatus.PENDING
    assert last.finished(attempt(500), NOW + ATTEMPT_LEASE).status is DeliveryStatus.DEAD


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_it_can_begin_anew_whatever_became_of_it(status: DeliveryStatus) -> None:
    before = replace(NEW, status=status, tries=11, attempts=(attempt(500),) * 11, due_at=None, version=22)
    again = before.repeated(NOW + 7)
    assert again == replace(before, status=DeliveryStatus.PENDING, tries=0, due_at=NOW + 7, version=23)
    assert again.started(NOW + 7).finished(attempt(500), NOW + 7).status is DeliveryStatus.PENDING


def test_of_many_attempts_the_newest_are_kept() -> None:
    attempts = tuple(attempt(500, at) for at in range(MAX_ATTEMPTS_KEPT + 5))
    assert replace(NEW, attempts=attempts).repeated(NOW).attempts == attempts[5:]
