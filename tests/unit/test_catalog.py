"""The catalog that ships, an operator's own, and broken ones."""

import ast
import json
import re
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.catalog.input_validation import IMAGE_URL, Formats, check
from atelier.catalog.model import (
    DEFAULT_CONCURRENCY,
    EMBEDDED,
    OUTPUT,
    SKETCH,
    Model,
    Route,
    embedded,
    load,
    mismatches,
)
from atelier.catalog.provider_input import Rule
from atelier.catalog.serializer import input_schema
from atelier.clock import MINUTE, SECOND
from atelier.errors import ConfigurationError, NotFoundError
from atelier.providers.registry import KINDS, kinds
from tests.cases import each

CATALOG = embedded()
MODELS = list(CATALOG.models.values())
TEXT = EMBEDDED.read_text(encoding="utf-8")
INPUTS = {name: kind.inputs for name, kind in KINDS.items()}
SMALL = """
[tools.t]
name = "T"
description = "A tool."
type = "image"
input = { type = "object", properties = { prompt = { type = "string" }, seed = { type = "integer" } } }
[models.m]
name = "M"
description = "A model."
tool = "t"
deadline = 60
cost = 3
providers = [{ name = "fal" }]
"""
SQUARE = 'aspect_ratio = { type = "string", enum = ["1:1", "2:1"], default = "1:1" }'
each_model = pytest.mark.parametrize(
    "model",
    [one for model in MODELS for one in (model, *model.variants)],
    ids=lambda one: f"{one.slug}-{one.tool.slug}",
)
TEXT_TO_IMAGE = CATALOG.tool("text-to-image")
TOOLS = ["edit-image", "inpaint", "outpaint", "upscale", "remove-background", "erase"]
ANY_URL: Formats = {IMAGE_URL: lambda _: None}
URL = "https://example.com/a.png"


def needed(model: Model) -> dict[str, Any]:
    """Return the least that a model takes."""
    given = {"prompt": "a cat", "image_urls": [URL], "mask_url": URL, "left": 8}
    names = {*model.input["required"], *model.input.get("atLeastOne", ())}
    return {name: value for name, value in given.items() if name in names}


def small(*, model: str = "", route: str = "", tool: str = "") -> str:
    """Write a small catalog, with more said of the model, its one route or its tool's properties."""
    text = SMALL.replace('{ name = "fal" }', f'{{ name = "fal"{route and ", " + route} }}')
    return text.replace("cost = 3", f"cost = 3\n{model}").replace(
        '{ type = "integer" }', f'{{ type = "integer" }}{tool and ", " + tool}'
    )


def route_of(text: str) -> Route:
    """Return the one route of a small catalog."""
    (route,) = load(text).model("m").routes
    return route


# ---- What ships ------------------------------------------------------------------------------------------------------


def test_these_models_ship() -> None:
    assert set(CATALOG.models) >= {
        *("playground-v2", "sketch", "flux-schnell", "flux-dev", "flux-pro", "sdxl", "sd3.5-large"),
        *("stable-image-core", "gpt-image", "seedream-4", "nano-banana"),
    }


def test_the_catalog_and_the_providers_fit() -> None:
    assert list(mismatches(CATALOG, INPUTS)) == []


def test_every_provider_serves_a_model() -> None:
    assert {route.provider for model in MODELS for route in model.routes} == set(kinds(CATALOG))


def test_the_missions_model_is_artificial_studios_else_sketchs() -> None:
    studio, sketch = CATALOG.model("playground-v2").routes
    assert (studio.provider, studio.model, studio.fallback) == ("artificial-studio", "playground-v2", False)
    assert (sketch.provider, sketch.fallback) == ("sketch", True)


def test_only_the_catalog_knows_the_providers_models() -> None:
    names = {name for model in MODELS for route in model.routes for name in (route.model, route.edit) if name}
    strange = {name for name in names if re.search(r"[/.:]", name)}
    assert len(strange) > 15
    for path in EMBEDDED.parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not said & strange, path


