"""Rules that put a client's input into a provider's words."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.catalog.provider_input import AUTO, STEP, Rule, nearest, plain, ratio_of, sides_of, translate
from tests.cases import each

RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5", "21:9", "9:21")
relaxed = settings(deadline=None)
sides = st.integers(64, 4_096)


def told(rule: Rule, **values: Any) -> Any:
    """Ask one rule."""
    return translate({"x": rule}, values, ()).get("x")


@pytest.mark.parametrize("value", ["", 0, False, [], "words"])
def test_a_value_comes_as_it_is(value: Any) -> None:
    assert told(Rule("seed"), seed=value) == value


@pytest.mark.parametrize("source", ["seed", "width", "height", "size", "aspect_ratio", "image_url", "image_urls"])
def test_what_was_not_said_is_left_out(source: str) -> None:
    assert translate({"x": Rule(source, RATIOS)}, {"aspect_ratio": AUTO}, ()) == {}
    assert translate({"x": Rule(source, RATIOS)}, {}, ()) == {}


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({"width": 512, "height": 768}, {"width": 512, "height": 768}),
        ({"width": 512}, {"width": 512, "height": 1024}),
        ({"height": 512}, {"width": 1024, "height": 512}),
        ({"width": 512, "aspect_ratio": "16:9"}, {"width": 512, "height": 1024}),
        ({"aspect_ratio": "1:1"}, {"width": 1024, "height": 1024}),
        ({"aspect_ratio": "9:16"}, {"width": 768, "height": 1360}),
        ({"aspect_ratio": "21:9"}, {"width": 1568, "height": 672}),
    ],
)
def test_pixels_are_those_given_or_made_of_the_ratio(values: dict[str, Any], size: dict[str, int]) -> None:
    assert told(Rule("size"), **values) == size
    assert {side: told(Rule(side), **values) for side in ("width", "height")} == size


def test_pixels_can_be_more_and_a_multiple() -> None:
    assert told(Rule("size", megapixels=4), aspect_ratio="1:1") == {"width": 2048, "height": 2048}
    assert told(Rule("size", multiple=64), width=1000, height=20) == {"width": 1024, "height": 64}


@pytest.mark.parametrize(
    ("values", "ratio", "size"),
    [
        ({"aspect_ratio": "16:9"}, "16:9", "1536x1024"),
        ({"width": 1000, "height": 1000}, "1:1", "1024x1024"),
        ({"width": 1920, "height": 1080}, "16:9", "1536x1024"),
        ({"width": 100, "height": 4000}, "9:21", "1024x1536"),
        ({"width": 1100, "height": 1024}, "1:1", "1024x1024"),
    ],
)
def test_a_provider_that_knows_a_few_shapes_is_told_the_nearest(values: dict[str, Any], ratio: str, size: str) -> None:
    assert told(Rule("aspect_ratio", RATIOS), **values) == ratio
    assert told(Rule("size", ("1024x1024", "1536x1024", "1024x1536")), **values) == size


@each("ratio", RATIOS)
def test_a_ratio_that_the_provider_knows_is_told_as_it_is(ratio: str) -> None:
    assert told(Rule("aspect_ratio", RATIOS), aspect_ratio=ratio) == ratio


@relaxed
@given(sides, sides, st.lists(st.sampled_from(RATIOS), min_size=1))
def test_no_choice_is_nearer_than_the_nearest(width: int, height: int, choices: list[str]) -> None:
    def distance(choice: str) -> float:
        return max(ratio_of(choice) / (width / height), (width / height) / ratio_of(choice))

    chosen = nearest(choices, width / height)
    assert chosen in choices
    assert all(distance(chosen) <= distance(choice) * (1 + 1e-9) for choice in choices)


@relaxed
@given(st.sampled_from(RATIOS), st.integers(1, 16))
def test_a_ratios_pixels_have_its_shape_and_its_size(ratio: str, megapixels: int) -> None:
    size = sides_of({"aspect_ratio": ratio}, megapixels)
    assert size["width"] % STEP == size["height"] % STEP == 0
    assert size["width"] / size["height"] == pytest.approx(ratio_of(ratio), rel=0.03)
    assert size["width"] * size["height"] == pytest.approx(megapixels * 1024 * 1024, rel=0.03)


@relaxed
@given(sides, sides)
def test_turning_a_picture_turns_its_shape(width: int, height: int) -> None:
    one, other = nearest(RATIOS, width / height), nearest(RATIOS, height / width)
    assert math.isclose(ratio_of(one) * ratio_of(other), 1)


def test_pictures_are_told_where_we_keep_them() -> None:
    rules = {"many": Rule("image_urls"), "one": Rule("image_url")}
    assert translate(rules, {"image_urls": ["https://client.example/a"]}, ("https://a", "https://b")) == {
        "many": ["https://a", "https://b"],
        "one": "https://a",
    }


@pytest.mark.parametrize(
    ("values", "images", "ours"),
    [
        ({"prompt": "p", "seed": None, "num_images": 2}, (), {"prompt": "p", "num_images": 2}),
        ({"aspect_ratio": "1:1"}, (), {"width": 1024, "height": 1024}),
        ({"aspect_ratio": AUTO}, (), {}),
        ({"width": 512}, (), {"width": 512}),
        ({"image_urls": ["data:image/png;base64,"]}, ("https://a",), {"image_urls": ["https://a"]}),
    ],
)
def test_a_speaker_of_our_words_is_told_pixels_and_picture_urls(
    values: dict[str, Any], images: tuple[str, ...], ours: dict[str, Any]
) -> None:
    assert plain(values, images) == ours


@each("shape", ["", "1", "1:", "wide", "1:2:3", "0:1", "1:0", "-1:1"])
def test_what_is_no_shape_is_an_error(shape: str) -> None:
    with pytest.raises(ValueError):
        ratio_of(shape)
