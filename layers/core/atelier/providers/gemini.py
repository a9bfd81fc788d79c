"""Google's Gemini image models ("Nano Banana"): synchronous, with an API key. Source: ai.google.dev/api.

Called: POST {base}/models/{model}:generateContent with JSON, clients' pictures within; it answers with one picture in
base64. Calls back, polled, cancelled: never. Checked: GET {base}/models.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429; REFUSED and a prompt that is
blocked, which come with 200. A key that is no key is a 400, which says API_KEY_INVALID. Passes: 429, 503, 529, no
connection; a 429 says in its details when to come back. Failed, and billed: an answer without a picture. Unknown: no
answer once the request was sent, 408, any other 5xx, no JSON.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from atelier.errors import ProviderBusyError, ProviderCredentialsError, ProviderRejectedError
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.provider import Failed, InputImage, Job, Outcome
from atelier.providers.synchronous import Synchronous, finished, listed, post

URL = "https://generativelanguage.googleapis.com/v1beta"
REFUSED = frozenset(
    {
        "SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "RECITATION", "IMAGE_RECITATION",
        "BLOCKLIST", "SPII",
    }
)  # fmt: skip
"""Reasons to finish that say that a filter took the picture out."""
_DELAY = re.compile(r"([0-9]{1,6})(?:\.[0-9]+)?s")


class Gemini(Synchronous):
    """Calls `{url}/models/{model}:generateContent`; several pictures would be several calls, each of which costs."""

    name = "gemini"
    inputs = frozenset({"prompt", "aspect_ratio", "image_size"})

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._http = http
        self._url = urls.get(self.name, URL).rstrip("/")

    def check(self, key: str | None) -> None:
        """GET the list of models."""
        http_responses.check(
            self._http, self.name, f"{self._url}/models", headers={"x-goog-api-key": key or ""}, message=_message
        )

    def submit(self, job: Job) -> Outcome:
        """Ask for the picture, and wait for it."""
        answer = post(
            self._http,
            self.name,
            f"{self._url}/models/{job.model}:generateContent",
            headers={"x-goog-api-key": job.key or "", "Content-Type": "application/json"},
            content=json.dumps(_body(job)).encode(),
            message=_message,
        )
        feedback = answer.get("promptFeedback")
        blocked = feedback.get("blockReason") if isinstance(feedback, dict) else None
        candidates = [item for item in listed(answer.get("candidates")) if isinstance(item, dict)]
        pictures = [picture for item in candidates for picture in _pictures(item.get("content"))]
        reasons = [item.get("finishReason") for item in candidates]
        if pictures:
            return finished(self.name, pictures)
        if blocked or any(reason in REFUSED for reason in reasons if isinstance(reason, str)):
            raise ProviderRejectedError(http_responses.moderation(self.name, blocked or reasons[0]))
        if not candidates:
            raise http_responses.unknown(self.name, "answered without a picture")
        return Failed(http_responses.failure(self.name, f"it finished without a picture ({reasons[0] or 'no reason'})"))


def _body(job: Job) -> dict[str, Any]:
    named = {"aspectRatio": job.input.get("aspect_ratio"), "imageSize": job.input.get("image_size")}
    config = {name: value for name, value in named.items() if value is not None}
    return {
        "contents": [{"role": "user", "parts": [{"text": job.input.get("prompt")}, *map(_part, job.images)]}],
        "generationConfig": {
            "responseModalities": ["IMAGE", "TEXT"],
            **({"imageConfig": config} if config else {}),
        },
    }


def _part(image: InputImage) -> dict[str, Any]:
    return {"inlineData": {"mimeType": image.content_type, "data": base64.b64encode(image.content).decode()}}


def _pictures(content: object) -> list[object]:
    """Take the pictures of a candidate, without those that it only thought of."""
    parts = listed(content.get("parts")) if isinstance(content, dict) else []
    found = [part for part in parts if isinstance(part, dict) and part.get("thought") is not True]
    inline = [part.get("inlineData") or part.get("inline_data") for part in found]
    return [data.get("data") for data in inline if isinstance(data, dict)]


def _message(document: dict[str, Any]) -> object:
    error = document.get("error")
    if not isinstance(error, dict):
        return None
    details = [item for item in listed(error.get("details")) if isinstance(item, dict)]
    if any(item.get("reason") == "API_KEY_INVALID" for item in details):
        raise ProviderCredentialsError(http_responses.account(Gemini.name, "API_KEY_INVALID"))
    delays = [found for item in details if (found := _DELAY.fullmatch(str(item.get("retryDelay"))))]
    if error.get("status") == "RESOURCE_EXHAUSTED" and delays:
        message = f"The provider {Gemini.name} is busy or out of order (429); try again later."
        raise ProviderBusyError(message, retry_after=float(delays[0][1]))
    return error.get("message")
