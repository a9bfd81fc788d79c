"""Sketch: the built-in provider. It draws in this stack, for nothing: from the prompt, or in a given picture, by the
tool that was asked for. It is not an AI model.

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

from atelier.catalog.provider_input import plain
from atelier.errors import FetchError
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.provider import CallbackRequest, Failed, InputImages, Job, JobRef, Outcome, Running, Submitted

SLOW_SECONDS = 10.0
CALLBACK_TIMEOUT_SECONDS = 10.0
CALLBACK_MAX_BYTES = 64 * 1024


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
    polled = False
    inputs = frozenset(
        {
            "prompt", "negative_prompt", "image_urls", "mask_url", "num_images", "seed", "width", "height",
            "left", "top", "right", "bottom", "factor",
        }
    )  # fmt: skip

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
        return _draw(job.tool, job.input, InputImages(job.images, job.mask))

    def fetch(self, job: JobRef) -> Outcome:
        """Draw a job that went the asynchronous way."""
        return Running() if job.id == "never" else _draw(job.tool, plain(job.input, ()), job.read_inputs())

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


def _draw(tool: str, values: Mapping[str, Any], inputs: InputImages) -> Outcome:
    """Draw, by what only the functions that draw need: the webhook function, which reads callbacks, has no Pillow."""
    from atelier.providers.sketch.drawing import tasks

    return tasks.draw(tool, values, inputs)
