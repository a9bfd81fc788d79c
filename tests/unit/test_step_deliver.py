"""Deliver: signed attempts, and when the next one comes."""

import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from atelier.delivery import ATTEMPT_LEASE, JITTER, SCHEDULE, Delivery, DeliveryStatus
from atelier.document import describe
from atelier.errors import ConflictError, FetchFailedError, FetchRefusedError, UnavailableError
from atelier.generation import Generation, Status
from atelier.ports import HttpResponse
from atelier.signing import derive_secret
from atelier.steps.deliver import MAX_DELAY_MS, Deliver
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
FINISHED = a_generation(status=Status.SUCCESS, version=3, outputs=("outputs/0.png",), finished_at=NOW)


class Room:
    """The step and its fakes."""

    def __init__(
        self, *script: HttpResponse | Exception, generation: Generation = FINISHED, queue: InMemoryQueue | None = None
    ) -> None:
        self.clock = Clock()
        self.id = generation.id
        self.deliveries = InMemoryDeliveries(Table({generation.id: generation}))
        self.queue = queue or InMemoryQueue()
        self.receiver = ScriptedHttp(*(script or (answer(200),)))
        self.step = Deliver(
            deliveries=self.deliveries,
            queue=lambda: self.queue,
            egress=self.receiver,
            secrets=lambda user_id, _: (derive_secret(SIGNING_KEY, user_id),),
            base_url=BASE_URL,
            clock=self.clock,
        )

    def run(self) -> Delivery | None:
        return self.step(*self.deliveries.find(self.id))

    def attempt(self) -> Delivery:
        """Run when the next attempt is due."""
        known = self.deliveries.table.deliveries.get(self.id)
        self.clock.now = (known and known.due_at) or self.clock.now
        delivery = self.run()
        assert delivery is not None
        return delivery


def test_posts_the_finished_generation_to_the_clients_webhook() -> None:
    room = Room()
    room.run()
    [request] = room.receiver.requests
    assert (request.method, request.url) == ("POST", FINISHED.webhook)
    assert json.loads(request.content or b"") == describe(FINISHED, BASE_URL)
    assert request.headers["Content-Type"] == "application/json"
    assert (request.headers["X-Webhook-Source"], request.headers["X-Media-Id"]) == ("atelier", FINISHED.id)


def test_the_reference_implementation_verifies_it() -> None:
    room = Room()
    room.clock.now = time.time_ns() // 1_000_000
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
    assert [item.status_code for item in delivery.attempts] == [status]
    assert room.queue.sent == []


@pytest.mark.parametrize("status", [301, 302, 307, 304, 400, 401, 404, 408, 429, 500, 502, 503])
def test_any_other_answer_is_tried_again_and_no_redirect_is_followed(status: int) -> None:
    room = Room(answer(status, location="https://elsewhere.example/"))
    delivery = room.attempt()
    assert delivery.status is DeliveryStatus.PENDING
    assert [item.status_code for item in delivery.attempts] == [status]
    assert len(room.receiver.requests) == 1
    assert len(room.queue.sent) == 1


@pytest.mark.parametrize(
    "failure",
    [
        FetchFailedError("There was no whole answer within 10 s.", sent=True),
        FetchFailedError("The host could not be connected to.", sent=False),
        FetchRefusedError("The URL leads to an address that is not public."),
    ],
)
def test_a_receiver_out_of_reach_is_tried_again_and_the_reason_kept(failure: Exception) -> None:
    delivery = Room(failure).attempt()
    assert delivery.status is DeliveryStatus.PENDING
    assert [(item.status_code, item.reason) for item in delivery.attempts] == [(None, str(failure))]


def test_gone_is_given_up_at_once() -> None:
    room = Room(answer(410))
    delivery = room.attempt()
    assert (delivery.status, delivery.due_at) == (DeliveryStatus.DEAD, None)
    assert room.queue.sent == []


