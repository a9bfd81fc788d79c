"""Imaging: nothing but the picture is kept, nothing but pictures is taken, and nothing makes it take much memory."""

import hashlib
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import ImageChops, ImageCms, ImageOps, ImageStat
from PIL.JpegImagePlugin import JpegImageFile, get_sampling
from PIL.PngImagePlugin import PngInfo

from atelier.adapters.pillow import LIMITS, MAX_SIDE, THUMBNAIL_PIXELS, sanitise, thumbnail
from atelier.errors import InvalidImageError
from atelier.images.image import EncodedImage
from tests.cases import each
from tests.unit.pictures import a_picture, png_chunk, png_of, read, webp_chunk, webp_of, write

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SECRET = b"where the photographer lives"
LAYER = Path(__file__).parents[2] / "layers" / "core"


def apart(first: Pillow.Image, second: Pillow.Image) -> float:
    """Return the mean difference of two pictures on grey, of 255."""
    assert first.size == second.size
    seen = [Pillow.alpha_composite(Pillow.new("RGBA", it.size, "grey"), it.convert("RGBA")) for it in (first, second)]
    return max(ImageStat.Stat(ImageChops.difference(*seen)).mean)


def after_png_header(content: bytes, chunk: bytes) -> bytes:
    return content[:33] + chunk + content[33:]


# ---- What is kept


@pytest.mark.parametrize("kind", FORMATS)
def test_a_clean_picture_knows_what_it_is(kind: str) -> None:
    clean = sanitise(write(a_picture(), kind))
    assert (clean.content_type, clean.width, clean.height) == (FORMATS[kind], 48, 32)
    assert (read(clean.content).format, read(clean.content).size) == (kind, (48, 32))
    assert clean.sha256 == hashlib.sha256(clean.content).hexdigest()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_keeps_every_pixel(mode: str) -> None:
    original = Pillow.new("I;16", (8, 8), 40_000) if mode == "I;16" else a_picture(mode)
    clean = sanitise(write(original, "PNG"))
    assert (read(clean.content).mode, read(clean.content).tobytes()) == (original.mode, original.tobytes())


def test_a_png_keeps_its_transparent_colour() -> None:
    original = a_picture("P")
    clean = sanitise(write(original, "PNG", transparency=0))
    assert read(clean.content).info["transparency"] == 0


def test_an_interlaced_png_is_read() -> None:
    original = a_picture("L", (8, 8))
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    pixels = original.tobytes()
    rows = [
        b"\0" + bytes(pixels[y * 8 + x] for x in range(left, 8, across))
        for left, top, across, down in passes
        for y in range(top, 8, down)
    ]
    clean = sanitise(png_of(8, 8, b"".join(rows), bits=8, interlace=1))
    assert read(clean.content).tobytes() == original.tobytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_one_pixel_is_a_picture(kind: str) -> None:
    content = write(a_picture(size=(1, 1)), kind)
    assert [(made.width, made.height) for made in (sanitise(content), thumbnail(content))] == [(1, 1), (1, 1)]


@each(
    ("mode", "kind", "options", "most"),
    [
        ("RGB", "JPEG", {"quality": 90}, 2.0),
        ("RGB", "JPEG", {"quality": 30, "progressive": True}, 1.0),
        ("L", "JPEG", {}, 1.0),
        ("CMYK", "JPEG", {}, 2.0),
        ("RGB", "WEBP", {"quality": 90}, 3.0),
        ("RGB", "WEBP", {"lossless": True}, 0.0),
        ("RGBA", "WEBP", {"lossless": True}, 0.0),
        ("RGBA", "WEBP", {"quality": 90}, 0.0),
    ],
)
def test_a_lossy_picture_stays_what_it_is(mode: str, kind: str, options: dict[str, Any], most: float) -> None:
    content = write(a_picture(mode), kind, **options)
    clean = sanitise(content)
    assert clean.content_type == FORMATS[kind]
    assert (read(clean.content).format, read(clean.content).mode) == (kind, mode)
    assert apart(read(content), read(clean.content)) <= most


@pytest.mark.parametrize("sampling", [0, 1, 2])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_keeps_its_tables(sampling: int, orientation: int) -> None:
    content = write(a_picture(), "JPEG", quality=70, subsampling=sampling, exif=exif(orientation))
    before, after = read(content), read(sanitise(content).content)
    assert isinstance(before, JpegImageFile)
    assert isinstance(after, JpegImageFile)
    assert (after.quantization, get_sampling(after)) == (before.quantization, sampling)


