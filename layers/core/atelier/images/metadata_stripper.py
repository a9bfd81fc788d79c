"""The files that pictures come in: chunks and segments, of which only some make the picture.

Decoders keep or unpack all that they find, before they can be asked how much it is: 48 MB of empty JPEG segments
become 1.6 GB in Pillow, 64 KB of packed PNG texts become 256 MB, and a JPEG may paint itself over a million times.
So what does not make the picture is left out first, here, where nothing is unpacked.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Literal

from atelier.errors import InvalidImageError
from atelier.images.image import sniff

MAX_PARTS = 20_000
"""Enough for 50 MB in chunks of 4 KB."""
MAX_SCANS = 100
"""A progressive JPEG has about a dozen; each costs the decoder a walk over all its pixels."""
MAX_METADATA_BYTES = 64 * 1024
"""For EXIF, and for a colour profile: what fits into one segment of a JPEG."""

_PNG_PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_PNG_METADATA = {b"eXIf", b"iCCP"}

_WEBP_FRAMES = {b"VP8 ", b"VP8L", b"ANMF"}
_WEBP_PICTURE = {b"VP8X", b"ANIM", b"ALPH", *_WEBP_FRAMES}
_WEBP_METADATA = {b"EXIF", b"ICCP"}

_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_ALONE = {0x01, 0xD8}
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_JPEG_JFIF, _JPEG_EXIF = 0xE0, 0xE1
_JPEG_PICTURE = {*range(0xC0, 0xC8), *range(0xC9, 0xD0), _JPEG_SCAN, 0xDB, 0xDC, 0xDD}  # frames, tables, the height
_JPEG_METADATA = {0xE0: b"JFIF\0", 0xE1: b"Exif\0\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}

_ORIENTATION = 0x0112

_CUT_SHORT = "it is cut short"
_TOO_MANY = "it is in more parts than a picture needs"


Exif = Callable[[bytes], bytes]
"""The part of EXIF that is kept."""


def strip_metadata(content: bytes) -> bytes:
    """Return a picture's first frame, its EXIF and colour profile, and nothing else, as a file of the same kind.

    Raises InvalidImageError where it is no PNG, JPEG or WebP, is cut short, or comes in absurdly many parts.
    """
    return _strip(content, bytes)


def strip_private(content: bytes) -> bytes:
    """Return what strip_metadata() does, but of the EXIF the orientation only: no place, time, camera or thumbnail."""
    return _strip(content, _orientation)


def _strip(content: bytes, exif: Exif) -> bytes:
    match sniff(content):
        case "image/png":
            return b"".join(_png(memoryview(content), exif))
        case "image/jpeg":
            return b"".join(_jpeg(memoryview(content), exif))
        case "image/webp":
            return b"".join(_webp(memoryview(content), exif))
    raise InvalidImageError("it is not a PNG, JPEG or WebP picture")


def _orientation(exif: bytes) -> bytes:
    """Write EXIF that says what this one says of the orientation; empty where it says nothing.

    EXIF is a TIFF file: an order of bytes, and a directory of entries of 12 bytes (tag, type, count, value).
    """
    order: Literal["little", "big"] | None = {b"II*\0": "little", b"MM\0*": "big"}.get(exif[:4])  # type: ignore[assignment]
    if order is None:
        return b""
    start = int.from_bytes(exif[4:8], order)
    count = int.from_bytes(exif[start : start + 2], order)
    for at in range(start + 2, min(start + 2 + 12 * count, len(exif) - 11), 12):
        tag, value = int.from_bytes(exif[at : at + 2], order), int.from_bytes(exif[at + 8 : at + 10], order)
        if tag == _ORIENTATION and 1 <= value <= 8:
            entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, value, 0)
            return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return b""


def is_lossless_webp(content: bytes) -> bool:
    """Tell whether a WebP's first frame holds its pixels as they were."""
    frame = next((chunk for kind, chunk in _webp_chunks(memoryview(content)) if kind in _WEBP_FRAMES), b"")
    return b"VP8L" in (bytes(frame[:4]), bytes(frame[24:28]))


