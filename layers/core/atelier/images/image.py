"""Pictures as bytes: what they are, told without decoding them."""

import base64
import hashlib
import re
from dataclasses import dataclass

from atelier.errors import InvalidImageError

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
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
