"""Edits of a given picture, without AI: pure functions from pictures to pictures.

They take pictures of mode RGB or RGBA. A mask says where to work: where it is white, or, if it has transparency, where
it is transparent. All else stays as it is, to the pixel.
"""

from __future__ import annotations

import hashlib
import io
import random
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from .colour import WHITE
from .painting import paint, paint_over
from .scene import compose

_FORMATS: dict[str, dict[str, Any]] = {
    "PNG": {"format": "PNG", "compress_level": 4},
    "JPEG": {"format": "JPEG", "quality": 92},
    "WEBP": {"format": "WEBP", "quality": 90, "method": 2},
}
_LOSSLESS = {"lossless": True, "quality": 50, "method": 0}
_LOSSY_PIXELS = 2_500 * 2_000
"""A WebP with transparency takes 40 bytes a pixel to write with losses, and 30 without."""
_OUTLINE = 320
"""The longer side, in pixels, at which the background's outline is followed."""
_EDGE = 12
"""Neighbours that differ so much, of 255, are on two sides of an edge."""


def decode(content: bytes) -> Image.Image:
    """Return a picture that was written by this stack, as RGB or RGBA; OSError where it is damaged.

    Not for bytes from outside: those are checked, and written anew, before they come here.
    """
    picture = Image.open(io.BytesIO(content), formats=tuple(_FORMATS))
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def encode(image: Image.Image, output_format: str, *, background: str = "auto", quality: int | None = None) -> bytes:
    """Return the picture as `png`, `jpeg` or `webp`, these with a quality in percent.

    With the `background` "opaque", and in JPEG always, white is behind what is transparent; "auto" and "transparent"
    keep transparency. ValueError where a format cannot do what the background asks for.
    """
    if output_format == "jpeg" and background == "transparent":
        raise ValueError("A JPEG has no transparency: ask for png or webp, or for another background.")
    output = io.BytesIO()
    plain = _on_white(image) if output_format == "jpeg" or background == "opaque" else image
    options = _FORMATS[output_format.upper()]
    if output_format == "webp" and plain.mode == "RGBA" and plain.width * plain.height > _LOSSY_PIXELS:
        options = options | _LOSSLESS
    elif quality is not None and output_format != "png":
        options = options | {"quality": quality}
    plain.save(output, **options)
    return output.getvalue()


def edit(image: Image.Image, prompt: str, *, seed: int | None = None) -> Image.Image:
    """Return the picture with the prompt's subjects and weather painted over it, in its light and palette."""
    rng = _chance("edit", prompt, seed)
    backdrop = _on_white(image)
    painted = paint_over(backdrop, compose(prompt, "", rng), rng)
    if image.mode != "RGBA":
        return painted
    changed = ImageChops.difference(painted, backdrop).convert("L").point(lambda value: 255 if value else 0)
    painted.putalpha(ImageChops.lighter(image.getchannel("A"), changed))
    return painted


def inpaint(image: Image.Image, mask: Image.Image, prompt: str, *, seed: int | None = None) -> Image.Image:
    """Return the picture with a drawing of the prompt where the mask says."""
    area = area_of(mask, image.size)
    box = area.getbbox()
    result = image.copy()
    if box is None:
        return result
    rng = _chance("inpaint", prompt, seed)
    drawn = _draw(prompt, rng, box[2] - box[0], box[3] - box[1])
    result.paste(drawn.convert(image.mode), box[:2], area.crop(box))
    return result