@each_model
def test_a_model_is_whole(model: Model) -> None:
    assert CATALOG.model(model.slug, model.tool.slug) is model
    assert model.name
    assert model.description.endswith(".")
    assert 30 * SECOND <= model.deadline <= 60 * MINUTE
    assert model.tool.type in {"image", "video", "audio", "text", "object"}
    assert model.input["required"] == (["prompt"] if model.tool is TEXT_TO_IMAGE else model.tool.input["required"])
    assert check(model.input, needed(model), path="input", formats=ANY_URL) == []


@each_model
def test_a_field_can_be_shown_and_its_default_is_valid(model: Model) -> None:
    properties = model.input["properties"]
    for name, field in properties.items():
        assert field["label"], name
        assert field["description"], name
        assert field.get("optional", False) is (name not in model.input["required"]), name
    defaults = {name: field["default"] for name, field in properties.items() if "default" in field}
    assert check(model.input, {**defaults, **needed(model)}, path="input", formats=ANY_URL) == []


@each_model
def test_a_model_costs_something_unless_it_is_sketched(model: Model) -> None:
    assert model.cost > 0 or all(route.provider == SKETCH for route in model.routes)


def inputs_of(model: Model) -> st.SearchStrategy[dict[str, Any]]:
    """Make valid inputs of a model."""

    def values(field: dict[str, Any]) -> st.SearchStrategy[Any]:
        match field:
            case {"enum": choices}:
                return st.sampled_from(choices)
            case {"type": "integer", "minimum": least, "maximum": most}:
                return st.integers(least, most)
            case {"type": "array", "minItems": least, "maxItems": most, "items": {"format": "image-url"}}:
                return st.lists(st.just("https://example.com/a.png"), min_size=least, max_size=most)
        if field.get("format") == "image-url":
            return st.just("https://example.com/mask.png")
        assert field["type"] == "string"
        # Hypothesis also draws strings that it finds in the code, so a prompt may be the name of the pictures' host
        return st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and "example.com" not in text)

    properties = model.input["properties"]
    required = {name: values(field) for name, field in properties.items() if name in model.input["required"]}
    optional = {name: st.none() | values(field) for name, field in properties.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional).filter(
        lambda given: not check(model.input, given, path="input", formats={IMAGE_URL: lambda _: None})
    )


@each_model
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_whatever_is_valid_can_be_asked_of_every_provider(model: Model, data: st.DataObject) -> None:
    given = data.draw(inputs_of(model))
    images = tuple(f"https://files.example/{number}" for number, _ in enumerate(given.get("image_urls") or ()))
    mask = "https://files.example/mask" if given.get("mask_url") else None
    for route in model.routes:
        sent = route.translate(given, images, mask)
        if route.workflow is not None:
            assert set(sent) == set(route.workflow)
            assert given["prompt"] in [node["inputs"].get("text") for node in sent.values()]
            continue
        assert set(sent) <= kinds(CATALOG)[route.provider].inputs | route.ignored
        assert sent.get("prompt") == given.get("prompt")
        assert None not in sent.values()
        assert "example.com" not in str(sent)
        assert route.translate(given, images, mask) == sent


