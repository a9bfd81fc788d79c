"""Outbound HTTP against real sockets on 127.0.0.1: deadlines, limits, and addresses that were checked."""

import contextlib
import datetime
import gzip
import ipaddress
import re
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from atelier.adapters.http import pinned_transport
from atelier.adapters.http.client import HttpxClient, Policy, client
from atelier.adapters.http.pinned_transport import PinnedTransport, Resolver
from atelier.errors import FetchError, FetchFailedError, FetchRefusedError
from atelier.outbound.http_client import HttpResponse
from atelier.outbound.url_policy import OperatorPolicy, UrlPolicy
from tests.cases import each

SHORT = 0.3
"""Seconds that a request gets where the deadline is what ends it."""
LONG = 2.0
"""Seconds after which nothing but a missing deadline can be to blame, on a busy machine too."""
PUBLIC, PRIVATE = "93.184.215.14", "10.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Serve = Callable[[socket.socket, "Server"], None]
Ask = Callable[..., HttpResponse]


class Server:
    """Accepts connections on 127.0.0.1 and lets `serve` deal with each; counts them and keeps what they sent."""

    def __init__(self, serve: Serve, tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self.hung_up = threading.Event()
        self._serve = serve
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def url(self, host: str = "127.0.0.1", path: str = "/") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def __enter__(self) -> "Server":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=2)

    def read(self, connection: socket.socket) -> None:
        """Read one request and keep it; what is left unread would reset the connection."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65_536) or b"\r\n\r\n"
        head, _, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        while length and len(body) < int(length[1]):
            body += connection.recv(65_536) or b" " * int(length[1])
        self.requests.append(head + b"\r\n\r\n" + body)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._handle, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _handle(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with contextlib.closing(connection):
                try:
                    self._serve(connection, self)
                except ConnectionError:
                    self.hung_up.set()


def answering(*parts: bytes) -> Serve:
    """Answer each request with some bytes."""

    def serve(connection: socket.socket, server: Server) -> None:
        server.read(connection)
        connection.sendall(b"".join(parts))

    return serve


def endless(head: bytes, drop: bytes, every: float = 0.02) -> Serve:
    """Answer with a head, and then with a drop every so many seconds for ever."""

    def serve(connection: socket.socket, server: Server) -> None:
        server.read(connection)
        connection.sendall(head)
        while not server.over.wait(every):
            connection.sendall(drop)

    return serve


def silent(connection: socket.socket, server: Server) -> None:
    """Say nothing."""
    server.over.wait()


def get(
    sender: HttpxClient, url: str, *, timeout: float = 5.0, max_bytes: int = 10_000, content: bytes | None = None
) -> HttpResponse:
    method = "GET" if content is None else "POST"
    return sender.send(method, url, headers={"X-Ours": "1"}, content=content, timeout=timeout, max_bytes=max_bytes)


def post(
    sender: HttpxClient, url: str, *, timeout: float = 5.0, keep_bytes: int = 1_000, content: bytes = b"news"
) -> HttpResponse:
    return sender.post(url, headers={"X-Ours": "1"}, content=content, timeout=timeout, keep_bytes=keep_bytes)


def resolving(resolve: Resolver, policy: Policy | None = None) -> HttpxClient:
    """Make a client with a resolver of its own, and without rules unless they are given."""
    policy = policy or OperatorPolicy()
    return HttpxClient(PinnedTransport(policy.check_address, resolve), policy)


def anywhere(*addresses: str) -> HttpxClient:
    """Make a client without rules, for whom every host has these addresses."""
    return resolving(lambda host, port: list(addresses))


each_verb = pytest.mark.parametrize("ask", [get, post])
OURS, STRICT, LOCAL = client(OperatorPolicy()), client(UrlPolicy()), client(UrlPolicy(allow_loopback=True))


# ---- What is sent, and what comes back


def test_an_answer_comes_back_whatever_its_status() -> None:
    with Server(
        answering(b"HTTP/1.1 503 No\r\nX-A: 1\r\nx-a: 2\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno")
    ) as server:
        found = get(OURS, server.url())
    assert (found.status, found.body) == (503, b"no")
    assert (found.headers["retry-after"], found.headers["x-a"]) == ("7", "1, 2")


def test_a_request_names_its_sender_and_holds_headers_and_body() -> None:
    with Server(answering(OK)) as server:
        get(OURS, server.url(path="/a?b=c%20d"), content=b"body")
    [request] = server.requests
    head = request.decode().lower()
    assert head.startswith("post /a?b=c%20d http/1.1\r\n")
    assert head.endswith("\r\n\r\nbody")
    for line in ("user-agent: atelier/1.0", "x-ours: 1", "accept-encoding: identity", "content-length: 4"):
        assert f"{line}\r\n" in head


def test_a_post_is_a_post_with_our_headers_and_body() -> None:
    with Server(answering(OK)) as server:
        found = post(OURS, server.url(path="/hook"), content=b"news")
    head = server.requests[0].decode().lower()
    assert (found.status, found.body) == (200, b"ok")
    assert head.startswith("post /hook http/1.1\r\n")
    assert head.endswith("\r\n\r\nnews")
    for line in ("x-ours: 1", "accept-encoding: identity", "content-length: 4"):
        assert f"{line}\r\n" in head


@each_verb
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, ask: Ask) -> None:
    with Server(answering(OK)) as target:
        redirect = f"HTTP/1.1 {status} X\r\nLocation: {target.url()}\r\nContent-Length: 0\r\n\r\n".encode()
        with Server(answering(redirect)) as server:
            found = ask(OURS, server.url())
    assert (found.status, found.headers["location"], target.connections) == (status, target.url(), 0)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_nothing_is_decompressed(encoding: str) -> None:
    packed = gzip.compress(b"a" * 1_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with Server(answering(head, packed)) as server:
        assert get(OURS, server.url(), max_bytes=len(packed)).body == packed
        assert post(OURS, server.url(), keep_bytes=100).body == packed[:100]


@each_verb
def test_cookies_are_not_kept(ask: Ask) -> None:
    with Server(answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n")) as server:
        for _ in range(2):
            ask(OURS, server.url())
    assert server.connections == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)


@each_verb
def test_the_environment_changes_nothing(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login a password b\n")
    with Server(answering(OK)) as proxy, Server(answering(OK)) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
            monkeypatch.setenv(name.lower(), proxy.url())
        monkeypatch.setenv("NETRC", str(netrc))
        assert ask(client(OperatorPolicy()), server.url()).status == 200
    assert (proxy.connections, server.connections) == (0, 1)
    assert b"authorization" not in server.requests[0].lower()


# ---- The deadline


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


DRIPPING = {
    "silence": silent,
    "headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n"),
    "status": endless(b"HTTP/1.1 2", b"0"),
    "continue": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": endless(HEAD, b"."),
    "body without a length": endless(b"HTTP/1.1 200 OK\r\n\r\n", b"."),
    "chunks": endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n.\r\n"),
}


@each_verb
def test_the_deadline_holds_against_dripping(ask: Ask) -> None:
    def fault(serve: Serve) -> str | None:
        with Server(serve) as server:
            begun = time.monotonic()
            try:
                ask(OURS, server.url(), timeout=SHORT)
            except FetchFailedError as exc:
                took = time.monotonic() - begun
                return None if exc.sent and took < LONG else f"it took {took} s; sent: {exc.sent}"
        return "it was answered"

    with ThreadPoolExecutor(len(DRIPPING)) as threads:
        found = dict(zip(DRIPPING, threads.map(fault, DRIPPING.values()), strict=True))
    assert {name: why for name, why in found.items() if why} == {}


def slow_reader(connection: socket.socket, server: "Server") -> None:
    """Take a little at a time, so that each write gets on in time."""
    while not server.over.wait(0.02):
        connection.recv(262_144)


@pytest.mark.parametrize("serve", [silent, slow_reader])
def test_the_deadline_holds_against_a_receiver_that_hardly_reads(serve: Serve) -> None:
    with Server(serve) as server:
        begun = time.monotonic()
        with pytest.raises(FetchFailedError) as caught:
            get(OURS, server.url(), timeout=SHORT, content=b"." * 50_000_000)
        took = time.monotonic() - begun
    assert caught.value.sent
    assert took < LONG


def test_the_deadline_holds_against_a_resolver_that_hangs() -> None:
    release = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        release.wait(5)
        return ["127.0.0.1"]

    begun = time.monotonic()
    with pytest.raises(FetchFailedError) as caught:
        get(resolving(resolve), "http://host.example/", timeout=SHORT)
    took = time.monotonic() - begun
    release.set()
    assert not caught.value.sent
    assert took < LONG


def test_the_deadline_holds_against_an_endless_tls_handshake() -> None:
    with Server(silent) as server:
        begun = time.monotonic()
        with pytest.raises(FetchFailedError) as caught:
            get(OURS, f"https://127.0.0.1:{server.port}/", timeout=SHORT)
        took = time.monotonic() - begun
    assert not caught.value.sent
    assert took < LONG


def test_one_deadline_covers_lookup_connect_request_and_answer(authority: "Authority", tmp_path: Path) -> None:
    """No part takes longer than the request may, all together do."""
    part = SHORT / 3

    def resolve(host: str, port: int) -> list[str]:
        time.sleep(part)
        return ["127.0.0.1"]

    def slow_name(*_: object) -> None:
        time.sleep(part)

    def serve(connection: socket.socket, server: Server) -> None:
        server.read(connection)
        for piece in (b"HTTP/1.1 200 OK\r\n", b"Content-Length: 2\r\n\r\n", b"ok"):
            server.over.wait(part)
            connection.sendall(piece)

    tls = authority.server(tmp_path, x509.DNSName("host.example"))
    tls.sni_callback = slow_name
    with Server(serve, tls) as server:
        sender = trusting(authority, resolve)
        url = server.url("host.example")
        with ThreadPoolExecutor(4) as threads:
            patient = [threads.submit(ask, sender, url, timeout=5) for ask in (get, post)]
            hasty = [threads.submit(ask, sender, url, timeout=SHORT) for ask in (get, post)]
        assert [each.result().status for each in patient] == [200, 200]
        assert [type(each.exception()) for each in hasty] == [FetchFailedError] * 2


# ---- The size


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "no line": (b"", b"a" * 10_000),
    "one status line": (b"HTTP/1.1 200 ", b"K" * 10_000),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n" * 1_000),
    "one header": (b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 10_000),
    "one header in many lines": (b"HTTP/1.1 200 OK\r\nX-A: 1\r\n", b" and more\r\n" * 1_000),
    "headers of a continue": (b"HTTP/1.1 100 Continue\r\n", b"X-A: 1\r\n" * 1_000),
    "continues": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\n" + b"Link: </a>\r\n" * 5_000 + b"\r\n"),
    "a chunk's size": (CHUNKED, b"0" * 10_000),
    "a chunk's extension": (CHUNKED + b"1;x=", b"a" * 10_000),
    "chunks' extensions": (CHUNKED, b"1;x=" + b"a" * 60_000 + b"\r\n.\r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"X-A: 1\r\n" * 1_000),
    "one trailer": (CHUNKED + b"0\r\nX-A: ", b"a" * 10_000),
}


@each(("head", "drop"), FLOODS.values(), ids=tuple(FLOODS))
def test_endless_framing_around_a_body_does_not_fill_the_memory(head: bytes, drop: bytes) -> None:
    with Server(endless(head, drop, every=0)) as server:
        tracemalloc.start()
        begun = time.monotonic()
        with pytest.raises(FetchFailedError):
            get(OURS, server.url(), timeout=SHORT)
        took = time.monotonic() - begun
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert server.hung_up.wait(LONG)
    assert took < LONG
    assert peak < 4_000_000


@pytest.mark.parametrize(
    "serve",
    [
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"." * 65_536, every=0),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n", b"." * 65_536, every=0),
        endless(CHUNKED, b"10000\r\n" + b"." * 65_536 + b"\r\n", every=0),
        endless(HEAD, b"."),
        endless(CHUNKED, b"1\r\n.\r\n"),
    ],
    ids=["no length", "200 MB", "chunks", "dripping", "dripping chunks"],
)
def test_no_more_of_an_answer_is_read_than_is_kept(serve: Serve) -> None:
    with Server(serve) as server:
        begun = time.monotonic()
        found = post(OURS, server.url(), keep_bytes=5, timeout=60)
        took = time.monotonic() - begun
        assert server.hung_up.wait(LONG)
    assert (found.status, found.body) == (200, b".....")
    assert took < LONG


def test_where_nothing_is_kept_the_headers_are_enough() -> None:
    with Server(endless(HEAD, b"")) as server:
        begun = time.monotonic()
        assert post(OURS, server.url(), keep_bytes=0, timeout=60).status == 200
        assert time.monotonic() - begun < LONG


def test_a_body_that_stalls_before_enough_of_it_is_a_failure() -> None:
    with Server(endless(HEAD + b"half", b"")) as server, pytest.raises(FetchFailedError, match="no whole") as caught:
        post(OURS, server.url(), timeout=SHORT)
    assert caught.value.sent


def test_a_body_that_breaks_off_before_enough_of_it_is_a_failure() -> None:
    with Server(answering(HEAD, b"half")) as server, pytest.raises(FetchFailedError) as caught:
        post(OURS, server.url())
    assert caught.value.sent


@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nok"], ids=str)
def test_a_short_body_is_kept_whole(answer: bytes) -> None:
    with Server(answering(answer)) as server:
        assert post(OURS, server.url(), keep_bytes=1_000).body in (b"ok", b"")


@pytest.mark.parametrize(
    "serve",
    [
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"." * 5_000),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", b"." * 5_000),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1388\r\n" + b"." * 5_000 + b"\r\n"),
    ],
    ids=["no length", "a long length", "chunks"],
)
def test_a_body_that_never_ends_is_refused_at_the_limit(serve: Serve) -> None:
    with Server(serve) as server, pytest.raises(FetchRefusedError, match="larger than 9 KB"):
        get(OURS, server.url(), max_bytes=9 * 1024)


@pytest.mark.parametrize("size", [9_999, 10_000])
def test_a_body_of_the_limit_is_taken(size: int) -> None:
    with Server(answering(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode(), b"." * size)) as server:
        assert len(get(OURS, server.url(), max_bytes=10_000).body) == size


def test_a_download_takes_little_more_memory_than_its_body() -> None:
    size, piece = 50 * 1024**2, b"." * 65_536

    def serve(connection: socket.socket, server: Server) -> None:
        server.read(connection)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // len(piece)):
            connection.sendall(piece)

    with Server(serve) as server:
        tracemalloc.start()
        body = get(OURS, server.url(), timeout=60, max_bytes=size).body
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(body) == size
    assert peak - size < 20 * 1024**2


# ---- Was it sent?


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def unknown(host: str, port: int) -> NoReturn:
    raise socket.gaierror("no such host")


def test_a_refused_connection_was_not_sent() -> None:
    with pytest.raises(FetchFailedError) as caught:
        get(OURS, f"http://127.0.0.1:{unused_port()}/")
    assert not caught.value.sent


@pytest.mark.parametrize("resolve", [unknown, lambda host, port: []], ids=["unknown", "no address"])
def test_a_host_that_cannot_be_resolved_was_not_sent(resolve: Resolver) -> None:
    with pytest.raises(FetchFailedError) as caught:
        get(resolving(resolve), "http://host.example/")
    assert not caught.value.sent


@pytest.mark.parametrize("label", ["a" * 64, "a..b"])
def test_a_host_that_the_system_cannot_encode_was_not_sent(label: str) -> None:
    with pytest.raises(FetchFailedError) as caught:
        get(OURS, f"http://{label}.example/")
    assert not caught.value.sent


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nConte", b"SSH-2.0-OpenSSH\r\n\r\n", HEAD + b"half"], ids=str
)
def test_a_connection_that_breaks_after_the_request_was_sent(answer: bytes) -> None:
    with Server(answering(answer)) as server, pytest.raises(FetchFailedError) as caught:
        get(OURS, server.url())
    assert caught.value.sent


@each_verb
def test_an_answer_to_half_a_request_counts(ask: Ask) -> None:
    """A server that refuses a large body says so at once and hangs up."""

    def serve(connection: socket.socket, server: Server) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")

    with Server(serve) as server:
        assert ask(OURS, server.url(), content=b"." * 20_000_000).status == 413


def test_the_connection_is_closed_after_the_answer() -> None:
    closed = threading.Event()

    def serve(connection: socket.socket, server: Server) -> None:
        answering(OK)(connection, server)
        if connection.recv(1) == b"":
            closed.set()

    with Server(serve) as server:
        get(OURS, server.url())
        assert closed.wait(LONG)


def test_closing_an_answer_that_nobody_read_hangs_up() -> None:
    with Server(endless(HEAD, b".")) as server:
        request = httpx.Request("GET", server.url(), extensions={"deadline": time.monotonic() + 5})
        response = PinnedTransport(OperatorPolicy().check_address).handle_request(request)
        assert not server.hung_up.wait(0.1)
        response.close()
        assert server.hung_up.wait(LONG)


def test_a_deadline_passed_before_the_connection_was_not_sent() -> None:
    class Slow(OperatorPolicy):
        def check_address(self, text: str) -> None:
            time.sleep(0.2)

    with Server(answering(OK)) as server, pytest.raises(FetchFailedError) as caught:
        get(resolving(lambda host, port: ["127.0.0.1"], Slow()), server.url(), timeout=0.1)
    assert (caught.value.sent, server.connections) == (False, 0)


@pytest.mark.parametrize(
    "url", ["http://[v1.a.b]/", "http://[::1/", "http://host.example:port/", "ftp://host.example/", "nonsense", ""]
)
def test_a_url_that_cannot_be_asked_for_is_one_of_our_errors(url: str) -> None:
    with pytest.raises((FetchRefusedError, FetchFailedError)):
        get(anywhere("127.0.0.1"), url)


@pytest.mark.parametrize("value", ["é", "a\r\nX-Smuggled: 1"])
def test_a_header_that_cannot_be_sent_is_one_of_our_errors(value: str) -> None:
    with Server(answering(OK)) as server, pytest.raises((FetchRefusedError, FetchFailedError)):
        OURS.send("GET", server.url(), headers={"Authorization": value}, timeout=5, max_bytes=10)
    assert not any(b"smuggled" in request.lower() for request in server.requests)


# ---- Which address


class Wire:
    """Sees each look-up and each attempt to connect, gives names the addresses of a script, and reaches 127.0.0.1 only.

    Other hosts are read as the system reads them without asking anybody: 0x7f.1 is 127.0.0.1 to it.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.tried: list[str] = []
        self.seconds: list[float] = []
        self.dead: set[str] = set()
        self._getaddrinfo, self._connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        self.asked.append(host)
        answers = self.names.get(host, [[host]])
        return [
            info
            for address in (answers.pop(0) if len(answers) > 1 else answers[0])
            for info in self._getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        ]

    def connect(self, connecting: socket.socket, address: tuple[str, int]) -> None:
        seconds = connecting.gettimeout() or 60
        self.tried.append(address[0])
        self.seconds.append(seconds)
        if address[0] in self.dead:
            time.sleep(seconds)
            raise TimeoutError
        if address[0] != "127.0.0.1":
            raise ConnectionRefusedError
        self._connect(connecting, address)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(socket, "getaddrinfo", wire.getaddrinfo)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, lambda connecting, address: wire.connect(connecting, address))
    return wire


