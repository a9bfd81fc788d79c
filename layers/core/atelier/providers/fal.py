"""fal: asynchronous, with an Ed25519 signature. Source: docs.fal.ai, the queue and its webhooks.

Called: POST {queue}/{model}?fal_webhook={url}, once, without the queue's own repeats. Calls back: when a request is
done. Verified: with the keys at {keys}/.well-known/jwks.json, any of which may have signed. Polled: the status URL,
then the response URL, as the queue named them. Cancelled: PUT the cancel URL; a refusal means that it came too late.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429; most of what is wrong with an
input, and what is held to be unsafe, the queue learns only from the model, and then it is the result. Passes: 429, 500,
503, 529, no connection. Unknown: no answer once the request was sent, 408, any other 5xx, an answer without an id.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from atelier.errors import InvalidSignatureError, ProviderBusyError, ProviderCredentialsError
from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.providers import http_responses
from atelier.providers.callback_keys import CallbackKeys
from atelier.providers.provider import CallbackRequest, Failed, ImageUrls, Job, JobRef, Outcome, Running, Submitted
from atelier.providers.wire import Asynchronous

ADDRESS = "https://queue.fal.run"
KEYS_NAME = "fal-keys"
KEYS_ADDRESS = "https://rest.fal.ai"
TIMEOUT_SECONDS = 30.0
KEYS_TIMEOUT_SECONDS = 5.0
MAX_ANSWER_BYTES = 5 * 1024 * 1024
TOLERANCE_SECONDS = 5 * 60
CHECKED_MODEL = "fal-ai/flux"
NO_REQUEST = "00000000-0000-0000-0000-000000000000"
MAX_JOB_ID_LENGTH = 500
NAMESPACES = ("workflows", "comfy")
"""A model that begins with one of these has a name of three parts, others of two; the rest is an endpoint of theirs."""
_PATH = re.compile(r"/[!-~]+")

Verify = Callable[[bytes, bytes, bytes], bool]
"""Tells whether a raw Ed25519 public key's holder signed a message: key, message, signature."""


class RequestPaths(NamedTuple):
    """Where a request is asked about: paths on the queue's host."""

    response: str
    status: str
    cancel: str


class Fal(Asynchronous):
    """Calls fal's queue; `urls` may give its address under the provider's name, and that of its keys as "fal-keys".

    A job's id is fal's request id, from which the documented URLs follow. If the queue named others, they are part of
    the job's id after it. Only URLs on the queue's own host are used, since our key goes with them.
    """

    name = "fal"
    inputs = frozenset(
        {
            "prompt", "negative_prompt", "style", "width", "height", "image_size", "aspect_ratio", "resolution",
            "num_images", "max_images", "format", "seed", "steps", "num_inference_steps", "guidance_scale", "cfg_scale",
            "quality", "output_format", "image_url", "image_urls", "mask_url", "strength", "acceleration", "raw",
            "background", "enhance_prompt", "expand_prompt", "rendering_speed", "safety_tolerance",
            "enable_safety_checker", "input_fidelity", "upscale_factor", "upscale_mode", "expand_left",
            "expand_top", "expand_right", "expand_bottom",
        }
    )  # fmt: skip

    def __init__(self, http: HttpClient, urls: Mapping[str, str], verify: Verify) -> None:
        self._http = http
        self._queue_url = (urls.get(self.name) or ADDRESS).rstrip("/")
        self._keys_url = (urls.get(KEYS_NAME) or KEYS_ADDRESS).rstrip("/")
        self._verify = verify
        self._keys: CallbackKeys[bytes] = CallbackKeys()

    def submit(self, job: Job) -> Outcome:
        """POST the input; OutcomeUnknownError where it may have been taken without our learning its id."""
        response = http_responses.submit(
            self._http,
            self.name,
            f"{self._queue_url}/{job.model}?{urlencode({'fal_webhook': job.callback_url})}",
            headers={**_headers(job.key), "Content-Type": "application/json", "X-Fal-No-Retry": "1"},
            content=json.dumps(dict(job.input)).encode(),
            timeout=TIMEOUT_SECONDS,
            max_bytes=MAX_ANSWER_BYTES,
            message=http_responses.faults,
        )
        document = http_responses.document(response.body)
        request_id = http_responses.job_id(document.get("request_id"))
        if request_id is None:
            raise http_responses.unknown(self.name, "answered without a request's id")
        return Submitted(self._job_id(request_id, job.model, document))

    def fetch(self, job: JobRef) -> Outcome:
        """GET the status, and the result where it is there."""
        paths = _request_paths(job.id, job.model)
        response = self._call("GET", paths.status, job.key)
        http_responses.answered(response, self.name)
        status = http_responses.document(response.body)
        if response.status == 404:
            return Failed(http_responses.failure(self.name, "it no longer knows this request"))
        if response.status >= 400:
            return _failed(status)
        if status.get("status") != "COMPLETED":
            return Running()
        if status.get("error"):
            return _failed(status)
        return self._result(self._call("GET", paths.response, job.key))

    def cancel(self, job: JobRef) -> None:
        """PUT the wish."""
        http_responses.answered(self._call("PUT", _request_paths(job.id, job.model).cancel, job.key), self.name)

    def check(self, key: str | None) -> None:
        """GET the status of a request that nobody made: a good key gets a 404, and a bad one a 401."""
        url = f"{self._queue_url}/{CHECKED_MODEL}/requests/{NO_REQUEST}/status"
        http_responses.check(
            self._http, self.name, url, headers={"Authorization": f"Key {key or ''}"}, known=(400, 404, 422)
        )

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Check the signature with fal's public keys, and read the request's id."""
        message, signature = _signed(request)

        def check(keys: tuple[bytes, ...]) -> None:
            if not any(self._verify(public_key, message, signature) for public_key in keys):
                raise InvalidSignatureError("no key of fal's fits the callback's signature")

        self._keys.verify(check, self._public_keys, request.received_at)
        return http_responses.job_id(http_responses.document(request.body).get("request_id"))

    def _job_id(self, request_id: str, model: str, document: Mapping[str, Any]) -> str:
        """Make the id that a job is kept by, without URLs that are not the queue's own, or too long to be kept."""
        paths = [self._path(document.get(f"{name}_url")) for name in RequestPaths._fields]
        named = " ".join([request_id, *(path for path in paths if path)])
        if None in paths or tuple(paths) == _request_paths(request_id, model) or len(named) > MAX_JOB_ID_LENGTH:
            return request_id
        return named

    def _path(self, url: object) -> str | None:
        if not isinstance(url, str) or not url.startswith(self._queue_url):
            return None
        path = url.removeprefix(self._queue_url)
        return path if _PATH.fullmatch(path) else None

    def _result(self, response: HttpResponse) -> Outcome:
        """Read a request's result; there, a status of 400 or more with words is the model's."""
        document = http_responses.document(response.body)
        if response.status < 500 or not http_responses.faults(document):
            http_responses.answered(response, self.name)
        if response.status >= 400:
            return _failed(document)
        pictures, blackened = _listed(document.get("images") or document.get("image")), _blackened(document)
        if not http_responses.urls(pictures):
            return Failed(
                http_responses.failure(self.name, http_responses.faults(document) or "it finished without a picture")
            )
        found = http_responses.urls([picture for n, picture in enumerate(pictures) if n not in blackened])
        return (
            ImageUrls(found) if found else Failed(http_responses.moderation(self.name, "it painted the picture black"))
        )

    def _public_keys(self) -> tuple[bytes, ...]:
        """Fetch the keys that callbacks are signed with; they need no key of ours."""
        try:
            response = http_responses.ask(
                self._http,
                self.name,
                "GET",
                f"{self._keys_url}/.well-known/jwks.json",
                headers={},
                timeout=KEYS_TIMEOUT_SECONDS,
                max_bytes=MAX_ANSWER_BYTES,
            )
        except ProviderCredentialsError as exc:
            raise ProviderBusyError(f"The keys of {self.name}'s callbacks cannot be read: {exc}") from exc
        found = http_responses.document(response.body).get("keys")
        keys = tuple(key for item in _listed(found) if (key := _public_key(item)))
        if response.status >= 300 or not keys:
            raise ProviderBusyError(f"The provider {self.name} does not tell the keys of its callbacks.")
        return keys

    def _call(self, method: str, path: str, key: str | None) -> HttpResponse:
        return http_responses.call(
            self._http,
            self.name,
            method,
            self._queue_url + path,
            headers=_headers(key),
            timeout=TIMEOUT_SECONDS,
            max_bytes=MAX_ANSWER_BYTES,
        )


