"""fal: asynchronous, with an Ed25519 signature. Source: docs.fal.ai, the queue and its webhooks.

Called: POST {queue}/{model}?fal_webhook={url}, once, without the queue's own repeats. Calls back: when a request is
done. Verified: with the keys at {keys}/.well-known/jwks.json, any of which may have signed. Polled: the status URL,
then the response URL, as the queue named them. Cancelled: PUT the cancel URL; a refusal means that it came too late.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429; most of what is wrong with an
input, and what is held to be unsafe, the queue learns only from the model, and then it is the result. Passes: 429, 500,
503, 529, no connection. Unknown: no answer once the request was sent, 408, any other 5xx, an answer without an id.
"""

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from atelier.errors import InvalidSignatureError
from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.providers import ed25519_callbacks, http_responses, model_results, request_paths
from atelier.providers.callback_keys import CallbackKeys
from atelier.providers.provider import CallbackRequest, Failed, Job, JobRef, Outcome, Running, Submitted
from atelier.providers.wire import Asynchronous, Wire

ADDRESS = "https://queue.fal.run"
KEYS_NAME = "fal-keys"
KEYS_ADDRESS = "https://rest.fal.ai"
CHECKED_PATH = "/fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status"
"""The status of a request that nobody made."""
CALLBACK_HEADERS = "x-fal-webhook"


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

    def __init__(self, http: HttpClient, urls: Mapping[str, str], verify: ed25519_callbacks.Verify) -> None:
        self._wire = Wire(http, self.name)
        self._queue_url = (urls.get(self.name) or ADDRESS).rstrip("/")
        self._keys_url = (urls.get(KEYS_NAME) or KEYS_ADDRESS).rstrip("/")
        self._verify = verify
        self._keys: CallbackKeys[bytes] = CallbackKeys()

    def submit(self, job: Job) -> Outcome:
        """POST the input; OutcomeUnknownError where it may have been taken without our learning its id."""
        url = f"{self._queue_url}/{job.model}?{urlencode({'fal_webhook': job.callback_url})}"
        headers = {**_headers(job.key), "Content-Type": "application/json", "X-Fal-No-Retry": "1"}
        document = self._wire.submit(url, headers, json.dumps(dict(job.input)).encode(), http_responses.faults)
        request_id = self._wire.job_id(document.get("request_id"), "a request's id")
        return Submitted(request_paths.kept(request_id, job.model, self._queue_url, document))

    def fetch(self, job: JobRef) -> Outcome:
        """GET the status, and the result where it is there."""
        paths = request_paths.of(job.id, job.model)
        response = self._call("GET", paths.status, job.key)
        http_responses.answered(response, self.name)
        status = http_responses.document(response.body)
        if response.status == 404:
            return Failed(self._wire.failed("it no longer knows this request"))
        if response.status < 400 and status.get("status") != "COMPLETED":
            return Running()
        if response.status >= 400 or status.get("error"):
            return model_results.failed(self.name, status)
        return self._result(self._call("GET", paths.response, job.key))

    def cancel(self, job: JobRef) -> None:
        """PUT the wish."""
        paths = request_paths.of(job.id, job.model)
        http_responses.answered(self._call("PUT", paths.cancel, job.key), self.name)

    def check(self, key: str | None) -> None:
        """GET the status of a request that nobody made: a good key gets a 404, and a bad one a 401."""
        url, known = self._queue_url + CHECKED_PATH, (400, 404, 422)
        http_responses.check(self._wire.http, self.name, url, headers=_headers(key), known=known)

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Check the signature with fal's public keys, which need no key of ours, and read the request's id."""
        message, signature = ed25519_callbacks.signed(request, CALLBACK_HEADERS)

        def check(keys: tuple[bytes, ...]) -> None:
            if not any(self._verify(public_key, message, signature) for public_key in keys):
                raise InvalidSignatureError("no key of fal's fits the callback's signature")

        def read() -> tuple[bytes, ...]:
            url = f"{self._keys_url}/.well-known/jwks.json"
            return self._wire.callback_keys(url, {}, ed25519_callbacks.public_keys)

        self._keys.verify(check, read, request.received_at)
        return http_responses.job_id(http_responses.document(request.body).get("request_id"))

    def _result(self, response: HttpResponse) -> Outcome:
        """Read a request's result; there, a status of 400 or more with words is the model's."""
        document = http_responses.document(response.body)
        if response.status < 500 or not http_responses.faults(document):
            http_responses.answered(response, self.name)
        return (model_results.failed if response.status >= 400 else model_results.read)(self.name, document)

    def _call(self, method: str, path: str, key: str | None) -> HttpResponse:
        return self._wire.call(method, self._queue_url + path, _headers(key))


def _headers(key: str | None) -> Mapping[str, str]:
    return {"Authorization": f"Key {key or ''}"}