def _png(content: memoryview, exif: Exif) -> Iterator[bytes | memoryview]:
    """Walk the chunks: length, kind, content, checksum."""
    yield content[:8]
    start = 8
    for _ in range(MAX_PARTS):
        length = int.from_bytes(content[start : start + 4])
        chunk = content[start : start + 12 + length]
        start += len(chunk)
        if len(chunk) < 12 + length:
            raise InvalidImageError(_CUT_SHORT)
        kind = bytes(chunk[4:8])
        if kind in _PNG_PICTURE or (kind in _PNG_METADATA and length <= MAX_METADATA_BYTES):
            if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
                raise InvalidImageError("it is damaged: a checksum is wrong")
            if kind == b"eXIf":
                yield _png_exif(exif(bytes(chunk[8:-4])))
            else:
                yield chunk
        if kind == b"IEND":
            return
    raise InvalidImageError(_TOO_MANY)


def _png_exif(exif: bytes) -> bytes:
    body = b"eXIf" + exif
    return len(exif).to_bytes(4) + body + zlib.crc32(body).to_bytes(4) if exif else b""


def _jpeg(content: memoryview, exif: Exif) -> Iterator[bytes | memoryview]:
    """Walk the segments: marker, length, content, and after a scan's header the scan, up to the next marker."""
    yield content[:2]
    end = 2
    scans = 0
    metadata = dict(_JPEG_METADATA)
    for _ in range(MAX_PARTS):
        start = _jpeg_marker(content, end)
        code, end = content[start + 1], start + 2
        if code == _JPEG_END:
            yield content[start:end]
            return
        if code in _JPEG_ALONE:
            continue
        end += int.from_bytes(content[end : end + 2])
        if code == _JPEG_SCAN:
            end = _jpeg_marker(content, end)
            scans += 1
        if scans > MAX_SCANS:
            break
        if code in _JPEG_PICTURE:
            yield content[start:end]
        elif code in metadata and bytes(content[start + 4 : end]).startswith(metadata[code]):
            name = metadata.pop(code)
            if code == _JPEG_EXIF:
                yield _jpeg_exif(name, exif(bytes(content[start + 4 + len(name) : end])))
            elif code == _JPEG_JFIF:
                yield _jpeg_jfif(bytes(content[start:end]))
            else:
                yield content[start:end]
    raise InvalidImageError(_TOO_MANY)


def _jpeg_exif(name: bytes, exif: bytes) -> bytes:
    return b"\xff\xe1" + (2 + len(name) + len(exif)).to_bytes(2) + name + exif if exif else b""


def _jpeg_jfif(segment: bytes) -> bytes:
    """Keep the version and the density of a JFIF segment, and no thumbnail."""
    return b"\xff\xe0\0\x10" + segment[4:16].ljust(12, b"\0") + b"\0\0"


def _jpeg_marker(content: memoryview, start: int) -> int:
    """Find where the next marker starts."""
    found = _JPEG_MARKER.search(content, start)
    if found is None:
        raise InvalidImageError(_CUT_SHORT)
    return found.start()


def _webp(content: memoryview, exif: Exif) -> Iterator[bytes | memoryview]:
    """Keep the first chunk of each kind, and say anew how long the whole is."""
    kept: dict[bytes, bytes | memoryview] = {}
    for kind, chunk in _webp_chunks(content):
        if kind in _WEBP_PICTURE or (kind in _WEBP_METADATA and len(chunk) <= 8 + MAX_METADATA_BYTES):
            kept.setdefault(kind, _webp_exif(chunk, exif) if kind == b"EXIF" else chunk)
    yield b"RIFF" + (4 + sum(map(len, kept.values()))).to_bytes(4, "little") + b"WEBP"
    yield from kept.values()


def _webp_exif(chunk: memoryview, exif: Exif) -> bytes:
    length = int.from_bytes(chunk[4:8], "little")
    found = bytes(chunk[8 : 8 + length])
    kept = exif(found.removeprefix(b"Exif\0\0"))
    if found.endswith(kept) and len(kept) >= len(found) - 6:
        return bytes(chunk)
    return b"EXIF" + len(kept).to_bytes(4, "little") + kept + bytes(len(kept) % 2) if kept else b""


def _webp_chunks(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Walk the chunks: kind, length, content, and a byte that makes the length even."""
    whole = 8 + int.from_bytes(content[4:8], "little")
    start = 12
    for _ in range(MAX_PARTS):
        if start == whole:
            return
        length = int.from_bytes(content[start + 4 : start + 8], "little")
        chunk = content[start : start + 8 + length + length % 2]
        start += len(chunk)
        if len(chunk) < 8 + length:
            raise InvalidImageError(_CUT_SHORT)
        yield bytes(chunk[:4]), chunk
    raise InvalidImageError(_TOO_MANY)
