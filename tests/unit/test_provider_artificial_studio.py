"""Artificial Studio: what is sent, and what each answer means."""

import json

import httpx
import pytest

from atelier.errors import OutcomeUnknownError, ProviderBusyError, ProviderError, ProviderRejectedError
from atelier.providers.artificial_studio import MAX_ANSWER_BYTES, ArtificialStudio
from atelier.providers.provider import Failed, ImageUrls, Job, JobRef, Outcome, Running, Submitted
from tests.cases import each
from tests.unit.asynchronous import (
    LOST,
    NO_ANSWER,
    NO_DOCUMENT,
    NO_ID,
    REFUSALS,
    REPEATABLE,
    callback,
    no_key_needed,
    raised,
    wire,
)

BASE = "https://api.studio.example/api"
URLS = {"artificial-studio": BASE + "/"}
JOB = Job(
    model="studio/xl",
    input={"prompt": "a café", "seed": 0},
    callback_url="https://atelier.example/api/webhook/artificial-studio/1/token",
    key="the key",
)
REF = JobRef(id="job-1", model=JOB.model, input=JOB.input, key=JOB.key)
FAILED = "The provider artificial-studio could not make the picture: {}; try again, or change the input."
PICTURELESS = Failed(FAILED.format("it finished without a picture"))


def submit(answer: httpx.Response | type[httpx.TransportError]) -> Outcome:
    return ArtificialStudio(wire(answer).client, URLS).submit(JOB)


def fetch(answer: httpx.Response | type[httpx.TransportError]) -> Outcome:
    return ArtificialStudio(wire(answer).client, URLS).fetch(REF)


# ---- Submitting


def test_a_job_is_posted_with_the_key_and_our_callback() -> None:
    line = wire(httpx.Response(200, json={"id": "job1"}))
    ArtificialStudio(line.client, URLS).submit(JOB)
    [request] = line.requests
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/generate")
    assert request.headers["Authorization"] == "the key"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == {"model": "studio/xl", "input": JOB.input, "webhook": JOB.callback_url}


def test_without_an_owners_address_it_is_the_documented_one() -> None:
    line = wire(httpx.Response(200, json={"id": "job1"}))
    ArtificialStudio(line.client, {"replicate": BASE, "artificial-studio": ""}).submit(JOB)
    assert line.asked == [("POST", "https://api.artificialstudio.ai/api/generate")]


@each("status", [200, 201, 202])
@each("document", [{"id": "job1"}, {"_id": "job1"}, {"_id": "job1", "id": "job1", "status": "x"}])
def test_a_job_that_was_taken_has_an_id(status: int, document: dict[str, str]) -> None:
    assert submit(httpx.Response(status, json=document)) == Submitted("job1")


@each(("status", "error"), [*REFUSALS, *LOST], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: submit(httpx.Response(status, json={"message": "no"})))


@each("body", [*NO_DOCUMENT, b'{"message": 5}', b'{"errors": 5}', b'{"errors": [5, {}]}'])
@each(("status", "error"), [REFUSALS[0], REFUSALS[1], REFUSALS[-1]], ids=str)
def test_a_refusal_needs_no_body(status: int, error: type[ProviderError], body: bytes) -> None:
    raised(error, lambda: submit(httpx.Response(status, content=body)))


def test_a_refusal_is_passed_on_in_the_providers_words() -> None:
    document = {"message": "Invalid input.", "errors": [{"field": "input.seed", "message": "seed must be an integer"}]}
    error = raised(ProviderRejectedError, lambda: submit(httpx.Response(400, json=document)))
    assert str(error) == (
        "The provider artificial-studio refused the input: Invalid input; seed must be an integer; change it."
    )


def test_the_account_is_the_owners_affair() -> None:
    with pytest.raises(ProviderError, match=r"credit .*; tell the operator") as caught:
        submit(httpx.Response(402, json={"message": "Balance of account 4711: -3 USD"}))
    assert "4711" not in str(caught.value)


@each(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), (None, None), ("", None), ("-1", None), ("1.5", None), ("soon", None), ("٣", None)],
)
@each("status", [429, 503])
def test_busy_says_when_to_come_back(status: int, header: str | None, seconds: float | None) -> None:
    headers = [] if header is None else [(b"Retry-After", header.encode())]
    error = raised(ProviderBusyError, lambda: submit(httpx.Response(status, headers=headers)))
    assert isinstance(error, ProviderBusyError)
    assert error.retry_after == seconds


@each("body", NO_DOCUMENT)
def test_an_answer_without_a_document_is_an_unknown_outcome(body: bytes) -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, content=body)))


@each("job_id", NO_ID)
def test_an_answer_without_a_plain_id_is_an_unknown_outcome(job_id: object) -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, content=json.dumps({"id": job_id}))))


def test_an_answer_that_is_too_large_is_an_unknown_outcome() -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1))))


@pytest.mark.parametrize(("lost", "error"), NO_ANSWER)
def test_a_call_may_be_made_again_only_if_it_was_never_sent(
    lost: type[httpx.TransportError], error: type[ProviderError]
) -> None:
    raised(error, lambda: submit(lost))


# ---- Fetching


def test_a_job_is_fetched_by_its_id_with_the_key() -> None:
    line = wire(httpx.Response(200, json={}))
    ArtificialStudio(line.client, URLS).fetch(REF)
    [request] = line.requests
    assert (request.method, str(request.url)) == ("GET", f"{BASE}/generations/job-1")
    assert request.headers["Authorization"] == "the key"
    assert request.content == b""


