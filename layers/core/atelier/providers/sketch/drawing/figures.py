"""Figures that stand on the ground, feet at (0, 0) of the pen and about 1 tall."""

from __future__ import annotations

import random

from .colour import BLACK, WHITE, Colour, darker, lighter, mix, rgb
from .pen import Pen, Point, box, oval, ribbon, rounded, smooth

SUIT = rgb(0xEEF1F2)
SUIT_SHADE = rgb(0x9BA9B5)
STEEL = rgb(0xB9C4CC)
STEEL_SHADE = rgb(0x5F6E7C)
NIGHT_GLASS = rgb(0x101C2C)


def shadow(pen: Pen, half: float) -> None:
    """Draw the soft shadow a standing thing casts."""
    for k in range(4):
        pen.fill(oval(0, 0, half * (1.1 - 0.12 * k), half * (0.13 - 0.02 * k)), BLACK, alpha=0.10)


def astronaut(pen: Pen, rng: random.Random) -> None:
    """Draw an astronaut: backpack, jointed suit, chest controls and a helmet with a mirror visor."""
    accent = pen.palette.accent
    waving = rng.random() < 0.4
    shadow(pen, 0.24)
    pen.fill(
        rounded(-0.215, 0.42, 0.215, 0.76, 0.05),
        lighter(SUIT_SHADE, 0.1),
        darker(SUIT_SHADE, 0.35),
        sideways=True,
    )
    pen.fill(rounded(-0.215, 0.70, 0.215, 0.76, 0.03), SUIT_SHADE, darker(SUIT_SHADE, 0.3), sideways=True)
    pen.stroke([(0.17, 0.74), (0.185, 0.97)], 0.008, darker(SUIT_SHADE, 0.3), end=0.004)
    pen.fill(oval(0.186, 0.975, 0.010), accent)
    for side in (-1, 1):
        _suit_leg(pen.at(side * 0.075, 0), side)
    _suit_arm(pen, [(-0.135, 0.655), (-0.225, 0.53), (-0.215, 0.375)])
    if waving:
        _suit_arm(pen, [(0.135, 0.655), (0.262, 0.66), (0.295, 0.81)])
    else:
        _suit_arm(pen, [(0.135, 0.655), (0.228, 0.52), (0.20, 0.37)])
    torso = [
        (-0.13, 0.37),
        (-0.155, 0.50),
        (-0.165, 0.64),
        (-0.09, 0.715),
        (0.09, 0.715),
        (0.165, 0.64),
        (0.155, 0.50),
        (0.13, 0.37),
    ]
    pen.fill(smooth(torso, closed=True), SUIT, SUIT_SHADE, sideways=True)
    pen.fill(
        rounded(-0.142, 0.385, 0.142, 0.425, 0.015),
        darker(SUIT_SHADE, 0.15),
        darker(SUIT_SHADE, 0.45),
        sideways=True,
    )
    pen.fill(rounded(-0.025, 0.388, 0.025, 0.422, 0.006), accent)
    _chest_controls(pen)
    for u in (-0.155, 0.155):
        pen.fill(oval(u, 0.635, 0.027), accent, darker(accent, 0.25))
    _helmet(pen.at(0, 0.825, 0.15))


def _suit_leg(pen: Pen, side: int) -> None:
    leg = [(-0.068, 0.07), (-0.073, 0.22), (-0.070, 0.42), (0.070, 0.42), (0.073, 0.22), (0.066, 0.07)]
    pen.fill(smooth(leg, closed=True), SUIT, SUIT_SHADE, sideways=True)
    for v in (0.31, 0.275, 0.17):
        crease = smooth([(-0.066, v + 0.012), (0, v - 0.006), (0.066, v + 0.012)])
        pen.fill(ribbon(crease, 0.007, 0.003), SUIT_SHADE)
    pen.fill(
        rounded(-0.073, 0.085, 0.073, 0.115, 0.01),
        pen.palette.accent,
        darker(pen.palette.accent, 0.3),
        sideways=True,
    )
    boot = [(-0.07, 0.0), (-0.076, 0.05), (-0.064, 0.10), (0.064, 0.10), (0.076, 0.05), (0.07, 0.0)]
    pen.at(side * 0.012, 0).fill(boot, lighter(SUIT_SHADE, 0.25), darker(SUIT_SHADE, 0.2), sideways=True)
    pen.at(side * 0.012, 0).fill(rounded(-0.078, -0.012, 0.078, 0.018, 0.012), rgb(0x47525E))