@each(
    ("slug", "provider", "given", "sent"),
    [
        ("flux-schnell", "replicate", {}, {"aspect_ratio": "1:1", "num_outputs": 1, "output_format": "png"}),
        (
            "flux-schnell",
            "fal",
            {"aspect_ratio": "16:9", "num_images": 2, "seed": 7},
            {"image_size": {"width": 1360, "height": 768}, "num_images": 2, "seed": 7, "output_format": "png"},
        ),
        ("flux-pro", "replicate", {"width": 1440, "height": 800}, {"aspect_ratio": "16:9", "output_format": "png"}),
        (
            "sdxl",
            "replicate",
            {"width": 1001, "height": 700, "negative_prompt": "dogs"},
            {"width": 1000, "height": 704, "num_outputs": 1, "negative_prompt": "dogs"},
        ),
        ("sdxl", "automatic1111", {"aspect_ratio": "2:3"}, {"width": 832, "height": 1248, "batch_size": 1}),
        (
            "gpt-image",
            "openai",
            {"aspect_ratio": "2:3", "num_images": 3},
            {"size": "1024x1536", "n": 3, "quality": "medium", "output_format": "png"},
        ),
        ("stable-image-core", "bedrock", {"width": 2048}, {"aspect_ratio": "16:9", "output_format": "png"}),
        ("seedream-4", "replicate", {"seed": 7}, {"size": "2K"}),
        ("flux-2-pro", "replicate", {}, {"output_format": "png"}),
        (
            "flux-2-max",
            "replicate",
            {"width": 1000, "height": 700, "seed": 7},
            {"aspect_ratio": "custom", "width": 992, "height": 704, "seed": 7, "output_format": "png"},
        ),
        ("ideogram-v4", "ideogram", {}, {"rendering_speed": "DEFAULT"}),
        (
            "ideogram-v4",
            "ideogram",
            {"width": 1800, "height": 1000},
            {"resolution": "2560x1440", "rendering_speed": "DEFAULT"},
        ),
        ("seedream-4", "fal", {"aspect_ratio": "16:9"}, {"image_size": {"width": 2736, "height": 1536}}),
        ("playground-v2", "artificial-studio", {"width": None, "seed": 0}, {"seed": 0}),
        ("playground-v2", "sketch", {"aspect_ratio": "3:2"}, {"width": 1248, "height": 832}),
    ],
)  # fmt: skip
def test_a_provider_gets_its_own_words(slug: str, provider: str, given: dict[str, Any], sent: dict[str, Any]) -> None:
    (route,) = (route for route in CATALOG.model(slug).routes if route.provider == provider)
    assert route.translate({"prompt": "p", **given}) == {"prompt": "p", **sent}


@pytest.mark.parametrize(
    ("slug", "provider", "field", "model"),
    [
        ("nano-banana", "replicate", "image_input", "google/nano-banana"),
        ("nano-banana", "fal", "image_urls", "fal-ai/nano-banana/edit"),
        ("seedream-4", "fal", "image_urls", "fal-ai/bytedance/seedream/v4/edit"),
        ("gpt-image", "openai", None, "gpt-image-2"),
    ],
)
def test_pictures_go_where_the_provider_looks_for_them(slug: str, provider: str, field: str | None, model: str) -> None:
    (route,) = (route for route in CATALOG.model(slug).routes if route.provider == provider)
    given = {"prompt": "p", "image_urls": ["https://client.example/a.png", "data:image/png;base64,AAAA"]}
    sent = route.translate(given, ("https://ours.example/1", "https://ours.example/2"))
    assert route.model_for(given) == model
    assert "client.example" not in str(sent)
    assert sent.get(field or "") == (["https://ours.example/1", "https://ours.example/2"] if field else None)


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ({}, {"aspect_ratio": "match_input_image"}),
        ({"aspect_ratio": "auto"}, {"aspect_ratio": "match_input_image"}),
        ({"aspect_ratio": "1:1"}, {"aspect_ratio": "custom", "width": 1024, "height": 1024}),
    ],
)
def test_a_given_picture_keeps_its_shape_unless_one_is_named(given: dict[str, Any], shape: dict[str, Any]) -> None:
    (route,) = (route for route in CATALOG.model("flux-2-pro").routes if route.provider == "replicate")
    picture = "https://ours.example/1"
    sent = route.translate({"prompt": "p", "image_urls": ["https://client.example/a.png"], **given}, (picture,))
    assert sent == {"prompt": "p", "input_images": [picture], "output_format": "png", **shape}


