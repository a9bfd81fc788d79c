"""Stability's Stable Image: synchronous, with a bearer key. Source: platform.stability.ai, v2beta.

Called: POST {base}/v2beta/stable-image/generate/{service} with a form, even without files, or, for a model such as
"edit/erase" or "upscale/fast", .../stable-image/{model} with the client's picture and mask; it answers with one picture
in base64. Calls back, polled, cancelled: never.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429; what the content filter takes out,
which is a 403 by the name of content_moderation, or a 200 with a blurred picture and CONTENT_FILTERED. Passes: 429,
500, 503, 529, no connection. Unknown: no answer once the request was sent, 408, any other 5xx, an answer without a
picture.
"""

from collections.abc import Mapping
from typing import Any

from atelier.errors import ProviderRejectedError
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.form_data import form
from atelier.providers.provider import Job, Outcome
from atelier.providers.synchronous import Synchronous, finished, listed, only_picture, post

URL = "https://api.stability.ai"
STRENGTH = 0.7
"""How far a picture may be changed, from 0 to 1, where the client does not say; the models must be told."""


TOOLS = ("edit", "upscale")
"""The first words of models that work on a given picture."""


class Stability(Synchronous):
    """Calls `/v2beta/stable-image/...`; a model is "core", "ultra", or such as "sd3/sd3.5-large" or "edit/erase"."""

    name = "stability"
    inputs = frozenset(
        {
            "prompt", "negative_prompt", "aspect_ratio", "seed", "output_format", "style_preset", "cfg_scale",
            "strength", "left", "right", "up", "down", "creativity", "grow_mask",
        }
    )  # fmt: skip

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._http = http
        self._url = urls.get(self.name, URL).rstrip("/")

    def check(self, key: str | None) -> None:
        """GET the balance."""
        http_responses.check(
            self._http, self.name, f"{self._url}/v1/user/balance", headers={"Authorization": f"Bearer {key}"}
        )

    def submit(self, job: Job) -> Outcome:
        """Ask for the picture, and wait for it."""
        service, _, model = job.model.partition("/")
        if service in TOOLS:
            path, fields = job.model, dict(job.input)
        else:
            path = f"generate/{service}"
            fields = {**with_mode(job), "model": model} if model else with_strength(job)
        picture = only_picture(self.name, job)
        files = [(name, image) for name, image in (("image", picture), ("mask", job.mask)) if image]
        content_type, content = form(fields, files)
        answer = post(
            self._http,
            self.name,
            f"{self._url}/v2beta/stable-image/{path}",
            headers={
                "Authorization": f"Bearer {job.key}",
                "Accept": "application/json",
                "Content-Type": content_type,
            },
            content=content,
            message=_message,
        )
        if answer.get("finish_reason") == "CONTENT_FILTERED":
            raise ProviderRejectedError(http_responses.moderation(self.name, None))
        return finished(self.name, [answer.get("image")])


def with_mode(job: Job) -> dict[str, Any]:
    """Return a job's input as Stable Diffusion 3 takes it: with the mode, and beside a picture no aspect ratio."""
    if not job.images:
        return {**job.input, "mode": "text-to-image"}
    fields = {**with_strength(job), "mode": "image-to-image"}
    fields.pop("aspect_ratio", None)
    return fields


def with_strength(job: Job) -> dict[str, Any]:
    """Return a job's input, beside a picture with a strength."""
    return {"strength": STRENGTH, **job.input} if job.images else dict(job.input)


def _message(document: dict[str, Any]) -> object:
    words = "; ".join(error for error in listed(document.get("errors")) if isinstance(error, str))
    if document.get("name") == "content_moderation":
        raise ProviderRejectedError(http_responses.moderation(Stability.name, words))
    return words
