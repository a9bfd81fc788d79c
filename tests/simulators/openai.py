"""A simulator of OpenAI's Images API, whose answer holds the images and comes when the test says so."""

import base64
from collections.abc import Mapping
from threading import Event, Lock

from tests.simulators.server import Reply, Request, Simulator, png


class OpenAISimulator(Simulator):
    """Takes `POST /v1/images/generations`; counts its `submissions` by prompt.

    `hold()` keeps all calls waiting until `release()`. `running`: how many calls it has not answered yet.
    """

    name = "openai"

    def __init__(self) -> None:
        super().__init__()
        self.running = 0
        self._counting = Lock()
        self._released = Event()
        self._released.set()

    def hold(self) -> None:
        """Answer no call before `release()`."""
        self._released.clear()

    def release(self) -> None:
        """Answer the calls that wait, and those to come."""
        self._released.set()

    def close(self) -> None:
        """Let go of all calls, and end."""
        self.release()
        super().close()

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address."""
        return {self.name: self.url}

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return self.refusal(401, "Incorrect API key provided.")
        if (request.method, request.path) != ("POST", "/v1/images/generations"):
            return self.refusal(404, "Invalid URL")
        prompt = str(request.document.get("prompt"))
        self._count(prompt, 1)
        self._released.wait()
        self._count(prompt, -1)
        return Reply(200, {"created": 0, "data": [{"b64_json": base64.b64encode(png(prompt)).decode()}]})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"error": {"message": words, "type": "invalid_request_error", "code": None}})

    def _count(self, prompt: str, change: int) -> None:
        with self._counting:
            self.running += change
            self.submissions[prompt] += max(change, 0)
