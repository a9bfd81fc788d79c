"""Artificial Studio: asynchronous, with an unsigned callback. Source: docs.artificialstudio.ai.

Another Atelier speaks the same contract, so this is also how one stack stands behind another. The callback is
only a hint to look: the job is fetched before anything is believed.
"""

import json
import re
from typing import Any

from atelier.errors import (
    FetchError,
    FetchFailedError,
    FetchRefusedError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
)
from atelier.ports import HttpClient, HttpResponse
from atelier.providers import Failed, Job, Located, Outcome, Running, Submitted

TIMEOUT_SECONDS = 30.0
MAX_ANSWER_BYTES = 1024 * 1024
_CALLBACK_ID = re.compile(r"[0-9A-Za-z]{1,200}")


class ArtificialStudio:
    """Calls `{base_url}/generate` and `{base_url}/generations/{id}`."""

    name = "artificial-studio"
    needs_key = True
    charges = True

    def __init__(self, http: HttpClient, base_url: str) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")

    def submit(self, job: Job) -> Outcome:
        """POST the job; OutcomeUnknownError where it may have been taken without our learning its id."""
        body = {"model": job.model, "input": dict(job.input), "webhook": job.callback_url}
        try:
            response = self._send("POST", "/generate", job, json.dumps(body).encode())
        except FetchFailedError as exc:
            if exc.sent:
                raise OutcomeUnknownError(f"no answer from {self.name}") from exc
            raise ProviderBusyError(f"{self.name} could not be reached") from exc
        except FetchRefusedError as exc:
            raise OutcomeUnknownError(f"{self.name} answered with too much") from exc
        _raise_for_refusal(response, self.name)
        if not 200 <= response.status < 300:
            raise OutcomeUnknownError(f"{self.name} answered {response.status}")
        document = _object(response.body)
        job_id = document.get("id") or document.get("_id")
        if not isinstance(job_id, str):
            raise OutcomeUnknownError(f"{self.name} answered without an id")
        return Submitted(job_id)

    def fetch(self, job_id: str, job: Job) -> Outcome:
        """GET the job."""
        try:
            response = self._send("GET", f"/generations/{job_id}", job)
        except FetchError as exc:
            raise ProviderBusyError(f"{self.name} could not be reached") from exc
        if response.status == 404:
            return Failed("The provider no longer knows this generation.")
        _raise_for_refusal(response, self.name)
        if response.status != 200:
            raise ProviderBusyError(f"{self.name} answered {response.status}")
        document = _object(response.body)
        match document.get("status"), document.get("output"):
            case "success", str(url):
                return Located((url,))
            case "success", _:
                return Failed("The provider finished without a picture.")
            case "error", _:
                return Failed(_message(document.get("error")) or "The provider failed without saying why.")
            case _:
                return Running()

    @staticmethod
    def callback_job_id(body: str) -> str | None:
        """Read `_id` or `id`; clients have seen both."""
        document = _object(body)
        job_id = document.get("_id") or document.get("id")
        return job_id if isinstance(job_id, str) and _CALLBACK_ID.fullmatch(job_id) else None

    def _send(self, method: str, path: str, job: Job, content: bytes | None = None) -> HttpResponse:
        return self._http.send(
            method,
            self._base_url + path,
            headers={"Authorization": job.key or "", "Content-Type": "application/json"},
            content=content,
            timeout=TIMEOUT_SECONDS,
            max_bytes=MAX_ANSWER_BYTES,
        )


def _raise_for_refusal(response: HttpResponse, name: str) -> None:
    """Raise for the answers after which no job exists."""
    message = _message(_object(response.body).get("message"))
    match response.status:
        case 401:
            raise ProviderCredentialsError(f"{name} refused the key")
        case 402:
            raise ProviderRejectedError(f"The provider {name} has no credits left; tell the stack's owner.")
        case 429 | 503:
            raise ProviderBusyError(f"{name} is busy", retry_after=_seconds(response.headers.get("retry-after")))
        case status if 400 <= status < 500 and status != 408:
            raise ProviderRejectedError(message or f"The provider {name} refused the request ({status}).")


def _object(body: bytes | str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _message(value: object) -> str | None:
    """Take words for the client, without lone surrogates, which JSON can carry and UTF-8 cannot."""
    return value[:1_000].encode(errors="replace").decode() if isinstance(value, str) and value else None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isascii() and header.isdigit() else None
