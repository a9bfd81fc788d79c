"""Credits that keys and users have spent, counted in the transactions that charge and refund.

Beside a key's or a user's record stands `spent#2026-11` for each month, with the month's credits and those of each of
its days. Where the owner has a budget, it also holds the limits, and is found by its kind.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from atelier.accounts.budgets import Budget, Spending, periods
from atelier.adapters.dynamodb.records import RecordTable, Write
from atelier.errors import BudgetExceededError

if TYPE_CHECKING:
    from atelier.accounts.api_keys import ApiKey


SPENT, SPENDING = "spent", "spending"
MONTH = "month_total"  # MONTH alone is a reserved word
KEPT_SECONDS = 70 * 86_400
MAX_LISTED = 1_000
_NEVER = "attribute_not_exists(id) AND attribute_exists(id)"
_ALWAYS = "attribute_not_exists(id) OR attribute_exists(id)"


class SpendingStore:
    """The BudgetWarnings port, and the writes that count."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def charge(self, key: "ApiKey", cost: int, now: int) -> dict[str, Write]:
        """Make the writes that count a charge, each of which fails where the charge exceeds a budget."""
        owners = {"key": (key.id, key.budget), "user": (key.user_id, key.user_budget)}
        return {owner: self._charge(owner, owner_id, budget, cost, now) for owner, (owner_id, budget) in owners.items()}

    def refund(self, key_id: str, user_id: str, cost: int, charged_at: int) -> list[Write]:
        """Make the writes that take a charge back from the day and the month in which it was made."""
        day, month = periods(charged_at)
        amounts = {MONTH: -cost, _day(day): -cost}
        return [
            self._table.addition((owner_id, f"{SPENT}#{month}"), amounts, {}, condition=_ALWAYS, values={})
            for owner_id in (key_id, user_id)
        ]

    def spent(self, owner_id: str, now: int) -> tuple[int, int]:
        """Return what an owner has spent on this day and in this month."""
        day, month = periods(now)
        record = self._table.get(owner_id, f"{SPENT}#{month}") or {}
        return int(record.get(_day(day)) or 0), int(record.get(MONTH) or 0)

    def unwarned(self, now: int) -> Iterator[Spending]:
        """List the budgets of which so much is spent in this day or month that a warning is due."""
        day, month = periods(now)
        keys = self._table.query("by-kind", ("kind", SPENDING), limit=MAX_LISTED, descending=True)
        wanted = [(str(key["id"]), f"{SPENT}#{month}") for key in keys if key["record"] == f"{SPENT}#{month}"]
        for start in range(0, len(wanted), 100):
            for record in self._table.get_many(wanted[start : start + 100]):
                for period, spent, limit in (
                    (day, record.get(_day(day)), record.get("day_limit")),
                    (month, record.get(MONTH), record.get("month_limit")),
                ):
                    if limit is None:
                        continue
                    one = Spending(str(record["id"]), str(record["owner"]), period, int(spent or 0), int(limit))
                    if one.needs_warning and record.get(_warned(period)) != int(limit):
                        yield one

    def note_warning(self, spending: Spending) -> None:
        """Note that a budget was warned of; a higher limit is warned of anew."""
        noted = self._table.change(
            (spending.owner_id, f"{SPENT}#{spending.period[:7]}"),
            {_warned(spending.period): spending.limit},
            condition="attribute_exists(id)",
            values={},
        )
        self._table.transact([noted])  # an update alone would read the record, which its caller may not

    def _charge(self, owner: str, owner_id: str, budget: Budget, cost: int, now: int) -> Write:
        day, month = periods(now)
        conditions, values = [], {}
        for name, column, limit in (("day", _day(day), budget.day), ("month", MONTH, budget.month)):
            if limit is None:
                continue
            if cost > limit:
                conditions.append(_NEVER)
                continue
            conditions.append(f"(attribute_not_exists({column}) OR {column} <= :{name}_left)")
            values[f":{name}_left"] = limit - cost
        changes: dict[str, str | int | None] = {"expires_at": now // 1_000 + KEPT_SECONDS}
        if conditions:
            changes |= {
                "kind": SPENDING,
                "created_at": _first_moment(month),
                "owner": owner,
                "day_limit": budget.day,
                "month_limit": budget.month,
            }
        return self._table.addition(
            (owner_id, f"{SPENT}#{month}"),
            {MONTH: cost, _day(day): cost},
            changes,
            condition=" AND ".join(conditions) or _ALWAYS,
            values=values,
        )


def budget_exceeded(owner: str) -> BudgetExceededError:
    """Say whose budget is spent."""
    whose = "This API key's" if owner == "key" else "This account's"
    return BudgetExceededError(f"{whose} budget for the day or the month is spent; ask the operator to raise it.")


def _day(day: str) -> str:
    return f"day_{day[8:]}"


def _warned(period: str) -> str:
    return f"warned_{period[8:] or 'month'}"


def _first_moment(month: str) -> int:
    return int(datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC).timestamp() * 1_000)
