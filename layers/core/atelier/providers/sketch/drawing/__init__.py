"""The drawing of the built-in model "sketch": a picture composed from the words of a prompt, without AI."""

from __future__ import annotations

import hashlib
import io
import random

from PIL import ImageOps
from PIL.PngImagePlugin import PngInfo

from . import editing
from .painting import paint
from .scene import compose, lettered
from .vocabulary import read

__all__ = ["change", "draw", "unknown_words"]

_RUNS = 3
"""zlib's strategy of run lengths (Z_RLE): the paper's grain leaves no longer matches to look for."""
_SOFTWARE = "sketch, not an AI model"


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
) -> list[tuple[bytes, tuple[int, int]]]:
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
        output = io.BytesIO()
        changed.save(output, "PNG", pnginfo=_metadata(prompt, seed), compress_level=4)
        made.append((output.getvalue(), changed.size))
    return made


def unknown_words(prompt: str) -> tuple[str, ...]:
    """Return the words of a prompt that its picture does not show, in lower case, each once."""
    return read(prompt).unknown


def _metadata(prompt: str, seed: int | None) -> PngInfo:
    metadata = PngInfo()
    # A lone surrogate, which JSON can carry, has no UTF-8 form.
    metadata.add_itxt("Prompt", prompt.encode(errors="replace").decode())
    metadata.add_itxt("Seed", "" if seed is None else str(seed))
    metadata.add_itxt("Software", _SOFTWARE)
    return metadata
