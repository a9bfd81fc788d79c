"""Colours, and the colour matrices that grade a finished picture."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]
Row = tuple[float, float, float, float]

LUMA = (0.299, 0.587, 0.114)


def rgb(value: int) -> Colour:
    """Return the colour written as 0xRRGGBB."""
    return value >> 16 & 255, value >> 8 & 255, value & 255


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour at `share` (0 to 1) of the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def multiply(first: Colour, second: Colour) -> Colour:
    """Return the first colour as seen under a light of the second."""
    red, green, blue = (a * b // 255 for a, b in zip(first, second, strict=True))
    return red, green, blue


WHITE = rgb(0xFFFFFF)
BLACK = rgb(0x000000)


def lighter(colour: Colour, share: float = 0.2) -> Colour:
    """Return the colour moved towards white."""
    return mix(colour, WHITE, share)


def darker(colour: Colour, share: float = 0.2) -> Colour:
    """Return the colour moved towards black."""
    return mix(colour, BLACK, share)


@dataclass(frozen=True)
class Grade:
    """A linear change of every colour in a picture, as Pillow's 3 x 4 colour matrix."""

    rows: tuple[Row, Row, Row]

    def then(self, other: Grade) -> Grade:
        """Return the grade that applies this one, then the other."""

        def row(after: Row) -> Row:
            red, green, blue, lift = (sum(after[k] * self.rows[k][j] for k in range(3)) for j in range(4))
            return red, green, blue, lift + after[3]

        first, second, third = other.rows
        return Grade((row(first), row(second), row(third)))

    @property
    def matrix(self) -> tuple[float, ...]:
        """The twelve numbers `Image.convert` takes."""
        return tuple(number for row in self.rows for number in row)


def grade(
    *,
    saturation: float = 1.0,
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
    contrast: float = 1.0,
    lift: float = 0.0,
) -> Grade:
    """Return a grade: saturation first, then a gain per channel, contrast about mid-grey and a lift."""

    def row(channel: int) -> Row:
        gain = gains[channel] * contrast
        red, green, blue = (
            gain * ((1 - saturation) * LUMA[other] + (saturation if other == channel else 0.0)) for other in range(3)
        )
        return red, green, blue, 128 * (1 - contrast) + lift

    return Grade((row(0), row(1), row(2)))


NEUTRAL = grade()
