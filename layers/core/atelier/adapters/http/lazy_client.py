"""Collaborators that most runs of a function never come to, made when they are first used."""

from collections.abc import Callable
from functools import cache
from typing import Any

from atelier.outbound.http_client import HttpClient, HttpResponse


class LazyHttpClient:
    """The HttpClient port over a client that is made at the first call: importing httpx takes half a cold start."""

    def __init__(self, make: Callable[[], HttpClient]) -> None:
        self._client = cache(make)

    def send(self, *args: Any, **options: Any) -> HttpResponse:
        """Send a request as the client does."""
        return self._client().send(*args, **options)

    def post(self, *args: Any, **options: Any) -> HttpResponse:
        """POST as the client does."""
        return self._client().post(*args, **options)
