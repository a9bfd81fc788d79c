"""Buildings, vehicles, creatures of air and water, and heavenly bodies, each about 1 in size."""

from __future__ import annotations

import math
import random

from . import plants
from .colour import WHITE, darker, lighter, mix, rgb
from .figures import NIGHT_GLASS, STEEL, STEEL_SHADE, shadow
from .pen import Pen, box, oval, ribbon, rounded, smooth

STONE = rgb(0xB6ADA3)
CREAM = rgb(0xF3EADB)
WOOD = rgb(0x8A5A3A)
LAMP = rgb(0xFFD98C)
ROCK = rgb(0x6E6660)


def _window(pen: Pen, left: float, bottom: float, right: float, top: float) -> None:
    pane = box(left, bottom, right, top)
    if pen.palette.light.dark:
        pen.glow((left + right) / 2, (bottom + top) / 2, (top - bottom) * 1.6, LAMP, 0.5)
        pen.glowing().fill(pane, LAMP)
    else:
        pen.fill(pane, rgb(0x3B5568), rgb(0x8FB2C0))


def house(pen: Pen, rng: random.Random) -> None:
    """Draw a cottage with a chimney."""
    wall, roof = CREAM, pen.palette.accent
    shadow(pen, 0.62)
    pen.fill(box(0.20, 0.62, 0.30, 0.96), lighter(ROCK, 0.1), darker(ROCK, 0.3), sideways=True)
    for k in range(5):
        pen.glowing().fill(oval(0.26 + 0.035 * k, 1.0 + 0.06 * k, 0.03 + 0.012 * k), WHITE, alpha=0.30 - 0.05 * k)
    pen.fill(box(-0.42, 0, 0.42, 0.50), wall, darker(wall, 0.24), sideways=True)
    pen.fill([(-0.50, 0.46), (-0.32, 0.86), (0.32, 0.86), (0.50, 0.46)], lighter(roof, 0.1), darker(roof, 0.3))
    for k in range(1, 5):
        v, half = 0.46 + 0.08 * k, 0.50 - 0.036 * k
        pen.stroke([(-half, v), (half, v)], 0.006, darker(roof, 0.35), alpha=0.5)
    pen.fill([(-0.14, 0.50), (0, 0.78), (0.14, 0.50)], lighter(wall, 0.1), darker(wall, 0.1))
    pen.stroke([(-0.18, 0.47), (0, 0.82), (0.18, 0.47)], 0.03, darker(roof, 0.25))
    _window(pen, -0.045, 0.54, 0.045, 0.65)
    pen.fill(rounded(-0.075, 0.0, 0.075, 0.29, 0.02), lighter(WOOD, 0.05), darker(WOOD, 0.25))
    pen.fill(oval(0.045, 0.14, 0.011), LAMP)
    for side in (-1, 1):
        left = side * 0.26 - 0.075
        pen.fill(box(left - 0.015, 0.15, left + 0.165, 0.355), darker(WOOD, 0.1))
        _window(pen, left, 0.165, left + 0.15, 0.34)
        pen.stroke([(left + 0.075, 0.165), (left + 0.075, 0.34)], 0.010, CREAM)
        pen.stroke([(left, 0.255), (left + 0.15, 0.255)], 0.010, CREAM)
        for k in range(7):
            bush = oval(side * (0.16 + 0.05 * k), 0.02 + rng.uniform(0, 0.03), rng.uniform(0.035, 0.055))
            pen.fill(bush, pen.palette.leafy(mix(plants.GREEN, plants.DEEP_GREEN, rng.random())))