def erase(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Return the picture with the colours of the surroundings flowing into where the mask says."""
    area = area_of(mask, image.size)
    filled = _flow(image.convert("RGB"), area)
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        filled.putalpha(_flow(Image.merge("RGB", (alpha, alpha, alpha)), area).getchannel(0))
    return Image.composite(filled, image, area)


def outpaint(
    image: Image.Image,
    prompt: str,
    *,
    left: int = 0,
    top: int = 0,
    right: int = 0,
    bottom: int = 0,
    seed: int | None = None,
) -> Image.Image:
    """Return the picture, larger by so many pixels on each side: its colours flow out into a drawing of the prompt."""
    size = image.width + left + right, image.height + top + bottom
    inside = (left, top, left + image.width, top + image.height)
    rng = _chance("outpaint", prompt, seed)
    canvas, around = Image.new("RGB", size), Image.new("L", size, 255)
    canvas.paste(image.convert("RGB"), inside)
    around.paste(0, inside)
    flown = _flow(canvas, around)
    # The drawing shows the more the farther it is from the picture.
    distance = around.filter(ImageFilter.BoxBlur(max(left, top, right, bottom) / 2))
    distance = distance.point([max(0, 2 * value - 255) for value in range(256)])
    result = Image.composite(_draw(prompt, rng, *size), flown, distance).convert(image.mode)
    result.paste(image, inside)
    return result


def upscale(image: Image.Image, factor: int) -> Image.Image:
    """Return the picture `factor` times as wide and high, its edges sharpened."""
    larger = image.resize((image.width * factor, image.height * factor), Image.Resampling.LANCZOS)
    return larger.filter(ImageFilter.UnsharpMask(radius=factor / 2, percent=60, threshold=2))


def remove_background(image: Image.Image) -> Image.Image:
    """Return the picture with its background transparent: what the border is connected to without crossing an edge.

    The bottom border does not count, since what a picture shows is often cut off there.
    """
    plain = _on_white(image)
    size = (
        max(8, round(plain.width * _OUTLINE / max(plain.size))),
        max(8, round(plain.height * _OUTLINE / max(plain.size))),
    )
    small = plain.resize(size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.8))
    steps = ImageChops.difference(small.filter(ImageFilter.MaxFilter(3)), small.filter(ImageFilter.MinFilter(3)))
    edges = _largest(steps).point(lambda value: 255 if value > _EDGE else 0)
    outline = ImageOps.expand(edges, (1, 1, 1, 0), 0)
    ImageDraw.floodfill(outline, (0, 0), 128)
    inside = outline.crop((1, 1, size[0] + 1, size[1] + 1)).point(lambda value: 0 if value == 128 else 255)
    inside = inside.filter(ImageFilter.MinFilter(5)).filter(ImageFilter.MaxFilter(3))  # thin lines are no subject
    alpha = inside.resize(plain.size, Image.Resampling.BICUBIC)
    alpha = alpha.point([max(0, min(255, 3 * value - 255)) for value in range(256)])
    result = plain.convert("RGBA")
    result.putalpha(ImageChops.darker(alpha, image.getchannel("A")) if image.mode == "RGBA" else alpha)
    return result


def area_of(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return where a mask says to work: 255 there and 0 elsewhere, in the size of the picture."""
    transparent = mask.has_transparency_data
    chosen = ImageOps.invert(mask.convert("RGBA").getchannel("A")) if transparent else mask.convert("L")
    return chosen.resize(size, Image.Resampling.BILINEAR).point(lambda value: 255 if value >= 128 else 0)


def _chance(kind: str, prompt: str, seed: int | None) -> random.Random:
    return random.Random(hashlib.sha256(f"{kind}\n{seed}\n{prompt}".encode(errors="replace")).digest())


def _draw(prompt: str, rng: random.Random, width: int, height: int) -> Image.Image:
    """Return a drawing of a prompt; the middle of a less narrow one where it would be narrower than 1 to 4."""
    size = max(width, height // 4, 16), max(height, width // 4, 16)
    drawn = paint(compose(prompt, "", rng), rng, *size)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return drawn.crop((left, top, left + width, top + height))


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    plain = Image.new("RGB", image.size, WHITE)
    plain.paste(image, (0, 0), image.getchannel("A"))
    return plain


def _largest(image: Image.Image) -> Image.Image:
    """Return the largest of a picture's channels at each pixel."""
    red, green, blue = image.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _flow(image: Image.Image, area: Image.Image) -> Image.Image:
    """Return a picture whose area is filled with colours from around it, by averages at ever coarser sizes.

    The push-pull method of Gortler et al., "The Lumigraph" (1996). White where nothing is known.
    """
    levels = [image.copy()]
    levels[0].putalpha(ImageOps.invert(area))
    while max(levels[-1].size) > 1:
        width, height = levels[-1].size
        # Pillow weighs the colours of pixels by their alpha.
        coarser = levels[-1].resize(((width + 1) // 2, (height + 1) // 2), Image.Resampling.BOX)
        coarser.putalpha(coarser.getchannel("A").point(lambda value: 255 if value else 0))
        levels.append(coarser)
    filled = Image.new("RGB", (1, 1), WHITE)
    for level in reversed(levels):
        filled = filled.resize(level.size, Image.Resampling.BILINEAR)
        filled.paste(level.convert("RGB"), (0, 0), level.getchannel("A"))
    return filled