def test_without_pictures_the_model_has_its_own_name() -> None:
    *_, fal = CATALOG.model("nano-banana").routes
    assert [fal.model_for({}), fal.model_for({"image_urls": None})] == ["fal-ai/nano-banana"] * 2


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_has_two_providers_and_sketch(tool: str) -> None:
    models = CATALOG.models_of(CATALOG.tool(tool))
    providers = {route.provider for model in models for route in model.routes} - {SKETCH}
    assert len(providers) >= 2
    assert models[-1].slug == SKETCH
    assert all(model.tool.slug == tool for model in models)
    assert "image_urls" in models[0].input["required"]


def test_a_model_of_several_tools_has_the_inputs_of_each() -> None:
    sketch = CATALOG.model("sketch", "upscale")
    assert [name for name in sketch.input["properties"] if name not in OUTPUT] == ["image_urls", "factor", "seed"]
    assert sketch.input["required"] == ["image_urls"]
    assert CATALOG.model("sketch", "none") is CATALOG.model("sketch")
    assert "factor" not in CATALOG.model("sketch").input["properties"]


@each(
    ("quality", "cost", "price"), [(None, 12, 53_000), ("low", 2, 6_000), ("medium", 12, 53_000), ("high", 44, 211_000)]
)
def test_quality_reaches_who_has_it_and_costs(quality: str | None, cost: int, price: int) -> None:
    model = CATALOG.model("gpt-image")
    given = {"prompt": "p", "num_images": 2, "quality": quality, "output_format": "webp", "background": "transparent"}
    sent = model.routes[0].translate(given)
    assert (sent["quality"], sent["output_format"], sent["background"]) == (quality or "medium", "png", "transparent")
    assert (model.price(given, model.routes), model.routes[0].price_for(sent)) == (cost, price)


def test_one_of_several_must_be_described() -> None:
    told = SMALL.replace('input = { type = "object"', 'input = { type = "object", atLeastOne = ["x"]')
    with pytest.raises(ConfigurationError, match="'x' is one of 'atLeastOne', but not described"):
        load(told)
    assert CATALOG.model("fal-outpaint").input["atLeastOne"] == ["left", "top", "right", "bottom"]


def test_an_edit_keeps_the_shape_of_its_picture() -> None:
    as_edit, at_all = CATALOG.model("gpt-image", "edit-image"), CATALOG.model("gpt-image")
    assert "size" not in as_edit.routes[0].translate({"prompt": "p"}, ("u/1",))
    assert as_edit.routes[0].translate({"prompt": "p", "aspect_ratio": "2:3"})["size"] == "1024x1536"
    assert at_all.routes[0].translate({"prompt": "p"})["size"] == "1024x1024"


def test_clients_see_a_whole_number_as_int() -> None:
    shown = input_schema(CATALOG.model("sketch", "upscale").input)
    assert shown["properties"]["factor"]["type"] == "int"
    assert shown["properties"]["image_urls"]["type"] == "array"
    for model in MODELS:
        assert '"integer"' not in json.dumps(input_schema(model.input))


def test_a_tools_output_is_taken_by_each_of_its_models() -> None:
    told = small(tool="quality = { type = 'string' }", model="input = { prompt = {} }").replace(
        'type = "image"', 'type = "image"\noutput = ["quality"]'
    )
    model = load(told).model("m")
    assert list(model.input["properties"]) == ["prompt", "quality"]
    assert model.routes[0].translate({"prompt": "p", "quality": "low"}) == {"prompt": "p"}
    assert list(mismatches(load(told), INPUTS)) == []
    with pytest.raises(ConfigurationError, match="its output has seed; it may have background"):
        load(told.replace('["quality"]', '["seed"]'))


def test_a_tool_shares_descriptions_and_may_change_them() -> None:
    shared = "[inputs]\nprompt = { type = 'string', label = 'Words' }\n" + SMALL.replace(
        'prompt = { type = "string" }', "prompt = { label = 'Text' }"
    )
    assert load(shared).tool("t").input["properties"]["prompt"] == {"type": "string", "label": "Text"}


