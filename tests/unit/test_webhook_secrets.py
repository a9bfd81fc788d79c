"""A user's webhook secret: its versions, how long each signs, and how long a sandbox goes by what it has read."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.accounts.users import MAX_RETIRED_SECRETS, SECRET_OVERLAP, RetiredSecret, WebhookSecrets
from atelier.clock import HOUR
from atelier.errors import NotFoundError, NotPossibleError
from atelier.standard_webhooks import derive_secret
from atelier.webhooks.signing_secrets import MAX_REMEMBERED, SECRETS_SECONDS, SigningSecrets

NOW = 1_700_000_000_000
KEY = "signing key"


def test_a_new_user_has_one_secret() -> None:
    assert WebhookSecrets().signing_versions(NOW) == (1,)


def test_old_and_new_sign_for_a_day() -> None:
    rotated = WebhookSecrets().rotated(NOW)
    assert SECRET_OVERLAP == 24 * HOUR
    assert rotated.signing_versions(NOW) == (2, 1)
    assert rotated.signing_versions(NOW + 24 * HOUR - 1) == (2, 1)
    assert rotated.signing_versions(NOW + 24 * HOUR) == (2,)


def test_what_signs_no_more_is_forgotten_at_the_next_rotation() -> None:
    rotated = WebhookSecrets().rotated(NOW).rotated(NOW + HOUR).rotated(NOW + 24 * HOUR)
    assert rotated.retired == (RetiredSecret(3, NOW + 48 * HOUR), RetiredSecret(2, NOW + 25 * HOUR))


def test_a_rotation_too_many_has_to_wait_until_one_has_ended() -> None:
    secrets = WebhookSecrets()
    for hour in range(MAX_RETIRED_SECRETS):
        secrets = secrets.rotated(NOW + hour * HOUR)
    with pytest.raises(NotPossibleError, match="wait"):
        secrets.rotated(NOW + 24 * HOUR - 1)
    assert secrets.rotated(NOW + 24 * HOUR).version == MAX_RETIRED_SECRETS + 2


@settings(deadline=None)
@given(st.lists(st.integers(0, 30 * HOUR), max_size=20))
def test_each_version_signs_for_a_day_after_the_next_began(pauses: list[int]) -> None:
    secrets, now, begun = WebhookSecrets(), NOW, [NOW]
    for pause in pauses:
        now += pause
        try:
            secrets = secrets.rotated(now)
        except NotPossibleError:
            continue
        begun.append(now)
    ends = [following + 24 * HOUR for _, following in pairwise(begun)]
    signing = [version for version, end in enumerate(ends, 1) if end > now] + [len(begun)]
    assert list(secrets.signing_versions(now)) == signing[::-1]
    assert len(signing) <= MAX_RETIRED_SECRETS + 1


class Reader:
    """What the table says of each user, and who was asked for."""

    def __init__(self) -> None:
        self.secrets = WebhookSecrets()
        self.asked: list[str] = []
        self.now = 0.0
        self.signing = SigningSecrets(self, lambda: KEY, monotonic=lambda: self.now)

    def __call__(self, user_id: str) -> WebhookSecrets:
        self.asked.append(user_id)
        if user_id == "nobody":
            raise NotFoundError("There is no such user.")
        return self.secrets


def test_the_secrets_that_sign_are_derived_newest_first() -> None:
    reader = Reader()
    reader.secrets = WebhookSecrets().rotated(NOW)
    assert reader.signing("user_1", NOW) == (derive_secret(KEY, "user_1", 2), derive_secret(KEY, "user_1", 1))
    assert reader.signing("user_1", NOW + SECRET_OVERLAP) == (derive_secret(KEY, "user_1", 2),)


def test_a_users_versions_are_read_once_a_minute() -> None:
    reader = Reader()
    for reader.now in (0.0, 30.0, SECRETS_SECONDS - 0.1):
        reader.signing("user_1", NOW)
        reader.signing("user_2", NOW)
    assert reader.asked == ["user_1", "user_2"]
    reader.secrets = reader.secrets.rotated(NOW)
    reader.now = SECRETS_SECONDS
    assert len(reader.signing("user_1", NOW)) == 2
    assert reader.asked == ["user_1", "user_2", "user_1"]


def test_only_so_many_users_are_remembered() -> None:
    reader = Reader()
    users = [f"user_{number}" for number in range(MAX_REMEMBERED + 1)]
    for user in users:
        reader.signing(user, NOW)
    reader.asked.clear()
    for user in reversed(users):
        reader.signing(user, NOW)
    assert reader.asked == ["user_0"]


def test_one_who_is_not_there_is_not_remembered() -> None:
    reader = Reader()
    for _ in range(2):
        with pytest.raises(NotFoundError):
            reader.signing("nobody", NOW)
    assert reader.asked == ["nobody", "nobody"]
