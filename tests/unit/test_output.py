"""How a picture is written: what a client says of it, and what the stack makes of a picture that a provider sent."""

import io
from typing import Any

import pytest
from PIL import Image

from atelier.adapters.pillow import LIMITS, convert, sanitise
from atelier.api.generation_request import parse_generation_request
from atelier.catalog.model import OUTPUT, embedded
from atelier.errors import InvalidRequestError
from atelier.images.image import EncodedImage
from atelier.images.output import Output, output_of
from atelier.outbound.url_policy import UrlPolicy
from tests.cases import each

SIZE = (64, 48)
KINDS = ["png", "jpeg", "webp"]


def an_image(kind: str = "png", mode: str = "RGB", size: tuple[int, int] = SIZE) -> EncodedImage:
    """Write a picture with a subject, in RGBA a quarter of it transparent, as this stack does."""
    picture = Image.new("RGB", size, (250, 250, 250))
    picture.paste((20, 60, 20), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    picture = picture.convert(mode)
    if mode == "RGBA":
        picture.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    output = io.BytesIO()
    picture.save(output, kind)
    return sanitise(output.getvalue(), with_thumbnail=True)


def read(image: EncodedImage) -> Image.Image:
    picture = Image.open(io.BytesIO(image.content))
    assert (f"image/{str(picture.format).lower()}", picture.size) == (image.content_type, (image.width, image.height))
    return picture


@each(
    ("values", "output"),
    [
        ({}, None),
        ({"output_format": None, "quality": "auto", "background": "auto"}, None),
        ({"output_format": "webp"}, Output("webp")),
        ({"quality": "low", "background": "opaque"}, Output(quality=60, background="opaque")),
        ({"quality": "low", "output_compression": 33}, Output(quality=33)),
        ({"output_compression": 0}, Output(quality=0)),
        ({"quality": "hd", "background": "blue", "output_format": "gif"}, None),
    ],
)
def test_what_a_client_says_of_its_picture(values: dict[str, Any], output: Output | None) -> None:
    assert output_of(values) == output


@each("kind", KINDS)
@each("form", KINDS)
@each("mode", ["RGB", "RGBA"])
def test_a_picture_gets_the_format_that_is_wanted(kind: str, form: str, mode: str) -> None:
    image = an_image(kind, "RGB" if kind == "jpeg" else mode)
    made, notes = convert(image, Output(form))
    assert (made.content_type, notes) == (f"image/{form}", ())
    assert (made is image) is (kind == form)
    picture = read(made)
    assert picture.has_transparency_data is (mode == "RGBA" and "jpeg" not in (kind, form))
    seen = picture.convert("RGBA").getpixel((60, 40))
    assert all(abs(value - 250) < 12 for value in seen[:3])  # type: ignore[index]


@pytest.mark.parametrize("form", ["jpeg", "webp"])
def test_a_lower_quality_makes_a_smaller_file(form: str) -> None:
    noise = Image.effect_noise((256, 256), 80).convert("RGB")
    output = io.BytesIO()
    noise.save(output, "PNG")
    image = sanitise(output.getvalue())
    low, medium, high = (len(convert(image, Output(form, quality))[0].content) for quality in (10, 60, 95))
    assert low < medium < high


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
def test_every_mode_can_be_written_in_every_format(mode: str) -> None:
    kind = "jpeg" if mode == "CMYK" else "png"
    picture = Image.new(mode, SIZE)
    output = io.BytesIO()
    picture.save(output, kind)
    for form in KINDS:
        assert read(convert(sanitise(output.getvalue()), Output(form, background="opaque"))[0]).mode in (
            "RGB",
            "L",
            "P",
        )


def test_sixteen_bits_stay_grey() -> None:
    output = io.BytesIO()
    Image.new("I;16", SIZE, 32_768).save(output, "PNG")
    made, _ = convert(sanitise(output.getvalue()), Output("jpeg"))
    assert read(made).convert("L").getpixel((5, 5)) == pytest.approx(128, abs=2)


def test_white_is_behind_an_opaque_picture() -> None:
    made, notes = convert(an_image(mode="RGBA"), Output(background="opaque"))
    assert (read(made).mode, read(made).getpixel((1, 1)), notes) == ("RGB", (255, 255, 255), ())


@pytest.mark.parametrize("kind", KINDS)
def test_a_background_becomes_transparent(kind: str) -> None:
    made, notes = convert(an_image(kind, size=(160, 160)), Output(background="transparent"))
    alpha = read(made).convert("RGBA").getchannel("A")
    assert made.content_type == ("image/png" if kind == "jpeg" else f"image/{kind}")
    assert (alpha.getpixel((2, 2)), alpha.getpixel((60, 60))) == (0, 255)
    assert notes == ("This stack made the background transparent, as far as it is plain.",)


def test_what_a_provider_made_transparent_stays_as_it_is() -> None:
    image = an_image(mode="RGBA")
    made, notes = convert(image, Output(background="transparent"))
    assert notes == ()
    assert read(made).getchannel("A").tobytes() == read(image).getchannel("A").tobytes()


def test_a_picture_too_large_for_a_format_keeps_its_own() -> None:
    most = LIMITS["image/webp"].max_pixels
    image = EncodedImage(b"not decoded", "image/png", most + 1, 1)
    made, notes = convert(image, Output("webp", quality=50))
    assert made is image
    assert notes == ("The picture is a png: a webp may have 8.3 million pixels here.",)


def test_nothing_is_decoded_where_there_is_nothing_to_do() -> None:
    image = EncodedImage(b"not decoded", "image/png", 1, 1)
    assert convert(image, Output("png", quality=50)) == (image, ())


def test_every_model_takes_all_of_it() -> None:
    for model in embedded().models.values():
        for one in (model, *model.variants):
            wanted = OUTPUT - ({"background"} if one.tool.slug == "remove-background" else set())
            assert wanted <= set(one.input["properties"]), (one.slug, one.tool.slug)


def test_a_jpeg_that_is_to_be_transparent_is_refused() -> None:
    values = '{"prompt": "a", "output_format": "jpeg", "background": "transparent"}'
    with pytest.raises(InvalidRequestError, match="ask for png or webp") as caught:
        parse_generation_request(f'{{"model": "sketch", "input": {values}}}', embedded(), UrlPolicy())
    assert [(error.field, error.code) for error in caught.value.errors] == [("input.background", "conflict")]
