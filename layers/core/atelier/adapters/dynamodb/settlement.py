"""What a finished generation changes in the accounts table: the usage and, where it is refunded, credits and spending.

The functions that finish generations may do no more than this to accounts (docs/decisions.md).
"""

from atelier.adapters.dynamodb.credit_ledger import CreditLedger
from atelier.adapters.dynamodb.records import RecordTable, Write
from atelier.adapters.dynamodb.spending_store import SpendingStore
from atelier.adapters.dynamodb.usage_store import UsageStore
from atelier.generations.model import Generation


class Settlement:
    """Settles accounts, in the transactions that finish generations."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def settlement(self, generation: Generation) -> list[Write]:
        """Make the writes that a finished generation causes here, for the transaction that finishes it."""
        writes = [UsageStore(self._table).count(generation)]
        if generation.refunded and generation.cost and not generation.uncharged:
            finished_at = generation.finished_at or 0
            writes += CreditLedger(self._table).refund(generation.user_id, generation.id, generation.cost, finished_at)
            writes += SpendingStore(self._table).refund(
                generation.key_id, generation.user_id, generation.cost, generation.created_at
            )
        return writes
