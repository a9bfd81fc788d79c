"""Download: fetch what a URL on a client's or a provider's word leads to, each redirect checked like the first."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

from atelier.errors import FetchFailedError, FetchRefusedError
from atelier.outbound.http_client import HttpClient

MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Download:
    """Follows at most three redirects."""

    egress: HttpClient
    monotonic: Callable[[], float] = time.monotonic

    def deadline(self, seconds: float) -> float:
        """Return the time by which downloads must be done that may take so long together."""
        return self.monotonic() + seconds

    def __call__(self, url: str, *, deadline: float, max_bytes: int) -> bytes:
        """Return the bytes; FetchRefusedError where our rules forbid it, FetchFailedError where it may be had later."""
        for _ in range(1 + MAX_REDIRECTS):
            left = deadline - self.monotonic()
            if left <= 0:
                raise FetchFailedError("There was no time left for it.", sent=False)
            response = self.egress.send("GET", url, headers={"Accept": "image/*"}, timeout=left, max_bytes=max_bytes)
            if response.status in REDIRECTS and "location" in response.headers:
                url = _join(url, response.headers["location"])
            elif response.status == 200:
                return response.body
            else:
                raise FetchFailedError(f"The URL answered {response.status}.", sent=True)
        raise FetchRefusedError("The URL redirects too often.")


def _join(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as exc:
        raise FetchRefusedError("The URL redirects to one that cannot be parsed.") from exc
