"""Artificial Studio: what is sent, and what each answer means."""

import json
from collections.abc import Callable

import httpx
import pytest

from atelier.adapters.http import HttpxClient, OwnerPolicy
from atelier.errors import (
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRejectedError,
)
from atelier.providers import Failed, Job, Located, Outcome, Running, Submitted
from atelier.providers.artificial_studio import MAX_ANSWER_BYTES, ArtificialStudio

BASE = "https://api.studio.example/api"
JOB = Job(
    model="studio/xl",
    input={"prompt": "a café", "seed": 0},
    callback_url="https://atelier.example/api/webhook/artificial-studio/1/token",
    key="the key",
)
Handler = Callable[[httpx.Request], httpx.Response]


def studio(handler: Handler, base_url: str = BASE) -> ArtificialStudio:
    return ArtificialStudio(HttpxClient(httpx.MockTransport(handler), OwnerPolicy()), base_url)


def submit(response: httpx.Response) -> Outcome:
    return studio(lambda _: response).submit(JOB)


def fetch(response: httpx.Response) -> Outcome:
    return studio(lambda _: response).fetch("job-1", JOB)


def failing(error: type[httpx.TransportError]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error("no")

    return handler


# ---- Submitting


def test_a_job_is_posted_with_the_key_and_our_callback() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "job1"})

    studio(handler, BASE + "/").submit(JOB)
    [request] = seen
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/generate")
    assert request.headers["Authorization"] == "the key"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == {"model": "studio/xl", "input": JOB.input, "webhook": JOB.callback_url}


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("document", [{"id": "job1"}, {"_id": "job1"}, {"_id": "job1", "id": "job1", "status": "x"}])
def test_a_job_that_was_taken_has_an_id(status: int, document: dict[str, str]) -> None:
    assert submit(httpx.Response(status, json=document)) == Submitted("job1")


REFUSALS = [
    (400, ProviderRejectedError),
    (401, ProviderCredentialsError),
    (402, ProviderRejectedError),
    (403, ProviderRejectedError),
    (404, ProviderRejectedError),
    (413, ProviderRejectedError),
    (422, ProviderRejectedError),
    (429, ProviderBusyError),
    (503, ProviderBusyError),
]
LOST = [301, 307, 408, 500, 502, 504, 520]


@pytest.mark.parametrize(("status", "error"), [*REFUSALS, *((status, OutcomeUnknownError) for status in LOST)], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, error: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        submit(httpx.Response(status, json={"message": "no"}))
    assert type(caught.value) is error


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 5}', b"\xff", b"[" * 100_000])
@pytest.mark.parametrize(("status", "error"), REFUSALS, ids=str)
def test_a_refusal_needs_no_body(status: int, error: type[ProviderError], body: bytes) -> None:
    with pytest.raises(error):
        submit(httpx.Response(status, content=body))


def test_a_refusal_is_passed_on_in_the_providers_words() -> None:
    with pytest.raises(ProviderRejectedError, match="prompt is too rude"):
        submit(httpx.Response(422, json={"message": "prompt is too rude"}))


def test_no_credits_are_the_owners_affair() -> None:
    with pytest.raises(ProviderRejectedError, match="no credits left; tell the stack's owner"):
        submit(httpx.Response(402, json={"message": "Balance of account 4711: -3 USD"}))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), (None, None), ("", None), ("-1", None), ("1.5", None), ("soon", None), ("٣", None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_busy_says_when_to_come_back(status: int, header: str | None, seconds: float | None) -> None:
    headers = [] if header is None else [(b"Retry-After", header.encode())]
    with pytest.raises(ProviderBusyError) as caught:
        submit(httpx.Response(status, headers=headers))
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [b"", b"OK", b"[]", b"null", b"{}", b'{"id": 5}', b'{"id": null}', b'{"id": ""}', b"\xff", b"[" * 100_000],
)
def test_an_answer_without_an_id_is_an_unknown_outcome(body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        submit(httpx.Response(200, content=body[:MAX_ANSWER_BYTES]))


def test_an_answer_that_is_too_large_is_an_unknown_outcome() -> None:
    with pytest.raises(OutcomeUnknownError):
        submit(httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1)))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError, ProviderBusyError),
        (httpx.ConnectTimeout, ProviderBusyError),
        (httpx.ReadTimeout, OutcomeUnknownError),
        (httpx.WriteError, OutcomeUnknownError),
        (httpx.ReadError, OutcomeUnknownError),
        (httpx.RemoteProtocolError, OutcomeUnknownError),
    ],
)
def test_a_call_may_be_made_again_only_if_it_was_never_sent(
    error: type[httpx.TransportError], expected: type[ProviderError]
) -> None:
    with pytest.raises(expected):
        studio(failing(error)).submit(JOB)


