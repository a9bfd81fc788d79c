"""How a client's input is put into a provider's words: a rule for each of the provider's inputs.

A rule names what it is made `from`, and what the provider allows of it:

    width, height   in pixels, whether the client gave these or an aspect ratio; a `multiple` of a number
    size            both, as an object; where there are `choices` such as "1024x1536", the nearest of these. With a
                    `most` such as [3840, 2160], sides that the client gave are sent in such words as they are, but no
                    larger, and no more than `ratio` times as long as wide
    aspect_ratio    such as "16:9": the nearest of the `choices`. Where the provider has a word for a shape that other
                    inputs tell in pixels, `sized` is that word; `auto` is its word for the shape of a given picture
    image_urls      where the provider can fetch the client's pictures; image_url: the first of them, image_url_2: the
                    second, and so on
    mask_url        where it can fetch the mask of the first of them: white there where the picture is to be changed
    anything else   the input of that name, as it came

An input that the client did not send, and that has no default, is left out.
"""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

AUTO = "auto"
"""The aspect ratio that leaves the shape to the provider."""

SIDE = 1_024
"""The default of a width or height, in pixels, if only the other one is given."""

STEP = 16
"""Sides that are made of an aspect ratio are a multiple of this, in pixels."""

SHAPE = frozenset({"width", "height", "aspect_ratio"})
_NTH_IMAGE = re.compile(r"image_url_([1-9][0-9]?)")
_EXPRESSED: Mapping[str, frozenset[str]] = {
    "width": frozenset({"width", "aspect_ratio"}),
    "height": frozenset({"height", "aspect_ratio"}),
    "size": SHAPE,
    "aspect_ratio": SHAPE,
    "image_url": frozenset({"image_urls"}),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a provider's input comes from; an aspect ratio becomes a picture of so many `megapixels`."""

    source: str
    choices: tuple[str, ...] = ()
    multiple: int = 1
    megapixels: float = 1.0
    most: tuple[int, int] | None = None
    ratio: int = 100
    lower: bool = False
    """Whether the provider writes the values of an enum in small letters."""
    sized: str | None = None
    auto: str | None = None

    @property
    def expressed(self) -> frozenset[str]:
        """Name the inputs of the client that reach the provider by this rule."""
        if _NTH_IMAGE.fullmatch(self.source):
            return frozenset({"image_urls"})
        return _EXPRESSED.get(self.source, frozenset({self.source}))

    def __call__(self, values: Mapping[str, Any], images: tuple[str, ...], mask: str | None) -> Any:
        """Return the value for the provider, or None."""
        match self.source:
            case "width" | "height" | "size":
                return self._sized(values)
            case "aspect_ratio":
                return self._shape(_ratio(values), images)
            case "image_urls":
                return list(images) or None
            case "image_url":
                return images[0] if images else None
            case "mask_url":
                return mask
            case name if found := _NTH_IMAGE.fullmatch(name):
                return images[int(found[1]) - 1] if len(images) >= int(found[1]) else None
            case name:
                value = values.get(name)
                return value.lower() if self.lower and isinstance(value, str) else value

    def _shape(self, ratio: float | None, images: tuple[str, ...]) -> str | None:
        if ratio is None:
            return self.auto if images else None
        return self.sized or nearest(self.choices, ratio)

    def _sized(self, values: Mapping[str, Any]) -> Any:
        ratio = _ratio(values)
        if ratio is None:
            return None
        if self.most and (values.get("width") or values.get("height")):
            return self._limited(sides_of(values), self.most)
        if self.choices:
            return nearest(self.choices, ratio)
        sides = sides_of(values, self.megapixels)
        sides = {name: max(1, round(side / self.multiple)) * self.multiple for name, side in sides.items()}
        return sides if self.source == "size" else sides[self.source]

    def _limited(self, sides: Mapping[str, int], most: tuple[int, int]) -> str:
        """Write a size within limits of its longer side, its area and its shape, in steps of the multiple."""
        width, height = sides["width"], sides["height"]
        long, short = max(width, height), max(min(width, height), self.multiple)
        long = min(long, short * self.ratio)
        scale = min(1.0, max(most) / long, math.sqrt(most[0] * most[1] / (long * short)))
        step = self.multiple
        exact = [min(long * scale, max(most)), short * scale]
        down = scale < 1
        long, short = (max(1, int(side / step) if down else round(side / step)) * step for side in exact)
        long = min(long, short * self.ratio)
        return f"{long}x{short}" if width >= height else f"{short}x{long}"


def translate(
    rules: Mapping[str, Rule], values: Mapping[str, Any], images: tuple[str, ...], mask: str | None = None
) -> dict[str, Any]:
    """Put values into a provider's words by its rules."""
    sent = {theirs: rule(values, images, mask) for theirs, rule in rules.items()}
    return {theirs: value for theirs, value in sent.items() if value is not None}


def plain(values: Mapping[str, Any], images: tuple[str, ...], mask: str | None = None) -> dict[str, Any]:
    """Put values into our own words, for who speaks them: as they came, but pixels for an aspect ratio."""
    own = ("aspect_ratio", "mask_url")
    sent = {name: value for name, value in values.items() if value is not None and name not in own}
    if values.get("aspect_ratio") not in (None, AUTO):
        sent |= sides_of(values)
    return sent | ({"image_urls": list(images)} if images else {}) | ({"mask_url": mask} if mask else {})


def sides_of(values: Mapping[str, Any], megapixels: float = 1.0) -> dict[str, int]:
    """Return a picture's width and height in pixels; there must be a shape in `values`."""
    width, height = values.get("width"), values.get("height")
    if width or height:
        return {"width": width or SIDE, "height": height or SIDE}
    ratio = math.sqrt(_ratio(values) or 1.0)
    side = SIDE * math.sqrt(megapixels)
    return {"width": round(side * ratio / STEP) * STEP, "height": round(side / ratio / STEP) * STEP}


def nearest(choices: Collection[str], ratio: float) -> str:
    """Return the choice, such as "16:9" or "1536x1024", whose shape is nearest; half as wide is as far as twice."""
    return min(choices, key=lambda choice: abs(math.log(ratio_of(choice) / ratio)))


def ratio_of(shape: str) -> float:
    """Read the ratio of a shape such as "16:9" or "1536x1024"; ValueError where it is none."""
    width, height = map(int, shape.replace("x", ":").split(":"))
    if width < 1 or height < 1:
        raise ValueError(shape)
    return width / height


def _ratio(values: Mapping[str, Any]) -> float | None:
    width, height = values.get("width"), values.get("height")
    if width or height:
        return float((width or SIDE) / (height or SIDE))
    ratio = values.get("aspect_ratio")
    return None if ratio in (None, AUTO) else ratio_of(ratio)
