"""What providers with jobs share: what they are unless they say otherwise, and how they are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from atelier.errors import ProviderBusyError, ProviderCredentialsError
from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.providers import http_responses
from atelier.providers.provider import CallbackRequest, JobRef

TIMEOUT_SECONDS = 30.0
KEYS_TIMEOUT_SECONDS = 5.0
"""A callback waits for the keys that it is signed with."""
MAX_ANSWER_BYTES = 5 * 1024 * 1024
"""A job may carry its logs."""

Key = TypeVar("Key")


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
    timeout: float = TIMEOUT_SECONDS
    max_bytes: int = MAX_ANSWER_BYTES

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

    def job_id(self, value: object, named: str = "a job's id") -> str:
        """Return the id of a job that was taken; OutcomeUnknownError, with what is `named`, where it is none."""
        found = http_responses.job_id(value)
        if found is None:
            raise http_responses.unknown(self.provider, f"answered without {named}")
        return found

    def callback_keys(
        self,
        url: str,
        headers: Mapping[str, str],
        pick: Callable[[Mapping[str, Any]], tuple[Key, ...]],
        named: str = "keys",
    ) -> tuple[Key, ...]:
        """GET the keys that the provider's callbacks are signed with; ProviderBusyError where it does not tell them."""
        try:
            response = replace(self, timeout=KEYS_TIMEOUT_SECONDS).ask("GET", url, headers)
        except ProviderCredentialsError as exc:
            raise ProviderBusyError(f"The {named} of {self.provider}'s callbacks cannot be read: {exc}") from exc
        keys = pick(http_responses.document(response.body))
        if response.status >= 300 or not keys:
            raise ProviderBusyError(f"The provider {self.provider} does not tell the {named} of its callbacks.")
        return keys

    def failed(self, words: object) -> str:
        """Tell a client that a job failed."""
        return http_responses.failure(self.provider, words)
