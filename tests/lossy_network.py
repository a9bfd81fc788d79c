"""A network that loses requests, and answers after the requests took effect."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

Loss = Literal["request", "answer", "gateway"]
"""What is lost: a request before it arrives, an answer, or an answer that the gateway has no time for (504)."""
_HOP_BY_HOP = ("host", "connection")
_SHOWN = ("Content-Type", "Location", "x-should-retry")


@contextmanager
def lossy_network(target: str, losses: list[Loss], methods: Sequence[str] = ("GET", "POST")) -> Iterator[str]:
    """Forward to an API, and give the URL at which it is then reached; each request takes the first of the losses."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.forward()

        def do_POST(self) -> None:
            self.forward()

        def forward(self) -> None:
            with lock:
                loss = losses.pop(0) if losses and self.command in methods else None
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if loss == "request":
                return self.hang_up()
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            answer = httpx.request(self.command, target + self.path, headers=kept, content=content, timeout=60)
            if loss == "answer":
                return self.hang_up()
            self.send_response(504 if loss == "gateway" else answer.status_code)
            for name in _SHOWN:
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)
            return None

        def hang_up(self) -> None:
            self.close_connection = True
            self.connection.close()

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
