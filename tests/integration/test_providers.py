"""Turns of providers, through the real functions, table, bucket and queues; the providers are as they document."""

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from PIL import Image
from standardwebhooks import Webhook

from atelier.adapters.dynamodb.circuit_breakers import CircuitBreakerTable
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.errors import ConflictError, UpstreamUnavailableError
from atelier.generations.model import Generation, Status
from atelier.generations.wait import Wait
from atelier.outbound.circuit_breaker import CircuitBreaker, Health, Release, Upstream
from functions.generate.app.dependencies import dependencies as generate_dependencies
from functions.generate.app.routes import generations as generate
from tests.integration.lambdas import Lambdas, event, message, queue_event, request
from tests.integration.samples import generation
from tests.integration.stack import Stack, set_provider_keys
from tests.integration.test_ingest import SECRET, stored, with_zip
from tests.integration.world import BASE, Internet, picture

KEYS = {"replicate": "r8_key", "fal": "fal-key", "openai": "sk-key"}
CALLBACK_SECRET = "whsec_" + base64.b64encode(b"the secret of the callbacks").decode()
FLUX = {"model": "flux-schnell", "input": {"prompt": "a lighthouse"}}


@pytest.fixture
def keys(stack: Stack, internet: Internet) -> None:
    """Keys of several providers; nobody answers yet."""
    set_provider_keys(stack.ref("ProviderKeysSecret"), KEYS)


@dataclass
class Room:
    """A client, the functions and the world around them."""

    lambdas: Lambdas
    internet: Internet
    generations: GenerationStore
    key: str

    def ask(self, wanted: dict[str, Any]) -> Generation:
        """POST a generation."""
        _, accepted = self.lambdas.ask(request("generate", authorization=self.key, body=json.dumps(wanted)))
        return self.generations.get(accepted["id"])

    def dispatch(self, generation: Generation) -> Generation:
        """Let all that waits for dispatch, at once, be dispatched."""
        self.lambdas.make()
        return self.generations.get(generation.id)

    def ingest(self, generation: Generation) -> Generation:
        """Take a message of the ingest queue."""
        assert self.lambdas.invoke("ingest", queue_event("ingest", message(generation.id))) == {"batchItemFailures": []}
        return self.generations.get(generation.id)


@pytest.fixture
def room(keys: None, lambdas: Lambdas, internet: Internet, generations: GenerationStore, key: str) -> Room:
    return Room(lambdas, internet, generations, key)


class Replicate:
    """Replicate, as far as a prediction goes."""

    def __init__(self) -> None:
        self.status = "processing"
        self.webhook = ""
        self.input: dict[str, Any] = {}

    def __call__(self, asked: httpx.Request) -> httpx.Response:
        assert asked.headers["Authorization"] == "Bearer r8_key"
        if asked.url.path == "/v1/webhooks/default/secret":
            return httpx.Response(200, json={"key": CALLBACK_SECRET})
        if asked.url.path.endswith("/cancel"):
            self.status = "canceled"
        elif asked.method == "POST":
            document = json.loads(asked.content)
            self.webhook, self.input = document["webhook"], document["input"]
        return httpx.Response(200, json={"id": "job1", "status": self.status, "output": ["https://cdn.example/1.png"]})

    def callback(self) -> str:
        return json.dumps({"id": "job1", "status": self.status})


@pytest.fixture
def replicate(room: Room) -> Replicate:
    """Replicate, and the host of its results."""
    replicate = Replicate()
    room.internet.hosts["api.replicate.com"] = replicate
    room.internet.hosts["cdn.example"] = lambda _: httpx.Response(200, content=picture())
    return replicate


def signed(secret: str, body: str) -> dict[str, str]:
    """Sign a callback as Standard Webhooks does."""
    at = datetime.now(UTC)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp()))}
    return {**headers, "webhook-signature": Webhook(secret).sign("msg_1", at, body)}


# ---- Fallback