@each(
    ("slug", "provider", "given", "sent"),
    [
        ("flux-fill-pro", "fal", {"prompt": "p"}, {"prompt": "p", "image_url": "u/1", "mask_url": "u/m"}),
        ("flux-fill-pro", "replicate", {"prompt": "p"}, {"prompt": "p", "image": "u/1", "mask": "u/m"}),
        ("stable-image-outpaint", "stability", {"left": 3, "top": 4}, {"left": 3, "up": 4}),
        ("fal-outpaint", "fal", {"right": 9}, {
            "image_url": "u/1", "expand_left": 0, "expand_top": 0, "expand_right": 9, "expand_bottom": 0,
        }),
        ("flux-fill-pro", "bfl", {"prompt": "p"}, {"prompt": "p", "image": "u/1", "mask": "u/m"}),
        ("flux-kontext-pro", "bfl", {"prompt": "p"}, {"prompt": "p", "input_image": "u/1"}),
        ("flux-expand-pro", "bfl", {"top": 9}, {"image": "u/1", "top": 9}),
        ("stable-image-upscale", "bedrock", {"factor": 4}, {}),
        ("seedvr-upscale", "fal", {"factor": 3}, {"image_url": "u/1", "upscale_factor": 3, "upscale_mode": "factor"}),
        ("stable-image-erase", "stability", {"seed": 5}, {"seed": 5}),
    ],
)  # fmt: skip
def test_a_tools_provider_gets_its_own_words(
    slug: str, provider: str, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    (route,) = (route for route in CATALOG.model(slug).routes if route.provider == provider)
    payload = {"image_urls": [URL], "mask_url": URL, **given}
    assert route.translate(payload, ("u/1",), "u/m") == {**sent, "output_format": "png"}


# ---- Who can be asked, and for how much ------------------------------------------------------------------------------

PAID, FREE = Route("replicate", "a"), Route(SKETCH, SKETCH, fallback=True)
MODEL = replace(CATALOG.model("flux-dev"), routes=(PAID, Route("fal", "b"), FREE), cost=3)


@pytest.mark.parametrize(
    ("ready", "usable", "price"),
    [
        ({"replicate", "fal", "sketch"}, ["replicate", "fal"], 6),
        ({"fal", "sketch"}, ["fal"], 6),
        ({"sketch"}, ["sketch"], 0),
        (set(), [], 6),
    ],
)
def test_a_stand_in_serves_where_nobody_else_can_and_is_free(ready: set[str], usable: list[str], price: int) -> None:
    routes = MODEL.usable(lambda route: route.provider in ready, test=False)
    assert [route.provider for route in routes] == usable
    assert MODEL.price({"num_images": 2}, routes) == price


def test_a_test_key_gets_a_sketch_for_nothing() -> None:
    routes = MODEL.usable(lambda _: True, test=True)
    assert [route.provider for route in routes] == [SKETCH]
    assert MODEL.price({"num_images": 2}, routes) == 0
    assert routes[0].translate({"prompt": "p", "aspect_ratio": "1:1"}) == {"prompt": "p", "width": 1024, "height": 1024}


@pytest.mark.parametrize(("given", "price"), [({}, 3), ({"num_images": None}, 3), ({"num_images": 4}, 12)])
def test_each_picture_costs(given: dict[str, Any], price: int) -> None:
    assert MODEL.price(given, (PAID,)) == price


def test_an_unknown_model_is_told_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match=r"sketch, playground-v2.*'dall-e'") as caught:
        CATALOG.model("dall-e")
    (fault,) = caught.value.errors
    assert (fault.field, fault.code) == ("model", "unknown_model")


# ---- An operator's own -----------------------------------------------------------------------------------------------


def test_a_deadline_is_given_in_seconds_and_kept_in_milliseconds() -> None:
    assert load(SMALL).model("m").deadline == 60_000


def test_a_route_may_rename_a_model() -> None:
    renamed = SMALL.replace('{ name = "fal" }', '{ name = "p", model = "x" }, { name = "q" }')
    assert [(route.provider, route.model) for route in load(renamed).model("m").routes] == [("p", "x"), ("q", "m")]


