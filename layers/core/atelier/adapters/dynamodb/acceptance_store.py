"""Accepting a generation: it, its charge, its count and its idempotency record are written together or not at all."""

import hashlib

from atelier.accounts.api_keys import ApiKey
from atelier.adapters.dynamodb.account_store import AccountStore, too_many_requests
from atelier.adapters.dynamodb.credit_ledger import CreditLedger
from atelier.adapters.dynamodb.generation_store import GenerationStore, world
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.dynamodb.spending_store import SpendingStore, budget_exceeded
from atelier.clock import MINUTE
from atelier.deadline import seconds_left, time_limit
from atelier.errors import (
    AcceptanceUnknownError,
    ConflictError,
    IdempotencyMismatchError,
    NotFoundError,
    PaymentRequiredError,
    RefusedWritesError,
    RequestError,
    UnavailableError,
)
from atelier.generations.idempotency import CountedRequest, Idempotency
from atelier.generations.model import Generation

IDEMPOTENCY = "idempotency"
KEPT_LONGER_SECONDS = 86_400
"""An idempotency record outlives the generation by a day."""
REQUEST = "request"
OUTCOME_SECONDS = 4.0
"""Kept of the request's time to find out whether a write whose answers were lost has succeeded."""
CLAIMABLE_FOR = 15 * MINUTE
"""A request that is sent again comes sooner after the first one: clients wait for ten minutes at most."""
MAX_CLAIMABLE = 50
"""So many of the latest requests that ask for the same are looked at."""


class AcceptanceStore:
    """The Acceptances port."""

    def __init__(self, accounts_table: RecordTable, accounts: AccountStore, generations: GenerationStore) -> None:
        self._table = accounts_table
        self._accounts = accounts
        self._generations = generations

    def write(
        self,
        generation: Generation,
        key: ApiKey,
        idempotency: Idempotency | None,
        now: int,
        counted: CountedRequest | None = None,
    ) -> Generation:
        """Write a new generation and return it, or the one that the same request made before.

        Raises IdempotencyMismatchError, TooManyRequestsError, PaymentRequiredError or UnavailableError, and writes
        nothing then; AcceptanceUnknownError where nobody can tell. A repeated request counts like the first.
        """
        writes = {"generation": self._generations.insertion(generation)}
        if generation.cost and not generation.uncharged:
            charge = CreditLedger(self._table).charge(generation.user_id, generation.id, generation.cost, now)
            writes |= dict(zip(("credits", "ledger"), charge, strict=True))
            writes |= SpendingStore(self._table).charge(key, generation.cost, now)
        if count := self._accounts.creation_count(key, now):
            writes["limit"] = count
        if use := self._accounts.use(key, now):
            writes["use"] = use
        if idempotency:
            expires = self._generations.expires_at(generation) + KEPT_LONGER_SECONDS
            writes[IDEMPOTENCY] = self._table.insertion(
                {
                    "id": _name(key, idempotency),
                    "record": IDEMPOTENCY,
                    "generation_id": generation.id,
                    "request_digest": idempotency.request_digest,
                    "expires_at": expires,
                }
            )
        if counted:
            writes[REQUEST] = self._table.insertion(
                {
                    "id": _counted_name(key, counted),
                    "record": f"{REQUEST}#{generation.id}",
                    "generation_id": generation.id,
                    "created_at": now,
                    "expires_at": (now + CLAIMABLE_FOR) // 1_000,
                }
            )
        try:
            with time_limit(seconds_left() - OUTCOME_SECONDS):
                self._table.transact(list(writes.values()))
        except UnavailableError as exc:
            return self._outcome(generation, exc, repeatable=bool(idempotency or counted))
        except RefusedWritesError as exc:
            refused = {name for number, name in enumerate(writes) if number in exc.refused}
            if IDEMPOTENCY in refused and idempotency and (earlier := self.find_earlier(key, idempotency, now)):
                return earlier
            raise _refusal(refused, generation, key, now) or exc from exc
        return generation

    def _outcome(self, generation: Generation, exc: UnavailableError, *, repeatable: bool) -> Generation:
        """Return a generation whose write may have succeeded before its answers were lost; else raise `exc`."""
        try:
            return self._generations.get(generation.id)
        except NotFoundError:
            raise exc from exc.__cause__
        except UnavailableError as again:
            raise AcceptanceUnknownError(generation.id, repeatable=repeatable) from again

    def find_earlier(self, key: ApiKey, idempotency: Idempotency, now: int) -> Generation | None:
        """Return the generation that the same request made before, if there is one, and count the repetition.

        Raises IdempotencyMismatchError or TooManyRequestsError.
        """
        record = self._table.get(_name(key, idempotency), IDEMPOTENCY)
        if record is None:
            return None
        if record["request_digest"] != idempotency.request_digest:
            raise IdempotencyMismatchError(
                "This Idempotency-Key was used for another request; use a new key for a new request."
            )
        earlier = self._generations.get(str(record["generation_id"]))
        self._accounts.count_creation(key, now)
        return earlier

    def claim(self, key: ApiKey, counted: CountedRequest, now: int) -> Generation | None:
        """Return the latest generation of a request like this one that no other request of this number has got."""
        name, claimed = _counted_name(key, counted), f"claimed_{counted.number}"
        for record in self._table.get_all(name, f"{REQUEST}#", limit=MAX_CLAIMABLE):
            if claimed in record or int(record["created_at"] or 0) < now - CLAIMABLE_FOR:
                continue
            try:
                self._table.add(
                    (name, str(record["record"])), {}, {claimed: True},
                    condition=f"attribute_exists(id) AND attribute_not_exists({claimed})", values={},
                )  # fmt: skip
                earlier = self._generations.get(str(record["generation_id"]))
            except (ConflictError, NotFoundError):
                continue  # another request got it, or it was deleted
            self._accounts.count_creation(key, now)
            return earlier
        return None


def _name(key: ApiKey, idempotency: Idempotency) -> str:
    return f"{world(key.user_id, test=key.test)}#{hashlib.sha256(idempotency.key.encode()).hexdigest()}"


def _counted_name(key: ApiKey, counted: CountedRequest) -> str:
    return f"{key.id}#{counted.request_digest}"


def _refusal(refused: set[str], generation: Generation, key: ApiKey, now: int) -> RequestError | None:
    """Say why the writes of these names were refused."""
    if "limit" in refused and key.requests_per_minute is not None:
        return too_many_requests(key.requests_per_minute, now)
    if owner := next((name for name in ("key", "user") if name in refused), None):
        return budget_exceeded(owner)
    if "credits" in refused:
        return PaymentRequiredError(
            f"This costs {generation.cost} credits, and there are not enough; ask the operator for more."
        )
    return None