def test_a_passing_failure_moves_to_the_next_provider_and_shows(room: Room) -> None:
    # given
    room.internet.hosts["api.replicate.com"] = lambda _: httpx.Response(503, json={"detail": "overloaded"})
    room.internet.hosts["queue.fal.run"] = lambda _: httpx.Response(200, json={"request_id": "fal1"})
    asked = room.ask(FLUX)
    # when
    passed_on = room.dispatch(asked)
    taken = room.dispatch(asked)
    # then
    assert passed_on.status is Status.PENDING
    assert (taken.status, taken.provider) == (Status.PROCESSING, "fal")
    first, second = taken.attempts
    assert (first.provider, second.provider) == ("replicate", "fal")
    assert (first.ended_at or 0) >= first.at
    assert "replicate" in (first.reason or "")
    assert (second.ended_at, second.reason) == (None, None)


def test_an_open_breaker_lets_nobody_ask_and_the_next_takes_over(room: Room, table: RecordTable) -> None:
    # given five generations that replicate failed
    room.internet.hosts["api.replicate.com"] = lambda _: httpx.Response(503)
    room.internet.hosts["queue.fal.run"] = lambda _: httpx.Response(200, json={"request_id": "fal1"})
    for _ in range(5):
        room.dispatch(room.ask(FLUX))
    room.lambdas.make()
    assert CircuitBreakerTable(table).read("provider:replicate").open
    # when
    asked = len(room.internet.to("api.replicate.com"))
    taken = room.dispatch(room.ask(FLUX))
    # then
    assert (taken.provider, len(taken.attempts)) == ("fal", 1)
    assert len(room.internet.to("api.replicate.com")) == asked == 5
    assert CircuitBreakerTable(table).read("provider:fal") == CircuitBreaker()


def test_a_refusal_and_an_unknown_outcome_move_to_nobody(room: Room) -> None:
    for status, then in ((422, Status.ERROR), (502, Status.PROCESSING)):
        # given
        room.internet.hosts["api.replicate.com"] = lambda _, status=status: httpx.Response(status)  # type: ignore[misc]
        # when
        ended = room.dispatch(room.ask(FLUX))
        # then
        assert ended.status is then
        assert [attempt.provider for attempt in ended.attempts] == ["replicate"]
    assert room.internet.to("queue.fal.run") == []


def test_retry_after_is_honoured_by_everybody(room: Room) -> None:
    # given
    busy = httpx.Response(429, headers={"Retry-After": "120"})
    room.internet.hosts["api.replicate.com"] = lambda _: busy
    room.internet.hosts["queue.fal.run"] = lambda _: httpx.Response(200, json={"request_id": "fal1"})
    room.dispatch(room.ask(FLUX))
    # when
    second = room.dispatch(room.ask(FLUX))
    # then
    assert second.provider == "fal"
    assert len(room.internet.to("api.replicate.com")) == 1


# ---- A synchronous provider


def test_a_synchronous_providers_pictures_are_cleaned_and_stored(room: Room, stack: Stack) -> None:
    # given
    answer = {"data": [{"b64_json": base64.b64encode(content).decode()} for content in (with_zip(), picture())]}
    room.internet.hosts["api.openai.com"] = lambda _: httpx.Response(200, json=answer)
    # when
    finished = room.dispatch(room.ask({"model": "gpt-image", "input": {"prompt": "a lighthouse", "num_images": 2}}))
    # then
    assert (finished.status, len(finished.outputs)) == (Status.SUCCESS, 2)
    kept = {key: content for key, (_, content) in stored(stack).items() if not key.startswith("staging/")}
    assert not [key for key, content in kept.items() if SECRET in content]