def castle(pen: Pen, rng: random.Random) -> None:
    """Draw a castle on its rock, with pointed towers and flags."""
    roof = pen.palette.accent
    hill = [
        (-2.0, -1.0),
        (-1.1, -0.16),
        (-0.55, 0.12),
        (-0.36, 0.21),
        (0.38, 0.21),
        (0.58, 0.11),
        (1.1, -0.18),
        (2.0, -1.0),
    ]
    pen.fill(smooth(hill), pen.palette.leafy(mix(ROCK, plants.GREEN, 0.45)), pen.palette.leafy(plants.DEEP_GREEN))
    for _ in range(16):
        u = rng.choice((-1, 1)) * rng.uniform(0.25, 1.1)
        grove = pen.at(u, -0.25 - 0.35 * rng.random() - 0.2 * abs(u), rng.uniform(0.12, 0.24))
        plants.pine(grove, rng, pen.palette.leafy(mix(plants.GREEN, plants.DEEP_GREEN, 0.6)))
    towers = (
        (0.0, 0.085, 0.72),
        (-0.19, 0.065, 0.58),
        (0.20, 0.070, 0.54),
        (-0.36, 0.060, 0.44),
        (0.37, 0.060, 0.42),
    )
    for u, half, top in towers:
        tower = pen.at(u, 0)
        tower.fill(box(-half, 0.18, half, top), lighter(STONE, 0.25), darker(STONE, 0.3), sideways=True)
        tower.fill(
            box(-half * 1.25, top - 0.045, half * 1.25, top),
            lighter(STONE, 0.1),
            darker(STONE, 0.4),
            sideways=True,
        )
        spire = top + half * 3.0
        tower.fill(
            [(-half * 1.4, top), (0, spire), (half * 1.4, top)],
            lighter(roof, 0.12),
            darker(roof, 0.4),
            sideways=True,
        )
        tower.stroke([(0, spire - 0.01), (0, spire + 0.07)], 0.006, darker(STONE, 0.5))
        tower.fill([(0, spire + 0.07), (0.07, spire + 0.052), (0, spire + 0.032)], lighter(roof, 0.25))
        for v in (top - 0.12, top - 0.26):
            _window(tower, -half * 0.2, v, half * 0.2, v + 0.06)
    pen.fill(box(-0.38, 0.18, 0.38, 0.36), lighter(STONE, 0.12), darker(STONE, 0.25), sideways=True)
    for k in range(13):
        pen.fill(box(-0.38 + 0.06 * k, 0.36, -0.345 + 0.06 * k, 0.385), darker(STONE, 0.02 * k))
    pen.fill(rounded(-0.06, 0.14, 0.06, 0.31, 0.058), darker(WOOD, 0.5), darker(WOOD, 0.25))
    for u in (-0.27, -0.16, 0.16, 0.27):
        _window(pen, u - 0.011, 0.25, u + 0.011, 0.295)
    for k in range(12):
        bush = oval(-0.48 + 0.087 * k, 0.17 + rng.uniform(-0.03, 0.02), rng.uniform(0.035, 0.06))
        pen.fill(bush, pen.palette.leafy(mix(plants.GREEN, plants.DEEP_GREEN, rng.random())))


def lighthouse(pen: Pen, _rng: random.Random) -> None:
    """Draw a banded lighthouse on a rock, its lamp lit."""
    band = pen.palette.accent
    rock = [
        (-0.55, -0.10),
        (-0.40, 0.03),
        (-0.26, 0.08),
        (-0.12, 0.14),
        (0.14, 0.14),
        (0.24, 0.07),
        (0.44, 0.02),
        (0.60, -0.10),
        (0.35, -0.125),
        (0.05, -0.115),
        (-0.25, -0.13),
    ]
    for k in range(3):
        pen.glowing().fill(oval(0, -0.108 - 0.012 * k, 0.64 - 0.06 * k, 0.022), WHITE, alpha=0.16)
    pen.fill(rock, lighter(ROCK, 0.1), darker(ROCK, 0.45))
    pen.fill([(-0.26, 0.08), (-0.12, 0.14), (0.02, 0.14), (-0.10, 0.0), (-0.30, -0.06)], lighter(ROCK, 0.25), ROCK)
    cottage = pen.at(0.23, 0.07, 0.2)
    cottage.fill(box(-0.45, 0, 0.45, 0.5), CREAM, darker(CREAM, 0.25), sideways=True)
    cottage.fill([(-0.55, 0.48), (0, 0.95), (0.55, 0.48)], band, darker(band, 0.35))
    _window(cottage, -0.15, 0.12, 0.15, 0.36)
    for k in range(5):
        low, high = k / 5, (k + 1) / 5
        wide, narrow = 0.115 - 0.045 * low, 0.115 - 0.045 * high
        tone = CREAM if k % 2 else band
        bottom, top = 0.13 + 0.62 * low, 0.13 + 0.62 * high
        pen.fill(
            [(-wide, bottom), (-narrow, top), (narrow, top), (wide, bottom)],
            lighter(tone, 0.12),
            darker(tone, 0.35),
            sideways=True,
        )
    for v in (0.32, 0.56):
        _window(pen, -0.014, v, 0.014, v + 0.045)
    pen.fill(box(-0.105, 0.745, 0.105, 0.77), rgb(0x3C4450))
    pen.glow(0, 0.82, 0.55, LAMP, 0.75)
    for side in (-1, 1):
        beam = [(0, 0.835), (side * 1.7, 0.99), (side * 1.7, 0.74), (0, 0.805)]
        pen.glowing().fill(beam, LAMP, alpha=0.16)
    pen.glowing().fill(box(-0.052, 0.77, 0.052, 0.87), lighter(LAMP, 0.55), LAMP)
    for u in (-0.052, 0, 0.052):
        pen.stroke([(u, 0.77), (u, 0.87)], 0.008, rgb(0x3C4450))
    pen.fill([(-0.075, 0.865), (0, 0.965), (0.075, 0.865)], band, darker(band, 0.4), sideways=True)
    pen.fill(oval(0, 0.97, 0.013), rgb(0x3C4450))