def _suit_arm(pen: Pen, joints: list[Point]) -> None:
    path = smooth(joints)
    pen.stroke(path, 0.108, mix(SUIT, SUIT_SHADE, 0.62), end=0.084)
    pen.stroke([(u - 0.012, v + 0.010) for u, v in path], 0.078, mix(SUIT, SUIT_SHADE, 0.15), end=0.056)
    (u, v), wrist = joints[-1], path[-3]
    pen.fill(ribbon([wrist, (u, v)], 0.102, 0.098), pen.palette.accent, darker(pen.palette.accent, 0.25))
    drop = (u - wrist[0]) * 0.75, (v - wrist[1]) * 0.75
    thumb = [(u + drop[0] * 0.4, v + drop[1] * 0.4), (u * 0.86 + drop[0], v + drop[1] * 1.1)]
    pen.stroke(thumb, 0.036, SUIT_SHADE)
    pen.stroke([(u, v), (u + drop[0], v + drop[1])], 0.076, darker(SUIT_SHADE, 0.08), end=0.068)


def _chest_controls(pen: Pen) -> None:
    pen.fill(rounded(-0.082, 0.49, 0.082, 0.605, 0.014), darker(SUIT_SHADE, 0.1), darker(SUIT_SHADE, 0.35))
    pen.fill(rounded(-0.076, 0.497, 0.076, 0.599, 0.011), lighter(SUIT, 0.3), mix(SUIT, SUIT_SHADE, 0.4))
    pen.fill(rounded(-0.062, 0.552, 0.012, 0.588, 0.005), NIGHT_GLASS, rgb(0x2F6B7E))
    for k, tone in enumerate((0xD9594C, 0xE9B64A, 0x5AA9A0)):
        pen.fill(oval(0.034, 0.583 - 0.026 * k, 0.0085), rgb(tone))
        pen.fill(box(-0.060 + 0.026 * k, 0.512, -0.042 + 0.026 * k, 0.534), SUIT_SHADE)
    for side in (-1, 1):
        hose = smooth([(side * 0.078, 0.52), (side * 0.135, 0.50), (side * 0.150, 0.60), (side * 0.105, 0.70)])
        pen.fill(ribbon(hose, 0.020, 0.020), darker(SUIT_SHADE, 0.25))
        pen.fill(ribbon(hose, 0.007, 0.007), lighter(SUIT_SHADE, 0.35))


def _helmet(pen: Pen) -> None:
    pen.fill(oval(0, -0.80, 0.72, 0.20), darker(SUIT_SHADE, 0.3), darker(SUIT_SHADE, 0.5))
    pen.fill(oval(0, -0.74, 0.66, 0.16), SUIT, SUIT_SHADE, sideways=True)
    pen.fill(oval(0, 0, 1.0), lighter(SUIT, 0.6), darker(SUIT_SHADE, 0.05), sideways=True)
    for side in (-1, 1):
        pen.fill(
            rounded(side * 0.97 - 0.12, -0.28, side * 0.97 + 0.12, 0.22, 0.1),
            SUIT_SHADE,
            darker(SUIT_SHADE, 0.3),
        )
    visor = smooth(
        [
            (-0.74, -0.05),
            (-0.60, 0.46),
            (0, 0.64),
            (0.60, 0.46),
            (0.74, -0.05),
            (0.52, -0.50),
            (0, -0.62),
            (-0.52, -0.50),
        ],
        closed=True,
    )
    pen.fill([(u * 1.09, v * 1.09) for u, v in visor], darker(SUIT_SHADE, 0.35), darker(SUIT_SHADE, 0.1))
    pen.fill(visor, NIGHT_GLASS, mix(NIGHT_GLASS, pen.palette.light.haze, 0.55))
    pen.fill(
        smooth(
            [
                (-0.62, -0.16),
                (-0.2, -0.02),
                (0.25, -0.14),
                (0.66, -0.06),
                (0.46, -0.44),
                (0, -0.55),
                (-0.46, -0.44),
            ],
            closed=True,
        ),
        mix(NIGHT_GLASS, pen.palette.light.haze, 0.28),
        NIGHT_GLASS,
    )
    shine = smooth([(-0.60, 0.04), (-0.48, 0.36), (-0.18, 0.51)])
    pen.fill(ribbon(shine, 0.10, 0.03), WHITE, alpha=0.75)
    pen.fill(oval(0.40, -0.26, 0.10, 0.06), WHITE, alpha=0.35)
    pen.stroke(smooth([(-0.72, 0.60), (-0.36, 0.86), (0.05, 0.93)]), 0.05, WHITE, end=0.01, alpha=0.8)


