"""Fifty thousand pictures, of every provider that has a price, against a table that was written by hand."""

import random
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from atelier.api.admin_serializers import admin_usage_row
from atelier.catalog.model import Route, embedded
from atelier.generations.model import Status, StoredFile
from atelier.generations.usage import Usage, summed, usage_of
from atelier.providers import http_responses
from atelier.providers.bfl import DOLLARS
from atelier.providers.openai import DOLLARS_A_TOKEN
from tests.unit.fakes import NOW, a_generation

CATALOG = embedded()
PICTURES = 50_000
PNG = StoredFile("a", "image/png", 1, "", 1, 1)
TWO = ("https://a.example/1.png", "https://a.example/2.png")

TABLE: list[tuple[str, str, dict[str, Any], str, int]] = [
    # model, provider, input, US dollars a picture, credits a picture
    ("flux-schnell", "replicate", {}, "0.003", 1),
    ("flux-schnell", "fal", {}, "0.003", 1),
    ("flux-schnell", "fal", {"width": 2048, "height": 1024}, "0.006", 2),
    ("flux-schnell", "together", {}, "0.0027", 1),
    ("flux-schnell", "together", {"width": 2048, "height": 2048}, "0.0108", 4),
    ("flux-dev", "replicate", {"aspect_ratio": "16:9"}, "0.025", 3),
    ("flux-dev", "fal", {"aspect_ratio": "16:9"}, "0.025", 3),
    ("flux-dev", "fal", {"width": 1536, "height": 1024}, "0.050", 6),
    ("flux-pro", "replicate", {}, "0.04", 4),
    ("flux-pro", "fal", {"width": 1440, "height": 1440}, "0.04", 4),
    ("sd3.5-large", "stability", {}, "0.065", 8),
    ("sd3.5-large", "bedrock", {}, "0.08", 8),
    ("sd3.5-large", "replicate", {}, "0.065", 8),
    ("sd3.5-large", "fal", {"width": 2048, "height": 1024}, "0.13", 15),
    ("stable-image-core", "stability", {}, "0.03", 4),
    ("stable-image-core", "bedrock", {}, "0.04", 4),
    ("gpt-image", "openai", {"quality": "low"}, "0.006", 1),
    ("gpt-image", "openai", {"quality": "low", "aspect_ratio": "2:3"}, "0.005", 1),
    ("gpt-image", "openai", {"quality": "low", "width": 3840, "height": 2160}, "0.012", 2),
    ("gpt-image", "openai", {}, "0.053", 6),
    ("gpt-image", "openai", {"aspect_ratio": "3:2"}, "0.042", 6),
    ("gpt-image", "openai", {"width": 1536, "height": 1024}, "0.042", 6),
    ("gpt-image", "openai", {"width": 2160, "height": 3840}, "0.101", 11),
    ("gpt-image", "openai", {"quality": "high"}, "0.211", 22),
    ("gpt-image", "openai", {"quality": "high", "aspect_ratio": "3:2"}, "0.165", 22),
    ("gpt-image", "openai", {"quality": "high", "width": 3840, "height": 3840}, "0.401", 41),
    ("gpt-image-2.5", "openai", {"quality": "low"}, "0.0015", 1),
    ("gpt-image-2.5", "openai", {}, "0.0132", 2),
    ("gpt-image-2.5", "openai", {"quality": "high"}, "0.0527", 6),
    ("seedream-4", "replicate", {}, "0.03", 3),
    ("seedream-4", "fal", {"width": 4096, "height": 4096}, "0.03", 3),
    ("seedream-4.5", "fal", {"aspect_ratio": "16:9"}, "0.04", 4),
    ("seedream-4.5", "openrouter", {}, "0.04", 4),
    ("nano-banana", "gemini", {}, "0.039", 4),
    ("nano-banana", "replicate", {}, "0.039", 4),
    ("nano-banana", "fal", {}, "0.039", 4),
    ("nano-banana-2.1", "gemini", {}, "0.0336", 4),
    ("nano-banana-2.1", "gemini", {"resolution": "2K"}, "0.0504", 7),
    ("nano-banana-2.1", "gemini", {"resolution": "4K", "image_urls": TWO}, "0.1134", 14),
    ("nano-banana-2.1", "fal", {}, "0.04", 4),
    ("nano-banana-2.1", "fal", {"resolution": "4K"}, "0.134", 14),
    ("nano-banana-2", "fal", {"resolution": "0.5K"}, "0.06", 6),
    ("nano-banana-2", "fal", {}, "0.08", 8),
    ("nano-banana-2", "fal", {"resolution": "2K"}, "0.12", 12),
    ("nano-banana-2", "fal", {"resolution": "4K"}, "0.16", 16),
    ("nano-banana-pro", "gemini", {"resolution": "2K"}, "0.134", 15),
    ("nano-banana-pro", "gemini", {"resolution": "4K"}, "0.24", 30),
    ("nano-banana-pro", "fal", {}, "0.15", 15),
    ("nano-banana-pro", "fal", {"resolution": "4K"}, "0.30", 30),
    ("ideogram-v3", "ideogram", {}, "0.06", 6),
    ("ideogram-v3-inpaint", "ideogram", {"image_urls": TWO[:1]}, "0.06", 6),
    ("ideogram-v4", "ideogram", {}, "0.06", 6),
    ("ideogram-v4", "ideogram", {"width": 2048, "height": 2048}, "0.06", 6),
    ("grok-imagine", "xai", {}, "0.02", 2),
    ("recraft-v3", "recraft", {}, "0.04", 4),
    ("recraft-v3-edit", "recraft", {"image_urls": TWO[:1]}, "0.04", 4),
    ("recraft-v3-inpaint", "recraft", {"image_urls": TWO[:1]}, "0.04", 4),
    ("flux-2-pro", "bfl", {}, "0.03", 3),
    ("flux-2-pro", "bfl", {"width": 2048, "height": 2048}, "0.075", 9),
    ("flux-2-pro", "bfl", {"image_urls": TWO[:1]}, "0.045", 5),
    ("flux-2-pro", "fal", {"width": 1024, "height": 2048, "image_urls": TWO}, "0.075", 9),
    ("flux-2-pro", "replicate", {}, "0.03", 3),
    ("flux-2-pro", "replicate", {"width": 2048, "height": 2048, "image_urls": TWO[:1]}, "0.09", 11),
    ("flux-2-max", "replicate", {"width": 1024, "height": 2048}, "0.10", 10),
    ("flux-2-flex", "replicate", {"image_urls": TWO}, "0.15", 18),
    ("flux-2-max", "bfl", {"width": 2048, "height": 1024}, "0.10", 10),
    ("flux-2-max", "fal", {}, "0.07", 7),
    ("flux-2-flex", "bfl", {"width": 2048, "height": 1024}, "0.10", 12),
    ("flux-2-flex", "fal", {}, "0.05", 6),
    ("flux-2-klein", "bfl", {"width": 2048, "height": 1024}, "0.017", 3),
    ("flux-2-klein", "fal", {"image_urls": TWO[:1]}, "0.017", 3),
    ("flux-2-dev", "fal", {"width": 2048, "height": 1024, "image_urls": TWO}, "0.048", 8),
    ("flux-3", "bfl", {}, "0.048", 5),
    ("flux-3", "bfl", {"resolution": "2K"}, "0.192", 20),
    ("flux-3", "bfl", {"resolution": "4K"}, "0.768", 77),
    ("flux-3-klein", "bfl", {}, "0.009", 1),
    ("flux-kontext-pro", "replicate", {"image_urls": TWO[:1]}, "0.04", 4),
]
TOLD: list[tuple[str, str, dict[str, Any], dict[str, float], str]] = [
    # model, provider, answer, where the cost stands, US dollars for the call
    ("flux-2-pro", "bfl", {"id": "j", "cost": 4.5}, DOLLARS, "0.045"),
    ("flux-2-max", "bfl", {"id": "j", "cost": 13}, DOLLARS, "0.13"),
    ("grok-imagine", "xai", {"usage": {"cost_in_usd_ticks": 200_000_000}}, {}, "0.02"),
    ("grok-imagine", "xai", {"usage": {"cost_in_usd_ticks": 37_756_000}}, {}, "0.003776"),
    ("recraft-v3", "recraft", {"credits": 40}, {}, "0.04"),
    ("seedream-4.5", "openrouter", {"usage": {"cost": 0.0387}}, {}, "0.0387"),
    (
        "gpt-image", "openai",
        {"usage": {"input_tokens_details": {"text_tokens": 13, "image_tokens": 323}, "output_tokens": 1_756}},
        DOLLARS_A_TOKEN, "0.055329",
    ),
]  # fmt: skip


