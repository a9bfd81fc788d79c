"""Pictures, and the parts of their files, for tests."""

import io
import struct
import zlib
from typing import Any

from PIL import Image as Pillow


def a_picture(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Pillow.Image:
    """Paint gradients, other ones in every band."""
    gradient = Pillow.linear_gradient("L").resize(size)
    bands = [gradient.rotate(90 * turn).resize(size) for turn in range(4)]
    coloured = Pillow.merge("RGBA", bands)
    return coloured.convert(mode) if mode in ("RGBA", "LA") else coloured.convert("RGB").convert(mode)


def write(picture: Pillow.Image, kind: str, **options: Any) -> bytes:
    """Write a picture as Pillow does."""
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def read(content: bytes) -> Pillow.Image:
    """Decode a picture as Pillow does."""
    picture = Pillow.open(io.BytesIO(content))
    picture.load()
    return picture


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Write a PNG's chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(
    width: int, height: int, pixels: bytes = b"", *, bits: int = 1, colour: int = 0, interlace: int = 0
) -> bytes:
    """Write a PNG of that size, with any pixels: rows, each after the number of its filter."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    data = png_chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + data + png_chunk(b"IEND", b"")


def webp_chunk(kind: bytes, content: bytes) -> bytes:
    """Write a WebP's chunk."""
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def webp_of(chunks: bytes) -> bytes:
    """Write a WebP of chunks."""
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks
