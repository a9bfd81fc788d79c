"""OpenAI's image models: synchronous, with a bearer key. Source: platform.openai.com, the Images API.

Called: POST {base}/v1/images/generations with JSON, or /v1/images/edits with a form where the client gave pictures;
it answers with base64, and older models with links that last an hour. Calls back, polled, cancelled: never.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429; FILTERED whatever the status. Our
account's, whatever the status: ACCOUNT, as a used up quota is a 429 there. Passes: 429, 500, 503, 529, no connection.
Unknown: no answer once the request was sent, 408, any other 5xx, an answer without a picture.
"""

import json
from collections.abc import Mapping
from typing import Any

from atelier.errors import ProviderCredentialsError, ProviderRejectedError
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.form_data import form
from atelier.providers.provider import ImageUrls, Job, Outcome
from atelier.providers.synchronous import Synchronous, finished, listed, post

URL = "https://api.openai.com"
URL_LIFETIME_SECONDS = 3_600
FILTERED = ("moderation_blocked", "content_policy_violation")
ACCOUNT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "model_not_found")


class OpenAI(Synchronous):
    """Calls `/v1/images/generations`, or `/v1/images/edits` where the client gave pictures."""

    name = "openai"
    inputs = frozenset(
        {
            "prompt", "n", "size", "quality", "background", "moderation", "output_format", "output_compression",
            "input_fidelity",
        }
    )  # fmt: skip

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._http = http
        self._url = urls.get(self.name, URL).rstrip("/") + "/v1"

    def check(self, key: str | None) -> None:
        """GET the list of models."""
        http_responses.check(self._http, self.name, f"{self._url}/models", headers={"Authorization": f"Bearer {key}"})

    def submit(self, job: Job) -> Outcome:
        """Ask for the pictures, and wait for them."""
        fields = {**job.input, "model": job.model}
        if job.images:
            path, (content_type, content) = "edits", form(fields, [("image[]", image) for image in job.images])
        else:
            path, content_type, content = "generations", "application/json", json.dumps(fields).encode()
        answer = post(
            self._http,
            self.name,
            f"{self._url}/images/{path}",
            headers={"Authorization": f"Bearer {job.key}", "Content-Type": content_type},
            content=content,
            message=_message,
        )
        pictures = [item for item in listed(answer.get("data")) if isinstance(item, dict)]
        urls = tuple(item["url"] for item in pictures if isinstance(item.get("url"), str))
        if urls:
            return ImageUrls(urls, URL_LIFETIME_SECONDS)
        return finished(self.name, [item.get("b64_json") for item in pictures])


def _message(document: dict[str, Any]) -> object:
    error = document.get("error")
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    if code in FILTERED:
        raise ProviderRejectedError(http_responses.moderation(OpenAI.name, error.get("message")))
    if code in ACCOUNT:
        raise ProviderCredentialsError(http_responses.account(OpenAI.name, code))
    return error.get("message")
