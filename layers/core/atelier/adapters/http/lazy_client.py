"""The HTTP client, made at its first call: importing httpx takes an eighth of a cold start."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from atelier.outbound.http_client import HttpClient, HttpResponse

if TYPE_CHECKING:
    from atelier.adapters.http.client import Policy


class LazyHttpClient:
    """The HttpClient port over `client(policy)`."""

    def __init__(self, policy: "Policy") -> None:
        self._policy = policy

    def send(self, *args: Any, **options: Any) -> HttpResponse:
        """Send a request as the client does."""
        return self._made.send(*args, **options)

    def post(self, *args: Any, **options: Any) -> HttpResponse:
        """POST as the client does."""
        return self._made.post(*args, **options)

    @cached_property
    def _made(self) -> HttpClient:
        from atelier.adapters.http.client import client

        return client(self._policy)