DENIED = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1",
    "169.254.169.254", "169.254.170.2", "169.254.169.253", "169.254.100.1", "169.254.100.5", "169.254.0.1",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:7f00:1",
    "::ffff:a9fe:a9fe", "::FFFF:10.0.0.1", "0:0:0:0:0:ffff:7f00:1", "::ffff:8.8.8.8", "::ffff:0:169.254.169.254",
    "64:ff9b::169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::10.0.0.1", "64:ff9b:1:ffff:a9:fea9:fe00:0",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:0808:0808::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001::1",
    "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:10.0.0.1", "fe80::5efe:127.0.0.1", "fe80::1", "fd00:ec2::254",
    "fd00:ec2::23", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1",
)  # fmt: skip
SPELLINGS = (
    "2130706433", "0x7f000001", "0X7F000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "0x7f.0x0.0x0.0x1", "127.1",
    "127.0.1", "0x7f.1", "0177.1", "127.0.0.01", "00000127.0.0.1", "127.0.0.1.", "127.1.", "2130706433.", "0", "0.",
    "0x0", "2852039166", "0xa9fea9fe", "0xA9FEA9FE", "025177524776", "169.254.43518", "169.16689662",
    "0251.0376.0251.0376", "0xa9.0xfe.0xa9.0xfe", "169.254.169.254.", "0251.254.0xa9.254", "2852039166.", "10.1",
    "0xa000001", "192.168.257", "3232235777", "4294967295", "1.2.3.4.5", "999.1.1.1", "localhost", "LOCALHOST",
    "localhost.", "ip6-localhost", "metadata", "instance-data", "user@127.0.0.1", "user:pass@169.254.169.254",
    "example.com@127.0.0.1", "example.com:443@10.0.0.1", "@127.0.0.1", "example.com%40127.0.0.1", "127.0.0.%31",
    "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "%6cocalhost", "127.0.0.1%00.example.com", "127。0。0。1", "127．0．0．1",
    "127｡0｡0｡1", "１２７.0.0.1", "①②⑦.0.0.1", "١٢٧.0.0.1", "ⓛocalhost", "loc\u00adalhost", "127.0.0.1\\.example.com",
    "example.com\\@127.0.0.1", "127.0.0.1 .example.com", "127.0.0.1\t", "[127.0.0.1]", "[::1%25lo]", "[::1%lo]",
    "[fe80::1%25eth0]", "[fe80::1%eth0]", "[2606:4700::1%25eth0]", "[::1].example.com", "[::1", "::1", "::1]",
    "[[::1]]", "[::1]]", "[0:0:0:0:0:0:0:0:1]", "[::127.1]", "[::ffff:2130706433]", "[::0x7f.0.0.1]", "[v1.127]", "[]",
    "127.0.0.1:9001", "127.0.0.1:443", "[::1]:443", "169.254.169.254:443", "169.254.169.254:80", "169.254.100.1:9001",
    "sandbox.localdomain:9001",
)  # fmt: skip