def test_a_jpeg_whose_first_table_is_missing_is_still_a_jpeg() -> None:
    content = write(a_picture("L"), "JPEG")
    content = content.replace(b"\xff\xdb\0\x43\0", b"\xff\xdb\0\x43\1").replace(b"\1\x11\0\xff", b"\1\x11\1\xff")
    original = read(content)
    assert isinstance(original, JpegImageFile)
    assert set(original.quantization) == {1}
    assert apart(original, read(sanitise(content).content)) < 2.0


@pytest.mark.parametrize(
    "content",
    [
        write(a_picture(), "MPO", save_all=True, append_images=[a_picture().rotate(180)]),
        write(a_picture(), "WEBP", save_all=True, append_images=[a_picture().rotate(180)]),
        write(a_picture(), "PNG", save_all=True, append_images=[a_picture().rotate(180)]),
    ],
    ids=["JPEG", "WEBP", "PNG"],
)
def test_of_several_pictures_the_first_is_kept(content: bytes) -> None:
    for made in (sanitise(content), thumbnail(content)):
        assert getattr(read(made.content), "n_frames", 1) == 1
        assert apart(a_picture(), read(made.content)) < 6.0
    assert sanitise(content).content_type == FORMATS[{"MPO": "JPEG"}.get(kind := str(read(content).format), kind)]


# ---- Which way is up


def exif(orientation: int) -> Pillow.Exif:
    found = Pillow.Exif()
    found[0x0112] = orientation
    found[0x010E] = SECRET.decode()
    return found


@each("function", [sanitise, thumbnail])
@each("kind", FORMATS)
@each("orientation", range(10))
def test_a_picture_comes_upright(orientation: int, kind: str, function: Callable[[bytes], EncodedImage]) -> None:
    content = write(a_picture(), kind, exif=exif(orientation), quality=95)
    made = function(content)
    upright = ImageOps.exif_transpose(read(content))
    assert (made.width, made.height) == upright.size
    assert apart(upright, read(made.content)) < 6.0
    assert not read(made.content).getexif()


def test_the_sixth_orientation_is_turned_to_the_right() -> None:
    original = Pillow.new("RGB", (48, 32))
    original.paste("red", (0, 0, 24, 16))
    clean = read(sanitise(write(original, "PNG", exif=exif(6))).content)
    assert clean.getbbox() == (16, 0, 32, 24)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("broken", [b"", b"MM", b"MM\0*", b"II*\0\xff\xff\xff\xff", b"nothing", exif(6).tobytes()[:20]])
def test_exif_that_cannot_be_read_turns_nothing(kind: str, broken: bytes) -> None:
    content = write(a_picture(), kind, exif=b"Exif\0\0" + broken)
    assert (sanitise(content).width, thumbnail(content).width) == (48, 48)


# ---- Colours


def a_profile(primaries: tuple[tuple[float, ...], ...], space: bytes = b"RGB ", **more: bytes) -> bytes:
    """Write a colour profile with the primaries' XYZ, as ICC.1:2001-04 says."""

    def numbers(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65_536)) for value in values)

    curve = b"curv" + bytes(4) + struct.pack(">IH2x", 1, round(2.2 * 256))
    tags = {
        b"cprt": b"text" + bytes(4) + SECRET + b"\0",
        b"wtpt": b"XYZ " + bytes(4) + numbers(0.9642, 1.0, 0.8249),
        **{
            colour + b"XYZ": b"XYZ " + bytes(4) + numbers(*xyz)
            for colour, xyz in zip((b"r", b"g", b"b"), primaries, strict=True)
        },
        **{colour + b"TRC": curve for colour in (b"r", b"g", b"b")},
        **{name.encode(): content for name, content in more.items()},
    }
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x", 132 + len(table) - 4 + len(body), 0x02400000, b"mntr", space, b"XYZ ", b"acsp"
    )
    return head + numbers(0.9642, 1.0, 0.8249) + bytes(48) + table + body


ADOBE_RGB = a_profile(((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)))
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
HUGE_TABLE = b"mft2" + bytes(4) + bytes([3, 15, 255, 0]) + bytes(36) + struct.pack(">HH", 2, 2) + b"\0\0\xff\xff" * 3
BOMB_PROFILE = a_profile(((0.4, 0.2, 0.0), (0.4, 0.7, 0.1), (0.1, 0.1, 0.7)), A2B0=HUGE_TABLE + bytes(1_000))


