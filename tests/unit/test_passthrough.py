"""Models by their providers' own names, free sizes, and models that end."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from atelier.api.admin_serializers import provider_document
from atelier.api.generation_request import parse_generation_request
from atelier.catalog.model import Catalog, embedded, endings, load, mismatches
from atelier.encoding import encode
from atelier.errors import ConfigurationError, InvalidRequestError, NotFoundError
from atelier.outbound.url_policy import UrlPolicy
from atelier.providers.registry import KINDS, Setup
from tests.cases import each
from tests.unit.fakes import InMemoryProviderKeys
from tests.unit.test_catalog import SMALL

OPEN = """
[passthrough."replicate/black-forest-labs/*"]
cost = 5
price = 0.04
[passthrough."replicate/black-forest-labs/flux-krea-dev"]
cost = 3
deadline = 60
costs = [{ megapixels = "4", image = 9 }]
prices = [{ go_fast = true, image = 0.01 }]
fixed = { output_format = "png" }
[passthrough."fal/fal-ai/*"]
cost = 4
[passthrough."comfyui/mine"]
cost = 1
workflow = '''{"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
  "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "batch_size": 1}}}'''
""".replace('costs = [{ megapixels = "4", image = 9 }]', 'costs = [{ megapixel_name = "4", image = 9 }]')
TOOL = SMALL.replace(
    'seed = { type = "integer" }',
    'seed = { type = "integer" }, image_urls = { type = "array", items = { type = "string", format = "image-url" } }',
).replace('{ name = "fal" }', '{ name = "fal", ignored = ["image_urls"] }')
INPUTS = {name: kind.inputs for name, kind in KINDS.items()}


def catalog(text: str = OPEN) -> Catalog:
    return load(TOOL + text)


def parse(model: str, given: dict[str, Any]) -> dict[str, Any]:
    return dict(parse_generation_request(encode({"model": model, "input": given}), catalog(), UrlPolicy()).input)


def test_a_model_is_asked_for_by_its_own_name_and_words() -> None:
    model = catalog().model("replicate/black-forest-labs/flux-2-pro")
    (route,) = model.routes
    assert (model.slug, model.tool.slug, model.deadline) == ("replicate/black-forest-labs/flux-2-pro", "t", 600_000)
    assert (route.provider, route.model, route.price) == ("replicate", "black-forest-labs/flux-2-pro", 40_000)
    given = {"prompt": "p", "aspect_ratio": "custom", "num_outputs": "4", "lora": {"a": [1.5, None]}, "image": None}
    sent = parse(model.slug, given)
    assert route.translate(sent) == {name: value for name, value in given.items() if value is not None}
    assert list(mismatches(catalog(), INPUTS)) == []


def test_the_name_itself_comes_before_a_pattern() -> None:
    model = catalog().model("replicate/black-forest-labs/flux-krea-dev")
    (route,) = model.routes
    assert (model.cost, model.deadline) == (3, 60_000)
    assert route.translate({"prompt": "p", "output_format": "jpg"}) == {"prompt": "p", "output_format": "png"}
    assert route.price_for({"go_fast": True}) == 10_000
    assert model.price({"megapixel_name": "4"}, model.routes) == 9


@pytest.mark.parametrize(
    "name", ["replicate/someone/else", "replicate/black-forest-labs", "openai/gpt-5", "fal/other/x"]
)
def test_what_the_operator_does_not_allow_is_unknown(name: str) -> None:
    with pytest.raises(NotFoundError, match="The models here are m"):
        catalog().model(name)


def test_a_version_of_a_model_may_be_named() -> None:
    (route,) = catalog().model(f"replicate/black-forest-labs/x:{'0' * 64}").routes
    assert route.model == f"black-forest-labs/x:{'0' * 64}"


def test_nothing_is_allowed_by_the_catalog_that_ships() -> None:
    with pytest.raises(NotFoundError):
        embedded().model("replicate/black-forest-labs/flux-2-pro")


@each(
    ("given", "credits_"),
    [
        ({}, 5),
        ({"num_outputs": 4}, 20),
        ({"num_images": "3"}, 15),
        ({"max_images": 2.0, "num_outputs": 1}, 10),
        ({"n": 0}, 5),
        ({"n": -7}, 5),
        ({"batch_size": True}, 5),
        ({"num_outputs": "many"}, 5),
        ({"num_outputs": [9]}, 5),
        ({"num_outputs": float("inf")}, 5),
        ({"steps": 50}, 5),
    ],
)
def test_each_picture_costs_whatever_its_number_is_called(given: dict[str, Any], credits_: int) -> None:
    model = catalog().model("replicate/black-forest-labs/any")
    assert model.price(given, model.routes) == credits_


def test_clients_pictures_are_stored_and_passed_on() -> None:
    (route,) = catalog().model("fal/fal-ai/flux/dev").routes
    sent = parse("fal/fal-ai/flux/dev", {"image_urls": ["https://client.example/a.png"], "image_size": "square"})
    assert route.translate(sent, ("https://ours.example/1",)) == {
        "image_urls": ["https://ours.example/1"],
        "image_size": "square",
    }
    with pytest.raises(InvalidRequestError, match="https"):
        parse("fal/fal-ai/flux/dev", {"image_urls": ["http://10.0.0.1/a.png"]})
    masked = {"image_url": "https://a.example/1.png", "mask_url": "https://a.example/2.png", "num_images": 1}
    assert parse("fal/fal-ai/flux/dev", masked) == masked


def test_a_workflows_inputs_are_its_fields() -> None:
    model = catalog().model("comfyui/mine")
    (route,) = model.routes
    given = {"6.inputs.text": "a dog", "5.inputs.batch_size": 3}
    sent = route.translate(parse("comfyui/mine", given))
    assert (sent["6"]["inputs"], sent["5"]["inputs"]) == (
        {"text": "a dog", "clip": ["4", 1]},
        {"width": 512, "batch_size": 3},
    )
    assert model.price(given, model.routes) == 3
    for wrong in ({"7.inputs.text": "x"}, {"5.inputs.width": "wide"}, {"6.inputs.clip": "4"}):
        with pytest.raises(InvalidRequestError):
            parse("comfyui/mine", wrong)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[passthrough."replicate"]\ncost = 1', "a provider's name, a slash"),
        ('[passthrough."*/x"]\ncost = 1', "a provider's name, a slash"),
        ('[passthrough."fal/x"]', "'cost' is missing"),
        ('[passthrough."comfyui/x"]\ncost = 1', "a 'workflow' is what a name of comfyui needs"),
        ('[passthrough."fal/x"]\ncost = 1\nworkflow = "{}"', "not in the API format"),
    ],
)
def test_a_broken_entry_is_said(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        catalog(text)
    assert fault in str(caught.value)


def test_only_some_providers_have_models_by_their_names() -> None:
    faults = list(mismatches(catalog('[passthrough."openai/*"]\ncost = 1'), INPUTS))
    assert faults == ["openai/*: only models of replicate, fal, comfyui can be asked for by their own names"]


# ---- Free sizes


@each(
    ("given", "size"),
    [
        ({}, "1024x1024"),
        ({"aspect_ratio": "2:3"}, "1024x1536"),
        ({"width": 1280, "height": 720}, "1280x720"),
        ({"width": 1283, "height": 717}, "1280x720"),
        ({"width": 3840, "height": 2160}, "3840x2160"),
        ({"width": 2160, "height": 3840}, "2160x3840"),
        ({"width": 3840, "height": 3840}, "2880x2880"),
        ({"width": 3840, "height": 256}, "768x256"),
        ({"width": 256, "height": 3840}, "256x768"),
        ({"width": 640}, "640x1024"),
    ],
)
def test_a_free_size_is_what_the_client_gave_within_limits(given: dict[str, Any], size: str) -> None:
    for slug in ("gpt-image", "gpt-image-2.5"):
        (route,) = embedded().model(slug).routes
        assert route.translate({"prompt": "p", **given})["size"] == size


def test_any_free_size_keeps_the_providers_rules() -> None:
    (route,) = embedded().model("gpt-image").routes
    for width in range(256, 3841, 112):
        for height in range(256, 3841, 112):
            sent = route.translate({"prompt": "p", "width": width, "height": height})
            one, other = map(int, sent["size"].split("x"))
            assert one % 16 == other % 16 == 0, sent
            assert 1 / 3 <= one / other <= 3, sent
            assert one * other <= 3_840 * 2_160, sent
            assert max(one, other) <= 3_840, sent
            assert (one > other) == (width > height) or abs(one - other) <= 16, sent


# ---- Models that end

TODAY = date(2026, 11, 26)


def ending(day: str, slug: str = "m") -> Catalog:
    return load(SMALL.replace('{ name = "fal" }', f'{{ name = "fal", model = "their-name", ends = {day} }}'))


@each(
    ("day", "said"),
    [
        ("2026-11-25", ["m at fal: their-name ended on 2026-11-25; name its successor"]),
        ("2026-11-26", ["m at fal: their-name ends on 2026-11-26; name its successor before"]),
        ("2027-01-25", ["m at fal: their-name ends on 2027-01-25; name its successor before"]),
        ("2027-01-26", []),
    ],
)
def test_the_operator_is_told_sixty_days_before(day: str, said: list[str]) -> None:
    assert [str(one) for one in endings(ending(day), TODAY)] == said


@each(
    ("day", "shown"),
    [
        (date(2027, 1, 13), []),
        (date(2027, 1, 14), [{"model": "nano-banana", "ends": "2027-03-15", "ended": False}]),
        (date(2027, 3, 16), [{"model": "nano-banana", "ends": "2027-03-15", "ended": True}]),
    ],
)
def test_the_console_is_told_sixty_days_before(day: date, shown: list[dict[str, Any]]) -> None:
    now = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)
    setup = Setup(InMemoryProviderKeys({"gemini": "k"}), {})
    document = provider_document(KINDS["gemini"], embedded(), setup, None, now)
    assert document["endings"] == [{**one, "name": "gemini-2.5-flash-image"} for one in shown]


def test_an_end_is_a_date() -> None:
    for wrong in ("'soon'", "2026-11-25T00:00:00", "7"):
        with pytest.raises(ConfigurationError, match="'ends' must be a date"):
            ending(wrong)


def test_nothing_that_ships_had_ended_when_it_was_written() -> None:
    assert endings(embedded(), TODAY) == []
    assert [one.name for one in endings(embedded(), date(2027, 3, 1))] == ["gemini-2.5-flash-image"]
    assert replace(embedded().model("nano-banana").routes[0]).ends == date(2027, 3, 15)
