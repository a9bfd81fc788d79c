"""Sketch: draws, and behaves badly when asked to."""

import hashlib
import io
import json
from typing import Any

import pytest
from PIL import Image as Pillow

from atelier.errors import FetchFailedError, FetchRefusedError
from atelier.images.mask import write_mask
from atelier.outbound.http_client import HttpResponse
from atelier.providers.provider import (
    CallbackRequest,
    Failed,
    InputImage,
    InputImages,
    Job,
    JobRef,
    Outcome,
    Rendered,
    Running,
    Submitted,
)
from atelier.providers.sketch.provider import SLOW_SECONDS, Sketch
from tests.cases import each
from tests.unit.fakes import ScriptedHttp, answer

CALLBACK = "https://atelier.example/api/webhook/sketch/1/token"


def a_job(prompt: str, **more: Any) -> Job:
    return Job(
        model="sketch",
        input={"prompt": prompt, "width": 64, "height": 48, "seed": 1, **more},
        callback_url=CALLBACK,
        key=None,
    )


def a_ref(job_id: str) -> JobRef:
    job = a_job(f"test:{job_id}")
    return JobRef(id=job_id, model=job.model, input=job.input, key=job.key)


class Room:
    """The provider, what it sends, and how long it sleeps."""

    def __init__(self, *script: HttpResponse | Exception) -> None:
        self.http = ScriptedHttp(*(script or (answer(200),)))
        self.naps: list[float] = []
        self.sketch = Sketch(self.http, sleep=self.naps.append)


def picture(outcome: object) -> bytes:
    """Return the only picture of an outcome."""
    assert isinstance(outcome, Rendered)
    [drawn] = outcome.pictures
    assert drawn.content_type == "image/png"
    assert Pillow.open(io.BytesIO(drawn.content)).size == (drawn.width, drawn.height)
    return drawn.content


def read(body: bytes) -> str | None:
    """Read a callback."""
    request = CallbackRequest(headers={}, body=body, received_at=1)
    return Sketch(ScriptedHttp(answer())).read_callback(request, lambda: None)


def test_draws_a_png_of_the_size_that_was_asked_for() -> None:
    drawn = Pillow.open(io.BytesIO(picture(Room().sketch.submit(a_job("a cat")))))
    assert (drawn.format, drawn.size) == ("PNG", (64, 48))


def test_what_is_left_out_has_a_default() -> None:
    job = a_job("a cat", width=None, height=None, seed=None, negative_prompt=None)
    assert Pillow.open(io.BytesIO(picture(Room().sketch.submit(job)))).size == (1024, 1024)


def test_same_input_same_picture_and_another_input_another() -> None:
    first, second = (picture(Room().sketch.submit(a_job("a cat"))) for _ in range(2))
    others = [picture(Room().sketch.submit(job)) for job in (a_job("a dog"), a_job("a cat", seed=2))]
    assert first == second
    assert first not in others


@pytest.mark.parametrize("prompt", ["a cat", "a test:fail", "test:unknown", "TEST:FAIL"])
def test_other_prompts_are_just_drawn(prompt: str) -> None:
    room = Room()
    picture(room.sketch.submit(a_job(prompt)))
    assert (room.http.requests, room.naps) == ([], [])


@pytest.mark.parametrize("prompt", ["test:fail", "test:fail and more", "  test:fail\n"])
def test_fail_is_refused(prompt: str) -> None:
    outcome = Room().sketch.submit(a_job(prompt))
    assert isinstance(outcome, Failed)
    assert "test:fail" in outcome.message


def test_slow_takes_its_time_and_then_draws() -> None:
    room = Room()
    picture(room.sketch.submit(a_job("test:slow")))
    assert room.naps == [SLOW_SECONDS]


def test_never_is_taken_and_never_finished() -> None:
    room = Room()
    assert room.sketch.submit(a_job("test:never")) == Submitted("never")
    assert room.sketch.fetch(a_ref("never")) == Running()
    for _ in range(2):
        room.sketch.cancel(a_ref("never"))
    assert room.http.requests == []


