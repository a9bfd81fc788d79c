"""Lists of users and keys by cursor, and their search."""

import pytest

from atelier.accounts.api_keys import mint_key
from atelier.accounts.search import Search
from atelier.accounts.users import User, new_user
from atelier.adapters.dynamodb import account_store
from atelier.adapters.dynamodb.account_store import AccountStore
from tests.integration.lambdas import Calls, Lambdas
from tests.integration.samples import NOW


@pytest.fixture
def users(lambdas: Lambdas, accounts: AccountStore) -> list[User]:
    """A few users, the newest first, some of the same moment."""
    made = [
        new_user(email=f"u{number}@example.com", name=f"Name {number}", plan=f"Plan {number}", now=NOW + number // 3)
        for number in range(10)
    ]
    for user in made:
        accounts.add_user(user)
    return sorted(made, key=lambda user: user.created_at, reverse=True)


def test_all_pages_together_are_all_users(accounts: AccountStore, users: list[User]) -> None:
    found: list[User] = []
    cursor: str | None = None
    while True:
        page = accounts.find_users(Search(limit=4, cursor=cursor))
        found += page.items
        if (cursor := page.cursor) is None:
            break
    assert len(found) == len(users)
    assert {user.id for user in found} == {user.id for user in users}
    assert [user.created_at for user in found] == [user.created_at for user in users]


@pytest.mark.parametrize("text", ["u7@", "name 7", "id", "plan 7"])
def test_a_user_is_found_by_a_part_of_what_names_it(text: str, accounts: AccountStore, users: list[User]) -> None:
    (wanted,) = [user for user in users if user.name == "Name 7"]
    text = wanted.id.casefold() if text == "id" else text
    assert [user.id for user in accounts.find_users(Search(text=text)).items] == [wanted.id]


def test_a_search_that_stops_says_where_to_go_on(
    accounts: AccountStore, users: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_store, "MAX_LOOKED_AT", 7)
    first = accounts.find_users(Search(text="u0@"))
    second = accounts.find_users(Search(text="u0@", cursor=first.cursor))
    assert (first.items, [user.email for user in second.items]) == ([], ["u0@example.com"])
    assert second.cursor is None


def test_keys_are_found_and_none_is_left_out(accounts: AccountStore, users: list[User]) -> None:
    keys = [
        mint_key(name=f"key {number}", user=users[number % 3], test=False, digest_key="d", now=NOW + number)[0]
        for number in range(25)
    ]
    for key in keys:
        accounts.add_key(key)
    assert accounts.find_keys(Search()).items == list(accounts.list_keys()) == keys[::-1]
    assert [key.name for key in accounts.find_keys(Search(text="key 17")).items] == ["key 17"]
    owned = accounts.find_keys(Search(text=users[0].email)).items
    assert {key.user_id for key in owned} == {users[0].id}
    assert accounts.key_names([keys[0].id, "nobody"]) == {keys[0].id: "key 0"}


def test_a_user_is_edited_and_deleted_by_its_own_keys_alone(
    accounts: AccountStore, users: list[User], calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two keys of one user among many of others
    keys = [
        mint_key(name="key", user=users[0 if number in (3, 17) else 1], test=False, digest_key="d", now=NOW + number)[0]
        for number in range(25)
    ]
    for key in keys:
        accounts.add_key(key)
    monkeypatch.setattr(account_store, "BATCH", 2)
    read = ["dynamodb:Query", "dynamodb:BatchGetItem"]
    # when, then as many reads as without the others
    calls.take()
    accounts.edit_user(users[0].id, {"disabled_at": NOW})
    assert calls.take() == ["dynamodb:UpdateItem", *read, *2 * ["dynamodb:UpdateItem"]]
    accounts.delete_user(users[0].id, NOW)
    assert calls.take() == ["dynamodb:GetItem", "dynamodb:TransactWriteItems", *read, *2 * ["dynamodb:UpdateItem"]]
    # and just these keys are out of force
    found = {key.id: accounts.get(key.id) for key in keys}
    assert [number for number, key in enumerate(keys) if (one := found[key.id]) and one.revoked_at] == [3, 17]
    assert [number for number, key in enumerate(keys) if (one := found[key.id]) and one.user_disabled_at] == [3, 17]


def test_a_user_is_meant_by_id_or_address(accounts: AccountStore, users: list[User], calls: Calls) -> None:
    user = users[0]
    calls.take()
    wanted = (user.id, user.email.title(), "bob@example.com")
    assert [accounts.user_id_of(one) for one in wanted] == [user.id, user.id, "bob@example.com"]
    assert accounts.emails([user.id, "nobody"]) == {user.id: user.email}