def person(pen: Pen, rng: random.Random) -> None:
    """Draw a person in a long coat with a scarf."""
    accent = pen.palette.accent
    skin = rgb(rng.choice((0xF0C8A4, 0xD9A179, 0xA8714C, 0x74492F)))
    hair = rgb(rng.choice((0x2B211F, 0x5A3A28, 0x9A5B32, 0xC9A05A)))
    long_hair = rng.random() < 0.5
    shadow(pen, 0.17)
    for side in (-1, 1):
        pen.fill(
            ribbon([(side * 0.05, 0.42), (side * 0.055, 0.03)], 0.085, 0.062),
            rgb(0x3A4458),
            rgb(0x262D3C),
            sideways=True,
        )
        pen.fill(rounded(side * 0.06 - 0.045, -0.01, side * 0.06 + 0.045, 0.04, 0.018), rgb(0x33272A))
    if long_hair:
        pen.fill(
            smooth([(-0.105, 0.90), (-0.125, 0.72), (0, 0.64), (0.125, 0.72), (0.105, 0.90)], closed=True),
            darker(hair, 0.2),
        )
    for side in (-1, 1):
        arm = smooth([(side * 0.12, 0.70), (side * 0.175, 0.54), (side * 0.155, 0.39)])
        pen.fill(oval(side * 0.155, 0.375, 0.028), skin)
        pen.stroke(arm, 0.075, darker(accent, 0.12 if side < 0 else 0.32), end=0.06)
    coat = [
        (-0.08, 0.765),
        (-0.145, 0.71),
        (-0.125, 0.52),
        (-0.165, 0.25),
        (0, 0.235),
        (0.165, 0.25),
        (0.125, 0.52),
        (0.145, 0.71),
        (0.08, 0.765),
    ]
    pen.fill(smooth(coat, closed=True), lighter(accent, 0.12), darker(accent, 0.3), sideways=True)
    pen.stroke([(0, 0.74), (0.004, 0.245)], 0.005, darker(accent, 0.42))
    for v in (0.60, 0.52, 0.44):
        pen.fill(oval(0.024, v, 0.008), lighter(accent, 0.5))
    pen.fill(box(-0.03, 0.74, 0.03, 0.80), darker(skin, 0.2))
    head = [(-0.078, 0.90), (-0.07, 0.83), (0, 0.785), (0.07, 0.83), (0.078, 0.90), (0, 0.975)]
    pen.fill(smooth(head, closed=True), lighter(skin, 0.06), darker(skin, 0.16), sideways=True)
    fringe = [
        (-0.088, 0.855),
        (-0.095, 0.94),
        (0, 1.0),
        (0.095, 0.94),
        (0.088, 0.855),
        (0.066, 0.915),
        (-0.02, 0.935),
        (-0.066, 0.90),
    ]
    pen.fill(smooth(fringe, closed=True), lighter(hair, 0.14), hair)
    for side in (-1, 1):
        pen.fill(oval(side * 0.032, 0.876, 0.0075, 0.0095), rgb(0x2A2226))
        pen.stroke([(side * 0.046, 0.897), (side * 0.022, 0.900)], 0.005, hair)
        pen.fill(oval(side * 0.045, 0.850, 0.014, 0.008), rgb(0xE07A6A), alpha=0.3)
    pen.fill(ribbon(smooth([(0.002, 0.872), (0.010, 0.850), (-0.002, 0.848)]), 0.004, 0.004), darker(skin, 0.28))
    pen.fill(ribbon(smooth([(-0.020, 0.826), (0, 0.820), (0.020, 0.826)]), 0.005, 0.005), rgb(0xA8484A))
    scarf = mix(accent, WHITE, 0.72)
    pen.fill(
        smooth(
            [(-0.088, 0.775), (0, 0.735), (0.088, 0.775), (0.078, 0.80), (0, 0.775), (-0.078, 0.80)],
            closed=True,
        ),
        scarf,
        darker(scarf, 0.2),
    )
    pen.fill(ribbon([(0.045, 0.765), (0.062, 0.60)], 0.045, 0.05), scarf, darker(scarf, 0.2))


