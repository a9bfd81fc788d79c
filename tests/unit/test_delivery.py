"""Deliveries: what a webhook is told of, when the next attempt is due, and when there is none."""

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.clock import HOUR, MINUTE, SECOND
from atelier.encoding import encode
from atelier.errors import ConflictError
from atelier.generations.model import FINAL, Generation, Moment, Status
from atelier.outbound.circuit_breaker import FULL_WAIT
from atelier.outbound.retry_after import retry_after
from atelier.webhooks.delivery import ATTEMPT_LEASE, Attempt, Delivery, DeliveryStatus
from atelier.webhooks.events import deliveries_for, events, first_delivery
from atelier.webhooks.payload import notification
from atelier.webhooks.schedule import JITTER, LONGEST_REST, LONGEST_SPREAD, MAX_AGE, SCHEDULE
from tests.cases import each
from tests.unit.fakes import BASE_URL, NOW, a_generation

NEW = Delivery(
    generation_id="g1",
    user_id="user_1",
    event=Status.SUCCESS,
    url="https://example.com/hook",
    body="{}",
    created_at=NOW,
    begun_at=NOW,
    due_at=NOW,
)
relaxed = settings(deadline=None)
failures = st.none() | st.integers(100, 199) | st.integers(300, 599).filter(lambda code: code != 410)


def attempt(status_code: int | None, at: int = NOW, number: int = 1) -> Attempt:
    """Make an attempt with this outcome."""
    return Attempt(number=number, at=at, duration=5, status_code=status_code)


def due(delivery: Delivery) -> int:
    """Return when a pending delivery is due."""
    assert delivery.due_at is not None
    return delivery.due_at


# ---- What a webhook is told of


PENDING = Moment(Status.PENDING, NOW)
WAY = (Moment(Status.PROCESSING, NOW + 1, "studio"), Moment(Status.UPLOADING, NOW + 2), Moment(Status.SUCCESS, NOW + 3))
DONE = a_generation(status=Status.SUCCESS, timeline=WAY)


@pytest.mark.parametrize(
    ("wanted", "occurred"),
    [
        (FINAL, [WAY[2]]),
        (tuple(Status), [PENDING, *WAY]),
        ((Status.ERROR,), []),
        ((Status.PROCESSING,), [WAY[0]]),
        ((Status.PENDING, Status.SUCCESS), [PENDING, WAY[2]]),
    ],
    ids=str,
)
def test_a_webhook_is_told_of_wanted_events_once_they_occur(wanted: tuple[Status, ...], occurred: list[Moment]) -> None:
    generation = replace(DONE, webhook_events=wanted)
    assert list(events(generation)) == occurred
    young = replace(generation, status=Status.PENDING, timeline=())
    assert list(events(young)) == [moment for moment in occurred if moment is PENDING]


def test_without_a_webhook_nothing_is_told() -> None:
    assert events(replace(DONE, webhook=None)) == ()


def test_a_repeated_status_is_told_once_with_its_first_time() -> None:
    again = (Moment(Status.PROCESSING, NOW + 1), Moment(Status.PENDING, NOW + 2), Moment(Status.PROCESSING, NOW + 3))
    generation = a_generation(status=Status.PROCESSING, timeline=again, webhook_events=tuple(Status))
    assert events(generation) == (PENDING, again[0])


def test_a_delivery_is_due_since_its_event_and_always_the_same() -> None:
    generation = replace(DONE, webhook_events=(Status.PROCESSING, Status.SUCCESS))
    first, last = deliveries_for(generation, {}, BASE_URL)
    assert (first.event, first.due_at, last.event, last.due_at) == (Status.PROCESSING, NOW + 1, Status.SUCCESS, NOW + 3)
    assert first.message_id == f"msg_{DONE.id}_processing"
    assert last.body == encode(notification(generation, WAY[2], BASE_URL))
    earlier = replace(generation, status=Status.PROCESSING, timeline=WAY[:1])
    assert deliveries_for(earlier, {}, BASE_URL) == [first]


def test_a_delivery_that_is_known_is_not_made_anew() -> None:
    known = replace(NEW, status=DeliveryStatus.DEAD)
    assert deliveries_for(DONE, {Status.SUCCESS: known}, BASE_URL) == [known]


# ---- The schedule


def test_the_schedule_grows_and_lasts_more_than_75_hours() -> None:
    assert sum(SCHEDULE) > 75 * HOUR
    assert list(SCHEDULE) == sorted(SCHEDULE)
    assert SCHEDULE[0] == 5 * SECOND
    assert len(SCHEDULE) + 1 >= 10


def test_the_message_id_is_of_generation_and_event_and_stays() -> None:
    assert NEW.message_id == "msg_g1_success"
    assert NEW.started(NOW).finished(attempt(500), NOW).message_id == "msg_g1_success"


@each(
    ("code", "succeeded"),
    [(None, False), (100, False), (199, False), (200, True), (204, True), (299, True), (300, False), (302, False),
     (400, False), (410, False), (500, False)],
)  # fmt: skip
def test_only_a_2xx_is_a_success(*, code: int | None, succeeded: bool) -> None:
    assert attempt(code).succeeded is succeeded


