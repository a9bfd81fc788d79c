"""A simulator of Artificial Studio: nothing is signed, and nothing can be cancelled."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.simulators.faults import Ending
from tests.simulators.server import Job, Reply, Request, Simulator, State

_GENERATION = re.compile(r"/api/generations/([0-9a-z]+)")
_STATUS = {
    State.QUEUED: "pending",
    State.RUNNING: "processing",
    State.SUCCEEDED: "success",
    State.FAILED: "error",
    State.CANCELLED: "error",
}


class ArtificialStudioSimulator(Simulator):
    """Takes `POST /api/generate` and `/api/run`; half of its ids it calls `_id`, as clients have seen."""

    name = "artificial-studio"

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address."""
        return {self.name: f"{self.url}/api"}

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.headers.get("authorization") != self.key:
            return self.refusal(401, "Invalid API key")
        document = request.document
        if request.method == "POST" and request.path in ("/api/generate", "/api/run"):
            named, given = document.get("model") or document.get("tool"), document.get("input")
            if not isinstance(named, str) or not isinstance(given, dict):
                return self.refusal(400, "Validation failed")
            return self.take(named, given, str(document.get("webhook", "")))
        if request.method == "GET" and (found := _GENERATION.fullmatch(request.path)):
            return self.poll(found[1], lambda job: Reply(200, self._document(job)))
        return self.refusal(404, "Route not found")

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"message": words})

    def receipt(self, job: Job) -> Reply:
        """Tell a new generation's id, in one of the two ways."""
        name = "_id" if int(job.id, 16) % 2 else "id"
        return Reply(202, {name: job.id, "status": "processing", "model": job.model})

    def news(self, job: Job, *, lie: str | None = None) -> bytes:
        """Tell the whole generation."""
        return json.dumps(self._document(job) | ({"status": "success", "output": lie} if lie else {})).encode()

    def sign(self, job: Job, body: bytes, *, at: int, foreign: bool = False) -> Mapping[str, str]:
        """Sign nothing."""
        return {"X-Webhook-Source": "artificial-studio", "X-Media-Id": job.id}

    def _document(self, job: Job) -> dict[str, Any]:
        state, unsafe = job.state, job.course.ending is Ending.UNSAFE
        done, failed = state is State.SUCCEEDED, state is State.FAILED
        return {
            "_id": job.id,
            "id": job.id,
            "status": _STATUS[state],
            "output": self.pictures(job)[0] if done else None,
            "model": job.model,
            "type": "image",
            "payload": dict(job.input),
            "error": ("NSFW content detected." if unsafe else "The model crashed.") if failed else None,
        }
