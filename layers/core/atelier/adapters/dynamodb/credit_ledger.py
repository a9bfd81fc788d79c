"""Credits: charges when generations are accepted, refunds when they fail, top-ups, and the ledger of all three.

A change of a user's balance and its entry in the ledger are one transaction. Both are under the user's id in the
accounts table.
"""

from typing import Any

from atelier.accounts.credits import LedgerEntry
from atelier.adapters.dynamodb.records import Record, RecordTable, Write, readable
from atelier.errors import RefusedWritesError, UnavailableError

USER, LEDGER = "user", "ledger"
CHARGE, REFUND, TOP_UP = "charge", "refund", "top-up"
METERING, BEGUN, READY = "metering", "begun", "ready"
"""How far a user is on the way to being metered: no new key charges nothing, and then no key does."""


class NotReadyError(Exception):
    """A user cannot be topped up yet."""


class CreditLedger:
    """Changes balances, and lists the changes."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def charge(self, user_id: str, generation_id: str, cost: int, now: int) -> list[Write]:
        """Make the writes that take credits, for a transaction; the first fails where there are not enough."""
        taken = self._table.addition(
            (user_id, USER),
            {"balance": -cost},
            {},
            condition="unmetered = :yes OR balance >= :cost",
            values={":yes": True, ":cost": cost},
        )
        return [taken, self._entry(user_id, CHARGE, -cost, now, generation_id=generation_id, name=generation_id)]

    def refund(self, user_id: str, generation_id: str, cost: int, now: int) -> list[Write]:
        """Make the writes that give credits back, for a transaction."""
        given = self._table.addition(
            (user_id, USER), {"balance": cost}, {}, condition="attribute_exists(id)", values={}
        )
        return [given, self._entry(user_id, REFUND, cost, now, generation_id=generation_id, name=generation_id)]

    def top_up(self, user_id: str, amount: int, note: str | None, now: int) -> None:
        """Add credits to a user, who is metered from then on.

        NotReadyError where there is no such user, or one who may have keys that charge nothing.
        UnavailableError where nothing was added, or nobody can tell; its message says which.
        """
        name = f"{now:013d}"
        given = self._table.addition(
            (user_id, USER),
            {"balance": amount},
            {"unmetered": False},
            condition=f"{METERING} = :ready",
            values={":ready": READY},
        )
        try:
            self._table.transact([given, self._entry(user_id, TOP_UP, amount, now, note=note, name=name)])
        except RefusedWritesError as exc:
            if 0 in exc.refused:
                raise NotReadyError(user_id) from exc
            raise
        except UnavailableError as exc:
            self._require_entry(user_id, f"{LEDGER}#{name}#{TOP_UP}", exc)

    def _require_entry(self, user_id: str, record: str, exc: UnavailableError) -> None:
        """Return where an entry was written before its answers were lost; else raise `exc`."""
        try:
            written = self._table.get(user_id, record)
        except UnavailableError as again:
            message = "The credits may have been added; look at the user's ledger before you add them again."
            raise UnavailableError(message) from again
        if written is None:
            raise exc from exc.__cause__

    def first_credits(self, user_id: str, amount: int, now: int) -> Write:
        """Make the entry of the credits that a new user starts with, for the transaction that writes the user."""
        return self._entry(user_id, TOP_UP, amount, now, note="first credits", name="first")

    def entries(self, user_id: str, limit: int) -> list[LedgerEntry]:
        """List the changes of a user's balance, the newest first; their sum is the balance."""
        records = self._table.get_all(user_id, f"{LEDGER}#", limit=limit)
        return sorted(readable(records, _entry), key=lambda entry: entry.created_at, reverse=True)

    def _entry(
        self, user_id: str, kind: str, amount: int, now: int, *, name: str, generation_id: str | None = None,
        note: str | None = None,
    ) -> Write:  # fmt: skip
        """Make the write of a new entry: an update, and of these fields, as no more is allowed to what refunds."""
        fields: dict[str, str | int | None] = {
            "amount": amount,
            "entry_kind": kind,
            "generation_id": generation_id,
            "note": note,
            "at": now,
        }
        return self._table.change(
            (user_id, f"{LEDGER}#{name}#{kind}"),
            {field: value for field, value in fields.items() if value is not None},
            condition="attribute_not_exists(id)",
            values={},
        )


def _entry(record: Record) -> LedgerEntry:
    found: dict[str, Any] = {name: record.get(name) for name in ("amount", "generation_id", "note")}
    return LedgerEntry(
        **found,
        id=str(record["record"]).partition("#")[2],
        kind=str(record["entry_kind"]),
        created_at=int(record.get("at") or record.get("created_at") or 0),
    )
