"""Read a client's input before it is checked: form-like tools and generated clients send odd shapes.

- `null` for a field means that the field is absent.
- A whole number, a number or a boolean may come as a string, where it is exact: "512", "0.5", "true".
- Every model makes one image, so it accepts `num_images: 1` even if it does not take the field.
- `image_size`, fal's name for a shape, is an aspect ratio or a width and height.
- `image_url` is a list of one picture.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

SHAPES: Mapping[str, str] = {
    "square": "1:1",
    "square_hd": "1:1",
    "portrait_4_3": "3:4",
    "portrait_16_9": "9:16",
    "landscape_4_3": "4:3",
    "landscape_16_9": "16:9",
}
"""The aspect ratio of each of fal's names for a shape."""

_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


def read_input(described: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a client's input in the words and types of a model's description; odd values stay for check() to name."""
    properties: Mapping[str, Any] = described["properties"]
    given = {name: value for name, value in values.items() if value is not None}
    if described.get("open"):
        return given
    if "image_size" in given and "image_size" not in properties:
        given |= _shape(given.pop("image_size"), properties)
    if "image_url" in given and "image_url" not in properties and "image_urls" in properties.keys() - given.keys():
        given["image_urls"] = [given.pop("image_url")]
    if "num_images" not in properties and given.get("num_images") in (1, "1") and given["num_images"] is not True:
        del given["num_images"]
    return {name: _typed(properties[name], value) if name in properties else value for name, value in given.items()}


def _shape(size: Any, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Translate an `image_size`; an unknown one stays as it is, so that check() names it."""
    if isinstance(size, str) and size in SHAPES and "aspect_ratio" in properties:
        return {"aspect_ratio": SHAPES[size]}
    if isinstance(size, dict) and size and set(size) <= {"width", "height"} <= set(properties):
        return dict(size)
    return {"image_size": size}


def _typed(item: Mapping[str, Any], value: Any) -> Any:
    read = _READERS.get(item["type"])
    return read(value.strip()) if read and isinstance(value, str) else value


def _whole(text: str) -> int | str:
    return int(text) if _WHOLE.fullmatch(text) else text


def _number(text: str) -> float | str:
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    return int(number) if number.is_integer() else number


def _boolean(text: str) -> bool | str:
    return _BOOLEANS.get(text.lower(), text)


_READERS: Mapping[str, Callable[[str], Any]] = {"integer": _whole, "number": _number, "boolean": _boolean}