@each("function", [sanitise, thumbnail])
@each(
    ("mode", "kind"),
    [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("RGB", "JPEG"), ("RGB", "WEBP"), ("RGBA", "WEBP")],
)
def test_colours_become_those_of_srgb(mode: str, kind: str, function: Callable[[bytes], EncodedImage]) -> None:
    """This red of Adobe RGB, seen in sRGB, was worked out by hand from both specifications."""
    content = write(Pillow.new("RGB", (16, 16), (150, 100, 50)).convert(mode), kind, icc_profile=ADOBE_RGB, quality=95)
    seen = read(function(content).content)
    assert "icc_profile" not in seen.info
    middle = seen.convert("RGB").getpixel((8, 8))
    assert isinstance(middle, tuple)
    assert [abs(have - want) <= 3 for have, want in zip(middle, (169, 100, 42), strict=True)] == [True] * 3


def test_colours_of_srgb_stay() -> None:
    clean = sanitise(write(a_picture(), "PNG", icc_profile=SRGB))
    assert read(clean.content).tobytes() == a_picture().tobytes()


def test_a_transparent_colour_is_turned_with_its_picture() -> None:
    original = Pillow.new("RGB", (16, 16), (150, 100, 50))
    original.paste((0, 255, 0), (0, 0, 8, 16))
    clean = read(sanitise(write(original, "PNG", icc_profile=ADOBE_RGB, transparency=(0, 255, 0))).content)
    assert clean.getchannel("A").getcolors() == [(128, 0), (128, 255)]


USELESS = {
    "no profile": b"no profile",
    "half": ADOBE_RGB[:200],
    "a curve is missing": ADOBE_RGB.replace(b"rTRC", b"rtrc"),
    "too long": ADOBE_RGB + bytes(70_000),
    "of CMYK": ADOBE_RGB.replace(b"RGB ", b"CMYK", 1),
    "of grey": ADOBE_RGB.replace(b"RGB ", b"GRAY", 1),
    "a huge table": BOMB_PROFILE,
}


@each(
    ("mode", "kind", "name"),
    [
        *(("RGB", kind, name) for kind in FORMATS for name in USELESS),
        *(("L", kind, "of grey") for kind in FORMATS),
        ("CMYK", "JPEG", "of CMYK"),
    ],
)
def test_a_profile_that_cannot_be_used_is_dropped_picture_kept(mode: str, kind: str, name: str) -> None:
    content = write(a_picture(mode), kind, icc_profile=USELESS[name])
    clean = read(sanitise(content).content)
    assert "icc_profile" not in clean.info
    assert apart(read(content), clean) < 3.0


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_of_a_profile_is_kept(kind: str) -> None:
    content = write(a_picture(), kind, icc_profile=ADOBE_RGB)
    assert SECRET in read(content).info["icc_profile"]
    for made in (sanitise(content), thumbnail(content)):
        assert SECRET not in made.content
        assert "icc_profile" not in read(made.content).info


# ---- What is not kept


def a_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("secret.txt", SECRET)
    return content.getvalue()


HTML = b"<!doctype html><script>/*" + SECRET + b"*/</script>"
PHP = b"<?php /* " + SECRET + b" */ ?>"
TEXTS = PngInfo()
TEXTS.add_text("Comment", SECRET.decode())
TEXTS.add_itxt("XML:com.adobe.xmp", SECRET.decode())
TEXTS.add(b"prIv", HTML)
PNG, JPEG, WEBP = (write(a_picture(), kind) for kind in FORMATS)
POLYGLOTS = {
    **{f"{kind} and zip": write(a_picture(), kind) + a_zip() for kind in FORMATS},
    **{f"{kind} and html": write(a_picture(), kind) + HTML for kind in FORMATS},
    **{f"{kind} and another {kind}": write(a_picture(), kind, exif=exif(1)) * 2 for kind in FORMATS},
    **{f"exif of {kind}": write(a_picture(), kind, exif=exif(1)) for kind in FORMATS},
    **{f"xmp of {kind}": write(a_picture(), kind, xmp=HTML) for kind in ("JPEG", "WEBP")},
    "texts of png": write(a_picture(), "PNG", pnginfo=TEXTS),
    "html in a png's first chunk": after_png_header(PNG, png_chunk(b"aaAa", HTML)),
    "php in a jpeg's comment": write(a_picture(), "JPEG", comment=PHP),
    "html in a jpeg's first segment": JPEG[:2] + b"\xff\xef" + struct.pack(">H", 2 + len(HTML)) + HTML + JPEG[2:],
    "html between a jpeg's segments": JPEG[:20] + HTML + JPEG[20:],
    "html in a webp's chunk": webp_of(webp_chunk(b"html", HTML) + WEBP[12:]),
    "html after a png's pixels": PNG[:-12] + png_chunk(b"IDAT", HTML) + PNG[-12:],
    "html after a jpeg's pixels": JPEG[:-2] + HTML + JPEG[-2:],
    "html after a webp's pixels": webp_of(webp_chunk(b"VP8 ", WEBP[20:] + HTML)),
}