def in_url(address: str) -> str:
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


@each_verb
@pytest.mark.parametrize("url", [*map(in_url, DENIED), *(f"https://{host}/" for host in SPELLINGS)], ids=ascii)
def test_a_denied_address_in_any_spelling_is_never_connected_to(url: str, ask: Ask, wire: Wire) -> None:
    for spelling in (url, url.upper().replace("HTTPS", "hTTps"), url.replace("https", "http"), url.rstrip("/")):
        with pytest.raises(FetchRefusedError):
            ask(STRICT, spelling)
    assert (wire.asked, wire.tried) == ([], [])


@pytest.mark.parametrize("host", [*DENIED, *SPELLINGS], ids=ascii)
def test_an_address_the_system_reads_as_denied_is_never_reached(host: str, wire: Wire) -> None:
    class Unread(OperatorPolicy):
        check_address = staticmethod(UrlPolicy().check_address)

    with pytest.raises(FetchError):
        get(resolving(pinned_transport.resolve, Unread()), in_url(host) if host in DENIED else f"https://{host}/")
    assert wire.tried == []


@each_verb
@pytest.mark.parametrize("denied", DENIED)
@pytest.mark.parametrize("name", ["host.example", "instance-data.ec2.internal"])
def test_a_name_of_a_denied_address_is_not_connected_to(name: str, denied: str, ask: Ask, wire: Wire) -> None:
    wire.names = {name: [[denied], [PUBLIC]]}
    with pytest.raises(FetchRefusedError, match="not public"):
        ask(STRICT, f"https://{name}/")
    assert (wire.asked, wire.tried) == ([name], [])


