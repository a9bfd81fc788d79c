"""Stability: what is sent, and what each answer means."""

import base64
from dataclasses import replace
from typing import Any

import httpx
import pytest

from atelier.errors import OutcomeUnknownError, ProviderError, ProviderRejectedError
from atelier.providers.provider import Images, InputImage, Job, Outcome, ProviderImage
from atelier.providers.stability import Stability
from tests.cases import each
from tests.unit.asynchronous import LOST, NO_DOCUMENT, REFUSALS, raised, wire
from tests.unit.test_multipart import fields, read

PNG = b"\x89PNG\r\n\x1a\n one"
PICTURE = InputImage(b"\xff\xd8\xff two", "image/jpeg", "https://atelier.example/1.jpg")
INPUT = {"prompt": "a café", "aspect_ratio": "16:9", "seed": 0, "output_format": "png"}
SUCCESS = {"image": base64.b64encode(PNG).decode(), "finish_reason": "SUCCESS", "seed": 5}


def a_job(model: str = "core", images: tuple[InputImage, ...] = (), **more: Any) -> Job:
    return Job(model=model, input={**INPUT, **more}, callback_url="", key="the key", images=images)


def error(status: int, name: str, *errors: object) -> httpx.Response:
    return httpx.Response(status, json={"id": "1", "name": name, "errors": errors})


def submit(answer: httpx.Response) -> Outcome:
    return Stability(wire(answer).client, {}).submit(a_job())


def sent(job: Job) -> tuple[httpx.Request, dict[object, Any]]:
    """Return the request that a job makes, and its form's fields."""
    asked = wire(httpx.Response(200, json=SUCCESS))
    Stability(asked.client, {}).submit(job)
    [request] = asked.requests
    return request, fields(read(request.headers["Content-Type"], request.content))


# ---- What is sent


@pytest.mark.parametrize("model", ["core", "ultra"])
def test_a_job_is_posted_as_a_form_with_the_key(model: str) -> None:
    request, form = sent(a_job(model))
    assert str(request.url) == f"https://api.stability.ai/v2beta/stable-image/generate/{model}"
    assert request.method == "POST"
    assert request.headers["Authorization"] == "Bearer the key"
    assert request.headers["Accept"] == "application/json"
    assert form == {"prompt": "a café".encode(), "aspect_ratio": b"16:9", "seed": b"0", "output_format": b"png"}


def test_stable_diffusion_is_told_its_model_and_mode() -> None:
    request, form = sent(a_job("sd3/sd3.5-large"))
    assert str(request.url) == "https://api.stability.ai/v2beta/stable-image/generate/sd3"
    assert form.items() >= {"model": b"sd3.5-large", "mode": b"text-to-image", "aspect_ratio": b"16:9"}.items()


def test_a_picture_goes_to_diffusion_with_strength_and_no_ratio() -> None:
    _, form = sent(a_job("sd3/sd3.5-large", (PICTURE,)))
    assert form.items() >= {"image": PICTURE.content, "mode": b"image-to-image", "strength": b"0.7"}.items()
    assert "aspect_ratio" not in form


def test_a_picture_goes_to_ultra_with_a_strength() -> None:
    _, form = sent(a_job("ultra", (PICTURE,), strength=0.2))
    assert form.items() >= {"image": PICTURE.content, "strength": b"0.2", "aspect_ratio": b"16:9"}.items()
    assert "mode" not in form


@pytest.mark.parametrize(
    "model", ["edit/inpaint", "edit/outpaint", "edit/erase", "edit/remove-background", "upscale/fast"]
)
def test_a_tool_has_its_own_path_and_is_told_no_mode(model: str) -> None:
    job = Job(model=model, input={"up": 5, "output_format": "png"}, callback_url="", key="the key", images=(PICTURE,))
    request, form = sent(job)
    assert str(request.url) == f"https://api.stability.ai/v2beta/stable-image/{model}"
    assert form == {"up": b"5", "output_format": b"png", "image": PICTURE.content}


def test_a_mask_goes_along_as_a_file() -> None:
    mask = InputImage(PNG, "image/png", "https://atelier.example/2.png")
    _, form = sent(replace(a_job("edit/inpaint", (PICTURE,)), mask=mask))
    assert form.items() >= {"image": PICTURE.content, "mask": PNG}.items()


def test_the_owner_may_give_another_address() -> None:
    asked = wire(httpx.Response(200, json=SUCCESS))
    Stability(asked.client, {"stability": "https://gateway.example/"}).submit(a_job())
    assert asked.asked == [("POST", "https://gateway.example/v2beta/stable-image/generate/core")]


# ---- What comes back


def test_a_picture_comes_in_base64() -> None:
    assert submit(httpx.Response(200, json=SUCCESS)) == Images((ProviderImage(PNG, "image/png"),))


def test_a_blurred_picture_is_a_refusal() -> None:
    answer = httpx.Response(200, json={**SUCCESS, "finish_reason": "CONTENT_FILTERED"})
    assert "unsafe; change the prompt" in str(raised(ProviderRejectedError, lambda: submit(answer)))


@pytest.mark.parametrize("document", [{}, {"image": None}, {"image": ["a"]}, {"image": "!"}, {"image": "Tm90IGE="}])
def test_an_answer_without_a_picture_is_an_unknown_outcome(document: object) -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, json=document)))


@each("body", NO_DOCUMENT)
def test_an_answer_that_is_no_document_is_an_unknown_outcome(body: bytes) -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, content=body)))


# ---- What is refused


@each(("status", "kind"), [*REFUSALS, *LOST], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, kind: type[ProviderError]) -> None:
    raised(kind, lambda: submit(error(status, "some_name", "no", 5)))
    raised(kind, lambda: submit(httpx.Response(status, json={"name": [], "errors": "no"})))
    raised(kind, lambda: submit(httpx.Response(status, content=b"<html>")))


def test_what_its_filter_takes_out_is_the_clients_fault() -> None:
    refusal = raised(ProviderRejectedError, lambda: submit(error(403, "content_moderation", "It was flagged.")))
    assert "unsafe: It was flagged; change the prompt" in str(refusal)


def test_a_refusal_is_passed_on_in_its_words() -> None:
    answer = error(400, "bad_request", "seed: must be positive", "prompt: too long")
    refusal = raised(ProviderRejectedError, lambda: submit(answer))
    assert "seed: must be positive; prompt: too long" in str(refusal)