def robot(pen: Pen, rng: random.Random) -> None:
    """Draw a friendly robot with lit eyes and a chest dial."""
    accent = pen.palette.accent
    eye = rgb(rng.choice((0x7DE3F4, 0xFFD27A, 0x9CF2B5)))
    shadow(pen, 0.22)
    for side in (-1, 1):
        for k in range(5):
            pen.fill(
                rounded(side * 0.085 - 0.036, 0.08 + 0.05 * k, side * 0.085 + 0.036, 0.125 + 0.05 * k, 0.014),
                STEEL,
                STEEL_SHADE,
                sideways=True,
            )
        pen.fill(rounded(side * 0.09 - 0.07, -0.01, side * 0.09 + 0.07, 0.085, 0.035), accent, darker(accent, 0.4))
        for k in range(5):
            spread = side * (0.205 + 0.014 * k)
            pen.fill(oval(spread, 0.61 - 0.052 * k, 0.034), STEEL, STEEL_SHADE)
        for lean in (-0.03, 0.03):
            pen.stroke(
                [(side * 0.262, 0.35), (side * 0.262 + lean, 0.30), (side * 0.262 + lean * 0.6, 0.265)],
                0.024,
                STEEL_SHADE,
            )
        pen.fill(oval(side * 0.262, 0.36, 0.038), accent, darker(accent, 0.35))
        pen.fill(oval(side * 0.185, 0.62, 0.055), accent, darker(accent, 0.4))
    pen.fill(rounded(-0.17, 0.32, 0.17, 0.67, 0.05), lighter(STEEL, 0.25), STEEL_SHADE, sideways=True)
    pen.fill(rounded(-0.12, 0.44, 0.12, 0.62, 0.025), darker(STEEL_SHADE, 0.3), STEEL_SHADE)
    pen.fill(oval(-0.045, 0.53, 0.055), lighter(STEEL, 0.4), STEEL)
    pen.stroke([(-0.045, 0.53), (-0.02, 0.565)], 0.009, accent)
    for k in range(3):
        pen.glowing().fill(rounded(0.035, 0.565 - 0.043 * k, 0.100, 0.590 - 0.043 * k, 0.008), mix(eye, accent, k / 2))
    for u in (-0.14, 0.14):
        for v in (0.35, 0.64):
            pen.fill(oval(u, v, 0.009), darker(STEEL_SHADE, 0.2))
    _robot_head(pen, eye)


