"""Black Forest Labs: what is sent, where a job is polled, and what each answer means."""

import json
from typing import Any

import httpx
import pytest

from atelier.errors import OutcomeUnknownError, ProviderBusyError, ProviderError, ProviderRejectedError
from atelier.providers.bfl import BlackForestLabs
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

CALLBACK = "https://atelier.example/api/webhook/bfl/g/t"
JOB = Job(model="flux-2-pro", input={"prompt": "a café", "width": 1024}, callback_url=CALLBACK, key="the key")
USUAL = "https://api.bfl.ai/v1/get_result?id=j-1"
SAMPLE = "https://delivery.bfl.example/1.png"


def submit(answer: Any, status: int = 200, job: Job = JOB) -> Outcome:
    return BlackForestLabs(wire(httpx.Response(status, json=answer)).client, {}).submit(job)


def fetch(answer: Any, status: int = 200, job_id: str = "j-1") -> Outcome:
    return BlackForestLabs(wire(httpx.Response(status, json=answer)).client, {}).fetch(ref(job_id))


def ref(job_id: str = "j-1") -> JobRef:
    return JobRef(id=job_id, model="flux-2-pro", input={}, key="the key")


# ---- Submitting


def test_a_job_is_posted_with_where_to_call_back() -> None:
    there = wire(httpx.Response(200, json={"id": "j-1", "polling_url": USUAL, "cost": 4.5}))
    assert BlackForestLabs(there.client, {}).submit(JOB) == Submitted("j-1", 45_000)
    assert there.asked == [("POST", "https://api.bfl.ai/v1/flux-2-pro")]
    [request] = there.requests
    assert request.headers["x-key"] == "the key"
    assert json.loads(request.content) == {"prompt": "a café", "width": 1024, "webhook_url": CALLBACK}


def test_the_catalog_may_want_no_callback() -> None:
    there = wire(httpx.Response(200, json={"id": "j-1"}))
    job = Job(model="flux-3-image", input={"prompt": "p", "webhook_url": ""}, callback_url=CALLBACK, key="k")
    assert BlackForestLabs(there.client, {}).submit(job) == Submitted("j-1")
    assert json.loads(there.requests[0].content) == {"prompt": "p"}


@each(
    ("polling_url", "job_id"),
    [
        (USUAL, "j-1"),
        (None, "j-1"),
        (7, "j-1"),
        ("https://api.eu1.bfl.ai/v1/get_result?id=j-1", "j-1 https://api.eu1.bfl.ai/v1/get_result?id=j-1"),
        ("https://api.us.bfl.ai/v1/get_result", "j-1 https://api.us.bfl.ai/v1/get_result?id=j-1"),
        ("https://api.us.bfl.ai/v1/get_result?a=b", "j-1 https://api.us.bfl.ai/v1/get_result?a=b&id=j-1"),
        ("https://api.bfl.ai.evil.example/v1/get_result?id=j-1", "j-1"),
        ("https://evilbfl.ai/v1/get_result?id=j-1", "j-1"),
        ("http://api.eu1.bfl.ai/v1/get_result?id=j-1", "j-1"),
        ("https://user@evil.example#.bfl.ai", "j-1"),
        ("https://api.eu1.bfl.ai/a b?id=j-1", "j-1"),
        ("https://api.eu1.bfl.ai/" + "a" * 500 + "?id=j-1", "j-1"),
    ],
)
def test_our_key_is_polled_with_at_their_hosts_alone(polling_url: object, job_id: str) -> None:
    assert submit({"id": "j-1", "polling_url": polling_url}) == Submitted(job_id)


@each(("cost", "told"), [(4.5, 45_000), (None, None)])
def test_a_cost_told_with_the_end_counts_too(cost: object, told: int | None) -> None:
    done = fetch({"status": "Ready", "result": {"sample": "https://delivery.bfl.ai/1.png"}, "cost": cost})
    assert isinstance(done, ImageUrls)
    assert done.cost == told
    for status in ("Content Moderated", "Error", "Ready"):
        failed = fetch({"status": status, "cost": cost})
        assert isinstance(failed, Failed)
        assert failed.cost == told


@each(("cost", "told"), [(3, 30_000), (0.9, 9_000), (0, 0), (None, None), ("3", None), (-1, None), (1e300, None)])
def test_the_cost_is_in_cents(cost: object, told: int | None) -> None:
    assert submit({"id": "j-1", "cost": cost}) == Submitted("j-1", told)