def test_during_a_long_call_a_second_message_is_over_at_once(
    room: Room, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider takes a minute: the second worker makes no call, and the API waits no longer than its limit."""
    slept: list[float] = []
    answers: list[Any] = []

    def take_a_minute(_: httpx.Request) -> httpx.Response:
        (name,) = {row["id"]["S"] for row in stack.rows("GenerationsTable") if row["record"]["S"] == "generation"}
        answers.append(room.lambdas.invoke("dispatch", queue_event("dispatch", message(name))))
        answers.append(room.generations.get(name).status)
        return httpx.Response(200, json={"data": [{"b64_json": base64.b64encode(picture()).decode()}]})

    room.internet.hosts["api.openai.com"] = take_a_minute
    # given a client that waits as long as it may, while nobody has dispatched yet
    room.lambdas.ask(request("generate"))
    real = generate_dependencies()
    wait = Wait(generations=room.generations, sleep=slept.append, monotonic=lambda: sum(slept))
    dependencies = replace(real, settings=replace(real.settings, wait_seconds=25), wait=wait)
    monkeypatch.setattr(generate, "dependencies", lambda: dependencies)
    # when
    body = json.dumps({"model": "gpt-image", "input": {"prompt": "a lighthouse"}})
    status, accepted = room.lambdas.ask(request("generate", authorization=room.key, body=body))
    room.lambdas.make()
    # then
    assert (status, accepted["status"]) == (202, "pending")
    assert sum(slept) == pytest.approx(25)
    assert answers == [{"batchItemFailures": []}, Status.PROCESSING]
    assert len(room.internet.to("api.openai.com")) == 1
    assert room.generations.get(accepted["id"]).status is Status.SUCCESS


# ---- Callbacks


@pytest.mark.parametrize(
    ("secret", "status", "ingests"),
    [(CALLBACK_SECRET, 200, 1), ("whsec_" + base64.b64encode(b"somebody else's").decode(), 401, 0)],
)
def test_a_callback_counts_if_its_provider_signed_it(
    secret: str, status: int, ingests: int, room: Room, replicate: Replicate
) -> None:
    # given
    submitted = room.dispatch(room.ask(FLUX))
    replicate.status = "succeeded"
    # when
    body = replicate.callback()
    document = request("webhook", path=replicate.webhook.removeprefix(BASE), body=body)
    document["headers"] |= signed(secret, body)
    answered, _ = room.lambdas.ask(document, "webhook")
    # then
    assert answered == status
    assert len(room.lambdas.waiting("IngestQueue")) == ingests
    assert room.generations.get(submitted.id) == submitted


def test_a_callback_is_verified_as_the_bytes_that_came(room: Room, replicate: Replicate) -> None:
    # given
    room.dispatch(room.ask(FLUX))
    # when API Gateway passes the body in base64
    body = replicate.callback()
    document = request("webhook", path=replicate.webhook.removeprefix(BASE), body=body)
    document["headers"] |= signed(CALLBACK_SECRET, body)
    document |= {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
    # then
    assert room.lambdas.ask(document, "webhook")[0] == 200


def test_a_callback_that_cannot_be_verified_now_is_to_come_again(room: Room, replicate: Replicate) -> None:
    # given
    submitted = room.dispatch(room.ask(FLUX))
    del room.internet.hosts["api.replicate.com"]
    # when
    body = replicate.callback()
    document = request("webhook", path=replicate.webhook.removeprefix(BASE), body=body)
    document["headers"] |= signed(CALLBACK_SECRET, body)
    answered, _ = room.lambdas.ask(document, "webhook")
    # then
    assert answered == 503
    assert room.generations.get(submitted.id) == submitted


# ---- Cancelling


def test_a_providers_job_is_stopped_there_despite_a_lost_message(room: Room, replicate: Replicate) -> None:
    # given
    submitted = room.dispatch(room.ask(FLUX))
    path = f"/generations/{submitted.id}/cancel"
    # when
    status, _ = room.lambdas.ask(request("generate", method="POST", path=path, authorization=room.key, body=""))
    assert room.lambdas.invoke("reconcile", event("reconcile")) == {"overdue": 1}
    ended = room.ingest(submitted)
    # then
    assert status == 200
    assert replicate.status == "canceled"
    assert (ended.status, ended.error, ended.refunded) == (Status.ERROR, "cancelled", False)


# ---- Clients' pictures


def test_a_clients_pictures_reach_the_provider_by_urls_of_ours(room: Room, replicate: Replicate, stack: Stack) -> None:
    # given one picture behind a URL, which hides an archive, and one in a data URL
    room.internet.hosts["client.example"] = lambda _: httpx.Response(200, content=with_zip())
    urls = ["https://client.example/1.png", f"data:image/png;base64,{base64.b64encode(picture()).decode()}"]
    # when
    asked = room.ask({"model": "nano-banana", "input": {"prompt": "as these", "image_urls": urls}})
    submitted = room.dispatch(asked)
    # then
    assert submitted.status is Status.PROCESSING
    given = replicate.input["image_input"]
    assert given == [f"{BASE}/files/{file.key}" for file in submitted.inputs]
    assert {key for key in stored(stack) if key.startswith("inputs/")} == {file.key for file in submitted.inputs}
    kept = {key: content for key, (_, content) in stored(stack).items() if not key.startswith("staging/")}
    assert not [key for key, content in kept.items() if SECRET in content]
    # and they can be fetched there
    answer = room.lambdas.invoke("generate", request("generate", method="GET", path=given[0].removeprefix(BASE)))
    assert answer["statusCode"] == 302


def test_a_tools_mask_reaches_the_provider_in_white(room: Room, replicate: Replicate, stack: Stack) -> None:
    # given a mask that marks by transparency, and an answer in PNG where WebP is wanted
    def url(image: Image.Image) -> str:
        output = io.BytesIO()
        image.save(output, "PNG")
        return f"data:image/png;base64,{base64.b64encode(output.getvalue()).decode()}"

    values = {"image_url": url(Image.new("RGB", (64, 48))), "mask_url": url(Image.new("RGBA", (64, 48), (9, 9, 9, 0)))}
    # when
    wanted = {"prompt": "a boat", **values, "output_format": "webp"}
    asked = room.ask({"model": "flux-fill-pro", "input": wanted})
    submitted = room.dispatch(asked)
    replicate.status = "succeeded"
    done = room.ingest(submitted)
    # then
    assert (submitted.tool, submitted.attempts[0].model) == ("inpaint", "black-forest-labs/flux-fill-pro")
    image, mask_url = (f"{BASE}/files/{file.key}" for file in submitted.inputs)
    assert replicate.input == {"prompt": "a boat", "image": image, "mask": mask_url, "output_format": "png"}
    mask = Image.open(io.BytesIO(stored(stack)[submitted.inputs[1].key][1]))
    assert (mask.mode, mask.getextrema()) == ("L", (255, 255))
    assert (done.status, done.outputs[0].content_type) == (Status.SUCCESS, "image/webp")


@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        (lambda _: httpx.Response(302, headers={"Location": "http://169.254.169.254/"}), "https://"),
        (lambda _: httpx.Response(200, content=b"<svg/>"), "not a PNG"),
    ],
)
def test_a_clients_picture_is_trusted_no_further_than_any_url(
    serve: Callable[[httpx.Request], httpx.Response], reason: str, room: Room, replicate: Replicate, stack: Stack
) -> None:
    room.internet.hosts["client.example"] = serve
    wanted = {"prompt": "as this", "image_urls": ["https://client.example/1.png"]}
    failed = room.dispatch(room.ask({"model": "nano-banana", "input": wanted}))
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert (failed.error or "").startswith("The picture at image_urls.0 cannot be used: ")
    assert reason in (failed.error or "")
    assert room.internet.to("api.replicate.com") == []
    assert stored(stack) == {}


# ---- Places


def test_a_claim_and_its_place_are_taken_both_or_neither(generations: GenerationStore, table: RecordTable) -> None:
    # given a provider with one place
    upstream = Upstream("provider:fal", 1, 60_000)
    first, second = generation(), generation()
    for item in (first, second):
        generations.add(item)
    claims = [item.claimed("fal", "flux", committed=True, now=1, deadline=9) for item in (first, second)]
    slot = generations.acquire(first, claims[0], upstream, 1)
    # when the second comes, then there is no place, and it is not claimed
    with pytest.raises(UpstreamUnavailableError):
        generations.acquire(second, claims[1], upstream, 1)
    assert generations.get(second.id) == second
    # and when the first moved on meanwhile, then its place is left all the same
    moved = generations.advance(claims[0], claims[0].failed("too late", 2))
    with pytest.raises(ConflictError):
        generations.advance(claims[0], claims[0].submitted("job1", 3), Release(slot, Health.HEALTHY, 3))
    assert generations.get(first.id) == moved
    assert CircuitBreakerTable(table).read(upstream.name).taken == {}
    # and when the generation is not what it was, then no place is taken for it
    with pytest.raises(ConflictError):
        generations.acquire(first, claims[0], upstream, 4)
    assert CircuitBreakerTable(table).read(upstream.name).taken == {}
    # and a place that a worker left behind is free when its lease is over
    generations.acquire(second, claims[1], upstream, 5)
    third = generation()
    generations.add(third)
    claim = third.claimed("fal", "flux", committed=True, now=6, deadline=9)
    with pytest.raises(UpstreamUnavailableError):
        generations.acquire(third, claim, upstream, 60_005)
    assert generations.acquire(third, claim, upstream, 60_006).number == 0
