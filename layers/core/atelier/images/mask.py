"""Masks as they are stored: a PNG of one byte for each pixel, white where the picture is to be changed.

No row of it is filtered, so that it can be turned around without decoding a picture.
"""

import struct
import zlib

from atelier.images.image import size_of

_GREY, _RGBA = 0, 6
_INVERTED = bytes(range(255, -1, -1))
_WITHOUT_GREY = bytes(128) + b"\xff" * 128
_DATA, _END = 8 + 25 + 8, -(4 + 12)
"""Where the data are: after the signature, IHDR and the head of IDAT, and before its checksum and IEND."""


def size_fault(picture: bytes, mask: bytes) -> str | None:
    """Say what is wrong with a mask's size by the files' headers, None where nothing is, or they do not tell.

    A picture that its EXIF turns may have either orientation here; its pixels are compared when they are decoded.
    """
    size, other = size_of(picture), size_of(mask)
    return None if size is None or other is None or sorted(size) == sorted(other) else differs(other, size)


def differs(mask: tuple[int, int], picture: tuple[int, int]) -> str:
    """Say that a mask has another size than its picture."""
    (width, height), (wide, high) = mask, picture
    return f"it has {width} x {height} pixels, and the picture {wide} x {high}; make both the same size"


def write_mask(width: int, height: int, pixels: bytes) -> bytes:
    """Write a mask of these pixels, row by row: 255 where the picture is to be changed, 0 where it is kept."""
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, width * height, width))
    return _png(width, height, _GREY, rows)


def with_alpha(mask: bytes) -> bytes:
    """Return a mask that write_mask() wrote as others want it: black, and transparent where it was white."""
    width, height = struct.unpack(">II", mask[16:24])
    rows = zlib.decompress(mask[_DATA:_END])
    written = bytearray()
    for start in range(0, height * (width + 1), width + 1):
        row = bytearray(4 * width)
        row[3::4] = rows[start + 1 : start + 1 + width].translate(_INVERTED)
        written += b"\0" + row
    return _png(width, height, _RGBA, bytes(written))


def black_and_white(mask: bytes, *, inverted: bool = False) -> bytes:
    """Return a mask that write_mask() wrote without its greys, for those who take none; black for white if inverted."""
    width, height = struct.unpack(">II", mask[16:24])
    rows = zlib.decompress(mask[_DATA:_END])
    tones = _WITHOUT_GREY.translate(_INVERTED) if inverted else _WITHOUT_GREY
    lines = (rows[start + 1 : start + 1 + width] for start in range(0, height * (width + 1), width + 1))
    return _png(width, height, _GREY, b"".join(b"\0" + line.translate(tones) for line in lines))


def _png(width: int, height: int, colours: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
