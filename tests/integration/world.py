"""The world outside AWS: clients' receivers and a provider."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from PIL import Image

from tests.integration.stack import API_ID, REGION

RECEIVER = "your-server.com"
BASE = f"https://{API_ID}.execute-api.{REGION}.amazonaws.com/api"
SKETCH = json.dumps(
    {
        "model": "sketch",
        "input": {"prompt": "a lighthouse", "width": 256, "height": 256},
        "webhook": f"https://{RECEIVER}/api/webhook",
    }
)


@dataclass
class Internet:
    """Answers outbound HTTP by host; there is nobody at any other."""

    hosts: dict[str, Callable[[httpx.Request], httpx.Response]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host not in self.hosts:
            raise httpx.ConnectError("nobody there")
        return self.hosts[request.url.host](request)

    def to(self, host: str) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.host == host]


def accept(_: httpx.Request) -> httpx.Response:
    return httpx.Response(204)


def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(written, "PNG")
    return written.getvalue()


class Studio:
    """Artificial Studio, as its documentation says."""

    def __init__(self, key: str = "studio-key") -> None:
        self.key = key
        self.status = "processing"
        self.webhook = ""

    def __call__(self, asked: httpx.Request) -> httpx.Response:
        if asked.headers["Authorization"] != self.key:
            return httpx.Response(401, json={"message": "Invalid API key"})
        if asked.method == "POST":
            self.webhook = json.loads(asked.content)["webhook"]
            return httpx.Response(202, json={"id": "job1", "status": "processing"})
        output = "https://files.artificialstudio.ai/1.png" if self.status == "success" else None
        return httpx.Response(200, json={"id": "job1", "status": self.status, "output": output, "error": None})
