"""Artificial Studio: asynchronous, with an unsigned callback. Source: docs.artificialstudio.ai.

Another Atelier speaks the same contract, so this is also how one stack stands behind another.

Called: POST {base}/generate. Calls back: once a job is done, unsigned, so a callback is only a hint to look: the job
is fetched before anything is believed. Polled: GET {base}/generations/{id}. Cancelled: POST
{base}/generations/{id}/cancel, which another Atelier knows and Artificial Studio's documentation does not name. Both
are asked. A cancellation is a wish everywhere: the client's generation ends as cancelled, with what it may have cost,
whether the provider stops the work or, knowing no such call (404, 405), finishes it for nobody.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429. Passes: 429, 500, 503, 529, no
connection. Unknown: no answer once the request was sent, 408, any other 5xx, an answer without a job's id.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.providers import http_responses
from atelier.providers.provider import CallbackRequest, Failed, ImageUrls, Job, JobRef, Outcome, Running, Submitted
from atelier.providers.wire import Asynchronous, Wire

ADDRESS = "https://api.artificialstudio.ai/api"
MAX_ANSWER_BYTES = 1024 * 1024


class ArtificialStudio(Asynchronous):
    """Calls Artificial Studio, or another Atelier; `urls` may give its address under the provider's name."""

    name = "artificial-studio"
    inputs = frozenset(
        {
            "prompt", "negative_prompt", "model", "style", "width", "height", "size", "image_size", "aspect_ratio",
            "resolution", "num_images", "seed", "steps", "guidance_scale", "quality", "output_format", "image",
            "image_url", "image_urls", "images", "strength", "background",
        }
    )  # fmt: skip

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._wire = Wire(http, self.name, max_bytes=MAX_ANSWER_BYTES)
        self._base_url = (urls.get(self.name) or ADDRESS).rstrip("/")

    def submit(self, job: Job) -> Outcome:
        """POST the job; OutcomeUnknownError where it may have been taken without our learning its id."""
        body = {"model": job.model, "input": dict(job.input), "webhook": job.callback_url}
        url, content = f"{self._base_url}/generate", json.dumps(body).encode()
        document = self._wire.submit(url, _headers(job.key), content, _words)
        return Submitted(self._wire.job_id(_job_id(document, "id", "_id")))

    def fetch(self, job: JobRef) -> Outcome:
        """GET the job."""
        response = self._ask("GET", f"/generations/{job.id}", job.key)
        document = http_responses.document(response.body)
        if response.status == 404:
            return Failed(self._wire.failed("it no longer knows this generation"))
        if response.status >= 400:
            return Failed(self._wire.failed(_words(document)))
        match document.get("status"):
            case "success":
                found = http_responses.urls(document.get("outputs")) or http_responses.urls(document.get("output"))
                return ImageUrls(found) if found else Failed(self._wire.failed("it finished without a picture"))
            case "error":
                return Failed(self._wire.failed(document.get("error")))
        return Running()

    def cancel(self, job: JobRef) -> None:
        """POST the wish; a refusal means that it came too late, or that nobody there knows the call."""
        self._ask("POST", f"/generations/{job.id}/cancel", job.key)

    def check(self, key: str | None) -> None:
        """GET the account."""
        http_responses.check(
            self._wire.http, self.name, f"{self._base_url}/account", headers={"Authorization": key or ""}
        )

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Read `_id` or `id`, both of which clients have seen; nothing else of it is looked at, or believed."""
        return _job_id(http_responses.document(request.body), "_id", "id")

    def _ask(self, method: str, path: str, key: str | None) -> HttpResponse:
        return self._wire.ask(method, self._base_url + path, _headers(key))


def _headers(key: str | None) -> Mapping[str, str]:
    return {"Authorization": key or "", "Content-Type": "application/json"}


def _job_id(document: Mapping[str, Any], *names: str) -> str | None:
    return next((found for name in names if (found := http_responses.job_id(document.get(name)))), None)


def _words(document: Mapping[str, Any]) -> str | None:
    """Put an error's message and those of its fields into one line."""
    errors = document.get("errors")
    fields = [error.get("message") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    found = dict.fromkeys(part.rstrip(".") for part in (document.get("message"), *fields) if isinstance(part, str))
    return "; ".join(filter(None, found)) or None