def test_a_provider_has_so_many_places() -> None:
    catalog = load(SMALL + "[providers]\nfal = { concurrency = 2 }")
    assert (catalog.concurrency_of("fal"), catalog.concurrency_of("other")) == (2, DEFAULT_CONCURRENCY)


def test_a_model_takes_what_it_picks_and_narrows() -> None:
    model = load(small(model="input = { seed = { maximum = 9 }, style = { type = 'string' } }")).model("m")
    assert model.input["properties"] == {"seed": {"type": "integer", "maximum": 9}, "style": {"type": "string"}}
    assert model.tool.input["properties"] == {"prompt": {"type": "string"}, "seed": {"type": "integer"}}
    assert [error.code for error in check(model.input, {"seed": 10, "prompt": "p"}, path="input")] == [
        "too_large",
        "unknown_field",
    ]


def test_fields_stand_in_the_tools_order() -> None:
    for order in permutations(("prompt", "seed", "style")):
        fields = ", ".join(f"{name} = {{ type = 'string' }}" for name in order)
        assert list(load(small(model=f"input = {{ {fields} }}")).model("m").input["properties"]) == [
            "prompt",
            "seed",
            "style",
        ]


def test_a_mapping_may_say_what_the_provider_allows() -> None:
    size = "{ from = 'size', choices = ['1x1', '2x1'], multiple = 8, megapixels = 2 }"
    route = route_of(small(route=f"input = {{ a = 'prompt', b = {size} }}"))
    assert route.input == {"a": Rule("prompt"), "b": Rule("size", ("1x1", "2x1"), 8, 2)}


def test_an_aspect_ratio_is_one_of_the_models_own() -> None:
    route = route_of(small(route="input = { shape = 'aspect_ratio' }", tool=SQUARE))
    assert route.input == {"shape": Rule("aspect_ratio", ("1:1", "2:1"))}


@each(
    ("text", "fault"),
    [
        (small(route="input = { prompt = 'prompt', seed = 'seed' }"), None),
        (small(route="input = { prompt = 'prompt', sed = 'seed' }"), "m at fal: it takes no sed"),
        (small(route="input = { prompt = 'prompt' }"), "m at fal: nothing is made of seed"),
        (small(route="input = { prompt = 'prompt' }, ignored = ['seed']"), None),
        (small(route="input = { prompt = 'prompt' }, attached = ['seed']"), None),
        (small(route="fixed = { stile = 'x' }"), "m at fal: it takes no stile"),
        (small(tool="x = { type = 'string' }"), "m at fal: it takes no x"),
        (small(tool="x = { type = 'string' }", route="ignored = ['x']"), None),
        (SMALL.replace('"fal"', '"fa"'), "m at fa: there is no such provider; known are"),
        (SMALL.replace('"fal"', '"stability"').replace("seed", "width"), "m at stability: it takes no height, width"),
    ],
)
def test_what_does_not_fit_a_provider_is_said(text: str, fault: str | None) -> None:
    text = text.replace('width = { type = "integer" }', 'width = { type = "integer", minimum = 1 }')
    found = list(mismatches(load(text), INPUTS))
    assert len(found) == (fault is not None)
    assert all(line.startswith(str(fault)) for line in found)


def test_a_shape_reaches_who_takes_pixels_only_by_both_sides() -> None:
    given = small(route="input = { prompt = 'prompt', seed = 'seed', width = 'width' }", tool=SQUARE)
    assert list(mismatches(load(given), INPUTS)) == []
    shaped = given.replace('type = "integer" }', "type = \"integer\" }, height = { type = 'integer', minimum = 1 }", 1)
    assert list(mismatches(load(shaped), INPUTS)) == [
        "m at fal: nothing is made of height; map it, or list it as ignored"
    ]


