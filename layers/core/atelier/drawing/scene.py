"""A scene: what a prompt asks for, decided before anything is drawn."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import reduce

from . import palette, settings
from .colour import NEUTRAL, Colour, Grade, mix, rgb
from .palette import Accent, Light, Mood, Palette
from .settings import Setting
from .sky import CLOUDY, Weather
from .vocabulary import PERSON, Detail, Framing, Place, Subject, mentions

_ACCENTS = tuple(rgb(code) for code in (0xD2694C, 0xE0A24A, 0x4E8FA8, 0xB9576B, 0x5E9C8A, 0x7A6BA8))
_LIGHTS = (palette.DAY, palette.DAWN, palette.SUNSET, palette.NIGHT)
_MOST_SUBJECTS = 7


@dataclass(frozen=True)
class Scene:
    """A setting, what stands in it, and the light and palette it is seen in."""

    setting: Setting
    ground: Colour
    subjects: tuple[Subject, ...]
    weather: tuple[Weather, ...]
    palette: Palette
    grade: Grade
    detail: float
    closer: float
    luminary: bool


def compose(prompt: str, negative_prompt: str, rng: random.Random) -> Scene:
    """Decide on a scene from the words of the prompt, without what the negative prompt names."""
    unwanted = [mention.entry for mention in mentions(negative_prompt)]
    wanted = [mention for mention in mentions(prompt) if mention.entry not in unwanted]
    entries = [mention.entry for mention in wanted]
    moods = [entry for entry in entries if isinstance(entry, Mood)]
    weather = [entry for entry in entries if isinstance(entry, Weather)]
    closer = next((entry.closer for entry in entries if isinstance(entry, Framing)), 1.0)
    subjects = [m.entry for m in wanted for _ in range(m.count) if isinstance(m.entry, Subject)]
    if closer > 1 and not subjects and PERSON not in unwanted:
        subjects = [PERSON]

    places = [entry for entry in entries if isinstance(entry, Setting)]
    homes = [settings.STUDIO] if closer > 1 else [subject.home for subject in subjects]
    setting = next((place for place in [*places, *homes] if place not in unwanted), settings.DREAMLAND)

    lights = [entry for entry in entries if isinstance(entry, Light)]
    brought = [light for light in [*(mood.light for mood in moods), *(kind.light for kind in weather)] if light]
    usual = rng.choice(_LIGHTS) if setting is settings.DREAMLAND else palette.DAY
    light = next((light for light in [*lights, *brought, usual] if light not in unwanted), palette.DAY)
    if light is palette.DAY and CLOUDY not in [*weather, *unwanted]:
        weather.append(CLOUDY)

    named = [entry.colour for entry in entries if isinstance(entry, Accent)]
    worn = [subject.colour for subject in subjects if subject.colour]
    accent = [*named, *worn, rng.choice(_ACCENTS)][0]
    foliage = next((mood.foliage for mood in moods if mood.foliage), None)
    snow = next((kind.ground for kind in weather if kind.ground), None)
    foliage = foliage or (snow and mix(setting.ground, snow, 0.6))
    ground = mix(setting.ground, snow, 0.85) if snow else setting.ground
    if foliage and not snow and setting in settings.GREEN:
        ground = mix(ground, foliage, 0.5)

    return Scene(
        setting=setting,
        ground=ground,
        subjects=tuple(subjects[:_MOST_SUBJECTS]),
        weather=tuple(weather),
        palette=Palette(light, accent, foliage),
        grade=reduce(Grade.then, (mood.grade for mood in moods), NEUTRAL),
        detail=next((entry.amount for entry in entries if isinstance(entry, Detail)), 1.0),
        closer=closer,
        # A sun or moon that is named is a subject, or unwanted; either way the sky brings none.
        luminary=not any(isinstance(it, Subject) and it.place is Place.SKY for it in [*subjects, *unwanted]),
    )
