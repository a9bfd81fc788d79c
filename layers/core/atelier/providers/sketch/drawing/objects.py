"""Things that people use, ride and eat, standing at (0, 0) of the pen and about 1 in size."""

from __future__ import annotations

import math
import random

from .colour import WHITE, darker, lighter, mix, rgb
from .figures import NIGHT_GLASS, STEEL, STEEL_SHADE, shadow
from .pen import Pen, Point, box, oval, ribbon, rounded, smooth
from .plants import GREEN
from .things import CREAM, LAMP, WOOD

CRUST = rgb(0xD9A25C)
INK = rgb(0x33363E)
RUBBER = rgb(0x24262C)
TYRE = rgb(0x2B2D33)


def _ring(u: float, v: float, radius: float, width: float) -> list[Point]:
    """Return the outline of a ring, cut open at its right."""
    arc = [(math.cos(k * math.tau / 72), math.sin(k * math.tau / 72)) for k in range(73)]
    outer = [(u + radius * x, v + radius * y) for x, y in arc]
    return outer + [(u + (radius - width) * x, v + (radius - width) * y) for x, y in reversed(arc)]


def train(pen: Pen, rng: random.Random) -> None:
    """Draw a steam locomotive with its smoke, on rails."""
    paint, brass = pen.palette.accent, rgb(0xD9AE55)
    pen.fill(box(-1.4, -0.055, 1.4, -0.01), rgb(0x8A8078), rgb(0x5E5853))
    for k in range(19):
        pen.fill(box(-1.35 + 0.145 * k, -0.045, -1.28 + 0.145 * k, -0.012), darker(WOOD, 0.35))
    pen.stroke([(-1.4, 0.0), (1.4, 0.0)], 0.018, STEEL_SHADE)
    for k in range(9):
        puff = oval(0.50 - 0.11 * k, 0.88 + 0.055 * k + rng.uniform(-0.02, 0.02), 0.06 + 0.021 * k, 0.05 + 0.017 * k)
        pen.glowing().fill(puff, mix(pen.palette.light.haze, WHITE, 0.65), alpha=0.62 - 0.05 * k)
    pen.fill(box(-0.74, 0.14, 0.66, 0.23), darker(paint, 0.55))
    pen.fill([(0.66, 0.23), (0.66, 0.05), (0.86, 0.03), (0.74, 0.23)], rgb(0x3A3D45), rgb(0x23252B))
    pen.fill(rounded(-0.22, 0.22, 0.64, 0.58, 0.05), lighter(paint, 0.22), darker(paint, 0.38))
    for u in (-0.10, 0.12, 0.34):
        pen.fill(box(u, 0.22, u + 0.028, 0.58), lighter(brass, 0.2), darker(brass, 0.3))
    pen.fill(rounded(0.58, 0.24, 0.68, 0.56, 0.03), rgb(0x4A4E58), rgb(0x2A2C33))
    pen.fill(
        [(0.43, 0.56), (0.45, 0.78), (0.41, 0.85), (0.61, 0.85), (0.57, 0.78), (0.59, 0.56)],
        rgb(0x4A4E58),
        RUBBER,
        sideways=True,
    )
    pen.fill(box(0.40, 0.83, 0.62, 0.87), lighter(brass, 0.1), darker(brass, 0.3), sideways=True)
    pen.fill(
        smooth([(0.17, 0.56), (0.18, 0.68), (0.24, 0.72), (0.30, 0.68), (0.31, 0.56)]),
        lighter(brass, 0.2),
        darker(brass, 0.25),
        sideways=True,
    )
    pen.fill(box(-0.74, 0.22, -0.20, 0.82), lighter(paint, 0.12), darker(paint, 0.42))
    pen.fill(rounded(-0.80, 0.80, -0.14, 0.87, 0.03), lighter(paint, 0.05), darker(paint, 0.55))
    for left in (-0.66, -0.42):
        pen.fill(rounded(left - 0.015, 0.515, left + 0.185, 0.745, 0.03), lighter(brass, 0.1))
        if pen.palette.light.dark:
            pen.glow(left + 0.085, 0.63, 0.25, LAMP, 0.5)
            pen.glowing().fill(rounded(left, 0.53, left + 0.17, 0.73, 0.025), LAMP)
        else:
            pen.fill(rounded(left, 0.53, left + 0.17, 0.73, 0.025), rgb(0xA9CBD6), NIGHT_GLASS)
    pen.fill(ribbon([(-0.70, 0.42), (-0.24, 0.42)], 0.014, 0.014), lighter(brass, 0.15))
    pen.glow(0.74, 0.62, 0.30, LAMP, 0.8 if pen.palette.light.dark else 0.25)
    pen.fill(rounded(0.63, 0.56, 0.74, 0.68, 0.02), lighter(brass, 0.1), darker(brass, 0.3))
    pen.glowing().fill(oval(0.735, 0.62, 0.03, 0.045), lighter(LAMP, 0.5))
    for u, radius in ((-0.55, 0.165), (-0.17, 0.165), (0.21, 0.165), (0.55, 0.105)):
        pen.fill(oval(u, radius, radius), RUBBER)
        pen.fill(_ring(u, radius, radius * 0.86, radius * 0.16), lighter(paint, 0.1), darker(paint, 0.25))
        for k in range(8):
            tip = (u + radius * 0.72 * math.cos(k * math.tau / 8), radius + radius * 0.72 * math.sin(k * math.tau / 8))
            pen.stroke([(u, radius), tip], 0.016, mix(paint, STEEL, 0.3))
        pen.fill(oval(u, radius, radius * 0.24), lighter(brass, 0.1), darker(brass, 0.3))
    pen.stroke([(-0.55, 0.115), (0.21, 0.115)], 0.032, STEEL, end=0.032)
    pen.stroke([(-0.55, 0.125), (0.21, 0.125)], 0.008, lighter(STEEL, 0.5))


