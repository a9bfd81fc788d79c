"""The pinned transport: one request, one checked connection, one deadline for all of it.

The host is resolved once, every address that it has is checked, and the connection is made to one of those; TLS is
verified against the name all the same. An answer's headers are capped (100 KB and a little, by httpcore), its body by
whoever reads it. There is no code here that follows redirects, asks the environment for proxies, keeps cookies or
decompresses.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import httpcore
import httpx

Resolver = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """List a host's addresses, as the system has them."""
    return list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@cache
def tls_context() -> ssl.SSLContext:
    """Trust what certifi trusts, whatever the environment says, for the names that a certificate lists."""
    context = httpx.create_ssl_context(trust_env=False)
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    return context


class PinnedTransport(httpx.BaseTransport):
    """An httpx transport that connects to addresses that `check` lets pass; each request has its own connection."""

    def __init__(
        self, check: Callable[[str], None], resolve: Resolver = resolve, tls: Callable[[], ssl.SSLContext] = tls_context
    ) -> None:
        self._check = check
        self._resolve = resolve
        self._tls = tls

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request whose `deadline` extension is a time on the monotonic clock.

        Raises what `check` does, httpx.ConnectError where nothing was sent, and else OSError or httpcore's errors.
        """
        to, deadline = request.url, request.extensions["deadline"]
        url = httpcore.URL(scheme=to.raw_scheme, host=to.raw_host, port=to.port, target=to.raw_path)
        try:
            connected = self._connect(url, deadline)
        except (OSError, ValueError) as exc:  # ValueError: what cannot be a host's name
            raise httpx.ConnectError(f"cannot connect: {exc}") from exc
        connection = httpcore.HTTP11Connection(url.origin, _Stream(connected, deadline))
        response = connection.handle_request(
            httpcore.Request(request.method, url, headers=request.headers.raw, content=request.read())
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response, connection))

    def _connect(self, url: httpcore.URL, deadline: float) -> socket.socket:
        host, port = url.host.decode("ascii"), url.origin.port
        addresses = _in_time(self._resolve, host, port, _left(deadline))
        for address in addresses:
            self._check(address)
        connected = _first(addresses, port, deadline)
        connected.settimeout(_left(deadline))
        if url.scheme == b"http":
            return connected
        return self._tls().wrap_socket(connected, server_hostname=host.rstrip("."))


class _Stream(httpcore.NetworkStream):
    """A socket each of whose operations gets no more than what is left until the deadline."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._socket.settimeout(_left(self._deadline))
        try:
            self._socket.sendall(buffer)
        except ConnectionError as exc:  # httpcore then reads what was answered before the other side hung up
            raise httpcore.WriteError(str(exc)) from exc

    def close(self) -> None:
        self._socket.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response, connection: httpcore.HTTP11Connection) -> None:
        self._response = response
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._connection.close()


def _in_time(resolve: Resolver, host: str, port: int, seconds: float) -> list[str]:
    """Resolve within so many seconds; the system's resolver has no timeout of its own."""
    executor = ThreadPoolExecutor(max_workers=1)
    try:
        return executor.submit(resolve, host, port).result(timeout=seconds)
    finally:
        executor.shutdown(wait=False)


def _first(addresses: list[str], port: int, deadline: float) -> socket.socket:
    """Connect to the first address that answers; each try gets its share of what is left."""
    failure = OSError("the host has no address")
    for tried, address in enumerate(addresses):
        try:
            return socket.create_connection((address, port), _left(deadline) / (len(addresses) - tried))
        except OSError as exc:
            failure = exc
    raise failure


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left
