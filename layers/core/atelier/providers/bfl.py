"""Black Forest Labs: asynchronous, with callbacks that are hints. Source: docs.bfl.ai.

Called: POST {base}/v1/{model} with JSON; the answer names the job, where it is polled, and what it costs. Calls back:
when a job is done, unless the catalog sends an empty `webhook_url`. Verified: not at all, as its signature is described
in different ways, so a callback is no more than a reason to look. Polled: the polling URL, at any host of theirs.
Cancelled: never. Checked: GET {base}/v1/credits.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429 (24 jobs at once); what a filter
takes out is the result of a job. Passes: 429, 503, 529, no connection. Unknown: no answer once the request was sent,
408, any other 5xx, an answer without an id. A poll may be a 404 for a moment after the job was taken.
"""

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.provider import CallbackRequest, Failed, ImageUrls, Job, JobRef, Outcome, Running, Submitted
from atelier.providers.wire import Asynchronous, Wire

URL = "https://api.bfl.ai"
HOSTS = ".bfl.ai"
MAX_JOB_ID_LENGTH = 500
LIFETIME_SECONDS = 600
DOLLARS = {"cost": 0.01}
"""The cost, which may be told with the job or with its end, is in credits of a US cent."""
RUNNING = frozenset({"Pending", "Reasoning", "Generating"})
MODERATED = frozenset({"Request Moderated", "Content Moderated"})


class BlackForestLabs(Asynchronous):
    """Calls Black Forest Labs; a job's id is theirs and, if it is polled at another place, that URL."""

    name = "bfl"
    cancels = False
    polled = True
    inputs = frozenset(
        {
            "prompt", "width", "height", "seed", "output_format", "safety_tolerance", "prompt_upsampling", "steps",
            "guidance", "aspect_ratio", "resolution", "grounding", "raw", "images", "image", "mask", "image_prompt",
            "input_image", *(f"input_image_{number}" for number in range(2, 9)), "top", "bottom", "left", "right",
            "webhook_url",
        }
    )  # fmt: skip

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._wire = Wire(http, self.name)
        self._url = (urls.get(self.name) or URL).rstrip("/")

    def submit(self, job: Job) -> Outcome:
        """POST the input; OutcomeUnknownError where it may have been taken without our learning its id."""
        body = {"webhook_url": job.callback_url, **job.input}
        content = json.dumps({name: value for name, value in body.items() if value != ""}).encode()
        headers = {"x-key": job.key or "", "Content-Type": "application/json"}
        document = self._wire.submit(f"{self._url}/v1/{job.model}", headers, content, http_responses.faults)
        job_id = self._wire.job_id(document.get("id"))
        polling_url = self._own(document.get("polling_url"), job_id)
        return Submitted(f"{job_id} {polling_url}" if polling_url else job_id, http_responses.cost(document, DOLLARS))

    def fetch(self, job: JobRef) -> Outcome:
        """GET the job where it is polled."""
        job_id, _, polling_url = job.id.partition(" ")
        response = self._wire.call("GET", polling_url or self._usual(job_id), {"x-key": job.key or ""})
        if response.status == 404:
            return Running()
        http_responses.answered(response, self.name)
        document = http_responses.document(response.body)
        if response.status >= 400:
            return Failed(self._wire.failed(http_responses.faults(document)))
        cost = http_responses.cost(document, DOLLARS)
        status, result = document.get("status") or document.get("state"), document.get("result")
        if status in MODERATED:
            return Failed(http_responses.moderation(self.name, status), cost)
        if status == "Ready":
            found = http_responses.urls(result.get("sample") if isinstance(result, dict) else None)
            failed = Failed(self._wire.failed("it sent no picture"), cost)
            return ImageUrls(found, LIFETIME_SECONDS, cost) if found else failed
        return Running() if status in RUNNING else Failed(self._wire.failed(status), cost)

    def check(self, key: str | None) -> None:
        """GET the credits that are left."""
        http_responses.check(self._wire.http, self.name, f"{self._url}/v1/credits", headers={"x-key": key or ""})

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Read the job's id; nothing else of it is looked at, or believed."""
        document = http_responses.document(request.body)
        return http_responses.job_id(document.get("task_id")) or http_responses.job_id(document.get("id"))

    def _usual(self, job_id: str) -> str:
        return f"{self._url}/v1/get_result?id={job_id}"

    def _own(self, url: object, job_id: str) -> str | None:
        """Return where a job is polled, if our key may go there and it is not the usual place."""
        if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
            return None
        parts, own = urlsplit(url), urlsplit(self._url)
        theirs = parts.scheme == "https" and parts.netloc.endswith(HOSTS)
        if not theirs and (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            return None
        named = url if "id=" in parts.query else f"{url}{'&' if parts.query else '?'}id={job_id}"
        return None if named == self._usual(job_id) or len(named) + len(job_id) >= MAX_JOB_ID_LENGTH else named
