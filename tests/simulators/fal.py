"""A simulator of fal's queue, and of the host that tells the keys of its callbacks."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.simulators.faults import Ending, Plan, Timing
from tests.simulators.server import Job, Reply, Request, Simulator, State

_REQUEST = re.compile(r"/[^/]+/[^/]+/requests/([0-9a-f-]+)(/status|/cancel)?")
_STATUS = {State.QUEUED: "IN_QUEUE", State.RUNNING: "IN_PROGRESS"}


class FalSimulator(Simulator):
    """Takes `POST /{model}?fal_webhook=`; `rotate()` adds a key to sign with, and drops all but the last two."""

    name = "fal"

    def __init__(self, *, key: str = "simulator-key", faults: Plan | None = None, timing: Timing | None = None) -> None:
        super().__init__(key=key, faults=faults, timing=timing)
        self._foreign = Ed25519PrivateKey.generate()
        self._signers: list[Ed25519PrivateKey] = []
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self._signers = [*self._signers[-1:], Ed25519PrivateKey.generate()]

    @property
    def urls(self) -> Mapping[str, str]:
        """Its address, as that of the queue and of the keys."""
        return {self.name: self.url, "fal-keys": self.url}

    def new_id(self) -> str:
        """Make a request's id."""
        return str(uuid4())

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.method == "GET" and request.path == "/.well-known/jwks.json":
            return Reply(200, {"keys": [_jwk(signer) for signer in self._signers]})
        if request.headers.get("authorization") != f"Key {self.key}":
            return self.refusal(401, "Authentication is required to access this application.")
        found = _REQUEST.fullmatch(request.path)
        if request.method == "POST" and not found:
            if request.headers.get("x-fal-no-retry") != "1" or not request.query.get("fal_webhook"):
                return self.refusal(400, "The simulator wants a webhook, and no repeats by the queue.")
            return self.take(request.path.strip("/"), request.document, request.query["fal_webhook"])
        if found and request.method == "PUT" and found[2] == "/cancel":
            return self._cancelled(found[1])
        if found and request.method == "GET" and found[2] == "/status":
            return self.poll(found[1], self._status)
        if found and request.method == "GET" and found[2] is None:
            return self.poll(found[1], self._result)
        return self.refusal(404, "Application not found")

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error; what is wrong with an input is told as a list."""
        fault = {"loc": ["body", "prompt"], "msg": words, "type": "value_error"}
        return Reply(status, {"detail": [fault] if status == 422 else words})

    def receipt(self, job: Job) -> Reply:
        """Tell a new request's id and where it is asked about."""
        owner, application, *_ = job.model.split("/")
        place = f"{self.url}/{owner}/{application}/requests/{job.id}"
        return Reply(
            200,
            {
                "status": "IN_QUEUE",
                "request_id": job.id,
                "gateway_request_id": job.id,
                "response_url": place,
                "status_url": f"{place}/status",
                "cancel_url": f"{place}/cancel",
                "queue_position": 0,
            },
        )

    def news(self, job: Job, *, lie: str | None = None) -> bytes:
        """Tell the result."""
        names = {"request_id": job.id, "gateway_request_id": job.id}
        if lie:
            return json.dumps({**names, "status": "OK", "payload": {"images": [{"url": lie}]}}).encode()
        result = self._result(job)
        if result.status == 200:
            return json.dumps({**names, "status": "OK", "payload": result.body}).encode()
        error = f"Invalid status code: {result.status}"
        return json.dumps({**names, "status": "ERROR", "error": error, "payload": result.body}).encode()

    def sign(self, job: Job, body: bytes, *, at: int, foreign: bool = False) -> Mapping[str, str]:
        """Sign three headers and the body's digest."""
        signer = self._foreign if foreign else self._signers[-1]
        message = "\n".join([job.id, "simulator", str(at), hashlib.sha256(body).hexdigest()])
        return {
            "X-Fal-Webhook-Request-Id": job.id,
            "X-Fal-Webhook-User-Id": "simulator",
            "X-Fal-Webhook-Timestamp": str(at),
            "X-Fal-Webhook-Signature": signer.sign(message.encode()).hex(),
        }

    def _status(self, job: Job) -> Reply:
        state = job.state
        document: dict[str, Any] = {"request_id": job.id, "status": _STATUS.get(state, "COMPLETED")}
        return Reply(202 if state in _STATUS else 200, document)

    def _result(self, job: Job) -> Reply:
        match job.state, job.course.ending:
            case ((State.QUEUED | State.RUNNING), _):
                return self.refusal(400, "Request is still in progress")
            case State.CANCELLED, _:
                return self.refusal(422, "Request was cancelled")
            case State.FAILED, Ending.FAILURE:
                return Reply(500, {"detail": "The model crashed.", "error_type": "internal_error"})
        images = [{"url": url, "width": 64, "height": 64, "content_type": "image/png"} for url in self.pictures(job)]
        black = job.course.ending is Ending.UNSAFE
        return Reply(200, {"images": images, "seed": 1, "has_nsfw_concepts": [black] * len(images)})

    def _cancelled(self, job_id: str) -> Reply:
        job = self.cancel(job_id)
        if job is None:
            return Reply(404, {"status": "NOT_FOUND"})
        if job.state is State.CANCELLED:
            return Reply(202, {"status": "CANCELLATION_REQUESTED"})
        return Reply(400, {"status": "ALREADY_COMPLETED"})


def _jwk(signer: Ed25519PrivateKey) -> dict[str, str]:
    x = base64.urlsafe_b64encode(signer.public_key().public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig"}
