"""The overview: days, rates and times, from the usage."""

from datetime import date
from typing import Any

from atelier.api.admin_serializers import overview_document
from atelier.generations.model import CANCELLED, Status, StoredFile
from atelier.generations.overview import Day, summarise
from atelier.generations.usage import Usage, summed, usage_of
from tests.unit.fakes import a_generation

NOON = 1_767_268_800_000
"""2026-01-01, 12:00 UTC."""
DAY_MS = 86_400_000
FIRST, LAST = date(2025, 12, 31), date(2026, 1, 1)


def one(status: Status, at: int = NOON, **changes: Any) -> Usage:
    return usage_of(a_generation(status=status, created_at=at, **{"finished_at": at + 1_000, **changes}))


def test_each_day_is_counted_by_its_outcomes() -> None:
    found = [
        one(Status.SUCCESS), one(Status.SUCCESS), one(Status.ERROR), one(Status.ERROR, error=CANCELLED),
        one(Status.ERROR, NOON - DAY_MS),
    ]  # fmt: skip
    overview = summarise(summed(found), FIRST, LAST)
    assert overview.days == (
        Day("2025-12-31", success=0, error=1, cancelled=0),
        Day("2026-01-01", success=2, error=1, cancelled=1),
    )
    assert overview.success_rate == 0.5


def test_the_average_time_is_of_the_successful() -> None:
    found = [one(Status.SUCCESS, finished_at=NOON + wait) for wait in (1_000, 2_500, 5_500)]
    found.append(one(Status.ERROR, finished_at=NOON + 90_000))
    assert summarise(summed(found), FIRST, LAST).average_seconds == 3


def test_refunded_generations_cost_nothing() -> None:
    found = [one(Status.SUCCESS, cost=3), one(Status.ERROR, cost=4), one(Status.ERROR, cost=5, refunded=True)]
    assert summarise(summed(found), FIRST, LAST).credits_spent == 7


def test_a_generation_counts_on_the_day_on_which_it_finishes() -> None:
    assert one(Status.SUCCESS, NOON, finished_at=NOON + DAY_MS).date == "2026-01-02"


def test_equal_combinations_are_added_up() -> None:
    found = summed([one(Status.SUCCESS, cost=2), one(Status.ERROR), one(Status.SUCCESS, model="other")])
    assert [(usage.model, usage.success, usage.error) for usage in found] == [("other", 1, 0), ("paid", 1, 1)]


def test_without_usage_there_is_no_rate_and_no_average() -> None:
    assert overview_document(summarise([], LAST, LAST), in_progress=1, dead_letters=2) == {
        "days": [{"date": "2026-01-01", "success": 0, "error": 0, "cancelled": 0}],
        "successRate": None,
        "averageSeconds": None,
        "creditsSpent": 0,
        "inProgress": 1,
        "deadLetters": 2,
    }


def test_the_providers_prices_are_added_up_for_delivered_images() -> None:
    pictures = (StoredFile("a", "image/png", 1, "", 1, 1), StoredFile("b", "image/png", 1, "", 1, 1))
    found = [
        one(Status.SUCCESS, outputs=pictures, provider_price=25_000),
        one(Status.SUCCESS, outputs=pictures[:1], provider_price=25_000),
        one(Status.ERROR, provider_price=25_000),
    ]
    (usage,) = summed(found)
    assert usage.microdollars == 75_000