def boat(pen: Pen, rng: random.Random) -> None:
    """Draw a sailing boat with its reflection."""
    sail, hull = mix(CREAM, pen.palette.accent, 0.12), pen.palette.accent
    for k in range(7):
        half = 0.40 * (1 - k / 9) * rng.uniform(0.7, 1.0)
        pen.fill(
            oval(rng.uniform(-0.03, 0.03), -0.03 - 0.045 * k, half, 0.010),
            mix(sail, hull, rng.random()),
            alpha=0.35,
        )
    pen.stroke([(0, 0.08), (0, 1.0)], 0.018, WOOD, end=0.010)
    pen.fill(
        smooth([(0.02, 0.20), (0.03, 0.97)]) + smooth([(0.03, 0.97), (0.30, 0.50), (0.44, 0.20)]),
        lighter(sail, 0.3),
        darker(sail, 0.12),
        sideways=True,
    )
    pen.fill(
        [*smooth([(-0.03, 0.90), (-0.20, 0.50), (-0.36, 0.20)]), (-0.03, 0.24)],
        sail,
        darker(sail, 0.2),
        sideways=True,
    )
    for v, end in ((0.42, 0.345), (0.64, 0.215)):
        pen.stroke([(0.025, v), (end, v - 0.02)], 0.005, darker(sail, 0.25), alpha=0.5)
    pen.fill([(0, 1.0), (0.12, 0.975), (0, 0.945)], hull)
    body = smooth([(-0.46, 0.15), (-0.38, 0.02), (-0.26, -0.025), (0.26, -0.025), (0.40, 0.03), (0.50, 0.16)])
    pen.fill(body, lighter(hull, 0.12), darker(hull, 0.45))
    pen.stroke([(-0.455, 0.145), (0.49, 0.155)], 0.022, CREAM)
    pen.glowing().fill(oval(0, -0.028, 0.40, 0.010), WHITE, alpha=0.4)


def car(pen: Pen, _rng: random.Random) -> None:
    """Draw a small round car, headlamps lit when it is dark."""
    paint = pen.palette.accent
    shadow(pen, 0.85)
    cabin = smooth([(-0.46, 0.34), (-0.30, 0.60), (-0.02, 0.66), (0.24, 0.60), (0.44, 0.34)])
    pen.fill(cabin, lighter(paint, 0.15), darker(paint, 0.1))
    pen.fill([(-0.37, 0.36), (-0.25, 0.56), (-0.03, 0.60), (-0.03, 0.36)], rgb(0x9CC3D2), NIGHT_GLASS)
    pen.fill([(0.02, 0.36), (0.02, 0.60), (0.20, 0.55), (0.35, 0.36)], rgb(0x9CC3D2), NIGHT_GLASS)
    body = [
        (-0.78, 0.14),
        (-0.80, 0.30),
        (-0.62, 0.40),
        (-0.2, 0.41),
        (0.42, 0.39),
        (0.74, 0.33),
        (0.82, 0.20),
        (0.78, 0.12),
        (0, 0.10),
    ]
    pen.fill(smooth(body, closed=True), lighter(paint, 0.2), darker(paint, 0.35))
    pen.stroke([(-0.76, 0.275), (0.76, 0.275)], 0.010, lighter(paint, 0.5), alpha=0.7)
    pen.stroke([(-0.005, 0.39), (-0.005, 0.15)], 0.006, darker(paint, 0.4))
    for u in (-0.46, 0.46):
        pen.fill(oval(u, 0.13, 0.165), darker(paint, 0.6))
        pen.fill(oval(u, 0.12, 0.14), rgb(0x24262C))
        pen.fill(oval(u, 0.12, 0.075), STEEL, STEEL_SHADE)
    if pen.palette.light.dark:
        pen.glow(0.80, 0.27, 0.5, LAMP, 0.7)
    pen.glowing().fill(oval(0.76, 0.275, 0.038, 0.045), lighter(LAMP, 0.4))
    pen.glowing().fill(oval(-0.785, 0.28, 0.02, 0.04), rgb(0xE0483E))


