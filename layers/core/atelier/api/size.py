"""Sizes in pixels, as clients of other services name them, for models that have bounds or shapes of their own."""

import re
from collections.abc import Mapping
from typing import Any

from atelier.catalog.provider_input import AUTO, SIDE, nearest

_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


def parse_size(text: object) -> tuple[int, int] | None:
    """Read "WIDTHxHEIGHT", in pixels; None where it is no such text."""
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    return (int(match[1]), int(match[2])) if match else None


def fitted(width: int, height: int, known: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a size within a model's bounds, its shape kept as far as they allow."""
    if "width" in known and "height" in known:
        bounds = [
            (known[name].get("minimum", 1), known[name].get("maximum", SIDE * 16)) for name in ("width", "height")
        ]
        (least_width, most_width), (least_height, most_height) = bounds
        scale = min(1.0, most_width / width, most_height / height)
        scale = max(scale, least_width / width, least_height / height)
        return {
            "width": max(least_width, min(most_width, round(width * scale))),
            "height": max(least_height, min(most_height, round(height * scale))),
        }
    if "aspect_ratio" in known:
        choices = [shape for shape in known["aspect_ratio"].get("enum", ()) if shape != AUTO]
        return {"aspect_ratio": nearest(choices, width / height)} if choices else {}
    return {}
