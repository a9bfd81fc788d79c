"""AUTOMATIC1111's Stable Diffusion web UI, and Forge: synchronous, self-hosted. Source: the server's own /docs.

Called: POST {base}/sdapi/v1/txt2img, or img2img where the client gave a picture (and a mask), with HTTP Basic where the
provider's key is user:password; it blocks until it answers with base64. Calls back, polled: never. Cancelled: never,
as its interrupt stops the image that the server draws at that moment, also one of another client.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429. Passes: all else, even an answer
that was lost, since there is nothing to pay twice.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from atelier.errors import OutcomeUnknownError, ProviderBusyError, ProviderCredentialsError
from atelier.images.image import size_of
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses, self_hosted
from atelier.providers.provider import Job, Outcome
from atelier.providers.synchronous import Synchronous, finished, listed, only_picture, post

STEP = 8
"""Sides are multiples of this, in pixels."""


class Automatic1111(Synchronous):
    """Calls `{url}/sdapi/v1/txt2img`, or `img2img` where the client gave a picture; a model is a checkpoint's name."""

    name = "automatic1111"
    needs_key = False
    takes_key = True  # user:password, where the server asks for one
    needs_address = True
    charges = False
    inputs = frozenset(
        {
            "prompt", "negative_prompt", "width", "height", "steps", "cfg_scale", "seed", "sampler_name", "scheduler",
            "batch_size", "denoising_strength",
        }
    )  # fmt: skip

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._http = http
        self._urls = urls

    def check(self, key: str | None) -> None:
        """GET the list of checkpoints."""
        http_responses.check(self._http, self.name, f"{self._url()}/sd-models", headers=_authorization(key))

    def submit(self, job: Job) -> Outcome:
        """Ask for the pictures, and wait for them; ProviderCredentialsError where the operator gave no address."""
        headers = {"Content-Type": "application/json", **_authorization(job.key)}
        try:
            return self._draw(self._url(), headers, job)
        except OutcomeUnknownError as exc:
            raise ProviderBusyError(f"The provider {self.name} gave no good answer; try again later.") from exc

    def _url(self) -> str:
        return f"{self_hosted.address(self.name, self._urls)}/sdapi/v1"

    def _draw(self, url: str, headers: Mapping[str, str], job: Job) -> Outcome:
        picture = only_picture(self.name, job)
        body = {
            **job.input,
            "do_not_save_grid": True,
            "override_settings": {"sd_model_checkpoint": job.model},
            "override_settings_restore_afterwards": False,  # it would load the other checkpoint after each picture
        }
        if picture:
            body = {**_sides(picture.content), **body, "init_images": [_base64(picture.content)]}
        if job.mask:
            body["mask"] = _base64(job.mask.content)
        answer = post(
            self._http,
            self.name,
            f"{url}/{'img2img' if picture else 'txt2img'}",
            headers=headers,
            content=json.dumps(body).encode(),
            message=_message,
        )
        wanted = job.input.get("batch_size") or 1
        return finished(self.name, listed(answer.get("images"))[-wanted:])  # a grid of them may come first


def _sides(picture: bytes) -> dict[str, int]:
    """Return a picture's width and height as the models take them; without them the server makes 512 x 512 of it."""
    sides = zip(("width", "height"), size_of(picture) or (), strict=False)
    return {name: max(1, round(side / STEP)) * STEP for name, side in sides}


def _authorization(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Basic {_base64(key.encode())}"} if key else {}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _message(document: dict[str, Any]) -> object:
    if document.get("detail") == "Not Found":
        raise ProviderCredentialsError(f"The provider {Automatic1111.name} runs without --api; tell the operator.")
    return document.get("detail") or document.get("errors")