def rocket(pen: Pen, rng: random.Random) -> None:
    """Draw a rocket in flight on its plume."""
    ship, trim = pen.at(0, 0, turn=rng.uniform(-24, 24)), pen.palette.accent
    for k in range(9):
        ship.glowing().fill(
            oval(rng.uniform(-0.03, 0.03) * k, -0.12 - 0.075 * k, 0.05 + 0.012 * k),
            WHITE,
            alpha=0.4 - 0.04 * k,
        )
    ship.glow(0, 0.02, 0.35, rgb(0xFFB347), 0.8)
    for width, length, tone in ((0.10, 0.30, 0xF0703A), (0.065, 0.22, 0xFFB84A), (0.035, 0.14, 0xFFF2C2)):
        ship.glowing().fill(
            smooth([(-width, 0.10), (0, 0.10 - length), (width, 0.10), (0, 0.16)], closed=True), rgb(tone)
        )
    for side in (-1, 1):
        ship.fill(
            smooth([(side * 0.10, 0.42), (side * 0.25, 0.20), (side * 0.26, 0.04), (side * 0.09, 0.14)]),
            trim,
            darker(trim, 0.4),
        )
    hull = [
        (-0.10, 0.10),
        (-0.15, 0.35),
        (-0.135, 0.62),
        (0, 0.98),
        (0.135, 0.62),
        (0.15, 0.35),
        (0.10, 0.10),
    ]
    ship.fill(smooth(hull, closed=True), CREAM, darker(STEEL, 0.3), sideways=True)
    ship.fill(
        smooth([(-0.108, 0.72), (0, 0.985), (0.108, 0.72), (0, 0.70)], closed=True),
        trim,
        darker(trim, 0.35),
        sideways=True,
    )
    ship.fill(oval(0, 0.54, 0.078), darker(STEEL, 0.25))
    ship.fill(oval(0, 0.54, 0.058), rgb(0x8FD0E4), NIGHT_GLASS)
    ship.fill(ribbon([(0, 0.30), (0, 0.04)], 0.05, 0.035), trim, darker(trim, 0.4))


def balloon(pen: Pen, _rng: random.Random) -> None:
    """Draw a hot-air balloon with striped gores."""
    stripes = (pen.palette.accent, CREAM)
    for k in range(9):
        left, right = -1 + 2 * k / 9, -1 + 2 * (k + 1) / 9
        rows = [
            (v, math.sqrt(max(0.0, 1 - v * v)) * (1.0 if v > 0 else 1 + 0.25 * v))
            for v in (1, 0.9, 0.7, 0.4, 0, -0.4, -0.7, -0.88)
        ]
        gore = [(math.sin(left * 1.57) * 0.36 * half, 0.62 + 0.36 * v) for v, half in rows]
        gore += [(math.sin(right * 1.57) * 0.36 * half, 0.62 + 0.36 * v) for v, half in reversed(rows)]
        tone = darker(stripes[k % 2], 0.05 * k)
        pen.fill(gore, lighter(tone, 0.15), darker(tone, 0.2))
    for side in (-1, 1):
        pen.stroke([(side * 0.11, 0.31), (side * 0.05, 0.12)], 0.006, darker(WOOD, 0.3))
    pen.fill(rounded(-0.065, 0.02, 0.065, 0.13, 0.015), lighter(WOOD, 0.2), darker(WOOD, 0.2), sideways=True)