@pytest.mark.parametrize("denied", DENIED)
def test_one_denied_address_among_good_ones_refuses_the_name(denied: str, wire: Wire) -> None:
    for answer in ([denied, PUBLIC], [PUBLIC, denied], [PUBLIC, "1.1.1.1", denied, "2606:4700::1"]):
        wire.names = {"host.example": [answer]}
        with pytest.raises(FetchRefusedError, match="not public"):
            get(STRICT, "https://host.example/")
    assert wire.tried == []


@pytest.mark.parametrize(
    "denied", [address for address in DENIED if not address.startswith("127.") and address != "::1"]
)
@pytest.mark.parametrize("turn", [1, -1], ids=["the last", "the first"])
def test_the_local_stack_connects_to_no_denied_but_loopback(denied: str, turn: int, wire: Wire) -> None:
    with Server(answering(OK)) as server:
        wire.names = {"localhost": [["127.0.0.1", denied][::turn], ["127.0.0.1"]]}
        with pytest.raises(FetchRefusedError, match="not public"):
            get(LOCAL, server.url("localhost"))
        assert wire.tried == []
        assert get(LOCAL, server.url("localhost")).status == 200


@each_verb
@pytest.mark.parametrize("second", ["127.0.0.1", "169.254.169.254", "::1", "1.1.1.1"])
def test_a_name_is_looked_up_once_and_the_checked_address_used(second: str, ask: Ask, wire: Wire) -> None:
    """A name that answers differently the second time: DNS rebinding."""
    wire.names = {"host.example": [[PUBLIC, "2606:4700::1"], [second]]}
    with pytest.raises(FetchFailedError):
        ask(STRICT, "https://host.example/")
    assert wire.asked.count("host.example") == 1
    assert wire.tried == [PUBLIC, "2606:4700::1"]


