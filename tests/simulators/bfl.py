"""A simulator of Black Forest Labs: callbacks are signed, which nobody need check, and nothing can be cancelled."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from tests.simulators.faults import Ending
from tests.simulators.server import Job, Reply, Request, Simulator, State

_MODEL = re.compile(r"/v1/(flux-[a-z0-9.-]+)")
_STATUS = {State.QUEUED: "Pending", State.RUNNING: "Generating", State.SUCCEEDED: "Ready"}
FLUX_3 = frozenset({"prompt", "images", "aspect_ratio", "resolution", "safety_tolerance", "grounding", "num_images"})
CREDITS = 3.0


class BlackForestLabsSimulator(Simulator):
    """Takes `POST /v1/{model}`; every other job is polled at a region of its own, and at first unknown there."""

    name = "bfl"

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address."""
        return {self.name: self.url}

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.headers.get("x-key") != self.key:
            return self.refusal(403, "Not authenticated")
        if request.method == "GET" and request.path == "/v1/credits":
            return Reply(200, {"credits": 100.0})
        document = request.document
        if request.method == "POST" and (found := _MODEL.fullmatch(request.path)):
            if strange := set(document) - FLUX_3 if found[1].startswith("flux-3") else set():
                return self.refusal(422, f"Extra inputs are not permitted: {sorted(strange)}")
            return self.take(found[1], document, str(document.get("webhook_url", "")))
        if request.method == "GET" and request.path in ("/v1/get_result", "/eu/v1/get_result"):
            job_id = request.query.get("id", "")
            job = self.jobs.get(job_id)
            if job and job.polls == 0 and _is_odd(job):
                job.polls += 1
                return Reply(404, {"id": job_id, "status": "Task not found", "result": None})
            return self.poll(job_id, lambda job: Reply(200, self._document(job)))
        return self.refusal(404, "Not Found")

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error; what is wrong with an input is told as a list."""
        fault = {"loc": ["body", "prompt"], "msg": words, "type": "value_error"}
        return Reply(status, {"detail": [fault] if status == 422 else words})

    def receipt(self, job: Job) -> Reply:
        """Tell a new job's id, where it is polled, and what it costs."""
        region = "/eu" if _is_odd(job) else ""
        place = f"{self.url}{region}/v1/get_result" + ("" if region else f"?id={job.id}")
        told = {"cost": CREDITS, "input_mp": 0.0, "output_mp": 1.0}
        return Reply(200, {"id": job.id, "polling_url": place, **told})

    def news(self, job: Job, *, lie: str | None = None) -> bytes:
        """Tell the result."""
        result = {"result": {"sample": lie}, "status": "SUCCESS"} if lie else self._document(job)
        return json.dumps({**result, "task_id": job.id}).encode()

    def sign(self, job: Job, body: bytes, *, at: int, foreign: bool = False) -> Mapping[str, str]:
        """Sign as one client has seen it."""
        digest = hmac.new(b"foreign" if foreign else b"secret", body, hashlib.sha256).hexdigest()
        return {"X-BFL-Signature": f"sha256={digest}"}

    def _document(self, job: Job) -> dict[str, Any]:
        failed = "Content Moderated" if job.course.ending is Ending.UNSAFE else "Error"
        state = job.state
        ready = state is State.SUCCEEDED
        result = {"sample": self.pictures(job)[0], "seed": 1, "duration": 1.0} if ready else None
        return {"id": job.id, "status": _STATUS.get(state, failed), "result": result, "progress": None}


def _is_odd(job: Job) -> bool:
    return bool(int(job.id, 16) % 2)
