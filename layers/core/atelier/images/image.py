"""Pictures as bytes: what they are, told without decoding them."""

import base64
import hashlib
import re
import struct
from dataclasses import dataclass

from atelier.errors import InvalidImageError

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
MAX_SEGMENTS = 1_000
"""So many segments of a JPEG are walked to find its size."""
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DATA_URL = re.compile(r"data:image/[\w.+-]{1,64};base64", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture that was decoded and written anew: its bytes, media type, and size in pixels; perhaps a small one."""

    content: bytes
    content_type: str
    width: int
    height: int
    thumbnail: "EncodedImage | None" = None

    @property
    def sha256(self) -> str:
        """Its bytes' digest, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def extension(self) -> str:
        """The extension of a file's name."""
        return EXTENSIONS[self.content_type]


def sniff(content: bytes) -> str | None:
    """Tell a picture's media type by its first bytes; None where it is none of those that we keep."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def size_of(content: bytes) -> tuple[int, int] | None:
    """Read a picture's width and height, in pixels, from its header, as they are before its EXIF turns it, or None."""
    try:
        match sniff(content):
            case "image/png":
                return struct.unpack(">II", content[16:24])
            case "image/jpeg":
                return _jpeg_size(content)
            case "image/webp":
                return _webp_size(content)
    except struct.error:
        pass
    return None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Walk the segments to the frame's header."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        marker, kind, length = struct.unpack(">BBH", content[at : at + 4])
        if marker != 0xFF:
            return None
        if kind in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


def _webp_size(content: bytes) -> tuple[int, int] | None:
    """Read the extended header, or that of the one frame."""
    match content[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(content[start : start + 3], "little") + 1 for start in (24, 27))
        case b"VP8L":
            (bits,) = struct.unpack("<I", content[21:25])
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack("<HH", content[26:30]))
        case _:
            return None
    return width, height


def parse_data_url(text: str, *, max_bytes: int) -> bytes:
    """Return the picture in a `data:image/...;base64,` URL (RFC 2397); InvalidImageError where there is none.

    Its own bytes decide what kind of picture it is, whatever the URL calls it.
    """
    header, _, encoded = text.partition(",")
    if not _DATA_URL.fullmatch(header):
        raise InvalidImageError('it does not start with "data:image/png;base64,", or the same of another picture')
    if len(encoded) // 4 * 3 - encoded[-2:].count("=") > max_bytes:
        raise InvalidImageError(f"it is larger than {max_bytes // 1024} KB")
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError as exc:
        raise InvalidImageError("what follows the comma is not base64, or is cut short") from exc
    if sniff(content) is None:
        raise InvalidImageError("it holds no PNG, JPEG or WebP picture")
    return content