def test_the_schedule_is_followed_to_its_end() -> None:
    room = Room(answer(500))
    waits = []
    delivery = room.attempt()
    while delivery.due_at is not None:
        waits.append(delivery.due_at - room.clock.now)
        delivery = room.attempt()
    assert delivery.status is DeliveryStatus.DEAD
    assert len(room.receiver.requests) == len(SCHEDULE) + 1
    assert len(waits) == len(SCHEDULE)
    for wait, planned in zip(waits, SCHEDULE, strict=True):
        assert planned * (1 - JITTER) - 1 <= wait <= planned * (1 + JITTER)


def test_only_short_waits_ride_on_the_queue_and_none_ends_early() -> None:
    room = Room(answer(500))
    short = 0
    delivery = room.attempt()
    while delivery.due_at is not None:
        wait = delivery.due_at - room.clock.now
        if wait <= MAX_DELAY_MS:
            short += 1
            _, delay = room.queue.sent[-1]
            assert wait <= delay * 1_000 < wait + 1_000
        assert len(room.queue.sent) == short
        delivery = room.attempt()
    assert short == 3


def test_each_attempt_has_the_same_id_and_body_and_a_fresh_signed_timestamp() -> None:
    room = Room(answer(500), answer(500), answer(200))
    moments = []
    for _ in range(3):
        room.attempt()
        moments.append(room.clock.now // 1_000)
        # What the generation looks like later must not matter.
        room.deliveries.table.generations[room.id] = a_generation(status=Status.SUCCESS, outputs=())
    requests = room.receiver.requests
    assert {request.headers["webhook-id"] for request in requests} == {f"msg_{FINISHED.id}"}
    assert len({request.content for request in requests}) == 1
    assert [int(request.headers["webhook-timestamp"]) for request in requests] == moments
    assert len(set(moments)) == 3
    webhook = Webhook(derive_secret(SIGNING_KEY, FINISHED.user_id))
    for request, moment in zip(requests, moments, strict=True):
        body = (request.content or b"").decode()
        signed = webhook.sign(f"msg_{FINISHED.id}", datetime.fromtimestamp(moment, UTC), body)
        assert request.headers["webhook-signature"] == signed


def test_each_user_has_a_secret_of_its_own() -> None:
    signatures = set()
    for user in ("user_1", "user_2"):
        room = Room(generation=a_generation(status=Status.ERROR, user_id=user))
        room.run()
        signatures.add(room.receiver.requests[0].headers["webhook-signature"])
    assert len(signatures) == 2


@pytest.mark.parametrize(
    "generation",
    [a_generation(status=Status.SUCCESS, webhook=None), a_generation(), a_generation(status=Status.UPLOADING)],
)
def test_there_is_nothing_to_deliver(generation: Generation) -> None:
    room = Room(generation=generation)
    assert room.run() is None
    assert (room.receiver.requests, room.deliveries.table.deliveries) == ([], {})


@pytest.mark.parametrize("status", [200, 410])
def test_a_delivery_that_is_over_is_let_be(status: int) -> None:
    room = Room(answer(status))
    over = room.attempt()
    assert room.run() == over
    assert len(room.receiver.requests) == 1


def test_a_message_that_comes_too_early_makes_no_attempt() -> None:
    room = Room(answer(500))
    room.attempt()
    with pytest.raises(ConflictError):
        room.run()
    assert len(room.receiver.requests) == 1


def test_two_workers_make_one_attempt() -> None:
    room = Room()
    found = room.deliveries.find(room.id)
    room.step(*found)
    with pytest.raises(ConflictError):
        room.step(*found)
    assert len(room.receiver.requests) == 1


def test_an_attempt_that_died_is_made_again_once_its_lease_is_over() -> None:
    room = Room(RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        room.run()
    with pytest.raises(ConflictError):
        room.run()
    room.clock.now += ATTEMPT_LEASE
    with pytest.raises(RuntimeError):
        room.run()
    assert len(room.receiver.requests) == 2


def test_a_retry_survives_the_loss_of_its_message() -> None:
    room = Room(answer(500), answer(200), queue=InMemoryQueue(broken=True))
    with pytest.raises(UnavailableError):
        room.run()
    assert room.attempt().status is DeliveryStatus.DELIVERED
