"""The versions of a user's webhook secret in the table: one rotation is one, whoever else rotates or repeats."""

import time
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from atelier.accounts.users import RetiredSecret, WebhookSecrets, new_user
from atelier.adapters.aws import clients
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.errors import NotFoundError, NotPossibleError
from tests.integration.samples import DAY, NOW
from tests.integration.stack import Stack

ROTATED = WebhookSecrets(2, (RetiredSecret(1, NOW + DAY),))


@pytest.fixture
def user_id(accounts: AccountStore) -> str:
    user = new_user(email="client@example.com", name="client", now=NOW, credits=5)
    accounts.add_user(user)
    return user.id


def test_a_rotation_is_kept_and_leaves_the_user_as_it_was(accounts: AccountStore, user_id: str) -> None:
    # given
    before = accounts.user(user_id)
    assert accounts.webhook_secrets(user_id) == WebhookSecrets()
    # when
    rotated = accounts.rotate_webhook_secret(user_id, NOW)
    # then
    assert rotated == accounts.webhook_secrets(user_id) == ROTATED
    assert accounts.rotate_webhook_secret(user_id, NOW + DAY) == WebhookSecrets(3, (RetiredSecret(2, NOW + 2 * DAY),))
    assert accounts.user(user_id) == before


@pytest.mark.parametrize("times", [1, 2])
def test_a_rotation_whose_answer_was_lost_is_made_once(
    times: int, accounts: AccountStore, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(time, "sleep", lambda _: None)
    lost: list[str] = []

    def lose(**sent: Any) -> None:
        if len(lost) < times:
            lost.append(sent["event_name"])
            raise ReadTimeoutError(endpoint_url=sent["request"].url)

    events = clients.client("dynamodb").meta.events
    events.register_last("before-send.dynamodb.UpdateItem", lose, unique_id="lose")  # last: it has taken effect by then
    # when
    try:
        rotated = accounts.rotate_webhook_secret(user_id, NOW)
    finally:
        events.unregister("before-send.dynamodb.UpdateItem", unique_id="lose")
    # then
    assert len(lost) == times
    assert rotated == accounts.webhook_secrets(user_id) == ROTATED


def test_of_two_rotations_at_once_one_is_made_and_both_tell_it(accounts: AccountStore, user_id: str) -> None:
    # given one that has read when the other is made
    events = clients.client("dynamodb").meta.events
    others: list[WebhookSecrets] = []

    def meanwhile(**_: Any) -> None:
        events.unregister("before-send.dynamodb.UpdateItem", unique_id="meanwhile")
        others.append(accounts.rotate_webhook_secret(user_id, NOW))

    events.register_first("before-send.dynamodb.UpdateItem", meanwhile, unique_id="meanwhile")
    # when
    rotated = accounts.rotate_webhook_secret(user_id, NOW + 1)
    # then
    assert [rotated] == others == [accounts.webhook_secrets(user_id)] == [ROTATED]


def test_a_refused_rotation_changes_nothing(accounts: AccountStore, user_id: str) -> None:
    # given
    for _ in range(4):
        before = accounts.rotate_webhook_secret(user_id, NOW)
    # when
    with pytest.raises(NotPossibleError):
        accounts.rotate_webhook_secret(user_id, NOW)
    # then
    assert accounts.webhook_secrets(user_id) == before


def test_one_who_is_not_there_has_no_secret_and_none_is_made(accounts: AccountStore, stack: Stack) -> None:
    for call in (accounts.webhook_secrets, lambda user_id: accounts.rotate_webhook_secret(user_id, NOW)):
        with pytest.raises(NotFoundError):
            call("user_unknown")
    assert stack.rows("AccountsTable") == []
