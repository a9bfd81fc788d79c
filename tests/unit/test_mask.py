"""Masks: read from whatever clients send, and written for providers that want white, or transparency."""

import base64
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atelier.adapters.pillow import read_mask
from atelier.api.generation_request import parse_generation_request
from atelier.catalog.model import embedded
from atelier.errors import InvalidImageError, InvalidRequestError
from atelier.images.image import size_of
from atelier.images.mask import size_fault, with_alpha, write_mask
from atelier.outbound.url_policy import UrlPolicy
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


# ---- Sizes by header


@each("kind", ["PNG", "JPEG", "WEBP"])
@each("options", [{}, {"lossless": True}, {"progressive": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}])
@each("size", [(6, 4), (1, 1), (640, 3), (2_000, 1_000)])
def test_a_size_is_read_from_the_header(kind: str, options: dict[str, object], size: tuple[int, int]) -> None:
    assert size_of(write(Image.new("RGB", size), kind, **options)) == size
    if kind == "WEBP":
        assert size_of(write(Image.new("RGBA", size), kind, **options)) == size


@given(content=st.binary(max_size=60), kind=st.sampled_from(["PNG", "JPEG", "WEBP"]), kept=st.integers(0, 40))
def test_a_broken_header_has_no_size_and_breaks_nothing(content: bytes, kind: str, kept: int) -> None:
    size = size_of(write(Image.new("RGB", SIZE), kind)[:kept] + content)
    assert size is None or len(size) == 2


@each(
    ("picture", "mask", "wrong"),
    [((6, 4), (6, 4), False), ((6, 4), (4, 6), False), ((6, 4), (6, 5), True), ((6, 4), (12, 8), True)],
)
def test_a_wrong_size_is_told_before_anything_is_decoded(
    picture: tuple[int, int], mask: tuple[int, int], wrong: bool
) -> None:
    fault = size_fault(write(Image.new("RGB", picture), "JPEG"), write(Image.new("L", mask)))
    said = f"it has {mask[0]} x {mask[1]} pixels, and the picture 6 x 4; make both the same size"
    assert fault == (said if wrong else None)


def test_a_mask_in_the_request_itself_is_checked_at_once() -> None:
    def url(size: tuple[int, int]) -> str:
        return f"data:image/png;base64,{base64.b64encode(write(Image.new('L', size))).decode()}"

    values = {"prompt": "a", "image_urls": [url((6, 4))], "mask_url": url((6, 5))}
    with pytest.raises(InvalidRequestError, match="it has 6 x 5 pixels") as caught:
        parse_generation_request(json.dumps({"model": "sketch", "input": values}), embedded(), UrlPolicy())
    assert [(error.field, error.code) for error in caught.value.errors] == [("input.mask_url", "size")]