def _headers(key: str | None) -> Mapping[str, str]:
    return {"Authorization": f"Key {key or ''}"}


def _request_paths(job_id: str, model: str) -> RequestPaths:
    """Find a request's places in a job's id, or make the documented ones, which leave out a model's endpoint."""
    request_id, *named = job_id.split(" ")
    if named:
        return RequestPaths(*named)
    parts = model.split("/")
    application = "/".join(parts[: 3 if parts[0] in NAMESPACES else 2])
    path = f"/{application}/requests/{request_id}"
    return RequestPaths(path, f"{path}/status", f"{path}/cancel")


def _signed(request: CallbackRequest) -> tuple[bytes, bytes]:
    """Take a callback's signed message and its signature, where it is no more than five minutes old."""
    try:
        signed = [request.headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")]
        signature = bytes.fromhex(request.headers["x-fal-webhook-signature"])
    except (KeyError, ValueError) as exc:
        raise InvalidSignatureError("the callback's headers are missing or malformed") from exc
    timestamp = signed[-1]
    fresh = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    if not fresh or abs(request.received_at - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignatureError("the callback's timestamp is not within five minutes of now")
    message = "\n".join([*signed, hashlib.sha256(request.body).hexdigest()])
    return message.encode(errors="replace"), signature


def _public_key(item: object) -> bytes | None:
    """Read a key of a JSON Web Key Set (RFC 8037): its `x` is the raw key in base64url, without padding."""
    x = item.get("x") if isinstance(item, dict) else None
    if not isinstance(x, str):
        return None
    try:
        key = base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == 32 else None


def _failed(document: Mapping[str, Any]) -> Failed:
    words = http_responses.faults(document)
    details = [item.get("type") for item in _listed(document.get("detail")) if isinstance(item, dict)]
    if "content_policy_violation" in details:
        return Failed(http_responses.moderation(Fal.name, words))
    return Failed(http_responses.failure(Fal.name, words))


def _blackened(document: Mapping[str, Any]) -> frozenset[int]:
    """Number the pictures that the model's filter has painted black."""
    flags = [_listed(document.get(name)) for name in ("has_nsfw_concepts", "nsfw_content_detected", "nsfw")]
    return frozenset(n for found in flags for n, flag in enumerate(found) if flag is True)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
