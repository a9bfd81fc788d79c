"""The light of a picture and the palette words that grade it."""

from __future__ import annotations

from dataclasses import dataclass

from .colour import NEUTRAL, Colour, Grade, grade, mix, multiply, rgb


@dataclass(frozen=True)
class Light:
    """A time of day: its sky from top to horizon, its haze, and what it does to the colours of things."""

    sky: tuple[Colour, Colour, Colour]
    haze: Colour
    ambient: Colour
    glow: Colour
    altitude: float
    dark: bool = False


@dataclass(frozen=True)
class Mood:
    """A palette word: a grade of the whole picture, and the foliage or light it calls for."""

    grade: Grade = NEUTRAL
    foliage: Colour | None = None
    light: Light | None = None


@dataclass(frozen=True)
class Accent:
    """A colour named in the prompt, worn by the subject."""

    colour: Colour


@dataclass(frozen=True)
class Palette:
    """Everything that decides how a local colour looks in one picture."""

    light: Light
    accent: Colour
    foliage: Colour | None = None

    def seen(self, colour: Colour, distance: float) -> Colour:
        """Return a local colour under this light, faded into the haze by its distance (0 near, 1 far)."""
        return mix(multiply(colour, self.light.ambient), self.light.haze, distance)

    def leafy(self, colour: Colour) -> Colour:
        """Return a foliage colour in the season of the picture."""
        return colour if self.foliage is None else mix(colour, self.foliage, 0.75)


DAY = Light(
    sky=(rgb(0x4E90BF), rgb(0x97C8DA), rgb(0xEEF0DC)),
    haze=rgb(0xD3E4E2),
    ambient=rgb(0xFFFBF2),
    glow=rgb(0xFFF6D8),
    altitude=0.72,
)
DAWN = Light(
    sky=(rgb(0x7388BC), rgb(0xE0AFBE), rgb(0xFDE3C4)),
    haze=rgb(0xEFD0CB),
    ambient=rgb(0xF2DDE6),
    glow=rgb(0xFFE9C4),
    altitude=0.14,
)
SUNSET = Light(
    sky=(rgb(0x35366E), rgb(0xC65B74), rgb(0xFFB868)),
    haze=rgb(0xEA9C7A),
    ambient=rgb(0xD79E98),
    glow=rgb(0xFFDD9A),
    altitude=0.10,
)
NIGHT = Light(
    sky=(rgb(0x0A1029), rgb(0x192A58), rgb(0x41598F)),
    haze=rgb(0x3A5085),
    ambient=rgb(0x6E80B4),
    glow=rgb(0xE6ECFF),
    altitude=0.66,
    dark=True,
)
STORM = Light(
    sky=(rgb(0x3D4754), rgb(0x6B7885), rgb(0xB4BCBD)),
    haze=rgb(0x9FAAAF),
    ambient=rgb(0xB4BDC6),
    glow=rgb(0xDFE4E2),
    altitude=0.75,
)

COLD = Mood(grade(saturation=0.62, gains=(0.76, 0.98, 1.16)))
WARM = Mood(grade(saturation=0.85, gains=(1.14, 0.99, 0.78), lift=2))
MUTED = Mood(grade(saturation=0.62, contrast=0.9, lift=2))
PASTEL = Mood(grade(saturation=0.85, contrast=0.82, lift=24))
VIVID = Mood(grade(saturation=1.45, contrast=1.06))
NEON = Mood(grade(saturation=1.55, gains=(1.10, 0.92, 1.14), contrast=1.08), light=NIGHT)
MONOCHROME = Mood(grade(saturation=0.0, contrast=1.12))
SEPIA = Mood(grade(saturation=0.0, gains=(1.08, 0.93, 0.72)))
GLOOMY = Mood(grade(saturation=0.7, gains=(0.72, 0.74, 0.78)))
BRIGHT = Mood(grade(saturation=1.12, lift=10))
AUTUMN = Mood(grade(gains=(1.05, 0.98, 0.88)), foliage=rgb(0xC7702E))
SPRING = Mood(grade(saturation=1.1, lift=5), foliage=rgb(0xA6C86A))
WINTER = Mood(grade(saturation=0.75, gains=(0.92, 1.0, 1.08)), foliage=rgb(0xDCE8EF))
