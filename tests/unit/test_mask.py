"""Masks: read from whatever clients send, and written for providers that want white, or transparency."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atelier.adapters.pillow import read_mask
from atelier.errors import InvalidImageError
from atelier.images.mask import with_alpha, write_mask
from tests.cases import each

SIZE = (6, 4)
LEFT = (0, 0, 3, 4)
Colour = int | tuple[int, ...]


def write(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    output = io.BytesIO()
    picture.save(output, kind, **options)
    return output.getvalue()


def painted(mode: str, background: Colour, marked: Colour) -> bytes:
    """Write a mask that marks the left half of a picture."""
    picture = Image.new(mode, SIZE, background)
    picture.paste(marked, LEFT)
    return write(picture)


@each(
    "mask",
    [
        painted("L", 0, 255),
        painted("1", 0, 1),
        painted("RGB", (0, 0, 0), (255, 255, 255)),
        painted("RGBA", (9, 9, 9, 255), (9, 9, 9, 0)),
        painted("LA", (255, 255), (255, 0)),
        painted("RGBA", (0, 0, 0, 255), (255, 255, 255, 255)),  # nothing is transparent: what is white counts
        painted("I;16", 0, 65_535),
        write(Image.open(io.BytesIO(painted("L", 0, 255))).convert("P")),
    ],
    ids=["L", "1", "RGB", "RGBA", "LA", "opaque RGBA", "16 bits", "palette"],
)
def test_what_a_mask_marks_becomes_white(mask: bytes) -> None:
    read = read_mask(mask, size=SIZE)
    picture = Image.open(io.BytesIO(read.content))
    assert (picture.mode, picture.size, read.content_type) == ("L", SIZE, "image/png")
    assert (read.width, read.height) == SIZE
    assert [picture.getpixel((x, 1)) for x in range(6)] == [255] * 3 + [0] * 3


def test_a_soft_mask_stays_soft() -> None:
    read = read_mask(write(Image.new("L", SIZE, 100)), size=SIZE)
    assert Image.open(io.BytesIO(read.content)).getpixel((0, 0)) == 100


def test_a_mask_of_another_size_is_refused_with_both() -> None:
    with pytest.raises(InvalidImageError, match="it has 6 x 4 pixels, and the picture 6 x 5; make both the same size"):
        read_mask(painted("L", 0, 255), size=(6, 5))


def test_a_mask_is_turned_upright_as_the_picture_is() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_mask(write(Image.new("L", (4, 6)), "PNG", exif=exif), size=SIZE).width == 6


@each("mask", [b"", b"no picture", painted("L", 0, 255)[:60]])
def test_what_is_no_picture_is_refused(mask: bytes) -> None:
    with pytest.raises(InvalidImageError):
        read_mask(mask, size=SIZE)


@given(st.data())
def test_a_mask_can_be_turned_into_transparency(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
    pixels = data.draw(st.binary(min_size=width * height, max_size=width * height))
    mask = write_mask(width, height, pixels)
    grey, alpha = Image.open(io.BytesIO(mask)), Image.open(io.BytesIO(with_alpha(mask)))
    assert (grey.mode, alpha.mode, grey.size, alpha.size) == ("L", "RGBA", (width, height), (width, height))
    assert grey.tobytes() == pixels
    assert alpha.getchannel("A").tobytes() == bytes(255 - value for value in pixels)
    assert alpha.getchannel("R").getextrema() == (0, 0)