def test_the_name_is_what_the_request_is_addressed_to(wire: Wire) -> None:
    wire.names = {"host.example": [["127.0.0.1"]]}
    with Server(answering(OK)) as server:
        assert get(OURS, server.url("host.example")).status == 200
    assert f"host: host.example:{server.port}".encode() in server.requests[0].lower()


@pytest.mark.parametrize(
    "url", ["http://host.example/", "https://host.example:22/", "https://host.example:8444/", "file:///a"]
)
@each_verb
def test_a_url_that_the_rules_refuse_is_not_even_looked_up(url: str, ask: Ask, wire: Wire) -> None:
    wire.names = {"host.example": [[PUBLIC]]}
    with pytest.raises(FetchRefusedError):
        ask(STRICT, url)
    assert (wire.asked, wire.tried) == ([], [])


@pytest.mark.parametrize("addresses", [("::1", "127.0.0.1"), ("127.0.0.1", "::1"), ("::1", "127.0.0.1", "::1")])
def test_the_next_address_is_tried_where_one_refuses(addresses: tuple[str, ...], wire: Wire) -> None:
    with Server(answering(OK)) as server:
        found = get(anywhere(*addresses), server.url("host.example"))
    assert (found.status, server.connections) == (200, 1)


def test_a_dead_address_leaves_time_for_the_next(wire: Wire) -> None:
    wire.dead = {PUBLIC}
    with Server(answering(OK)) as server:
        found = get(anywhere(PUBLIC, "127.0.0.1"), server.url("host.example"), timeout=1)
    assert (found.status, wire.tried) == (200, [PUBLIC, "127.0.0.1"])