def bird(pen: Pen, rng: random.Random) -> None:
    """Draw a bird in flight, wings spread."""
    coat, lift = mix(pen.palette.accent, rgb(0x3A4658), 0.35), rng.uniform(0.35, 0.6)
    pen.fill(
        smooth(
            [(0.05, 0.5), (-0.10, 0.5 + lift), (-0.42, 0.62 + lift), (-0.22, 0.62), (-0.10, 0.46)],
            closed=True,
        ),
        darker(coat, 0.15),
        darker(coat, 0.4),
    )
    pen.fill([(-0.24, 0.46), (-0.58, 0.36), (-0.54, 0.45), (-0.60, 0.50)], darker(coat, 0.3))
    body = [(-0.34, 0.45), (-0.05, 0.38), (0.22, 0.44), (0.36, 0.56), (0.27, 0.63), (0.10, 0.57)]
    pen.fill(smooth(body, closed=True), coat, lighter(coat, 0.55))
    pen.fill(
        smooth(
            [(0.10, 0.54), (0.14, 0.6 + lift * 0.8), (-0.12, 0.80 + lift), (-0.06, 0.62), (-0.16, 0.47)],
            closed=True,
        ),
        lighter(coat, 0.2),
        darker(coat, 0.1),
    )
    pen.fill([(0.34, 0.59), (0.46, 0.545), (0.34, 0.54)], rgb(0xE8A33C))
    pen.fill(oval(0.285, 0.585, 0.016), rgb(0x15161C))


def fish(pen: Pen, _rng: random.Random) -> None:
    """Draw a fish with flowing fins."""
    coat = pen.palette.accent
    pen.fill(
        smooth([(-0.34, 0.5), (-0.72, 0.82), (-0.60, 0.5), (-0.72, 0.18)], closed=True),
        lighter(coat, 0.25),
        darker(coat, 0.3),
    )
    pen.fill(
        smooth([(-0.25, 0.66), (-0.12, 0.96), (0.12, 0.86), (0.22, 0.68)], closed=True),
        darker(coat, 0.12),
        darker(coat, 0.3),
    )
    pen.fill(smooth([(-0.18, 0.34), (-0.10, 0.12), (0.06, 0.32)], closed=True), darker(coat, 0.2))
    body = smooth([(-0.44, 0.5), (-0.15, 0.73), (0.22, 0.72), (0.50, 0.5), (0.22, 0.29), (-0.15, 0.27)], closed=True)
    pen.fill(body, lighter(coat, 0.12), lighter(coat, 0.6))
    for u in (-0.12, 0.06, 0.22):
        pen.fill(ribbon(smooth([(u, 0.70), (u + 0.05, 0.5), (u, 0.31)]), 0.045, 0.03), WHITE, alpha=0.45)
    pen.fill(smooth([(0.0, 0.50), (-0.16, 0.42), (-0.12, 0.56)], closed=True), darker(coat, 0.25))
    pen.fill(oval(0.34, 0.56, 0.05), WHITE)
    pen.fill(oval(0.35, 0.56, 0.028), rgb(0x14161C))


def butterfly(pen: Pen, rng: random.Random) -> None:
    """Draw a butterfly with open wings."""
    coat, insect = pen.palette.accent, pen.at(0, 0.5, turn=rng.uniform(-25, 25))
    for side in (-1, 1):
        for size, tone in ((1.0, darker(coat, 0.55)), (0.84, coat), (0.5, lighter(coat, 0.35))):
            upper = [
                (0.02, 0.02),
                (0.16 * size, 0.34 * size),
                (0.46 * size, 0.42 * size),
                (0.44 * size, 0.14 * size),
            ]
            lower = [
                (0.02, 0.0),
                (0.34 * size, -0.06 * size),
                (0.36 * size, -0.34 * size),
                (0.12 * size, -0.36 * size),
            ]
            for wing in (upper, lower):
                insect.fill(smooth([(side * u, v) for u, v in wing], closed=True), tone, darker(tone, 0.15))
        insect.fill(ribbon(smooth([(0, 0.16), (side * 0.05, 0.28), (side * 0.11, 0.32)]), 0.012, 0.006), NIGHT_GLASS)
    insect.fill(oval(0, -0.02, 0.026, 0.20), NIGHT_GLASS)


def mushroom(pen: Pen, _rng: random.Random) -> None:
    """Draw a spotted toadstool."""
    cap = pen.palette.accent
    shadow(pen, 0.26)
    stem = [(-0.13, 0.0), (-0.09, 0.30), (-0.10, 0.58), (0.10, 0.58), (0.09, 0.30), (0.13, 0.0)]
    pen.fill(smooth(stem, closed=True), CREAM, darker(CREAM, 0.3), sideways=True)
    pen.fill(oval(0, 0.54, 0.42, 0.09), darker(CREAM, 0.15), darker(CREAM, 0.4))
    dome = smooth([(-0.47, 0.53), (-0.36, 0.80), (0, 0.98), (0.36, 0.80), (0.47, 0.53), (0, 0.58)], closed=True)
    pen.fill(dome, lighter(cap, 0.14), darker(cap, 0.35), sideways=True)
    for u, v, size in (
        (-0.22, 0.74, 0.06),
        (0.02, 0.85, 0.05),
        (0.20, 0.72, 0.065),
        (-0.02, 0.67, 0.04),
        (-0.36, 0.61, 0.035),
        (0.36, 0.60, 0.035),
    ):
        pen.fill(oval(u, v, size, size * 0.75), CREAM, darker(CREAM, 0.12))


