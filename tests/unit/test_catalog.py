"""The catalog that ships, and broken ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.catalog import EMBEDDED, Model, Route, embedded, load
from atelier.errors import ConfigurationError, NotFoundError
from atelier.generation import MINUTE, SECOND
from atelier.providers.registry import CALLBACK_READERS
from atelier.schema import check

CATALOG = embedded()
MODELS = list(CATALOG.models.values())
TEXT = EMBEDDED.read_text(encoding="utf-8")
SMALL = """
[tools.t]
name = "T"
description = "A tool."
type = "image"
input = { type = "object", properties = {} }
[models.m]
name = "M"
description = "A model."
tool = "t"
deadline = 60
cost = 3
providers = [{ name = "p" }]
"""
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.slug)


def test_the_missions_model_is_artificial_studios_and_else_sketchs() -> None:
    assert CATALOG.model("playground-v2").routes == (
        Route("artificial-studio", "playground-v2"),
        Route("sketch", "playground-v2"),
    )


def test_sketch_is_served_by_the_stack_itself() -> None:
    assert CATALOG.model("sketch").routes == (Route("sketch", "sketch"),)


@each_model
def test_a_model_is_whole(model: Model) -> None:
    assert CATALOG.model(model.slug) is model
    assert model.name
    assert model.description
    assert 30 * SECOND <= model.deadline <= 60 * MINUTE


@each_model
def test_a_models_tool_takes_a_prompt(model: Model) -> None:
    assert model.tool.slug
    assert model.tool.type in {"image", "video", "audio", "text", "object"}
    assert model.tool.input["type"] == "object"
    assert "prompt" in model.tool.input["required"]
    assert check(model.tool.input, {"prompt": "a cat"}, path="input") == []


@each_model
def test_a_model_has_a_provider_that_exists(model: Model) -> None:
    assert model.routes
    assert {route.provider for route in model.routes} <= set(CALLBACK_READERS)


@each_model
def test_a_field_can_be_shown_and_its_default_is_valid(model: Model) -> None:
    properties = model.tool.input["properties"]
    required = set(model.tool.input["required"])
    assert required <= set(properties)
    for name, field in properties.items():
        assert field["label"], name
        assert field["description"], name
        assert field.get("optional", False) is (name not in required), name
    defaults = {name: field["default"] for name, field in properties.items() if "default" in field}
    assert check(model.tool.input, {"prompt": "a cat", **defaults}, path="input") == []


def test_an_unknown_model_is_told_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match=r"sketch, playground-v2.*'dall-e'") as caught:
        CATALOG.model("dall-e")
    (fault,) = caught.value.errors
    assert (fault.field, fault.code) == ("model", "unknown_model")


def test_a_deadline_is_given_in_seconds_and_kept_in_milliseconds() -> None:
    assert load(SMALL).model("m").deadline == 60_000


def test_a_route_may_rename_a_model() -> None:
    renamed = SMALL.replace('{ name = "p" }', '{ name = "p", model = "x" }, { name = "q" }')
    assert load(renamed).model("m").routes == (Route("p", "x"), Route("q", "m"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        "[tools]",
        "[models]",
        "tools = 1\nmodels = 2",
        "tools = []\nmodels = []",
        "[tools.t]\n[models]",
        "models = {}\n[tools]\nt = 7",
        *[SMALL.replace(line, "") for line in SMALL.splitlines() if " = " in line],
        SMALL.replace('tool = "t"', 'tool = "other"'),
        SMALL.replace('tool = "t"', "tool = []"),
        SMALL.replace('[{ name = "p" }]', '["p"]'),
        SMALL.replace('[{ name = "p" }]', "7"),
        SMALL.replace('{ name = "p" }', '{ model = "p" }'),
        SMALL.replace("60", "{}"),
    ],
)
def test_a_broken_catalog_is_one_error(text: str) -> None:
    with pytest.raises(ConfigurationError, match="catalog"):
        load(text)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(TEXT)), st.integers(0, 200))
def test_a_catalog_with_a_hole_is_whole_or_one_error(start: int, length: int) -> None:
    try:
        catalog = load(TEXT[:start] + TEXT[start + length :])
    except ConfigurationError:
        return
    assert all(model.tool.name for model in catalog.models.values())