@each("function", [sanitise, thumbnail])
@each("name", POLYGLOTS)
def test_of_two_things_in_one_only_the_picture_is_kept(name: str, function: Callable[[bytes], EncodedImage]) -> None:
    content = POLYGLOTS[name]
    assert SECRET in content
    made = function(content)
    assert SECRET not in made.content
    assert not zipfile.is_zipfile(io.BytesIO(made.content))
    assert apart(a_picture(), read(made.content)) < 8.0


def test_a_zip_was_there() -> None:
    assert zipfile.is_zipfile(io.BytesIO(POLYGLOTS["PNG and zip"]))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_clean_picture_stays_clean(kind: str) -> None:
    once = sanitise(write(a_picture(), kind))
    assert sanitise(once.content).content_type == once.content_type


# ---- What is refused


def jpeg_of(width: int, height: int) -> bytes:
    """Write a JPEG that claims a size."""
    start = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:start] + struct.pack(">HH", height, width) + JPEG[start + 4 :]


def webp_that_claims(width: int, height: int) -> bytes:
    """Write a WebP without loss that claims a size."""
    content = write(a_picture(), "WEBP", lossless=True)
    bits = int.from_bytes(content[21:25], "little") >> 28 << 28 | (height - 1) << 14 | (width - 1)
    return content[:21] + bits.to_bytes(4, "little") + content[25:]