def test_each_address_gets_its_share_of_what_is_left(wire: Wire) -> None:
    with pytest.raises(FetchFailedError):
        get(anywhere("192.0.2.1", "192.0.2.2", "192.0.2.3"), "http://host.example/", timeout=6)
    assert wire.seconds == pytest.approx([2, 3, 6], abs=0.5)


# ---- TLS


class Authority:
    """A certificate authority of our own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Our authority")])
        certificate = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)

    def server(self, folder: Path, *names: x509.GeneralName, valid_from: int = -1, until: int = 1) -> ssl.SSLContext:
        """Make a server's context with a certificate for these names; it is valid from a day to another, from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "host.example")])
        extension = x509.SubjectAlternativeName(names)
        certificate = self._sign(subject, key, extension, critical=False, valid_from=valid_from, until=until)
        pem = serialization.Encoding.PEM
        file = folder / "server.pem"
        file.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(pem)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def client(self) -> ssl.SSLContext:
        """Make the client's own context, which trusts this authority too."""
        context = pinned_transport.tls_context.__wrapped__()
        context.load_verify_locations(cadata=self.pem.decode())
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        *,
        critical: bool,
        valid_from: int = -1,
        until: int = 1,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=valid_from))
            .not_valid_after(now + datetime.timedelta(days=until))
            .add_extension(extension, critical=critical)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(certificates=isinstance(extension, x509.BasicConstraints)), critical=True)
            .sign(self._key, hashes.SHA256())
        )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    """Python 3.13 verifies strictly by RFC 5280, which wants this said."""
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=certificates, crl_sign=certificates, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def secure(authority: Authority, tmp_path: Path) -> Iterator[Server]:
    """A server at 127.0.0.1 whose certificate is for host.example."""
    with Server(answering(OK), authority.server(tmp_path, x509.DNSName("host.example"))) as server:
        yield server