def test_twice_calls_back_twice_before_its_id_is_known() -> None:
    room = Room()
    assert room.sketch.submit(a_job("test:twice")) == Submitted("twice")
    assert [(request.method, request.url) for request in room.http.requests] == [("POST", CALLBACK)] * 2
    for request in room.http.requests:
        assert read(request.content or b"") == "twice"
    picture(room.sketch.fetch(a_ref("twice")))


@pytest.mark.parametrize(
    "trouble",
    [
        FetchFailedError("slow", sent=True),
        FetchFailedError("down", sent=False),
        FetchRefusedError("no"),
        answer(404),
        answer(500),
    ],
)
def test_twice_survives_failing_callbacks(trouble: HttpResponse | Exception) -> None:
    room = Room(trouble)
    assert room.sketch.submit(a_job("test:twice")) == Submitted("twice")
    assert len(room.http.requests) == 2


@each(
    ("body", "job_id"),
    [
        ('{"id": "twice"}', "twice"),
        (json.dumps({"id": "other"}), None),
        (json.dumps({"id": 5}), None),
        ("{}", None),
        ("[]", None),
        ("5", None),
        ('"twice"', None),
        ("", None),
        ("nonsense", None),
        ("[" * 100_000, None),
    ],
)
def test_only_its_own_callback_names_a_job(body: str, job_id: str | None) -> None:
    assert read(body.encode()) == job_id


@pytest.mark.parametrize(
    ("prompt", "notes"),
    [
        ("a cat at night", ()),
        ("a cat on a sofa", ("Sketch does not know these words, and did not draw them: sofa.",)),
    ],
)
def test_words_that_were_not_drawn_are_noted(prompt: str, notes: tuple[str, ...]) -> None:
    outcome = Room().sketch.submit(a_job(prompt))
    assert isinstance(outcome, Rendered)
    assert outcome.notes == notes


def test_a_note_names_no_more_than_twenty_words() -> None:
    outcome = Room().sketch.submit(a_job(" ".join(f"word{k}{'x' * 100}" for k in range(23))))
    assert isinstance(outcome, Rendered)
    [note] = outcome.notes
    assert note.endswith("x and 3 more.")
    assert len(note) < 1_000


def test_costs_nothing_and_needs_no_key() -> None:
    assert (Sketch.needs_key, Sketch.charges) == (False, False)


def test_several_pictures_differ_and_the_first_is_the_one_alone() -> None:
    outcome = Room().sketch.submit(a_job("a cat", num_images=2))
    assert isinstance(outcome, Rendered)
    contents = [drawn.content for drawn in outcome.pictures]
    assert contents[0] == picture(Room().sketch.submit(a_job("a cat")))
    assert len({hashlib.sha256(content).hexdigest() for content in contents}) == 2
    assert contents[1] == picture(Room().sketch.submit(a_job("a cat", seed=2)))


# ---- Tools


def a_picture(mode: str = "RGB", size: tuple[int, int] = (40, 30), colour: Any = (200, 30, 30)) -> InputImage:
    output = io.BytesIO()
    Pillow.new(mode, size, colour).save(output, "PNG")
    return InputImage(output.getvalue(), "image/png", "https://atelier.example/1.png")


