"""The overview: what became of the newest generations, day by day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from atelier.generations.model import Generation, Status

MAX_COUNTED = 1_000
"""The newest generations that an overview counts."""


@dataclass(frozen=True, slots=True)
class Day:
    """How many generations of a day (UTC) succeeded, failed, or are on their way."""

    date: str
    success: int
    error: int
    other: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Some days, the oldest first, and what holds of all of them; None where nothing has finished."""

    days: tuple[Day, ...]
    success_rate: float | None
    median_seconds: float | None
    credits_spent: int


def first_moment(days: int, now: int) -> int:
    """Say when the first of so many days began, of which the last is today."""
    today = datetime.fromtimestamp(now / 1_000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days=days - 1)).timestamp() * 1_000)


def summarise(generations: Sequence[Generation], *, days: int, now: int) -> Overview:
    """Count generations; those that failed cost nothing."""
    start = datetime.fromtimestamp(first_moment(days, now) / 1_000, UTC)
    dates = [(start + timedelta(days=number)).date().isoformat() for number in range(days)]
    counts = Counter((_date(item.created_at), item.status) for item in generations)
    totals = Counter(item.status for item in generations)
    finished = totals[Status.SUCCESS] + totals[Status.ERROR]
    seconds = [
        (item.finished_at - item.created_at) / 1_000
        for item in generations
        if item.status is Status.SUCCESS and item.finished_at is not None
    ]
    unfinished = [status for status in Status if not status.final]
    return Overview(
        days=tuple(
            Day(
                date,
                success=counts[date, Status.SUCCESS],
                error=counts[date, Status.ERROR],
                other=sum(counts[date, status] for status in unfinished),
            )
            for date in dates
        ),
        success_rate=totals[Status.SUCCESS] / finished if finished else None,
        median_seconds=round(median(seconds), 3) if seconds else None,
        credits_spent=sum(item.cost for item in generations if item.status is not Status.ERROR),
    )


def _date(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).date().isoformat()
