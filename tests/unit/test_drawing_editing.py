"""Edits of a given picture: what they change, and what they leave as it is."""

import io
import random
from collections.abc import Callable

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from atelier.providers.sketch.drawing import draw, editing
from tests.cases import each

SIDE = 96
Edit = Callable[[Image.Image], Image.Image]


def photograph(mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """Return a picture of noise, of which every change of a pixel shows."""
    noise = Image.frombytes("RGB", size, random.Random(1).randbytes(3 * size[0] * size[1]))
    if mode == "RGBA":
        noise.putalpha(Image.linear_gradient("L").resize(size))
    return noise


def a_mask(box: tuple[int, int, int, int] = (30, 20, 60, 70), size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """Return a mask that is white in a box."""
    mask = Image.new("L", size, 0)
    mask.paste(255, box)
    return mask


def changed(before: Image.Image, after: Image.Image) -> Image.Image:
    """Return which pixels differ: 255 there, 0 elsewhere."""
    apart = ImageChops.difference(before.convert("RGBA"), after.convert("RGBA"))
    red, green, blue, alpha = apart.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), ImageChops.lighter(blue, alpha))
    return most.point(lambda value: 255 if value else 0)


@each(
    "edit",
    [
        lambda image: editing.edit(image, "a cat in the rain", seed=1),
        lambda image: editing.inpaint(image, a_mask(), "a cat", seed=1),
        lambda image: editing.outpaint(image, "a sea", left=20, bottom=10, seed=1),
        lambda image: editing.erase(image, a_mask()),
        lambda image: editing.upscale(image, 2),
        editing.remove_background,
    ],
    ids=["edit", "inpaint", "outpaint", "erase", "upscale", "remove-background"],
)
@each("mode", ["RGB", "RGBA"])
def test_edits_are_deterministic_and_leave_their_input_alone(edit: Edit, mode: str) -> None:
    image = photograph(mode)
    first, second = edit(image), edit(image)
    assert first.tobytes() == second.tobytes()
    assert image.tobytes() == photograph(mode).tobytes()


# ---- Edit


def test_edit_paints_the_subject_over_and_keeps_the_rest() -> None:
    image = photograph(size=(128, 128))
    after = changed(image, editing.edit(image, "a fox", seed=1))
    left, top, right, bottom = after.getbbox() or (0, 0, 0, 0)
    assert 15 < left < right < 113
    assert 40 < top < bottom < 128


def test_edit_with_a_palette_word_grades_the_whole_picture() -> None:
    image = Image.new("RGB", (SIDE, SIDE), (90, 120, 150))
    edited = editing.edit(image, "black and white")
    assert len(edited.getcolors() or ()) == 1
    red, green, blue = ImageStat.Stat(edited).mean
    assert max(red, green, blue) - min(red, green, blue) < 2


def test_edit_at_night_is_darker() -> None:
    image = Image.new("RGB", (SIDE, SIDE), (200, 200, 200))
    assert ImageStat.Stat(editing.edit(image, "at night").convert("L")).mean[0] < 150


def test_edit_names_words_that_it_does_not_know_at_the_bottom() -> None:
    image = photograph()
    _, top, _, bottom = changed(image, editing.edit(image, "a samurai")).getbbox() or (0, 0, 0, 0)
    assert 85 < top < bottom <= SIDE


def test_edit_of_a_transparent_picture_shows_what_is_painted() -> None:
    glass = Image.new("RGBA", (128, 128), (255, 0, 0, 0))
    alpha = editing.edit(glass, "a fox", seed=1).getchannel("A")
    assert alpha.getextrema() == (0, 255)
    assert alpha.getpixel((2, 2)) == 0


# ---- Inpaint and erase


@each("mode", ["RGB", "RGBA"])
@each(
    "edit",
    [
        lambda image, mask: editing.inpaint(image, mask, "a balloon"),
        lambda image, mask: editing.erase(image, mask),
    ],
    ids=["inpaint", "erase"],
)
@each("box", [(30, 20, 60, 70), (0, 0, 1, 1), (95, 0, 96, 96), (0, 50, 96, 52)])
def test_only_the_masked_area_changes(
    mode: str, edit: Callable[[Image.Image, Image.Image], Image.Image], box: tuple[int, int, int, int]
) -> None:
    image = photograph(mode)
    edited = edit(image, a_mask(box))
    assert (edited.mode, edited.size) == (image.mode, image.size)
    outside = ImageChops.darker(changed(image, edited), ImageChops.invert(a_mask(box)))
    assert outside.getbbox() is None
    assert changed(image, edited).getbbox() is not None


@pytest.mark.parametrize(
    "edit",
    [lambda image, mask: editing.inpaint(image, mask, "a cat"), lambda image, mask: editing.erase(image, mask)],
    ids=["inpaint", "erase"],
)
def test_empty_mask_changes_nothing(edit: Callable[[Image.Image, Image.Image], Image.Image]) -> None:
    image = photograph()
    assert edit(image, Image.new("L", image.size, 0)).tobytes() == image.tobytes()


