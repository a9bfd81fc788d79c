"""The one drawing tool: shapes in a local frame, coloured by the palette of the picture."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

from PIL import Image, ImageDraw, ImageFont

from .colour import WHITE, Colour, mix
from .palette import Palette

Point = tuple[float, float]
_HALO = Image.radial_gradient("L")


def smooth(points: Sequence[Point], *, closed: bool = False, steps: int = 7) -> list[Point]:
    """Return a Catmull-Rom curve through the points."""
    count = len(points)
    knots = [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    curve: list[Point] = []
    for index in range(count if closed else count - 1):
        a, b, c, d = knots[index : index + 4]
        for step in range(steps):
            t = step / steps
            curve.append((_spline(t, a[0], b[0], c[0], d[0]), _spline(t, a[1], b[1], c[1], d[1])))
    return curve if closed else [*curve, points[-1]]


def _spline(t: float, a: float, b: float, c: float, d: float) -> float:
    return b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))) / 2


def box(left: float, bottom: float, right: float, top: float) -> list[Point]:
    """Return the corners of a rectangle."""
    return [(left, bottom), (left, top), (right, top), (right, bottom)]


def rounded(left: float, bottom: float, right: float, top: float, radius: float) -> list[Point]:
    """Return the outline of a rectangle with round corners."""
    corners = (
        (right - radius, top - radius, 0.0),
        (left + radius, top - radius, 0.5),
        (left + radius, bottom + radius, 1.0),
        (right - radius, bottom + radius, 1.5),
    )
    return [
        (u + radius * math.cos(math.pi * (start + k / 12)), v + radius * math.sin(math.pi * (start + k / 12)))
        for u, v, start in corners
        for k in range(7)
    ]


def oval(u: float, v: float, wide: float, high: float | None = None) -> list[Point]:
    """Return the outline of an ellipse given its centre and half axes."""
    high = wide if high is None else high
    return [(u + wide * math.cos(k * math.pi / 32), v + high * math.sin(k * math.pi / 32)) for k in range(64)]


def ribbon(path: Sequence[Point], width: float, end: float) -> list[Point]:
    """Return the outline of a path whose full width goes from `width` to `end`."""
    left: list[Point] = []
    right: list[Point] = []
    for index, (u, v) in enumerate(path):
        before, after = path[max(index - 1, 0)], path[min(index + 1, len(path) - 1)]
        across, along = after[0] - before[0], after[1] - before[1]
        half = (width + (end - width) * index / (len(path) - 1)) / 2 / (math.hypot(across, along) or 1.0)
        left.append((u - along * half, v + across * half))
        right.append((u + along * half, v - across * half))
    return left + right[::-1]


@dataclass(frozen=True)
class Pen:
    """A frame on the picture: (0, 0) is at pixel (x, y), v goes up, and 1 is `size` pixels."""

    image: Image.Image
    ink: ImageDraw.ImageDraw
    glaze: ImageDraw.ImageDraw
    palette: Palette
    x: float
    y: float
    size: float
    turn: float = 0.0
    flip: bool = False
    distance: float = 0.0

    def at(
        self,
        u: float,
        v: float,
        size: float = 1.0,
        *,
        turn: float = 0.0,
        flip: bool = False,
        distance: float | None = None,
    ) -> Pen:
        """Return a pen whose frame is placed, scaled, turned (in degrees) or mirrored within this one."""
        ((x, y),) = self._pixels([(u, v)])
        radians = math.radians(turn)
        return replace(
            self,
            x=x,
            y=y,
            size=self.size * size,
            turn=self.turn + (-radians if self.flip else radians),
            flip=self.flip ^ flip,
            distance=self.distance if distance is None else distance,
        )

    def glowing(self) -> Pen:
        """Return a pen for things that give light: their colours are drawn as they are."""
        plain = replace(self.palette.light, ambient=WHITE)
        return replace(self, palette=replace(self.palette, light=plain), distance=0.0)

    def fill(
        self,
        points: Sequence[Point],
        colour: Colour,
        to: Colour | None = None,
        *,
        sideways: bool = False,
        alpha: float = 1.0,
    ) -> None:
        """Fill a shape, evenly or with a gradient `to` another colour (downwards, or sideways)."""
        pixels = self._pixels(points)
        first = self.palette.seen(colour, self.distance)
        if to is None:
            if alpha == 1.0:
                self.ink.polygon(pixels, fill=first)
            else:
                self.glaze.polygon(pixels, fill=(*first, round(255 * alpha)))
            return
        second = self.palette.seen(to, self.distance)
        if sideways and self.flip:
            first, second = second, first
        self._blend(pixels, first, second, sideways, round(255 * alpha))

    def stroke(
        self,
        path: Sequence[Point],
        width: float,
        colour: Colour,
        *,
        end: float | None = None,
        alpha: float = 1.0,
    ) -> None:
        """Draw a path of some width, tapering to the width `end`, with round ends when it is opaque."""
        end = width if end is None else end
        self.fill(ribbon(path, width, end), colour, alpha=alpha)
        if alpha == 1.0:
            self.fill(oval(*path[0], width / 2), colour)
            self.fill(oval(*path[-1], end / 2), colour)

    def glow(self, u: float, v: float, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """Add a soft round light; its colour is that of the light itself, whatever the hour."""
        ((x, y),) = self._pixels([(u, v)])
        reach = max(1, round(radius * self.size))
        seen = math.ceil(reach * max(0.0, 1 - math.sqrt(0.5 / (255 * strength))))  # beyond it rounds to nothing
        x, y = round(x), round(y)
        left, top = max(0, x - seen), max(0, y - seen)
        right, bottom = min(self.image.width, x + seen), min(self.image.height, y + seen)
        if left >= right or top >= bottom:
            return
        # Pillow's radial gradient reaches 255 in the corners, and 180 at the nearest edge.
        falloff = [round(255 * strength * max(0.0, 1 - k / 178) ** 2) for k in range(256)]
        scale = _HALO.width / (2 * reach)
        part = (
            (left - x + reach) * scale,
            (top - y + reach) * scale,
            (right - x + reach) * scale,
            (bottom - y + reach) * scale,
        )
        mask = _HALO.point(falloff).resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=part)
        self.image.paste(colour, (left, top), mask)

    def letter(self, lines: Sequence[str], u: float, v: float, tall: float, wide: float, colour: Colour) -> None:
        """Letter lines, centred about a point and neither turned nor mirrored, each at most `tall` and `wide`."""
        ((x, y),) = self._pixels([(u, v)])
        size = tall * self.size
        widest = max((_font(max(1.0, size)).getlength(line) for line in lines), default=0.0)
        font = _font(max(1.0, size * min(1.0, wide * self.size / (widest or 1.0))))
        pitch = 1.25 * font.size
        for number, line in enumerate(lines):
            middle = y + pitch * (number - (len(lines) - 1) / 2)
            self.ink.text((x, middle), line, fill=self.palette.seen(colour, self.distance), font=font, anchor="mm")

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        side = -self.size if self.flip else self.size
        if not self.turn:
            return [(self.x + side * u, self.y - self.size * v) for u, v in points]
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return [
            (self.x + side * u * cos - self.size * v * sin, self.y - side * u * sin - self.size * v * cos)
            for u, v in points
        ]

    def _blend(self, pixels: Sequence[Point], first: Colour, second: Colour, sideways: bool, alpha: int) -> None:
        xs, ys = [x for x, _ in pixels], [y for _, y in pixels]
        left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
        right = min(self.image.width, math.ceil(max(xs)) + 1)
        bottom = min(self.image.height, math.ceil(max(ys)) + 1)
        if left >= right or top >= bottom:
            return
        # A mask of mode "1" is pasted without blending.
        mask = Image.new("1" if alpha == 255 else "L", (right - left, bottom - top))
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in pixels], fill=alpha)
        span = (min(xs), max(xs), left, right) if sideways else (min(ys), max(ys), top, bottom)
        start, stop, low, high = span
        length = (stop - start) or 1.0
        ends = mix(first, second, (low - start) / length), mix(first, second, (high - start) / length)
        self.image.paste(gradient(mask.size, *ends, sideways=sideways), (left, top), mask)


@cache
def _face() -> bytes:
    """Return the font that comes with Pillow (Aileron)."""
    return cast("ImageFont.FreeTypeFont", ImageFont.load_default(10)).font_bytes


def _font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(_face()), size, layout_engine=ImageFont.Layout.BASIC)


def lettering(text: str) -> str:
    """Return a text in the letters that the font has: those of ASCII, accents left off."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def gradient(size: tuple[int, int], first: Colour, second: Colour, *, sideways: bool = False) -> Image.Image:
    """Return an even gradient from the first colour to the second."""
    width, height = size
    strip = Image.new("RGB", (2, 1) if sideways else (1, 2), first)
    strip.putpixel((1, 0) if sideways else (0, 1), second)
    half = (0.5, 0, 1.5, 1) if sideways else (0, 0.5, 1, 1.5)
    strip = strip.resize((width, 1) if sideways else (1, height), Image.Resampling.BILINEAR, box=half)
    return strip.resize(size, Image.Resampling.NEAREST)