@each(
    ("document", "outcome"),
    [
        ({"status": "pending"}, Running()),
        ({"status": "processing"}, Running()),
        ({"status": "uploading"}, Running()),
        ({"status": "something new"}, Running()),
        ({"status": None}, Running()),
        ({}, Running()),
        ([], Running()),
        ({"status": "processing", "output": "https://cdn.example/early.png"}, Running()),
        ({"status": "success", "output": "https://cdn.example/1.png"}, ImageUrls(("https://cdn.example/1.png",))),
        (
            {
                "status": "success",
                "output": "https://upstream.example/files/1.png",
                "outputs": [
                    {"url": "https://upstream.example/files/1.png", "contentType": "image/png", "size": 5},
                    {"url": "https://upstream.example/files/2.png", "contentType": "image/png", "size": 5},
                ],
            },
            ImageUrls(("https://upstream.example/files/1.png", "https://upstream.example/files/2.png")),
        ),
        ({"status": "success", "output": "https://cdn.example/1.png", "outputs": []}, ImageUrls(("https://cdn.example/1.png",))),
        ({"status": "success", "output": None}, PICTURELESS),
        ({"status": "success", "output": ["a"]}, PICTURELESS),
        ({"status": "success", "output": "ftp://cdn.example/1"}, PICTURELESS),
        ({"status": "success"}, PICTURELESS),
        ({"status": "error", "error": "no cats"}, Failed(FAILED.format("no cats"))),
        ({"status": "error", "error": "No\n cats."}, Failed(FAILED.format("No cats"))),
        ({"status": "error", "error": "x" * 5_000}, Failed(FAILED.format("x" * 1_000))),
        ({"status": "error", "error": {"code": 5}}, Failed(FAILED.replace(": {}", ""))),
        ({"status": "error", "error": ""}, Failed(FAILED.replace(": {}", ""))),
        ({"status": "error"}, Failed(FAILED.replace(": {}", ""))),
    ],
)  # fmt: skip
def test_each_status_has_its_outcome(document: object, outcome: Outcome) -> None:
    assert fetch(httpx.Response(200, json=document)) == outcome


def test_what_is_held_to_be_unsafe_is_told_as_that() -> None:
    assert fetch(httpx.Response(200, json={"status": "error", "error": "NSFW content detected."})) == Failed(
        "The provider artificial-studio holds the prompt, or the picture made of it, to be unsafe: "
        "NSFW content detected; change the prompt."
    )


def test_an_error_that_utf8_cannot_write_is_made_writable() -> None:
    outcome = fetch(httpx.Response(200, content=rb'{"status": "error", "error": "no \ud800 cats"}'))
    assert outcome == Failed(FAILED.format("no ? cats"))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (404, Failed(FAILED.format("it no longer knows this generation"))),
        *((status, Failed(FAILED.format("Sorry"))) for status in (400, 410, 422)),
    ],
)
def test_a_job_that_is_gone_has_failed(status: int, outcome: Outcome) -> None:
    document = {"message": "Sorry.", "status": "success", "output": "https://cdn.example/1.png"}
    assert fetch(httpx.Response(status, json=document)) == outcome


@each(("status", "error"), REPEATABLE)
def test_asking_may_be_repeated_after_any_trouble(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: fetch(httpx.Response(status, json={"status": "success", "output": "https://c.example/1"})))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_provider_out_of_reach_is_asked_again(error: type[httpx.TransportError]) -> None:
    raised(ProviderBusyError, lambda: fetch(error))


def test_an_answer_that_is_too_large_is_asked_for_again() -> None:
    raised(ProviderBusyError, lambda: fetch(httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1))))


# ---- Cancelling


@pytest.mark.parametrize("status", [200, 202, 204, 400, 404, 405, 409])
def test_a_cancellation_is_a_wish_that_may_be_late_or_unknown(status: int) -> None:
    line = wire(httpx.Response(status))
    studio = ArtificialStudio(line.client, URLS)
    studio.cancel(REF)
    studio.cancel(REF)
    assert line.asked == [("POST", f"{BASE}/generations/job-1/cancel")] * 2
    assert line.requests[0].headers["Authorization"] == "the key"


@each(("status", "error"), REPEATABLE)
def test_a_wish_that_did_not_arrive_may_be_repeated(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: ArtificialStudio(wire(httpx.Response(status)).client, URLS).cancel(REF))


# ---- Callbacks

MONGO_ID = "65f0c0ffee65f0c0ffee65f0"


def read(body: bytes) -> str | None:
    studio = ArtificialStudio(wire(httpx.ConnectError).client, URLS)
    return studio.read_callback(callback({}, body), no_key_needed)


@each(
    ("document", "job_id"),
    [
        ({"_id": MONGO_ID}, MONGO_ID),
        ({"id": MONGO_ID}, MONGO_ID),
        ({"_id": MONGO_ID, "id": "other", "status": "success", "output": "https://evil.example/1"}, MONGO_ID),
        ({"_id": None, "id": MONGO_ID}, MONGO_ID),
        ({"id": "a" * 200}, "a" * 200),
        ({}, None),
        *(({"id": job_id}, None) for job_id in NO_ID),
    ],
)
def test_a_callbacks_id_is_read_only_where_it_is_plain(document: object, job_id: str | None) -> None:
    assert read(json.dumps(document).encode()) == job_id


@each("body", NO_DOCUMENT)
def test_a_callback_that_is_no_document_has_no_id(body: bytes) -> None:
    assert read(body) is None
