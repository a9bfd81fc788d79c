"""Replicate: what is sent, what each answer means, and which callbacks are its own."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from atelier.errors import (
    InvalidSignatureError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderError,
    ProviderRejectedError,
)
from atelier.providers.callback_keys import FAILURE_SECONDS, LEAST_RENEWAL_SECONDS, MAX_AGE_SECONDS
from atelier.providers.provider import Failed, ImageUrls, Job, JobRef, Outcome, Running, Submitted
from atelier.providers.replicate import Replicate
from atelier.providers.wire import MAX_ANSWER_BYTES
from atelier.standard_webhooks import sign
from tests.cases import each
from tests.unit.asynchronous import (
    LOST,
    NO_ANSWER,
    NO_DOCUMENT,
    NO_ID,
    NOW,
    REFUSALS,
    REPEATABLE,
    callback,
    our_key,
    raised,
    wire,
)

BASE = "https://replicate.example/v1"
URLS = {"replicate": BASE}
ID = "gm3qorzdhgbfurvjtvhg6dckhu"
JOB = Job(
    model="black-forest-labs/flux-schnell",
    input={"prompt": "a café", "num_outputs": 2},
    callback_url="https://atelier.example/api/webhook/replicate/1/token",
    key="r8_key",
)
REF = JobRef(id=ID, model=JOB.model, input=JOB.input, key=JOB.key)
STARTING: dict[str, Any] = {
    "id": ID,
    "model": "black-forest-labs/flux-schnell",
    "version": "dp-4d0bcc010b3049749a251855f12800be",
    "input": {"prompt": "a café"},
    "logs": "",
    "output": None,
    "data_removed": False,
    "error": None,
    "status": "starting",
    "created_at": "2026-11-22T12:00:00.000Z",
    "urls": {
        "get": f"https://elsewhere.example/v1/predictions/{ID}",
        "cancel": f"https://elsewhere.example/v1/predictions/{ID}/cancel",
        "stream": "https://stream.replicate.example/v1/files/x",
    },
}
PICTURES = ("https://replicate.delivery/x/out-0.webp", "https://replicate.delivery/x/out-1.webp")
FAILED = "The provider replicate could not make the picture: {}; try again, or change the input."


def problem(status: int, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"type": "about:blank", "title": "No", "status": status, "detail": detail})


def submit(answer: httpx.Response | type[httpx.TransportError]) -> Outcome:
    return Replicate(wire(answer).client, URLS).submit(JOB)


def fetch(answer: httpx.Response | type[httpx.TransportError]) -> Outcome:
    return Replicate(wire(answer).client, URLS).fetch(REF)


# ---- Submitting


def test_an_official_model_is_asked_by_its_name() -> None:
    line = wire(httpx.Response(201, json=STARTING))
    assert Replicate(line.client, URLS).submit(JOB) == Submitted(ID)
    [request] = line.requests
    assert line.asked == [("POST", f"{BASE}/models/black-forest-labs/flux-schnell/predictions")]
    assert request.headers["Authorization"] == "Bearer r8_key"
    assert request.headers["Content-Type"] == "application/json"
    assert "Prefer" not in request.headers
    assert json.loads(request.content) == {
        "input": JOB.input,
        "webhook": JOB.callback_url,
        "webhook_events_filter": ["completed"],
    }


def test_another_model_is_asked_by_its_version() -> None:
    line = wire(httpx.Response(201, json=STARTING))
    job = Job(model="stability-ai/sdxl:39ed52f2", input={}, callback_url="https://a.example", key="r8_key")
    Replicate(line.client, {}).submit(job)
    assert line.asked == [("POST", "https://api.replicate.com/v1/predictions")]
    assert json.loads(line.requests[0].content) == {
        "version": "39ed52f2",
        "input": {},
        "webhook": "https://a.example",
        "webhook_events_filter": ["completed"],
    }


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_prediction_may_be_begun_taken_or_done(status: int) -> None:
    assert submit(httpx.Response(status, json=STARTING)) == Submitted(ID)


@each(("status", "error"), [*REFUSALS, *LOST], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: submit(problem(status, "no")))


def test_a_refusal_is_passed_on_in_the_providers_words() -> None:
    error = raised(ProviderRejectedError, lambda: submit(problem(422, "- input: prompt is required\n")))
    assert str(error) == "The provider replicate refused the input: - input: prompt is required; change it."
    error = raised(ProviderRejectedError, lambda: submit(httpx.Response(422, json={"title": "Bad", "detail": None})))
    assert str(error) == "The provider replicate refused the input: Bad; change it."


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (problem(429, "Request was throttled. Your rate limit resets in ~30s."), 30.0),
        (httpx.Response(429, headers={"Retry-After": "3"}, json={"detail": "Your rate limit resets in ~30s."}), 3.0),
        (problem(429, "Request was throttled."), None),
        (problem(503, "The system resets in 5s."), 5.0),
        (httpx.Response(429), None),
    ],
)
def test_busy_says_when_to_come_back(response: httpx.Response, seconds: float | None) -> None:
    error = raised(ProviderBusyError, lambda: submit(response))
    assert isinstance(error, ProviderBusyError)
    assert error.retry_after == seconds


@each("body", [*NO_DOCUMENT, *(json.dumps({"id": job_id}).encode() for job_id in NO_ID)])
def test_an_answer_without_a_plain_id_is_an_unknown_outcome(body: bytes) -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(201, content=body)))


def test_an_answer_that_is_too_large_is_an_unknown_outcome() -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(201, content=b" " * (MAX_ANSWER_BYTES + 1))))


@pytest.mark.parametrize(("lost", "error"), NO_ANSWER)
def test_a_call_may_be_made_again_only_if_it_was_never_sent(
    lost: type[httpx.TransportError], error: type[ProviderError]
) -> None:
    raised(error, lambda: submit(lost))


# ---- Fetching


def test_a_prediction_is_fetched_where_we_know_not_where_it_says() -> None:
    line = wire(httpx.Response(200, json=STARTING))
    assert Replicate(line.client, URLS).fetch(REF) == Running()
    assert line.asked == [("GET", f"{BASE}/predictions/{ID}")]
    assert line.requests[0].headers["Authorization"] == "Bearer r8_key"


@each(
    ("news", "outcome"),
    [
        ({"status": "starting"}, Running()),
        ({"status": "processing", "output": [PICTURES[0]]}, Running()),
        ({"status": "something new"}, Running()),
        ({"status": None}, Running()),
        ({"status": "succeeded", "output": PICTURES[0]}, ImageUrls(PICTURES[:1], 3600)),
        ({"status": "succeeded", "output": list(PICTURES)}, ImageUrls(PICTURES, 3600)),
        ({"status": "succeeded", "output": {"images": [{"url": url} for url in PICTURES]}}, ImageUrls(PICTURES, 3600)),
        ({"status": "succeeded", "output": None}, Failed(FAILED.format("it finished without a picture"))),
        ({"status": "succeeded", "output": ["A", " poem"]}, Failed(FAILED.format("it finished without a picture"))),
        (
            {"status": "succeeded", "output": None, "data_removed": True},
            Failed(FAILED.format("its result was removed, an hour after it was made")),
        ),
        ({"status": "failed", "error": "CUDA out of memory."}, Failed(FAILED.format("CUDA out of memory"))),
        ({"status": "failed", "error": None}, Failed(FAILED.replace(": {}", ""))),
        ({"status": "failed", "error": {"code": 5}}, Failed(FAILED.replace(": {}", ""))),
        (
            {"status": "failed", "error": "NSFW content detected. Try running it again, or try a different prompt."},
            Failed(
                "The provider replicate holds the prompt, or the picture made of it, to be unsafe: NSFW content "
                "detected. Try running it again, or try a different prompt; change the prompt."
            ),
        ),
        ({"status": "canceled"}, Failed(FAILED.format("the prediction was cancelled"))),
        ({"status": "aborted", "error": "Deadline"}, Failed(FAILED.format("Deadline"))),
    ],
)
def test_each_status_has_its_outcome(news: dict[str, Any], outcome: Outcome) -> None:
    assert fetch(httpx.Response(200, json=STARTING | news)) == outcome


@each("body", NO_DOCUMENT)
def test_an_answer_that_is_no_prediction_says_nothing(body: bytes) -> None:
    assert fetch(httpx.Response(200, content=body)) == Running()


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_prediction_that_is_gone_has_failed(status: int) -> None:
    assert isinstance(fetch(problem(status, "Not found.")), Failed)


@each(("status", "error"), REPEATABLE)
def test_asking_may_be_repeated_after_any_trouble(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: fetch(httpx.Response(status, json={"status": "succeeded", "output": PICTURES[0]})))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_provider_out_of_reach_is_asked_again(error: type[httpx.TransportError]) -> None:
    raised(ProviderBusyError, lambda: fetch(error))


# ---- Cancelling


@pytest.mark.parametrize("status", [200, 202, 400, 404, 409, 422])
def test_a_cancellation_may_come_twice_or_too_late(status: int) -> None:
    line = wire(httpx.Response(status, json=STARTING))
    replicate = Replicate(line.client, URLS)
    replicate.cancel(REF)
    replicate.cancel(REF)
    assert line.asked == [("POST", f"{BASE}/predictions/{ID}/cancel")] * 2
    assert line.requests[0].headers["Authorization"] == "Bearer r8_key"


@each(("status", "error"), REPEATABLE)
def test_a_wish_that_did_not_arrive_may_be_repeated(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: Replicate(wire(httpx.Response(status)).client, URLS).cancel(REF))


# ---- Callbacks

SECRET, ROTATED, FOREIGN = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_cm90YXRlZA==", "whsec_Zm9yZWlnbg=="
BODY = json.dumps(STARTING | {"status": "succeeded", "output": list(PICTURES)}).encode()


def told(secret: str) -> httpx.Response:
    return httpx.Response(200, json={"key": secret})


def signed(secret: str = SECRET, body: bytes = BODY, at: int = NOW) -> dict[str, str]:
    return dict(sign([secret], message_id="msg_1", timestamp=at, body=body))


def test_a_signed_callback_names_its_prediction() -> None:
    line = wire(told(SECRET))
    replicate = Replicate(line.client, URLS)
    assert replicate.read_callback(callback(signed(), BODY), our_key) == ID
    assert line.asked == [("GET", f"{BASE}/webhooks/default/secret")]
    assert line.requests[0].headers["Authorization"] == "Bearer the key"


def test_the_specifications_own_library_signs_as_we_verify() -> None:
    signature = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(NOW, UTC), BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW), "webhook-signature": signature}
    assert Replicate(wire(told(SECRET)).client, URLS).read_callback(callback(headers, BODY), our_key) == ID


def test_a_callback_may_be_repeated_while_it_is_fresh() -> None:
    replicate = Replicate(wire(told(SECRET)).client, URLS)
    assert {replicate.read_callback(callback(signed(), BODY, NOW + late), our_key) for late in (0, 1, 300)} == {ID}


@pytest.mark.parametrize("late", [301, -301, 86_400])
def test_a_callback_that_is_replayed_later_is_refused(late: int) -> None:
    replicate = Replicate(wire(told(SECRET)).client, URLS)
    with pytest.raises(InvalidSignatureError):
        replicate.read_callback(callback(signed(), BODY, NOW + late), our_key)


FORGERIES: dict[str, tuple[dict[str, str], bytes]] = {
    "another key": (signed(FOREIGN), BODY),
    "another body": (signed(), BODY.replace(ID.encode(), b"x" * len(ID))),
    "a truncated body": (signed(), BODY[:-1]),
    "a truncated signature": (signed() | {"webhook-signature": signed()["webhook-signature"][:-4]}, BODY),
    "another message": (signed() | {"webhook-id": "msg_2"}, BODY),
    "another time": (signed() | {"webhook-timestamp": str(NOW + 1)}, BODY),
    "no headers": ({}, BODY),
    "no signature": ({k: v for k, v in signed().items() if k != "webhook-signature"}, BODY),
    "rubbish": ({"webhook-id": "", "webhook-timestamp": "now", "webhook-signature": "v1,"}, b"\xff"),
}


@each(("headers", "body"), FORGERIES.values(), ids=tuple(FORGERIES.keys()))
def test_a_forged_callback_is_refused(headers: dict[str, str], body: bytes) -> None:
    replicate = Replicate(wire(told(SECRET)).client, URLS)
    with pytest.raises(InvalidSignatureError):
        replicate.read_callback(callback(headers, body), our_key)
    assert replicate.read_callback(callback(signed(), BODY), our_key) == ID


@each("body", [*NO_DOCUMENT, *(json.dumps({"id": job_id}).encode() for job_id in NO_ID)])
def test_a_signed_callback_without_a_plain_id_has_none(body: bytes) -> None:
    replicate = Replicate(wire(told(SECRET)).client, URLS)
    assert replicate.read_callback(callback(signed(body=body), body), our_key) is None


def test_the_secret_is_remembered_for_a_day() -> None:
    line = wire(told(SECRET))
    replicate = Replicate(line.client, URLS)
    for at in (NOW, NOW + 1, NOW + MAX_AGE_SECONDS - 1):
        replicate.read_callback(callback(signed(at=at), BODY, at), our_key)
    assert len(line.requests) == 1
    for at in (NOW + MAX_AGE_SECONDS, NOW + MAX_AGE_SECONDS + 1):
        replicate.read_callback(callback(signed(at=at), BODY, at), our_key)
    assert len(line.requests) == 2


def test_a_new_secret_is_read_when_the_old_one_does_not_fit() -> None:
    line = wire(told(SECRET), told(ROTATED))
    replicate = Replicate(line.client, URLS)
    replicate.read_callback(callback(signed(), BODY), our_key)
    later = NOW + LEAST_RENEWAL_SECONDS
    assert replicate.read_callback(callback(signed(ROTATED, at=later), BODY, later), our_key) == ID
    assert len(line.requests) == 2


def test_forgeries_do_not_make_us_ask_for_the_secret_each_time() -> None:
    line = wire(told(SECRET))
    replicate = Replicate(line.client, URLS)
    for second in range(2 * LEAST_RENEWAL_SECONDS):
        at = NOW + second
        with pytest.raises(InvalidSignatureError):
            replicate.read_callback(callback(signed(FOREIGN, at=at), BODY, at), our_key)
    assert len(line.requests) == 2


@each(
    "answer",
    [
        httpx.ConnectError,
        httpx.ReadTimeout,
        *(httpx.Response(status, json={"key": SECRET}) for status in (301, 401, 403, 404, 429, 500, 503)),
        *(httpx.Response(200, content=body) for body in (b"", b"[]", b"{}", b'{"key": 5}', b'{"key": ""}')),
    ],
)
def test_without_the_secret_a_callback_is_left_undecided(
    answer: httpx.Response | type[httpx.TransportError],
) -> None:
    line = wire(answer, told(SECRET))
    replicate = Replicate(line.client, URLS)
    for second in range(FAILURE_SECONDS):  # and is not asked again and again
        request = callback(signed(at=NOW + second), BODY, NOW + second)
        raised(ProviderBusyError, partial(replicate.read_callback, request, our_key))
    assert len(line.requests) == 1
    later = NOW + FAILURE_SECONDS
    assert replicate.read_callback(callback(signed(at=later), BODY, later), our_key) == ID


def test_without_a_key_of_ours_the_secret_is_not_told() -> None:
    line = wire(httpx.Response(401))
    raised(
        ProviderBusyError, lambda: Replicate(line.client, URLS).read_callback(callback(signed(), BODY), lambda: None)
    )
