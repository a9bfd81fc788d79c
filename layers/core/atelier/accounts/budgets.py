"""Budgets: how many credits an API key or a user may spend on a day and in a month, both in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime

WARN_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits in credits; None means that there is none."""

    day: int | None = None
    month: int | None = None


NO_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Spending:
    """The credits that an owner (a key or a user) has spent of its limit, in a day or a month."""

    owner_id: str
    owner: str
    period: str
    spent: int
    limit: int

    @property
    def needs_warning(self) -> bool:
        """Tell whether so much of the limit is spent that the operator is to know."""
        return self.spent * 100 >= self.limit * WARN_PERCENT


def periods(at: int) -> tuple[str, str]:
    """Return the UTC day and month of a time, as `2026-11-25` and `2026-11`."""
    day = datetime.fromtimestamp(at / 1_000, UTC).date().isoformat()
    return day, day[:7]
