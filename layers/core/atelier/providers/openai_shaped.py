"""Providers that speak OpenAI's Images API: synchronous. What they differ in is a Gateway of the catalog.

Called: POST {url}{generations} with JSON, or {url}{edits} where the client gave pictures, or {url}{inpaint} with a
mask, where that is another path; it answers with base64, or with links that last an hour. Calls back, polled,
cancelled: never. Checked: GET {url}{check}.
The client's fault: 400 to 499, but for 401, 402 and 403 (our account), 408 and 429; FILTERED whatever the status, and
pictures of which the answer says that a filter took them out. Our account's, whatever the status: ACCOUNT, as a used
up quota is a 429 at OpenAI. Passes: 429, 503, 529, no connection. Unknown: no answer once the request was sent, 408,
any other 5xx, an answer without a picture.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from atelier.catalog.gateway import Gateway, Sent
from atelier.errors import ProviderCredentialsError, ProviderRejectedError
from atelier.outbound.http_client import HttpClient
from atelier.providers import http_responses, sent_pictures
from atelier.providers.form_data import form
from atelier.providers.provider import ImageUrls, Job, Outcome
from atelier.providers.synchronous import Synchronous, finished, listed, only_picture, post

URL_LIFETIME_SECONDS = 3_600
FILTERED = ("moderation_blocked", "content_policy_violation")
ACCOUNT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "model_not_found")


class OpenAIShaped(Synchronous):
    """Calls a gateway; `url` is its address, where the operator gave one."""

    gateway: ClassVar[Gateway]

    def __init__(self, http: HttpClient, url: str | None = None) -> None:
        self._http = http
        self._url = (url or self.gateway.url or "").rstrip("/")

    def check(self, key: str | None) -> None:
        """GET what only a good key may read."""
        http_responses.check(self._http, self.name, self._url + self.gateway.check, headers=self._headers(key))

    def submit(self, job: Job) -> Outcome:
        """Ask for the pictures, and wait for them."""
        gateway, fields = self.gateway, {**job.input, "model": job.model}
        if not gateway.takes_several:
            only_picture(self.name, job)
        if job.images and gateway.pictures is Sent.FORM:
            content_type, content = form(fields, sent_pictures.files(gateway.picture_field, job))
        elif job.mask and gateway.mask_field is None:
            raise ProviderRejectedError(http_responses.refusal(self.name, "it takes no mask"))
        else:
            if job.images:
                fields[gateway.picture_field] = sent_pictures.document(gateway.pictures, job.images)
            if job.mask and gateway.mask_field:
                fields[gateway.mask_field] = sent_pictures.mask(job.mask)
            content_type, content = "application/json", json.dumps(fields).encode()
        answer = post(
            self._http,
            self.name,
            self._url + gateway.path(pictures=bool(job.images), mask=job.mask is not None),
            headers={**self._headers(job.key), "Content-Type": content_type},
            content=content,
            message=self._message,
        )
        return self._outcome(answer)

    def _outcome(self, answer: Mapping[str, Any]) -> Outcome:
        made = [item for item in listed(answer.get("data")) if isinstance(item, dict)]
        kept = [item for item in made if not self._is_refused(item)]
        if made and not kept:
            raise ProviderRejectedError(http_responses.moderation(self.name, None))
        cost = http_responses.cost(answer, self.gateway.cost)
        urls = tuple(http_responses.urls([item.get("url") for item in kept]))
        if urls:
            return ImageUrls(urls, URL_LIFETIME_SECONDS, cost)
        return finished(self.name, [item.get("b64_json") or item.get("url") for item in kept], cost)

    def _is_refused(self, item: Mapping[str, Any]) -> bool:
        if self.gateway.refused is None:
            return False
        name, value = self.gateway.refused
        return name in item and bool(item[name] == value)

    def _headers(self, key: str | None) -> dict[str, str]:
        if key is None and not self.needs_key:
            return {}
        return {self.gateway.header: f"{self.gateway.scheme} {key}".strip()}

    def _message(self, document: dict[str, Any]) -> object:
        error = document.get("error")
        if not isinstance(error, dict):
            return error or document.get("message") or document.get("detail")
        code = error.get("code")
        if code in FILTERED:
            raise ProviderRejectedError(http_responses.moderation(self.name, error.get("message")))
        if code in ACCOUNT:
            raise ProviderCredentialsError(http_responses.account(self.name, code))
        return error.get("message")


def shaped(gateway: Gateway) -> type[OpenAIShaped]:
    """Make the kind of provider that a gateway of the catalog is."""
    told = {
        "name": gateway.name,
        "inputs": gateway.inputs,
        "needs_key": gateway.needs_key,
        "takes_key": gateway.needs_key,
        "needs_address": gateway.needs_address,
        "gateway": gateway,
    }
    return type(f"Gateway[{gateway.name}]", (OpenAIShaped,), told)
