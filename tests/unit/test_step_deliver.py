"""Deliver: signed attempts, when the next one comes, and what one receiver's trouble is to the others."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from standardwebhooks import Webhook

from atelier.clock import HOUR, SECOND
from atelier.encoding import timestamp
from atelier.errors import ConflictError, FetchFailedError, FetchRefusedError, UnavailableError
from atelier.generations.model import Generation, Moment, Status
from atelier.generations.ports import MAX_QUEUE_DELAY
from atelier.generations.serializer import describe
from atelier.outbound.circuit_breaker import (
    FAILURES_TO_OPEN,
    FULL_WAIT,
    PROBE_EVERY,
    CircuitBreaker,
    Release,
    Slot,
    Upstream,
)
from atelier.outbound.http_client import HttpResponse
from atelier.standard_webhooks import derive_secret
from atelier.webhooks.deliver import CALLS_PER_HOST, TIMEOUT_SECONDS, Deliver, Handled
from atelier.webhooks.delivery import ATTEMPT_LEASE, Attempt, Delivery, DeliveryStatus
from atelier.webhooks.events import deliveries_for
from atelier.webhooks.schedule import JITTER, SCHEDULE
from tests.cases import each
from tests.unit.fakes import (
    BASE_URL,
    NOW,
    Clock,
    InMemoryDeliveries,
    InMemoryQueue,
    ScriptedHttp,
    Table,
    a_generation,
    answer,
)

SIGNING_KEY = "signing key"
DONE = Moment(Status.SUCCESS, NOW)
FINISHED = a_generation(status=Status.SUCCESS, version=3, finished_at=NOW, timeline=(DONE,))
HOST = "host:client.example:443"
CALLS_OF_A_USER = CALLS_PER_HOST // 2
SHARE = f"{HOST}#user_1"
TIMED_OUT = FetchFailedError("There was no whole answer within 10 s.", sent=True)


class Room:
    """The step and its fakes."""

    def __init__(
        self,
        *script: HttpResponse | Exception,
        generation: Generation = FINISHED,
        queue: InMemoryQueue | None = None,
        table: Table | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.id = generation.id
        self.table = table or Table()
        self.table.generations[generation.id] = generation
        self.deliveries = InMemoryDeliveries(self.table)
        self.queue = queue or InMemoryQueue(self.clock)
        self.receiver = ScriptedHttp(*(script or (answer(200),)))
        self.step = Deliver(
            deliveries=self.deliveries,
            queue=lambda: self.queue,
            egress=self.receiver,
            secrets=lambda user_id, _: (derive_secret(SIGNING_KEY, user_id),),
            base_url=BASE_URL,
            source="artificial-studio",
            clock=self.clock,
        )

    def run(self) -> Handled | None:
        return self.step(*self.deliveries.find(self.id))

    def known(self, event: Status = Status.SUCCESS) -> Delivery:
        return self.table.deliveries[self.id, event]

    def attempts(self) -> list[Attempt]:
        return list(self.table.attempts.values())

    def attempt(self) -> Delivery:
        """Run when the next attempt is due."""
        known = self.table.deliveries.get((self.id, Status.SUCCESS))
        self.clock.now = max((known and known.due_at) or 0, self.clock.now)
        assert self.run()
        return self.known()

    @property
    def breaker(self) -> CircuitBreaker:
        return self.table.upstreams.breakers[SHARE]


# ---- What is sent


def test_posts_the_finished_generation_to_the_clients_webhook() -> None:
    room = Room()
    room.run()
    [request] = room.receiver.requests
    assert (request.method, request.url) == ("POST", FINISHED.webhook)
    assert json.loads(request.content or b"") == describe(FINISHED, BASE_URL)
    assert request.headers["Content-Type"] == "application/json"
    assert (request.headers["X-Webhook-Source"], request.headers["X-Media-Id"]) == ("artificial-studio", FINISHED.id)
    assert (request.timeout, request.max_bytes) == (TIMEOUT_SECONDS, 16 * 1024)


def test_the_reference_implementation_verifies_it() -> None:
    room = Room()
    room.clock.now = time.time_ns() // 1_000_000
    room.table.generations[room.id] = replace(FINISHED, timeline=(Moment(Status.SUCCESS, 0),))
    room.run()
    [request] = room.receiver.requests
    secret = derive_secret(SIGNING_KEY, FINISHED.user_id)
    document = Webhook(secret).verify(request.content or b"", dict(request.headers))
    assert document["payload"] == {"prompt": "a café"}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_taken(status: int) -> None:
    room = Room(answer(status))
    delivery = room.attempt()
    assert (delivery.status, delivery.due_at) == (DeliveryStatus.DELIVERED, None)
    assert [(item.status_code, item.reason) for item in room.attempts()] == [(status, None)]
    assert room.queue.sent == []


@each("status", [301, 302, 307, 304, 400, 401, 404, 408, 429, 500, 502, 503])
def test_any_other_answer_is_tried_again_and_no_redirect_taken(status: int) -> None:
    room = Room(answer(status, location="https://elsewhere.example/"))
    delivery = room.attempt()
    assert delivery.status is DeliveryStatus.PENDING
    [attempt] = room.attempts()
    assert attempt.status_code == status
    assert f"answered {status}." in str(attempt.reason)
    assert ("Redirects are not followed" in str(attempt.reason)) is (300 <= status < 400)
    assert len(room.receiver.requests) == 1
    assert len(room.queue.sent) == 1


REFUSED = FetchRefusedError("The URL leads to an address that is not public.")
UNREACHABLE = FetchFailedError("The host could not be connected to.", sent=False)


@pytest.mark.parametrize("failure", [TIMED_OUT, UNREACHABLE, REFUSED])
def test_a_receiver_out_of_reach_is_tried_again_with_its_reason(failure: Exception) -> None:
    room = Room(failure)
    assert room.attempt().status is DeliveryStatus.PENDING
    assert [(item.status_code, item.answer, item.reason) for item in room.attempts()] == [(None, None, str(failure))]


def test_an_attempt_tells_its_time_its_duration_and_the_answer() -> None:
    room = Room(answer(500, "schön".encode()))

    def answer_later(*args: Any, **options: Any) -> HttpResponse:
        room.clock.now += 1_234
        return ScriptedHttp.post(room.receiver, *args, **options)

    room.receiver.post = answer_later  # type: ignore[method-assign]
    room.run()
    [attempt] = room.attempts()
    assert attempt == Attempt(
        number=1, at=NOW, duration=1_234, status_code=500, answer="schön", reason="The receiver answered 500."
    )


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", ""),
        (b"x" * 20_000, "x" * 16_384),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\x1b[2Jb\x00\x9b\r\n\tc", "a\ufffd[2Jb\ufffd\ufffd\r\n\tc"),
        ("\u009b2J".encode(), "\ufffd2J"),
    ],
)
def test_of_an_answer_the_beginning_is_kept_as_harmless_text(body: bytes, kept: str) -> None:
    room = Room(answer(200, body))
    room.run()
    assert room.attempts()[0].answer == kept


def test_gone_is_given_up_at_once() -> None:
    room = Room(answer(410))
    delivery = room.attempt()
    assert (delivery.status, delivery.due_at) == (DeliveryStatus.DEAD, None)
    assert room.queue.sent == []


# ---- When


def test_the_schedule_is_followed_to_its_end() -> None:
    room = Room(answer(500))
    waits = []
    delivery = room.attempt()
    while delivery.due_at is not None:
        waits.append(delivery.due_at - room.clock.now)
        delivery = room.attempt()
    assert delivery.status is DeliveryStatus.DEAD
    assert len(room.receiver.requests) == len(SCHEDULE) + 1
    assert [attempt.number for attempt in room.attempts()] == list(range(1, 12))
    for wait, planned in zip(waits, SCHEDULE, strict=True):
        assert abs(wait - planned) <= planned * JITTER


class DownFor72Hours(ScriptedHttp):
    """A receiver that takes its time, and fails until 72 hours have passed."""

    def __init__(self, failure: HttpResponse | Exception, clock: Clock) -> None:
        super().__init__(failure)
        self.up, self._clock = ScriptedHttp(answer(200)), clock
        self.tried: list[int] = []

    def post(
        self, url: str, *, headers: Mapping[str, str], content: bytes, timeout: float, keep_bytes: int
    ) -> HttpResponse:
        self.tried.append(self._clock.now)
        down = self._clock.now < NOW + 72 * HOUR
        self._clock.now += int(timeout * 1_000)
        post = super().post if down else self.up.post
        return post(url, headers=headers, content=content, timeout=timeout, keep_bytes=keep_bytes)


@pytest.mark.parametrize("failure", [answer(503), answer(302), TIMED_OUT, UNREACHABLE])
def test_a_receiver_that_is_down_for_72_hours_gets_it(failure: HttpResponse | Exception) -> None:
    """Whatever chance does: it is drawn fifty times."""
    for _ in range(50):
        room = Room()
        receiver = DownFor72Hours(failure, room.clock)
        room.step = replace(room.step, egress=receiver)
        while room.attempt().status is DeliveryStatus.PENDING:
            pass
        assert room.known().status is DeliveryStatus.DELIVERED
        assert len(receiver.tried) >= 10
        assert receiver.tried[-1] >= NOW + 75 * HOUR
        headers = [request.headers for request in (*receiver.requests, *receiver.up.requests)]
        assert len(headers) == len(receiver.tried)
        assert {item["webhook-id"] for item in headers} == {f"msg_{room.id}_success"}
        assert len({item["webhook-signature"] for item in headers}) == len(headers)
        took = int(TIMEOUT_SECONDS * 1_000)
        for earlier, later, planned in zip(receiver.tried, receiver.tried[1:], SCHEDULE, strict=False):
            assert abs(later - earlier - took - planned) <= planned * JITTER


def test_only_short_waits_ride_on_the_queue_and_none_ends_early() -> None:
    room = Room(answer(500))
    short = 0
    delivery = room.attempt()
    while delivery.due_at is not None:
        wait = delivery.due_at - room.clock.now
        if wait <= MAX_QUEUE_DELAY:
            short += 1
            _, delay = room.queue.sent[-1]
            assert wait <= delay * 1_000 < wait + 1_000
        assert len(room.queue.sent) == short
        delivery = room.attempt()
    assert short == 3


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_receiver_that_asks_for_time_gets_it(status: int) -> None:
    room = Room(answer(status, retry_after="7200"))
    delivery = room.attempt()
    assert delivery.due_at is not None
    assert 0 <= delivery.due_at - room.clock.now - 2 * HOUR <= SCHEDULE[0] * JITTER
    assert room.queue.sent == []


def test_each_attempt_has_the_same_id_and_body_and_a_fresh_time() -> None:
    room = Room(answer(500), answer(500), answer(200))
    moments = []
    for _ in range(3):
        room.attempt()
        moments.append(room.clock.now // 1_000)
        # What the generation looks like later must not matter.
        room.table.generations[room.id] = replace(FINISHED, thumbnail="outputs/other.webp")
    requests = room.receiver.requests
    assert {request.headers["webhook-id"] for request in requests} == {f"msg_{FINISHED.id}_success"}
    assert len({request.content for request in requests}) == 1
    assert [int(request.headers["webhook-timestamp"]) for request in requests] == moments
    assert len(set(moments)) == 3
    webhook = Webhook(derive_secret(SIGNING_KEY, FINISHED.user_id))
    for request, moment in zip(requests, moments, strict=True):
        body = (request.content or b"").decode()
        signed = webhook.sign(f"msg_{FINISHED.id}_success", datetime.fromtimestamp(moment, UTC), body)
        assert request.headers["webhook-signature"] == signed


def test_each_user_has_a_secret_of_its_own() -> None:
    signatures = set()
    for user in ("user_1", "user_2"):
        room = Room(generation=replace(FINISHED, user_id=user))
        room.run()
        signatures.add(room.receiver.requests[0].headers["webhook-signature"])
    assert len(signatures) == 2


def test_secrets_out_of_reach_cost_no_try() -> None:
    def out_of_reach(*_: object) -> tuple[str, ...]:
        raise UnavailableError("The secret is out of reach; try again.")

    room = Room()
    room.step = replace(room.step, secrets=out_of_reach)
    with pytest.raises(UnavailableError):
        room.run()
    assert (room.table.deliveries, room.table.upstreams.breakers, room.receiver.requests) == ({}, {}, [])


# ---- Nothing, or nothing more


@pytest.mark.parametrize(
    "generation", [replace(FINISHED, webhook=None), a_generation(), a_generation(status=Status.UPLOADING)]
)
def test_there_is_nothing_to_deliver(generation: Generation) -> None:
    room = Room(generation=generation)
    assert room.run() is None
    assert (room.receiver.requests, room.table.deliveries) == ([], {})


@pytest.mark.parametrize("status", [200, 410])
def test_a_delivery_that_is_over_is_let_be(status: int) -> None:
    room = Room(answer(status))
    over = room.attempt()
    room.clock.now += 1000 * HOUR
    assert room.run() is None
    assert room.known() == over
    assert len(room.receiver.requests) == 1


def test_a_message_that_comes_too_early_makes_no_attempt() -> None:
    room = Room(answer(500))
    room.attempt()
    assert room.run() is None
    assert len(room.receiver.requests) == 1


def test_two_workers_make_one_attempt_and_the_rest_is_looked_at() -> None:
    room = Room()
    found = room.deliveries.find(room.id)
    room.step(*found)
    with pytest.raises(ConflictError):
        room.step(*found)
    assert len(room.receiver.requests) == 1
    assert room.queue.sent == [(room.id, 1)]
    room.clock.now += 1_000
    assert room.run() is None


def test_an_attempt_that_died_is_recorded_and_made_again() -> None:
    room = Room(RuntimeError("killed"), answer(200))
    with pytest.raises(RuntimeError):
        room.run()
    assert room.run() is None  # while the worker may live
    room.clock.now += ATTEMPT_LEASE
    handled = room.run()
    assert handled
    assert (handled.delivery.status, handled.delivery.attempts) == (DeliveryStatus.PENDING, 1)
    [attempt] = room.attempts()
    assert (attempt.at, attempt.status_code, attempt.duration) == (NOW, None, ATTEMPT_LEASE)
    assert "interrupted" in str(attempt.reason)
    assert room.attempt().status is DeliveryStatus.DELIVERED
    assert [item.number for item in room.attempts()] == [1, 2]


def test_a_delivery_whose_every_worker_dies_is_given_up() -> None:
    room = Room(RuntimeError("killed"))
    runs = 0
    while not room.table.deliveries or room.known().status is DeliveryStatus.PENDING:
        runs += 1
        assert runs < 50
        room.clock.now = max((room.table.deliveries and room.known().due_at) or 0, room.clock.now)
        try:
            room.run()
        except RuntimeError:
            continue
    assert room.known().status is DeliveryStatus.DEAD
    assert len(room.receiver.requests) == len(room.attempts()) == len(SCHEDULE) + 1


def test_a_retry_survives_the_loss_of_its_message() -> None:
    room = Room(answer(500), answer(200), queue=InMemoryQueue(broken=True))
    with pytest.raises(UnavailableError):
        room.run()
    assert room.attempt().status is DeliveryStatus.DELIVERED


def test_a_deletion_during_an_attempt_stays_and_frees_its_place() -> None:
    room = Room()

    def erase(*args: Any, **options: Any) -> HttpResponse:
        room.table.deliveries.clear()
        room.table.generations.clear()
        return answer(200)

    room.receiver.post = erase  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        room.run()
    assert (room.table.deliveries, room.table.attempts) == ({}, {})
    assert room.breaker.taken == {}


# ---- Several events


WAY = (Moment(Status.PROCESSING, NOW + 1, "studio"), Moment(Status.UPLOADING, NOW + 2), Moment(Status.SUCCESS, NOW + 3))
TALKATIVE = replace(FINISHED, timeline=WAY, webhook_events=tuple(Status))


def statuses(room: Room) -> list[str]:
    """List what the receiver was told, in order."""
    return [json.loads(request.content or b"")["status"] for request in room.receiver.requests]


def drain(room: Room) -> None:
    """Run for every message that the queue holds or will hold."""
    while room.queue.messages:
        room.clock.now = max(room.clock.now, min(message.visible_at for message in room.queue.messages))
        if room.queue.receive():
            room.run()


def test_a_run_makes_one_attempt_and_sends_the_id_for_the_others() -> None:
    room = Room(generation=TALKATIVE)
    room.clock.now += 10
    room.run()
    assert statuses(room) == ["pending"]
    assert room.queue.sent == [(room.id, 1)]
    drain(room)
    assert statuses(room) == ["pending", "processing", "uploading", "success"]
    assert len({request.headers["webhook-id"] for request in room.receiver.requests}) == 4
    assert {delivery.status for delivery in room.table.deliveries.values()} == {DeliveryStatus.DELIVERED}
    assert len(room.queue.sent) == 3
    bodies = [json.loads(request.content or b"") for request in room.receiver.requests]
    assert [body["updatedAt"] for body in bodies] == [timestamp(NOW + moment) for moment in range(4)]


def test_an_event_that_fails_does_not_hold_up_the_others() -> None:
    room = Room(answer(404), answer(200), generation=TALKATIVE)
    room.clock.now += 10
    room.run()
    drain(room)
    assert statuses(room) == ["pending", "processing", "uploading", "success", "pending"]
    assert {delivery.status for delivery in room.table.deliveries.values()} == {DeliveryStatus.DELIVERED}


def test_a_worker_killed_in_an_attempt_sent_the_others_id_before() -> None:
    room = Room(RuntimeError("killed"), answer(200), generation=TALKATIVE)
    room.clock.now += 10
    with pytest.raises(RuntimeError):
        room.run()
    assert room.queue.sent == [(room.id, 1)]


def test_two_workers_that_meet_send_no_more_than_they_took() -> None:
    room = Room(generation=TALKATIVE)
    room.clock.now += 10
    found = room.deliveries.find(room.id)
    room.step(*found)
    with pytest.raises(ConflictError):
        room.step(*found)
    assert room.queue.sent == [(room.id, 1)] * 2
    drain(room)
    assert statuses(room) == ["pending", "processing", "uploading", "success"]


# ---- One receiver's trouble


class Crowd:
    """Many generations, on one table, for one host or another."""

    def __init__(self) -> None:
        self.table, self.clock = Table(), Clock()
        self.queue = InMemoryQueue(self.clock)
        self.count = 0

    def room(
        self, *script: HttpResponse | Exception, webhook: str = "https://client.example/hook", user_id: str = "user_1"
    ) -> Room:
        self.count += 1
        generation = replace(FINISHED, id=f"{self.count:032x}", webhook=webhook, user_id=user_id)
        return Room(*script, generation=generation, table=self.table, clock=self.clock, queue=self.queue)


def test_a_host_that_failed_gets_one_probe_in_thirty_seconds() -> None:
    crowd = Crowd()
    for number in range(FAILURES_TO_OPEN):
        crowd.room((answer(500), TIMED_OUT)[number % 2]).run()
    waiting = [crowd.room(answer(500)) for _ in range(20)]
    opened_at = crowd.clock.now
    for _ in range(600):  # ten minutes of their comings and goings
        crowd.clock.now += 1_000
        for room in waiting:
            room.run()
    probes = sorted(attempt.at for attempt in crowd.table.attempts.values())[FAILURES_TO_OPEN:]
    assert probes[0] - opened_at > PROBE_EVERY
    assert all(later - earlier > PROBE_EVERY for earlier, later in pairwise(probes))
    assert 10 <= len(probes) <= 20


def test_waiting_for_an_open_breaker_costs_no_try_and_goes_later() -> None:
    crowd = Crowd()
    for _ in range(FAILURES_TO_OPEN):
        crowd.room(answer(500)).run()
    waiting = [crowd.room() for _ in range(20)]
    for room in waiting:
        handled = room.run()
        assert handled
        assert handled.attempt is None
        assert (handled.delivery.tries, handled.delivery.status) == (0, DeliveryStatus.PENDING)
    assert not any(room.receiver.requests for room in waiting)
    for _ in range(120):
        crowd.clock.now += 1_000
        for room in waiting:
            room.run()
    assert {room.known().status for room in waiting} == {DeliveryStatus.DELIVERED}


@pytest.mark.parametrize("refusal", [answer(400), answer(404), answer(410), answer(429), answer(302), REFUSED])
def test_an_answer_below_500_and_our_own_refusal_open_no_breaker(refusal: HttpResponse | Exception) -> None:
    crowd = Crowd()
    for _ in range(FAILURES_TO_OPEN * 2):
        crowd.room(refusal).run()
    assert not crowd.table.upstreams.breakers[SHARE].open
    assert len(crowd.table.attempts) == FAILURES_TO_OPEN * 2


class Busy(ScriptedHttp):
    """A receiver within whose answer the others have their turn."""

    def __init__(self, others: list[Room], clock: Clock) -> None:
        super().__init__(answer(200))
        self.others, self.clock = others, clock

    def post(
        self, url: str, *, headers: Mapping[str, str], content: bytes, timeout: float, keep_bytes: int
    ) -> HttpResponse:
        if self.others:
            room = self.others.pop(0)
            room.step = replace(room.step, egress=Busy(self.others, self.clock))
            room.run()
        return super().post(url, headers=headers, content=content, timeout=timeout, keep_bytes=keep_bytes)


@pytest.mark.parametrize("users", [1, 5])
def test_a_host_gets_so_many_calls_at_once_and_one_more_waits(users: int) -> None:
    crowd = Crowd()
    most = CALLS_OF_A_USER if users == 1 else CALLS_PER_HOST
    first, *others = [crowd.room(user_id=f"user_{number % users}") for number in range(most + 5)]
    elsewhere = crowd.room(webhook="https://other.example:8443/hook")
    first.step = replace(first.step, egress=Busy([*others, elsewhere], crowd.clock))
    first.run()
    delivered = {name for (name, _), item in crowd.table.deliveries.items() if item.status is DeliveryStatus.DELIVERED}
    assert len(delivered) == most
    late = others[most - 1].known()
    assert (late.tries, late.postponements) == (0, 1)
    assert late.due_at is not None
    assert FULL_WAIT <= late.due_at - crowd.clock.now <= 2 * FULL_WAIT
    assert crowd.queue.sent == [(late.generation_id, -(-(late.due_at - crowd.clock.now) // 1_000))]
    assert {name: breaker.taken for name, breaker in crowd.table.upstreams.breakers.items() if breaker.taken} == {}


def test_a_users_failures_do_not_stop_anothers_at_the_same_host() -> None:
    crowd = Crowd()
    for _ in range(FAILURES_TO_OPEN + 1):
        crowd.room(answer(500), user_id="user_attacker").run()
    assert crowd.table.upstreams.breakers[f"{HOST}#user_attacker"].open
    victim = crowd.room()
    victim.run()
    assert victim.known().status is DeliveryStatus.DELIVERED


def test_a_users_slow_receiver_leaves_slots_of_its_host_free() -> None:
    crowd = Crowd()
    victim = crowd.room()
    first, *slow = [crowd.room(user_id="user_attacker") for _ in range(CALLS_OF_A_USER)]
    first.step = replace(first.step, egress=Busy([*slow, victim], crowd.clock))
    first.run()
    assert victim.known().status is DeliveryStatus.DELIVERED


def test_other_hosts_do_not_notice() -> None:
    crowd = Crowd()
    for _ in range(FAILURES_TO_OPEN):
        crowd.room(answer(500)).run()
    for webhook in ("https://other.example/hook", "https://client.example:8443/hook", "http://client.example/hook"):
        room = crowd.room(webhook=webhook)
        room.run()
        assert room.known().status is DeliveryStatus.DELIVERED
    shouted = crowd.room(webhook="https://CLIENT.example:443/hook")
    shouted.run()
    assert shouted.receiver.requests == []


def test_a_place_is_left_with_what_the_call_told() -> None:
    left: list[Release] = []

    class Deliveries(InMemoryDeliveries):
        def advance(
            self,
            before: Delivery | None,
            after: Delivery,
            attempt: Attempt | None = None,
            release: Release | None = None,
        ) -> Delivery:
            left.extend([release] if release else [])
            return super().advance(before, after, attempt, release)

    room = Room(TIMED_OUT)
    room.step = replace(room.step, deliveries=Deliveries(room.table))
    room.run()
    [release] = left
    host = Upstream(HOST, CALLS_PER_HOST, ATTEMPT_LEASE)
    share = Upstream(SHARE, CALLS_OF_A_USER, ATTEMPT_LEASE, host)
    assert release.slot.shared
    assert release.slot.shared == Slot(host, release.slot.shared.number, NOW + ATTEMPT_LEASE)
    assert release.slot == Slot(share, release.slot.number, NOW + ATTEMPT_LEASE, shared=release.slot.shared)
    assert (release.at, release.rest_until) == (NOW, None)


# ---- The line at a host that is down


def in_line(room: Room, number: int, **changes: Any) -> str:
    """Let another generation's delivery stand in the line of the room's host, since `number`."""
    other = replace(FINISHED, id=f"{number + 100:032x}")
    room.table.generations[other.id] = other
    (first,) = deliveries_for(other, {}, BASE_URL)
    later = replace(first.rescheduled(NOW, NOW, down=True), line_since=number, due_at=NOW + HOUR, **changes)
    room.deliveries.stand_in_line(None, later, SHARE)
    return other.id


def probing(room: Room) -> None:
    room.table.upstreams.breakers[SHARE] = CircuitBreaker(FAILURES_TO_OPEN, NOW - 1)


def test_a_failed_probe_wakes_the_one_that_waited_longest() -> None:
    room = Room(answer(503))
    first, second = in_line(room, 1), in_line(room, 2)
    probing(room)
    room.run()
    woken = room.table.deliveries[first, Status.SUCCESS]
    assert woken.due_at == NOW + PROBE_EVERY + SECOND
    assert (first, (PROBE_EVERY + SECOND) // SECOND) in room.queue.sent
    assert [place.generation_id for place in room.deliveries.line(SHARE, 9)] == [second]


def test_a_probe_that_succeeds_wakes_two_past_those_that_left() -> None:
    room = Room(answer(200))
    gone = [in_line(room, number, status=DeliveryStatus.DEAD) for number in range(1, 25)]
    del room.table.generations[gone[0]]
    waiting = [in_line(room, number) for number in (30, 31, 32)]
    probing(room)
    room.run()
    assert room.queue.sent == [(name, 0) for name in waiting[:2]]
    assert [place.generation_id for place in room.deliveries.line(SHARE, 9)] == waiting[2:]


def test_a_success_of_who_waited_in_no_line_reads_none() -> None:
    room = Room(answer(200))
    in_line(room, 1)
    room.run()
    assert len(room.deliveries.line(SHARE, 9)) == 1


def test_a_delivery_finds_a_host_down_and_stands_in_line() -> None:
    room = Room(answer(503))
    room.table.upstreams.breakers[SHARE] = CircuitBreaker(FAILURES_TO_OPEN, NOW + PROBE_EVERY)
    room.run()
    (place,) = room.deliveries.line(SHARE, 9)
    assert (place.generation_id, room.known().in_line, room.receiver.requests) == (room.id, True, [])
