"""Ideogram: synchronous, with a key in a header of its own. Source: developer.ideogram.ai, v1.

Called: POST {base}/v1/{model}/generate with a form, or /remix where the client gave a picture, or /inpaint with a mask
of it; it answers with URLs, which expire. Calls back, polled, cancelled: never. Checked: GET of a path that takes only
POST, which a key that is none may not know.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429; a prompt that fails the safety
check is a 422. A picture that the filter takes out comes without a URL, with 200. Passes: 429 (10 at once), 503, 529,
no connection. Unknown: no answer once the request was sent, 408, any other 5xx, an answer without a picture.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from atelier.errors import ProviderRejectedError
from atelier.images.mask import black_and_white
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses
from atelier.providers.form_data import form
from atelier.providers.provider import ImageUrls, Job, Outcome
from atelier.providers.synchronous import Synchronous, listed, only_picture, post

URL = "https://api.ideogram.ai"
CHECKED_PATH = "/v1/ideogram-v3/generate"
PROMPTS = {"ideogram-v3": "prompt"}
URL_LIFETIME_SECONDS = 3_600
"""Ideogram only says that links expire."""


class Ideogram(Synchronous):
    """Calls `{url}/v1/{model}/generate`, or `remix` where the client gave a picture, or `inpaint` with a mask.

    A model is such as ideogram-v4. From the fourth version on, a prompt is called `text_prompt` there.
    """

    name = "ideogram"
    inputs = frozenset(
        {
            "prompt", "negative_prompt", "aspect_ratio", "resolution", "rendering_speed", "num_images", "seed",
            "magic_prompt", "style_type", "image_weight",
        }
    )  # fmt: skip

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        self._http = http
        self._url = urls.get(self.name, URL).rstrip("/")

    def check(self, key: str | None) -> None:
        """GET what takes only POST."""
        headers, known = {"Api-Key": key or ""}, (400, 404, 405, 422)
        http_responses.check(self._http, self.name, self._url + CHECKED_PATH, headers=headers, known=known)

    def submit(self, job: Job) -> Outcome:
        """Ask for the pictures, and wait for them."""
        picture = only_picture(self.name, job)
        names = {"prompt": PROMPTS.get(job.model, "text_prompt")}
        fields = {names.get(name, name): value for name, value in job.input.items()}
        files = [("image", picture)] if picture else []
        if job.mask:  # black where the picture is to be changed
            files.append(("mask", replace(job.mask, content=black_and_white(job.mask.content, inverted=True))))
        content_type, content = form(fields, files)
        action = "inpaint" if job.mask else "remix" if picture else "generate"
        answer = post(
            self._http,
            self.name,
            f"{self._url}/v1/{job.model}/{action}",
            headers={"Api-Key": job.key or "", "Content-Type": content_type},
            content=content,
            message=_message,
        )
        made = [item for item in listed(answer.get("data")) if isinstance(item, dict)]
        safe = [item for item in made if item.get("is_image_safe") is not False]
        urls = http_responses.urls([item.get("url") for item in safe])
        if urls:
            return ImageUrls(urls, URL_LIFETIME_SECONDS)
        if made and not safe:
            raise ProviderRejectedError(http_responses.moderation(self.name, None))
        raise http_responses.unknown(self.name, "answered without a picture")


def _message(document: dict[str, Any]) -> object:
    return document.get("error") or document.get("message") or document.get("detail")
