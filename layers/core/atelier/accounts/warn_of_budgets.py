"""Warn the operator of budgets that are nearly spent."""

from collections.abc import Callable
from dataclasses import dataclass

from atelier.accounts.budgets import Spending
from atelier.accounts.ports import BudgetWarnings, WarningTopic


@dataclass(frozen=True, slots=True, kw_only=True)
class WarnOfBudgets:
    """Publishes one message for each budget and period; a repeated one has the same id."""

    spending: BudgetWarnings
    topic: WarningTopic
    clock: Callable[[], int]

    def __call__(self) -> list[Spending]:
        """Publish what is to be warned of and was not yet, and return it.

        Published first and noted second: a run that dies between the two is repeated.
        """
        warned = []
        for spending in self.spending.unwarned(self.clock()):
            self.topic.publish(_document(spending), {"event": "budget.warning"})
            self.spending.note_warning(spending)
            warned.append(spending)
        return warned


def _document(spending: Spending) -> dict[str, str | int]:
    return {
        "event": "budget.warning",
        "id": f"budget_{spending.owner_id}_{spending.period}",
        "owner": spending.owner,
        "ownerId": spending.owner_id,
        "period": spending.period,
        "spent": spending.spent,
        "limit": spending.limit,
    }
