"""Painting a scene: its layers from back to front, and the finish of the print."""

from __future__ import annotations

import random
import textwrap

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from . import sky
from .colour import BLACK, NEUTRAL, WHITE
from .palette import DAY
from .pen import Pen, rounded, smooth
from .scene import Scene
from .stage import Stage
from .vocabulary import Station

_OVERSAMPLING = 2.0
_MOST_PIXELS = 3_072 * 3_072
"""Larger pictures are oversampled less: there a jagged edge is finer, and the time grows with the pixels."""
_MOST_PAINTED_OVER = 2_048 * 2_048
"""Larger given pictures are painted over without oversampling, which takes four times their memory."""
_GRAIN = 512
# Where so many subjects stand, as fractions of the width, the main one first.
_SPOTS = {
    1: (0.5,),
    2: (0.34, 0.68),
    3: (0.5, 0.2, 0.8),
    4: (0.40, 0.66, 0.14, 0.88),
    5: (0.5, 0.28, 0.72, 0.09, 0.91),
    6: (0.42, 0.62, 0.24, 0.80, 0.07, 0.94),
    7: (0.5, 0.34, 0.66, 0.20, 0.80, 0.06, 0.94),
}
# Where what flies or stands far off goes when there is something else to look at.
_ASIDE = {Station.SKY: (0.70, 0.79), Station.AIR: (0.20, 0.30), Station.FAR: (0.40, 0.60)}
_DISTANCES = {Station.GROUND: 0.0, Station.WATER: 0.05, Station.AIR: 0.05, Station.FAR: 0.12, Station.SKY: 0.0}


def paint(scene: Scene, rng: random.Random, width: int, height: int) -> Image.Image:
    """Return the finished picture of a scene."""
    oversampling = max(1.0, min(_OVERSAMPLING, (_MOST_PIXELS / (width * height)) ** 0.5))
    image = Image.new("RGB", (round(width * oversampling), round(height * oversampling)))
    stage = _stage(image, scene, rng)
    _paint_background(scene, stage)
    for station in (Station.FAR, Station.WATER, Station.AIR):
        _paint_subjects(scene, stage, station)
    if scene.setting.standing_on_front:
        scene.setting.front(stage, scene.ground)
        _paint_subjects(scene, stage, Station.GROUND)
    else:
        _paint_subjects(scene, stage, Station.GROUND)
        scene.setting.front(stage, scene.ground)
    for weather in scene.weather:
        if weather.front:
            weather.front(stage)
    _sign(stage)
    if scene.caption:
        _caption(stage, scene.caption)
    return _print(image.resize((width, height), Image.Resampling.BOX), scene, rng)


def paint_over(image: Image.Image, scene: Scene, rng: random.Random) -> Image.Image:
    """Return an RGB picture with the subjects and the weather of a scene painted over it, in its light and palette.

    Pixels that nothing is painted on stay as they are where the light is that of day and no palette is named.
    """
    light = scene.palette.light
    if light is not DAY:
        image = ImageChops.multiply(image, Image.new("RGB", image.size, light.ambient))
    # A whole number: a pixel that was repeated and averaged is what it was.
    oversampling = 2 if image.width * image.height <= _MOST_PAINTED_OVER else 1
    large = image.resize((image.width * oversampling, image.height * oversampling), Image.Resampling.NEAREST)
    stage = _stage(large, scene, rng)
    for station in Station:
        _paint_subjects(scene, stage, station)
    for weather in scene.weather:
        if weather.front:
            weather.front(stage)
    if scene.caption:
        _caption(stage, scene.caption)
    image = large.resize(image.size, Image.Resampling.BOX)
    return image if scene.grade is NEUTRAL else image.convert("RGB", scene.grade.matrix)


def _stage(image: Image.Image, scene: Scene, rng: random.Random) -> Stage:
    pen = Pen(image, ImageDraw.Draw(image), ImageDraw.Draw(image, "RGBA"), scene.palette, 0, image.height, image.height)
    return Stage(pen, rng, image.width / image.height, scene.setting.horizon, scene.detail)