def bicycle(pen: Pen, _rng: random.Random) -> None:
    """Draw a bicycle."""
    paint, leather = pen.palette.accent, rgb(0x7A4A2E)
    rear, front, crank = (-0.52, 0.34), (0.54, 0.34), (-0.09, 0.31)
    seat, head = (-0.23, 0.80), (0.38, 0.83)
    pen.fill(oval(0, -0.005, 0.95, 0.05), rgb(0x000000), alpha=0.16)
    for u, v in (rear, front):
        for k in range(20):
            angle = k * math.tau / 20
            rim = (u + 0.31 * math.cos(angle), v + 0.31 * math.sin(angle))
            pen.stroke(
                [(u + 0.02 * math.cos(angle + 1.4), v + 0.02 * math.sin(angle + 1.4)), rim],
                0.0045,
                lighter(STEEL, 0.3),
                alpha=0.9,
            )
        pen.fill(_ring(u, v, 0.345, 0.036), TYRE)
        pen.fill(_ring(u, v, 0.310, 0.014), lighter(STEEL, 0.25))
        pen.fill(oval(u, v, 0.03), STEEL_SHADE)
    for u, v, low, high in ((*rear, 0.18, 0.86), (*front, 0.12, 0.62)):
        guard = [
            (
                u + 0.375 * math.cos(math.pi * (low + (high - low) * k / 12)),
                v + 0.375 * math.sin(math.pi * (low + (high - low) * k / 12)),
            )
            for k in range(13)
        ]
        pen.fill(ribbon(guard, 0.022, 0.022), lighter(paint, 0.15))
    for path, width in (
        ([rear, crank], 0.032), ([rear, seat], 0.028), ([seat, crank], 0.045), ([(-0.215, 0.76), head], 0.042),
        ([(0.395, 0.74), crank], 0.048), ([head, (0.43, 0.66), front], 0.040),
    ):  # fmt: skip
        pen.stroke(path, width, darker(paint, 0.12), end=width * 0.85)
        pen.stroke(
            [(u - width * 0.12, v + width * 0.16) for u, v in path], width * 0.32, lighter(paint, 0.4), end=width * 0.2
        )
    pen.fill(_ring(*crank, 0.098, 0.026), STEEL, STEEL_SHADE)
    for v in (0.092, -0.092):
        pen.stroke([(crank[0], crank[1] + v), (rear[0], rear[1] + v * 0.42)], 0.010, STEEL_SHADE)
    for side in (-1, 1):
        pedal = (crank[0] + side * 0.12, crank[1] - side * 0.13)
        pen.stroke([crank, pedal], 0.024, STEEL)
        pen.fill(rounded(pedal[0] - 0.065, pedal[1] - 0.018, pedal[0] + 0.065, pedal[1] + 0.018, 0.012), RUBBER)
    pen.stroke([seat, (-0.245, 0.88)], 0.024, STEEL)
    saddle = [(-0.40, 0.90), (-0.36, 0.945), (-0.22, 0.925), (-0.06, 0.915), (-0.09, 0.885), (-0.24, 0.875)]
    pen.fill(smooth(saddle, closed=True), lighter(leather, 0.12), darker(leather, 0.3))
    pen.stroke([head, (0.355, 0.95)], 0.028, STEEL)
    bar = smooth([(0.355, 0.95), (0.44, 0.995), (0.50, 0.96), (0.42, 0.90), (0.30, 0.90)])
    pen.stroke(bar, 0.024, lighter(STEEL, 0.2))
    pen.stroke([(0.37, 0.895), (0.25, 0.90)], 0.036, leather)
    pen.fill(oval(0.455, 0.80, 0.045), lighter(STEEL, 0.25), STEEL_SHADE)
    pen.glowing().fill(oval(0.482, 0.80, 0.020, 0.036), LAMP)


