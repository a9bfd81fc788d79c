"""The files that pictures come in: only what makes the picture is left, and no part of a picture is taken for one."""

import io
import struct
import zlib

import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from atelier.errors import InvalidImageError
from atelier.images.metadata_stripper import (
    MAX_METADATA_BYTES,
    MAX_PARTS,
    MAX_SCANS,
    is_lossless_webp,
    strip_metadata,
    strip_private,
)
from tests.cases import each
from tests.unit.pictures import a_picture, png_chunk, read, webp_chunk, webp_of, write

KINDS = ("PNG", "JPEG", "WEBP")
EXIF = Pillow.Exif()
EXIF[0x010E] = "a house"
PNG_START = 33
"""Where a PNG's header ends."""


def chunks(png: bytes) -> list[bytes]:
    """Name the chunks of a PNG."""
    names, start = [], 8
    while start < len(png):
        names.append(png[start + 4 : start + 8])
        start += 12 + int.from_bytes(png[start : start + 4])
    return names


# ---- What is left


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_picture_is_left_as_it_is(kind: str) -> None:
    content = write(a_picture(), kind)
    assert strip_metadata(content) == content


@pytest.mark.parametrize("kind", KINDS)
def test_exif_is_left(kind: str) -> None:
    content = write(a_picture(), kind, exif=EXIF)
    assert strip_metadata(content) == content
    assert b"a house" in content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turn", [None, 1, 6, 8])
def test_of_private_exif_only_the_orientation_is_left(kind: str, order: str, turn: int | None) -> None:
    exif = Pillow.Exif()
    exif.endian = order
    exif[0x010E] = "my house"
    if turn:
        exif[0x0112] = turn
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    content = write(a_picture(), kind, exif=exif)
    assert b"my house" in content
    stripped = strip_private(content + b"<html>")
    assert b"my house" not in stripped
    picture = read(stripped)
    found = picture.getexif()
    assert (dict(found), found.get_ifd(0x8825)) == ({0x0112: turn} if turn else {}, {})
    assert picture.tobytes() == read(content).tobytes()
    assert strip_private(stripped) == stripped


@each(
    "exif",
    [
        b"", b"II*", b"XX*\0\0\0\0\x08", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff",
        b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\x09\0\0", b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3",
        b"x" * 60_000,
    ],
)  # fmt: skip
def test_exif_that_says_nothing_of_the_orientation_goes(exif: bytes) -> None:
    plain = write(a_picture(), "PNG")
    assert strip_private(plain[:PNG_START] + png_chunk(b"eXIf", exif) + plain[PNG_START:]) == plain


def test_the_thumbnail_of_a_jpegs_header_goes() -> None:
    plain = write(a_picture(), "JPEG")
    assert plain[2:11] == b"\xff\xe0\0\x10JFIF\0"
    padded = plain[:2] + b"\xff\xe0\0\x16" + plain[6:18] + b"\1\2secret" + plain[20:]
    assert strip_private(padded) == plain


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_picture_goes(kind: str) -> None:
    content = write(a_picture(), kind)
    assert strip_metadata(content + content) == content


def test_of_a_png_only_what_makes_the_picture_is_left() -> None:
    texts = PngInfo()
    texts.add_text("Comment", "hello", zip=True)
    texts.add_itxt("XML:com.adobe.xmp", "hello")
    texts.add(b"prIv", b"hello")
    content = write(a_picture("P"), "PNG", pnginfo=texts, dpi=(72, 72), transparency=0, exif=EXIF)
    assert chunks(strip_metadata(content)) == [b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"]


def test_of_an_animated_png_the_first_frame_is_left() -> None:
    content = write(a_picture(), "PNG", save_all=True, append_images=[a_picture().rotate(180)])
    assert {b"acTL", b"fcTL", b"fdAT"} <= set(chunks(content))
    assert strip_metadata(content) == write(a_picture(), "PNG")


def test_of_a_jpeg_only_what_makes_the_picture_is_left() -> None:
    content = write(a_picture(), "JPEG", comment=b"hello", xmp=b"hello", exif=EXIF)
    assert strip_metadata(content) == write(a_picture(), "JPEG", exif=EXIF)


def test_of_a_jpeg_the_first_of_each_metadata_is_left() -> None:
    content = write(a_picture(), "JPEG")
    segment = b"\xff\xe1\0\x0cExif\0\0more"
    assert strip_metadata(content[:2] + segment * 3 + content[2:]) == content[:2] + segment + content[2:]


def test_fill_bytes_between_segments_go() -> None:
    content = write(a_picture(), "JPEG")
    assert strip_metadata(content[:2] + b"\xff\xff" + content[2:]) == content


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 1}])
def test_all_scans_of_a_jpeg_are_left(options: dict[str, int]) -> None:
    content = write(a_picture(), "JPEG", **options)
    assert strip_metadata(content) == content


