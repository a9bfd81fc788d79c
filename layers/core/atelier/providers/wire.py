"""What providers with jobs share: what they are unless they say otherwise, and how they are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.providers import http_responses
from atelier.providers.provider import CallbackRequest, JobRef


class Asynchronous:
    """A provider with jobs, as most are: paid for, with a key, calling back, and able to stop."""

    needs_key = True
    takes_key = True
    needs_address = False
    needs_listing = False
    charges = True
    asynchronous = True
    cancels = True
    polled = False

    def cancel(self, job: JobRef) -> None:
        """Do nothing: there is no such call."""

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Read nothing: it calls nobody back."""
        return None


@dataclass(frozen=True, slots=True)
class Wire:
    """Calls one provider; `timeout` in seconds."""

    http: HttpClient
    provider: str
    timeout: float = 30.0
    max_bytes: int = 5 * 1024 * 1024

    def submit(
        self, url: str, headers: Mapping[str, str], content: bytes, message: Callable[[dict[str, Any]], object]
    ) -> dict[str, Any]:
        """POST a job once and return the good answer's document; raises as http_responses.submit does."""
        response = http_responses.submit(
            self.http,
            self.provider,
            url,
            headers=headers,
            content=content,
            timeout=self.timeout,
            max_bytes=self.max_bytes,
            message=message,
        )
        return http_responses.document(response.body)

    def call(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> HttpResponse:
        """Make a call that may be repeated, and return whatever the answer is; ProviderBusyError if there is none."""
        return http_responses.call(
            self.http,
            self.provider,
            method,
            url,
            headers=headers,
            content=content,
            timeout=self.timeout,
            max_bytes=self.max_bytes,
        )

    def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> HttpResponse:
        """Make a call that may be repeated, and return the good answer, or what is refused for good; see answered()."""
        response = self.call(method, url, headers, content)
        http_responses.answered(response, self.provider)
        return response

    def failed(self, words: object) -> str:
        """Tell a client that a job failed."""
        return http_responses.failure(self.provider, words)
