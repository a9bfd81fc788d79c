"""A scene: what a prompt asks for, decided before anything is drawn."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeVar

from . import objects, palette, scenery
from .colour import NEUTRAL, Colour, Grade, mix, rgb
from .palette import Accent, Light, Mood, Palette
from .pen import Pen, lettering
from .scenery import Setting
from .sky import CLOUDY, Weather
from .vocabulary import PERSON, Detail, Entry, Framing, Mention, Station, Subject, read

Kind = TypeVar("Kind")

_ACCENTS = tuple(rgb(code) for code in (0xD2694C, 0xE0A24A, 0x4E8FA8, 0xB9576B, 0x5E9C8A, 0x7A6BA8))
_LIGHTS = (palette.DAY, palette.DAWN, palette.SUNSET, palette.NIGHT)
_MOST_SUBJECTS = 7
_FOOTNOTE = "sketch cannot draw this"
_CANVAS_CHARACTERS, _CANVAS_COLUMNS = 90, 18


@dataclass(frozen=True)
class Scene:
    """A setting with its objects, light and palette."""

    setting: Setting
    ground: Colour
    subjects: tuple[Subject, ...]
    weather: tuple[Weather, ...]
    palette: Palette
    grade: Grade
    detail: float
    closer: float
    luminary: bool
    bare: bool
    """Whether the prompt names neither a setting nor a subject."""
    caption: str
    """Letters to put below the picture: the words that it does not show."""


@dataclass(frozen=True)
class _Wishes:
    """The things that a prompt names, without the unwanted ones."""

    mentions: tuple[Mention, ...]
    unwanted: tuple[Entry, ...]

    def named(self, kind: type[Kind]) -> list[Kind]:
        """Return the named things of a kind, in the prompt's order."""
        return [mention.entry for mention in self.mentions if isinstance(mention.entry, kind)]

    def first(self, candidates: Iterable[Kind], otherwise: Kind) -> Kind:
        """Return the first candidate that is not unwanted."""
        return next((candidate for candidate in candidates if candidate not in self.unwanted), otherwise)


def compose(prompt: str, negative_prompt: str, rng: random.Random) -> Scene:
    """Decide on a scene from the words of the prompt, without what the negative prompt names."""
    reading = read(prompt)
    unwanted = tuple(mention.entry for mention in read(negative_prompt).mentions)
    wishes = _Wishes(tuple(mention for mention in reading.mentions if mention.entry not in unwanted), unwanted)
    closer = next((framing.closer for framing in wishes.named(Framing)), 1.0)
    subjects = _subjects(wishes, closer)
    setting = _setting(wishes, subjects, closer)
    light = _light(wishes, setting, rng)
    weather = wishes.named(Weather)
    if light is palette.DAY and CLOUDY not in [*weather, *unwanted]:
        weather.append(CLOUDY)
    moods, accent = wishes.named(Mood), _accent(wishes, subjects, rng)
    ground, foliage = _land(setting, weather, moods)
    return Scene(
        setting=setting,
        ground=ground,
        subjects=tuple(subjects[:_MOST_SUBJECTS]),
        weather=tuple(weather),
        palette=Palette(light, accent, foliage),
        grade=reduce(Grade.then, (mood.grade for mood in moods), NEUTRAL),
        detail=next((detail.amount for detail in wishes.named(Detail)), 1.0),
        closer=closer,
        # A sun or moon that is named is a subject, or unwanted; either way the sky brings none.
        luminary=not any(isinstance(it, Subject) and it.station is Station.SKY for it in [*subjects, *unwanted]),
        bare=not subjects and not wishes.named(Setting),
        caption=lettering(", ".join(reading.unknown)),
    )


def lettered(scene: Scene, prompt: str) -> Scene:
    """Return a scene with the prompt on a canvas, if it shows nothing of it otherwise."""
    return replace(scene, subjects=(_canvas(prompt),), caption="") if scene.bare and read(prompt).unknown else scene


def _subjects(wishes: _Wishes, closer: float) -> list[Subject]:
    counted = [(mention.entry, mention.count) for mention in wishes.mentions]
    subjects = [entry for entry, count in counted for _ in range(count) if isinstance(entry, Subject)]
    if closer > 1 and not subjects and PERSON not in wishes.unwanted:
        return [PERSON]
    return subjects


def _canvas(prompt: str) -> Subject:
    """Return an easel whose canvas has the prompt in letters."""
    words = textwrap.shorten(lettering(prompt), _CANVAS_CHARACTERS, placeholder=" ...")
    lines = textwrap.wrap(words, _CANVAS_COLUMNS) or ["?"]

    def paint(pen: Pen, _rng: random.Random) -> None:
        objects.easel(pen, lines, _FOOTNOTE)

    return Subject(paint, 0.66, scenery.DREAMLAND)


def _setting(wishes: _Wishes, subjects: list[Subject], closer: float) -> Setting:
    homes = [scenery.STUDIO] if closer > 1 else [subject.home for subject in subjects]
    return wishes.first([*wishes.named(Setting), *homes], scenery.DREAMLAND)


def _light(wishes: _Wishes, setting: Setting, rng: random.Random) -> Light:
    moods, weather = wishes.named(Mood), wishes.named(Weather)
    brought = [light for light in [*(mood.light for mood in moods), *(kind.light for kind in weather)] if light]
    usual = rng.choice(_LIGHTS) if setting is scenery.DREAMLAND else palette.DAY
    return wishes.first([*wishes.named(Light), *brought, usual], palette.DAY)


def _accent(wishes: _Wishes, subjects: list[Subject], rng: random.Random) -> Colour:
    named = [accent.colour for accent in wishes.named(Accent)]
    worn = [subject.colour for subject in subjects if subject.colour]
    return [*named, *worn, rng.choice(_ACCENTS)][0]


def _land(setting: Setting, weather: list[Weather], moods: list[Mood]) -> tuple[Colour, Colour | None]:
    """Return the colours of the ground and of leaves, in the season and under snow."""
    foliage = next((mood.foliage for mood in moods if mood.foliage), None)
    snow = next((kind.ground for kind in weather if kind.ground), None)
    if snow:
        return mix(setting.ground, snow, 0.85), foliage or mix(setting.ground, snow, 0.6)
    if foliage and setting in scenery.GREEN:
        return mix(setting.ground, foliage, 0.5), foliage
    return setting.ground, foliage
