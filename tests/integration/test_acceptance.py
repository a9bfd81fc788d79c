"""Accepting a generation: all of it is written, or nothing."""

from typing import Any

import boto3
import pytest

from atelier.accounts.api_keys import ApiKey, mint_key
from atelier.accounts.users import User, new_user
from atelier.adapters.dynamodb.acceptance_store import AcceptanceStore
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.errors import (
    BudgetExceededError,
    ConflictError,
    IdempotencyMismatchError,
    NotFoundError,
    PaymentRequiredError,
    TooManyRequestsError,
    UnavailableError,
)
from atelier.generations.idempotency import Idempotency
from atelier.generations.model import Generation, new_generation
from tests.integration.client import SKETCH, a_client
from tests.integration.lambdas import Lambdas
from tests.integration.stack import Stack, aws
from tools.restore import copy_records

NOW = 1_767_225_600_000
DAY_SECONDS = 86_400


@pytest.fixture
def accounts_table(stack: Stack, accounts: AccountStore) -> RecordTable:
    return RecordTable(aws("dynamodb"), stack.ref("AccountsTable"))


@pytest.fixture
def acceptances(accounts_table: RecordTable, accounts: AccountStore, generations: GenerationStore) -> AcceptanceStore:
    return AcceptanceStore(accounts_table, accounts, generations)


@pytest.fixture
def user(accounts: AccountStore) -> User:
    user = new_user(email="ana@example.com", name="Ana", now=NOW, credits=10)
    accounts.add_user(user)
    return user


def a_key(user: User, accounts: AccountStore, requests_per_minute: int | None = None) -> ApiKey:
    key, _ = mint_key(name="k", user=user, test=False, digest_key="d", now=NOW, requests_per_minute=requests_per_minute)
    accounts.add_key(key)
    return key


def wanted(user: User, cost: int = 4) -> Generation:
    return new_generation(
        user_id=user.id, key_id="k", test=False, model="m", tool="t", type="image", payload={"prompt": "a boat"},
        webhook=None, correlation_id="c", now=NOW, cost=cost,
    )  # fmt: skip


def kinds(accounts: AccountStore, user: User) -> list[tuple[str, int]]:
    return sorted((entry.kind, entry.amount) for entry in accounts.ledger(user.id))


def test_the_charge_stands_beside_the_generation(
    acceptances: AcceptanceStore, accounts: AccountStore, generations: GenerationStore, user: User
) -> None:
    accepted = acceptances.write(wanted(user), a_key(user, accounts), None, NOW)

    assert generations.get(accepted.id).cost == 4
    assert accounts.user(user.id).credits == 6
    assert kinds(accounts, user) == [("charge", -4), ("top-up", 10)]


def test_who_has_too_little_gets_nothing_written(
    acceptances: AcceptanceStore, accounts: AccountStore, generations: GenerationStore, user: User
) -> None:
    dear = wanted(user, cost=11)

    with pytest.raises(PaymentRequiredError, match="11 credits"):
        acceptances.write(dear, a_key(user, accounts), Idempotency("k", "d"), NOW)

    with pytest.raises(NotFoundError):
        generations.get(dear.id)
    assert accounts.user(user.id).credits == 10
    cheap = acceptances.write(wanted(user), a_key(user, accounts), Idempotency("k", "d"), NOW)
    assert cheap.id != dear.id


def test_a_failure_gives_back_once(
    acceptances: AcceptanceStore, accounts: AccountStore, table: RecordTable, user: User
) -> None:
    accepted = acceptances.write(wanted(user), a_key(user, accounts), None, NOW)
    store = GenerationStore(table, accounts=accounts)

    store.advance(accepted, accepted.failed("no", NOW + 1))
    with pytest.raises(ConflictError):
        store.advance(accepted, accepted.failed("no", NOW + 2))

    assert accounts.user(user.id).credits == 10
    assert kinds(accounts, user) == [("charge", -4), ("refund", 4), ("top-up", 10)]