def moon(pen: Pen, rng: random.Random) -> None:
    """Draw a great full moon with its seas and craters."""
    face = rgb(0xF1EDDD)
    bright = pen.glowing()
    bright.glow(0, 0.5, 1.5, face, 0.5)
    bright.fill(oval(0, 0.5, 0.5), lighter(face, 0.5), darker(face, 0.14), sideways=True)
    for u, v, wide, high in (
        (-0.18, 0.66, 0.16, 0.12),
        (0.10, 0.60, 0.12, 0.15),
        (-0.05, 0.36, 0.17, 0.10),
        (0.25, 0.40, 0.08, 0.07),
    ):
        bright.fill(oval(u, v, wide, high), darker(face, 0.22), alpha=0.5)
    for _ in range(9):
        angle, reach = rng.uniform(0, math.tau), rng.uniform(0, 0.38)
        bright.fill(
            oval(reach * math.cos(angle), 0.5 + reach * math.sin(angle), rng.uniform(0.012, 0.035)),
            darker(face, 0.16),
            alpha=0.6,
        )


def sun(pen: Pen, _rng: random.Random) -> None:
    """Draw a great sun in its halo."""
    bright, light = pen.glowing(), mix(rgb(0xFFD166), pen.palette.light.glow, 0.3)
    bright.glow(0, 0.5, 2.6, light, 0.75)
    for radius, alpha in ((0.72, 0.18), (0.60, 0.25)):
        bright.fill(oval(0, 0.5, radius), light, alpha=alpha)
    bright.fill(oval(0, 0.5, 0.48), lighter(light, 0.6), light)


def planet(pen: Pen, rng: random.Random) -> None:
    """Draw a banded planet with its ring."""
    tone = pen.palette.accent
    world = pen.glowing().at(0, 0.5, turn=rng.uniform(-25, 25))
    world.glow(0, 0, 0.9, lighter(tone, 0.3), 0.4)
    ring = [(0.66, 0.15, 0.055), (0.57, 0.13, 0.035)]
    for sweep in (0.0, math.pi):
        if sweep:
            world.fill(oval(0, 0, 0.36), lighter(tone, 0.3), darker(tone, 0.65), sideways=True)
            for v in (-0.22, -0.10, 0.04, 0.17):
                half = math.sqrt(0.36**2 - v * v)
                world.fill(oval(0, v, half * 0.985, 0.028), lighter(tone, 0.4), alpha=0.28)
        for wide, high, width in ring:
            arc = [
                (wide * math.cos(sweep + k * math.pi / 40), high * math.sin(sweep + k * math.pi / 40))
                for k in range(41)
            ]
            world.stroke(arc, width, mix(tone, CREAM, 0.7), alpha=0.8)


def tree(pen: Pen, rng: random.Random) -> None:
    """Draw a great tree in the foliage of the season."""
    shadow(pen, 0.3)
    plants.tree(pen, rng, pen.palette.leafy(plants.GREEN))


def pine(pen: Pen, rng: random.Random) -> None:
    """Draw a conifer in the foliage of the season."""
    shadow(pen, 0.2)
    plants.pine(pen, rng, pen.palette.leafy(plants.DEEP_GREEN))


def palm(pen: Pen, rng: random.Random) -> None:
    """Draw a palm tree."""
    shadow(pen, 0.2)
    plants.palm(pen, rng, pen.palette.leafy(plants.GREEN))


def cactus(pen: Pen, _rng: random.Random) -> None:
    """Draw a cactus."""
    shadow(pen, 0.25)
    plants.cactus(pen, rgb(0x5E8A62))


def flower(pen: Pen, rng: random.Random) -> None:
    """Draw a large flower."""
    plants.flower(pen, pen.palette.accent, plants.GREEN, rng.randint(8, 11))