def route_of(slug: str, provider: str) -> Route:
    return next(route for route in CATALOG.model(slug).routes if route.provider == provider)


def finished(slug: str, route: Route, given: dict[str, Any], number: int, cost: int | None = None) -> Usage:
    """Dispatch, charge and count a generation as the stack does; return what it adds to the usage."""
    model, payload = CATALOG.model(slug), {"prompt": "p", "num_images": number, **given}
    sent = route.translate(payload, tuple(given.get("image_urls", ())))
    asked = a_generation(model=slug, cost=model.price(payload, (route,)))
    price = route.price_for(sent, len(given.get("image_urls", ())))
    claimed = asked.claimed(route.provider, route.model, committed=True, now=NOW, deadline=1, price=price)
    done = claimed.charged(cost)
    return usage_of(replace(done, status=Status.SUCCESS, outputs=(PNG,) * number, finished_at=NOW))


@cache
def finished_row(row: int, number: int) -> Usage:
    slug, provider, given, *_ = TABLE[row]
    return finished(slug, route_of(slug, provider), given, number)


def test_fifty_thousand_pictures_cost_what_the_table_says() -> None:
    dice = random.Random(7)
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    sold: dict[tuple[str, str], int] = defaultdict(int)
    usage, made = [], 0
    while made < PICTURES:
        if dice.random() < 0.8:
            row = dice.randrange(len(TABLE))
            slug, provider, _, dollars, credits_each = TABLE[row]
            number = dice.randint(1, 4) if "num_images" in CATALOG.model(slug).input["properties"] else 1
            usage.append(finished_row(row, number))
            expected[slug, provider] += number * Decimal(dollars)
        else:
            slug, provider, answer, units, dollars = dice.choice(TOLD)
            route, number = route_of(slug, provider), 1
            fields = route.gateway.cost if route.gateway else units
            cost = http_responses.cost(answer, fields)
            usage.append(finished(slug, route, {}, number, cost))
            expected[slug, provider] += Decimal(dollars)
            credits_each = CATALOG.model(slug).cost
        sold[slug, provider] += number * credits_each
        made += number

    rows = summed(usage)
    counted = {(row.model, row.provider): Decimal(row.microdollars) / 1_000_000 for row in rows}
    assert counted == expected
    assert {(row.model, row.provider): row.credits for row in rows} == sold
    total = sum(expected.values(), Decimal())
    shown = [admin_usage_row(row, {}, {}, CATALOG.credit_price) for row in rows]
    assert abs(Decimal(sum(row["providerDollars"] for row in shown)) - total) < Decimal("0.000001")
    margin = Decimal(sum(sold.values())) / 100 - total
    assert abs(Decimal(sum(row["marginDollars"] for row in shown)) - margin) < Decimal("0.000001")
    assert margin > 0


def test_every_price_of_the_catalog_is_in_the_table() -> None:
    text = {slug for slug, model in CATALOG.models.items() if model.tool.slug == "text-to-image"}
    priced = {(slug, route.provider) for slug in text for route in CATALOG.model(slug).routes if route.price}
    assert priced - {(slug, provider) for slug, provider, *_ in TABLE} == set()


def test_no_picture_is_sold_for_less_than_it_costs() -> None:
    for slug, provider, given, dollars, credits_each in TABLE:
        assert Decimal(credits_each) / 100 >= Decimal(dollars), (slug, provider, given)
