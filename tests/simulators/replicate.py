"""A simulator of Replicate: callbacks are signed as Standard Webhooks has it."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.simulators.faults import Ending, Plan, Timing
from tests.simulators.server import Job, Reply, Request, Simulator, State

_SUBMIT = re.compile(r"/v1/models/([^/]+/[^/]+)/predictions|/v1/predictions")
_PREDICTION = re.compile(r"/v1/predictions/([0-9a-z]+)(/cancel)?")
_STATUS = {
    State.QUEUED: "starting",
    State.RUNNING: "processing",
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.CANCELLED: "canceled",
}
SCHEMAS = {
    f"black-forest-labs/flux-2-{kind}": frozenset(
        {
            "prompt", "input_images", "aspect_ratio", "resolution", "width", "height", "safety_tolerance", "seed",
            "output_format", "output_quality",
        }
    )
    for kind in ("pro", "max", "flex")
}  # fmt: skip
"""The inputs of models that are asked for with these alone; other models take any."""
SHAPES = ("match_input_image", "custom", "1:1", "16:9", "3:2", "2:3", "4:5", "5:4", "9:16", "3:4", "4:3")
FOREIGN = "whsec_" + base64.b64encode(b"not the provider's").decode()


class ReplicateSimulator(Simulator):
    """Takes predictions of models by name and by version; `rotate()` changes the secret of its callbacks."""

    name = "replicate"

    def __init__(self, *, key: str = "simulator-key", faults: Plan | None = None, timing: Timing | None = None) -> None:
        super().__init__(key=key, faults=faults, timing=timing)
        self.secret = ""
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new secret from now on."""
        self.secret = "whsec_" + base64.b64encode(token_bytes(24)).decode()

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address."""
        return {self.name: f"{self.url}/v1"}

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return self.refusal(401, "You did not pass a valid authentication token")
        if request.method == "POST" and (found := _SUBMIT.fullmatch(request.path)):
            document = request.document
            model, given = found[1] or document.get("version"), document.get("input")
            if not model or not isinstance(given, dict) or document.get("webhook_events_filter") != ["completed"]:
                return self.refusal(422, "- input is required")
            if fault := _fault(str(model), given):
                return self.refusal(422, f"- {fault}")
            return self.take(str(model), given, str(document.get("webhook", "")))
        if request.method == "GET" and request.path == "/v1/webhooks/default/secret":
            return Reply(200, {"key": self.secret})
        if found := _PREDICTION.fullmatch(request.path):
            if request.method == "POST" and found[2]:
                job = self.cancel(found[1])
                return Reply(200, self._prediction(job)) if job else self.refusal(404, "Not found.")
            if request.method == "GET" and not found[2]:
                return self.poll(found[1], lambda job: Reply(200, self._prediction(job)))
        return self.refusal(404, "The requested resource could not be found.")

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"type": "about:blank", "title": "Error", "status": status, "detail": words})

    def receipt(self, job: Job) -> Reply:
        """Tell a new prediction."""
        return Reply(201, self._prediction(job))

    def news(self, job: Job, *, lie: str | None = None) -> bytes:
        """Tell the whole prediction."""
        return json.dumps(self._prediction(job) | ({"status": "succeeded", "output": [lie]} if lie else {})).encode()

    def sign(self, job: Job, body: bytes, *, at: int, foreign: bool = False) -> Mapping[str, str]:
        """Sign as the specification's own library does."""
        message_id = f"msg_{job.id}"
        webhook = Webhook(FOREIGN if foreign else self.secret)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": webhook.sign(message_id, datetime.fromtimestamp(at, UTC), body.decode()),
        }

    def _prediction(self, job: Job) -> dict[str, Any]:
        state, unsafe = job.state, job.course.ending is Ending.UNSAFE
        error = "NSFW content detected. Try running it again, or try a different prompt." if unsafe else "CUDA error."
        place = f"{self.url}/v1/predictions/{job.id}"
        return {
            "id": job.id,
            "model": job.model,
            "version": "hidden",
            "input": dict(job.input),
            "logs": "",
            "output": self.pictures(job) if state is State.SUCCEEDED else None,
            "data_removed": False,
            "error": error if state is State.FAILED else None,
            "status": _STATUS[state],
            "urls": {"get": place, "cancel": f"{place}/cancel"},
        }


def _fault(model: str, given: Mapping[str, Any]) -> str | None:
    """Say what is wrong with an input by its model's schema."""
    if model not in SCHEMAS:
        return None
    if strange := set(given) - SCHEMAS[model]:
        return f"Additional properties are not allowed: {sorted(strange)}"
    shape = given.get("aspect_ratio", "1:1")
    if shape not in SHAPES or (shape == "match_input_image" and not given.get("input_images")):
        return f"input.aspect_ratio: {shape} does not match"
    sides = [given[side] for side in ("width", "height") if side in given]
    if len(sides) != (2 if shape == "custom" else 0) or not all(256 <= side <= 2_048 for side in sides):
        return f"input.width, input.height: {sides} do not fit {shape}"
    return None
