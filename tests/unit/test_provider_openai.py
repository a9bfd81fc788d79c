"""OpenAI: what is sent, and what each answer means."""

import base64
import io
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from PIL import Image

from atelier.errors import (
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRejectedError,
)
from atelier.images.mask import write_mask
from atelier.providers.openai import OpenAI
from atelier.providers.provider import Images, ImageUrls, InputImage, Job, Outcome, ProviderImage
from tests.cases import each
from tests.unit.asynchronous import LOST, NO_DOCUMENT, REFUSALS, Answer, raised, wire
from tests.unit.test_multipart import fields, read

PNG, JPEG = b"\x89PNG\r\n\x1a\n one", b"\xff\xd8\xff two"
PICTURE = InputImage(PNG, "image/png", "https://atelier.example/1.png")
INPUT = {"prompt": "a café", "n": 2, "size": "1024x1024", "quality": "high", "output_format": "png"}
JOB = Job(model="gpt-image-1", input=INPUT, callback_url="https://atelier.example/api/webhook/openai", key="the key")
EDIT = Job(model="gpt-image-1", input=INPUT, callback_url="", key="the key", images=(PICTURE, PICTURE))


def picture(content: bytes) -> dict[str, str]:
    return {"b64_json": base64.b64encode(content).decode()}


SUCCESS = {"created": 1_800_000_000, "data": [picture(PNG), picture(JPEG)], "usage": {"total_tokens": 100}}


def error(status: int, code: object, message: object = "no") -> httpx.Response:
    document = {"message": message, "type": "image_generation_user_error", "param": None, "code": code}
    return httpx.Response(status, json={"error": document})


def submit(*answers: httpx.Response | type[httpx.TransportError] | Answer, job: Job = JOB) -> Outcome:
    return OpenAI(wire(*answers).client, {}).submit(job)


# ---- What is sent


def test_a_job_is_posted_as_json_with_the_key() -> None:
    sent = wire(httpx.Response(200, json=SUCCESS))
    OpenAI(sent.client, {}).submit(JOB)
    assert sent.asked == [("POST", "https://api.openai.com/v1/images/generations")]
    [request] = sent.requests
    assert request.headers["Authorization"] == "Bearer the key"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == {"model": "gpt-image-1", **INPUT}


def test_a_clients_pictures_are_edited() -> None:
    sent = wire(httpx.Response(200, json=SUCCESS))
    OpenAI(sent.client, {}).submit(EDIT)
    assert sent.asked == [("POST", "https://api.openai.com/v1/images/edits")]
    [request] = sent.requests
    assert request.headers["Authorization"] == "Bearer the key"
    parts = read(request.headers["Content-Type"], request.content)
    assert fields(parts) == {
        "model": b"gpt-image-1",
        "prompt": "a café".encode(),
        "n": b"2",
        "size": b"1024x1024",
        "quality": b"high",
        "output_format": b"png",
        "image[]": PNG,
    }
    assert [part.get_content_type() for part in parts].count("image/png") == 2


def test_a_mask_is_transparent_where_the_picture_changes() -> None:
    mask = InputImage(write_mask(2, 1, b"\xff\0"), "image/png", "https://atelier.example/2.png")
    sent = wire(httpx.Response(200, json=SUCCESS))
    OpenAI(sent.client, {}).submit(replace(EDIT, mask=mask))
    [request] = sent.requests
    written = fields(read(request.headers["Content-Type"], request.content))["mask"]
    picture = Image.open(io.BytesIO(written))
    assert picture.mode == "RGBA"
    assert picture.getchannel("A").tobytes() == b"\0\xff"


def test_the_catalog_alone_names_the_model() -> None:
    sent = wire(httpx.Response(200, json=SUCCESS))
    OpenAI(sent.client, {}).submit(Job(model="gpt-image-1", input={"model": "dear"}, callback_url="", key="k"))
    assert json.loads(sent.requests[0].content) == {"model": "gpt-image-1"}


def test_the_owner_may_give_another_address() -> None:
    sent = wire(httpx.Response(200, json=SUCCESS))
    OpenAI(sent.client, {"openai": "https://gateway.example/ai/"}).submit(JOB)
    assert sent.asked == [("POST", "https://gateway.example/ai/v1/images/generations")]


# ---- What comes back


def test_pictures_come_in_base64() -> None:
    outcome = submit(httpx.Response(200, json=SUCCESS))
    assert outcome == Images((ProviderImage(PNG, "image/png"), ProviderImage(JPEG, "image/jpeg")))


def test_pictures_of_older_models_wait_an_hour() -> None:
    data = [{"url": "https://cdn.example/1.png", "revised_prompt": "a café"}, {"url": "https://cdn.example/2.png"}]
    outcome = submit(httpx.Response(200, json={"data": data}))
    assert outcome == ImageUrls(("https://cdn.example/1.png", "https://cdn.example/2.png"), 3_600)


@each(
    "data",
    [None, [], {}, ["a"], [{}], [{"b64_json": None}], [{"b64_json": 5}], [{"b64_json": ""}], [{"b64_json": "!"}],
     [{"b64_json": "Tm90IGE="}], [picture(PNG), {}], [{"url": 5}]],
)  # fmt: skip
def test_an_answer_without_a_picture_is_an_unknown_outcome(data: Any) -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, json={"data": data})))


@each("body", NO_DOCUMENT)
def test_an_answer_that_is_no_document_is_an_unknown_outcome(body: bytes) -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, content=body)))


# ---- What is refused


@each(("status", "kind"), [*REFUSALS, *LOST], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, kind: type[ProviderError]) -> None:
    raised(kind, lambda: submit(error(status, None)))
    raised(kind, lambda: submit(error(status, ["a"], {"not": "words"})))
    raised(kind, lambda: submit(httpx.Response(status, content=b"<html>")))


@pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation"])
@pytest.mark.parametrize("status", [400, 403])
def test_what_its_filter_takes_out_is_the_clients_fault(status: int, code: str) -> None:
    refusal = raised(ProviderRejectedError, lambda: submit(error(status, code, "safety_violations=[violence].")))
    assert "unsafe: safety_violations=[violence]; change the prompt" in str(refusal)


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "insufficient_quota"), (400, "billing_hard_limit_reached"), (429, "billing_not_active"),
     (404, "model_not_found")],
)  # fmt: skip
def test_credit_and_rights_are_the_accounts_affair(status: int, code: str) -> None:
    refusal = raised(ProviderCredentialsError, lambda: submit(error(status, code, "Organization org-1 must pay")))
    assert code in str(refusal)
    assert "org-1" not in str(refusal)


def test_a_refused_key_is_not_repeated() -> None:
    answer = error(401, "invalid_api_key", "Incorrect API key provided: sk-12345")
    assert "sk-12345" not in str(raised(ProviderCredentialsError, lambda: submit(answer)))


def test_a_refusal_is_passed_on_in_its_words() -> None:
    refusal = raised(ProviderRejectedError, lambda: submit(error(400, "invalid_value", "Invalid size: 5x5.")))
    assert "Invalid size: 5x5" in str(refusal)


def test_a_limit_says_when_to_come_back() -> None:
    answer = error(429, "rate_limit_exceeded")
    answer.headers["retry-after"] = "12"
    busy = raised(ProviderBusyError, lambda: submit(answer))
    assert isinstance(busy, ProviderBusyError)
    assert busy.retry_after == 12
