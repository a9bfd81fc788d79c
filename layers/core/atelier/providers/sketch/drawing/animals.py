"""Animals beside the cat and the dog, feet at (0, 0) of the pen and about 1 tall."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from .colour import BLACK, WHITE, Colour, darker, lighter, mix, rgb
from .figures import shadow
from .pen import Pen, Point, oval, ribbon, smooth

EYE = rgb(0x1B1819)
FOX = rgb(0xD9733A)
HORN = rgb(0xE9DFC8)
NOSE = rgb(0x2A2326)
WOLF = rgb(0x7F8791)


def horse(pen: Pen, rng: random.Random) -> None:
    """Draw a standing horse."""
    coat = rgb(rng.choice((0x8A5230, 0x5B4033, 0xB98A5A, 0xE5DDD0)))
    _horse(pen, coat, darker(coat, 0.6) if coat != rgb(0xE5DDD0) else rgb(0xB9AFA2))


def unicorn(pen: Pen, _rng: random.Random) -> None:
    """Draw a white horse with a horn, its mane in the accent colour."""
    _horse(pen, rgb(0xF2EDF3), mix(pen.palette.accent, WHITE, 0.3))
    pen.fill([(0.405, 0.955), (0.525, 1.19), (0.45, 0.925)], rgb(0xF6DF9A), rgb(0xC79A3E))


def _horse(pen: Pen, coat: Colour, mane: Colour) -> None:
    shadow(pen, 0.44)
    for leg in ([(-0.22, 0.48), (-0.20, 0.27), (-0.235, 0.03)], [(0.17, 0.48), (0.20, 0.25), (0.19, 0.03)]):
        _hoofed(pen, leg, darker(coat, 0.34))
    tail = [(-0.33, 0.62), (-0.45, 0.53), (-0.46, 0.34), (-0.42, 0.18)]
    pen.fill(ribbon(smooth(tail), 0.05, 0.10), lighter(mane, 0.1), darker(mane, 0.2))
    body = [
        (-0.36, 0.54), (-0.31, 0.665), (-0.10, 0.635), (0.12, 0.66), (0.27, 0.63), (0.30, 0.50), (0.20, 0.41),
        (0.0, 0.385), (-0.20, 0.425), (-0.32, 0.43),
    ]  # fmt: skip
    neck = [(0.08, 0.64), (0.23, 0.84), (0.33, 0.955), (0.43, 0.90), (0.38, 0.72), (0.30, 0.50), (0.17, 0.48)]
    for leg in ([(-0.29, 0.50), (-0.30, 0.27), (-0.335, 0.03)], [(0.245, 0.48), (0.26, 0.25), (0.26, 0.03)]):
        _hoofed(pen, leg, darker(coat, 0.08))
    pen.fill(smooth(body, closed=True), lighter(coat, 0.16), darker(coat, 0.24))
    pen.fill(smooth(neck, closed=True), lighter(coat, 0.14), coat)
    pen.fill([(0.325, 0.93), (0.325, 1.02), (0.375, 0.95)], darker(coat, 0.2))
    head = [
        (0.32, 0.94),
        (0.40, 0.965),
        (0.48, 0.87),
        (0.575, 0.755),
        (0.57, 0.69),
        (0.51, 0.68),
        (0.41, 0.77),
        (0.33, 0.83),
    ]
    pen.fill(smooth(head, closed=True), lighter(coat, 0.2), darker(coat, 0.06))
    pen.fill([(0.36, 0.945), (0.375, 1.035), (0.415, 0.95)], lighter(coat, 0.1))
    crest = [
        (0.375, 0.985),
        (0.27, 0.925),
        (0.15, 0.80),
        (0.05, 0.65),
        (0.10, 0.60),
        (0.20, 0.70),
        (0.26, 0.80),
        (0.35, 0.88),
    ]
    pen.fill(smooth(crest, closed=True), lighter(mane, 0.12), darker(mane, 0.15))
    pen.fill(smooth([(0.36, 0.97), (0.42, 0.965), (0.44, 0.88), (0.39, 0.92)], closed=True), mane)
    pen.fill(oval(0.425, 0.865, 0.016, 0.018), EYE)
    pen.fill(oval(0.421, 0.871, 0.005), WHITE)
    pen.fill(oval(0.547, 0.735, 0.011, 0.015), darker(coat, 0.5))
    pen.stroke([(0.515, 0.700), (0.55, 0.708)], 0.006, darker(coat, 0.5))


def _hoofed(pen: Pen, leg: list[Point], coat: Colour) -> None:
    (u, v) = leg[-1]
    pen.fill(ribbon(smooth(leg), 0.125, 0.05), lighter(coat, 0.06), darker(coat, 0.12))
    pen.fill([(u - 0.028, v + 0.012), (u + 0.028, v + 0.012), (u + 0.042, v - 0.035), (u - 0.034, v - 0.035)], NOSE)


def fox(pen: Pen, _rng: random.Random) -> None:
    """Draw a sitting fox with its brush."""
    _fox(pen, FOX)


def wolf(pen: Pen, _rng: random.Random) -> None:
    """Draw a sitting grey wolf."""
    _fox(pen, WOLF)


def _fox(pen: Pen, fur: Colour) -> None:
    cream, socks = lighter(fur, 0.82), darker(fur, 0.62)
    shadow(pen, 0.42)
    brush = [
        (0.10, 0.07),
        (0.34, 0.0),
        (0.53, 0.10),
        (0.55, 0.30),
        (0.48, 0.46),
        (0.42, 0.34),
        (0.40, 0.21),
        (0.20, 0.20),
    ]
    pen.fill(smooth(brush, closed=True), lighter(fur, 0.08), darker(fur, 0.25))
    pen.fill(smooth([(0.545, 0.25), (0.55, 0.34), (0.48, 0.47), (0.43, 0.35), (0.48, 0.31)], closed=True), cream)
    _seated(pen, fur, cream)
    for side in (-1, 1):
        pen.stroke([(side * 0.085, 0.20), (side * 0.085, 0.05)], 0.085, socks)
        pen.fill(oval(side * 0.092, 0.03, 0.062, 0.036), socks)
        ear = [(side * 0.07, 0.86), (side * 0.245, 1.05), (side * 0.27, 0.78)]
        pen.fill(ear, darker(fur, 0.05 if side < 0 else 0.2))
        pen.fill([(side * 0.135, 0.88), (side * 0.225, 0.99), (side * 0.235, 0.83)], socks)
    face = [
        (-0.29, 0.72),
        (-0.20, 0.87),
        (0, 0.915),
        (0.20, 0.87),
        (0.29, 0.72),
        (0.14, 0.62),
        (0, 0.54),
        (-0.14, 0.62),
    ]
    pen.fill(smooth(face, closed=True), lighter(fur, 0.12), darker(fur, 0.12), sideways=True)
    for side in (-1, 1):
        cheek = [(side * 0.285, 0.715), (side * 0.17, 0.72), (side * 0.05, 0.655), (0, 0.56), (side * 0.14, 0.622)]
        pen.fill(smooth(cheek, closed=True), cream, lighter(fur, 0.7))
        pen.fill(oval(side * 0.105, 0.755, 0.030, 0.034), EYE)
        pen.fill(oval(side * 0.105 - 0.010, 0.767, 0.010), WHITE)
    pen.fill(smooth([(-0.045, 0.615), (0, 0.632), (0.045, 0.615), (0, 0.558)], closed=True), NOSE)


def _seated(pen: Pen, fur: Colour, chest: Colour) -> None:
    """Draw what all animals have that sit and look at the viewer: the trunk, the chest and the forelegs."""
    body = [
        (-0.24, 0.02), (-0.285, 0.20), (-0.19, 0.46), (-0.11, 0.62), (0.11, 0.62), (0.19, 0.46), (0.285, 0.20),
        (0.24, 0.02), (0, -0.01),
    ]  # fmt: skip
    pen.fill(smooth(body, closed=True), lighter(fur, 0.1), darker(fur, 0.3), sideways=True)
    pen.fill(smooth([(-0.13, 0.58), (-0.10, 0.36), (0, 0.22), (0.10, 0.36), (0.13, 0.58)], closed=True), chest)
    for side in (-1, 1):
        shade = lighter(fur, 0.07) if side < 0 else darker(fur, 0.04)
        pen.stroke([(side * 0.082, 0.36), (side * 0.085, 0.05)], 0.095, shade, end=0.085)
        pen.fill(oval(side * 0.092, 0.03, 0.068, 0.038), lighter(fur, 0.2))


def bear(pen: Pen, rng: random.Random) -> None:
    """Draw a sitting bear."""
    _bear(pen, rgb(rng.choice((0x7B5138, 0x5A3F30, 0xA5764C))))


def polar_bear(pen: Pen, _rng: random.Random) -> None:
    """Draw a sitting white bear."""
    _bear(pen, rgb(0xEDEBE2))


def panda(pen: Pen, _rng: random.Random) -> None:
    """Draw a sitting panda."""
    _bear(pen, rgb(0xF0EEE8), limbs=rgb(0x2B2A2E))


def _bear(pen: Pen, fur: Colour, limbs: Colour | None = None) -> None:
    dark = limbs or fur
    shadow(pen, 0.46)
    for side in (-1, 1):
        pen.fill(oval(side * 0.25, 0.12, 0.16, 0.13), lighter(dark, 0.05), darker(dark, 0.3))
        pen.fill(oval(side * 0.29, 0.10, 0.085, 0.10), mix(dark, rgb(0xC9A184), 0.55))
        for k in (-1, 0, 1):
            pen.fill(oval(side * 0.29 + 0.045 * k, 0.205 - 0.012 * k * k, 0.02), darker(dark, 0.45))
    body = [(-0.25, 0.04), (-0.30, 0.25), (-0.22, 0.52), (0, 0.62), (0.22, 0.52), (0.30, 0.25), (0.25, 0.04), (0, 0)]
    pen.fill(smooth(body, closed=True), lighter(fur, 0.12), darker(fur, 0.32), sideways=True)
    pen.fill(oval(0, 0.27, 0.165, 0.19), lighter(fur, 0.3), lighter(fur, 0.12))
    for side in (-1, 1):
        arm = smooth([(side * 0.20, 0.52), (side * 0.315, 0.38), (side * 0.23, 0.25)])
        pen.stroke(arm, 0.14, lighter(dark, 0.08) if side < 0 else darker(dark, 0.12), end=0.12)
        pen.fill(oval(side * 0.215, 0.93, 0.085), darker(dark, 0.08))
        pen.fill(oval(side * 0.212, 0.925, 0.048), mix(dark, rgb(0xD9A58C), 0.45))
    head = [
        (-0.275, 0.72),
        (-0.21, 0.90),
        (0, 0.965),
        (0.21, 0.90),
        (0.275, 0.72),
        (0.17, 0.58),
        (0, 0.545),
        (-0.17, 0.58),
    ]
    pen.fill(smooth(head, closed=True), lighter(fur, 0.16), darker(fur, 0.16), sideways=True)
    pen.fill(oval(0, 0.665, 0.125, 0.095), lighter(fur, 0.5), lighter(fur, 0.28))
    for side in (-1, 1):
        if limbs:
            pen.fill(oval(side * 0.105, 0.775, 0.062, 0.07), limbs)
        pen.fill(oval(side * 0.102, 0.785, 0.026, 0.029), EYE)
        pen.fill(oval(side * 0.102 - 0.009, 0.796, 0.009), WHITE)
        pen.stroke(smooth([(0, 0.66), (side * 0.022, 0.625), (side * 0.06, 0.632)]), 0.008, NOSE, end=0.005)
    pen.fill(smooth([(-0.052, 0.725), (0.052, 0.725), (0, 0.665)], closed=True), NOSE)
    pen.fill(oval(-0.015, 0.719, 0.013, 0.006), WHITE, alpha=0.5)


def lion(pen: Pen, _rng: random.Random) -> None:
    """Draw a sitting lion with its mane."""
    fur, mane = rgb(0xD9A556), rgb(0x8E5426)
    shadow(pen, 0.42)
    tail = smooth([(0.20, 0.06), (0.42, 0.07), (0.50, 0.24), (0.44, 0.40)])
    pen.stroke(tail, 0.055, darker(fur, 0.18), end=0.035)
    pen.fill(smooth([(0.40, 0.38), (0.38, 0.48), (0.45, 0.55), (0.50, 0.45), (0.47, 0.38)], closed=True), mane)
    _seated(pen, fur, lighter(fur, 0.45))
    for reach, length, tone in (
        (0.245, 0.17, darker(mane, 0.28)),
        (0.215, 0.14, mane),
        (0.175, 0.12, lighter(mane, 0.16)),
    ):
        for k in range(18):
            tuft = pen.at(0, 0.735, turn=20 * k + 7 * reach)
            tuft.fill(
                smooth(
                    [
                        (-0.075, reach - 0.12),
                        (-0.05, reach),
                        (0, reach + length * 0.75),
                        (0.05, reach),
                        (0.075, reach - 0.12),
                    ],
                    closed=True,
                ),
                tone,
            )
    for side in (-1, 1):
        pen.fill(oval(side * 0.165, 0.905, 0.062), darker(fur, 0.1))
        pen.fill(oval(side * 0.163, 0.90, 0.034), darker(fur, 0.4))
    face = [
        (-0.20, 0.74),
        (-0.15, 0.89),
        (0, 0.93),
        (0.15, 0.89),
        (0.20, 0.74),
        (0.14, 0.61),
        (0, 0.565),
        (-0.14, 0.61),
    ]
    pen.fill(smooth(face, closed=True), lighter(fur, 0.14), darker(fur, 0.1), sideways=True)
    pen.fill(smooth([(-0.05, 0.86), (0.05, 0.86), (0.045, 0.72), (-0.045, 0.72)], closed=True), lighter(fur, 0.22))
    for side in (-1, 1):
        pen.fill(oval(side * 0.055, 0.645, 0.072, 0.052), lighter(fur, 0.55))
        pen.fill(oval(side * 0.092, 0.775, 0.032, 0.028), darker(fur, 0.5))
        pen.fill(oval(side * 0.092, 0.773, 0.026, 0.023), rgb(0xE8C04A))
        pen.fill(oval(side * 0.092, 0.773, 0.012, 0.019), EYE)
        pen.stroke(smooth([(0, 0.665), (side * 0.02, 0.628), (side * 0.06, 0.632)]), 0.008, NOSE, end=0.005)
    pen.fill(smooth([(-0.05, 0.715), (0.05, 0.715), (0, 0.66)], closed=True), rgb(0x6B3A32))


def rabbit(pen: Pen, rng: random.Random) -> None:
    """Draw a sitting rabbit, its ears up."""
    fur = rgb(rng.choice((0xB59A80, 0x8E8580, 0xEDE6DA)))
    pink = rgb(0xE0A5A0)
    shadow(pen, 0.32)
    pen.fill(oval(0.25, 0.12, 0.075), WHITE, lighter(fur, 0.5))
    for side in (-1, 1):
        pen.fill(oval(side * 0.155, 0.12, 0.125, 0.125), lighter(fur, 0.04), darker(fur, 0.26))
        pen.fill(oval(side * 0.165, 0.028, 0.105, 0.036), lighter(fur, 0.25), darker(fur, 0.05))
    body = [(-0.17, 0.04), (-0.20, 0.20), (-0.13, 0.42), (0, 0.48), (0.13, 0.42), (0.20, 0.20), (0.17, 0.04), (0, 0)]
    pen.fill(smooth(body, closed=True), lighter(fur, 0.14), darker(fur, 0.26), sideways=True)
    pen.fill(oval(0, 0.25, 0.095, 0.15), lighter(fur, 0.55), lighter(fur, 0.3))
    for side in (-1, 1):
        pen.stroke([(side * 0.055, 0.26), (side * 0.05, 0.06)], 0.07, lighter(fur, 0.12), end=0.06)
        ear = [
            (side * 0.035, 0.66),
            (side * 0.055, 0.90),
            (side * 0.13, 1.04),
            (side * 0.165, 0.88),
            (side * 0.125, 0.66),
        ]
        pen.fill(smooth(ear, closed=True), lighter(fur, 0.1 if side < 0 else 0.0), darker(fur, 0.22))
        inner = [
            (side * 0.062, 0.69),
            (side * 0.082, 0.88),
            (side * 0.125, 0.98),
            (side * 0.14, 0.87),
            (side * 0.105, 0.69),
        ]
        pen.fill(smooth(inner, closed=True), pink, darker(pink, 0.2))
    head = [
        (-0.185, 0.56),
        (-0.13, 0.69),
        (0, 0.73),
        (0.13, 0.69),
        (0.185, 0.56),
        (0.11, 0.445),
        (0, 0.42),
        (-0.11, 0.445),
    ]
    pen.fill(smooth(head, closed=True), lighter(fur, 0.2), darker(fur, 0.12), sideways=True)
    for side in (-1, 1):
        pen.fill(oval(side * 0.045, 0.495, 0.058, 0.045), lighter(fur, 0.6))
        pen.fill(oval(side * 0.10, 0.60, 0.030, 0.036), EYE)
        pen.fill(oval(side * 0.10 - 0.009, 0.614, 0.010), WHITE)
        pen.fill(oval(side * 0.14, 0.53, 0.03, 0.018), pink, alpha=0.35)
        for k in (-1, 1):
            whisker = [(side * 0.06, 0.50), (side * 0.23, 0.51 + 0.03 * k)]
            pen.stroke(whisker, 0.004, lighter(fur, 0.75), end=0.001, alpha=0.8)
    pen.fill(smooth([(-0.026, 0.545), (0.026, 0.545), (0, 0.515)], closed=True), rgb(0xC9706F))
    pen.stroke([(0, 0.515), (0, 0.48)], 0.006, darker(fur, 0.5))


def elephant(pen: Pen, _rng: random.Random) -> None:
    """Draw a standing elephant, seen from the side."""
    hide = rgb(0x8B929B)
    shadow(pen, 0.66)
    for u in (-0.30, 0.12):
        _elephant_leg(pen, u, darker(hide, 0.28))
    pen.stroke(smooth([(-0.56, 0.62), (-0.635, 0.48), (-0.62, 0.34)]), 0.03, darker(hide, 0.2), end=0.012)
    pen.fill(oval(-0.618, 0.32, 0.018, 0.04), darker(hide, 0.5))
    body = [
        (-0.57, 0.50), (-0.52, 0.74), (-0.28, 0.88), (0.02, 0.87), (0.24, 0.80), (0.28, 0.50), (0.16, 0.33),
        (-0.15, 0.29), (-0.42, 0.32),
    ]  # fmt: skip
    for u in (-0.44, 0.0):
        _elephant_leg(pen, u, darker(hide, 0.06))
    pen.fill(smooth(body, closed=True), lighter(hide, 0.2), darker(hide, 0.22))
    trunk = smooth([(0.56, 0.72), (0.655, 0.52), (0.64, 0.28), (0.66, 0.14), (0.75, 0.12), (0.79, 0.20)], steps=9)
    pen.fill(ribbon(trunk, 0.215, 0.055), lighter(hide, 0.16), darker(hide, 0.14))
    head = [
        (0.14, 0.70),
        (0.22, 0.93),
        (0.42, 1.0),
        (0.60, 0.92),
        (0.68, 0.74),
        (0.60, 0.56),
        (0.42, 0.48),
        (0.22, 0.52),
    ]
    pen.fill(smooth(head, closed=True), lighter(hide, 0.24), darker(hide, 0.06))
    for k in range(5):
        u, v = trunk[12 + 5 * k]
        pen.stroke(
            [(u - 0.075 + 0.010 * k, v + 0.006), (u + 0.055 - 0.008 * k, v)], 0.006, darker(hide, 0.3), alpha=0.6
        )
    tusk = smooth([(0.50, 0.52), (0.58, 0.40), (0.72, 0.385), (0.79, 0.45)])
    pen.fill(ribbon(tusk, 0.055, 0.006), lighter(HORN, 0.4), darker(HORN, 0.15))
    ear = [(0.30, 0.88), (0.12, 0.93), (-0.04, 0.80), (-0.05, 0.60), (0.06, 0.42), (0.20, 0.45), (0.30, 0.60)]
    pen.fill(smooth(ear, closed=True), lighter(hide, 0.1), darker(hide, 0.24))
    inner = [(0.24, 0.83), (0.12, 0.86), (0.02, 0.76), (0.02, 0.61), (0.09, 0.50), (0.18, 0.52), (0.24, 0.62)]
    pen.fill(smooth(inner, closed=True), mix(hide, rgb(0xC99A92), 0.5), darker(hide, 0.1))
    pen.fill(oval(0.475, 0.775, 0.024, 0.026), EYE)
    pen.fill(oval(0.468, 0.784, 0.008), WHITE)
    pen.stroke(smooth([(0.44, 0.815), (0.475, 0.825), (0.51, 0.805)]), 0.010, darker(hide, 0.3))


def _elephant_leg(pen: Pen, u: float, hide: Colour) -> None:
    leg = [
        (u - 0.115, 0.52),
        (u - 0.095, 0.12),
        (u - 0.115, 0.0),
        (u + 0.115, 0.0),
        (u + 0.095, 0.12),
        (u + 0.115, 0.52),
    ]
    pen.fill(leg, lighter(hide, 0.12), darker(hide, 0.18), sideways=True)
    for k in (-1, 0, 1):
        pen.fill(oval(u + 0.065 * k, 0.022, 0.028, 0.022), lighter(HORN, 0.1))


def penguin(pen: Pen, _rng: random.Random) -> None:
    """Draw a penguin."""
    coat, beak = rgb(0x2C3440), rgb(0xE9973A)
    shadow(pen, 0.26)
    for side in (-1, 1):
        foot = [
            (side * 0.03, 0.06),
            (side * 0.05, -0.01),
            (side * 0.12, -0.03),
            (side * 0.21, 0.0),
            (side * 0.15, 0.07),
        ]
        pen.fill(smooth(foot, closed=True), beak, darker(beak, 0.25))
        wing = [(side * 0.20, 0.66), (side * 0.33, 0.44), (side * 0.36, 0.24), (side * 0.27, 0.33), (side * 0.21, 0.46)]
        pen.fill(smooth(wing, closed=True), lighter(coat, 0.12) if side < 0 else coat, darker(coat, 0.3))
    body = [
        (-0.20, 0.04), (-0.275, 0.28), (-0.24, 0.56), (-0.19, 0.76), (-0.14, 0.94), (0, 1.0), (0.14, 0.94),
        (0.19, 0.76), (0.24, 0.56), (0.275, 0.28), (0.20, 0.04), (0, 0.0),
    ]  # fmt: skip
    pen.fill(smooth(body, closed=True), lighter(coat, 0.16), darker(coat, 0.25), sideways=True)
    belly = [
        (-0.14, 0.06),
        (-0.205, 0.28),
        (-0.17, 0.54),
        (0, 0.68),
        (0.17, 0.54),
        (0.205, 0.28),
        (0.14, 0.06),
        (0, 0.03),
    ]
    pen.fill(smooth(belly, closed=True), rgb(0xFBF8F0), rgb(0xD5DAE0), sideways=True)
    pen.fill(
        smooth([(-0.15, 0.60), (0, 0.64), (0.15, 0.60), (0.10, 0.70), (-0.10, 0.70)], closed=True),
        rgb(0xF2C75C),
        alpha=0.75,
    )
    for side in (-1, 1):
        pen.fill(oval(side * 0.075, 0.80, 0.072, 0.10), rgb(0xFBF8F0), rgb(0xE3E6EA))
    pen.fill(smooth([(-0.06, 0.99), (0, 0.90), (0.06, 0.99)], closed=True), coat)
    for side in (-1, 1):
        pen.fill(oval(side * 0.068, 0.835, 0.025, 0.029), EYE)
        pen.fill(oval(side * 0.068 - 0.008, 0.846, 0.009), WHITE)
    pen.fill(
        smooth([(-0.055, 0.775), (0, 0.80), (0.055, 0.775), (0, 0.70)], closed=True),
        lighter(beak, 0.12),
        darker(beak, 0.2),
    )
    pen.stroke([(-0.045, 0.768), (0, 0.752), (0.045, 0.768)], 0.006, darker(beak, 0.45))


def owl(pen: Pen, rng: random.Random) -> None:
    """Draw an owl on a stump."""
    coat, wood = rgb(rng.choice((0x8A6142, 0x6E5A4C, 0xA98760))), rgb(0x6B513C)
    cream = lighter(coat, 0.68)
    shadow(pen, 0.36)
    stump = [(-0.34, -0.02), (-0.25, 0.07), (-0.23, 0.20), (0.23, 0.20), (0.25, 0.07), (0.34, -0.02)]
    pen.fill(stump, lighter(wood, 0.1), darker(wood, 0.35), sideways=True)
    for ring, tone in ((1.0, lighter(wood, 0.45)), (0.72, lighter(wood, 0.25)), (0.66, lighter(wood, 0.42))):
        pen.fill(oval(0, 0.20, 0.23 * ring, 0.04 * ring), tone)
    body = [
        (-0.15, 0.20),
        (-0.245, 0.40),
        (-0.235, 0.66),
        (-0.17, 0.82),
        (0.17, 0.82),
        (0.235, 0.66),
        (0.245, 0.40),
        (0.15, 0.20),
    ]
    pen.fill([(-0.10, 0.26), (-0.06, 0.07), (0.06, 0.07), (0.10, 0.26)], darker(coat, 0.4))
    pen.fill(smooth(body, closed=True), lighter(coat, 0.08), darker(coat, 0.25), sideways=True)
    pen.fill(
        smooth([(-0.14, 0.24), (-0.17, 0.46), (0, 0.66), (0.17, 0.46), (0.14, 0.24), (0, 0.20)], closed=True), cream
    )
    for row in range(5):
        for k in range(-2, 3):
            u, v = 0.058 * (k + (row % 2) / 2), 0.28 + 0.062 * row
            if abs(u) < 0.135 - 0.004 * row * row:
                pen.stroke([(u - 0.018, v + 0.014), (u, v), (u + 0.018, v + 0.014)], 0.010, darker(coat, 0.05))
    for side in (-1, 1):
        wing = [
            (side * 0.20, 0.70),
            (side * 0.285, 0.50),
            (side * 0.255, 0.27),
            (side * 0.17, 0.20),
            (side * 0.155, 0.46),
        ]
        pen.fill(smooth(wing, closed=True), coat if side < 0 else darker(coat, 0.12), darker(coat, 0.42))
        for k in range(3):
            pen.stroke(
                [(side * (0.245 - 0.02 * k), 0.44 - 0.07 * k), (side * (0.195 - 0.008 * k), 0.36 - 0.06 * k)],
                0.010,
                lighter(coat, 0.3),
                end=0.004,
            )
        pen.fill(
            [(side * 0.07, 0.90), (side * 0.225, 1.0), (side * 0.20, 0.80)], darker(coat, 0.2 if side < 0 else 0.34)
        )
        for k in (-1, 0, 1):
            pen.stroke([(side * 0.075 + 0.028 * k, 0.235), (side * 0.075 + 0.030 * k, 0.19)], 0.024, rgb(0xE0A94C))
    head = [
        (-0.245, 0.76),
        (-0.18, 0.92),
        (0, 0.945),
        (0.18, 0.92),
        (0.245, 0.76),
        (0.16, 0.63),
        (0, 0.60),
        (-0.16, 0.63),
    ]
    pen.fill(smooth(head, closed=True), lighter(coat, 0.12), darker(coat, 0.18), sideways=True)
    for side in (-1, 1):
        pen.fill(oval(side * 0.105, 0.765, 0.115, 0.12), cream, lighter(coat, 0.45))
        for k in range(14):
            angle = math.tau * k / 14
            ray = [(side * 0.105 + r * math.cos(angle), 0.765 + r * math.sin(angle)) for r in (0.075, 0.108)]
            pen.stroke(ray, 0.006, lighter(coat, 0.15), end=0.003)
        pen.fill(oval(side * 0.105, 0.77, 0.066), darker(coat, 0.55))
        pen.fill(oval(side * 0.105, 0.77, 0.058), rgb(0xF4CE5A), rgb(0xD8912E))
        pen.fill(oval(side * 0.105, 0.77, 0.034), EYE)
        pen.fill(oval(side * 0.105 - 0.014, 0.785, 0.012), WHITE)
    pen.fill(
        smooth([(-0.032, 0.745), (0, 0.76), (0.032, 0.745), (0, 0.655)], closed=True), rgb(0xE8B455), rgb(0xA9742B)
    )


def dragon(pen: Pen, rng: random.Random) -> None:
    """Draw a sitting dragon, wings raised, breathing a little fire."""
    hide, belly = pen.palette.accent, mix(pen.palette.accent, rgb(0xF6E3B0), 0.72)
    shadow(pen, 0.5)
    _dragon_wing(pen.at(0.06, 0.47, 0.92, turn=-14), darker(hide, 0.45))
    tail = smooth([(-0.06, 0.14), (-0.36, 0.02), (-0.60, 0.08), (-0.68, 0.28), (-0.58, 0.40)], steps=9)
    pen.fill(ribbon(tail, 0.22, 0.02), lighter(hide, 0.05), darker(hide, 0.3))
    pen.fill([(-0.62, 0.36), (-0.60, 0.53), (-0.47, 0.41)], darker(hide, 0.4))
    body = [
        (-0.20, 0.02),
        (-0.27, 0.22),
        (-0.14, 0.46),
        (0.05, 0.56),
        (0.19, 0.44),
        (0.22, 0.20),
        (0.14, 0.02),
        (0, -0.01),
    ]
    pen.fill(smooth(body, closed=True), lighter(hide, 0.16), darker(hide, 0.3), sideways=True)
    neck = smooth([(0.05, 0.42), (0.17, 0.58), (0.13, 0.74), (0.20, 0.88)], steps=9)
    for k in range(0, len(neck) - 2, 3):
        u, v = neck[k]
        pen.fill([(u - 0.07, v + 0.005), (u - 0.185 + 0.004 * k, v + 0.085), (u - 0.05, v + 0.075)], darker(hide, 0.42))
    pen.fill(ribbon(neck, 0.27, 0.13), lighter(hide, 0.14), darker(hide, 0.05))
    front = smooth([(0.135, 0.08), (0.165, 0.28), (0.175, 0.46), (0.235, 0.60), (0.185, 0.74), (0.235, 0.84)], steps=6)
    pen.fill(ribbon(front, 0.15, 0.05), lighter(belly, 0.15), darker(belly, 0.12))
    for k in range(2, len(front) - 2, 2):
        u, v = front[k]
        half = 0.07 - 0.0015 * k
        pen.stroke([(u - half, v), (u + half * 0.85, v - 0.012)], 0.007, darker(belly, 0.28))
    thigh = [(-0.20, 0.06), (-0.23, 0.24), (-0.08, 0.33), (0.06, 0.22), (0.05, 0.04)]
    pen.fill(smooth(thigh, closed=True), lighter(hide, 0.2), darker(hide, 0.22))
    for u, wide in ((0.0, 0.13), (0.215, 0.10)):
        pen.fill(
            smooth([(u - wide, 0.0), (u - wide * 0.5, 0.075), (u + wide * 0.7, 0.065), (u + wide, 0.0)], closed=True),
            hide,
            darker(hide, 0.25),
        )
        for k in range(3):
            claw = u + wide * (0.35 + 0.32 * k)
            pen.fill([(claw - 0.02, 0.03), (claw + 0.03, -0.012), (claw - 0.022, -0.008)], HORN)
    pen.stroke(smooth([(0.16, 0.46), (0.255, 0.33), (0.245, 0.20)]), 0.085, darker(hide, 0.02), end=0.06)
    for u in (0.225, 0.255, 0.28):
        pen.fill([(u - 0.015, 0.19), (u + 0.015, 0.19), (u + 0.012, 0.135)], HORN)
    _dragon_wing(pen.at(-0.02, 0.47), darker(hide, 0.2))
    _dragon_head(pen.at(0.20, 0.89, 1.0), hide, belly, rng)


def _dragon_wing(pen: Pen, tone: Colour) -> None:
    tips = [(-0.07, 0.62), (-0.36, 0.60), (-0.58, 0.40), (-0.60, 0.12)]
    joint = (-0.10, 0.33)
    edge: list[Point] = [(0, 0), joint, tips[0]]
    for (u, v), (next_u, next_v) in pairwise(tips):
        middle = ((u + next_u) / 2 * 0.8 + joint[0] * 0.2, (v + next_v) / 2 * 0.8 + joint[1] * 0.2)
        edge += smooth([(u, v), middle, (next_u, next_v)])[1:]
    edge += smooth([tips[-1], (-0.30, 0.10), (0, 0)])[1:]
    pen.fill(edge, lighter(tone, 0.28), darker(tone, 0.2))
    for u, v in tips:
        pen.stroke(
            smooth([joint, ((joint[0] + u) / 2, (joint[1] + v) / 2 + 0.02), (u, v)]),
            0.022,
            darker(tone, 0.3),
            end=0.008,
        )
    pen.stroke(smooth([(0.0, 0.0), (-0.10, 0.15), joint]), 0.06, tone, end=0.04)
    pen.fill(oval(*joint, 0.026), lighter(tone, 0.1))


def _dragon_head(pen: Pen, hide: Colour, belly: Colour, rng: random.Random) -> None:
    fire = pen.glowing()
    pen.glow(0.44, -0.07, 0.34, rgb(0xFFB347), 0.7)
    for length, width, tone in ((0.36, 0.085, 0xF0703A), (0.27, 0.058, 0xFFB84A), (0.17, 0.032, 0xFFF2C2)):
        wave = rng.uniform(-0.02, 0.03)
        flame = [
            (0.25, -0.06),
            (0.25 + length * 0.5, -0.06 + width),
            (0.25 + length, -0.07 + wave),
            (0.25 + length * 0.5, -0.06 - width),
        ]
        fire.fill(smooth(flame, closed=True), rgb(tone))
    for lean in (0.0, 0.05):
        horn = smooth([(-0.01 + lean, 0.05), (-0.10 + lean, 0.12), (-0.17 + lean, 0.20)])
        pen.fill(ribbon(horn, 0.05, 0.006), lighter(HORN, 0.2), darker(HORN, 0.25))
    pen.fill(
        smooth([(0.0, -0.07), (0.14, -0.085), (0.25, -0.10), (0.22, -0.065), (0.08, -0.03)], closed=True),
        belly,
        darker(belly, 0.2),
    )
    skull = [
        (-0.085, 0.0),
        (-0.04, 0.085),
        (0.07, 0.085),
        (0.17, 0.03),
        (0.27, 0.015),
        (0.285, -0.03),
        (0.22, -0.055),
        (0.10, -0.045),
        (-0.03, -0.085),
    ]
    pen.fill(smooth(skull, closed=True), lighter(hide, 0.2), darker(hide, 0.12))
    for k in range(4):
        pen.fill([(0.12 + 0.035 * k, -0.045), (0.145 + 0.035 * k, -0.045), (0.133 + 0.035 * k, -0.07)], WHITE)
    pen.fill(oval(0.06, 0.035, 0.028, 0.024), rgb(0xF4CE5A), rgb(0xE09A2E))
    pen.fill(oval(0.065, 0.035, 0.009, 0.021), EYE)
    pen.stroke([(0.02, 0.075), (0.10, 0.048)], 0.014, darker(hide, 0.4), end=0.006)
    pen.fill(oval(0.25, 0.005, 0.010, 0.007), mix(hide, BLACK, 0.6))
