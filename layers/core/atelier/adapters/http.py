"""Outbound HTTP: one request, one checked and pinned connection, one deadline for all of it.

Everything fetched or posted to on a client's or a provider's word goes through `client(policy)`. The host is resolved
once, every address it has is checked, and the connection is made to an address that was checked; TLS is still
verified against the name. No redirects, no proxies from the environment, no cookies, no decompression.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import cache
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx

from atelier.errors import FetchFailedError, FetchRefusedError
from atelier.ports import HttpResponse

USER_AGENT = "Atelier/1.0"
Resolver = Callable[[str, int], list[str]]


class Policy(Protocol):
    """Which URLs and addresses may be reached; both methods raise FetchRefusedError."""

    def check_url(self, url: str) -> SplitResult:
        """Check a URL before its host is resolved."""
        ...

    def check_address(self, text: str) -> None:
        """Check an address before it is connected to."""
        ...


class OwnerPolicy:
    """For URLs that the stack's owner configured: any http or https URL at any address."""

    def check_url(self, url: str) -> SplitResult:
        """Return the URL's parts."""
        try:
            parts = urlsplit(url)
        except ValueError as exc:
            raise FetchRefusedError("The URL cannot be parsed.") from exc
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise FetchRefusedError("The URL must start with https:// or http:// and name a host.")
        return parts

    def check_address(self, text: str) -> None:
        """Accept any address."""


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only, and lets nothing last beyond the deadline (on the monotonic clock)."""

    def __init__(self, policy: Policy, resolve: Resolver, deadline: float) -> None:
        self._policy = policy
        self._resolve = resolve
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve once, check every address, connect to the first that answers."""
        addresses = _in_time(self._resolve, host, port, left=_left(self._deadline, httpcore.ConnectTimeout))
        for address in addresses:
            self._policy.check_address(address)
        for address in addresses[:-1]:
            try:
                return self._connect(address, port)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._connect(addresses[-1], port)

    def _connect(self, address: str, port: int) -> httpcore.NetworkStream:
        stream = self._sockets.connect_tcp(address, port, timeout=_left(self._deadline, httpcore.ConnectTimeout))
        return _DeadlineStream(stream, self._deadline)


class _DeadlineStream(httpcore.NetworkStream):
    """A stream each of whose operations gets no more than what is left until the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response, pool: httpcore.ConnectionPool) -> None:
        self._response = response
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
        self._pool.close()


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class PinnedTransport(httpx.BaseTransport):
    """An httpx transport on PinnedBackend; each request has a connection of its own."""

    def __init__(self, policy: Policy, resolve: Resolver, tls: Callable[[], ssl.SSLContext] = _tls) -> None:
        self._policy = policy
        self._resolve = resolve
        self._tls = tls

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request whose `deadline` extension is a time on the monotonic clock."""
        pool = httpcore.ConnectionPool(
            ssl_context=self._tls() if request.url.scheme == "https" else None,
            network_backend=PinnedBackend(self._policy, self._resolve, request.extensions["deadline"]),
        )
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        response = pool.handle_request(
            httpcore.Request(request.method, url, headers=request.headers.raw, content=request.read())
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response, pool))


class HttpxClient:
    """The HttpClient port."""

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
        """Return the answer, whatever its status; raises FetchRefusedError or FetchFailedError."""
        self._policy.check_url(url)
        deadline = time.monotonic() + timeout
        try:
            request = httpx.Request(
                method,
                url,
                headers={
                    "User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close",
                    **headers,
                },
                content=content,
                extensions={"deadline": deadline},
            )  # fmt: skip
        except (httpx.InvalidURL, ValueError) as exc:
            raise FetchRefusedError("The URL, or a header, cannot be written as HTTP.") from exc
        try:
            response = self._transport.handle_request(request)
            try:
                body = _read(response, max_bytes)
            finally:
                response.close()
        except (
            httpcore.ConnectError,
            httpcore.ConnectTimeout,
            httpx.ConnectError,
            httpx.ConnectTimeout,
        ) as exc:
            raise FetchFailedError("The host could not be connected to.", sent=False) from exc
        except (httpcore.TimeoutException, httpx.TimeoutException) as exc:
            raise FetchFailedError(f"There was no whole answer within {timeout:g} s.", sent=True) from exc
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.TransportError, OSError) as exc:
            raise FetchFailedError("The connection broke, or the answer was not HTTP.", sent=True) from exc
        lower = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status_code, lower, body)


def client(policy: Policy) -> HttpxClient:
    """Make a client that reaches what `policy` lets it."""
    return HttpxClient(PinnedTransport(policy, resolve), policy)


def resolve(host: str, port: int) -> list[str]:
    """List a host's addresses."""
    return list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def _in_time(resolve: Resolver, host: str, port: int, *, left: float) -> list[str]:
    """Resolve within `left` seconds; the system's resolver has no timeout of its own."""
    executor = ThreadPoolExecutor(max_workers=1)
    try:
        addresses = executor.submit(resolve, host, port).result(timeout=left)
    except (OSError, UnicodeError, FutureTimeoutError) as exc:
        raise httpcore.ConnectError(f"cannot resolve the host: {exc}") from exc
    finally:
        executor.shutdown(wait=False)
    if not addresses:
        raise httpcore.ConnectError("the host has no address")
    return addresses


def _read(response: httpx.Response, max_bytes: int) -> bytes:
    content = bytearray()
    for chunk in response.stream:  # type: ignore[union-attr]
        content += chunk
        if len(content) > max_bytes:
            raise FetchRefusedError(f"The answer is larger than {max_bytes // 1024} KB.")
    return bytes(content)


def _left(deadline: float, late: type[httpcore.TimeoutException] = httpcore.ReadTimeout) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise late("the deadline has passed")
    return left