def test_of_several_pictures_in_one_jpeg_the_first_is_left() -> None:
    content = write(a_picture(), "MPO", save_all=True, append_images=[a_picture().rotate(180)])
    assert strip_metadata(content) == write(a_picture(), "JPEG")


def test_of_a_webp_only_what_makes_the_picture_is_left() -> None:
    content = write(a_picture(), "WEBP", xmp=b"hello", exif=EXIF)
    left = strip_metadata(content)
    assert b"hello" not in left
    assert len(left) == int.from_bytes(left[4:8], "little") + 8
    assert Pillow.open(io.BytesIO(left)).getexif()[0x010E] == "a house"


def test_of_an_animated_webp_the_first_frame_is_left() -> None:
    content = write(a_picture(), "WEBP", save_all=True, append_images=[a_picture().rotate(180)])
    assert content.count(b"ANMF") == 2
    assert strip_metadata(content).count(b"ANMF") == 1


@pytest.mark.parametrize(("length", "left"), [(MAX_METADATA_BYTES, True), (MAX_METADATA_BYTES + 1, False)])
def test_metadata_that_is_too_long_goes(length: int, left: bool) -> None:
    content = write(a_picture(), "PNG")
    content = content[:PNG_START] + png_chunk(b"eXIf", bytes(length)) + content[PNG_START:]
    assert (b"eXIf" in strip_metadata(content)) is left
    content = webp_of(webp_chunk(b"EXIF", bytes(length)) + write(a_picture(), "WEBP")[12:])
    assert (b"EXIF" in strip_metadata(content)) is left


# ---- What is refused


@each("kind", KINDS)
@each("options", [{}, {"exif": EXIF}, {"progressive": True}])
def test_a_picture_cut_anywhere_is_refused(kind: str, options: dict[str, object]) -> None:
    content = write(a_picture(), kind, **options)
    for length in range(len(content)):
        with pytest.raises(InvalidImageError, match=r"cut short|not a PNG"):
            strip_metadata(content[:length])


def test_a_wrong_checksum_is_refused_wherever_it_counts() -> None:
    content = write(a_picture(), "PNG")
    for position in (PNG_START - 1, content.index(b"IDAT") + 50, len(content) - 1):
        with pytest.raises(InvalidImageError, match="checksum"):
            strip_metadata(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", struct.pack(">I", 10_000)])
def test_a_chunk_longer_than_its_file_is_refused(length: bytes) -> None:
    png = write(a_picture(), "PNG")
    webp = write(a_picture(), "WEBP")
    for content in (
        png[:PNG_START] + length + png[PNG_START + 4 :],
        webp[:16] + length[::-1] + webp[20:],
        webp[:4] + length[::-1] + webp[8:],
    ):
        with pytest.raises(InvalidImageError, match="cut short"):
            strip_metadata(content)


def test_a_webp_shorter_than_its_chunks_is_refused() -> None:
    content = write(a_picture(), "WEBP")
    for length in (0, 3, 11, len(content) - 10):
        with pytest.raises(InvalidImageError, match="cut short"):
            strip_metadata(content[:4] + struct.pack("<I", length) + content[8:])


def full_of_parts(kind: str, number: int) -> bytes:
    """Write a picture with so many parts more."""
    content = write(a_picture(), kind)
    match kind:
        case "PNG":
            return content[:PNG_START] + png_chunk(b"teXt", b"") * number + content[PNG_START:]
        case "JPEG":
            return content[:2] + b"\xff\xe5\0\2" * number + content[2:]
    return webp_of(content[12:] + webp_chunk(b"teXt", b"") * number)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_counted(kind: str) -> None:
    content = write(a_picture(), kind)
    assert strip_metadata(full_of_parts(kind, MAX_PARTS - 100)) == content
    with pytest.raises(InvalidImageError, match="parts"):
        strip_metadata(full_of_parts(kind, MAX_PARTS))


def test_scans_are_counted() -> None:
    content = write(a_picture(), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    scans = content.count(b"\xff\xda")
    most = content[:-2] + last * (MAX_SCANS - scans) + content[-2:]
    assert strip_metadata(most) == most
    with pytest.raises(InvalidImageError, match="parts"):
        strip_metadata(content[:-2] + last * (MAX_SCANS - scans + 1) + content[-2:])


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"GIF89a", zlib.compress(b"")])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidImageError, match="not a PNG, JPEG or WebP"):
        strip_metadata(content)


# ---- Without loss


@each("mode", ["RGB", "RGBA"])
@each("options", [{}, {"exif": EXIF}, {"save_all": True, "append_images": [a_picture().rotate(90)]}])
@each("lossless", [True, False])
def test_a_webp_tells_whether_it_is_lossless(mode: str, options: dict[str, object], lossless: bool) -> None:
    assert is_lossless_webp(write(a_picture(mode), "WEBP", lossless=lossless, **options)) is lossless


def test_a_webp_without_a_frame_is_not_lossless() -> None:
    assert not is_lossless_webp(webp_of(webp_chunk(b"EXIF", b"VP8L")))
