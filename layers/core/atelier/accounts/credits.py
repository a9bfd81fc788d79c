"""The ledger of a user's credits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A change of a user's balance: a `charge` (below zero), a `refund` or a `top-up`."""

    id: str
    kind: str
    amount: int
    generation_id: str | None
    note: str | None
    created_at: int
