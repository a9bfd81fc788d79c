"""Automatic1111: what is sent, and what each answer means."""

import base64
import io
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from PIL import Image

from atelier.errors import ProviderBusyError, ProviderCredentialsError, ProviderError, ProviderRejectedError
from atelier.providers.automatic1111 import Automatic1111
from atelier.providers.provider import Images, InputImage, Job, Outcome, ProviderImage
from tests.cases import each
from tests.unit.asynchronous import LOST, NO_ANSWER, NO_DOCUMENT, REFUSALS, Answer, Wire, raised, wire

URL = "http://10.0.0.5:7860"
PNG, GRID = b"\x89PNG\r\n\x1a\n one", b"\x89PNG\r\n\x1a\n grid"
PICTURE = InputImage(b"\xff\xd8\xff two", "image/jpeg", "https://atelier.example/1.jpg")
INPUT = {"prompt": "a café", "negative_prompt": "rain", "width": 512, "height": 768, "steps": 20, "seed": 0}


def base64_of(*pictures: bytes) -> list[str]:
    return [base64.b64encode(picture).decode() for picture in pictures]


def success(*pictures: bytes) -> httpx.Response:
    return httpx.Response(200, json={"images": base64_of(*pictures), "parameters": {}, "info": "{}"})


def error(status: int, kind: str, detail: object, errors: str = "") -> httpx.Response:
    return httpx.Response(status, json={"error": kind, "detail": detail, "body": "", "errors": errors})


def a_job(images: tuple[InputImage, ...] = (), **more: Any) -> Job:
    return Job(model="sd_xl_base_1.0", input={**INPUT, **more}, callback_url="", key=None, images=images)


def submit(*answers: httpx.Response | type[httpx.TransportError] | Answer, job: Job | None = None) -> Outcome:
    return Automatic1111(wire(*answers).client, {"automatic1111": URL}).submit(job or a_job())


def sent(job: Job, url: str = URL) -> Wire:
    asked = wire(success(PNG))
    Automatic1111(asked.client, {"automatic1111": url}).submit(job)
    return asked


# ---- What is sent


def test_a_job_is_posted_as_json_with_its_checkpoint() -> None:
    asked = sent(a_job())
    assert asked.asked == [("POST", "http://10.0.0.5:7860/sdapi/v1/txt2img")]
    [request] = asked.requests
    assert "Authorization" not in request.headers
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == {
        **INPUT,
        "do_not_save_grid": True,
        "override_settings": {"sd_model_checkpoint": "sd_xl_base_1.0"},
        "override_settings_restore_afterwards": False,
    }


def test_a_clients_picture_is_where_it_begins() -> None:
    asked = sent(a_job((PICTURE,)))
    assert asked.asked == [("POST", "http://10.0.0.5:7860/sdapi/v1/img2img")]
    assert json.loads(asked.requests[0].content)["init_images"] == base64_of(PICTURE.content)


def test_a_mask_and_the_pictures_size_go_along() -> None:
    output = io.BytesIO()
    Image.new("RGB", (203, 96)).save(output, "PNG")
    picture = InputImage(output.getvalue(), "image/png", "https://atelier.example/1.png")
    job = Job(model="m", input={"prompt": "a"}, callback_url="", key=None, images=(picture,), mask=PICTURE)
    body = json.loads(sent(job).requests[0].content)
    assert (body["width"], body["height"]) == (200, 96)
    assert [body["mask"]] == base64_of(PICTURE.content)
    assert json.loads(sent(replace(job, input={"width": 64})).requests[0].content)["width"] == 64


@pytest.mark.parametrize("login", ["me:secret", "me:p@s/s:", "me", None])
def test_the_key_is_a_login_in_a_header(login: str | None) -> None:
    asked = sent(replace(a_job(), key=login))
    [request] = asked.requests
    basic = None if login is None else f"Basic {base64.b64encode(login.encode()).decode()}"
    assert request.headers.get("Authorization") == basic


@pytest.mark.parametrize("url", ["https://gpu.example:7860/forge/", "https://gpu.example:7860/forge"])
def test_the_address_is_the_operators(url: str) -> None:
    assert sent(a_job(), url).asked == [("POST", "https://gpu.example:7860/forge/sdapi/v1/txt2img")]


@pytest.mark.parametrize(
    "urls",
    [
        {},
        {"automatic1111": ""},
        {"automatic1111": "gpu:7860"},
        {"automatic1111": "http:/"},
        {"automatic1111": "https://me:secret@gpu.example"},
    ],
)
def test_without_an_address_nobody_is_asked(urls: dict[str, str]) -> None:
    asked = wire(success(PNG))
    refusal = raised(ProviderCredentialsError, lambda: Automatic1111(asked.client, urls).submit(a_job()))
    assert "URL" in str(refusal)
    assert asked.requests == []


# ---- What comes back


def test_pictures_come_in_base64() -> None:
    assert submit(success(PNG)) == Images((ProviderImage(PNG, "image/png"),))


@pytest.mark.parametrize("pictures", [(PNG, PNG), (GRID, PNG, PNG)])
def test_of_a_batch_the_pictures_are_kept_and_their_grid_is_not(pictures: tuple[bytes, ...]) -> None:
    outcome = submit(success(*pictures), job=a_job(batch_size=2))
    assert outcome == Images((ProviderImage(PNG, "image/png"), ProviderImage(PNG, "image/png")))


@pytest.mark.parametrize("images", [None, [], {}, [None], [5], ["!"], base64_of(b"no picture")])
def test_an_answer_without_a_picture_costs_nothing_and_passes(images: object) -> None:
    raised(ProviderBusyError, lambda: submit(httpx.Response(200, json={"images": images})))


@each("body", NO_DOCUMENT)
def test_an_answer_that_is_no_document_passes(body: bytes) -> None:
    raised(ProviderBusyError, lambda: submit(httpx.Response(200, content=body)))


# ---- What is refused


@each(
    ("status", "kind"), [*REFUSALS, *((status, ProviderBusyError) for status, _ in LOST)], ids=str
)  # fmt: skip
def test_each_refusal_says_what_may_be_done_next(status: int, kind: type[ProviderError]) -> None:
    raised(kind, lambda: submit(error(status, "HTTPException", "no")))
    raised(kind, lambda: submit(httpx.Response(status, content=b"<html>")))


@pytest.mark.parametrize("failure", [failure for failure, _ in NO_ANSWER])
def test_an_answer_that_was_lost_passes(failure: type[httpx.TransportError]) -> None:
    raised(ProviderBusyError, lambda: submit(failure))


def test_a_refusal_is_passed_on_in_its_words() -> None:
    refusal = raised(ProviderRejectedError, lambda: submit(error(400, "HTTPException", "Sampler not found")))
    assert "Sampler not found" in str(refusal)
    refusal = raised(ProviderRejectedError, lambda: submit(error(422, "ValueError", "", "width is too large")))
    assert "width is too large" in str(refusal)


def test_a_refusal_may_have_no_words() -> None:
    answer = httpx.Response(422, json={"detail": [{"loc": ["body", "steps"], "msg": "value is not a valid integer"}]})
    raised(ProviderRejectedError, lambda: submit(answer))


def test_a_server_without_its_api_is_the_owners_affair() -> None:
    refusal = raised(ProviderCredentialsError, lambda: submit(httpx.Response(404, json={"detail": "Not Found"})))
    assert "--api" in str(refusal)