def _robot_head(pen: Pen, eye: Colour) -> None:
    accent = pen.palette.accent
    pen.fill(box(-0.05, 0.66, 0.05, 0.715), STEEL_SHADE, darker(STEEL_SHADE, 0.3))
    for side in (-1, 1):
        pen.fill(
            rounded(side * 0.165 - 0.025, 0.775, side * 0.165 + 0.025, 0.855, 0.015),
            accent,
            darker(accent, 0.35),
        )
    pen.fill(
        rounded(-0.16, 0.70, 0.16, 0.925, 0.055),
        lighter(STEEL, 0.35),
        darker(STEEL_SHADE, 0.05),
        sideways=True,
    )
    pen.fill(rounded(-0.132, 0.775, 0.132, 0.895, 0.045), NIGHT_GLASS, darker(STEEL_SHADE, 0.45))
    for side in (-1, 1):
        pen.glow(side * 0.06, 0.835, 0.085, eye, 0.6)
        pen.glowing().fill(oval(side * 0.06, 0.835, 0.032), eye)
        pen.glowing().fill(oval(side * 0.06 - 0.008, 0.845, 0.011), WHITE)
    for k in range(5):
        pen.fill(box(-0.055 + 0.024 * k, 0.725, -0.042 + 0.024 * k, 0.752), darker(STEEL_SHADE, 0.3))
    pen.stroke([(0, 0.92), (0, 0.98)], 0.010, STEEL_SHADE)
    pen.glow(0, 0.99, 0.07, accent, 0.6)
    pen.glowing().fill(oval(0, 0.99, 0.02), accent)


def cat(pen: Pen, rng: random.Random) -> None:
    """Draw a sitting cat with a curled tail."""
    fur = rgb(rng.choice((0x4A4652, 0xD98A4A, 0x8C8A90, 0xE6DCCB, 0x5F4A3C)))
    eye = rgb(rng.choice((0xE8C547, 0x8CCB6B, 0x79BBD6)))
    shadow(pen, 0.34)
    tail = smooth([(0.20, 0.05), (0.40, 0.05), (0.50, 0.22), (0.42, 0.40), (0.50, 0.52)])
    pen.stroke(tail, 0.085, darker(fur, 0.25), end=0.06)
    body = [
        (-0.25, 0.02),
        (-0.29, 0.20),
        (-0.19, 0.46),
        (-0.10, 0.60),
        (0.10, 0.60),
        (0.19, 0.46),
        (0.29, 0.20),
        (0.25, 0.02),
        (0, -0.01),
    ]
    pen.fill(smooth(body, closed=True), lighter(fur, 0.12), darker(fur, 0.32), sideways=True)
    pen.fill(
        smooth([(-0.10, 0.52), (-0.09, 0.30), (0, 0.16), (0.09, 0.30), (0.10, 0.52)], closed=True),
        lighter(fur, 0.35),
        lighter(fur, 0.12),
    )
    for side in (-1, 1):
        pen.stroke(
            [(side * 0.075, 0.34), (side * 0.078, 0.05)],
            0.085,
            lighter(fur, 0.06 if side < 0 else 0.0),
            end=0.085,
        )
        pen.fill(oval(side * 0.085, 0.032, 0.066, 0.038), lighter(fur, 0.28))
        for k in (-1, 1):
            pen.stroke([(side * 0.085 + 0.02 * k, 0.015), (side * 0.085 + 0.018 * k, 0.04)], 0.005, darker(fur, 0.3))
    for side in (-1, 1):
        pen.fill(
            [(side * 0.245, 0.70), (side * 0.235, 0.99), (side * 0.05, 0.88)],
            darker(fur, 0.12 if side < 0 else 0.28),
        )
        pen.fill([(side * 0.215, 0.76), (side * 0.214, 0.93), (side * 0.10, 0.86)], rgb(0xD89A9A))
    face = [
        (-0.255, 0.68),
        (-0.235, 0.80),
        (0, 0.90),
        (0.235, 0.80),
        (0.255, 0.68),
        (0.15, 0.555),
        (0, 0.53),
        (-0.15, 0.555),
    ]
    pen.fill(smooth(face, closed=True), lighter(fur, 0.14), darker(fur, 0.2), sideways=True)
    for u in (-0.05, 0, 0.05):
        pen.stroke([(u, 0.885), (u * 0.8, 0.815)], 0.018, darker(fur, 0.3), end=0.004)
    pen.fill(oval(0, 0.615, 0.095, 0.062), lighter(fur, 0.42))
    for side in (-1, 1):
        pen.fill(oval(side * 0.105, 0.715, 0.052, 0.054), darker(fur, 0.45))
        pen.fill(oval(side * 0.105, 0.715, 0.045, 0.048), lighter(eye, 0.25), eye)
        pen.fill(oval(side * 0.105, 0.715, 0.016, 0.042), rgb(0x14151C))
        pen.fill(oval(side * 0.105 - 0.014, 0.734, 0.011), WHITE)
        for k in (-1, 0, 1):
            pen.stroke(
                [(side * 0.07, 0.62), (side * 0.31, 0.635 + 0.035 * k)],
                0.005,
                lighter(fur, 0.65),
                end=0.001,
                alpha=0.8,
            )
        pen.fill(
            ribbon(smooth([(0, 0.622), (side * 0.022, 0.592), (side * 0.055, 0.600)]), 0.007, 0.004),
            darker(fur, 0.5),
        )
    pen.fill([(-0.026, 0.652), (0.026, 0.652), (0, 0.620)], rgb(0xC9706F))
    pen.fill(ribbon(smooth([(-0.135, 0.555), (0, 0.515), (0.135, 0.555)]), 0.034, 0.034), pen.palette.accent)
    pen.fill(oval(0, 0.497, 0.026), rgb(0xF2CE6B), rgb(0xB98A2E))


