"""Ideogram: what is sent, and what each answer means."""

from dataclasses import replace
from typing import Any

import httpx

from atelier.errors import OutcomeUnknownError, ProviderError, ProviderRejectedError
from atelier.images.mask import write_mask
from atelier.providers.ideogram import Ideogram
from atelier.providers.provider import ImageUrls, InputImage, Job, Outcome
from tests.cases import each
from tests.unit.asynchronous import LOST, NO_DOCUMENT, REFUSALS, raised, wire
from tests.unit.test_multipart import fields, read

PNG = b"\x89PNG\r\n\x1a\n one"
PICTURE = InputImage(PNG, "image/png", "https://atelier.example/1.png")
INPUT = {"prompt": "a café", "aspect_ratio": "16x9", "num_images": 2, "rendering_speed": "TURBO"}
JOB = Job(model="ideogram-v3", input=INPUT, callback_url="", key="the key")
URLS = ("https://ideogram.example/1.png", "https://ideogram.example/2.png")


def image(url: str | None) -> dict[str, Any]:
    return {"prompt": "", "is_image_safe": url is not None} | ({"url": url} if url else {})


def submit(data: Any, status: int = 200) -> Outcome:
    return Ideogram(wire(httpx.Response(status, json={"created": "", "data": data})).client, {}).submit(JOB)


def test_a_job_is_posted_as_a_form_with_the_key_in_its_header() -> None:
    there = wire(httpx.Response(200, json={"data": [image(URLS[0])]}))
    Ideogram(there.client, {}).submit(JOB)
    Ideogram(there.client, {"ideogram": "http://127.0.0.1:9/"}).submit(replace(JOB, images=(PICTURE,)))
    assert there.asked == [
        ("POST", "https://api.ideogram.ai/v1/ideogram-v3/generate"),
        ("POST", "http://127.0.0.1:9/v1/ideogram-v3/remix"),
    ]
    generate, remix = there.requests
    assert generate.headers["Api-Key"] == "the key"
    sent = {"prompt": "a café".encode(), "aspect_ratio": b"16x9", "num_images": b"2", "rendering_speed": b"TURBO"}
    assert fields(read(generate.headers["Content-Type"], generate.content)) == sent
    assert fields(read(remix.headers["Content-Type"], remix.content)) == {**sent, "image": PNG}


def test_the_fourth_version_has_another_name_for_the_prompt() -> None:
    there = wire(httpx.Response(200, json={"data": [image(URLS[0])]}))
    job = replace(JOB, model="ideogram-v4", input={"prompt": "a café", "resolution": "2048x2048"})
    Ideogram(there.client, {}).submit(job)
    Ideogram(there.client, {}).submit(replace(job, images=(PICTURE,)))
    base, sent = (
        "https://api.ideogram.ai/v1/ideogram-v4",
        {"text_prompt": "a café".encode(), "resolution": b"2048x2048"},
    )
    assert there.asked == [("POST", f"{base}/generate"), ("POST", f"{base}/remix")]
    assert [fields(read(one.headers["Content-Type"], one.content)) for one in there.requests] == [
        sent, {**sent, "image": PNG},
    ]  # fmt: skip


def test_a_mask_is_black_where_the_picture_is_to_be_changed() -> None:
    there = wire(httpx.Response(200, json={"data": [image(URLS[0])]}))
    mask = InputImage(write_mask(3, 2, bytes([0, 127, 128, 255, 0, 200])), "image/png", "")
    Ideogram(there.client, {}).submit(replace(JOB, images=(PICTURE,), mask=mask))
    [request] = there.requests
    sent = fields(read(request.headers["Content-Type"], request.content))
    assert there.asked == [("POST", "https://api.ideogram.ai/v1/ideogram-v3/inpaint")]
    assert (sent["image"], sent["mask"]) == (PNG, write_mask(3, 2, bytes([255, 255, 0, 0, 255, 0])))


def test_pictures_are_urls_and_unsafe_ones_are_left_out() -> None:
    assert submit([image(url) for url in URLS]) == ImageUrls(URLS, 3_600)
    assert submit([image(None), image(URLS[1])]) == ImageUrls(URLS[1:], 3_600)
    assert "to be unsafe" in str(raised(ProviderRejectedError, lambda: submit([image(None), image(None)])))


@each("data", [None, [], {}, [7], [{}], [{"url": 5, "is_image_safe": True}]])
def test_an_answer_without_a_picture_is_an_unknown_outcome(data: Any) -> None:
    raised(OutcomeUnknownError, lambda: submit(data))


@each("body", NO_DOCUMENT)
def test_an_answer_that_is_no_document_is_an_unknown_outcome(body: bytes) -> None:
    there = wire(httpx.Response(200, content=body))
    raised(OutcomeUnknownError, lambda: Ideogram(there.client, {}).submit(JOB))


@each(("status", "kind"), [*REFUSALS, *LOST], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, kind: type[ProviderError]) -> None:
    there = wire(httpx.Response(status, json={"error": "no"}))
    raised(kind, lambda: Ideogram(there.client, {}).submit(JOB))


def test_a_prompt_that_fails_the_safety_check_is_unsafe() -> None:
    there = wire(httpx.Response(422, json={"error": "Prompt provided failed safety check"}))
    refusal = raised(ProviderRejectedError, lambda: Ideogram(there.client, {}).submit(JOB))
    assert "to be unsafe: Prompt provided failed safety check" in str(refusal)