def airplane(pen: Pen, rng: random.Random) -> None:
    """Draw an airliner in flight."""
    paint, plane = pen.palette.accent, pen.at(0, 0.5, turn=rng.uniform(4, 14))
    hull = lighter(CREAM, 0.5)
    plane.fill([(-0.02, 0.05), (-0.30, 0.40), (-0.20, 0.41), (0.22, 0.06)], darker(STEEL, 0.06), darker(STEEL, 0.3))
    fin = [(-0.70, 0.06), (-0.88, 0.40), (-0.74, 0.40), (-0.46, 0.10)]
    plane.fill(fin, lighter(paint, 0.12), darker(paint, 0.3))
    body = [
        (-0.95, 0.075), (-0.60, 0.105), (0.50, 0.115), (0.80, 0.07), (0.93, -0.01), (0.80, -0.075), (0.45, -0.115),
        (-0.40, -0.105), (-0.78, -0.01),
    ]  # fmt: skip
    plane.fill(smooth(body, closed=True), hull, mix(hull, STEEL_SHADE, 0.55))
    belly = [(-0.72, -0.03), (0.88, -0.035), (0.80, -0.075), (0.45, -0.113), (-0.40, -0.104)]
    plane.fill(smooth(belly, closed=True), paint, darker(paint, 0.35))
    for k in range(15):
        plane.fill(rounded(-0.54 + 0.083 * k, 0.022, -0.508 + 0.083 * k, 0.066, 0.014), rgb(0x4C6478))
    plane.fill([(0.74, 0.078), (0.84, 0.052), (0.865, 0.015), (0.76, 0.02)], NIGHT_GLASS, rgb(0x6E93A6))
    plane.fill([(-0.66, 0.02), (-0.96, -0.12), (-0.86, -0.135), (-0.48, -0.02)], lighter(STEEL, 0.25), STEEL_SHADE)
    for u, v in ((0.12, -0.20), (-0.10, -0.33)):
        engine = [
            (u - 0.09, v - 0.035),
            (u - 0.06, v + 0.045),
            (u + 0.11, v + 0.055),
            (u + 0.13, v),
            (u + 0.11, v - 0.055),
        ]
        plane.fill(smooth(engine, closed=True), lighter(paint, 0.25), darker(paint, 0.35))
        plane.fill(oval(u + 0.122, v, 0.016, 0.045), NIGHT_GLASS)
    wing = [(0.25, -0.05), (-0.14, -0.07), (-0.50, -0.52), (-0.38, -0.54), (0.02, -0.24)]
    plane.fill(wing, lighter(STEEL, 0.45), STEEL)
    plane.stroke([(-0.14, -0.09), (-0.48, -0.51)], 0.008, STEEL_SHADE, alpha=0.6)
    plane.fill([(-0.50, -0.52), (-0.54, -0.44), (-0.49, -0.47)], paint)


def kite(pen: Pen, rng: random.Random) -> None:
    """Draw a diamond kite with a tail of bows."""
    paint, wind = pen.palette.accent, pen.at(0, 0.5, turn=rng.uniform(-26, -10))
    second = mix(paint, CREAM, 0.75)
    line = smooth([(0.0, 0.02), (0.10, -0.5), (0.42, -1.3), (1.3, -2.4)], steps=10)
    wind.fill(ribbon(line, 0.007, 0.004), lighter(INK, 0.5), alpha=0.75)
    top, left, right, low = (0, 0.46), (-0.34, 0.12), (0.34, 0.12), (0, -0.46)
    middle = (0.0, 0.12)
    for corners, tone in (((top, left), paint), ((top, right), second), ((left, low), second), ((right, low), paint)):
        shade = darker(tone, 0.14) if right in corners else lighter(tone, 0.08)
        wind.fill([corners[0], corners[1], middle], shade, darker(shade, 0.12))
    for bar in ([top, low], [left, middle, right]):
        wind.stroke(bar, 0.012, lighter(WOOD, 0.1))
    tail = smooth([low, (-0.08, -0.62), (0.07, -0.80), (-0.06, -0.98), (0.06, -1.16)], steps=8)
    wind.fill(ribbon(tail, 0.010, 0.008), lighter(INK, 0.3))
    for k in range(4, len(tail), 6):
        u, v = tail[k]
        for side in (-1, 1):
            bow = [(u, v), (u + side * 0.085, v + 0.05), (u + side * 0.085, v - 0.045)]
            wind.fill(bow, lighter(paint, 0.15) if side < 0 else darker(paint, 0.1))
        wind.fill(oval(u, v, 0.018), CREAM)


