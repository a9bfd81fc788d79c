"""A simulator of Ideogram 3.0 and 4.0, which answer with URLs."""

import re
from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message
from io import BytesIO

from PIL import Image

from tests.simulators.server import Job, Reply, Request
from tests.simulators.synchronous import SynchronousSimulator

_CALL = re.compile(r"/v1/(ideogram-v[34])/(generate|remix|inpaint)")
FIELDS = {
    "ideogram-v3": frozenset(
        {
            "prompt", "negative_prompt", "aspect_ratio", "rendering_speed", "num_images", "seed", "magic_prompt",
            "style_type",
        }
    ),
    "ideogram-v4": frozenset({"text_prompt", "resolution", "rendering_speed"}),
}  # fmt: skip
FILES = {"generate": (), "remix": ("image",), "inpaint": ("image", "mask")}
SPEEDS = ("TURBO", "DEFAULT", "QUALITY")
SIZES = frozenset(
    {
        "2048x2048", "1440x2880", "2880x1440", "1664x2496", "2496x1664", "1792x2240", "2240x1792", "1440x2560",
        "2560x1440", "1600x2560", "2560x1600", "1728x2304", "2304x1728", "1296x3168", "3168x1296", "1152x2944",
        "2944x1152", "1248x3328", "3328x1248", "1280x3072", "3072x1280",
    }
)  # fmt: skip
"""Resolutions of the fourth version, which picks one where none is given."""


class IdeogramSimulator(SynchronousSimulator):
    """Takes forms at `/v1/{model}/generate`, and with a picture at `/remix`."""

    name = "ideogram"

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.headers.get("api-key") != self.key:
            return self.refusal(401, "Invalid API key")
        found = _CALL.fullmatch(request.path)
        if not found:
            return self.refusal(404, "Not found")
        if request.method != "POST":
            return self.refusal(405, "Method not allowed")
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = message_from_bytes(head + request.body).walk()
        given = {part.get_param("name", header="content-disposition"): _content(part) for part in parts}
        files: dict[str, bytes] = {name: given.pop(name) for name in ("image", "mask") if name in given}
        fields = {str(name): value.decode() for name, value in given.items() if name and value}
        model, prompt = found[1], fields.get("prompt" if found[1] == "ideogram-v3" else "text_prompt")
        if strange := set(fields) - FIELDS[model]:
            return self.refusal(400, f"unknown fields: {sorted(strange)}")
        if tuple(files) != FILES[found[2]] or (found[2] == "inpaint" and (model != "ideogram-v3" or _marks(files) < 1)):
            return self.refusal(400, "the picture or its mask is not as it should be")
        if fields.get("rendering_speed", "DEFAULT") not in SPEEDS:
            return self.refusal(400, "the rendering speed is not as it should be")
        shaped = re.fullmatch("[0-9]+x[0-9]+", fields.get("aspect_ratio", "1x1"))
        if not prompt or not shaped or fields.get("resolution", "2048x2048") not in SIZES:
            return self.refusal(400, "the prompt or the shape is not as it should be")
        return self.answer(model, fields, prompt)

    def success(self, job: Job) -> Reply:
        """Send the pictures' URLs."""
        return Reply(200, {"created": "2026-11-26T00:00:00Z", "data": [_image(url) for url in self.pictures(job)]})

    def unsafe(self, job: Job) -> Reply:
        """Send pictures without URLs."""
        return Reply(200, {"created": "2026-11-26T00:00:00Z", "data": [_image(None)] * self.wanted(job)})

    def failed(self, job: Job) -> Reply:
        """Send nothing."""
        return Reply(200, {"created": "2026-11-26T00:00:00Z", "data": []})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"error": words})


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _marks(files: Mapping[str, bytes]) -> int:
    """Count the pixels that a mask of black and white marks by its black; -1 where it is no such mask."""
    picture, mask = Image.open(BytesIO(files["image"])), Image.open(BytesIO(files["mask"]))
    pixels = mask.convert("L").tobytes()
    return pixels.count(0) if mask.size == picture.size and set(pixels) <= {0, 255} else -1


def _image(url: str | None) -> dict[str, object]:
    safe = {"prompt": "", "resolution": "1024x1024", "seed": 1, "style_type": "GENERAL", "is_image_safe": bool(url)}
    return {"url": url, **safe} if url else safe