def test_the_same_idempotency_key_is_charged_once(
    acceptances: AcceptanceStore, accounts: AccountStore, user: User
) -> None:
    key, idempotency = a_key(user, accounts), Idempotency("order 7", "digest")

    first, again = (acceptances.write(wanted(user), key, idempotency, NOW) for _ in range(2))

    assert first.id == again.id
    assert accounts.user(user.id).credits == 6


def test_an_idempotency_key_is_a_users_own_and_for_one_request(
    acceptances: AcceptanceStore, accounts: AccountStore, user: User
) -> None:
    other = new_user(email="bo@example.com", name="Bo", now=NOW)
    accounts.add_user(other)
    first = acceptances.write(wanted(user), a_key(user, accounts), Idempotency("k", "digest"), NOW)

    theirs = acceptances.write(wanted(other), a_key(other, accounts), Idempotency("k", "digest"), NOW)
    with pytest.raises(IdempotencyMismatchError):
        acceptances.write(wanted(user), a_key(user, accounts), Idempotency("k", "another"), NOW)

    assert theirs.id != first.id


def test_an_idempotency_record_outlives_its_generation_by_a_day(
    acceptances: AcceptanceStore, accounts: AccountStore, stack: Stack, user: User
) -> None:
    acceptances.write(wanted(user), a_key(user, accounts), Idempotency("k", "digest"), NOW)

    (generation,) = stack.rows("GenerationsTable")
    (record,) = [row for row in stack.rows("AccountsTable") if row["record"]["S"] == "idempotency"]
    assert int(record["expires_at"]["N"]) - int(generation["expires_at"]["N"]) == DAY_SECONDS


def test_requests_are_counted_by_the_minute_and_the_next_is_new(
    acceptances: AcceptanceStore, accounts: AccountStore, user: User
) -> None:
    key = a_key(user, accounts, requests_per_minute=2)
    for _ in range(2):
        acceptances.write(wanted(user, cost=0), key, None, NOW)
        accounts.count_read(key, NOW)

    with pytest.raises(TooManyRequestsError) as creating:
        acceptances.write(wanted(user, cost=0), key, None, NOW + 15_000)
    with pytest.raises(TooManyRequestsError):
        accounts.count_read(key, NOW + 15_000)

    assert (creating.value.retry_after, creating.value.quota) == (45, 2)
    acceptances.write(wanted(user, cost=0), key, None, NOW + 60_000)
    accounts.count_read(key, NOW + 60_000)


def test_the_last_use_is_noted_once_a_minute(acceptances: AcceptanceStore, accounts: AccountStore, user: User) -> None:
    key = a_key(user, accounts)
    for later in (0, 30_000, 60_000):
        acceptances.write(wanted(user, cost=0), accounts.get(key.id) or key, None, NOW + later)

    found = accounts.get(key.id)
    assert found is not None
    assert found.last_used_at == NOW + 60_000
    assert accounts.use(found, NOW + 90_000) is None


def test_a_user_who_is_not_metered_pays_nothing_that_matters(
    acceptances: AcceptanceStore, accounts: AccountStore
) -> None:
    free = accounts.user_by_email("free@example.com", NOW)

    acceptances.write(wanted(free, cost=9_999), a_key(free, accounts), None, NOW)

    assert accounts.user(free.id).credits is None


# ---- Users who are not metered


@pytest.fixture
def free(accounts: AccountStore) -> User:
    return accounts.user_by_email("free@example.com", NOW)


@pytest.fixture
def settling(table: RecordTable, accounts: AccountStore) -> GenerationStore:
    return GenerationStore(table, accounts=accounts)


def by(key: ApiKey, cost: int = 4) -> Generation:
    return new_generation(
        user_id=key.user_id, key_id=key.id, test=False, model="m", tool="t", type="image", payload={"prompt": "a boat"},
        webhook=None, correlation_id="c", now=NOW, cost=cost, charged=key.charged,
    )  # fmt: skip


