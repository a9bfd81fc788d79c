"""Leaves, trees and grass, each growing up from (0, 0) of its pen to about v = 1."""

from __future__ import annotations

import math
import random

from .colour import Colour, darker, lighter, mix, rgb
from .pen import Pen, Point, oval, ribbon, smooth

GREEN = rgb(0x4C8A55)
DEEP_GREEN = rgb(0x24553F)
BARK = rgb(0x5B4A3E)


def blade(pen: Pen, colour: Colour, width: float = 0.2) -> None:
    """Draw one long pointed leaf, one half in shade, with its midrib and side veins."""
    bend = width * 0.5
    spine: list[Point] = smooth([(0, 0), (bend * 0.3, 0.35), (bend * 0.6, 0.7), (bend, 1)])
    left = smooth([(0, 0), (-width, 0.3), (-width * 0.7, 0.68), (bend, 1)])
    right = smooth([(0, 0), (width * 1.1, 0.32), (width * 1.2, 0.68), (bend, 1)])
    pen.fill(left + spine[::-1], lighter(colour, 0.10))
    pen.fill(right + spine[::-1], darker(colour, 0.14))
    for k in range(3, 17, 2):
        u, v = spine[k]
        reach = width * 0.8 * math.sin(math.pi * k / 21)
        for side in (-1, 1):
            vein = [(u, v), (u + side * reach, v + 0.10)]
            pen.stroke(vein, 0.010, lighter(colour, 0.22), end=0.003, alpha=0.5)
    pen.fill(ribbon(spine, 0.022, 0.004), lighter(colour, 0.28))


def fern(pen: Pen, colour: Colour, bend: float = 0.35) -> None:
    """Draw one arching frond with narrow leaflets on both sides."""
    spine = smooth([(0, 0), (bend * 0.15, 0.45), (bend * 0.55, 0.8), (bend * 1.3, 1)], steps=8)
    for k in range(3, len(spine) - 1):
        (u, v), (next_u, next_v) = spine[k], spine[k + 1]
        heading = math.atan2(next_v - v, next_u - u)
        reach = 0.30 * math.sin(math.pi * (k + 2) / (len(spine) + 2)) ** 0.8
        for side, tone in ((1, lighter(colour, 0.08)), (-1, darker(colour, 0.10))):
            angle = heading + side * 1.05
            tip = u + reach * math.cos(angle), v + reach * math.sin(angle) - reach * 0.15
            middle = u + (tip[0] - u) * 0.4, v + (tip[1] - v) * 0.4
            across = 0.022 * math.sin(angle), 0.022 * math.cos(angle)
            upper = middle[0] - across[0], middle[1] + across[1]
            lower = middle[0] + across[0], middle[1] - across[1]
            pen.fill([(u, v), upper, tip, lower], tone)
    pen.fill(ribbon(spine, 0.020, 0.004), lighter(colour, 0.18))


def monstera(pen: Pen, colour: Colour) -> None:
    """Draw one broad heart-shaped leaf with deep cuts, on its stalk."""
    pen.stroke([(0, 0), (0.0, 0.45)], 0.022, darker(colour, 0.1))
    outline: list[Point] = []
    for k in range(217):
        angle = math.pi * (k / 108 - 0.5)
        heart = 0.34 + 0.08 * abs(math.cos(angle)) + 0.12 * math.sin(angle)
        cut = max(0.0, math.cos(angle * 12)) ** 8 if abs(math.cos(angle)) > 0.25 else 0.0
        radius = heart * (1 - 0.52 * cut)
        outline.append((radius * math.cos(angle), 0.52 + radius * math.sin(angle)))
    half = len(outline) // 2
    pen.fill([(0, 0.3), *outline[: half + 1]], darker(colour, 0.12))
    pen.fill([(0, 0.3), *outline[half:]], lighter(colour, 0.08))
    for k in range(7):
        angle = math.pi * (0.08 + 0.14 * k)
        tip = 0.33 * math.cos(angle), 0.52 + 0.30 * math.sin(angle)
        pen.stroke([(0, 0.42), tip], 0.010, lighter(colour, 0.25), end=0.003, alpha=0.55)
    pen.stroke([(0, 0.3), (0, 1.02)], 0.014, lighter(colour, 0.28), end=0.003)


def tuft(pen: Pen, rng: random.Random, colour: Colour, blades: int = 9) -> None:
    """Draw a tuft of grass."""
    for k in range(blades):
        lean = (k / (blades - 1) - 0.5) * 1.3 + rng.uniform(-0.1, 0.1)
        tall = rng.uniform(0.6, 1.0) * (1 - abs(lean) * 0.5)
        path = smooth([(lean * 0.15, 0), (lean * 0.4, tall * 0.6), (lean * 0.9, tall)], steps=4)
        pen.fill(ribbon(path, 0.06, 0.005), mix(darker(colour, 0.15), lighter(colour, 0.12), rng.random()))


def vine(pen: Pen, rng: random.Random, colour: Colour, sway: float) -> None:
    """Draw a leafy vine hanging down from (0, 0) to v = -1."""
    path = smooth([(0, 0.05), (sway * 0.7, -0.3), (sway * 0.2, -0.65), (sway, -1)], steps=8)
    pen.fill(ribbon(path, 0.016, 0.006), darker(colour, 0.15))
    for k in range(3, len(path), 2):
        u, v = path[k]
        side = 1 if k % 4 == 1 else -1
        leaf = pen.at(u, v, rng.uniform(0.05, 0.09), turn=side * rng.uniform(95, 150))
        leaf.fill(smooth([(0, 0), (0.32, 0.45), (0, 1), (-0.32, 0.45)], closed=True), lighter(colour, 0.06))


