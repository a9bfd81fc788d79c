"""A simulator of the Gemini API's generateContent, which answers with one picture."""

import re
from typing import Any

from tests.simulators.server import Job, Reply, Request
from tests.simulators.synchronous import SynchronousSimulator

_CALL = re.compile(r"/v1beta/models/([^/:]+):generateContent")
RATIOS = frozenset({"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"})
SIZES = frozenset({"1K", "2K", "4K"})


class GeminiSimulator(SynchronousSimulator):
    """Takes `POST /v1beta/models/{model}:generateContent`; refusals come with 200, and a wrong key is a 400."""

    name = "gemini"

    @property
    def urls(self) -> dict[str, str]:
        """Its one address, with the version."""
        return {self.name: f"{self.url}/v1beta"}

    def wanted(self, job: Job) -> int:
        """Return one: there is no field for more."""
        return 1

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.headers.get("x-goog-api-key") != self.key:
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
            return self._error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", details)
        if (request.method, request.path) == ("GET", "/v1beta/models"):
            return Reply(200, {"models": []})
        found = _CALL.fullmatch(request.path)
        if request.method != "POST" or not found:
            return self._error(404, "Requested entity was not found.", "NOT_FOUND")
        document = request.document
        config = document.get("generationConfig", {}).get("imageConfig", {})
        if config.get("aspectRatio", "1:1") not in RATIOS or config.get("imageSize", "1K") not in SIZES:
            return self._error(400, "Invalid value at 'generation_config.image_config'", "INVALID_ARGUMENT")
        [content] = document["contents"]
        return self.answer(found[1], document, content["parts"][0]["text"])

    def success(self, job: Job) -> Reply:
        """Send the picture behind one that was only thought of, and words."""
        [picture] = self.drawn(job)
        parts: list[dict[str, Any]] = [
            {"thought": True, "inlineData": {"mimeType": "image/png", "data": "bm8="}},
            {"text": "Here it is."},
            {"inlineData": {"mimeType": "image/png", "data": picture}},
        ]
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        return Reply(200, {"candidates": [candidate], "usageMetadata": {"candidatesTokenCount": 1_120}})

    def unsafe(self, job: Job) -> Reply:
        """Say that the filter took the picture out, or the prompt, with a 200."""
        if len(self.jobs) % 2:
            return Reply(200, {"candidates": [{"finishReason": "IMAGE_SAFETY", "index": 0}]})
        return Reply(200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})

    def failed(self, job: Job) -> Reply:
        """Say that there is no picture, with a 200."""
        return Reply(200, {"candidates": [{"content": {"parts": [{"text": "Sorry."}]}, "finishReason": "NO_IMAGE"}]})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error; a 429 says in its details when to come back."""
        delay = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{self.timing.retry_after}s"}]
        name = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 500: "INTERNAL"}.get(status, "INVALID_ARGUMENT")
        return self._error(status, words, name, delay if status == 429 else [])

    def _error(self, status: int, words: str, name: str, details: list[dict[str, Any]] | None = None) -> Reply:
        return Reply(status, {"error": {"code": status, "message": words, "status": name, "details": details or []}})