def dog(pen: Pen, rng: random.Random) -> None:
    """Draw a sitting dog with hanging ears."""
    fur = rgb(rng.choice((0xB9814F, 0x7A5A45, 0xE0CFAF, 0x57535A)))
    shadow(pen, 0.32)
    pen.stroke(smooth([(0.20, 0.08), (0.38, 0.12), (0.44, 0.30)]), 0.07, darker(fur, 0.2), end=0.03)
    body = [(-0.22, 0.02), (-0.26, 0.20), (-0.17, 0.50), (0, 0.62), (0.17, 0.50), (0.27, 0.20), (0.23, 0.02)]
    pen.fill(smooth(body, closed=True), lighter(fur, 0.12), darker(fur, 0.3), sideways=True)
    pen.fill(oval(0, 0.40, 0.105, 0.17), lighter(fur, 0.45), lighter(fur, 0.25))
    for side in (-1, 1):
        pen.stroke([(side * 0.09, 0.36), (side * 0.095, 0.05)], 0.10, lighter(fur, 0.07), end=0.09)
        pen.fill(oval(side * 0.105, 0.035, 0.075, 0.04), lighter(fur, 0.35))
    head = [(-0.19, 0.78), (-0.12, 0.92), (0.12, 0.92), (0.19, 0.78), (0.13, 0.62), (0, 0.55), (-0.13, 0.62)]
    pen.fill(smooth(head, closed=True), lighter(fur, 0.15), darker(fur, 0.18), sideways=True)
    for side in (-1, 1):
        ear = [
            (side * 0.12, 0.91),
            (side * 0.22, 0.86),
            (side * 0.265, 0.68),
            (side * 0.20, 0.60),
            (side * 0.165, 0.75),
        ]
        pen.fill(smooth(ear, closed=True), darker(fur, 0.32), darker(fur, 0.48))
        pen.fill(oval(side * 0.078, 0.775, 0.024, 0.028), rgb(0x1E1A1C))
        pen.fill(oval(side * 0.078 - 0.008, 0.785, 0.008), WHITE)
    pen.fill(oval(0, 0.66, 0.10, 0.085), lighter(fur, 0.5), lighter(fur, 0.3))
    pen.fill(smooth([(-0.045, 0.71), (0.045, 0.71), (0, 0.665)], closed=True), rgb(0x2A2326))
    pen.fill(smooth([(-0.03, 0.618), (0.03, 0.618), (0.022, 0.56), (-0.022, 0.56)], closed=True), rgb(0xD96C74))
    for side in (-1, 1):
        pen.fill(
            ribbon(smooth([(0, 0.665), (side * 0.02, 0.63), (side * 0.07, 0.63)]), 0.009, 0.006),
            rgb(0x3A2C2C),
        )
    pen.fill(ribbon(smooth([(-0.13, 0.575), (0, 0.525), (0.13, 0.575)]), 0.04, 0.04), pen.palette.accent)
