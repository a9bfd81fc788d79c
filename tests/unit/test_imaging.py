"""Imaging: nothing but the picture is kept, and nothing but pictures is taken."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import ImageChops, ImageStat
from PIL.PngImagePlugin import PngInfo

from atelier.adapters.imaging import MAX_PIXELS, THUMBNAIL_PIXELS, sanitise, thumbnail
from atelier.errors import InvalidImageError

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SECRET = b"where the photographer lives"


def a_picture(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Pillow.Image:
    gradient = Pillow.linear_gradient("L").resize(size)
    bands = [gradient.rotate(90 * turn).resize(size) for turn in range(4)]
    coloured = Pillow.merge("RGBA", bands)
    return coloured.convert(mode) if mode in ("RGBA", "LA") else coloured.convert("RGB").convert(mode)


def write(picture: Pillow.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def read(content: bytes) -> Pillow.Image:
    picture = Pillow.open(io.BytesIO(content))
    picture.load()
    return picture


def apart(first: Pillow.Image, second: Pillow.Image) -> float:
    """Return the mean difference of two pictures on grey, of 255."""
    assert first.size == second.size
    seen = [Pillow.alpha_composite(Pillow.new("RGBA", it.size, "grey"), it.convert("RGBA")) for it in (first, second)]
    return max(ImageStat.Stat(ImageChops.difference(*seen)).mean)


# ---- What is kept


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_keeps_every_pixel(mode: str) -> None:
    original = Pillow.new("I;16", (8, 8), 40_000) if mode == "I;16" else a_picture(mode)
    clean = sanitise(write(original, "PNG"))
    assert clean.content_type == "image/png"
    assert (read(clean.content).mode, read(clean.content).tobytes()) == (original.mode, original.tobytes())


def test_a_png_keeps_its_transparent_colour() -> None:
    original = a_picture("P")
    clean = sanitise(write(original, "PNG", transparency=0))
    assert read(clean.content).info["transparency"] == 0


@pytest.mark.parametrize(
    ("mode", "kind", "options", "most"),
    [
        ("RGB", "JPEG", {"quality": 90}, 2.0),
        ("RGB", "JPEG", {"quality": 30, "progressive": True}, 1.0),
        ("L", "JPEG", {}, 1.0),
        ("CMYK", "JPEG", {}, 2.0),
        ("RGB", "WEBP", {"quality": 90}, 3.0),
        ("RGBA", "WEBP", {"lossless": True}, 3.0),
    ],
)
def test_a_lossy_picture_stays_what_it_is(mode: str, kind: str, options: dict[str, Any], most: float) -> None:
    content = write(a_picture(mode), kind, **options)
    clean = sanitise(content)
    assert clean.content_type == FORMATS[kind]
    assert (read(clean.content).format, read(clean.content).mode) == (kind, mode)
    assert apart(read(content), read(clean.content)) <= most


def test_several_pictures_in_one_jpeg_become_the_first() -> None:
    first = a_picture()
    content = write(first, "MPO", save_all=True, append_images=[Pillow.new("RGB", first.size, "red")])
    clean = sanitise(content)
    assert (clean.content_type, read(clean.content).format) == ("image/png", "PNG")
    assert apart(first, read(clean.content)) < 6.0


def test_of_an_animation_the_first_frame_is_kept() -> None:
    content = write(a_picture(), "WEBP", save_all=True, append_images=[Pillow.new("RGB", (48, 32), "red")])
    assert getattr(read(sanitise(content).content), "n_frames", 1) == 1


# ---- What is not


@pytest.mark.parametrize("kind", FORMATS)
def test_bytes_after_the_picture_are_dropped(kind: str) -> None:
    clean = sanitise(write(a_picture(), kind) + b"<script>" + SECRET + b"</script>")
    assert SECRET not in clean.content
    assert read(clean.content).size == (48, 32)


@pytest.mark.parametrize("kind", FORMATS)
def test_exif_is_dropped(kind: str) -> None:
    exif = Pillow.Exif()
    exif[0x010E] = SECRET.decode()
    content = write(a_picture(), kind, exif=exif)
    assert SECRET in content
    assert SECRET not in sanitise(content).content
    assert not read(sanitise(content).content).getexif()


def test_a_jpegs_comment_is_dropped() -> None:
    content = write(a_picture(), "JPEG", comment=SECRET)
    assert SECRET in content
    assert SECRET not in sanitise(content).content


def test_a_pngs_texts_are_dropped() -> None:
    texts = PngInfo()
    texts.add_text("Comment", SECRET.decode())
    texts.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    content = write(a_picture(), "PNG", pnginfo=texts)
    assert content.count(SECRET) == 2
    assert SECRET not in sanitise(content).content


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_xmp_is_dropped(kind: str) -> None:
    content = write(a_picture(), kind, xmp=SECRET)
    assert SECRET in content
    assert SECRET not in sanitise(content).content


# ---- What is refused


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """Write a PNG that claims a size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


