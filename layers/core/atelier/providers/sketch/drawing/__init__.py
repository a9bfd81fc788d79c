"""The drawing of the built-in model "sketch": a picture composed from the words of a prompt, without AI."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from . import editing
from .painting import paint
from .scene import compose, lettered
from .vocabulary import read

__all__ = [
    "CannotDrawError",
    "change",
    "draw",
    "erase",
    "outpaint",
    "remove_background",
    "unknown_words",
    "upscale",
]

Drawn = tuple[bytes, tuple[int, int]]
"""A PNG, and its width and height in pixels."""

_RUNS = 3
"""zlib's strategy of run lengths (Z_RLE): the paper's grain leaves no longer matches to look for."""
_SOFTWARE = "sketch, not an AI model"


class CannotDrawError(Exception):
    """A picture that would be too large, or no part of it that is to be changed; the message says what to do."""


def draw(
    prompt: str, *, negative_prompt: str = "", seed: int | None = None, width: int = 1024, height: int = 1024
) -> bytes:
    """Return a PNG picture of the prompt, always the same for the same arguments."""
    rng = random.Random(hashlib.sha256(f"{seed}\n{prompt}".encode(errors="replace")).digest())
    scene = lettered(compose(prompt, negative_prompt, rng), prompt)
    output = io.BytesIO()
    picture = paint(scene, rng, width, height)
    picture.save(output, "PNG", pnginfo=_metadata(prompt, seed), compress_level=4, compress_type=_RUNS)
    return output.getvalue()


def change(
    content: bytes,
    mask: bytes | None,
    prompt: str,
    *,
    seed: int | None,
    width: int | None,
    height: int | None,
    count: int,
) -> list[Drawn]:
    """Return PNG pictures, and their sizes: a picture with the prompt painted over it, or in it where the mask says.

    A width or height cuts and scales the picture and its mask; the one that is missing is the picture's own.
    """
    picture = editing.decode(content)
    area = editing.decode(mask) if mask else None
    size = (width or picture.width, height or picture.height)
    if area is not None and area.size != picture.size:
        area = area.resize(picture.size)
    if size != picture.size:
        picture = ImageOps.fit(picture, size)
        area = ImageOps.fit(area, size) if area else None
    made = []
    for number in range(count):
        chance = (seed or 0) + number if number else seed
        changed = (
            editing.inpaint(picture, area, prompt, seed=chance) if area else editing.edit(picture, prompt, seed=chance)
        )
        made.append(_written(changed, prompt, seed))
    return made


def outpaint(content: bytes, values: Mapping[str, Any], *, max_pixels: int) -> Drawn:
    """Return a picture, larger by `left`, `top`, `right` and `bottom` pixels, in which the prompt goes on."""
    picture = editing.decode(content)
    margins = {name: int(values.get(name) or 0) for name in ("left", "top", "right", "bottom")}
    if not any(margins.values()):
        raise CannotDrawError("give at least one of left, top, right and bottom.")
    width, height = (
        margins["left"] + picture.width + margins["right"],
        margins["top"] + picture.height + margins["bottom"],
    )
    _check_size(width, height, max_pixels)
    prompt, seed = values.get("prompt") or "", values.get("seed")
    return _written(editing.outpaint(picture, prompt, **margins, seed=seed), prompt, seed)


def upscale(content: bytes, factor: int, *, max_pixels: int) -> Drawn:
    """Return a picture that is so many times as wide and high."""
    picture = editing.decode(content)
    _check_size(picture.width * factor, picture.height * factor, max_pixels)
    return _written(editing.upscale(picture, factor))


def remove_background(content: bytes) -> Drawn:
    """Return a picture whose background is transparent."""
    return _written(editing.remove_background(editing.decode(content)))


def erase(content: bytes, mask: bytes | None) -> Drawn:
    """Return a picture in which the surroundings fill what the mask marks."""
    if mask is None:
        raise CannotDrawError("give a mask of what is to be erased.")
    return _written(editing.erase(editing.decode(content), editing.decode(mask)))


def unknown_words(prompt: str) -> tuple[str, ...]:
    """Return the words of a prompt that its picture does not show, in lower case, each once."""
    return read(prompt).unknown


def _check_size(width: int, height: int, most: int) -> None:
    if width * height > most:
        limit = f"{most / 1e6:.1f} million"
        raise CannotDrawError(f"{width} x {height} pixels are more than {limit}; send a smaller picture.")


def _written(picture: Image.Image, prompt: str = "", seed: int | None = None) -> Drawn:
    output = io.BytesIO()
    picture.save(output, "PNG", pnginfo=_metadata(prompt, seed), compress_level=4)
    return output.getvalue(), picture.size


def _metadata(prompt: str, seed: int | None) -> PngInfo:
    metadata = PngInfo()
    # A lone surrogate, which JSON can carry, has no UTF-8 form.
    metadata.add_itxt("Prompt", prompt.encode(errors="replace").decode())
    metadata.add_itxt("Seed", "" if seed is None else str(seed))
    metadata.add_itxt("Software", _SOFTWARE)
    return metadata