def a_mask(size: tuple[int, int] = (40, 30)) -> InputImage:
    """Mark the left half."""
    rows = (b"\xff" * (size[0] // 2) + b"\0" * (size[0] // 2)) * size[1]
    return InputImage(write_mask(*size, rows), "image/png", "https://atelier.example/2.png")


def a_spot() -> InputImage:
    """Return a red picture with a black spot on its left."""
    picture = Pillow.new("RGB", (40, 30), (200, 30, 30))
    picture.paste((0, 0, 0), (8, 8, 14, 14))
    output = io.BytesIO()
    picture.save(output, "PNG")
    return InputImage(output.getvalue(), "image/png", "https://atelier.example/1.png")


def use(tool: str, *, image: InputImage | None = None, mask: InputImage | None = None, **values: Any) -> Outcome:
    job = Job(
        model="sketch",
        input=values,
        callback_url=CALLBACK,
        key=None,
        images=(image or a_picture(),),
        mask=mask,
        tool=tool,
    )
    return Room().sketch.submit(job)


def seen(outcome: Outcome) -> Pillow.Image:
    return Pillow.open(io.BytesIO(picture(outcome)))


@pytest.mark.parametrize("tool", ["text-to-image", "edit-image", "inpaint"])
def test_a_mask_is_painted_and_the_rest_is_kept(tool: str) -> None:
    made = seen(use(tool, mask=a_mask(), prompt="a cat in snow", seed=1)).convert("RGB")
    assert made.size == (40, 30)
    assert made.crop((20, 0, 40, 30)).getcolors() == [(600, (200, 30, 30))]
    assert made.crop((0, 0, 20, 30)).getcolors() != [(600, (200, 30, 30))]


def test_an_edit_changes_the_picture_and_keeps_its_size() -> None:
    made = seen(use("edit-image", prompt="a cat", seed=1))
    assert made.size == (40, 30)
    assert made.getcolors() != [(1_200, (200, 30, 30))]


def test_outpaint_grows_the_canvas_around_the_picture() -> None:
    made = seen(use("outpaint", prompt="snow", left=10, top=5, bottom=7))
    assert made.size == (50, 42)
    assert made.crop((10, 5, 50, 35)).getcolors() == [(1_200, (200, 30, 30))]


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_upscale_makes_the_picture_larger(factor: int) -> None:
    assert seen(use("upscale", factor=factor)).size == (40 * factor, 30 * factor)


def test_upscale_doubles_where_nothing_else_is_said() -> None:
    assert seen(use("upscale")).size == (80, 60)


def test_remove_background_makes_it_transparent() -> None:
    subject = Pillow.new("RGB", (120, 120), (250, 250, 250))
    subject.paste((20, 60, 20), (40, 40, 80, 80))
    output = io.BytesIO()
    subject.save(output, "PNG")
    made = seen(use("remove-background", image=InputImage(output.getvalue(), "image/png", "")))
    assert (made.mode, made.size) == ("RGBA", (120, 120))
    alpha = made.getchannel("A")
    assert (alpha.getpixel((2, 2)), alpha.getpixel((60, 60))) == (0, 255)


def test_erase_fills_with_the_surroundings() -> None:
    made = seen(use("erase", image=a_spot(), mask=a_mask())).convert("RGB")
    assert made.size == (40, 30)
    assert min(made.getpixel((10, 10))) > 0  # type: ignore[arg-type]
    assert made.crop((20, 0, 40, 30)).getcolors() == [(600, (200, 30, 30))]


@each(
    ("tool", "values", "words"),
    [
        ("outpaint", {}, "at least one of left, top, right and bottom"),
        ("erase", {}, "give a mask"),
        ("upscale", {"factor": 400}, "16000 x 12000 pixels are more than 16.8 million"),
        ("outpaint", {"left": 600_000}, "more than 16.8 million"),
    ],
)
def test_what_a_tool_cannot_do_is_said(tool: str, values: dict[str, Any], words: str) -> None:
    outcome = use(tool, **values)
    assert isinstance(outcome, Failed)
    assert words in outcome.message


@pytest.mark.parametrize("tool", ["text-to-image", "inpaint", "upscale"])
def test_twice_works_on_the_picture_too(tool: str) -> None:
    mask = None if tool == "upscale" else a_mask()
    values = {"prompt": "test:twice", "seed": 1}
    inputs = InputImages((a_picture(),), mask)
    ref = JobRef(id="twice", model="sketch", input=values, key=None, tool=tool, read_inputs=lambda: inputs)
    made = Pillow.open(io.BytesIO(picture(Room().sketch.fetch(ref)))).convert("RGB")
    assert made.size == ((80, 60) if tool == "upscale" else (40, 30))
    assert made.getpixel((39, 29)) == (200, 30, 30)


def test_twice_has_the_shape_that_was_asked_for() -> None:
    values = {"prompt": "test:twice", "aspect_ratio": "16:9"}
    ref = JobRef(id="twice", model="sketch", input=values, key=None)
    assert Pillow.open(io.BytesIO(picture(Room().sketch.fetch(ref)))).size == (1_360, 768)
