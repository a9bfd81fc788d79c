"""Prices of a picture by what was asked for: its quality, resolution and size, and the pictures that it is made from.

A model's or provider's one price may have exceptions, the first of which that holds counts:

    price = 0.053
    prices = [
      { quality = "low", megapixels = 1, image = 0.006 },   # pictures of at most a megapixel
      { quality = "high", image = 0.211, megapixel = 0.1 }, # and for each further megapixel begun
    ]

`image` is for the picture with its first megapixel, `megapixel` for each further one, `input` for each picture that it
is made from. `megapixels` and every other name are conditions: the size at most, and an input's value. A megapixel is
1024 x 1024 pixels; up to 2 % more count as none, since sides are rounded to multiples of 16.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atelier.catalog.provider_input import AUTO, ratio_of, sides_of

MAX_DOLLARS = 1_000
MICRO = 1_000_000
PIXELS = 1_024 * 1_024
ROUNDING = 0.02
RESOLUTIONS: Mapping[str, float] = {
    "0.5k": 0.25, "768sq": 0.5625, "1k": 1, "1.5k": 2.25, "2k": 4, "4k": 16, "2mp": 2, "4mp": 4,
}  # fmt: skip
"""Megapixels of the names that providers have for sizes; the shape changes them little."""
SIZES = ("size", "image_size", "resolution", "image_resolution")
"""Inputs that may name a size."""
_CHARGES = ("image", "megapixel", "input")


@dataclass(frozen=True, slots=True)
class Price:
    """One line of a price list, in millionths of a US dollar, or in credits."""

    image: int
    megapixel: int = 0
    input: int = 0
    megapixels: float = math.inf
    when: Mapping[str, Any] = field(default_factory=dict)

    def holds(self, values: Mapping[str, Any], megapixels: float) -> bool:
        """Tell whether it is the price of a picture of these inputs and this size."""
        return megapixels <= self.megapixels + ROUNDING and all(
            values.get(name) == wanted for name, wanted in self.when.items()
        )

    def of(self, megapixels: float, inputs: int) -> int:
        """Return what a picture of this size, made from so many `inputs`, costs."""
        further = max(0, math.ceil(megapixels - ROUNDING) - 1)
        return self.image + further * self.megapixel + inputs * self.input


def price_of(prices: Iterable[Price], usual: int, values: Mapping[str, Any], inputs: int = 0) -> int:
    """Return the price of a picture of these `values` made from so many `inputs`; `usual` where no line holds."""
    size = megapixels_of(values)
    return next((price.of(size, inputs) for price in prices if price.holds(values, size)), usual)


def megapixels_of(values: Mapping[str, Any]) -> float:
    """Return the size that inputs, ours or a provider's, ask for; one megapixel where they name none."""
    if isinstance(values.get("width"), int) or isinstance(values.get("height"), int):
        return _area(sides_of(values))
    for name in SIZES:
        match values.get(name):
            case {"width": int(width), "height": int(height)}:
                return _area({"width": width, "height": height})
            case str(text) if text.lower() in RESOLUTIONS:
                return RESOLUTIONS[text.lower()]
            case str(text) if (sides := _sides(text)) is not None:
                return _area(sides)
    return 1.0


def prices(items: Any, read: Callable[[Any], int]) -> tuple[Price, ...]:
    """Read a price list of the catalog; `read` makes an amount. ValueError where it is none."""
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ValueError("a price list must be a list of { image = ... }")
    return tuple(_price(item, read) for item in items)


def microdollars(dollars: Any) -> int:
    """Read a price in US dollars as millionths; ValueError where it is none."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float) or not 0 <= dollars < MAX_DOLLARS:
        raise ValueError(f"a price must be a number of US dollars from 0 to {MAX_DOLLARS}, not {dollars!r}")
    return round(dollars * MICRO)


def _price(item: Mapping[str, Any], read: Callable[[Any], int]) -> Price:
    size = item.get("megapixels", math.inf)
    if isinstance(size, bool) or not isinstance(size, int | float) or not size > 0:
        raise ValueError(f"'megapixels' must be a number above 0, not {size!r}")
    when = {name: value for name, value in item.items() if name not in (*_CHARGES, "megapixels")}
    image, megapixel, inputs = read(item["image"]), read(item.get("megapixel", 0)), read(item.get("input", 0))
    return Price(image, megapixel, inputs, float(size), when)


def _area(sides: Mapping[str, int]) -> float:
    return sides["width"] * sides["height"] / PIXELS


def _sides(text: str) -> Mapping[str, int] | None:
    """Read a size in pixels such as "1024x1536"; None for "auto", "16:9" and other words."""
    if text == AUTO or "x" not in text:
        return None
    try:
        ratio_of(text)
        width, height = map(int, text.split("x"))
    except ValueError:
        return None
    return {"width": width, "height": height} if width * height >= 4_096 else None