@each(("status", "kind"), [*REFUSALS, *LOST], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, kind: type[ProviderError]) -> None:
    raised(kind, lambda: submit({"detail": "no"}, status))


@each(("failure", "kind"), NO_ANSWER)
def test_a_paid_call_is_repeated_only_if_never_sent(
    failure: type[httpx.TransportError], kind: type[ProviderError]
) -> None:
    raised(kind, lambda: BlackForestLabs(wire(failure).client, {}).submit(JOB))


@each("job_id", NO_ID)
def test_an_answer_without_an_id_is_an_unknown_outcome(job_id: object) -> None:
    there = wire(httpx.Response(200, content=json.dumps({"id": job_id})))
    raised(OutcomeUnknownError, lambda: BlackForestLabs(there.client, {}).submit(JOB))


@each("body", NO_DOCUMENT)
def test_an_answer_that_is_no_document_is_an_unknown_outcome(body: bytes) -> None:
    there = wire(httpx.Response(200, content=body))
    raised(OutcomeUnknownError, lambda: BlackForestLabs(there.client, {}).submit(JOB))


def test_what_is_wrong_with_an_input_is_told() -> None:
    fault = {"detail": [{"loc": ["body", "width"], "msg": "must be a multiple of 16"}]}
    assert "width: must be a multiple of 16" in str(raised(ProviderRejectedError, lambda: submit(fault, 422)))


# ---- Fetching


@pytest.mark.parametrize(
    ("job_id", "asked"),
    [("j-1", USUAL), ("j-1 https://api.eu1.bfl.ai/v1/r?id=j-1", "https://api.eu1.bfl.ai/v1/r?id=j-1")],
)
def test_a_job_is_polled_where_it_was_told(job_id: str, asked: str) -> None:
    there = wire(httpx.Response(200, json={"status": "Ready", "result": {"sample": SAMPLE}}))
    assert BlackForestLabs(there.client, {}).fetch(ref(job_id)) == ImageUrls((SAMPLE,), 600)
    assert there.asked == [("GET", asked)]
    assert there.requests[0].headers["x-key"] == "the key"


@each("status", ["Pending", "Reasoning", "Generating"])
def test_a_job_runs(status: str) -> None:
    assert fetch({"id": "j-1", "status": status}) == Running()
    assert fetch({"id": "j-1", "state": status}) == Running()


def test_a_new_job_may_be_unknown_for_a_moment() -> None:
    assert fetch({"status": "Task not found"}, 404) == Running()


@each(
    ("answer", "words"),
    [
        ({"status": "Request Moderated"}, "to be unsafe: Request Moderated"),
        ({"status": "Content Moderated"}, "to be unsafe: Content Moderated"),
        ({"status": "Error"}, "could not make the picture: Error"),
        ({"status": "Failed"}, "could not make the picture: Failed"),
        ({"status": "Task not found"}, "could not make the picture: Task not found"),
        ({"status": "Ready"}, "it sent no picture"),
        ({"status": "Ready", "result": ["a"]}, "it sent no picture"),
        ({}, "could not make the picture"),
    ],
)
def test_a_job_failed(answer: Any, words: str) -> None:
    outcome = fetch(answer)
    assert isinstance(outcome, Failed)
    assert words in outcome.message


@each(("status", "kind"), REPEATABLE)
def test_a_poll_may_be_repeated(status: int, kind: type[ProviderError]) -> None:
    raised(kind, lambda: fetch({"detail": "no"}, status))


def test_a_poll_that_is_refused_for_good_ends_it() -> None:
    assert isinstance(fetch({"detail": "no"}, 422), Failed)
    there = wire(httpx.ReadTimeout)
    raised(ProviderBusyError, lambda: BlackForestLabs(there.client, {}).fetch(ref()))


def test_nothing_is_cancelled() -> None:
    there = wire(httpx.Response(500))
    BlackForestLabs(there.client, {}).cancel(ref())
    assert there.asked == []


# ---- Callbacks


@each(
    ("body", "job_id"),
    [
        (b'{"task_id": "j-1", "status": "SUCCESS"}', "j-1"),
        (b'{"id": "j-1", "result": {"sample": "https://evil.example/"}}', "j-1"),
        (b"{}", None),
        (b"[", None),
        (b'{"id": "../a"}', None),
    ],
)
def test_of_a_callback_the_id_is_read_alone(body: bytes, job_id: str | None) -> None:
    found = BlackForestLabs(wire(httpx.Response(500)).client, {}).read_callback(callback({}, body), no_key_needed)
    assert found == job_id
