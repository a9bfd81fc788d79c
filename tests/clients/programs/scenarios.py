"""Run a client's scenarios at once, and print what became of each as JSON."""

import base64
import hashlib
import json
import os
import struct
import traceback
import zlib
from concurrent.futures import ThreadPoolExecutor

SETTINGS = json.loads(os.environ["CLIENT_SETTINGS"])
SKETCH = "sketch"
PARALLEL = 3
NAME = os.environ["CLIENT_NAME"]


def png(red: int = 255, width: int = 64, height: int = 64, alpha: int = 255) -> bytes:
    """Make a picture of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\0" + bytes((red, 0, 0, alpha)) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def size(content: bytes) -> tuple[int, int]:
    """Read a PNG's size; AssertionError where it is none."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n"), content[:80]
    return struct.unpack(">II", content[16:24])


def decoded(text: str) -> tuple[int, int]:
    """Read the size of a PNG in base64."""
    return size(base64.b64decode(text, validate=True))


def sha256(content: bytes) -> str:
    """Digest a picture."""
    return hashlib.sha256(content).hexdigest()


def equal(found, wanted) -> None:
    """AssertionError where the two differ."""
    assert found == wanted, f"{found!r} is not {wanted!r}"


def run(scenarios: dict) -> None:
    """Run all, and print a reason for each that failed."""

    def attempt(name: str) -> str:
        try:
            scenarios[name]()
        except Exception as exc:
            return f"{type(exc).__name__}: {exc}"[:600] + traceback.format_exc()[-600:]
        return ""

    wanted = [name for name in json.loads(os.environ["CLIENT_SCENARIOS"]) if name in scenarios]
    with ThreadPoolExecutor(PARALLEL) as threads:
        results = {name: threads.submit(attempt, name) for name in wanted}
        print("\n" + json.dumps({name: result.result() for name, result in results.items()}))
