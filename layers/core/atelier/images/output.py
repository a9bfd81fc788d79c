"""How a client wants its picture written: the inputs that every model takes, whoever makes the picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMAT, COMPRESSION, QUALITY, BACKGROUND = "output_format", "output_compression", "quality", "background"
PNG, JPEG, WEBP = FORMATS = ("png", "jpeg", "webp")
OPAQUE, TRANSPARENT = "opaque", "transparent"
QUALITIES: Mapping[str, int] = {"low": 60, "medium": 80, "high": 95}
"""Of a JPEG or WebP, in percent."""
NO_TRANSPARENCY = "A JPEG has no transparency; ask for png or webp, or for another background."


@dataclass(frozen=True, slots=True)
class Output:
    """A format of FORMATS, a quality in percent, and OPAQUE or TRANSPARENT; None leaves it as the picture came."""

    format: str | None = None
    quality: int | None = None
    background: str | None = None


def output_of(values: Mapping[str, Any]) -> Output | None:
    """Read how a client's input wants its pictures; None where it leaves that to whoever makes them."""
    form, background, quality = values.get(FORMAT), values.get(BACKGROUND), values.get(COMPRESSION)
    if not isinstance(quality, int):
        quality = QUALITIES.get(str(values.get(QUALITY)))
    found = Output(
        form if form in FORMATS else None, quality, background if background in (OPAQUE, TRANSPARENT) else None
    )
    return None if found == Output() else found