def _paint_background(scene: Scene, stage: Stage) -> None:
    if not scene.setting.open_sky:
        scene.setting.behind(stage, scene.ground)
        _paint_subjects(scene, stage, Station.SKY)
        return
    sky.backdrop(stage, luminary=scene.luminary)
    for weather in scene.weather:
        if weather.behind:
            weather.behind(stage)
    _paint_subjects(scene, stage, Station.SKY)
    scene.setting.behind(stage, scene.ground)


def _paint_subjects(scene: Scene, stage: Stage, station: Station) -> None:
    subjects = [subject for subject in scene.subjects if subject.station is station]
    crowd = len(subjects)
    fit = max(0.45, min(1.0, stage.aspect / (0.55 * crowd))) if crowd else 1.0
    # The main subject is painted last, in front of the others.
    for rank, subject in reversed(list(enumerate(subjects))):
        size = subject.tall * stage.unit * fit * scene.closer * (0.85 if rank else 1.0)
        u = stage.aspect * (_SPOTS[crowd][rank] + stage.rng.uniform(-0.03, 0.03))
        v = _standing(scene, stage, station, size) + 0.02 * rank
        if crowd == 1 and crowd < len(scene.subjects) and station in _ASIDE:
            u = stage.aspect * stage.rng.choice(_ASIDE[station])
        subject.paint(stage.pen.at(u, v, size, flip=stage.rng.random() < 0.5, distance=_DISTANCES[station]), stage.rng)


def _standing(scene: Scene, stage: Stage, station: Station, size: float) -> float:
    if scene.closer > 1:
        return 0.5 + 0.42 * stage.unit - size
    if station is Station.GROUND:
        return scene.setting.floor
    if station is Station.FAR:
        return stage.horizon - 0.09
    if station is Station.WATER and scene.setting.open_sky:
        return stage.horizon - 0.17
    if station is Station.WATER:
        return stage.rng.uniform(0.32, 0.72) - size * 0.5
    return stage.rng.uniform(0.68, 0.80) - size * 0.5


def _sign(stage: Stage) -> None:
    mark = stage.pen.glowing().at(stage.aspect - 0.045, 0.022, 0.018)
    for path in ([(0, 0.6), (0.4, 1), (0.5, 0.1), (1.0, 0.8)], [(1.0, 0.8), (1.2, 0.2), (1.7, 0.5)]):
        mark.stroke(smooth(path), 0.12, WHITE, end=0.06, alpha=0.5)


def _caption(stage: Stage, text: str) -> None:
    tall = 0.025
    text = textwrap.shorten(f"not drawn: {text}", round(1.7 * stage.aspect / tall), placeholder=" ...")
    pen = stage.pen.glowing()
    half = min(stage.aspect * 0.44, 0.27 * tall * len(text) + 0.02)
    pen.fill(rounded(stage.aspect / 2 - half, 0.016, stage.aspect / 2 + half, 0.064, 0.024), BLACK, alpha=0.42)
    pen.letter([text], stage.aspect / 2, 0.04, tall, 2 * half - 0.03, WHITE)


def _print(image: Image.Image, scene: Scene, rng: random.Random) -> Image.Image:
    image = image.convert("RGB", scene.grade.matrix)
    vignette = Image.radial_gradient("L").point([255 - round(70 * (k / 255) ** 2.6) for k in range(256)])
    vignette = vignette.resize(image.size, Image.Resampling.BILINEAR)
    texture = ImageChops.multiply(vignette, _paper(image.size, rng))
    return ImageChops.multiply(image, Image.merge("RGB", (texture, texture, texture)))


def _paper(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Return paper with a fine grain, which repeats."""
    grain = Image.frombytes("L", (_GRAIN, _GRAIN), rng.randbytes(_GRAIN * _GRAIN))
    grain = grain.filter(ImageFilter.BoxBlur(0.6)).point([246 + (k - 128) // 14 for k in range(256)])
    paper = Image.new("L", size)
    for top in range(0, paper.height, _GRAIN):
        for left in range(0, paper.width, _GRAIN):
            paper.paste(grain, (left, top))
    return paper
