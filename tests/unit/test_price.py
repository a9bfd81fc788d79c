"""What a picture costs by what was asked for, and what its provider charged."""

from dataclasses import replace
from typing import Any

import pytest

from atelier.api.admin_serializers import admin_usage_row
from atelier.catalog.model import Model, Route, load
from atelier.catalog.price import megapixels_of
from atelier.errors import ConfigurationError
from atelier.generations.model import Status, StoredFile
from atelier.generations.usage import Usage, usage_of
from atelier.providers.provider import Failed, Images, ImageUrls, Outcome, Submitted
from tests.cases import each
from tests.unit.fakes import NOW, RAW, a_generation
from tests.unit.test_catalog import SMALL
from tests.unit.test_step_dispatch import Room

PRICES = """prices = [
  { quality = "low", megapixels = 1, image = 0.006 },
  { quality = "low", image = 0.012 },
  { quality = "high", image = 0.2, megapixel = 0.05, input = 0.01 },
]"""


def route() -> Route:
    prices = " ".join(PRICES.split()).replace(", ]", " ]")
    text = SMALL.replace('{ name = "fal" }', f'{{ name = "fal", price = 0.053, {prices} }}')
    (found,) = load(text).model("m").routes
    return found


@each(
    ("sent", "inputs", "price"),
    [
        ({}, 0, 53_000),
        ({"quality": "medium", "size": "3840x2160"}, 4, 53_000),
        ({"quality": "low"}, 0, 6_000),
        ({"quality": "low", "size": "1024x1024"}, 0, 6_000),
        ({"quality": "low", "size": "1152x912"}, 0, 6_000),  # 0.2 % more, by rounding
        ({"quality": "low", "size": "1536x1024"}, 0, 12_000),
        ({"quality": "high", "size": "auto"}, 0, 200_000),
        ({"quality": "high", "width": 2048, "height": 1024}, 0, 250_000),
        ({"quality": "high", "image_size": {"width": 2048, "height": 2048}}, 2, 370_000),
        ({"quality": "high", "resolution": "4K"}, 0, 950_000),
        ({"quality": "high", "aspect_ratio": "16:9", "resolution": "2K"}, 1, 360_000),
        ({"quality": "high", "size": "16x9"}, 0, 200_000),
    ],
)
def test_the_first_line_that_holds_is_the_price(sent: dict[str, Any], inputs: int, price: int) -> None:
    assert route().price_for(sent, inputs) == price


def test_a_size_is_read_however_it_is_named() -> None:
    assert megapixels_of({"width": 1024}) == 1.0
    assert megapixels_of({"image_size": "landscape_4_3"}) == 1.0
    assert megapixels_of({"size": "1024x2048"}) == 2.0
    assert megapixels_of({"resolution": "0.5K"}) == 0.25


def test_a_clients_credits_follow_the_same_rules() -> None:
    text = SMALL.replace("cost = 3", "cost = 3\ncosts = [{ seed = 7, image = 9 }, { megapixels = 0.5, image = 1 }]")
    text = text.replace("properties = {", "properties = { width = { type = 'integer', minimum = 1 },")
    model: Model = load(text).model("m")
    paid = model.routes
    assert model.price({}, paid) == 3
    assert model.price({"seed": 7, "num_images": 4}, paid) == 36
    assert model.price({"width": 256}, paid) == 1
    assert model.price({"width": None}, paid) == 3


@pytest.mark.parametrize(
    ("prices", "fault"),
    [
        ("prices = 7", "a price list must be a list"),
        ("prices = [7]", "a price list must be a list"),
        ("prices = [{ quality = 'low' }]", "'image' is missing"),
        ("prices = [{ image = -1 }]", "a price must be a number of US dollars"),
        ("prices = [{ image = 1, megapixel = true }]", "a price must be a number of US dollars"),
        ("prices = [{ image = 1, megapixels = 0 }]", "'megapixels' must be a number above 0"),
        ("price = 1000", "a price must be a number of US dollars from 0 to 1000"),
    ],
)
def test_a_broken_price_is_said(prices: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        load(SMALL.replace('{ name = "fal" }', f'{{ name = "fal", {prices} }}'))


@each(
    ("outcome", "cost"),
    [
        (Images((RAW, RAW)), None),
        (Images((RAW,), 39_000), 39_000),
        (Images((RAW,), 0), 0),
        (ImageUrls(("https://a.example/1.png",), None, 7), 7),
        (Submitted("job-1", 45_000), 45_000),
        (Failed("No.", 5_000), 5_000),
    ],
)
def test_what_a_provider_says_it_charges_is_kept(outcome: Outcome, cost: int | None) -> None:
    there = Room(a_generation(model="at-once"), other=[outcome])
    assert there.run().provider_cost == cost


def test_told_costs_count_and_else_the_catalogs_price() -> None:
    picture = StoredFile("a", "image/png", 1, "", 1, 1)
    done = a_generation(status=Status.SUCCESS, outputs=(picture, picture), provider_price=25_000, finished_at=NOW)
    lost = replace(done, status=Status.ERROR, outputs=(), provider_cost=39_000)
    found = [done, replace(done, provider_cost=41_234), replace(done, provider_cost=0), lost]
    assert [usage_of(one).microdollars for one in found] == [50_000, 41_234, 0, 39_000]
    assert usage_of(replace(lost, provider_cost=None)).microdollars == 0


def test_a_repeated_try_forgets_what_the_first_one_cost() -> None:
    first = replace(a_generation(), provider_cost=5)
    assert first.claimed("fal", "m", committed=True, now=NOW, deadline=1).provider_cost is None


@pytest.mark.parametrize(("credits", "margin"), [(6, 0.007), (5, -0.003), (0, -0.053)])
def test_the_margin_is_credits_sold_less_what_was_charged(credits: int, margin: float) -> None:
    usage = Usage(
        date="2026-11-26", user_id="u", key_id="k", model="m", provider="fal", credits=credits, microdollars=53_000
    )
    assert admin_usage_row(usage, {}, {}, 10_000)["marginDollars"] == margin


def test_the_catalog_says_what_a_credit_is_sold_for() -> None:
    assert load(SMALL).credit_price == 10_000
    assert load("credit = 0.025\n" + SMALL).credit_price == 25_000
    with pytest.raises(ConfigurationError, match="a price must be"):
        load("credit = 'a lot'\n" + SMALL)
