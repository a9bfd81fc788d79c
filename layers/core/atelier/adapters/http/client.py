"""Outbound HTTP: everything fetched or posted to on a client's or a provider's word goes through `client(policy)`."""

import io
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Protocol
from urllib.parse import SplitResult

import httpcore
import httpx

from atelier.adapters.http.pinned_transport import PinnedTransport
from atelier.errors import FetchFailedError, FetchRefusedError
from atelier.outbound.http_client import HttpResponse

HEADERS = {
    "User-Agent": "Atelier/1.0", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close",
}  # fmt: skip


class Policy(Protocol):
    """Which URLs and addresses may be reached; both methods raise FetchRefusedError."""

    def check_url(self, url: str) -> SplitResult:
        """Check a URL before its host is resolved."""
        ...

    def check_address(self, text: str) -> None:
        """Check an address before it is connected to."""
        ...


def client(policy: Policy) -> "HttpxClient":
    """Make a client that reaches what `policy` lets it."""
    return HttpxClient(PinnedTransport(policy.check_address), policy)


class HttpxClient:
    """The HttpClient port over an httpx transport, whose requests carry their `deadline` as an extension."""

    def __init__(self, transport: httpx.BaseTransport, policy: Policy) -> None:
        self._transport = transport
        self._policy = policy

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
        """Return the whole answer; raises FetchRefusedError or FetchFailedError."""
        answer = self._exchange(method, url, headers, content, timeout, max_bytes + 1)
        if len(answer.body) > max_bytes:
            raise FetchRefusedError(f"The answer is larger than {max_bytes // 1024} KB.")
        return answer

    def post(
        self, url: str, *, headers: Mapping[str, str], content: bytes, timeout: float, keep_bytes: int
    ) -> HttpResponse:
        """Return the answer with the beginning of its body; raises FetchRefusedError or FetchFailedError."""
        return self._exchange("POST", url, headers, content, timeout, keep_bytes)

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, timeout: float, enough: int
    ) -> HttpResponse:
        """Read no more of the body than is `enough`."""
        self._policy.check_url(url)
        extensions = {"deadline": time.monotonic() + timeout}
        try:
            request = httpx.Request(method, url, headers={**HEADERS, **headers}, content=content, extensions=extensions)
        except (httpx.InvalidURL, ValueError) as exc:
            raise FetchRefusedError("The URL, or a header, cannot be written as HTTP.") from exc
        try:
            with closing(self._transport.handle_request(request)) as response:
                body = _read(response, enough)
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            raise FetchFailedError("The host could not be connected to.", sent=False) from exc
        except (httpx.TimeoutException, TimeoutError) as exc:
            raise FetchFailedError(f"There was no whole answer within {timeout:g} s.", sent=True) from exc
        except (httpx.TransportError, httpcore.ProtocolError, OSError) as exc:
            raise FetchFailedError("The connection broke, or the answer was not HTTP.", sent=True) from exc
        return HttpResponse(response.status_code, dict(response.headers.items()), body)


def _read(response: httpx.Response, enough: int) -> bytes:
    """Read a body as it came until it ends or is long enough, without a second copy of it."""
    content = io.BytesIO()
    chunks = iter(response.stream)  # type: ignore[arg-type]
    while content.tell() < enough and (chunk := next(chunks, None)) is not None:
        content.write(chunk)
    content.truncate(min(content.tell(), enough))
    return content.getvalue()
