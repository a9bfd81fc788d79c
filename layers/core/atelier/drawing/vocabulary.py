"""The words a prompt may use, and what each of them puts in the picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from . import figures, palette, settings, sky, things
from .colour import Colour, rgb
from .palette import Accent, Light, Mood
from .pen import Pen
from .settings import Setting
from .sky import Weather


class Place(Enum):
    """Where in a scene a subject belongs."""

    GROUND = auto()
    FAR = auto()
    WATER = auto()
    AIR = auto()
    SKY = auto()


@dataclass(frozen=True)
class Subject:
    """Something to draw: how, how tall, where, and the setting it brings when the prompt names none."""

    paint: Callable[[Pen, Random], None]
    tall: float
    home: Setting
    place: Place = Place.GROUND
    colour: Colour | None = None


@dataclass(frozen=True)
class Framing:
    """A way to frame the subject, by how much larger it is drawn."""

    closer: float


@dataclass(frozen=True)
class Detail:
    """How much there is of everything that is scattered about."""

    amount: float


Entry = Setting | Subject | Light | Mood | Weather | Accent | Framing | Detail


@dataclass(frozen=True)
class Mention:
    """One thing a prompt names, and how many of it."""

    entry: Entry
    count: int = 1


PERSON = Subject(figures.person, 0.6, settings.MEADOW)

_ENTRIES: dict[str, Entry] = {
    # Settings
    "jungle, rainforest, tropical forest": settings.JUNGLE,
    "forest, woods, woodland": settings.FOREST,
    "meadow, field, grass, hill, countryside, garden, park, farm, valley": settings.MEADOW,
    "mountain, peak, alps, alpine": settings.MOUNTAINS,
    "city, town, street, downtown, skyline, skyscraper, metropolis, cyberpunk": settings.CITY,
    "sea, ocean, beach, coast, shore, island, lake, bay, harbor, harbour": settings.SEA,
    "underwater, under the sea, under water, coral reef, deep sea": settings.UNDERWATER,
    "desert, dune, sand, canyon, sahara": settings.DESERT,
    "space, outer space, galaxy, nebula, cosmos, universe": settings.SPACE,
    "on the moon, lunar surface, moon surface, moonscape, lunar landscape": settings.MOON,
    "studio": settings.STUDIO,
    "abstract, surreal, dream, dreamlike": settings.DREAMLAND,
    # Subjects
    "astronaut, cosmonaut, spaceman, spacesuit": Subject(figures.astronaut, 0.68, settings.MOON),
    "person, people, man, men, woman, women, girl, boy, human, child, children, traveller, traveler, hiker": PERSON,
    "robot, android, droid, mech, cyborg": Subject(figures.robot, 0.6, settings.CITY),
    "cat, kitten, kitty": Subject(figures.cat, 0.46, settings.MEADOW),
    "dog, puppy, hound": Subject(figures.dog, 0.46, settings.MEADOW),
    "house, cottage, cabin, home, hut, barn": Subject(things.house, 0.42, settings.MEADOW),
    "castle, palace, fortress": Subject(things.castle, 0.62, settings.MOUNTAINS, Place.FAR),
    "lighthouse, light house": Subject(things.lighthouse, 0.62, settings.SEA, Place.FAR, rgb(0xC24A3E)),
    "boat, ship, sailboat, sailing boat, yacht": Subject(things.boat, 0.42, settings.SEA, Place.WATER),
    "fish": Subject(things.fish, 0.34, settings.UNDERWATER, Place.WATER),
    "goldfish, clownfish": Subject(things.fish, 0.34, settings.UNDERWATER, Place.WATER, rgb(0xE8843A)),
    "car, taxi, automobile": Subject(things.car, 0.34, settings.CITY),
    "tree, oak": Subject(things.tree, 0.72, settings.MEADOW),
    "pine, fir, spruce, christmas tree, pine tree": Subject(things.pine, 0.7, settings.FOREST),
    "palm, palm tree": Subject(things.palm, 0.7, settings.SEA),
    "cactus, cacti": Subject(things.cactus, 0.5, settings.DESERT),
    "flower, tulip, blossom": Subject(things.flower, 0.56, settings.MEADOW),
    "rose, poppy, poppies": Subject(things.flower, 0.56, settings.MEADOW, colour=rgb(0xC8423C)),
    "sunflower": Subject(things.flower, 0.6, settings.MEADOW, colour=rgb(0xEDB93C)),
    "daisy": Subject(things.flower, 0.5, settings.MEADOW, colour=rgb(0xF4F1E6)),
    "mushroom, toadstool": Subject(things.mushroom, 0.34, settings.FOREST, colour=rgb(0xC5443B)),
    "bird, eagle, seagull, gull, crow, raven, dove, parrot": Subject(things.bird, 0.2, settings.SEA, Place.AIR),
    "butterfly, butterflies": Subject(things.butterfly, 0.15, settings.MEADOW, Place.AIR),
    "balloon, hot air balloon": Subject(things.balloon, 0.4, settings.MEADOW, Place.AIR),
    "rocket, spaceship, spacecraft": Subject(things.rocket, 0.5, settings.SPACE, Place.AIR),
    "moon, full moon": Subject(things.moon, 0.28, settings.MOUNTAINS, Place.SKY),
    "sun": Subject(things.sun, 0.24, settings.MEADOW, Place.SKY),
    "planet, saturn, jupiter, mars": Subject(things.planet, 0.46, settings.SPACE, Place.SKY),
    # Times of day
    "day, daylight, summer, noon, midday, sunny, afternoon": palette.DAY,
    "dawn, sunrise, morning, daybreak": palette.DAWN,
    "sunset, dusk, evening, golden hour, twilight": palette.SUNSET,
    "night, midnight, nighttime, dark, moonlight, moonlit, starry": palette.NIGHT,
    # Palettes and seasons
    "cold, cool, icy, frozen, cold color palette, cold colour palette": palette.COLD,
    "warm, hot, cozy, cosy, golden": palette.WARM,
    "muted, desaturated, faded, subdued, soft colors, soft colours": palette.MUTED,
    "pastel, pale": palette.PASTEL,
    "vivid, vibrant, colorful, colourful, saturated": palette.VIVID,
    "neon, synthwave, vaporwave": palette.NEON,
    "monochrome, monochromatic, black and white, grayscale, greyscale, noir": palette.MONOCHROME,
    "sepia, vintage": palette.SEPIA,
    "gloomy, moody, somber, sombre, spooky": palette.GLOOMY,
    "bright, cheerful": palette.BRIGHT,
    "autumn, autumnal, fall": palette.AUTUMN,
    "spring, springtime": palette.SPRING,
    "winter, wintry, frosty": palette.WINTER,
    # Weather
    "cloud, cloudy, overcast": sky.CLOUDY,
    "rain, rainy, storm, stormy, thunderstorm": sky.RAIN,
    "snow, snowy, snowing, snowfall, blizzard": sky.SNOW,
    "fog, foggy, mist, misty, haze, hazy": sky.FOG,
    "aurora, northern lights": sky.AURORA,
    "rainbow": sky.RAINBOW,
    # Colours
    "red, crimson, scarlet": Accent(rgb(0xC8423C)),
    "orange": Accent(rgb(0xE38439)),
    "yellow": Accent(rgb(0xEBC24B)),
    "green, emerald": Accent(rgb(0x4F9A62)),
    "teal, turquoise, cyan": Accent(rgb(0x3AA5A3)),
    "blue, azure": Accent(rgb(0x3F74B8)),
    "purple, violet": Accent(rgb(0x7C58A8)),
    "pink, magenta": Accent(rgb(0xDD7FA0)),
    "white": Accent(rgb(0xEFEDE6)),
    "black": Accent(rgb(0x2B2D34)),
    "brown": Accent(rgb(0x8A5F43)),
    # Framing and detail
    "portrait, close up, closeup, headshot, bust, face": Framing(2.4),
    "detailed, intricate, highly detailed": Detail(1.25),
    "minimal, minimalist, simple": Detail(0.5),
}

_WORDS: dict[tuple[str, ...], Entry] = {
    tuple(phrase.split()): entry for phrases, entry in _ENTRIES.items() for phrase in phrases.split(", ")
}
_LONGEST = max(map(len, _WORDS))
_NUMBERS = {
    "one": 1,
    "two": 2,
    "pair": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "2": 2,
    "3": 3,
    "4": 4,
    "5": 5,
}
_SEVERAL = 3


def mentions(text: str) -> list[Mention]:
    """Return what a text names, in its order and each thing once, the longest phrase winning."""
    words = re.findall(r"[^\W_]+", text.casefold())
    found: dict[int, Mention] = {}
    position = 0
    while position < len(words):
        for length in range(_LONGEST, 0, -1):
            phrase = words[position : position + length]
            entry, plural = _look_up(phrase)
            if entry is not None:
                number = _NUMBERS.get(words[position - 1]) if position else None
                found.setdefault(id(entry), Mention(entry, number or (_SEVERAL if plural else 1)))
                position += length - 1
                break
        position += 1
    return list(found.values())


def _look_up(phrase: list[str]) -> tuple[Entry | None, bool]:
    if entry := _WORDS.get(tuple(phrase)):
        return entry, False
    *start, last = phrase
    return next(((entry, True) for word in _singulars(last) if (entry := _WORDS.get((*start, word)))), (None, False))


def _singulars(word: str) -> Iterator[str]:
    for ending, single in (("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(ending):
            yield word.removesuffix(ending) + single
