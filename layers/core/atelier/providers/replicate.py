"""Replicate: asynchronous, with a Standard Webhooks signature. Source: replicate.com/docs/reference/http.

Called: POST {base}/models/{owner}/{name}/predictions, or, where the catalog's model is `owner/name:version`, POST
{base}/predictions. Calls back: when a prediction is done, for about a minute if we don't answer; the body is the
prediction. Verified: with the account's secret, GET {base}/webhooks/default/secret. Polled: GET
{base}/predictions/{id}. Cancelled: POST {base}/predictions/{id}/cancel; a refusal means that it came too late.
Checked: GET {base}/account.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429; what a model's filter refuses is a
failed prediction. Passes: 429, 500, 503, 529, no connection. Unknown: no answer once the request was sent, 408, any
other 5xx, an answer without a prediction's id.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from atelier.errors import ProviderBusyError
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.callback_keys import CallbackKeys
from atelier.providers.provider import CallbackRequest, Failed, ImageUrls, Job, JobRef, Outcome, Running, Submitted
from atelier.providers.wire import Asynchronous, Wire
from atelier.standard_webhooks import verify

ADDRESS = "https://api.replicate.com/v1"
LIFETIME_SECONDS = 60 * 60
"""How long output files are kept."""


class Replicate(Asynchronous):
    """Calls Replicate; `urls` may give its address under the provider's name."""

    name = "replicate"
    inputs = frozenset(
        {
            "prompt", "negative_prompt", "style", "style_type", "width", "height", "size", "image_size", "aspect_ratio",
            "resolution", "megapixels", "num_outputs", "num_images", "number_of_images", "max_images", "seed", "steps",
            "num_inference_steps", "guidance", "guidance_scale", "cfg", "scheduler", "quality", "output_format",
            "output_quality", "image", "input_image", "input_images", "image_input", "image_prompt", "reference_images",
            "mask", "strength", "prompt_strength", "prompt_upsampling", "enhance_prompt", "magic_prompt_option",
            "go_fast", "raw", "background", "safety_tolerance", "safety_filter_level", "disable_safety_checker",
            "sequential_image_generation",
        }
    )  # fmt: skip

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._wire = Wire(http, self.name)
        self._base_url = (urls.get(self.name) or ADDRESS).rstrip("/")
        self._secrets: CallbackKeys[str] = CallbackKeys()

    def submit(self, job: Job) -> Outcome:
        """POST the prediction; OutcomeUnknownError where it may have been taken without our learning its id."""
        model, _, version = job.model.partition(":")
        url = f"{self._base_url}/predictions" if version else f"{self._base_url}/models/{model}/predictions"
        body = {"input": dict(job.input), "webhook": job.callback_url, "webhook_events_filter": ["completed"]}
        content = json.dumps({"version": version, **body} if version else body).encode()
        headers = {**_headers(job.key), "Content-Type": "application/json"}
        document = self._wire.submit(url, headers, content, _words)
        return Submitted(self._wire.job_id(document.get("id"), "a prediction's id"))

    def fetch(self, job: JobRef) -> Outcome:
        """GET the prediction."""
        response = self._wire.ask("GET", f"{self._base_url}/predictions/{job.id}", _headers(job.key))
        prediction = http_responses.document(response.body)
        if response.status == 404:
            return Failed(self._wire.failed("it no longer knows this prediction"))
        if response.status >= 400:
            return Failed(self._wire.failed(_words(prediction)))
        match prediction.get("status"):
            case "succeeded":
                found = http_responses.urls(prediction.get("output"))
                return ImageUrls(found, LIFETIME_SECONDS) if found else Failed(self._wire.failed(_without(prediction)))
            case "failed":
                return Failed(self._wire.failed(prediction.get("error")))
            case "canceled" | "aborted":
                return Failed(self._wire.failed(prediction.get("error") or "the prediction was cancelled"))
        return Running()

    def cancel(self, job: JobRef) -> None:
        """POST the wish."""
        self._wire.ask("POST", f"{self._base_url}/predictions/{job.id}/cancel", _headers(job.key))

    def check(self, key: str | None) -> None:
        """GET the account."""
        http_responses.check(self._wire.http, self.name, f"{self._base_url}/account", headers=_headers(key))

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Check the signature with the account's secret, which `key` can read, and read the prediction's id."""
        self._secrets.verify(
            lambda secrets: verify(secrets, headers=request.headers, body=request.body, now=request.received_at),
            lambda: self._read_secret(key()),
            request.received_at,
        )
        return http_responses.job_id(http_responses.document(request.body).get("id"))

    def _read_secret(self, key: str | None) -> tuple[str, ...]:
        if key is None:
            raise ProviderBusyError(f"The secret of {self.name}'s callbacks cannot be read without a key of ours.")
        url = f"{self._base_url}/webhooks/default/secret"
        return self._wire.callback_keys(url, _headers(key), _secret, "secret")


def _headers(key: str | None) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key or ''}"}


def _secret(document: Mapping[str, Any]) -> tuple[str, ...]:
    secret = document.get("key")
    return (secret,) if isinstance(secret, str) and secret else ()


def _words(problem: Mapping[str, Any]) -> str | None:
    """Take a problem's detail, or its title where it has none."""
    return http_responses.text(problem.get("detail")) or http_responses.text(problem.get("title"))


def _without(prediction: Mapping[str, Any]) -> str:
    if prediction.get("data_removed") is True:
        return "its result was removed, an hour after it was made"
    return "it finished without a picture"
