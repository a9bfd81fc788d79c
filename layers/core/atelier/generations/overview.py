"""The overview: what became of the generations of some days, from the usage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from atelier.generations.usage import Usage, days_between


@dataclass(frozen=True, slots=True)
class Day:
    """How many generations succeeded, failed or were cancelled on a day (UTC)."""

    date: str
    success: int = 0
    error: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """Some days, the oldest first, and what holds for all of them; None where nothing has finished."""

    days: tuple[Day, ...]
    success_rate: float | None
    average_seconds: float | None
    credits_spent: int


def summarise(usage: Sequence[Usage], first: date, last: date) -> Overview:
    """Sum up the usage of some days; a cancelled generation is neither a success nor a failure."""
    success, error = sum(one.success for one in usage), sum(one.error for one in usage)
    milliseconds = sum(one.milliseconds for one in usage)
    return Overview(
        days=tuple(_day(usage, day.isoformat()) for day in days_between(first, last)),
        success_rate=success / (success + error) if success + error else None,
        average_seconds=round(milliseconds / success / 1_000, 3) if success else None,
        credits_spent=sum(one.credits for one in usage),
    )


def _day(usage: Sequence[Usage], day: str) -> Day:
    found = [one for one in usage if one.date == day]
    return Day(
        day,
        success=sum(one.success for one in found),
        error=sum(one.error for one in found),
        cancelled=sum(one.cancelled for one in found),
    )