def foliage(pen: Pen, rng: random.Random, colour: Colour, clumps: int = 40) -> None:
    """Draw a leafy crown about (0, 0) of radius 1, lit from above on the left."""
    for k in range(clumps):
        angle, reach = rng.uniform(0, math.tau), 0.72 * math.sqrt(rng.random())
        u, v = reach * math.cos(angle), reach * math.sin(angle) * 0.8
        rise = (k / clumps - 0.5) * 0.5
        tone = mix(darker(colour, 0.28), lighter(colour, 0.24), k / clumps)
        radius = rng.uniform(0.14, 0.30) * (1.2 - 0.5 * k / clumps)
        pen.fill(oval(u * (1.1 - 0.3 * k / clumps) - rise * 0.3, v + rise, radius, radius * 0.85), tone)


def tree(pen: Pen, rng: random.Random, colour: Colour) -> None:
    """Draw a broad-leaved tree."""
    trunk = smooth([(0.0, -0.01), (0.02, 0.25), (-0.01, 0.55)])
    pen.fill(ribbon(trunk, 0.09, 0.05), lighter(BARK, 0.12), darker(BARK, 0.25), sideways=True)
    for u, v in ((-0.18, 0.62), (0.17, 0.66)):
        pen.stroke(smooth([(0, 0.38), (u * 0.5, 0.50), (u, v)]), 0.04, BARK, end=0.02)
    foliage(pen.at(-0.16, 0.58, 0.22), rng, darker(colour, 0.1))
    foliage(pen.at(0.17, 0.62, 0.22), rng, darker(colour, 0.1))
    foliage(pen.at(0.0, 0.72, 0.32), rng, colour, 56)


def pine(pen: Pen, rng: random.Random, colour: Colour) -> None:
    """Draw a conifer, each side of its tiers in its own light."""
    pen.fill(ribbon([(0, -0.02), (0, 0.3)], 0.05, 0.04), BARK)
    tiers = 6
    for k in range(tiers):
        low, high = 0.12 + 0.14 * k, 0.12 + 0.14 * k + 0.28
        half = 0.23 * (1 - k / tiers) ** 0.85 + 0.02 + rng.uniform(-0.015, 0.015)
        top = (0.0, min(high, 1.0))
        pen.fill(
            [top, (-half, low), (-half * 0.4, low + 0.025), (0, low - 0.01)],
            lighter(colour, 0.06 + 0.015 * k),
        )
        pen.fill([top, (half, low), (half * 0.4, low + 0.025), (0, low - 0.01)], darker(colour, 0.16))


def palm(pen: Pen, rng: random.Random, colour: Colour) -> None:
    """Draw a palm with a leaning trunk."""
    lean = rng.uniform(-0.16, 0.16)
    trunk = smooth([(0, -0.01), (lean * 0.2, 0.35), (lean, 0.74)], steps=8)
    pen.fill(ribbon(trunk, 0.055, 0.032), lighter(BARK, 0.15), darker(BARK, 0.15), sideways=True)
    for k in range(9):
        frond = pen.at(lean, 0.74, rng.uniform(0.26, 0.36), turn=118 - 30 * k, flip=k < 4)
        fern(frond, mix(darker(colour, 0.15), lighter(colour, 0.1), rng.random()), bend=0.5)


def cactus(pen: Pen, colour: Colour) -> None:
    """Draw a saguaro cactus."""
    for path, width in (
        ([(0, 0), (0, 0.95)], 0.16),
        ([(0, 0.38), (-0.22, 0.42), (-0.24, 0.70)], 0.11),
        ([(0, 0.30), (0.20, 0.34), (0.22, 0.56)], 0.10),
    ):
        pen.stroke(smooth(path), width, darker(colour, 0.12))
        pen.stroke(smooth([(u - width * 0.18, v) for u, v in path]), width * 0.4, lighter(colour, 0.12))


def flower(pen: Pen, petal: Colour, colour: Colour, petals: int = 9) -> None:
    """Draw a large daisy-like flower with its stem and leaves."""
    stem = smooth([(0, 0), (0.03, 0.35), (0, 0.75)])
    pen.fill(ribbon(stem, 0.030, 0.022), darker(colour, 0.1))
    for turn, v in ((58, 0.14), (-62, 0.26)):
        blade(pen.at(0.015, v, 0.32, turn=turn), colour)
    for ring, (size, tone) in enumerate(((0.27, darker(petal, 0.16)), (0.22, petal), (0.15, lighter(petal, 0.22)))):
        for k in range(petals):
            head = pen.at(0, 0.76, size, turn=360 * (k + ring / 2) / petals)
            head.fill(smooth([(0, 0), (0.27, 0.6), (0, 1), (-0.27, 0.6)], closed=True), tone, darker(tone, 0.06))
    pen.fill(oval(0, 0.76, 0.062), rgb(0xC98A2C))
    pen.fill(oval(-0.008, 0.768, 0.044), rgb(0xE9B64A))
