"""A receiver of webhooks on 127.0.0.1, which verifies them and forwards them to a program under development."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING

import httpx

from atelier_client import Generation, WebhookVerificationError, verify_webhook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_TIMEOUT_S = 9.0
"""A second less than Atelier waits, so that the forwarded answer comes back in time."""
_FORWARDED = ("content-type", "user-agent", "webhook-", "x-webhook-", "x-media-")
_LARGEST_BODY = 1_048_576


@dataclass(frozen=True)
class Event:
    """A webhook that came in; `generation` is None where it is not signed with the secret, and `reason` says why."""

    id: str
    body: bytes
    generation: Generation | None
    reason: str | None
    answer: int


@dataclass
class Listener:
    """Listens while it is entered; `events` gets each webhook once it is answered."""

    port: int
    secret: str | None
    forward: str | None
    transport: httpx.BaseTransport | None = None
    events: Queue[Event] = field(default_factory=Queue)

    def __enter__(self) -> Listener:
        """Start to listen; OSError where the port is taken."""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = self.headers.get("Content-Length") or "0"
                if not length.isdigit() or int(length) > _LARGEST_BODY:
                    self.send_error(413)
                    return
                event = listener.receive(dict(self.headers.items()), self.rfile.read(int(length)))
                self.send_response(event.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()
                listener.events.put(event)

            def log_message(self, format: str, *args: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._http = httpx.Client(timeout=_TIMEOUT_S, transport=self.transport)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._http.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def receive(self, headers: Mapping[str, str], body: bytes) -> Event:
        """Verify a webhook and pass it on as it came; the program's answer is the answer."""
        generation, reason = self._verified(headers, body)
        lower = {name.lower(): value for name, value in headers.items()}
        answer = 204
        if self.forward:
            kept = {name: value for name, value in lower.items() if name.startswith(_FORWARDED)}
            try:
                answer = self._http.post(self.forward, content=body, headers=kept).status_code
            except (httpx.HTTPError, httpx.InvalidURL) as exc:
                answer, reason = 502, f"{self.forward} does not answer ({type(exc).__name__})"
        return Event(lower.get("webhook-id", ""), body, generation, reason, answer)

    def _verified(self, headers: Mapping[str, str], body: bytes) -> tuple[Generation | None, str | None]:
        if not self.secret:
            return None, "not verified: no secret is known"
        try:
            return verify_webhook(body, headers, self.secret), None
        except WebhookVerificationError as exc:
            return None, str(exc)