def here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def trusting(authority: Authority, resolve: Resolver = here) -> HttpxClient:
    rules = OperatorPolicy()
    return HttpxClient(PinnedTransport(rules.check_address, resolve, authority.client), rules)


def test_tls_is_verified_against_the_name_not_the_address(authority: Authority, secure: Server) -> None:
    assert get(trusting(authority), secure.url("host.example")).body == b"ok"


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1", "host.example.other.example"])
def test_a_certificate_for_another_name_is_refused_beforehand(authority: Authority, secure: Server, host: str) -> None:
    with pytest.raises(FetchFailedError) as caught:
        get(trusting(authority), secure.url(host))
    assert not caught.value.sent
    assert (secure.connections, secure.requests) == (1, [])


@each_verb
def test_a_certificate_of_an_unknown_authority_is_refused(secure: Server, ask: Ask) -> None:
    with pytest.raises(FetchFailedError) as caught:
        ask(anywhere("127.0.0.1"), secure.url("host.example"))
    assert not caught.value.sent
    assert secure.requests == []


def test_an_authority_in_the_environment_is_not_trusted(
    authority: Authority, secure: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "authority.pem"
    file.write_bytes(authority.pem)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(file))
    rules = OperatorPolicy()
    sender = HttpxClient(PinnedTransport(rules.check_address, here, pinned_transport.tls_context.__wrapped__), rules)
    with pytest.raises(FetchFailedError):
        get(sender, secure.url("host.example"))
    assert secure.requests == []