def stored(accounts: AccountStore, key: ApiKey) -> ApiKey:
    found = accounts.get(key.id)
    assert found is not None
    return found


def written(stack: Stack) -> list[dict[str, Any]]:
    """List the accounts table's records without the usage, and without the times at which keys were used."""
    rows = [row for row in stack.rows("AccountsTable") if not row["id"]["S"].startswith("usage#")]
    return sorted(
        ({name: value for name, value in row.items() if name != "last_used_at"} for row in rows),
        key=lambda row: (row["id"]["S"], row["record"]["S"]),
    )


def test_nothing_is_charged_where_nobody_counts(
    acceptances: AcceptanceStore, accounts: AccountStore, settling: GenerationStore, free: User, stack: Stack
) -> None:
    # given
    key = stored(accounts, a_key(free, accounts))
    before = written(stack)
    # when one is accepted, and another fails
    acceptances.write(by(key), key, None, NOW)
    failing = acceptances.write(by(key), key, None, NOW)
    settling.advance(failing, failing.failed("no luck", NOW + 1))
    # then
    assert written(stack) == before
    assert settling.get(failing.id).refunded


def test_a_top_up_mends_what_an_earlier_release_began(accounts: AccountStore, free: User, stack: Stack) -> None:
    # given a user whom a release that knew nothing of such keys has topped up
    key = a_key(free, accounts)
    table = RecordTable(aws("dynamodb"), stack.ref("AccountsTable"))
    table.update((free.id, "user"), {"unmetered": False}, condition="attribute_exists(id)", values={})
    assert not stored(accounts, key).charged
    # when
    accounts.top_up(free.id, 5, None, NOW)
    # then
    assert stored(accounts, key).charged
    assert accounts.user(free.id).credits == 5


def test_a_restored_key_charges(accounts: AccountStore, free: User, stack: Stack) -> None:
    # given a key, and a copy of the table from before its user's first top-up
    key = stored(accounts, a_key(free, accounts))
    source, target = "copy", stack.ref("AccountsTable")
    keys: list[Any] = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "record", "KeyType": "RANGE"}]
    kinds: list[Any] = [{"AttributeName": one["AttributeName"], "AttributeType": "S"} for one in keys]
    client = boto3.client("dynamodb")
    client.create_table(TableName=source, KeySchema=keys, AttributeDefinitions=kinds, BillingMode="PAY_PER_REQUEST")
    copy_records(client, target, source, overwrite=True)
    client.update_item(
        TableName=source, Key={"id": {"S": key.id}, "record": {"S": "key"}},
        UpdateExpression="SET user_unmetered = :yes", ExpressionAttributeValues={":yes": {"BOOL": True}},
    )  # fmt: skip
    accounts.top_up(free.id, 5, None, NOW)
    client.delete_item(TableName=target, Key={"id": {"S": key.id}, "record": {"S": "key"}})
    # when
    copy_records(client, source, target)
    # then
    assert stored(accounts, key).charged


def test_a_budget_is_shown_with_what_it_has_counted(
    acceptances: AcceptanceStore, accounts: AccountStore, settling: GenerationStore, free: User
) -> None:
    # given what nobody counted
    key = stored(accounts, a_key(free, accounts))
    made = acceptances.write(by(key), key, None, NOW)
    settling.advance(made, made.failed("no luck", NOW + 1, refunded=False))
    assert accounts.spent_by(key, NOW) == (4, 4)
    # when
    key = accounts.edit_key(key.id, {"budget_month": 5})
    # then
    assert accounts.spent_by(key, NOW) == (0, 0)
    acceptances.write(by(key), key, None, NOW)
    assert accounts.spent_by(key, NOW) == (4, 4)


