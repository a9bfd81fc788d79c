"""A first top-up beside new keys: whatever is lost on the way, no key of a metered user charges nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from atelier.accounts.api_keys import ApiKey, mint_key
from atelier.accounts.users import new_user
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.errors import ConflictError, UnavailableError
from tests.simulation.dynamodb import Removal, SimulatedDynamoDB
from tests.simulation.interleavings import Budget, Chooser, Interleaving, explore
from tests.simulation.world import repeatable

NOW = 1_767_225_600_000
TABLE = "accounts"
BUDGETS = (Budget(switches=1, faults=0), Budget(switches=2, faults=0), Budget(switches=1, faults=1))


def run_once(choose: Chooser, budget: Budget, without: Callable[[Any], Any] | None = None) -> list[str]:
    """Top up while one key is made and another replaced; return what is wrong afterwards."""
    schedule = Interleaving(choose, budget)
    dynamodb = SimulatedDynamoDB({"by-owner": ("user_id", "record")}, decide=schedule.pause, without=without)
    accounts = AccountStore(RecordTable(dynamodb, TABLE))  # type: ignore[arg-type]
    user = new_user(email="free@example.com", name="free", now=NOW)
    accounts.add_user(user)

    def mint() -> ApiKey:
        return mint_key(name="k", user=accounts.user(user.id), test=False, digest_key="d", now=NOW)[0]

    old, other = mint(), mint()
    accounts.add_key(old)
    accounts.add_key(other)

    def surviving(work: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except (ConflictError, UnavailableError):
                return

        return run

    workers = {
        "top up": surviving(lambda: accounts.top_up(user.id, 10, None, NOW)),
        "make": surviving(lambda: accounts.add_key(mint())),
        "replace": surviving(lambda: accounts.replace_key(old.id, mint(), NOW + 1)),
    }
    if budget.faults:  # then only one of the two that write keys, for time
        del workers["make"]
    schedule.run(workers)
    return [*uncharged(accounts, dynamodb, user.id), *after_another(accounts, dynamodb, user.id)]


def uncharged(accounts: AccountStore, dynamodb: SimulatedDynamoDB, user_id: str) -> list[str]:
    if accounts.user(user_id).credits is None:
        return []
    return [f"{key['id']} charges nothing" for key in dynamodb.items(TABLE, "key") if key.get("user_unmetered")]


def after_another(accounts: AccountStore, dynamodb: SimulatedDynamoDB, user_id: str) -> list[str]:
    """Top up again, as an operator does whose request failed."""
    before = accounts.user(user_id).credits or 0
    after = accounts.top_up(user_id, 5, None, NOW + 1).credits
    told = sum(entry.amount for entry in accounts.ledger(user_id))
    wrong = [] if before + 5 == after == told else [f"{before} + 5 credits are {after}, and {told} in the ledger"]
    return [*wrong, *uncharged(accounts, dynamodb, user_id)]


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
def test_no_key_of_a_metered_user_charges_nothing(budget: Budget) -> None:
    found: list[str] = []
    with repeatable():
        for schedule in explore(lambda choose: found.extend(run_once(choose, budget))):
            assert not found, schedule.choices


@pytest.mark.parametrize(
    "removal",
    [
        Removal("^user_.*/user$", " AND attribute_not_exists.metering."),
        Removal("^user_.*/user$", "metering = :ready", "attribute_exists(id)"),
    ],
    ids=["new keys charge", "keys come first"],
)
def test_each_condition_is_needed(removal: Removal) -> None:
    found: list[str] = []
    with repeatable():
        for _ in explore(lambda choose: found.extend(run_once(choose, BUDGETS[1], removal))):
            if found:
                break
    assert removal.removed
    assert found