# ---- Fetching


def test_a_job_is_fetched_by_its_id_with_the_key() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    studio(handler).fetch("job-1", JOB)
    [request] = seen
    assert (request.method, str(request.url)) == ("GET", f"{BASE}/generations/job-1")
    assert request.headers["Authorization"] == "the key"
    assert request.content == b""


@pytest.mark.parametrize(
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
        ({"status": "success", "output": "https://cdn.example/1.png"}, Located(("https://cdn.example/1.png",))),
        ({"status": "success", "output": None}, Failed("The provider finished without a picture.")),
        ({"status": "success", "output": ["a"]}, Failed("The provider finished without a picture.")),
        ({"status": "success"}, Failed("The provider finished without a picture.")),
        ({"status": "error", "error": "no cats"}, Failed("no cats")),
        ({"status": "error", "error": "x" * 5_000}, Failed("x" * 1_000)),
        ({"status": "error", "error": {"code": 5}}, Failed("The provider failed without saying why.")),
        ({"status": "error", "error": ""}, Failed("The provider failed without saying why.")),
        ({"status": "error"}, Failed("The provider failed without saying why.")),
    ],
)
def test_each_status_has_its_outcome(document: object, outcome: Outcome) -> None:
    assert fetch(httpx.Response(200, json=document)) == outcome


def test_an_error_that_utf8_cannot_write_is_made_writable() -> None:
    outcome = fetch(httpx.Response(200, content=rb'{"status": "error", "error": "no \ud800 cats"}'))
    assert outcome == Failed("no ? cats")


def test_a_job_that_is_gone_has_failed() -> None:
    assert isinstance(fetch(httpx.Response(404)), Failed)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ProviderRejectedError),
        (401, ProviderCredentialsError),
        (403, ProviderRejectedError),
        *((status, ProviderBusyError) for status in (202, 204, 302, 408, 429, 500, 502, 503, 504)),
    ],
)
def test_asking_may_be_repeated_after_any_trouble(status: int, error: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        fetch(httpx.Response(status, json={"status": "success", "output": "https://cdn.example/1.png"}))
    assert type(caught.value) is error


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_provider_out_of_reach_is_asked_again(error: type[httpx.TransportError]) -> None:
    with pytest.raises(ProviderBusyError):
        studio(failing(error)).fetch("job-1", JOB)


def test_an_answer_that_is_too_large_is_asked_for_again() -> None:
    with pytest.raises(ProviderBusyError):
        fetch(httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1)))


# ---- Callbacks

MONGO_ID = "65f0c0ffee65f0c0ffee65f0"


@pytest.mark.parametrize(
    ("body", "job_id"),
    [
        (json.dumps({"_id": MONGO_ID}), MONGO_ID),
        (json.dumps({"id": MONGO_ID}), MONGO_ID),
        (json.dumps({"_id": MONGO_ID, "id": "other"}), MONGO_ID),
        (json.dumps({"id": "a" * 200}), "a" * 200),
        (json.dumps({"id": "a" * 201}), None),
        (json.dumps({"id": "../../keys"}), None),
        (json.dumps({"id": "a?b"}), None),
        (json.dumps({"id": "a\n"}), None),
        (json.dumps({"id": "é"}), None),
        (json.dumps({"id": "١٢"}), None),
        (json.dumps({"id": ""}), None),
        (json.dumps({"id": 5}), None),
        (json.dumps({"id": ["a"]}), None),
        ('{"id": "\\ud800"}', None),
        ("{}", None),
        ("[]", None),
        ('"id"', None),
        ("", None),
        ("<html>", None),
        ("[" * 100_000, None),
        ('{"id": ' + "9" * 10_000 + "}", None),
    ],
)
def test_a_callbacks_id_is_read_only_where_it_is_plain(body: str, job_id: str | None) -> None:
    assert ArtificialStudio.callback_job_id(body) == job_id
