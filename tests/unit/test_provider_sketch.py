"""Sketch: draws, and behaves badly when asked to."""

import hashlib
import io
import json
from typing import Any

import pytest
from PIL import Image as Pillow

from atelier.errors import FetchFailedError, FetchRefusedError
from atelier.outbound.http_client import HttpResponse
from atelier.providers.provider import CallbackRequest, Failed, Job, JobRef, Rendered, Running, Submitted
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