@each(
    ("text", "words"),
    [
        ("", "'tools' is missing"),
        ("not toml", "Expected"),
        ("[tools]", "'models' is missing"),
        ("[models]", "'tools' is missing"),
        ("tools = 1\nmodels = 2", "items"),
        ("tools = []\nmodels = []", "items"),
        ("[tools.t]\n[models]", "t: 'name' is missing"),
        ("models = {}\n[tools]\nt = 7", "t: "),
        *[(SMALL.replace(line, ""), "is missing") for line in SMALL.splitlines() if " = " in line],
        (SMALL.replace('tool = "t"', 'tool = "other"'), "m: 'other' is missing, or not known"),
        (SMALL.replace('tool = "t"', "tool = []"), "m: "),
        (SMALL.replace('[{ name = "fal" }]', '["p"]'), "m: "),
        (SMALL.replace('[{ name = "fal" }]', "7"), "m: "),
        (SMALL.replace('{ name = "fal" }', '{ model = "p" }'), "m: 'name' is missing"),
        (SMALL.replace("60", "{}"), "m: {} is not a whole number from 1 on"),
        (SMALL.replace("60", "0"), "m: 0 is not a whole number from 1 on"),
        (SMALL.replace("cost = 3", "cost = -1"), "m: -1 is not a whole number from 0 on"),
        (SMALL.replace("cost = 3", "cost = true"), "m: True is not"),
        (SMALL + "[providers.fal]", "fal: 'concurrency' is missing"),
        (small(tool="x = {}"), "t: 'x' has no type"),
        (small(tool="x = { type = 'text' }"), "t: 'x' has no type"),
        (small(tool="x = { type = 'integer', minimun = 1 }"), "t: 'x' has a 'minimun' that means nothing"),
        (small(tool="x = { type = 'integer', minimum = '1' }"), "t: 'x' has a 'minimum' that means nothing"),
        (small(tool="x = { type = 'string', format = 'email' }"), "t: 'x' has a 'format' that means nothing"),
        (small(tool="x = { type = 'string', excludes = ['y'] }"), "t: 'x' excludes 'y', which is not there"),
        (small(tool="x = { type = 'string', requires = ['y'] }"), "t: 'x' requires 'y', which is not there"),
        (small(tool="x = { type = 'array' }"), "t: 'x.items' has no type"),
        (small(tool="x = { type = 'integer', default = 'a' }"), "t: the default of 'x' is not valid"),
        (small(tool="width = { type = 'integer' }"), "t: 'width' must be an integer with a minimum"),
        (small(tool="num_images = { type = 'string' }"), "t: 'num_images' must be an integer"),
        (small(tool="aspect_ratio = { type = 'string' }"), "t: 'enum' is missing"),
        (small(tool="aspect_ratio = { type = 'string', enum = ['wide'] }"), "t: "),
        (small(tool="aspect_ratio = { type = 'string', enum = ['0:1'] }"), "t: "),
        (small(model="input = { x = {} }"), "m: 'x' has no type"),
        (small(route="input = { a = { form = 'prompt' } }"), "m: a rule has form"),
        (
            small(route="input = { a = { from = 'prompt', sized = 7 } }"),
            "m: a provider's word for a shape must be text",
        ),
        (small(route="input = { a = { choices = ['1:1'] } }"), "m: 'from' is missing"),
        (small(route="input = { a = 7 }"), "m: "),
        (small(route="input = { a = { from = 'size', choices = ['big'] } }"), "m: "),
        (small(route="input = { a = { from = 'width', multiple = 0 } }"), "m: 0 is not"),
        (small(route="input = { a = 'aspect_ratio' }"), "m: 'aspect_ratio' is missing"),
    ],
)
def test_a_broken_catalog_is_one_error_that_says_where(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match="catalog") as caught:
        load(text)
    assert words in str(caught.value)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(TEXT)), st.integers(0, 200))
def test_a_catalog_with_a_hole_is_whole_or_one_error(start: int, length: int) -> None:
    try:
        catalog = load(TEXT[:start] + TEXT[start + length :])
    except ConfigurationError:
        return
    assert all(model.tool.name for model in catalog.models.values())