REFUSED = {
    "nothing": b"",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "xml": b'<?xml version="1.0"?><!DOCTYPE svg><svg/>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "json": b'{"error": "not found"}',
    "text": b"not a picture",
    "pdf": b"%PDF-1.7\n",
    "gif": write(a_picture("P"), "GIF"),
    "bmp": write(a_picture(), "BMP"),
    "tiff": write(a_picture(), "TIFF"),
    "ico": write(a_picture(size=(16, 16)), "ICO"),
    "a png's first bytes": b"\x89PNG\r\n\x1a\n",
    "a jpeg's first bytes": b"\xff\xd8\xff",
    "a webp's first bytes": b"RIFF\0\0\0\0WEBP",
    "a png without pixels": png_of(8, 8),
    "a bomb": png_of(100_000, 100_000),
    "a bomb of a kind": png_of(65_535, 1_000),
    "no width": png_of(0, 8),
    **{f"half a {kind}": write(a_picture(), kind)[:-200] for kind in FORMATS},
    **{f"a late {kind}": b"\n" + write(a_picture(), kind) for kind in FORMATS},
}


@pytest.mark.parametrize("function", [sanitise, thumbnail])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_picture_is_refused(name: str, function: Any) -> None:
    with pytest.raises(InvalidImageError):
        function(REFUSED[name])


@pytest.mark.parametrize(("more", "message"), [(0, None), (1, "megapixels")])
def test_a_picture_has_at_most_so_many_pixels(more: int, message: str | None) -> None:
    """A picture of the largest size is refused for having no pixels, not for its size."""
    width = 8_000
    with pytest.raises(InvalidImageError, match=message or "whole"):
        sanitise(png_of(width, MAX_PIXELS // width + more))


# ---- Thumbnails


@pytest.mark.parametrize(
    ("size", "small"),
    [((1_024, 512), (512, 256)), ((512, 1_024), (256, 512)), ((100, 40), (100, 40)), ((2_000, 1), (512, 1))],
)
def test_a_thumbnail_keeps_the_shape_and_never_grows(size: tuple[int, int], small: tuple[int, int]) -> None:
    made = thumbnail(write(a_picture(size=size), "PNG"))
    assert (made.content_type, read(made.content).format) == ("image/webp", "WEBP")
    assert read(made.content).size == small
    assert max(small) <= THUMBNAIL_PIXELS


@pytest.mark.parametrize(
    ("mode", "kind", "expected"),
    [
        ("RGB", "PNG", "RGB"),
        ("RGBA", "PNG", "RGBA"),
        ("LA", "PNG", "RGBA"),
        ("L", "PNG", "RGB"),
        ("P", "PNG", "RGB"),
        ("1", "PNG", "RGB"),
        ("RGB", "JPEG", "RGB"),
        ("CMYK", "JPEG", "RGB"),
        ("RGBA", "WEBP", "RGBA"),
    ],
)
def test_a_thumbnail_shows_what_the_picture_shows(mode: str, kind: str, expected: str) -> None:
    content = write(a_picture(mode), kind)
    small = read(thumbnail(content).content)
    assert small.mode == expected
    assert apart(read(content), small) < 20.0  # a mere grey has 64


def test_a_thumbnail_holds_nothing_else() -> None:
    exif = Pillow.Exif()
    exif[0x010E] = SECRET.decode()
    for kind in FORMATS:
        assert SECRET not in thumbnail(write(a_picture(), kind, exif=exif)).content
