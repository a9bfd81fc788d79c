"""Checking values against the catalog's descriptions."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.catalog.input_validation import check, faults
from tests.cases import each

relaxed = settings(deadline=None)
VALUES: dict[str, tuple[Any, ...]] = {
    "string": ("", "x", "7"),
    "integer": (0, -7, 10**400),
    "number": (0, 7, 0.5, -1e300),
    "boolean": (True, False),
    "array": ([], ["x"]),
    "object": ({}, {"a": 1}),
}


def codes(schema: dict[str, Any], value: Any, *, path: str = "input.a") -> list[str]:
    """Check one value of a field `a`, and return the codes of its faults."""
    errors = check({"type": "object", "properties": {"a": schema}}, {"a": value}, path="input")
    assert all(error.field == path for error in errors)
    return [error.code for error in errors]


@each(("kind", "value"), [(kind, value) for kind, values in VALUES.items() for value in values], ids=repr)
def test_a_value_of_the_kind_is_accepted(kind: str, value: Any) -> None:
    assert codes({"type": kind, "items": {"type": "string"}}, value) == []


@each(
    ("kind", "value"),
    [
        (kind, value)
        for kind in VALUES
        for other, values in VALUES.items()
        for value in values
        if other != kind and not (kind == "number" and other == "integer")
        if not (kind == "integer" and isinstance(value, int) and not isinstance(value, bool))
    ],
    ids=repr,
)
def test_a_value_of_another_kind_is_refused(kind: str, value: Any) -> None:
    assert codes({"type": kind, "items": {"type": "string"}}, value) == ["type"]


@pytest.mark.parametrize("kind", list(VALUES))
def test_null_is_as_good_as_nothing(kind: str) -> None:
    assert codes({"type": kind}, None) == []


@pytest.mark.parametrize("value", [{}, {"a": None}])
def test_a_required_field_is_missed_once(value: dict[str, Any]) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    (error,) = check(schema, value, path="input")
    assert (error.field, error.code) == ("input.a", "required")


def test_an_unknown_field_is_told_the_known_ones() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    (error,) = check(schema, {"c": None}, path="input")
    assert (error.field, error.code) == ("input.c", "unknown_field")
    assert "a, b" in error.message


@pytest.mark.parametrize(("value", "expected"), [("red", []), ("blue", []), ("Red", ["enum"]), ("", ["enum"])])
def test_an_enum_lists_what_there_is(value: str, expected: list[str]) -> None:
    assert codes({"type": "string", "enum": ["red", "blue"]}, value) == expected


def test_each_item_of_a_list_is_checked() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer", "minimum": 0}}}}
    errors = check(schema, {"a": [1, "x", None, -1, True]}, path="input")
    assert [(error.field, error.code) for error in errors] == [
        ("input.a.1", "type"),
        ("input.a.2", "type"),
        ("input.a.3", "too_small"),
        ("input.a.4", "type"),
    ]


@pytest.mark.parametrize(("length", "expected"), [(0, ["too_short"]), (1, []), (3, []), (4, ["too_long"])])
def test_a_list_has_a_length(length: int, expected: list[str]) -> None:
    schema = {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string"}}
    assert codes(schema, ["x"] * length) == expected


def test_the_items_of_a_list_that_is_too_long_are_not_looked_at() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "maxItems": 1, "items": {"type": "string"}}}}
    assert [error.field for error in check(schema, {"a": [1] * 9}, path="input")] == ["input.a"]


@pytest.mark.parametrize(("text", "expected"), [("good", []), ("bad", [("invalid_url", "It is bad.")])])
def test_a_format_is_checked_by_who_knows_it(text: str, expected: list[tuple[str, str]]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "format": "image-url", "maxLength": 4}}}
    formats = {"image-url": lambda value: None if value == "good" else f"It is {value}."}
    errors = check(schema, {"a": text}, path="input", formats=formats)
    assert [(error.code, error.message) for error in errors] == expected
    assert [error.code for error in check(schema, {"a": "too long"}, path="input", formats=formats)] == ["too_long"]


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"a": 1}, []),
        ({"b": 1, "c": 1}, []),
        ({"a": 1, "b": None}, []),
        ({"a": None, "b": 1}, []),
        ({"a": 1, "b": 1}, ["a"]),
    ],
)
def test_what_excludes_each_other_does_not_stand_together(value: dict[str, Any], fields: list[str]) -> None:
    number = {"type": "integer"}
    schema = {"type": "object", "properties": {"a": {**number, "excludes": ["b", "c"]}, "b": number, "c": number}}
    errors = check(schema, value, path="input")
    assert [(error.field, error.code) for error in errors] == [(f"input.{name}", "conflict") for name in fields]


@pytest.mark.parametrize(
    ("value", "fields"),
    [({"a": 1}, ["a"]), ({"a": 1, "b": None}, ["a"]), ({"a": None}, []), ({"a": 1, "b": 1}, []), ({"b": 1}, [])],
)
def test_what_requires_another_does_not_stand_alone(value: dict[str, Any], fields: list[str]) -> None:
    number = {"type": "integer"}
    schema = {"type": "object", "properties": {"a": {**number, "requires": ["b"]}, "b": number}}
    errors = check(schema, value, path="input")
    assert [(error.field, error.code) for error in errors] == [(f"input.{name}", "conflict") for name in fields]


@relaxed
@given(st.integers(), st.integers(-100, 100), st.integers(0, 100))
def test_a_range_includes_its_ends(value: int, minimum: int, width: int) -> None:
    schema = {"type": "integer", "minimum": minimum, "maximum": minimum + width}
    expected = ["too_small"] if value < minimum else ["too_large"] if value > minimum + width else []
    assert codes(schema, value) == expected


@pytest.mark.parametrize("value", [0, 0.0, -0.0])
def test_a_bound_of_zero_is_a_bound(value: float) -> None:
    assert codes({"type": "number", "minimum": 0, "maximum": 0}, value) == []
    assert codes({"type": "number", "minimum": 0}, value - 0.5) == ["too_small"]
    assert codes({"type": "number", "maximum": 0}, value + 0.5) == ["too_large"]


@relaxed
@given(st.text(max_size=20), st.integers(0, 10))
def test_a_length_counts_characters_and_blanks_are_nothing(value: str, length: int) -> None:
    assert codes({"type": "string", "maxLength": length}, value) == (["too_long"] if len(value) > length else [])
    assert codes({"type": "string", "minLength": 1}, value) == ([] if value.strip() else ["too_short"])


def test_the_path_leads_every_field() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    assert {error.field for error in check(schema, {"b": 1}, path="here.there")} == {"here.there.a", "here.there.b"}


@each(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {}}, None),
        ({"required": ["a"], "properties": {"a": {"type": "string", "default": "x", "enum": ["x"]}}}, None),
        ({"properties": {"a": {"type": "array", "items": {"type": "number", "minimum": 0.5}, "default": []}}}, None),
        ({}, "no 'properties'"),
        ({"properties": []}, "no 'properties'"),
        ([], "no 'properties'"),
        ({"required": ["a"], "properties": {}}, "'a' is required, but not described"),
        ({"properties": {"a": "string"}}, "'a' has no type"),
        ({"properties": {"a": {"type": "array", "items": {"type": "int"}}}}, "'a.items' has no type"),
        ({"properties": {"a": {"type": "string", "pattern": "x"}}}, "'pattern' that means nothing"),
        ({"properties": {"a": {"type": "string", "enum": ["x"], "default": "y"}}}, "the default of 'a' is not valid"),
    ],
)
def test_a_description_that_cannot_be_relied_on_is_said_to_be_so(schema: Any, words: str | None) -> None:
    found = list(faults(schema))
    assert len(found) == (words is not None)
    assert all(str(words) in fault for fault in found)
