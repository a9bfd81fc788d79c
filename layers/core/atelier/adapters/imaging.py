"""Pixels: what comes from outside is decoded and written anew, so that nothing but the picture is kept."""

import io

from PIL import Image as Pillow

from atelier.errors import InvalidImageError
from atelier.providers import Image

MAX_PIXELS = 64_000_000
THUMBNAIL_PIXELS = 512
_CONTENT_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def sanitise(content: bytes) -> Image:
    """Return the same picture, re-encoded in its own format; InvalidImageError where it is none that we keep."""
    picture = _open(content)
    written = io.BytesIO()
    match picture.format:
        case "JPEG":
            picture.save(written, "JPEG", quality="keep", comment=b"")
        case "WEBP":
            picture.save(written, "WEBP", quality=95)
        case _:  # of an MPO, several pictures in one JPEG, the first
            picture.save(written, "PNG")
    return Image(written.getvalue(), _CONTENT_TYPES.get(picture.format or "", "image/png"))


def thumbnail(content: bytes) -> Image:
    """Make a small WebP of a picture, at most 512 pixels a side."""
    picture = _open(content)
    picture.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    written = io.BytesIO()
    picture.convert("RGBA" if "A" in picture.getbands() else "RGB").save(written, "WEBP", quality=80)
    return Image(written.getvalue(), "image/webp")


def _open(content: bytes) -> Pillow.Image:
    try:
        picture = Pillow.open(io.BytesIO(content), formats=tuple(_CONTENT_TYPES))
        if picture.width * picture.height > MAX_PIXELS:
            raise InvalidImageError(f"the picture is larger than {MAX_PIXELS // 1_000_000} megapixels")
        picture.load()
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as exc:
        raise InvalidImageError("it is not a whole PNG, JPEG or WebP picture") from exc
    return picture