@pytest.mark.parametrize("late", [0, 1, HOUR, 1000 * HOUR])
def test_a_due_attempt_is_taken_and_the_first_begins_the_plan(late: int) -> None:
    started = NEW.started(NOW + late)
    assert (started.tries, started.version, started.due_at) == (1, 1, NOW + late + ATTEMPT_LEASE)
    assert (started.status, started.started_at, started.begun_at) == (DeliveryStatus.PENDING, NOW + late, NOW + late)
    failed = started.finished(attempt(500), NOW + late)
    assert failed.status is DeliveryStatus.PENDING
    assert failed.started(due(failed)).begun_at == NOW + late


def test_an_attempt_is_not_taken_before_it_is_due() -> None:
    with pytest.raises(ConflictError, match="not due"):
        NEW.started(NOW - 1)


@pytest.mark.parametrize("later", [ATTEMPT_LEASE - 1, ATTEMPT_LEASE, HOUR])
def test_an_attempt_is_not_taken_twice_before_its_end(later: int) -> None:
    with pytest.raises(ConflictError):
        NEW.started(NOW).started(NOW + later)


def test_an_attempt_whose_worker_may_live_is_not_due() -> None:
    started = NEW.started(NOW)
    assert not started.is_due(NOW + ATTEMPT_LEASE - 1)
    assert started.is_due(NOW + ATTEMPT_LEASE)


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
    assert (done.status, done.due_at, done.started_at, done.attempts) == (DeliveryStatus.DELIVERED, None, None, 1)
    assert (done.version, done.reason) == (2, None)


def test_a_410_ends_it_at_once_and_says_why() -> None:
    gone = NEW.started(NOW).finished(attempt(410), NOW, rest=HOUR)
    assert (gone.status, gone.due_at) == (DeliveryStatus.DEAD, None)
    assert "gone" in str(gone.reason)


@relaxed
@given(st.integers(1, len(SCHEDULE)), failures, st.integers(NOW, NOW + 90 * HOUR), st.floats(0, JITTER))
def test_after_a_failure_the_next_wait_is_the_schedules(tries: int, code: int | None, now: int, jitter: float) -> None:
    before = int(SCHEDULE[tries - 2] * jitter) if tries > 1 else 0
    failed = replace(NEW, tries=tries, jitter=before).finished(attempt(code), now)
    wait = SCHEDULE[tries - 1]
    assert failed.status is DeliveryStatus.PENDING
    assert due(failed) - now <= wait * (1 + JITTER)
    assert wait * (1 - JITTER) <= due(failed) - now or due(failed) == NEW.begun_at + MAX_AGE


def test_the_waits_are_not_all_the_same() -> None:
    started = replace(NEW, tries=2, jitter=SECOND)
    waits = {due(started.finished(attempt(500), NOW)) - NOW for _ in range(200)}
    assert len(waits) > 100
    assert min(waits) < SCHEDULE[1] < max(waits)


@relaxed
@given(failures)
def test_a_receiver_never_answering_well_is_given_up_at_the_last(code: int | None) -> None:
    """However chance falls, the whole is never shorter than the schedule, and each wait is within the jitter."""
    delivery, now = NEW, NOW
    waits = []
    while delivery.status is DeliveryStatus.PENDING:
        waits.append(due(delivery) - now)
        now = due(delivery)
        delivery = delivery.started(now).finished(attempt(code, now, delivery.attempts + 1), now)
    assert (delivery.status, delivery.due_at) == (DeliveryStatus.DEAD, None)
    assert delivery.tries == delivery.attempts == len(SCHEDULE) + 1
    assert str(delivery.tries) in str(delivery.reason)
    assert delivery.version == 2 * delivery.tries
    assert sum(SCHEDULE) <= now - NOW < MAX_AGE
    for wait, planned in zip(waits[1:], SCHEDULE, strict=True):
        assert abs(wait - planned) <= planned * JITTER


def test_the_last_attempt_may_still_succeed() -> None:
    last = replace(NEW, tries=len(SCHEDULE)).started(NOW)
    assert last.finished(attempt(204), NOW).status is DeliveryStatus.DELIVERED


def test_a_lost_worker_uses_up_a_try() -> None:
    last = replace(NEW, tries=len(SCHEDULE)).started(NOW)
    assert last.finished(attempt(None), NOW + ATTEMPT_LEASE).status is DeliveryStatus.DEAD


def test_what_is_pending_too_long_has_its_last_attempt() -> None:
    """As when the receiver always asks for a day, or the stack stood still."""
    old = replace(NEW, begun_at=NOW - MAX_AGE, tries=2, attempts=2).started(NOW)
    assert old.finished(attempt(200), NOW).status is DeliveryStatus.DELIVERED
    dead = old.finished(attempt(503), NOW)
    assert (dead.status, dead.due_at) == (DeliveryStatus.DEAD, None)
    assert "96 hours" in str(dead.reason)


# ---- What the receiver asks for


