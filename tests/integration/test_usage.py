"""Usage and budgets in the tables: each generation counts once, and no budget is exceeded."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from atelier.accounts.api_keys import ApiKey, mint_key
from atelier.accounts.budgets import NO_BUDGET, Budget
from atelier.accounts.users import User, new_user
from atelier.accounts.warn_of_budgets import WarnOfBudgets
from atelier.adapters.dynamodb.acceptance_store import AcceptanceStore
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.dynamodb.spending_store import SpendingStore
from atelier.adapters.dynamodb.usage_store import SHARDS
from atelier.errors import BudgetExceededError, ConflictError
from atelier.generations.model import Generation, new_generation
from atelier.generations.usage import Usage
from tests.integration.stack import Stack, aws

NOW = 1_767_268_800_000
"""2026-01-01, 12:00 UTC."""
DAY = date(2026, 1, 1)
DAY_MS = 86_400_000


@pytest.fixture
def accounts_table(stack: Stack) -> RecordTable:
    return RecordTable(aws("dynamodb"), stack.ref("AccountsTable"))


@pytest.fixture
def store(stack: Stack, accounts: AccountStore) -> GenerationStore:
    return GenerationStore(RecordTable(aws("dynamodb"), stack.ref("GenerationsTable")), accounts=accounts)


@pytest.fixture
def acceptances(accounts_table: RecordTable, accounts: AccountStore, store: GenerationStore) -> AcceptanceStore:
    return AcceptanceStore(accounts_table, accounts, store)


@pytest.fixture
def user(accounts: AccountStore) -> User:
    user = new_user(email="ana@example.com", name="Ana", now=NOW, credits=10_000)
    accounts.add_user(user)
    return user


def a_key(user: User, accounts: AccountStore, budget: Budget = NO_BUDGET) -> ApiKey:
    key, _ = mint_key(name="k", user=user, test=False, digest_key="d", now=NOW, budget=budget)
    accounts.add_key(key)
    return key


def wanted(key: ApiKey, cost: int = 4, now: int = NOW) -> Generation:
    return new_generation(
        user_id=key.user_id, key_id=key.id, test=False, model="m", tool="t", type="image",
        payload={"prompt": "a boat"}, webhook=None, correlation_id="c", now=now, cost=cost,
    )  # fmt: skip


def counted(accounts: AccountStore, user_id: str | None = None) -> list[Usage]:
    return accounts.usage().list(DAY, DAY, user_id=user_id)


def test_a_finished_generation_is_counted_once(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, store: GenerationStore
) -> None:
    key = a_key(user, accounts)
    generation = acceptances.write(wanted(key), key, None, NOW)
    failed = generation.failed("no luck", NOW + 1_000)

    store.advance(generation, failed)
    with pytest.raises(ConflictError):
        store.advance(generation, failed)

    (usage,) = counted(accounts)
    assert (usage.user_id, usage.key_id, usage.model, usage.error, usage.credits) == (user.id, key.id, "m", 1, 0)


def test_usage_is_of_its_user_and_days(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, store: GenerationStore
) -> None:
    other = new_user(email="other@example.com", name="Other", now=NOW)
    accounts.add_user(other)
    for owner, finished_at in ((user, NOW), (user, NOW + DAY_MS), (other, NOW)):
        key = a_key(owner, accounts)
        generation = acceptances.write(wanted(key), key, None, NOW)
        store.advance(generation, generation.failed("cancelled", finished_at, refunded=False))

    assert [usage.cancelled for usage in counted(accounts)] == [1, 1]
    assert [(usage.user_id, usage.credits) for usage in counted(accounts, user.id)] == [(user.id, 4)]
    assert len(accounts.usage().list(DAY, date(2026, 1, 2), user_id=user.id)) == 2


def test_an_earlier_releases_usage_is_added(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, store: GenerationStore, stack: Stack
) -> None:
    # given one of each: an earlier release put a whole month into one partition
    key = a_key(user, accounts)
    fail(key, acceptances, store)
    (row,) = usage_rows(stack)
    earlier = {**row, "id": {"S": "usage#2026-01"}, "record": {"S": f"{row['record']['S']}#3"}}
    aws("dynamodb").put_item(TableName=stack.ref("AccountsTable"), Item=earlier)
    key_of_row = {name: row[name] for name in ("id", "record")}
    aws("dynamodb").delete_item(TableName=stack.ref("AccountsTable"), Key=key_of_row)
    fail(key, acceptances, store)
    # then
    assert [usage.error for usage in counted(accounts, user.id)] == [2]


def test_a_months_usage_is_spread_over_partitions(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, store: GenerationStore, stack: Stack
) -> None:
    key = a_key(user, accounts)
    for _ in range(64):
        fail(key, acceptances, store)
    assert len({row["id"]["S"] for row in usage_rows(stack)}) > SHARDS // 2


def fail(key: ApiKey, acceptances: AcceptanceStore, store: GenerationStore) -> None:
    made = acceptances.write(wanted(key), key, None, NOW)
    store.advance(made, made.failed("no luck", NOW))


def usage_rows(stack: Stack) -> list[dict[str, Any]]:
    return [row for row in stack.rows("AccountsTable") if row["id"]["S"].startswith("usage#")]


def test_all_shards_are_added_up(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, store: GenerationStore
) -> None:
    key = a_key(user, accounts)
    generations = [acceptances.write(wanted(key), key, None, NOW) for _ in range(24)]

    for one in generations:
        store.advance(one, one.failed("no luck", NOW))

    (usage,) = counted(accounts)
    assert usage.error == 24
    assert accounts.spent(key.id, NOW) == accounts.spent(user.id, NOW) == (0, 0)


def test_the_shards_of_a_month_are_partitions_of_their_own(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, store: GenerationStore, stack: Stack
) -> None:
    key = a_key(user, accounts)
    for number in range(SHARDS):
        one = acceptances.write(replace(wanted(key), id=f"{number:032x}"), key, None, NOW)
        store.advance(one, one.failed("no luck", NOW))
    # then
    rows = [row for row in stack.rows("AccountsTable") if row["id"]["S"].startswith("usage#")]
    partitions = {"usage#2026-01", *(f"usage#2026-01/{shard}" for shard in range(1, SHARDS))}
    assert {row["id"]["S"] for row in rows} == partitions
    assert [usage.error for usage in counted(accounts)] == [SHARDS]
    # and what an earlier release counted in the month's one partition counts as well
    (row,) = (row for row in rows if row["id"]["S"] == "usage#2026-01/5")
    aws("dynamodb").put_item(TableName=stack.ref("AccountsTable"), Item={**row, "id": {"S": "usage#2026-01"}})
    assert [usage.error for usage in counted(accounts, user.id)] == [SHARDS + 1]


@pytest.mark.parametrize("budget", [Budget(day=40), Budget(month=40), Budget(day=40, month=1_000)])
def test_a_budget_is_not_exceeded(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, budget: Budget
) -> None:
    key = a_key(user, accounts, budget)

    def attempt(_: int) -> bool:
        try:
            acceptances.write(wanted(key), key, None, NOW)
        except BudgetExceededError:
            return False
        return True

    accepted = sum(map(attempt, range(16)))

    assert accepted == 10
    assert accounts.spent(key.id, NOW) == (40, 40)
    assert accounts.user(user.id).credits == 10_000 - 40


def test_a_users_budget_is_for_all_keys(user: User, accounts: AccountStore, acceptances: AcceptanceStore) -> None:
    first, second = a_key(user, accounts), a_key(user, accounts)
    accounts.edit_user(user.id, {"budget_day": 10})
    keys = [accounts.get(key.id) or key for key in (first, second)]

    for key in keys:
        acceptances.write(wanted(key), key, None, NOW)
    with pytest.raises(BudgetExceededError):
        acceptances.write(wanted(keys[0]), keys[0], None, NOW)

    acceptances.write(wanted(keys[0]), keys[0], None, NOW + DAY_MS)  # the next day has its own


def test_a_charge_above_the_budget_is_refused(user: User, accounts: AccountStore, acceptances: AcceptanceStore) -> None:
    key = a_key(user, accounts, Budget(day=3))
    with pytest.raises(BudgetExceededError):
        acceptances.write(wanted(key), key, None, NOW)
    assert accounts.ledger(user.id)[0].kind == "top-up"


def test_a_refund_gives_the_budget_back(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, store: GenerationStore
) -> None:
    key = a_key(user, accounts, Budget(day=4))
    generation = acceptances.write(wanted(key), key, None, NOW)
    store.advance(generation, generation.failed("no luck", NOW + DAY_MS))

    acceptances.write(wanted(key), key, None, NOW)
    assert accounts.spent(key.id, NOW) == (4, 4)


class Topic:
    def __init__(self) -> None:
        self.published: list[tuple[object, object, object]] = []

    def publish(self, document: object, attributes: object) -> None:
        assert isinstance(document, dict)
        self.published.append((document["owner"], document["spent"], document["limit"]))


def test_a_warning_comes_once_at_four_fifths(
    user: User, accounts: AccountStore, acceptances: AcceptanceStore, accounts_table: RecordTable
) -> None:
    key = a_key(user, accounts, Budget(day=5))
    topic = Topic()
    warn = WarnOfBudgets(spending=SpendingStore(accounts_table), topic=topic, clock=lambda: NOW)

    acceptances.write(wanted(key, cost=3), key, None, NOW)
    assert (warn(), topic.published) == ([], [])
    acceptances.write(wanted(key, cost=1), key, None, NOW)
    warn()
    warn()
    assert topic.published == [("key", 4, 5)]

    raised = replace(key, budget_day=6)
    acceptances.write(wanted(raised, cost=1), raised, None, NOW)
    warn()
    assert topic.published == [("key", 4, 5), ("key", 5, 6)]
