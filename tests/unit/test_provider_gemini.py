"""Gemini: what is sent, and what each answer means."""

import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from atelier.errors import (
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRejectedError,
)
from atelier.providers.gemini import REFUSED, Gemini
from atelier.providers.provider import Failed, Images, InputImage, Job, Outcome, ProviderImage
from tests.cases import each
from tests.unit.asynchronous import LOST, NO_DOCUMENT, REFUSALS, raised, wire

PNG = b"\x89PNG\r\n\x1a\n one"
PICTURE = InputImage(PNG, "image/png", "https://atelier.example/1.png")
INPUT = {"prompt": "a café", "aspect_ratio": "16:9", "image_size": "2K"}
JOB = Job(model="gemini-nano-banana-2.1", input=INPUT, callback_url="", key="the key")


def inline(content: bytes = PNG, **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(content).decode()}, **more}


def candidates(*parts: dict[str, Any], reason: str = "STOP") -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}]}


def submit(answer: Any, status: int = 200, job: Job = JOB) -> Outcome:
    return Gemini(wire(httpx.Response(status, json=answer)).client, {}).submit(job)


def test_a_job_is_posted_with_its_pictures_and_key() -> None:
    there = wire(httpx.Response(200, json=candidates(inline())))
    Gemini(there.client, {}).submit(replace(JOB, images=(PICTURE, PICTURE)))
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-nano-banana-2.1:generateContent"
    assert there.asked == [("POST", url)]
    [request] = there.requests
    assert request.headers["x-goog-api-key"] == "the key"
    assert json.loads(request.content) == {
        "contents": [{"role": "user", "parts": [{"text": "a café"}, inline(), inline()]}],
        "generationConfig": {
            "responseModalities": ["IMAGE", "TEXT"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        },
    }


def test_a_shape_that_is_left_open_is_not_sent() -> None:
    there = wire(httpx.Response(200, json=candidates(inline())))
    Gemini(there.client, {"gemini": "http://127.0.0.1:9/v1/"}).submit(replace(JOB, input={"prompt": "p"}))
    assert there.asked[0][1].startswith("http://127.0.0.1:9/v1/models/")
    assert "imageConfig" not in json.loads(there.requests[0].content)["generationConfig"]


def test_all_pictures_count_but_those_only_thought_of() -> None:
    other = {"inline_data": {"mime_type": "image/png", "data": base64.b64encode(PNG).decode()}}
    outcome = submit(candidates(inline(b"no", thought=True), {"text": "Here."}, inline(), other))
    assert outcome == Images((ProviderImage(PNG, "image/png"),) * 2)


@each("reason", sorted(REFUSED))
def test_a_filter_is_the_clients_affair(reason: str) -> None:
    assert "to be unsafe" in str(raised(ProviderRejectedError, lambda: submit(candidates(reason=reason))))


def test_a_blocked_prompt_is_the_clients_affair() -> None:
    answer = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    assert "PROHIBITED_CONTENT" in str(raised(ProviderRejectedError, lambda: submit(answer)))


@each("reason", ["NO_IMAGE", "IMAGE_OTHER", "OTHER", "MAX_TOKENS", "STOP"])
def test_an_answer_without_a_picture_failed_and_was_billed(reason: str) -> None:
    outcome = submit(candidates({"text": "Sorry."}, reason=reason))
    assert isinstance(outcome, Failed)
    assert reason in outcome.message


NOTHING: list[Any] = [
    {},
    {"candidates": []},
    {"candidates": "a"},
    {"candidates": [7]},
    {"promptFeedback": 7},
    candidates(inline(b"")),
    candidates({"inlineData": {"data": 5}}),
]


@each("answer", NOTHING)
def test_an_answer_that_says_nothing_is_an_unknown_outcome(answer: Any) -> None:
    raised(OutcomeUnknownError, lambda: submit(answer))


@each("body", NO_DOCUMENT)
def test_an_answer_that_is_no_document_is_an_unknown_outcome(body: bytes) -> None:
    there = wire(httpx.Response(200, content=body))
    raised(OutcomeUnknownError, lambda: Gemini(there.client, {}).submit(JOB))


@each("content", [None, [], {"parts": 7}, {"parts": [7, {"inlineData": 7}]}])
def test_a_candidate_of_any_shape_does_no_harm(content: Any) -> None:
    assert isinstance(submit({"candidates": [{"content": content, "finishReason": ["STOP"]}]}), Failed)


@each(("status", "kind"), [*REFUSALS, *LOST], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, kind: type[ProviderError]) -> None:
    raised(kind, lambda: submit({"error": {"code": status, "message": "no", "details": [7]}}, status))
    raised(kind, lambda: submit({"error": "no"}, status))


def test_a_wrong_key_is_a_400_that_says_so() -> None:
    details = [{"@type": "…ErrorInfo", "reason": "API_KEY_INVALID"}]
    answer = {"error": {"code": 400, "message": "API key not valid.", "details": details}}
    raised(ProviderCredentialsError, lambda: submit(answer, 400))
    raised(ProviderCredentialsError, lambda: Gemini(wire(httpx.Response(400, json=answer)).client, {}).check("k"))


@pytest.mark.parametrize(("delay", "wait"), [("36s", 36), ("0.5s", 0), ("soon", None), (None, None)])
def test_a_limit_says_in_its_details_when_to_come_back(delay: object, wait: float | None) -> None:
    details = [{"@type": "…RetryInfo", "retryDelay": delay}]
    error = {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED", "details": details}
    busy = raised(ProviderBusyError, lambda: submit({"error": error}, 429))
    assert isinstance(busy, ProviderBusyError)
    assert busy.retry_after == wait