@pytest.mark.parametrize(("valid_from", "until"), [(-2, -1), (1, 2)], ids=["over", "to come"])
def test_a_certificate_whose_time_is_not_now_is_refused(
    valid_from: int, until: int, authority: Authority, tmp_path: Path
) -> None:
    tls = authority.server(tmp_path, x509.DNSName("host.example"), valid_from=valid_from, until=until)
    with Server(answering(OK), tls) as server, pytest.raises(FetchFailedError) as caught:
        get(trusting(authority), server.url("host.example"))
    assert (caught.value.sent, server.requests) == (False, [])


@pytest.mark.parametrize("host", ["host.example", "HOST.Example", "host.example."])
def test_the_server_is_told_the_name_and_nothing_of_the_address(
    host: str, authority: Authority, tmp_path: Path
) -> None:
    tls, told = authority.server(tmp_path, x509.DNSName("host.example")), []
    tls.sni_callback = lambda connection, name, context: told.append(name)
    with Server(answering(OK), tls) as server:
        assert get(trusting(authority), server.url(host)).status == 200
    assert told == ["host.example"]


def test_a_certificate_for_the_address_is_none_for_the_name(authority: Authority, tmp_path: Path) -> None:
    """Nor is one whose subject, unlike its list of names, has the name for its common name."""
    address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
    with Server(answering(OK), authority.server(tmp_path, address)) as server:
        assert get(trusting(authority), server.url("127.0.0.1")).status == 200
        with pytest.raises(FetchFailedError):
            get(trusting(authority), server.url("host.example"))
