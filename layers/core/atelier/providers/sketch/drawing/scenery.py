"""Settings: each paints what is behind the subjects, and what frames them in front."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from . import plants
from .colour import WHITE, Colour, darker, lighter, mix, rgb
from .pen import Pen, Point, box, oval, ribbon, rounded, smooth
from .stage import Stage


@dataclass(frozen=True)
class Setting:
    """A surrounding: its layers behind and in front, its ground colour, its horizon and where subjects stand."""

    behind: Callable[[Stage, Colour], None]
    front: Callable[[Stage, Colour], None]
    ground: Colour
    horizon: float = 0.42
    floor: float = 0.12
    open_sky: bool = True
    standing_on_front: bool = False


def nothing(_stage: Stage, _ground: Colour) -> None:
    """Leave the foreground clear."""


def jungle(stage: Stage, ground: Colour) -> None:
    """Draw receding planes of trunks, vines and undergrowth under a glowing gap in the canopy."""
    pen, rng, palette = stage.pen, stage.rng, stage.palette
    green = palette.leafy(rgb(0x3F7F5C))
    pen.fill(box(-0.01, -0.01, stage.aspect + 0.01, 1.01), mix(green, palette.light.haze, 0.55), palette.light.haze)
    pen.glow(stage.aspect * 0.5, 0.62, 0.75 * max(1.0, stage.aspect), palette.light.glow, 0.75)
    planes = (0.80, 0.62, 0.42, 0.22)
    for depth, distance in enumerate(planes):
        plane = pen.at(0, 0, distance=distance)
        spread = 1 - 0.18 * depth
        for _ in range(stage.many(8 * spread)):
            u = stage.across()
            if depth >= 2 and abs(u / stage.aspect - 0.5) < 0.24:
                continue
            _jungle_trunk(stage, plane.at(u, 0.1), 0.022 + 0.020 * depth)
        for _ in range(stage.many(15)):
            u = stage.across()
            gap = 1 - abs(u / stage.aspect - 0.5) * 2
            v = 1.02 - 0.05 * depth * (1 - gap) + 0.10 * (1 - depth / 4)
            plants.foliage(plane.at(u, v, rng.uniform(0.10, 0.20) * (1.2 - 0.5 * gap)), rng, green, 34)
        outline = stage.hills(0.40 - 0.085 * depth, 0.05, 3)
        stage.land(outline, mix(ground, green, 0.5), ground, distance)
        for _ in range(stage.many(20)):
            u = stage.across(-0.05, 1.05)
            v = 0.37 - 0.085 * depth
            size = rng.uniform(0.09, 0.17) * (0.7 + 0.3 * depth)
            tone = mix(green, rgb(0x6FA06A), rng.random() * 0.6)
            for lean in (-48, -18, 14, 44):
                leaf = plane.at(u, v, size * rng.uniform(0.8, 1.1), turn=lean + rng.uniform(-10, 10), flip=lean < 0)
                if rng.random() < 0.55:
                    leaf.fill(ribbon(smooth([(0, 0), (0.04, 0.5), (0.16, 1)], steps=3), 0.20, 0.01), tone)
                else:
                    plants.fern(leaf, tone)
        if depth == 1:
            _light_shafts(stage)


def _jungle_trunk(stage: Stage, pen_at_foot: Pen, width: float) -> None:
    rng = stage.rng
    lean = rng.uniform(-0.06, 0.06)
    path = smooth([(0, 0), (lean * 0.3, 0.3), (lean, 0.65), (lean * 1.4, 1.0)])
    bark = mix(plants.BARK, plants.DEEP_GREEN, rng.random() * 0.6)
    for side in (-1, 1):
        root = smooth([(side * width * 1.5, -0.02), (side * width * 0.5, 0.05), (0, 0.22)])
        pen_at_foot.fill(ribbon(root, width * 0.5, width * 0.4), darker(bark, 0.1))
    pen_at_foot.fill(ribbon(path, width * 1.15, width * 0.85), lighter(bark, 0.2), darker(bark, 0.3), sideways=True)
    if rng.random() < 0.6:
        plants.vine(pen_at_foot.at(rng.uniform(-0.05, 0.05), 0.95, rng.uniform(0.3, 0.6)), rng, plants.GREEN, 0.1)


def _light_shafts(stage: Stage) -> None:
    glowing = stage.pen.glowing()
    for _ in range(stage.many(4)):
        u, width = stage.across(0.15, 0.75), stage.rng.uniform(0.03, 0.09)
        shaft = [(u, 1.02), (u + width, 1.02), (u + width * 2.2 + 0.22, 0.1), (u + 0.2, 0.1)]
        glowing.fill(shaft, stage.palette.light.glow, alpha=0.10)


def jungle_front(stage: Stage, _ground: Colour) -> None:
    """Frame the picture with large near leaves, ferns and hanging vines."""
    rng, pen = stage.rng, stage.pen
    greens = [stage.palette.leafy(rgb(code)) for code in (0x2E6650, 0x25564A, 0x3A7452, 0x1D4740)]
    unit = stage.unit
    for _ in range(stage.many(5)):
        side = rng.choice((0.0, 1.0))
        u = stage.aspect * abs(side - rng.uniform(0.02, 0.26))
        plants.vine(pen.at(u, 1.02, rng.uniform(0.25, 0.55)), rng, rng.choice(greens), rng.uniform(-0.1, 0.1))
    for flip in (False, True):
        corner = stage.aspect if flip else 0.0
        for turn, size in ((-168, 0.30), (-140, 0.36), (-112, 0.28), (-88, 0.30)):
            leaf = pen.at(corner, 1.04, flip=flip).at(0, 0, size * unit * rng.uniform(0.8, 1.15), turn=turn)
            plants.blade(leaf, rng.choice(greens), 0.17)
        for turn, size in ((-72, 0.36), (-50, 0.42), (-24, 0.44), (-2, 0.36)):
            leaf = pen.at(corner, -0.05, flip=flip).at(0, 0, size * unit * rng.uniform(0.85, 1.15), turn=turn)
            rng.choice((plants.monstera, plants.blade, plants.fern))(leaf, rng.choice(greens))
    for _ in range(stage.many(13)):
        u = stage.across()
        tall = 0.08 + 0.16 * abs(u / stage.aspect - 0.5)
        for lean in (-38, 4, 36):
            leaf = pen.at(u, -0.03, tall * unit * rng.uniform(0.9, 1.4), turn=lean, flip=lean > 0)
            plants.fern(leaf, rng.choice(greens))


def forest(stage: Stage, ground: Colour) -> None:
    """Draw rows of conifers that fade into the haze."""
    rng = stage.rng
    green = stage.palette.leafy(rgb(0x3C6E58))
    stage.land(stage.crags(0.52, 0.16), rgb(0x6E8A99), rgb(0x8FA7AE), 0.72)
    for depth in range(5):
        distance = 0.72 - 0.16 * depth
        base = 0.40 - 0.065 * depth
        outline = stage.hills(base, 0.035, 2.5)
        stage.land(outline, mix(ground, green, 0.35), ground, distance)
        row = stage.pen.at(0, 0, distance=distance)
        count = stage.many(26 - 4 * depth)
        for k in range(count):
            share = (k + rng.random()) / count
            if depth >= 3 and abs(share - 0.5) < 0.2:
                continue
            tall = (0.16 + 0.085 * depth) * rng.uniform(0.75, 1.3) * stage.unit
            tree_pen = row.at(share * stage.aspect, outline[round(share * 60)][1] - 0.01, tall)
            plants.pine(tree_pen, rng, mix(green, rgb(0x2F5A50), rng.random()))


def meadow(stage: Stage, ground: Colour) -> None:
    """Draw rolling hills dotted with trees."""
    rng = stage.rng
    stage.land(stage.crags(0.45, 0.12), rgb(0x7C93AE), rgb(0x9DB2BC), 0.66)
    for depth in range(4):
        distance = 0.55 - 0.17 * depth
        outline = stage.hills(0.41 - 0.09 * depth, 0.07, 1.4)
        stage.land(outline, lighter(ground, 0.12), darker(ground, 0.12 + 0.05 * depth), distance)
        for _ in range(stage.many(7 - 2 * depth)):
            share = rng.random()
            if depth >= 2 and abs(share - 0.5) < 0.3:
                continue
            spot = stage.pen.at(share * stage.aspect, outline[round(share * 60)][1], distance=distance)
            grown = spot.at(0, 0, (0.09 + 0.06 * depth) * rng.uniform(0.8, 1.3) * stage.unit)
            plants.tree(grown, rng, stage.palette.leafy(plants.GREEN))


def grass_front(stage: Stage, ground: Colour) -> None:
    """Grow tufts of grass and small flowers along the bottom edge."""
    rng = stage.rng
    for _ in range(stage.many(34)):
        tuft = stage.pen.at(stage.across(), rng.uniform(-0.03, 0.035), rng.uniform(0.05, 0.10) * stage.unit)
        plants.tuft(tuft, rng, darker(ground, 0.12))
    for _ in range(stage.many(12)):
        spot = stage.pen.at(stage.across(), rng.uniform(-0.02, 0.03), rng.uniform(0.07, 0.12) * stage.unit)
        plants.flower(spot, mix(stage.palette.accent, WHITE, rng.random() * 0.6), ground, petals=6)


def mountains(stage: Stage, ground: Colour) -> None:
    """Draw ranges of snow-capped peaks over slopes of pines."""
    rng = stage.rng
    for depth in range(3):
        distance = 0.66 - 0.20 * depth
        count = stage.many(3.5)
        for k in rng.sample(range(count + 1), count + 1):
            tall = rng.uniform(0.30, 0.52) - 0.09 * depth
            peak = stage.pen.at(
                stage.aspect * (k + rng.uniform(-0.3, 0.3)) / count, 0.30 - 0.06 * depth, distance=distance
            )
            _peak(stage, peak, tall * rng.uniform(0.75, 1.05), tall)
        stage.pen.glow(stage.aspect / 2, 0.26, 0.5 * max(1.0, stage.aspect), stage.palette.light.haze, 0.35)
    for depth in range(3):
        distance = 0.36 - 0.15 * depth
        outline = stage.hills(0.28 - 0.07 * depth, 0.05, 1.8)
        stage.land(outline, lighter(ground, 0.08), darker(ground, 0.15), distance)
        for _ in range(stage.many(24 - 5 * depth)):
            share = rng.random()
            if depth == 2 and abs(share - 0.5) < 0.25:
                continue
            spot = stage.pen.at(share * stage.aspect, outline[round(share * 60)][1] - 0.012, distance=distance)
            tall = (0.07 + 0.045 * depth) * rng.uniform(0.7, 1.3) * stage.unit
            plants.pine(spot.at(0, 0, tall), rng, stage.palette.leafy(rgb(0x3A6357)))


def _peak(stage: Stage, pen: Pen, half: float, tall: float) -> None:
    rng = stage.rng
    rock, snow = rgb(0x66789A), rgb(0xFAFCFD)

    def slope(side: float, top: float, low: float) -> list[Point]:
        steps = [top + (low - top) * k / 7 for k in range(8)]
        return [(side * half * (1 - v / tall) + rng.uniform(-0.06, 0.06) * half * (v < tall), v) for v in steps]

    left, right, ridge = (slope(side, tall, 0.0) for side in (-1.0, 1.0, 0.16))
    pen.fill(left + ridge[::-1], lighter(rock, 0.18), lighter(rock, 0.05))
    pen.fill(right + ridge[::-1], darker(rock, 0.16), rock)
    cap = 3
    for edge, tone in ((left, snow), (right, mix(snow, rock, 0.38))):
        outer, inner = edge[cap], ridge[cap]
        hem = [
            (
                outer[0] + (inner[0] - outer[0]) * k / 4,
                outer[1] + tall * (0.10 if k % 2 else -0.05) * rng.uniform(0.5, 1),
            )
            for k in (1, 2, 3)
        ]
        pen.fill([*edge[: cap + 1], *hem, *ridge[cap::-1]], tone)


def city(stage: Stage, ground: Colour) -> None:
    """Draw a skyline in three depths over a street, its windows lit when it is dark."""
    dark = stage.palette.light.dark
    for depth in range(3):
        distance = 0.68 - 0.27 * depth
        pen = stage.pen.at(0, 0, distance=distance)
        u = -0.03
        while u < stage.aspect:
            width = stage.rng.uniform(0.07, 0.15) * (0.8 + 0.25 * depth)
            middle = abs((u + width / 2) / stage.aspect - 0.5)
            tall = stage.rng.uniform(0.22, 0.46) + 0.06 * (2 - depth) + (middle - 0.22) * 0.35 * depth
            _tower(stage, pen.at(u, 0.20 - 0.03 * depth), width * 0.96, tall, dark)
            u += width
        if depth < 2:
            stage.pen.glow(stage.aspect / 2, 0.25, 0.6 * stage.aspect, stage.palette.light.haze, 0.35)
    wide, street = stage.aspect, stage.pen
    street.fill(box(-0.01, -0.01, wide + 0.01, 0.17), lighter(ground, 0.18), darker(ground, 0.25))
    street.fill(box(-0.01, 0.155, wide + 0.01, 0.17), lighter(ground, 0.3))
    if dark:
        for _ in range(stage.many(26)):
            tone = rgb(stage.rng.choice((0xFF4FA3, 0x36D6E7, 0xFFC45E, 0x9C6BFF)))
            u, v, half = stage.across(), stage.rng.uniform(0, 0.14), stage.rng.uniform(0.004, 0.02)
            street.glowing().fill(oval(u, v, half * 3.2, half * 0.35), tone, alpha=0.22)
            street.glow(u, v, half * 4, tone, 0.20)


def _tower(stage: Stage, pen: Pen, width: float, tall: float, dark: bool) -> None:
    rng = stage.rng
    wall = mix(rgb(0x5C6C86), rgb(0x9A8C92), rng.random())
    pen.fill(box(0, -0.05, width, tall), lighter(wall, 0.12), darker(wall, 0.28), sideways=True)
    match rng.randrange(4):
        case 0:
            pen.fill(box(width * 0.2, tall, width * 0.75, tall + 0.03), darker(wall, 0.1))
        case 1:
            pen.stroke([(width * 0.5, tall), (width * 0.5, tall + 0.10)], 0.006, darker(wall, 0.3), end=0.002)
        case 2:
            pen.fill([(0, tall), (width / 2, tall + 0.05), (width, tall)], darker(wall, 0.15))
        case _:
            pen.fill(box(-0.004, tall - 0.008, width + 0.004, tall), lighter(wall, 0.2))
    columns, step = max(2, round(width / 0.024)), width / max(2, round(width / 0.024))
    lit = rgb(rng.choice((0xFFD68A, 0xFFE6B8, 0x9FE3F2, 0xFF9CC8)))
    glowing = pen.glowing()
    for row in range(int((tall - 0.03) / 0.034)):
        for column in range(columns):
            u, v = step * (column + 0.26), tall - 0.035 - 0.034 * row
            pane = box(u, v, u + step * 0.48, v + 0.017)
            if dark and rng.random() < 0.46:
                glowing.fill(pane, lit, alpha=(1 - pen.distance) * rng.uniform(0.55, 1.0))
            else:
                pen.fill(pane, mix(darker(wall, 0.3), rgb(0xBFD6E2), 0.0 if dark else rng.random() * 0.5))
    if dark and pen.distance < 0.3 and rng.random() < 0.7:
        sign = rgb(rng.choice((0xFF4FA3, 0x36D6E7, 0xFFB03A, 0x8D5BFF)))
        low = rng.uniform(0.10, max(0.11, tall - 0.2))
        pen.glow(width * 0.8, low + 0.06, 0.13, sign, 0.5)
        glowing.fill(rounded(width * 0.72, low, width * 0.9, low + 0.13, 0.008), sign)
        for k in range(3):
            glowing.fill(box(width * 0.76, low + 0.02 + 0.037 * k, width * 0.86, low + 0.035 + 0.037 * k), WHITE)


def sea(stage: Stage, _ground: Colour) -> None:
    """Draw distant headlands and the sea, with the path of light on it."""
    rng, light, wide = stage.rng, stage.palette.light, stage.aspect
    stage.land(stage.hills(stage.horizon - 0.01, 0.05, 1.1), rgb(0x6C8196), rgb(0x7F95A6), 0.68)
    water = rgb(0x2F7187)
    distant = mix(lighter(water, 0.15), light.haze, 0.5)
    stage.pen.fill(box(-0.01, -0.01, wide + 0.01, stage.horizon), distant, darker(water, 0.35))
    for _ in range(stage.many(150)):
        near = rng.random()
        v = stage.horizon * (1 - near) - 0.004
        half = (0.010 + 0.06 * near) * rng.uniform(0.5, 1.2)
        u = rng.gauss(wide * 0.5, wide * 0.16) if rng.random() < 0.5 else stage.across()
        streak = oval(u, v, half, 0.0012 + 0.0035 * near)
        stage.pen.glowing().fill(streak, rng.choice((light.glow, light.sky[2], light.sky[1])), alpha=0.28)


def shore_front(stage: Stage, ground: Colour) -> None:
    """Draw the beach in front, with a line of foam."""
    outline = stage.hills(0.085, 0.045, 1.2)
    edge = stage.pen
    edge.fill(ribbon([(u, v + 0.012) for u, v in outline], 0.022, 0.016), WHITE, alpha=0.55)
    stage.land(outline, ground, darker(ground, 0.22), 0.0)
    for _ in range(stage.many(9)):
        u, size = stage.across(), stage.rng.uniform(0.008, 0.028)
        stone = oval(u, stage.rng.uniform(0.0, 0.05), size, size * 0.6)
        edge.fill(stone, rgb(0x8E8A84), rgb(0x5D5B5C))


def underwater(stage: Stage, ground: Colour) -> None:
    """Draw the deep blue, shafts of light, rocks and weeds."""
    rng, wide, light = stage.rng, stage.aspect, stage.palette.light
    stage.pen.fill(box(-0.01, -0.01, wide + 0.01, 1.01), rgb(0x6CC4CF), rgb(0x0E3F63))
    stage.pen.glow(wide * 0.5, 1.0, 0.8 * max(1, wide), mix(light.glow, rgb(0xA8ECE8), 0.5), 0.7)
    for _ in range(stage.many(7)):
        u, width = stage.across(0.1, 0.9), rng.uniform(0.02, 0.07)
        lean = (u - wide / 2) * 0.7
        shaft = [(u, 1.02), (u + width, 1.02), (u + width * 2.4 + lean, 0.15), (u + lean, 0.15)]
        stage.pen.glowing().fill(shaft, light.glow, alpha=0.07)
    for depth in range(3):
        outline = stage.hills(0.24 - 0.08 * depth, 0.09, 2.2)
        tone = mix(rgb(0x2C7C93), ground, 0.2 + 0.3 * depth)
        stage.land(outline, tone, darker(tone, 0.3), 0.0)
        for _ in range(stage.many(7)):
            share = rng.random()
            root = stage.pen.at(share * wide, outline[round(share * 60)][1] - 0.02, rng.uniform(0.12, 0.28))
            sway = rng.uniform(-0.15, 0.15)
            weed = smooth([(0, 0), (sway, 0.35), (-sway * 0.6, 0.7), (sway * 0.8, 1.0)])
            root.fill(ribbon(weed, 0.12, 0.01), mix(tone, rng.choice((rgb(0x3E9A86), stage.palette.accent)), 0.4))
    for _ in range(stage.many(34)):
        size = rng.uniform(0.002, 0.010)
        stage.pen.glowing().fill(oval(stage.across(), rng.uniform(0.1, 0.95), size), WHITE, alpha=0.22)


def desert(stage: Stage, ground: Colour) -> None:
    """Draw mesas and wind-shaped dunes, each with its lit and shaded side."""
    rng = stage.rng
    for _ in range(stage.many(4)):
        u, half, tall = stage.across(), rng.uniform(0.05, 0.13), rng.uniform(0.05, 0.15)
        mesa = stage.pen.at(u, stage.horizon - 0.04, distance=0.58)
        rock = rgb(0xA9705A)
        mesa.fill([(-half * 1.5, 0), (-half, tall), (half * 0.9, tall * 0.97), (half * 1.3, 0)], rock, lighter(rock))
    for depth in range(5):
        distance = 0.5 - 0.12 * depth
        outline = stage.hills(stage.horizon - 0.02 - 0.085 * depth, 0.06, 1.1 + 0.2 * depth)
        stage.land(outline, lighter(ground, 0.16), darker(ground, 0.16), distance)
        crest = max(outline[8:-8], key=lambda point: point[1])
        lee = stage.pen.at(*crest, distance=distance)
        fall = [
            (0, 0),
            (0.05, -0.03),
            (0.02, -0.07),
            (0.14, -0.16),
            (0.42, -0.22),
            (0.30, -0.07),
            (0.13, -0.012),
        ]
        lee.fill(smooth(fall, closed=True), darker(ground, 0.28), darker(ground, 0.10), alpha=0.75)
        if depth in (1, 3):
            for _ in range(stage.many(2)):
                share = rng.choice((rng.uniform(0.03, 0.28), rng.uniform(0.72, 0.97)))
                spot = stage.pen.at(share * stage.aspect, outline[round(share * 60)][1] - 0.01, distance=distance)
                plants.cactus(spot.at(0, 0, 0.07 + 0.06 * depth * stage.unit), rgb(0x5E8A62))


def space(stage: Stage, _ground: Colour) -> None:
    """Draw deep space: nebulae, stars and one great planet."""
    rng, wide = stage.rng, stage.aspect
    stage.pen.glowing().fill(box(-0.01, -0.01, wide + 0.01, 1.01), rgb(0x0A0E26), rgb(0x231B4A))
    for tone in (0x3E5FA8, 0x8A4C9E, 0x2E8C9A, 0xB4577F) * 2:
        stage.pen.glow(stage.across(), rng.random(), rng.uniform(0.25, 0.55), rgb(tone), 0.34)
    for _ in range(stage.many(300)):
        size = 0.0007 + 0.0024 * rng.random() ** 5
        dot = oval(stage.across(), rng.random(), size)
        stage.pen.glowing().fill(dot, rgb(rng.choice((0xFFFFFF, 0xCFE0FF, 0xFFE9C9))), alpha=rng.uniform(0.35, 1))
    for _ in range(stage.many(10)):
        stage.pen.glow(stage.across(), rng.random(), 0.022, WHITE, 0.8)
    stage.pen.glowing().at(wide * rng.choice((0.14, 0.86)), 0.12).fill(
        oval(0, 0, 0.34 * stage.unit), stage.palette.accent, darker(stage.palette.accent, 0.75), sideways=True
    )


def moonscape(stage: Stage, ground: Colour) -> None:
    """Draw the surface of the moon under the stars, with the Earth in the sky."""
    rng, wide = stage.rng, stage.aspect
    stage.pen.glowing().fill(box(-0.01, -0.01, wide + 0.01, 1.01), rgb(0x070B1C), rgb(0x2A3763))
    for _ in range(stage.many(240)):
        size = 0.0007 + 0.0022 * rng.random() ** 5
        stage.pen.glowing().fill(oval(stage.across(), rng.random(), size), WHITE, alpha=rng.uniform(0.35, 1))
    _earth(stage)
    for depth in range(3):
        distance = 0.0
        outline = stage.hills(0.37 - 0.09 * depth, 0.06, 1.6)
        tone = mix(rgb(0x66708C), ground, 0.3 + 0.35 * depth)
        stage.land(outline, tone, darker(tone, 0.3), distance)
    for _ in range(stage.many(13)):
        v = rng.uniform(0.015, 0.24)
        half = (0.085 - 0.24 * v) * rng.uniform(0.45, 1.2)
        u = stage.across()
        stage.pen.fill(oval(u, v - half * 0.04, half * 1.08, half * 0.34), lighter(ground, 0.25), ground)
        stage.pen.fill(oval(u, v, half, half * 0.28), darker(ground, 0.42), darker(ground, 0.16))


def _earth(stage: Stage) -> None:
    rng = stage.rng
    earth = stage.pen.at(stage.aspect * rng.choice((0.2, 0.8)), 0.78, 0.12 * stage.unit).glowing()
    earth.glow(0, 0, 2.1, rgb(0x79B7E8), 0.5)
    earth.fill(oval(0, 0, 1), rgb(0x5FA8DC), rgb(0x163C74), sideways=True)
    for u, v, wide, high in ((-0.3, 0.35, 0.38, 0.26), (0.1, -0.2, 0.30, 0.36), (-0.5, -0.35, 0.2, 0.15)):
        shape = [
            (u + wide * math.cos(k) * rng.uniform(0.7, 1), v + high * math.sin(k) * rng.uniform(0.7, 1))
            for k in range(6)
        ]
        earth.fill(smooth(shape, closed=True), rgb(0x7DB07A), rgb(0x3C6B5C), alpha=0.9)
    for v, half in ((0.55, 0.5), (0.05, 0.8), (-0.55, 0.5)):
        earth.fill(oval(rng.uniform(-0.15, 0.1), v, half, 0.07), WHITE, alpha=0.5)


def studio(stage: Stage, ground: Colour) -> None:
    """Draw a plain backdrop with a soft spotlight and geometric poster shapes."""
    rng, wide, palette = stage.rng, stage.aspect, stage.palette
    stage.pen.fill(box(-0.01, -0.01, wide + 0.01, 1.01), mix(ground, palette.light.sky[1], 0.35), darker(ground, 0.3))
    stage.pen.glow(wide * 0.5, 0.6, 0.8 * max(1.0, wide), palette.light.glow, 0.55)
    disc = oval(wide * 0.5 + rng.uniform(-0.04, 0.04), 0.60, 0.36 * stage.unit)
    stage.pen.fill(disc, mix(palette.accent, WHITE, 0.25), mix(palette.accent, ground, 0.45))
    for k in range(4):
        arc = [
            (
                wide * 0.5 + (0.40 + 0.03 * k) * stage.unit * math.cos(a * math.tau / 126),
                0.60 + (0.40 + 0.03 * k) * stage.unit * math.sin(a * math.tau / 126),
            )
            for a in range(127)
        ]
        stage.pen.stroke(arc, 0.0025, WHITE, alpha=0.28)


def dreamland(stage: Stage, _ground: Colour) -> None:
    """Draw an abstract landscape: flowing bands of colour under great discs."""
    rng, palette = stage.rng, stage.palette
    tones = [palette.accent, rgb(0x2F5D73), rgb(0xD9985F), rgb(0x6A7FA8), rgb(0xB8616B), rgb(0x4E8A7C)]
    rng.shuffle(tones)
    for k in range(3):
        u, v, radius = stage.across(0.1, 0.9), rng.uniform(0.55, 0.85), rng.uniform(0.07, 0.19) * stage.unit
        tone = mix(tones[k], palette.light.sky[1], 0.35)
        stage.pen.at(0, 0, distance=0.25).fill(oval(u, v, radius), lighter(tone, 0.3), tone, alpha=0.8)
    bands = 8
    waves = rng.uniform(0.8, 1.8)
    for k in range(bands):
        near = k / (bands - 1)
        outline = stage.hills(0.52 - 0.47 * near, 0.13 - 0.05 * near, waves)
        tone = mix(tones[k % 3], tones[(k + 1) % 3], rng.random() * 0.6)
        stage.land(outline, lighter(tone, 0.18), darker(tone, 0.2), 0.7 * (1 - near) ** 1.3)
        band = stage.pen.at(0, 0, distance=0.7 * (1 - near))
        band.fill(ribbon(outline, 0.004, 0.004), lighter(tone, 0.5), alpha=0.55)
        if k in (2, 4, 5):
            start = rng.randrange(4, 50)
            for u, v in outline[start : start + rng.randint(3, 8)]:
                tall = (0.04 + 0.07 * near) * rng.uniform(0.6, 1.2)
                plants.pine(band.at(u + rng.uniform(-0.01, 0.01), v - 0.006, tall), rng, darker(tone, 0.35))


def still_life(stage: Stage, ground: Colour) -> None:
    """Draw a table before a wall with a picture rail, lit from a window on the left."""
    rng, wide, light = stage.rng, stage.aspect, stage.palette.light
    wall = mix(mix(rgb(0x8FA39B), stage.palette.accent, 0.12), light.sky[2], 0.25)
    stage.pen.fill(box(-0.01, stage.horizon - 0.02, wide + 0.01, 1.01), lighter(wall, 0.12), darker(wall, 0.12))
    stage.pen.glow(wide * 0.22, 0.80, 0.95 * max(1.0, wide), light.glow, 0.6)
    for k in range(2):
        u = wide * 0.10 + 0.17 * k * stage.unit
        pane = [(u, 0.62), (u + 0.145 * stage.unit, 0.66), (u + 0.145 * stage.unit, 0.96), (u, 0.92)]
        stage.pen.glowing().fill(pane, light.glow, alpha=0.30)
    for v, share in ((stage.horizon + 0.035, 0.22), (stage.horizon + 0.055, -0.2)):
        stage.pen.stroke(
            [(-0.01, v), (wide + 0.01, v)], 0.012, darker(wall, share) if share > 0 else lighter(wall, -share)
        )
    stage.pen.fill(box(-0.01, -0.01, wide + 0.01, stage.horizon), lighter(ground, 0.14), darker(ground, 0.34))
    for k in range(1, 6):
        v = stage.horizon * (1 - k / 6) ** 1.4
        stage.pen.stroke([(-0.01, v), (wide + 0.01, v)], 0.002 + 0.0007 * k, darker(ground, 0.4), alpha=0.6)
        for _ in range(stage.many(3)):
            u, length = stage.across(), rng.uniform(0.05, 0.2)
            stage.pen.stroke(
                [(u, v + 0.014), (u + length, v + 0.014)], 0.0018, darker(ground, 0.3), end=0.0005, alpha=0.6
            )
    stage.pen.stroke([(-0.01, stage.horizon), (wide + 0.01, stage.horizon)], 0.008, lighter(ground, 0.35))
    stage.pen.glow(wide * 0.5, 0.14, 0.5, light.glow, 0.22)


JUNGLE = Setting(jungle, jungle_front, rgb(0x2F5A46), floor=0.085, open_sky=False)
FOREST = Setting(forest, grass_front, rgb(0x5E8058), horizon=0.48)
MEADOW = Setting(meadow, grass_front, rgb(0x86A860))
MOUNTAINS = Setting(mountains, nothing, rgb(0x6F8F70), horizon=0.46)
CITY = Setting(city, nothing, rgb(0x4A5160), horizon=0.30, floor=0.06)
SEA = Setting(sea, shore_front, rgb(0xD9C29A), horizon=0.40, floor=0.04, standing_on_front=True)
UNDERWATER = Setting(underwater, nothing, rgb(0xC9B98E), floor=0.14, open_sky=False)
DESERT = Setting(desert, nothing, rgb(0xDDA76A), horizon=0.42)
SPACE = Setting(space, nothing, rgb(0x30305A), floor=0.16, open_sky=False)
MOON = Setting(moonscape, nothing, rgb(0xB3B5BE), floor=0.13, open_sky=False)
TABLE = Setting(still_life, nothing, rgb(0xA9744A), horizon=0.30, floor=0.13, open_sky=False)
STUDIO = Setting(studio, nothing, rgb(0x8C8F96), floor=0.06, open_sky=False)
DREAMLAND = Setting(dreamland, nothing, rgb(0x7D8C80))

GREEN = (JUNGLE, FOREST, MEADOW, MOUNTAINS)