CLAIMS: dict[str, Callable[[int, int], bytes]] = {"PNG": png_of, "JPEG": jpeg_of, "WEBP": webp_that_claims}
OTHERS = {
    "nothing": b"",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "xml": b'<?xml version="1.0"?><!DOCTYPE svg><svg/>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "json": b'{"error": "not found"}',
    "text": b"not a picture",
    "pdf": b"%PDF-1.7\n",
    "zip": a_zip(),
    "psd": b"8BPS\0\1" + bytes(100),
    "mp4": b"\0\0\0\x18ftypmp42" + bytes(100),
    "gif": write(a_picture("P"), "GIF"),
    "gif and javascript": b"GIF89a/*" + bytes(100) + b"*/=1;alert(1)",
    "bmp": write(a_picture(), "BMP"),
    "tiff": write(a_picture(), "TIFF"),
    "ico": write(a_picture(size=(16, 16)), "ICO"),
    "avif": write(a_picture(), "AVIF"),
    "jpeg 2000": write(a_picture(), "JPEG2000"),
    "a riff of another kind": b"RIFF\x04\0\0\0WAVE",
    **{f"a late {kind}": b"\n" + write(a_picture(), kind) for kind in FORMATS},
}
BROKEN = {
    "a png's first bytes": b"\x89PNG\r\n\x1a\n",
    "a jpeg's first bytes": b"\xff\xd8\xff",
    "a webp's first bytes": b"RIFF\0\0\0\0WEBP",
    "a webp without chunks": webp_of(b""),
    "a png without pixels": png_of(8, 8),
    "a png whose second half is missing": PNG[:33] + png_chunk(b"IDAT", PNG[41 : len(PNG) // 2]) + PNG[-12:],
    "a png without a header": PNG[:8] + PNG[33:],
    "a png without a palette": png_of(8, 8, b"\0\0" * 8, colour=3),
    "a png of an unknown kind": png_of(8, 8, b"\0\0" * 8, colour=5),
    "a png whose pixels are not packed": PNG[:33] + png_chunk(b"IDAT", HTML) + PNG[-12:],
    "a png with a bad checksum": PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:],
    "a png of which one bit is wrong": PNG[:33]
    + png_chunk(b"IDAT", PNG[41:70] + bytes([PNG[70] ^ 1]) + PNG[71:-16])
    + PNG[-12:],
    "a png with a profile that unpacks to 5 MB": after_png_header(
        PNG, png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(5_000_000)))
    ),
    "a png with half a transparency": PNG[:-12] + png_chunk(b"tRNS", b"\0") + PNG[-12:],
    "a png with half a profile": PNG[:-12] + png_chunk(b"iCCP", b"a\0") + PNG[-12:],
    "a png with a second header": PNG[:-12] + png_chunk(b"IHDR", PNG[16:27] + b"\1\0") + PNG[-12:],
    "a jpeg without a scan": b"\xff\xd8\xff\xd9",
    "a jpeg without tables": JPEG.replace(b"\xff\xdb", b"\xff\xef"),
    "a webp of nonsense": webp_of(webp_chunk(b"VP8 ", bytes(100))),
    **{f"half a {kind}": write(a_picture(), kind)[: -len(write(a_picture(), kind)) // 2] for kind in FORMATS},
    **{f"a {kind} without {side}": CLAIMS[kind](*size) for kind, side, size in (
        ("PNG", "width", (0, 8)), ("PNG", "height", (8, 0)), ("JPEG", "width", (0, 8)), ("JPEG", "height", (8, 0)),
    )},
}  # fmt: skip
TOO_LARGE = {
    "a bomb": png_of(50_000, 50_000, bytes(1_000_000)),
    "64 megapixels of RGBA": png_of(8_000, 8_000, bytes(1_000_000), bits=8, colour=6),
    "a wide png": png_of(2**31 - 1, 1),
    "the largest png": png_of(2**32 - 1, 2**32 - 1),
    "the largest jpeg": jpeg_of(65_500, 65_500),
    "the largest webp": webp_that_claims(16_384, 16_384),
}
REFUSED = [
    *((name, content, "not a PNG, JPEG or WebP") for name, content in OTHERS.items()),
    *((name, content, "damaged|cut short") for name, content in BROKEN.items()),
    *((name, content, "more pixels") for name, content in TOO_LARGE.items()),
]


@each("function", [sanitise, thumbnail])
@each(("content", "why"), [pytest.param(*rest, id=name) for name, *rest in REFUSED])
def test_what_is_no_whole_picture_is_refused(
    content: bytes, why: str, function: Callable[[bytes], EncodedImage]
) -> None:
    with pytest.raises(InvalidImageError, match=why):
        function(content)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("function", [sanitise, thumbnail])
def test_a_picture_cut_anywhere_is_refused(kind: str, function: Callable[[bytes], EncodedImage]) -> None:
    content = write(a_picture(), kind, exif=exif(1))
    for length in range(0, len(content), 7):
        with pytest.raises(InvalidImageError):
            function(content[:length])


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_has_at_most_so_many_pixels(kind: str) -> None:
    """A claim of the largest size is refused for having no such pixels, not for its size."""
    width = 3_840
    height = LIMITS[FORMATS[kind]].max_pixels // width
    for function in (sanitise, thumbnail):
        with pytest.raises(InvalidImageError, match="more pixels than a"):
            function(CLAIMS[kind](width, height + 1))
    if kind != "JPEG":  # whose missing pixels are grey
        with pytest.raises(InvalidImageError, match="damaged"):
            sanitise(CLAIMS[kind](width, height))


NARROW = {
    "a column with an orientation": write(Pillow.new("1", (20_000_000, 1)), "PNG", exif=exif(6)),
    "a row": write(Pillow.new("1", (MAX_SIDE + 1, 1)), "PNG"),
    "a column": write(Pillow.new("L", (1, MAX_SIDE + 1)), "PNG"),
    "a jpeg's row": write(Pillow.new("L", (MAX_SIDE + 1, 1)), "JPEG"),
}


@each("function", [sanitise, thumbnail])
@each("content", [pytest.param(content, id=name) for name, content in NARROW.items()])
def test_a_side_has_at_most_so_many_pixels(content: bytes, function: Callable[[bytes], EncodedImage]) -> None:
    assert len(content) < 100_000
    with pytest.raises(InvalidImageError, match="16384 pixels"):
        function(content)


@pytest.mark.parametrize("size", [(MAX_SIDE, 1), (1, MAX_SIDE)])
def test_a_side_may_have_as_many(size: tuple[int, int]) -> None:
    assert sanitise(write(Pillow.new("L", size), "PNG", exif=exif(6))).width == size[1]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_has_at_most_so_many_bytes(kind: str) -> None:
    content = write(a_picture(), kind)
    most = LIMITS[FORMATS[kind]].max_bytes
    assert sanitise(content.ljust(most, b"\0")).width == 48
    with pytest.raises(InvalidImageError, match=f"{most // 1024**2} MB"):
        sanitise(content.ljust(most + 1, b"\0"))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_faulty_picture_is_refused_or_made_whole() -> None:
    """No other error comes out, and what comes out can be read; the damage is the same each time."""
    chance = random.Random(1)
    originals = [
        write(a_picture(mode), kind, exif=exif(6), icc_profile=ADOBE_RGB, **options)
        for kind, modes in {
            "PNG": ("RGB", "RGBA", "P", "L", "1"),
            "JPEG": ("RGB", "CMYK"),
            "WEBP": ("RGB", "RGBA"),
        }.items()
        for mode in modes
        for options in ({}, {"progressive": True, "lossless": True})
    ]
    whole = 0
    for _ in range(1_500):
        content = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 4)):
            position = chance.randrange(len(content))
            content[position : position + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        for function in (sanitise, thumbnail):
            try:
                read(function(with_checksums(bytes(content))).content)
                whole += 1
            except InvalidImageError:
                continue
    assert 300 < whole < 2_700


def with_checksums(content: bytes) -> bytes:
    """Set the checksums of a PNG right, so that what is wrong in its chunks is looked at."""
    if not content.startswith(PNG[:8]):
        return content
    mended, start = content[:8], 8
    while start + 12 <= len(content):
        length = int.from_bytes(content[start : start + 4])
        mended += png_chunk(content[start + 4 : start + 8], content[start + 8 : start + 8 + length])
        start += 12 + length
    return mended


# ---- Thumbnails


@each(
    ("size", "small"),
    [((1_024, 512), (512, 256)), ((512, 1_024), (256, 512)), ((100, 40), (100, 40)), ((2_000, 1), (512, 1))],
)
@each("kind", FORMATS)
def test_a_thumbnail_keeps_the_shape_and_never_grows(kind: str, size: tuple[int, int], small: tuple[int, int]) -> None:
    made = thumbnail(write(a_picture(size=size), kind))
    assert (made.content_type, read(made.content).format) == ("image/webp", "WEBP")
    assert (made.width, made.height) == read(made.content).size == small
    assert max(small) <= THUMBNAIL_PIXELS


@each(
    ("mode", "kind", "expected"),
    [
        ("RGB", "PNG", "RGB"),
        ("RGBA", "PNG", "RGBA"),
        ("LA", "PNG", "RGBA"),
        ("L", "PNG", "RGB"),
        ("P", "PNG", "RGB"),
        ("1", "PNG", "RGB"),
        ("RGB", "JPEG", "RGB"),
        ("L", "JPEG", "RGB"),
        ("CMYK", "JPEG", "RGB"),
        ("RGBA", "WEBP", "RGBA"),
    ],
)
@each("size", [(48, 32), (900, 600)])
def test_a_thumbnail_shows_what_the_picture_shows(mode: str, kind: str, expected: str, size: tuple[int, int]) -> None:
    content = write(a_picture(mode, size), kind)
    small = read(thumbnail(content).content)
    assert small.mode == expected
    assert apart(read(content).convert("RGBA").resize(small.size), small) < 20.0  # a mere grey has 64


def test_a_thumbnail_of_16_bits_shows_greys() -> None:
    small = read(thumbnail(write(Pillow.new("I;16", (8, 8), 40_000), "PNG")).content)
    middle = small.getpixel((4, 4))
    assert isinstance(middle, tuple)
    assert abs(middle[0] - 40_000 // 256) <= 2


@pytest.mark.parametrize("transparency", [0, bytes(256)])
def test_a_thumbnail_is_transparent_where_the_picture_is(transparency: int | bytes) -> None:
    content = write(Pillow.new("P", (1_000, 8)), "PNG", transparency=transparency)
    assert read(thumbnail(content).content).getchannel("A").getextrema() == (0, 0)
