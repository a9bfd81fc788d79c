"""Skies and weather: what is above and in front of every setting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .colour import WHITE, Colour, mix, rgb
from .palette import STORM, Light
from .pen import Pen, box, oval
from .stage import Stage

Layer = Callable[[Stage], None]

STARLIGHT = rgb(0xF4F1E4)


@dataclass(frozen=True)
class Weather:
    """A kind of weather: what it adds behind and in front of things, the light and the ground it brings."""

    behind: Layer | None = None
    front: Layer | None = None
    light: Light | None = None
    ground: Colour | None = None


def backdrop(stage: Stage, *, luminary: bool) -> None:
    """Draw the sky of the light, with its sun or moon unless the picture has another."""
    light, glowing = stage.palette.light, stage.pen.glowing()
    top, middle, low = light.sky
    edge = stage.aspect + 0.01
    between = stage.horizon + (1 - stage.horizon) * 0.45
    glowing.fill(box(-0.01, -0.01, edge, stage.horizon), low)
    glowing.fill(box(-0.01, stage.horizon - 0.02, edge, between), middle, low)
    glowing.fill(box(-0.01, between, edge, 1.01), top, middle)
    if light.dark:
        stars(stage)
    if luminary:
        orb(stage)


def orb(stage: Stage) -> None:
    """Draw the sun or the moon of the light, at its height over the horizon."""
    light = stage.palette.light
    u = stage.across(0.16, 0.84)
    v = stage.horizon + (1 - stage.horizon) * light.altitude
    radius = 0.085 * stage.unit * stage.rng.uniform(0.85, 1.25)
    stage.pen.glow(u, v, radius * 7.5, light.glow, 0.62)
    glowing = stage.pen.glowing()
    glowing.fill(oval(u, v, radius), WHITE, light.glow)
    if light.dark:
        for du, dv, size in ((-0.3, 0.25, 0.22), (0.25, -0.1, 0.3), (-0.1, -0.45, 0.16)):
            glowing.fill(oval(u + du * radius, v + dv * radius, size * radius), light.sky[2], alpha=0.25)


def stars(stage: Stage) -> None:
    """Scatter stars over the upper sky."""
    glowing = stage.pen.glowing()
    for _ in range(stage.many(170)):
        u, v = stage.across(), 1 - 0.7 * stage.rng.random() ** 1.3
        size = 0.0007 + 0.0018 * stage.rng.random() ** 4
        glowing.fill(oval(u, v, size), STARLIGHT, alpha=stage.rng.uniform(0.4, 1.0))
    for _ in range(stage.many(6)):
        stage.pen.glow(stage.across(), stage.rng.uniform(0.5, 1), 0.018, STARLIGHT, 0.9)


def clouds(stage: Stage) -> None:
    """Draw a few flat-bottomed clouds."""
    light = stage.palette.light
    for _ in range(stage.many(5)):
        far = stage.rng.random()
        u, v = stage.across(-0.05, 1.05), stage.horizon + (0.94 - stage.horizon) * (1 - 0.75 * far)
        cloud = stage.pen.glowing().at(u, v, (0.30 - 0.18 * far) * stage.unit * stage.rng.uniform(0.7, 1.2))
        body = mix(light.glow, light.sky[1], 0.25 + 0.45 * far)
        _cloud(cloud, stage, mix(body, WHITE, 0.25), mix(body, light.sky[1], 0.55))


def _cloud(pen: Pen, stage: Stage, top: Colour, bottom: Colour) -> None:
    puffs = [(-0.8 + 0.27 * k, 0.38 * math.cos(0.42 * (k - 3)) * stage.rng.uniform(0.7, 1.1)) for k in range(7)]
    edge = [-1.1 + 2.2 * k / 90 for k in range(91)]
    billows = [(u, max(math.sqrt(max(0.0, r * r - (u - c) ** 2)) for c, r in puffs)) for u in edge]
    pen.fill([(u, v) for u, v in billows if v > 0.02], top, bottom, alpha=0.85)


def heavy_clouds(stage: Stage) -> None:
    """Cover the top of the sky with dark clouds."""
    light = stage.palette.light
    for row in range(3):
        for _ in range(stage.many(4)):
            cloud = stage.pen.glowing().at(
                stage.across(-0.1, 1.1),
                0.78 + 0.08 * row + stage.rng.uniform(-0.05, 0.03),
                stage.unit * stage.rng.uniform(0.2, 0.4),
            )
            tone = mix(light.sky[0], light.sky[2], 0.15 + 0.15 * (2 - row))
            _cloud(cloud, stage, tone, mix(tone, light.sky[1], 0.5))


def rain(stage: Stage) -> None:
    """Draw slanting rain."""
    glowing = stage.pen.glowing()
    slant = stage.rng.uniform(0.12, 0.28)
    for _ in range(stage.many(360)):
        u, v, length = stage.across(-0.1, 1.1), stage.rng.random() * 1.1, stage.rng.uniform(0.02, 0.075)
        drop = [(u, v), (u - slant * length, v - length)]
        glowing.stroke(drop, 0.0012, WHITE, end=0.0022, alpha=stage.rng.uniform(0.12, 0.38))


def snowfall(stage: Stage) -> None:
    """Draw falling snow, a few flakes close and soft."""
    glowing = stage.pen.glowing()
    for _ in range(stage.many(260)):
        size = 0.001 + 0.0045 * stage.rng.random() ** 3
        glowing.fill(oval(stage.across(), stage.rng.random(), size), WHITE, alpha=stage.rng.uniform(0.4, 0.9))
    for _ in range(stage.many(16)):
        stage.pen.glow(stage.across(), stage.rng.random(), stage.rng.uniform(0.012, 0.03), WHITE, 0.75)


def fog(stage: Stage) -> None:
    """Lay soft banks of fog over the scene."""
    haze = stage.palette.light.haze
    for _ in range(stage.many(9)):
        stage.pen.glow(stage.across(), stage.rng.uniform(0.05, 0.5), stage.rng.uniform(0.25, 0.5), haze, 0.55)


def aurora(stage: Stage) -> None:
    """Hang curtains of northern light in the sky."""
    for colour in (rgb(0x58E0A8), rgb(0x4FB7D8), rgb(0x9A6BE0)):
        base, phase = stage.rng.uniform(0.62, 0.74), stage.rng.uniform(0, math.tau)
        for k in range(round(26 * stage.aspect) + 1):
            u = k / 26
            v = base + 0.09 * math.sin(u * 5 + phase) + 0.03 * math.sin(u * 13 + phase)
            stage.pen.glow(u, v, 0.15, colour, 0.22)
            stage.pen.glow(u + 0.02, v + 0.09, 0.12, colour, 0.10)


def rainbow(stage: Stage) -> None:
    """Draw a pale rainbow."""
    bands = (0xE0605A, 0xEFA052, 0xF2DC6B, 0x72BE78, 0x5A9BD6, 0x8A70C0)
    centre, reach = stage.aspect / 2, 0.62 * max(stage.aspect * 0.75, 0.8)
    for k, band in enumerate(bands):
        radius = reach - 0.016 * k
        arc = [
            (
                centre + radius * math.cos(math.pi * step / 60),
                stage.horizon - 0.12 + radius * math.sin(math.pi * step / 60),
            )
            for step in range(61)
        ]
        stage.pen.glowing().stroke(arc, 0.017, rgb(band), alpha=0.4)


CLOUDY = Weather(behind=clouds)
RAIN = Weather(behind=heavy_clouds, front=rain, light=STORM)
SNOW = Weather(front=snowfall, ground=rgb(0xE9F1F6))
FOG = Weather(front=fog)
AURORA = Weather(behind=aurora)
RAINBOW = Weather(behind=rainbow)
