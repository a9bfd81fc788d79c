"""Checks a client's input against the catalog's JSON-Schema-like descriptions, naming every field at fault."""

from collections.abc import Iterator, Mapping
from typing import Any

from atelier.errors import FieldError

_TYPES: Mapping[str, tuple[str, type | tuple[type, ...]]] = {
    "string": ("a string", str),
    "integer": ("a whole number", int),
    "number": ("a number", (int, float)),
    "boolean": ("true or false", bool),
    "array": ("a list", list),
    "object": ("an object", dict),
}


def check(schema: Mapping[str, Any], value: Mapping[str, Any], *, path: str) -> list[FieldError]:
    """List what is wrong with `value`, an object; `path` is its name in the request."""
    return list(_check_object(schema, value, path))


def _check_object(schema: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    properties: Mapping[str, Any] = schema["properties"]
    for name in schema.get("required", ()):
        if value.get(name) is None:
            yield FieldError(f"{path}.{name}", f"'{name}' is required.", "required")
    for name, item in value.items():
        field = f"{path}.{name}"
        if name not in properties:
            known = ", ".join(properties)
            yield FieldError(field, f"'{name}' is not known here; known are {known}.", "unknown_field")
        elif item is not None:
            yield from _check_value(properties[name], item, field)


def _check_value(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[FieldError]:
    words, kind = _TYPES[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        yield FieldError(path, f"Must be {words}.", "type")
        return
    if "enum" in schema and value not in schema["enum"]:
        yield FieldError(path, f"Must be one of {', '.join(map(str, schema['enum']))}.", "enum")
    if isinstance(value, str):
        yield from _check_length(schema, value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check_value(schema["items"], item, f"{path}.{index}")
    elif isinstance(value, int | float):
        yield from _check_range(schema, value, path)


def _check_length(schema: Mapping[str, Any], value: str, path: str) -> Iterator[FieldError]:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if len(value.strip()) < least:
        yield FieldError(path, "Must not be empty.", "too_short")
    if most is not None and len(value) > most:
        yield FieldError(path, f"Must be at most {most} characters, not {len(value)}.", "too_long")


def _check_range(schema: Mapping[str, Any], value: float, path: str) -> Iterator[FieldError]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and value < least:
        yield FieldError(path, f"Must be at least {least}.", "too_small")
    if most is not None and value > most:
        yield FieldError(path, f"Must be at most {most}.", "too_large")
