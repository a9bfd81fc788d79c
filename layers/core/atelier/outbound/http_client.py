"""The port for outbound HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer: its status, its headers by lower-case name, and its body's bytes as they came, not decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """Sends one request, follows no redirect, and ends within `timeout` seconds in all."""

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        timeout: float,
        max_bytes: int,
    ) -> HttpResponse:
        """Return the answer with its whole body, whatever its status.

        Raises FetchRefusedError, also where the body is longer than `max_bytes`, or FetchFailedError.
        """
        ...

    def post(
        self, url: str, *, headers: Mapping[str, str], content: bytes, timeout: float, keep_bytes: int
    ) -> HttpResponse:
        """POST, and return the answer with the first `keep_bytes` of its body, whatever its status.

        Reads no further and hangs up, so that a long or dripping body costs nothing; a body that neither ends nor
        gets that far in time is an error. Raises FetchRefusedError or FetchFailedError.
        """
        ...
