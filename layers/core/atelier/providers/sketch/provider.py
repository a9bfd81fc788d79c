"""Sketch: the built-in provider. It draws from the prompt in this stack, for nothing. It is not an AI model.

Prompts that start with one of these make it behave as providers do on a bad day, as payment services have test
cards:

    test:fail    fails
    test:unsafe  is refused as unsafe
    test:slow    takes ten seconds
    test:twice   goes the asynchronous way, and its callback comes twice, before the job's id is even known
    test:never   is taken, and never finished; it can be cancelled
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from atelier.errors import FetchError
from atelier.images.file_urls import MASK
from atelier.images.image import EncodedImage
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.provider import CallbackRequest, Failed, Job, JobRef, Outcome, Rendered, Running, Submitted

SLOW_SECONDS = 10.0
CALLBACK_TIMEOUT_SECONDS = 10.0
CALLBACK_MAX_BYTES = 64 * 1024
SIDE = 1_024
MAX_WORDS, MAX_WORD = 20, 40
"""So many unknown words are named, and so many letters of each."""


class Sketch:
    """Draws with Pillow, deterministically for a prompt and seed."""

    name = "sketch"
    needs_key = False
    takes_key = False
    needs_address = False
    needs_listing = False
    charges = False
    asynchronous = True
    cancels = True
    inputs = frozenset({"prompt", "negative_prompt", "image_urls", "mask_url", "num_images", "seed", "width", "height"})

    def __init__(self, http: HttpClient, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._sleep = sleep

    def submit(self, job: Job) -> Outcome:
        """Draw at once, unless the prompt is one of the test prompts."""
        match _test_prompt(job):
            case "test:fail":
                return Failed("Sketch was asked to fail by the test prompt 'test:fail'.")
            case "test:unsafe":
                return Failed(http_responses.moderation(self.name, None))
            case "test:twice":
                self._call_back_twice(job)
                return Submitted("twice")
            case "test:never":
                return Submitted("never")
            case "test:slow":
                self._sleep(SLOW_SECONDS)
        return _change(job) if job.images else _compose(job.input)

    def fetch(self, job: JobRef) -> Outcome:
        """Draw a job that went the asynchronous way."""
        return Running() if job.id == "never" else _compose(job.input)

    def cancel(self, job: JobRef) -> None:
        """Do nothing: nobody works on a job that is not done."""

    def check(self, key: str | None) -> None:
        """Do nothing: it draws right here."""

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Read the id from our own callback, which nobody signs: it is believed no further than its URL's token."""
        try:
            job_id = json.loads(request.body)["id"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return job_id if job_id == "twice" else None

    def _call_back_twice(self, job: Job) -> None:
        for _ in range(2):
            try:
                self._http.send(
                    "POST",
                    job.callback_url,
                    headers={"Content-Type": "application/json"},
                    content=json.dumps({"id": "twice"}).encode(),
                    timeout=CALLBACK_TIMEOUT_SECONDS,
                    max_bytes=CALLBACK_MAX_BYTES,
                )
            except FetchError:
                continue


def _test_prompt(job: Job) -> str | None:
    word, *_ = str(job.input.get("prompt", "")).split() or [""]
    return word if word.startswith("test:") else None


def _change(job: Job) -> Rendered:
    """Change the first of the client's pictures, within the mask where there is one, which is the last of them then."""
    from atelier.providers.sketch.drawing import change

    pictures = change(
        job.images[0].content,
        job.images[-1].content if job.input.get(MASK) else None,
        job.input["prompt"],
        seed=job.input.get("seed"),
        width=job.input.get("width"),
        height=job.input.get("height"),
        count=job.input.get("num_images") or 1,
    )
    return Rendered(tuple(EncodedImage(content, "image/png", *size) for content, size in pictures))


def _compose(values: Mapping[str, Any]) -> Rendered:
    from atelier.providers.sketch.drawing import (  # the webhook function reads callbacks without Pillow
        draw,
        unknown_words,
    )

    width, height = values.get("width") or SIDE, values.get("height") or SIDE
    prompt, seed = values["prompt"], values.get("seed")
    contents = (
        draw(
            prompt,
            negative_prompt=values.get("negative_prompt") or "",
            seed=(seed or 0) + number if number else seed,
            width=width,
            height=height,
        )
        for number in range(values.get("num_images") or 1)
    )
    pictures = tuple(EncodedImage(content, "image/png", width, height) for content in contents)
    return Rendered(pictures, _notes(unknown_words(prompt)))


def _notes(unknown: tuple[str, ...]) -> tuple[str, ...]:
    """Say which words of a prompt the pictures do not show."""
    if not unknown:
        return ()
    words = ", ".join(word[:MAX_WORD] for word in unknown[:MAX_WORDS])
    more = f" and {len(unknown) - MAX_WORDS} more" if len(unknown) > MAX_WORDS else ""
    return (f"Sketch does not know these words, and did not draw them: {words}{more}.",)