def mug(pen: Pen, _rng: random.Random) -> None:
    """Draw a steaming mug of coffee."""
    glaze = pen.palette.accent
    shadow(pen, 0.46)
    pen.fill(_ellipse_arc((0.36, 0.40), (0.20, 0.20), -0.55, 0.62, 0.085), lighter(glaze, 0.05), darker(glaze, 0.32))
    for side, sway in ((-1, 0.05), (0, -0.06), (1, 0.05)):
        u = 0.13 * side - 0.02
        steam = smooth([(u, 0.80), (u + sway, 0.93), (u - sway, 1.06), (u + sway * 0.8, 1.20)], steps=8)
        pen.glowing().fill(ribbon(steam, 0.05, 0.004), WHITE, alpha=0.34)
        pen.glowing().fill(ribbon(steam, 0.022, 0.002), WHITE, alpha=0.30)
    body = [
        (-0.36, 0.70),
        (-0.355, 0.22),
        (-0.31, 0.06),
        (-0.22, 0.0),
        (0.22, 0.0),
        (0.31, 0.06),
        (0.355, 0.22),
        (0.36, 0.70),
    ]
    pen.fill(body, lighter(glaze, 0.24), darker(glaze, 0.36), sideways=True)
    dip = [(-0.356, 0.30), (-0.20, 0.262), (0, 0.25), (0.20, 0.262), (0.356, 0.30)]
    stripe = [*smooth(dip), *((u, v + 0.075) for u, v in reversed(smooth(dip)))]
    pen.fill(stripe, lighter(CREAM, 0.2), darker(CREAM, 0.28), sideways=True)
    pen.fill(ribbon([(-0.285, 0.62), (-0.275, 0.20)], 0.05, 0.03), WHITE, alpha=0.28)
    pen.fill(oval(0, 0.70, 0.36, 0.085), lighter(glaze, 0.35), darker(glaze, 0.1), sideways=True)
    pen.fill(oval(0, 0.697, 0.325, 0.068), darker(glaze, 0.45), darker(glaze, 0.2), sideways=True)
    pen.fill(oval(0, 0.683, 0.305, 0.053), rgb(0x6B4128), rgb(0x3A2217))
    pen.fill(_ellipse_arc((-0.02, 0.683), (0.23, 0.034), 0.35, 0.9, 0.012), rgb(0xC89A6B), alpha=0.8)


