"""Usage in the accounts table, counted in the transactions that finish generations.

Each combination of user, day, key, model and provider has SHARDS records: a crowd that finishes at once then waits less
for each other. Each shard of a month is a partition: `usage#2026-11`, in which an earlier release kept all of them,
`usage#2026-11/1` and so on. Readers add them up.
"""

from datetime import date
from typing import Any

from atelier.adapters.dynamodb.records import RecordTable, Write, readable
from atelier.generations.model import Generation
from atelier.generations.usage import COUNTS, NAMES, Usage, days_between, summed, usage_of

USAGE = "usage"
SHARDS = 8
_ALWAYS = "attribute_not_exists(id) OR attribute_exists(id)"


class UsageStore:
    """Counts what generations come to, and lists it."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def count(self, generation: Generation) -> Write:
        """Make the write that counts a generation, for the transaction that finishes it, which happens once."""
        usage = usage_of(generation)
        month, day = usage.date[:7], usage.date[8:]
        shard = int(generation.id[-2:], 16) % SHARDS
        combination = f"{usage.user_id}#{day}#{usage.key_id}#{usage.model}#{usage.provider}#{shard}"
        return self._table.addition(
            (_partition(month, shard), combination),
            {name: getattr(usage, name) for name in COUNTS},
            {name: getattr(usage, name) for name in NAMES},
            condition=_ALWAYS,
            values={},
        )

    def list(self, first: date, last: date, *, user_id: str | None = None) -> list[Usage]:
        """List the usage from one day to another, both included, of a user or of all."""
        months = sorted({day.isoformat()[:7] for day in days_between(first, last)})
        records = (
            record
            for month in months
            for shard in range(SHARDS)
            for record in self._table.get_partition(_partition(month, shard), f"{user_id}#" if user_id else "")
        )
        found = readable(records, _usage)
        wanted = (first.isoformat(), last.isoformat())
        return summed(usage for usage in found if wanted[0] <= usage.date <= wanted[1])


def _partition(month: str, shard: int) -> str:
    return f"{USAGE}#{month}/{shard}" if shard else f"{USAGE}#{month}"


def _usage(record: Any) -> Usage:
    counts: dict[str, Any] = {name: record.get(name, 0) for name in COUNTS}
    return Usage(**counts, **{name: record[name] for name in NAMES})