def test_erase_takes_its_colours_from_around() -> None:
    image = Image.new("RGB", (SIDE, SIDE), (40, 120, 200))
    ImageDraw.Draw(image).rectangle((30, 20, 59, 69), fill=(255, 0, 0))
    apart = ImageChops.difference(editing.erase(image, a_mask()), Image.new("RGB", image.size, (40, 120, 200)))
    assert sum(apart.convert("L").histogram()[3:]) == 0


def test_erase_of_everything_leaves_white() -> None:
    assert editing.erase(photograph(), a_mask((0, 0, SIDE, SIDE))).getcolors() == [(SIDE * SIDE, (255, 255, 255))]


def test_mask_of_another_size_is_stretched() -> None:
    small = a_mask((4, 4, 8, 8), (16, 16))
    assert editing.area_of(small, (160, 160)).getbbox() == (40, 40, 80, 80)


def test_mask_with_transparency_says_where_by_it() -> None:
    mask = Image.new("RGBA", (16, 16), (255, 255, 255, 255))
    mask.paste((0, 0, 0, 0), (4, 4, 8, 8))
    assert editing.area_of(mask, (16, 16)).getbbox() == (4, 4, 8, 8)


# ---- Outpaint, upscale


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_outpaint_keeps_the_picture_inside_a_larger_one(mode: str) -> None:
    image = photograph(mode)
    larger = editing.outpaint(image, "a forest", left=10, top=20, right=30, bottom=40)
    assert (larger.mode, larger.size) == (mode, (SIDE + 40, SIDE + 60))
    assert larger.crop((10, 20, 10 + SIDE, 20 + SIDE)).tobytes() == image.tobytes()
    assert len(set(larger.crop((0, 0, 10, 10)).convert("RGB").tobytes())) > 3


def test_outpaint_starts_with_the_colours_of_the_edge() -> None:
    red = Image.new("RGB", (64, 64), (220, 20, 20))
    larger = editing.outpaint(red, "a sea", right=64)
    assert ImageStat.Stat(larger.crop((64, 0, 66, 64))).mean[0] > 190
    assert ImageStat.Stat(larger.crop((120, 0, 128, 40))).mean[0] < 190


def test_upscale_is_larger_and_looks_the_same() -> None:
    image = Image.open(io.BytesIO(draw("a house", width=SIDE, height=64, seed=1))).convert("RGB")
    larger = editing.upscale(image, 3)
    assert larger.size == (3 * SIDE, 3 * 64)
    apart = ImageChops.difference(larger.resize(image.size, Image.Resampling.BOX), image)
    assert max(ImageStat.Stat(apart).mean) < 3


# ---- Background


@pytest.mark.parametrize(
    "wall", [(40, 120, 200), (250, 250, 250), None], ids=["blue", "white", "gradient from dark to light"]
)
def test_background_becomes_transparent(wall: tuple[int, int, int] | None) -> None:
    image = Image.new("RGB", (200, 150), wall or 0)
    if wall is None:
        image = Image.linear_gradient("L").resize((200, 150)).convert("RGB")
    ImageDraw.Draw(image).ellipse((60, 30, 140, 120), fill=(220, 60, 30))
    cut = editing.remove_background(image)
    alpha = cut.getchannel("A")
    assert (cut.mode, cut.size) == ("RGBA", (200, 150))
    assert [alpha.getpixel(spot) for spot in ((5, 5), (195, 5), (5, 145), (100, 145), (30, 75))] == [0] * 5
    assert [alpha.getpixel(spot) for spot in ((100, 75), (75, 75), (100, 45), (100, 110))] == [255] * 4
    assert cut.convert("RGB").getpixel((100, 75)) == (220, 60, 30)


def test_background_that_is_transparent_stays_so() -> None:
    image = photograph("RGBA")
    before, after = image.getchannel("A"), editing.remove_background(image).getchannel("A")
    assert ImageChops.subtract(after, before).getbbox() is None


def test_apple_on_a_table_is_cut_out() -> None:
    image = Image.open(io.BytesIO(draw("an apple on a table", width=256, height=256, seed=7)))
    alpha = editing.remove_background(image.convert("RGB")).getchannel("A")
    assert alpha.getpixel((128, 190)) == 255
    assert 0.05 < ImageStat.Stat(alpha).mean[0] / 255 < 0.35


# ---- Formats


@each("output_format", ["png", "jpeg", "webp"])
@each("mode", ["RGB", "RGBA"])
@each("background", ["auto", "opaque"])
def test_formats_are_written_and_read(output_format: str, mode: str, background: str) -> None:
    content = editing.encode(photograph(mode), output_format, background=background)
    assert Image.open(io.BytesIO(content)).format == output_format.upper()
    transparent = mode == "RGBA" and output_format != "jpeg" and background == "auto"
    assert editing.decode(content).mode == ("RGBA" if transparent else "RGB")


def test_white_is_behind_what_was_transparent() -> None:
    glass = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert editing.decode(editing.encode(glass, "png", background="opaque")).getpixel((8, 8)) == (255, 255, 255)


def test_jpeg_cannot_be_transparent() -> None:
    with pytest.raises(ValueError, match="png or webp"):
        editing.encode(photograph("RGBA"), "jpeg", background="transparent")


def test_other_formats_are_not_read() -> None:
    output = io.BytesIO()
    photograph().save(output, "BMP")
    with pytest.raises(OSError, match="cannot identify"):
        editing.decode(output.getvalue())
