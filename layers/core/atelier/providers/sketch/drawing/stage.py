"""The state that all parts of a picture share: frame, random numbers and light."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import pairwise

from .colour import Colour
from .palette import Palette
from .pen import Pen, Point

_WIDEST = 8.0
"""No picture gets more things than one so many times as wide as high."""


@dataclass(frozen=True)
class Stage:
    """A picture being drawn: `pen` spans u from 0 to `aspect` and v from 0 (bottom) to 1 (top)."""

    pen: Pen
    rng: random.Random
    aspect: float
    horizon: float
    detail: float = 1.0

    @property
    def palette(self) -> Palette:
        """The palette of the picture."""
        return self.pen.palette

    @property
    def unit(self) -> float:
        """The size of things: the shorter side, so that they fit in tall pictures."""
        return min(1.0, self.aspect * 1.1)

    def many(self, per_square: float) -> int:
        """Return how many things to scatter across the width, given how many suit a square picture."""
        return max(1, round(per_square * self.detail * min(max(self.aspect, 0.6), _WIDEST)))

    def across(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a random position across the width, between two fractions of it."""
        return self.aspect * self.rng.uniform(low, high)

    def hills(self, base: float, height: float, waves: float = 2.0) -> list[Point]:
        """Return a smooth random outline of a hill range, from edge to edge."""
        parts = [(waves * ratio, height / ratio, self.rng.uniform(0, math.tau)) for ratio in (1.0, 1.9, 3.7)]
        steps = 60
        return [
            (
                self.aspect * k / steps,
                base + sum(a * math.sin(self.aspect * k / steps * w * math.pi + p) for w, a, p in parts) / 2,
            )
            for k in range(steps + 1)
        ]

    def crags(self, base: float, height: float, *, levels: int = 5) -> list[Point]:
        """Return a jagged random outline of a mountain range, from edge to edge."""
        line = [self.rng.uniform(-0.5, 0.7) for _ in range(round(3 * self.aspect) + 3)]
        rough = 0.42
        for _ in range(levels):
            middles = [(a + b) / 2 + self.rng.uniform(-rough, rough) * 0.5 for a, b in pairwise(line)]
            line = [v for pair in zip(line, middles, strict=False) for v in pair] + line[-1:]
            rough *= 0.52
        return [(self.aspect * k / (len(line) - 1), base + height * v) for k, v in enumerate(line)]

    def land(self, outline: list[Point], colour: Colour, to: Colour, distance: float) -> None:
        """Fill the ground below an outline with a gradient, faded by its distance."""
        shape = [(-0.01, -0.01), (-0.01, outline[0][1]), *outline, (self.aspect + 0.01, outline[-1][1])]
        self.pen.at(0, 0, distance=distance).fill([*shape, (self.aspect + 0.01, -0.01)], colour, to)
