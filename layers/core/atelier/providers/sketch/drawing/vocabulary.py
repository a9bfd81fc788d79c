"""The words a prompt may use, and what each of them puts in the picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from . import animals, figures, objects, palette, scenery, sky, things
from .colour import Colour, rgb
from .palette import Accent, Light, Mood
from .pen import Pen
from .scenery import Setting
from .sky import Weather


class Station(Enum):
    """Where in a same scene a subject belongs."""

    GROUND = auto()
    FAR = auto()
    WATER = auto()
    AIR = auto()
    SKY = auto()


@dataclass(frozen=True)
class Subject:
    """Something to draw: how, how tall, at which station, and the setting it brings when the prompt names none."""

    paint: Callable[[Pen, Random], None]
    tall: float
    home: Setting
    station: Station = Station.GROUND
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


PERSON = Subject(figures.person, 0.6, scenery.MEADOW)

_ENTRIES: dict[str, Entry] = {
    # Settings
    "jungle, rainforest, tropical forest": scenery.JUNGLE,
    "forest, woods, woodland": scenery.FOREST,
    "meadow, field, grass, hill, downs, countryside, garden, park, farm, valley": scenery.MEADOW,
    "mountain, peak, alps, alpine": scenery.MOUNTAINS,
    "city, town, street, downtown, skyline, skyscraper, metropolis, cyberpunk": scenery.CITY,
    "sea, ocean, beach, coast, shore, island, lake, bay, harbor, harbour": scenery.SEA,
    "underwater, under the sea, under water, coral reef, deep sea": scenery.UNDERWATER,
    "desert, dune, sand, canyon, sahara": scenery.DESERT,
    "space, outer space, galaxy, nebula, cosmos, universe": scenery.SPACE,
    "on the moon, lunar surface, moon surface, moonscape, lunar landscape": scenery.MOON,
    "studio": scenery.STUDIO,
    "table, desk, kitchen, still life, cafe, café, room, living room, interior, indoors": scenery.TABLE,
    "abstract, surreal, dream, dreamlike": scenery.DREAMLAND,
    # Subjects
    "astronaut, cosmonaut, spaceman, spacesuit": Subject(figures.astronaut, 0.68, scenery.MOON),
    "person, people, man, men, woman, women, girl, boy, human, child, children, traveller, traveler, hiker": PERSON,
    "robot, android, droid, mech, cyborg": Subject(figures.robot, 0.6, scenery.CITY),
    "cat, kitten, kitty": Subject(figures.cat, 0.46, scenery.MEADOW),
    "dog, puppy, hound, corgi, labrador, poodle, beagle, terrier, retriever, golden retriever": Subject(
        figures.dog, 0.46, scenery.MEADOW
    ),
    "horse, pony, stallion, mare, foal": Subject(animals.horse, 0.5, scenery.MEADOW),
    "unicorn": Subject(animals.unicorn, 0.5, scenery.MEADOW),
    "fox, vixen": Subject(animals.fox, 0.44, scenery.FOREST),
    "wolf, wolves, coyote, husky": Subject(animals.wolf, 0.46, scenery.FOREST),
    "owl": Subject(animals.owl, 0.46, scenery.FOREST),
    "bear, grizzly, teddy bear, teddy": Subject(animals.bear, 0.5, scenery.FOREST),
    "polar bear": Subject(animals.polar_bear, 0.5, scenery.MOUNTAINS),
    "panda, panda bear": Subject(animals.panda, 0.48, scenery.FOREST),
    "lion, lioness": Subject(animals.lion, 0.48, scenery.DESERT),
    "rabbit, bunny, hare": Subject(animals.rabbit, 0.44, scenery.MEADOW),
    "elephant": Subject(animals.elephant, 0.54, scenery.MEADOW),
    "penguin": Subject(animals.penguin, 0.42, scenery.SEA),
    "dragon, wyvern": Subject(animals.dragon, 0.54, scenery.MOUNTAINS, colour=rgb(0x4F8F5E)),
    "house, cottage, cabin, home, hut, barn": Subject(things.house, 0.42, scenery.MEADOW),
    "castle, palace, fortress": Subject(things.castle, 0.62, scenery.MOUNTAINS, Station.FAR),
    "lighthouse, light house": Subject(things.lighthouse, 0.62, scenery.SEA, Station.FAR, rgb(0xC24A3E)),
    "boat, ship, sailboat, sailing boat, yacht": Subject(things.boat, 0.42, scenery.SEA, Station.WATER),
    "fish": Subject(things.fish, 0.34, scenery.UNDERWATER, Station.WATER),
    "goldfish, clownfish": Subject(things.fish, 0.34, scenery.UNDERWATER, Station.WATER, rgb(0xE8843A)),
    "car, sports car, race car, taxi, automobile": Subject(things.car, 0.34, scenery.CITY),
    "train, locomotive, steam train, steam engine, railway": Subject(objects.train, 0.46, scenery.MEADOW),
    "bicycle, bike, cycle": Subject(objects.bicycle, 0.42, scenery.CITY),
    "airplane, aeroplane, plane, aircraft, airliner, jet": Subject(objects.airplane, 0.34, scenery.SEA, Station.AIR),
    "kite": Subject(objects.kite, 0.3, scenery.MEADOW, Station.AIR),
    "mug, cup, coffee, tea, cappuccino, espresso, latte": Subject(objects.mug, 0.5, scenery.TABLE),
    "shoe, sneaker, trainer, footwear": Subject(objects.shoe, 0.46, scenery.TABLE),
    "food, burger, hamburger, cheeseburger, meal, lunch, dinner, sandwich": Subject(objects.food, 0.56, scenery.TABLE),
    "pizza": Subject(objects.pizza, 0.56, scenery.TABLE),
    "cake, birthday cake, birthday, dessert": Subject(objects.cake, 0.58, scenery.TABLE, colour=rgb(0xDD7FA0)),
    "apple, fruit": Subject(objects.apple, 0.46, scenery.TABLE, colour=rgb(0xC23B36)),
    "book, novel": Subject(objects.book, 0.52, scenery.TABLE),
    "guitar": Subject(objects.guitar, 0.66, scenery.STUDIO),
    "tree, oak": Subject(things.tree, 0.72, scenery.MEADOW),
    "pine, fir, spruce, christmas tree, pine tree": Subject(things.pine, 0.7, scenery.FOREST),
    "palm, palm tree": Subject(things.palm, 0.7, scenery.SEA),
    "cactus, cacti": Subject(things.cactus, 0.5, scenery.DESERT),
    "flower, tulip, blossom": Subject(things.flower, 0.56, scenery.MEADOW),
    "rose, poppy, poppies": Subject(things.flower, 0.56, scenery.MEADOW, colour=rgb(0xC8423C)),
    "sunflower": Subject(things.flower, 0.6, scenery.MEADOW, colour=rgb(0xEDB93C)),
    "daisy": Subject(things.flower, 0.5, scenery.MEADOW, colour=rgb(0xF4F1E6)),
    "mushroom, toadstool": Subject(things.mushroom, 0.34, scenery.FOREST, colour=rgb(0xC5443B)),
    "bird, eagle, seagull, gull, crow, raven, dove, parrot": Subject(things.bird, 0.2, scenery.SEA, Station.AIR),
    "butterfly, butterflies": Subject(things.butterfly, 0.15, scenery.MEADOW, Station.AIR),
    "balloon, hot air balloon": Subject(things.balloon, 0.4, scenery.MEADOW, Station.AIR),
    "rocket, spaceship, spacecraft": Subject(things.rocket, 0.5, scenery.SPACE, Station.AIR),
    "moon, full moon": Subject(things.moon, 0.28, scenery.MOUNTAINS, Station.SKY),
    "sun": Subject(things.sun, 0.24, scenery.MEADOW, Station.SKY),
    "planet, saturn, jupiter, mars": Subject(things.planet, 0.46, scenery.SPACE, Station.SKY),
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
_FILLER_TEXT = """
1080p 16k 2k 3d 4k 5k 8k a about above across after all along also among an and another any are around art artwork
as at atop background be beautiful before behind below beneath beside best between big both but by calm color colors
colour colours composition create cute d delicious depicting design draw drawing during each either elegant every
few flying for foreground from full gorgeous great happy has have having hd he her high his i illustration image in
inside into is it its k large lights like little ll lone lots lovely m make many masterpiece me my near next nice no
of off old on one onto or our out over paint painting palette peaceful photo photograph picture please pretty
product quality re render rendering res resolution s sailing same scene serene several she shot show showing sitting
sketch small so some standing style surrounded swimming t that the their them there these they this those through
tiny to together tone tones toward towards uhd ultra under up upon ve very view wallpaper we where which while whose
wide with within without wooden you young your
"""
_FILLER = frozenset(_FILLER_TEXT.split())
"""Words that ask for nothing in particular, or for what is drawn anyway."""


@dataclass(frozen=True)
class Reading:
    """The things that a text names, in order and once each, and the words that are not known."""

    mentions: tuple[Mention, ...]
    unknown: tuple[str, ...]


def read(text: str) -> Reading:
    """Read a text, the longest phrase winning."""
    words = re.findall(r"[^\W_]+", text.casefold())
    found: dict[int, Mention] = {}
    unknown: dict[str, None] = {}
    position = 0
    while position < len(words):
        for length in range(_LONGEST, 0, -1):
            phrase = words[position : position + length]
            entry, plural = _look_up(phrase)
            if entry is not None:
                number = _NUMBERS.get(words[position - 1]) if position else None
                found.setdefault(id(entry), Mention(entry, number or (_SEVERAL if plural else 1)))
                position += length
                break
        else:
            if words[position] not in _FILLER and words[position] not in _NUMBERS:
                unknown[words[position]] = None
            position += 1
    return Reading(tuple(found.values()), tuple(unknown))


def _look_up(phrase: list[str]) -> tuple[Entry | None, bool]:
    if entry := _WORDS.get(tuple(phrase)):
        return entry, False
    *start, last = phrase
    return next(((entry, True) for word in _singulars(last) if (entry := _WORDS.get((*start, word)))), (None, False))


def _singulars(word: str) -> Iterator[str]:
    for ending, single in (("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(ending):
            yield word.removesuffix(ending) + single