@relaxed
@given(st.integers(0, 10 * HOUR), st.integers(1, len(SCHEDULE)))
def test_the_later_of_the_schedule_and_the_receivers_wish(rest: int, tries: int) -> None:
    failed = replace(NEW, tries=tries).finished(attempt(503), NOW, rest)
    planned = SCHEDULE[tries - 1]
    assert max(planned, rest) <= due(failed) - NOW <= max(planned, rest) + planned * JITTER


def test_a_receiver_gets_a_day_of_peace_at_most() -> None:
    failed = NEW.started(NOW).finished(attempt(429), NOW, 1000 * HOUR)
    assert LONGEST_REST <= due(failed) - NOW <= LONGEST_REST + SECOND


@each(
    ("text", "milliseconds"),
    [
        ("0", 0), ("120", 120_000), ("", 0), ("soon", 0), ("-1", 0), ("1.5", 0), ("١٢", 0), ("9" * 5_000, 0),
        ("Wed, 99 Jan 2027 00:00:00 GMT", 0), ("Wed, 01 Jan 20270000 00:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after_is_read_or_says_nothing(text: str, milliseconds: int) -> None:
    assert (retry_after({"retry-after": text}, NOW) or 0) == milliseconds


@pytest.mark.parametrize(
    "form", ["%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S -0000", "%A, %d-%b-%y %H:%M:%S GMT"]
)
@pytest.mark.parametrize(("seconds", "rest"), [(90, 90_000), (-90, 0)])
def test_retry_after_may_be_a_date(form: str, seconds: int, rest: int) -> None:
    date = datetime.fromtimestamp(NOW // 1_000 + seconds, UTC)
    assert (retry_after({"retry-after": date.strftime(form)}, NOW) or 0) == rest


@relaxed
@given(st.text(max_size=40) | st.datetimes().map(format_datetime))
def test_no_retry_after_is_an_error(text: str) -> None:
    assert (retry_after({"retry-after": text}, NOW) or 0) >= 0


# ---- No place at the host


def test_without_a_place_it_comes_back_later_and_counts_no_try() -> None:
    retry_at = NOW + 20 * SECOND
    later = replace(NEW, tries=3, attempts=3).rescheduled(retry_at, NOW)
    assert (later.tries, later.attempts, later.postponements, later.version) == (3, 3, 1, 1)
    assert retry_at <= due(later) <= retry_at + 20 * SECOND


@pytest.mark.parametrize("retry_at", [0, NOW, NOW + 1])
def test_nobody_comes_back_at_once(retry_at: int) -> None:
    assert due(NEW.rescheduled(retry_at, NOW)) >= NOW + FULL_WAIT


def test_a_thousand_that_wait_are_spread_ever_wider() -> None:
    def spread(postponements: int) -> int:
        waiting = [replace(NEW, postponements=postponements).rescheduled(NOW + 30 * SECOND, NOW) for _ in range(1_000)]
        times = [due(item) for item in waiting]
        return max(times) - min(times)

    assert 25 * SECOND < spread(0) <= 30 * SECOND < 55 * SECOND < spread(1) <= MINUTE
    assert 4 * MINUTE < spread(5) <= LONGEST_SPREAD
    assert 4 * MINUTE < spread(100_000) <= LONGEST_SPREAD


def test_a_try_forgets_how_often_there_was_no_place() -> None:
    assert replace(NEW, postponements=7).started(NOW).postponements == 0


@pytest.mark.parametrize("late", [0, 1000 * HOUR])
def test_a_delivery_without_a_place_is_given_up_after_it_looked(late: int) -> None:
    delivery, now = NEW, NOW + late
    start = now
    delivery = delivery.rescheduled(0, now)
    while delivery.status is DeliveryStatus.PENDING:
        now = due(delivery)
        delivery = delivery.rescheduled(0, now)
    assert MAX_AGE <= now - start <= MAX_AGE + FULL_WAIT + LONGEST_SPREAD
    assert "host" in str(delivery.reason)


# ---- Again


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_it_can_begin_anew_whatever_became_of_it(status: DeliveryStatus) -> None:
    before = replace(
        NEW, status=status, tries=11, attempts=11, jitter=5, postponements=2, due_at=None, version=22, reason="failed"
    )
    again = before.repeated(NOW + 7)
    assert again == replace(NEW, begun_at=NOW + 7, due_at=NOW + 7, attempts=11, version=23)
    assert again.started(NOW + 7).finished(attempt(500), NOW + 7).status is DeliveryStatus.PENDING


def test_it_does_not_begin_anew_while_an_attempt_is_under_way() -> None:
    started = NEW.started(NOW)
    with pytest.raises(ConflictError):
        started.repeated(NOW + ATTEMPT_LEASE - 1)
    assert started.repeated(NOW + ATTEMPT_LEASE).started_at is None


def test_whoever_makes_the_first_makes_the_same() -> None:
    def made(generation: Generation) -> Delivery:
        return first_delivery(generation, "https://client.example/hook", WAY[0], BASE_URL)

    wanted = (Status.PROCESSING,)
    young = a_generation(status=Status.PROCESSING, timeline=WAY[:1], webhook_events=wanted)
    assert made(young) == made(replace(DONE, webhook_events=wanted, error=None, thumbnail="outputs/t.webp"))
