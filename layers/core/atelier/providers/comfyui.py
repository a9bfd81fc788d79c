"""ComfyUI: asynchronous, self-hosted, and exactly once. Source: its server.py at 002c3fb9.

Called: POST {base}/prompt with a workflow and a job's id that is ours, with HTTP Basic where the provider's key is
user:password, or Bearer. Before that it is asked for the id: a job whose answer was lost is found, not drawn again.
Calls back: never. Polled: GET {base}/history/{id}, and {base}/queue while it is not there; pictures are read from
{base}/view. Cancelled: POST {base}/api/jobs/{id}/cancel or, where nobody knows that, deleted from the queue; never
{base}/interrupt, by which older servers stop whatever they draw. Checked: GET {base}/system_stats. The client's
fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429. Passes: all else, also a lost answer.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from atelier.catalog.workflow import named
from atelier.errors import OutcomeUnknownError, ProviderBusyError
from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.providers import http_responses, self_hosted
from atelier.providers.form_data import form
from atelier.providers.provider import Failed, Images, Job, JobRef, Outcome, Running, Submitted
from atelier.providers.synchronous import listed, picture
from atelier.providers.wire import Asynchronous, Wire


class ComfyUI(Asynchronous):
    """Calls a ComfyUI server; a job's input is a workflow, and its fields that are clients' URLs are uploaded."""

    name = "comfyui"
    needs_key = False
    needs_address = True
    charges = False
    polled = True
    inputs = frozenset[str]()  # those of the workflow, which the catalog has

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._wire = Wire(http, self.name, max_bytes=50 * 1024 * 1024)
        self._urls = urls

    def submit(self, job: Job) -> Outcome:
        """Queue the workflow, unless it is there already."""
        job_id = str(UUID(job.id))
        if self._find(job_id, job.key) is not None:
            return Submitted(job_id)
        try:
            names = {image.url: self._upload(job, number) for number, image in enumerate(job.images)}
            body = {"prompt": named(job.input, names), "prompt_id": job_id}
            self._post("/prompt", "application/json", json.dumps(body).encode(), job.key)
        except OutcomeUnknownError as exc:
            if self._find(job_id, job.key) is None:
                raise ProviderBusyError(f"The provider {self.name} gave no good answer; try again later.") from exc
        return Submitted(job_id)

    def fetch(self, job: JobRef) -> Outcome:
        """GET the job, and its pictures where it is done."""
        entry = self._find(job.id, job.key)
        if not entry:
            return Failed(self._wire.failed("it no longer knows this job")) if entry is None else Running()
        status = entry.get("status")
        if not isinstance(status, dict) or status.get("status_str") != "success":
            return Failed(self._wire.failed(_words(status)))
        views = [self._ask("GET", f"/view?{urlencode(image)}", job.key) for image in _outputs(entry)]
        found = tuple(picture(self.name, view.body) for view in views)
        return Images(found) if found else Failed(self._wire.failed("its workflow saved no picture"))

    def cancel(self, job: JobRef) -> None:
        """POST the wish; where only the queue can be changed, a job that runs already goes on."""
        if self._ask("POST", f"/api/jobs/{job.id}/cancel", job.key).status in (404, 405):
            self._ask("POST", "/queue", job.key, json.dumps({"delete": [job.id]}).encode())

    def check(self, key: str | None) -> None:
        """GET the server's state."""
        url = f"{self_hosted.address(self.name, self._urls)}/system_stats"
        http_responses.check(self._wire.http, self.name, url, headers=self_hosted.authorization(key))

    def _find(self, job_id: str, key: str | None) -> dict[str, Any] | None:
        """Return a job as it ended, an empty document while it is queued or runs, and None where nobody knows it."""
        for _ in range(2):  # it may end between the two questions
            entry = http_responses.document(self._ask("GET", f"/history/{job_id}", key).body).get(job_id)
            if isinstance(entry, dict):
                return entry
            queue = http_responses.document(self._ask("GET", "/queue", key).body)
            entries = [*listed(queue.get("queue_running")), *listed(queue.get("queue_pending"))]
            if any(isinstance(entry, list) and entry[1:2] == [job_id] for entry in entries):
                return {}
        return None

    def _upload(self, job: Job, number: int) -> str:
        """Store a client's picture on the server, under a name that is the same at the next try."""
        files, fields = [("image", job.images[number])], {"overwrite": "true", "type": "input"}
        content_type, content = form(fields, files, f"atelier-{job.id}-{number}")
        return str(self._post("/upload/image", content_type, content, job.key).get("name"))

    def _post(self, path: str, content_type: str, content: bytes, key: str | None) -> dict[str, Any]:
        headers = {"Content-Type": content_type, **self_hosted.authorization(key)}
        return self._wire.submit(
            self_hosted.address(self.name, self._urls) + path, headers, content, http_responses.faults
        )

    def _ask(self, method: str, path: str, key: str | None, content: bytes | None = None) -> HttpResponse:
        url = self_hosted.address(self.name, self._urls) + path
        return self._wire.ask(method, url, self_hosted.authorization(key), content)


def _outputs(entry: Mapping[str, Any]) -> list[dict[str, str]]:
    """List the pictures that a job saved, without previews."""
    outputs = entry.get("outputs")
    nodes = [node for node in outputs.values() if isinstance(node, dict)] if isinstance(outputs, dict) else []
    images = [image for node in nodes for image in listed(node.get("images")) if isinstance(image, dict)]
    names = ("filename", "subfolder", "type")
    return [{name: str(image.get(name) or "") for name in names} for image in images if image.get("type") == "output"]


def _words(status: object) -> object:
    """Find what went wrong among a job's messages."""
    messages = listed(status.get("messages")) if isinstance(status, dict) else []
    told = [item[1] for item in messages if isinstance(item, list) and len(item) == 2 and isinstance(item[1], dict)]
    return next((found for item in told if (found := http_responses.text(item.get("exception_message")))), None)
