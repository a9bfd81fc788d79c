"""Checks a client's input against the catalog's JSON-Schema-like descriptions, naming every field at fault.

Of JSON Schema it knows `type`, `enum`, `items`, `required`, `minLength`, `maxLength`, `minimum`, `maximum`, `minItems`,
`maxItems` and `format`. Ours are `excludes`, names of fields that may not stand beside this one, `requires`, names of
those that must, and, of the object, `atLeastOne`: names of which one must be given, and not be 0, and `open`: fields
that are not described may come too.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from atelier.errors import FieldError

IMAGE_URL = "image-url"
Formats = Mapping[str, Callable[[str], str | None]]
"""By name of a format: a function that says what is wrong with a text, or None."""

_NO_FORMATS: Formats = {}
_TYPES: Mapping[str, tuple[str, type | tuple[type, ...]]] = {
    "string": ("a string", str),
    "integer": ("a whole number", int),
    "number": ("a number", (int, float)),
    "boolean": ("true or false", bool),
    "array": ("a list", list),
    "object": ("an object", dict),
}
_WORDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("type", "label", "description", "inputType", "fileType", "format"), str),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), int),
    **dict.fromkeys(("minimum", "maximum"), (int, float)),
    **dict.fromkeys(("enum", "excludes", "options", "requires"), list),
    "items": dict,
    "optional": bool,
    "default": object,
}
"""The keywords that a field's description may have."""


def check(
    schema: Mapping[str, Any], value: Mapping[str, Any], *, path: str, formats: Formats = _NO_FORMATS
) -> list[FieldError]:
    """List what is wrong with `value`, an object; `path` is its name in the request."""
    return list(_check_object(schema, value, path, formats))


def faults(schema: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with the description of an object itself, so that check() can rely on it."""
    if not isinstance(schema, Mapping) or not isinstance(schema.get("properties"), Mapping):
        yield "it describes no 'properties'"
        return
    properties = schema["properties"]
    for name in schema.get("required", ()):
        if name not in properties:
            yield f"'{name}' is required, but not described"
    for name in schema.get("atLeastOne", ()):
        if name not in properties:
            yield f"'{name}' is one of 'atLeastOne', but not described"
    for name, item in properties.items():
        yield from _faults_of(name, item, properties)


def _faults_of(name: str, item: Any, known: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(item, Mapping) or item.get("type") not in _TYPES:
        yield f"'{name}' has no type, which is one of {', '.join(_TYPES)}"
        return
    for word, value in item.items():
        if not isinstance(value, _WORDS.get(word, ())) or (word == "format" and value != IMAGE_URL):
            yield f"'{name}' has a '{word}' that means nothing: {value!r}"
            return
    for word in ("excludes", "requires"):
        yield from (
            f"'{name}' {word} '{other}', which is not there" for other in item.get(word, ()) if other not in known
        )
    if item["type"] == "array":
        yield from _faults_of(f"{name}.items", item.get("items"), known)
    elif "default" in item:
        yield from (
            f"the default of '{name}' is not valid: {error.message}"
            for error in _check_value(item, item["default"], name, _NO_FORMATS)
        )


def _check_object(
    schema: Mapping[str, Any], value: Mapping[str, Any], path: str, formats: Formats
) -> Iterator[FieldError]:
    properties: Mapping[str, Any] = schema["properties"]
    for name in schema.get("required", ()):
        if value.get(name) is None:
            yield FieldError(f"{path}.{name}", f"'{name}' is required.", "required")
    if (names := schema.get("atLeastOne")) and not any(value.get(name) for name in names):
        yield FieldError(f"{path}.{names[0]}", f"Give at least one of {', '.join(names)}.", "required")
    for name, item in value.items():
        field = f"{path}.{name}"
        if name not in properties and schema.get("open"):
            continue
        if name not in properties:
            known = ", ".join(properties)
            yield FieldError(field, f"'{name}' is not known here; known are {known}.", "unknown_field")
        elif item is not None:
            yield from _check_value(properties[name], item, field, formats)
            yield from _check_beside(properties[name], value, name, field)


def _check_beside(schema: Mapping[str, Any], value: Mapping[str, Any], name: str, path: str) -> Iterator[FieldError]:
    """Check what stands beside a field."""
    for other in schema.get("excludes", ()):
        if value.get(other) is not None:
            yield FieldError(path, f"Give '{name}' or '{other}', not both.", "conflict")
    for other in schema.get("requires", ()):
        if value.get(other) is None:
            yield FieldError(path, f"'{name}' goes with '{other}'; send '{other}' too.", "conflict")


def _check_value(schema: Mapping[str, Any], value: Any, path: str, formats: Formats) -> Iterator[FieldError]:
    words, kind = _TYPES[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        yield FieldError(path, f"Must be {words}.", "type")
        return
    if "enum" in schema and value not in schema["enum"]:
        yield FieldError(path, f"Must be one of {', '.join(map(str, schema['enum']))}.", "enum")
    if isinstance(value, str):
        yield from _check_text(schema, value, path, formats)
    elif isinstance(value, list):
        yield from _check_list(schema, value, path, formats)
    elif isinstance(value, int | float):
        yield from _check_range(schema, value, path)


def _check_text(schema: Mapping[str, Any], value: str, path: str, formats: Formats) -> Iterator[FieldError]:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if len(value.strip()) < least:
        yield FieldError(path, "Must not be empty.", "too_short")
    if most is not None and len(value) > most:
        yield FieldError(path, f"Must be at most {most} characters, not {len(value)}.", "too_long")
    elif "format" in schema and (fault := formats[schema["format"]](value)):
        yield FieldError(path, fault, "invalid_url")


def _check_list(schema: Mapping[str, Any], value: list[Any], path: str, formats: Formats) -> Iterator[FieldError]:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(value) < least:
        yield FieldError(path, f"Must have at least {least} items.", "too_short")
    if most is not None and len(value) > most:
        yield FieldError(path, f"Must have at most {most} items, not {len(value)}.", "too_long")
        return
    for index, item in enumerate(value):
        yield from _check_value(schema["items"], item, f"{path}.{index}", formats)


def _check_range(schema: Mapping[str, Any], value: float, path: str) -> Iterator[FieldError]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and value < least:
        yield FieldError(path, f"Must be at least {least}.", "too_small")
    if most is not None and value > most:
        yield FieldError(path, f"Must be at most {most}.", "too_large")
