"""The overview: days, rates and times."""

from typing import Any

from atelier.api.admin_serializers import overview_document
from atelier.generations.model import Generation, Status
from atelier.generations.overview import Day, first_moment, summarise
from tests.unit.fakes import a_generation

NOON = 1_767_268_800_000
"""2026-01-01, 12:00 UTC."""
DAY = 86_400_000


def one(status: Status, at: int = NOON, **changes: Any) -> Generation:
    return a_generation(status=status, created_at=at, **changes)


def test_the_days_begin_at_midnight_and_end_today() -> None:
    assert first_moment(1, NOON) == NOON - DAY // 2
    assert first_moment(3, NOON) == NOON - DAY // 2 - 2 * DAY
    assert [day.date for day in summarise([], days=3, now=NOON).days] == ["2025-12-30", "2025-12-31", "2026-01-01"]


def test_each_day_is_counted_by_what_became_of_it() -> None:
    found = [
        one(Status.SUCCESS), one(Status.SUCCESS), one(Status.ERROR), one(Status.PENDING), one(Status.PROCESSING),
        one(Status.UPLOADING), one(Status.ERROR, NOON - DAY),
    ]  # fmt: skip
    overview = summarise(found, days=2, now=NOON)
    assert overview.days == (
        Day("2025-12-31", success=0, error=1, other=0),
        Day("2026-01-01", success=2, error=1, other=3),
    )
    assert overview.success_rate == 0.5


def test_the_median_is_of_what_succeeded() -> None:
    found = [one(Status.SUCCESS, finished_at=NOON + wait) for wait in (1_000, 2_500, 90_000)]
    found.append(one(Status.ERROR, finished_at=NOON + 1))
    assert summarise(found, days=1, now=NOON).median_seconds == 2.5


def test_what_failed_cost_nothing() -> None:
    found = [one(Status.SUCCESS, cost=3), one(Status.PROCESSING, cost=4), one(Status.ERROR, cost=5)]
    assert summarise(found, days=1, now=NOON).credits_spent == 7


def test_of_nothing_there_is_no_rate_and_no_median() -> None:
    assert overview_document(summarise([], days=1, now=NOON), 2) == {
        "days": [{"date": "2026-01-01", "success": 0, "error": 0, "other": 0}],
        "successRate": None,
        "medianSeconds": None,
        "creditsSpent": 0,
        "deadLetters": 2,
    }