def test_a_top_up_that_cannot_be_read_back_says_so(
    accounts: AccountStore, free: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> User:
        raise UnavailableError("out of reach")

    with monkeypatch.context() as patch:
        patch.setattr(AccountStore, "user", lost)
        with pytest.raises(UnavailableError, match="do not add them again"):
            accounts.top_up(free.id, 5, None, NOW)
    assert accounts.user(free.id).credits == 5


def test_what_was_not_charged_is_shown_as_spent(
    acceptances: AcceptanceStore, accounts: AccountStore, settling: GenerationStore, free: User
) -> None:
    key, other = (stored(accounts, a_key(free, accounts)) for _ in range(2))
    for one, number in ((key, 2), (other, 1)):
        for _ in range(number):
            made = acceptances.write(by(one), one, None, NOW)
            claimed = settling.advance(made, made.claimed("p", "m", committed=True, now=NOW, deadline=60_000))
            kept = settling.advance(claimed, claimed.uploading(NOW))
            settling.advance(kept, kept.succeeded((), "thumbnail", NOW + 1))
    assert [accounts.spent_by(owner, NOW) for owner in (key, other, free)] == [(8, 8), (4, 4), (12, 12)]


@pytest.mark.parametrize("owner", ["key", "user"])
def test_what_has_a_budget_is_counted_though_nobody_pays(
    owner: str, acceptances: AcceptanceStore, accounts: AccountStore, free: User
) -> None:
    key = a_key(free, accounts)
    if owner == "key":
        accounts.edit_key(key.id, {"budget_day": 5})
    else:
        accounts.edit_user(free.id, {"budget_day": 5})
    key = stored(accounts, key)
    acceptances.write(by(key), key, None, NOW)
    assert accounts.spent(key.id if owner == "key" else free.id, NOW) == (4, 4)
    with pytest.raises(BudgetExceededError):
        acceptances.write(by(key), key, None, NOW)


def test_a_top_up_makes_every_key_charge(
    acceptances: AcceptanceStore, accounts: AccountStore, settling: GenerationStore, free: User
) -> None:
    # given keys of a user who is not metered yet: one replaced, one written after the top-up
    old, replaced = (stored(accounts, a_key(free, accounts)) for _ in range(2))
    new, late = (mint_key(name="k", user=free, test=False, digest_key="d", now=NOW)[0] for _ in range(2))
    accounts.replace_key(replaced.id, new, NOW + 1)
    earlier = acceptances.write(by(old), old, None, NOW)
    # when
    accounts.top_up(free.id, 10, None, NOW)
    accounts.add_key(late)
    last, _ = mint_key(name="k", user=free, test=False, digest_key="d", now=NOW)
    accounts.replace_key(late.id, last, NOW + 1)
    # then what was not charged is not refunded, and everything is charged from now on
    settling.advance(earlier, earlier.failed("no luck", NOW + 1))
    assert accounts.user(free.id).credits == 10
    keys = [stored(accounts, key) for key in (old, replaced, new, late, last)]
    assert [key.charged for key in keys] == [True] * 5
    acceptances.write(by(keys[0]), keys[0], None, NOW)
    acceptances.write(by(keys[4]), keys[4], None, NOW)
    assert accounts.user(free.id).credits == 2 == sum(entry.amount for entry in accounts.ledger(free.id))
    with pytest.raises(PaymentRequiredError):
        acceptances.write(by(keys[2]), keys[2], None, NOW)


def test_a_request_of_a_user_who_is_not_metered_is_not_charged(
    lambdas: Lambdas, stack: Stack, accounts: AccountStore, generations: GenerationStore
) -> None:
    ann = a_client(lambdas, stack, accounts, "ann@example.com")
    first = ann("POST", "/generate", SKETCH).document["id"]
    accounts.top_up(ann.user_id, 10, None, NOW)
    second = ann("POST", "/generate", SKETCH).document["id"]
    assert [generations.get(one).uncharged for one in (first, second)] == [True, None]