def _ellipse_arc(centre: Point, radii: Point, start: float, stop: float, width: float) -> list[Point]:
    """Return the outline of a part of an elliptical ring; the angles are in half turns."""
    angles = [math.pi * (start + (stop - start) * k / 28) for k in range(29)]
    return ribbon(
        [(centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles], width, width
    )


def shoe(pen: Pen, _rng: random.Random) -> None:
    """Draw a sneaker."""
    paint, sole = pen.palette.accent, lighter(CREAM, 0.45)
    shadow(pen, 0.86)
    pen.fill(
        smooth([(-0.60, 0.52), (-0.40, 0.66), (-0.16, 0.62), (-0.08, 0.54), (-0.30, 0.48)], closed=True),
        darker(paint, 0.55),
    )
    upper = [
        (-0.74, 0.16),
        (-0.745, 0.42),
        (-0.72, 0.63),
        (-0.62, 0.60),
        (-0.40, 0.50),
        (-0.20, 0.545),
        (-0.02, 0.44),
        (0.22, 0.335),
        (0.52, 0.29),
        (0.72, 0.215),
        (0.77, 0.12),
    ]
    pen.fill([*smooth(upper), (-0.74, 0.12)], lighter(paint, 0.2), darker(paint, 0.26))
    heel = [(-0.745, 0.14), (-0.745, 0.44), (-0.70, 0.46), (-0.60, 0.30), (-0.52, 0.14)]
    pen.fill(smooth(heel, closed=True), darker(paint, 0.3), darker(paint, 0.45))
    toe = [(0.42, 0.13), (0.44, 0.24), (0.56, 0.275), (0.70, 0.225), (0.775, 0.13)]
    pen.fill(smooth(toe, closed=True), lighter(sole, 0.3), darker(sole, 0.14))
    flash = [(-0.50, 0.17), (-0.20, 0.23), (0.16, 0.40), (0.06, 0.425), (-0.26, 0.32)]
    pen.fill(smooth(flash, closed=True), lighter(sole, 0.4), darker(sole, 0.1))
    tongue = [(-0.32, 0.50), (-0.30, 0.69), (-0.20, 0.72), (-0.10, 0.62), (-0.06, 0.49)]
    pen.fill(smooth(tongue, closed=True), lighter(paint, 0.35), lighter(paint, 0.1))
    for k in range(5):
        u, v = -0.17 + 0.085 * k, 0.535 - 0.048 * k
        pen.stroke([(u - 0.055, v - 0.085), (u + 0.045, v + 0.015)], 0.028, lighter(sole, 0.5))
        pen.fill(oval(u - 0.06, v - 0.09, 0.014), darker(paint, 0.5))
    for side in (-1, 1):
        loop = smooth([(-0.16, 0.56), (-0.16 + side * 0.10, 0.66), (-0.16 + side * 0.15, 0.60), (-0.16, 0.56)])
        pen.stroke(loop, 0.016, lighter(sole, 0.5))
    ground = [
        (-0.78, 0.14),
        (-0.79, 0.02),
        (-0.70, -0.02),
        (0.55, -0.02),
        (0.74, 0.01),
        (0.82, 0.09),
        (0.79, 0.15),
        (0.30, 0.11),
        (-0.30, 0.11),
    ]
    pen.fill(smooth(ground, closed=True), sole, darker(sole, 0.25))
    pen.stroke(smooth([(-0.77, 0.065), (-0.2, 0.035), (0.3, 0.035), (0.80, 0.085)]), 0.018, paint)
    pen.fill(ribbon(smooth([(-0.72, -0.015), (0.55, -0.018), (0.76, 0.02)]), 0.022, 0.022), RUBBER)


def food(pen: Pen, rng: random.Random) -> None:
    """Draw a hamburger on a plate."""
    bun, patty, leaf = rgb(0xD9964A), rgb(0x5E3826), rgb(0x6FA548)
    shadow(pen, 0.72)
    pen.fill(oval(0, 0.03, 0.72, 0.075), lighter(CREAM, 0.4), darker(CREAM, 0.2))
    pen.fill(oval(0, 0.045, 0.52, 0.045), darker(CREAM, 0.12), lighter(CREAM, 0.2))
    base = [(-0.46, 0.22), (-0.47, 0.12), (-0.38, 0.055), (0.38, 0.055), (0.47, 0.12), (0.46, 0.22)]
    pen.fill(smooth(base, closed=True), lighter(bun, 0.12), darker(bun, 0.25), sideways=True)
    pen.fill(rounded(-0.50, 0.19, 0.50, 0.32, 0.06), lighter(patty, 0.16), darker(patty, 0.35), sideways=True)
    for k in range(14):
        pen.fill(oval(-0.44 + 0.068 * k, 0.225 + rng.uniform(0, 0.06), 0.02, 0.012), darker(patty, 0.35), alpha=0.7)
    cheese = [
        (-0.52, 0.335),
        (-0.40, 0.33),
        (-0.26, 0.215),
        (-0.10, 0.33),
        (0.16, 0.32),
        (0.30, 0.235),
        (0.42, 0.33),
        (0.52, 0.335),
        (0.48, 0.36),
        (-0.48, 0.36),
    ]
    pen.fill(cheese, rgb(0xF6C445), rgb(0xDE9A2B))
    pen.fill(rounded(-0.46, 0.345, 0.46, 0.42, 0.035), rgb(0xD8503F), rgb(0x9E2F2A))
    ruffle: list[Point] = [
        (-0.53 + 1.06 * k / 56, 0.425 + 0.022 * math.sin(k * 0.9) + 0.012 * math.sin(k * 2.3)) for k in range(57)
    ]
    pen.fill([*ruffle, (0.48, 0.49), (-0.48, 0.49)], lighter(leaf, 0.2), darker(leaf, 0.18))
    top = [
        (-0.50, 0.48),
        (-0.47, 0.64),
        (-0.30, 0.79),
        (0, 0.845),
        (0.30, 0.79),
        (0.47, 0.64),
        (0.50, 0.48),
        (0.40, 0.455),
        (-0.40, 0.455),
    ]
    pen.fill(smooth(top, closed=True), lighter(bun, 0.2), darker(bun, 0.28))
    pen.fill(
        smooth([(-0.38, 0.62), (-0.24, 0.745), (0, 0.79), (-0.06, 0.755), (-0.26, 0.68)], closed=True),
        WHITE,
        alpha=0.28,
    )
    for _ in range(22):
        u = rng.uniform(-0.36, 0.36)
        v = rng.uniform(0.60, 0.815 - 0.9 * u * u)
        pen.at(u, v, turn=rng.uniform(-60, 60)).fill(oval(0, 0, 0.022, 0.013), lighter(CREAM, 0.3), darker(CREAM, 0.15))


def pizza(pen: Pen, rng: random.Random) -> None:
    """Draw a pizza, seen aslant."""
    shadow(pen, 0.8)
    dish = [
        (0.78, 0.30, darker(CRUST, 0.38)),
        (0.77, 0.325, CRUST),
        (0.665, 0.335, rgb(0xB8392B)),
        (0.645, 0.34, rgb(0xF3CB62)),
    ]
    for wide, v, tone in dish:
        pen.fill(oval(0, v, wide, wide * 0.42), lighter(tone, 0.14), darker(tone, 0.14), sideways=True)
    for _ in range(26):
        angle, reach = rng.uniform(0, math.tau), 0.6 * math.sqrt(rng.random())
        spot = oval(
            reach * math.cos(angle),
            0.34 + 0.42 * reach * math.sin(angle),
            rng.uniform(0.03, 0.07),
            rng.uniform(0.015, 0.03),
        )
        pen.fill(spot, rgb(0xFBE3A0), alpha=0.7)
    for k in range(9):
        angle, reach = k * math.tau / 8 + 0.3, 0.45 if k else 0.0
        u, v = reach * math.cos(angle), 0.34 + 0.42 * reach * math.sin(angle)
        pen.fill(oval(u, v - 0.008, 0.112, 0.054), rgb(0x8F2A22))
        pen.fill(oval(u, v, 0.11, 0.052), rgb(0xD0503D), rgb(0xA83428))
        for _ in range(4):
            pen.fill(
                oval(u + rng.uniform(-0.06, 0.06), v + rng.uniform(-0.025, 0.025), 0.012, 0.006),
                rgb(0xE98A70),
                alpha=0.8,
            )
    for _ in range(11):
        angle, reach = rng.uniform(0, math.tau), rng.uniform(0.12, 0.56)
        leaf = pen.at(reach * math.cos(angle), 0.345 + 0.42 * reach * math.sin(angle), 0.09, turn=rng.uniform(0, 360))
        leaf.fill(
            smooth([(0, -0.5), (0.3, 0), (0, 0.6), (-0.3, 0)], closed=True), lighter(GREEN, 0.1), darker(GREEN, 0.2)
        )
    for k in range(16):
        angle = k * math.tau / 16
        pen.fill(
            oval(0.715 * math.cos(angle), 0.33 + 0.30 * math.sin(angle), 0.05, 0.016), darker(CRUST, 0.18), alpha=0.35
        )
    for angle in (0.55, 0.55 + math.pi / 2, 0.55 + math.pi / 4, 0.55 - math.pi / 4):
        tip = 0.66 * math.cos(angle), 0.66 * 0.42 * math.sin(angle)
        pen.stroke([(-tip[0], 0.34 - tip[1]), (tip[0], 0.34 + tip[1])], 0.007, darker(CRUST, 0.35), alpha=0.55)


def cake(pen: Pen, _rng: random.Random) -> None:
    """Draw a birthday cake with burning candles, on a stand."""
    icing, sponge = mix(pen.palette.accent, WHITE, 0.45), rgb(0xE8C48C)
    shadow(pen, 0.5)
    pen.fill(
        [(-0.20, 0.0), (-0.07, 0.10), (0.07, 0.10), (0.20, 0.0)], lighter(CREAM, 0.4), darker(CREAM, 0.3), sideways=True
    )
    pen.fill(oval(0, 0.115, 0.58, 0.055), lighter(CREAM, 0.5), darker(CREAM, 0.25), sideways=True)
    for half, low, high in ((0.45, 0.13, 0.42), (0.31, 0.42, 0.66)):
        pen.fill(
            [*_half_ellipse(half, low), (half, high), (-half, high)],
            lighter(sponge, 0.16),
            darker(sponge, 0.3),
            sideways=True,
        )
        filling = [(-half, (low + high) / 2 - 0.04), (0, (low + high) / 2 - 0.075), (half, (low + high) / 2 - 0.04)]
        pen.fill(ribbon(smooth(filling), 0.03, 0.03), darker(pen.palette.accent, 0.05), alpha=0.75)
        drips: list[Point] = []
        for k in range(49):
            u = -half + 2 * half * k / 48
            drips.append(
                (
                    u,
                    high
                    - 0.055
                    - 0.055 * abs(math.sin(k * math.pi / 6)) ** 0.7
                    - 0.10 * half * math.sqrt(max(0.0, 1 - (u / half) ** 2)),
                )
            )
        pen.fill([*drips, (half, high), (-half, high)], lighter(icing, 0.2), darker(icing, 0.16), sideways=True)
        pen.fill(oval(0, high, half, half * 0.17), lighter(icing, 0.35), lighter(icing, 0.05), sideways=True)
        for k in range(11):
            angle = math.pi * (1 + k / 10)
            pen.fill(
                oval(half * math.cos(angle), low + half * 0.13 * math.sin(angle) + 0.012, 0.042, 0.032),
                lighter(icing, 0.5),
                icing,
            )
    for k, u in enumerate((-0.18, -0.06, 0.06, 0.18)):
        v = 0.665 + (0.018 if k in (0, 3) else -0.012)
        pen.fill(
            box(u - 0.016, v, u + 0.016, v + 0.16),
            lighter(pen.palette.accent, 0.3),
            darker(pen.palette.accent, 0.2),
            sideways=True,
        )
        for stripe in (0.03, 0.075, 0.12):
            pen.stroke([(u - 0.016, v + stripe - 0.01), (u + 0.016, v + stripe + 0.012)], 0.012, WHITE)
        pen.glow(u, v + 0.21, 0.16, LAMP, 0.6)
        flame = smooth([(u, v + 0.26), (u - 0.024, v + 0.20), (u, v + 0.165), (u + 0.024, v + 0.20)], closed=True)
        pen.glowing().fill(flame, rgb(0xFFF0B8), rgb(0xF59A3A))


def _half_ellipse(half: float, base: float) -> list[Point]:
    return [
        (half * math.cos(math.pi * (1 + k / 24)), base + half * 0.14 * math.sin(math.pi * (1 + k / 24)))
        for k in range(25)
    ]


def apple(pen: Pen, _rng: random.Random) -> None:
    """Draw an apple with its leaf."""
    skin = pen.palette.accent
    shadow(pen, 0.40)
    body = [
        (0, 0.74), (-0.16, 0.80), (-0.35, 0.72), (-0.42, 0.48), (-0.33, 0.16), (-0.15, 0.0), (0, 0.03), (0.15, 0.0),
        (0.33, 0.16), (0.42, 0.48), (0.35, 0.72), (0.16, 0.80),
    ]  # fmt: skip
    pen.fill(smooth(body, closed=True), lighter(skin, 0.2), darker(skin, 0.42), sideways=True)
    blush = [
        (-0.05, 0.70),
        (-0.18, 0.74),
        (-0.32, 0.64),
        (-0.36, 0.45),
        (-0.28, 0.22),
        (-0.18, 0.16),
        (-0.24, 0.42),
        (-0.18, 0.60),
    ]
    pen.fill(smooth(blush, closed=True), lighter(skin, 0.5), alpha=0.4)
    pen.fill(oval(-0.22, 0.60, 0.05, 0.09), WHITE, alpha=0.5)
    for k in range(16):
        angle = 2.4 * k
        pen.fill(
            oval(
                0.07 + 0.28 * math.cos(angle) * (k / 16) ** 0.5, 0.38 + 0.30 * math.sin(angle) * (k / 16) ** 0.5, 0.006
            ),
            lighter(skin, 0.6),
            alpha=0.7,
        )
    pen.fill(oval(0, 0.745, 0.13, 0.035), darker(skin, 0.5), darker(skin, 0.25))
    pen.stroke(smooth([(0, 0.735), (0.015, 0.86), (0.075, 0.96)]), 0.035, darker(WOOD, 0.2), end=0.045)
    leaf = pen.at(0.03, 0.84, 0.36, turn=-62)
    leaf.fill(smooth([(0, 0), (-0.26, 0.45), (0, 1.0), (0.06, 0.5)], closed=True), lighter(GREEN, 0.22))
    leaf.fill(smooth([(0, 0), (0.26, 0.42), (0, 1.0), (0.03, 0.5)], closed=True), darker(GREEN, 0.05))
    leaf.stroke([(0, 0), (0.03, 0.5), (0, 0.95)], 0.02, lighter(GREEN, 0.5), end=0.006)


def book(pen: Pen, rng: random.Random) -> None:
    """Draw a stack of books, one of them open on the top."""
    tones = [pen.palette.accent, rgb(0x35586E), rgb(0xB88A3E), rgb(0x6B4A5E)]
    shadow(pen, 0.66)
    v = 0.0
    for k, (half, tall) in enumerate(((0.58, 0.15), (0.52, 0.12), (0.55, 0.14))):
        tone, slip = tones[(k + 1) % 4], rng.uniform(-0.05, 0.05)
        pile = pen.at(slip, v)
        pile.fill(rounded(-half, 0.0, half, tall, 0.03), lighter(tone, 0.15), darker(tone, 0.3))
        pile.fill(box(-half + 0.07, 0.022, half + 0.002, tall - 0.022), lighter(CREAM, 0.35), darker(CREAM, 0.2))
        for sheet in range(3):
            level = 0.022 + (tall - 0.044) * (sheet + 1) / 4
            pile.stroke([(-half + 0.08, level), (half - 0.01, level)], 0.004, darker(CREAM, 0.35), alpha=0.6)
        pile.fill(rounded(-half, 0.0, -half + 0.10, tall, 0.03), lighter(tone, 0.1), darker(tone, 0.4), sideways=True)
        v += tall
    cover, open_book = tones[0], pen.at(0, v)
    open_book.fill(
        [(-0.66, 0.20), (-0.62, 0.02), (0, 0.0), (0.62, 0.02), (0.66, 0.20), (0, 0.06)],
        lighter(cover, 0.08),
        darker(cover, 0.3),
    )
    for side in (-1, 1):
        page = [
            *smooth([(0, 0.06), (side * 0.18, 0.125), (side * 0.40, 0.10), (side * 0.62, 0.19)]),
            (side * 0.56, 0.56),
            *smooth([(side * 0.56, 0.56), (side * 0.36, 0.47), (side * 0.16, 0.50), (0, 0.43)]),
        ]
        open_book.fill([(u, w - 0.022) for u, w in page], darker(CREAM, 0.25))
        open_book.fill(page, lighter(CREAM, 0.55) if side < 0 else CREAM, darker(CREAM, 0.12), sideways=True)
        for row in range(7):
            w = 0.40 - 0.042 * row
            ends = (0.52 + 0.01 * row) * (0.75 if row in (3, 6) else 1.0)
            line = smooth([(side * 0.07, w + 0.02), (side * 0.25, w + 0.058), (side * ends, w + 0.085)])
            open_book.fill(ribbon(line, 0.010, 0.008), lighter(INK, 0.25), alpha=0.55)
    open_book.stroke([(0, 0.06), (0, 0.43)], 0.012, darker(CREAM, 0.4))
    open_book.fill([(0.10, 0.10), (0.16, 0.115), (0.165, -0.06), (0.135, -0.03), (0.105, -0.07)], rgb(0xC8423C))


def guitar(pen: Pen, rng: random.Random) -> None:
    """Draw an acoustic guitar that leans a little."""
    top, side = mix(rgb(0xD99A55), pen.palette.accent, 0.2), rgb(0x6B3F26)
    shadow(pen, 0.34)
    lean = pen.at(0, 0.0, turn=rng.choice((-8, 8)))
    outline = [
        (0, 0.0), (-0.20, 0.02), (-0.30, 0.15), (-0.26, 0.29), (-0.175, 0.37), (-0.21, 0.48), (-0.13, 0.575), (0, 0.58),
        (0.13, 0.575), (0.21, 0.48), (0.175, 0.37), (0.26, 0.29), (0.30, 0.15), (0.20, 0.02),
    ]  # fmt: skip
    shape = smooth(outline, closed=True)
    lean.fill([(u * 1.05 + 0.012, v * 1.02 - 0.012) for u, v in shape], darker(side, 0.25))
    lean.fill([(u * 1.02, v * 1.01 - 0.003) for u, v in shape], lighter(CREAM, 0.1))
    lean.fill(shape, lighter(top, 0.2), darker(top, 0.22), sideways=True)
    for k in range(9):
        u = -0.24 + 0.06 * k
        lean.stroke([(u, 0.06), (u * 0.9, 0.30)], 0.003, darker(top, 0.25), alpha=0.35)
    lean.fill(oval(0, 0.385, 0.098), rgb(0x8A5A33))
    lean.fill(oval(0, 0.385, 0.090), lighter(top, 0.35))
    lean.fill(oval(0, 0.385, 0.080), rgb(0x2A1B14), rgb(0x4A3123))
    lean.fill(
        smooth([(0.06, 0.33), (0.16, 0.37), (0.17, 0.25), (0.09, 0.22)], closed=True), darker(side, 0.45), alpha=0.9
    )
    lean.fill(rounded(-0.10, 0.145, 0.10, 0.18, 0.012), darker(side, 0.35))
    lean.fill(box(-0.034, 0.40, 0.034, 0.97), darker(side, 0.2), darker(side, 0.5), sideways=True)
    for k in range(14):
        v = 0.95 - 0.55 * (1 - 0.93**k) / (1 - 0.93**14)
        lean.stroke([(-0.034, v), (0.034, v)], 0.005, lighter(STEEL, 0.3))
    lean.fill(
        [(-0.034, 0.96), (-0.055, 1.0), (-0.045, 1.15), (0.045, 1.15), (0.055, 1.0), (0.034, 0.96)],
        lighter(side, 0.1),
        darker(side, 0.3),
        sideways=True,
    )
    for k in range(3):
        for edge in (-1, 1):
            lean.stroke(
                [(edge * 0.045, 1.02 + 0.045 * k), (edge * 0.082, 1.02 + 0.045 * k)], 0.020, lighter(STEEL, 0.2)
            )
    for k in range(6):
        u = -0.025 + 0.010 * k
        lean.stroke([(u * 1.1, 0.163), (u, 1.0)], 0.0032, lighter(STEEL, 0.55))


def easel(pen: Pen, lines: list[str], footnote: str) -> None:
    """Draw an easel with a canvas on which the lines are lettered, and a footnote, lit whatever the hour."""
    wood, lit = lighter(WOOD, 0.22), pen.glowing()
    shadow(pen, 0.5)
    pen.stroke([(0.0, 0.9), (0.03, 0.05)], 0.035, darker(wood, 0.4))
    for side in (-1, 1):
        leg = [(side * 0.05, 1.06), (side * 0.42, 0.0)]
        pen.stroke(leg, 0.04, lighter(wood, 0.05) if side < 0 else darker(wood, 0.18))
    lit.fill(box(-0.53, 0.31, 0.53, 0.97), lighter(CREAM, 0.1), darker(CREAM, 0.3), sideways=True)
    lit.fill(box(-0.52, 0.32, 0.52, 0.96), lighter(CREAM, 0.6), darker(CREAM, 0.06))
    pen.fill(box(-0.57, 0.265, 0.57, 0.312), lighter(wood, 0.1), darker(wood, 0.3))
    pen.fill(rounded(-0.05, 0.955, 0.05, 1.03, 0.01), wood, darker(wood, 0.3))
    lit.letter(lines, 0, 0.67, min(0.13, 0.46 / (1.25 * len(lines))), 0.92, INK)
    lit.letter([footnote], 0, 0.385, 0.034, 0.92, mix(INK, CREAM, 0.35))
    for k, tone in enumerate((rgb(0xC8423C), rgb(0xEBC24B), rgb(0x3F74B8))):
        left = -0.42 + 0.10 * k
        pen.fill(rounded(left, 0.305, left + 0.065, 0.355, 0.015), tone, darker(tone, 0.3), sideways=True)
    pen.stroke([(0.20, 0.318), (0.42, 0.335)], 0.014, lighter(wood, 0.3))
    pen.stroke([(0.42, 0.335), (0.46, 0.338)], 0.022, INK, end=0.008)
