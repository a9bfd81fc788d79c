"""API keys: their shape, their checksum, and whom they let in."""

import hashlib
import hmac
from dataclasses import astuple, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.accounts.api_keys import KEY_PATTERN, ApiKey, PresentedKey, authenticate, digest, mint_key, parse_key
from atelier.accounts.users import ALPHABET, User, new_user
from atelier.errors import ForbiddenError, UnauthenticatedError
from tests.cases import each

DIGEST_KEY = "digest-key"
NOW = 1_700_000_000_000
ANN = User(id="user_1", email="ann@example.com", name="Ann", created_at=NOW)
FIXED_KEY = "atl_live_0123456789abABCDEFGHIJKLMNOPQRSTUVWXYZ012345" + "2FB3Xl"
relaxed = settings(deadline=None)


def mint(*, test: bool = False) -> tuple[ApiKey, str]:
    """Make Ann's key."""
    return mint_key(name="laptop", user=ANN, test=test, digest_key=DIGEST_KEY, now=NOW)


@pytest.mark.parametrize(("test", "start"), [(False, "atl_live_"), (True, "atl_test_")])
def test_a_minted_key_reads_back_as_its_record(*, test: bool, start: str) -> None:
    record, text = mint(test=test)
    presented = parse_key(text)
    assert text.startswith(start)
    assert presented == PresentedKey(text=text, id=record.id)
    assert text.startswith(record.prefix)
    assert record.test is test
    assert authenticate(presented, record, DIGEST_KEY, NOW) is record


def test_a_key_made_long_ago_still_reads() -> None:
    assert parse_key(FIXED_KEY).id == "0123456789ab"


def test_the_record_says_whose_key_it_is() -> None:
    record, _ = mint()
    assert (record.name, record.user_id, record.user_email, record.created_at, record.revoked_at) == (
        "laptop",
        ANN.id,
        ANN.email,
        NOW,
        None,
    )


def test_the_record_holds_nothing_of_the_secret() -> None:
    record, text = mint()
    secret = text.removeprefix(record.prefix)
    assert len(secret) == 38
    assert secret not in repr(record)
    assert not any(secret[:8] in str(value) for value in astuple(record))


def test_the_shown_prefix_is_not_a_key() -> None:
    record, _ = mint()
    with pytest.raises(UnauthenticatedError):
        parse_key(record.prefix)


def test_no_two_keys_or_users_are_the_same() -> None:
    keys = [mint() for _ in range(50)]
    users = [new_user(email=ANN.email, name=ANN.name, now=NOW) for _ in range(50)]
    assert len({record.id for record, _ in keys}) == len({text for _, text in keys}) == 50
    assert len({user.id for user in users}) == 50


def test_a_new_user_keeps_what_was_given() -> None:
    assert replace(new_user(email="a@b", name="A", now=NOW), id="") == User(
        id="", email="a@b", name="A", created_at=NOW
    )


@relaxed
@given(st.data())
def test_one_changed_character_is_noticed(data: st.DataObject) -> None:
    index = data.draw(st.integers(len("atl_live_"), len(FIXED_KEY) - 1))
    other = data.draw(st.sampled_from(ALPHABET.replace(FIXED_KEY[index], "")))
    with pytest.raises(UnauthenticatedError):
        parse_key(FIXED_KEY[:index] + other + FIXED_KEY[index + 1 :])


@relaxed
@given(st.data())
def test_two_swapped_characters_are_noticed(data: st.DataObject) -> None:
    body = range(len("atl_live_"), len(FIXED_KEY) - 1)
    index = data.draw(st.sampled_from([i for i in body if FIXED_KEY[i] != FIXED_KEY[i + 1]]))
    with pytest.raises(UnauthenticatedError):
        parse_key(FIXED_KEY[:index] + FIXED_KEY[index + 1] + FIXED_KEY[index] + FIXED_KEY[index + 2 :])


@relaxed
@given(st.data())
def test_a_missing_or_extra_character_is_noticed(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(FIXED_KEY) - 1))
    extra = data.draw(st.sampled_from(ALPHABET))
    for wrong in (FIXED_KEY[:index] + FIXED_KEY[index + 1 :], FIXED_KEY[:index] + extra + FIXED_KEY[index:]):
        with pytest.raises(UnauthenticatedError):
            parse_key(wrong)


def test_the_mode_is_a_part_of_the_checksum() -> None:
    _, text = mint(test=True)
    with pytest.raises(UnauthenticatedError):
        parse_key(text.replace("atl_test_", "atl_live_"))


@each(
    "text",
    [
        "",
        "atl_live_",
        "sk_live_" + FIXED_KEY.removeprefix("atl_live_"),
        FIXED_KEY + "\n",
        " " + FIXED_KEY,
        FIXED_KEY.replace("0", "\u0660"),
        FIXED_KEY[:-1] + "\x00",
        "\ud800" * len(FIXED_KEY),
        FIXED_KEY.upper(),
        "a" * 1_000_000,
    ],
    ids=["empty", "start", "stranger", "newline", "space", "digits", "nul", "surrogates", "case", "huge"],
)
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(UnauthenticatedError, match="not an API key"):
        parse_key(text)


@relaxed
@given(st.text() | st.from_regex(KEY_PATTERN, fullmatch=True))
def test_no_made_up_key_passes_the_checksum(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        parse_key(text)


def test_the_digest_is_keyed_and_is_not_the_key() -> None:
    key = parse_key(FIXED_KEY)
    assert digest(key, DIGEST_KEY) == hmac.new(DIGEST_KEY.encode(), FIXED_KEY.encode(), hashlib.sha256).hexdigest()
    assert digest(key, "another") != digest(key, DIGEST_KEY)


def test_an_unknown_key_is_refused() -> None:
    _, text = mint()
    with pytest.raises(UnauthenticatedError, match="not known"):
        authenticate(parse_key(text), None, DIGEST_KEY, NOW)


def test_the_right_id_with_another_secret_is_refused() -> None:
    record, _ = mint()
    _, other = mint()
    with pytest.raises(UnauthenticatedError, match="not known"):
        authenticate(replace(parse_key(other), id=record.id), record, DIGEST_KEY, NOW)


def test_a_changed_digest_key_voids_all_keys() -> None:
    record, text = mint()
    with pytest.raises(UnauthenticatedError, match="not known"):
        authenticate(parse_key(text), record, "another", NOW)


def test_a_revoked_key_is_refused_and_told_so() -> None:
    record, text = mint()
    with pytest.raises(UnauthenticatedError, match="revoked"):
        authenticate(parse_key(text), replace(record, revoked_at=NOW + 1), DIGEST_KEY, NOW)


def test_only_the_holder_learns_that_a_key_is_revoked() -> None:
    record, _ = mint()
    _, other = mint()
    with pytest.raises(UnauthenticatedError, match="not known"):
        authenticate(parse_key(other), replace(record, revoked_at=NOW + 1), DIGEST_KEY, NOW)


@pytest.mark.parametrize(("expires_at", "valid"), [(NOW, False), (NOW - 1, False), (NOW + 1, True), (None, True)])
def test_a_key_lives_until_it_expires(expires_at: int | None, valid: bool) -> None:
    record, text = mint()
    record = replace(record, expires_at=expires_at)
    if valid:
        assert authenticate(parse_key(text), record, DIGEST_KEY, NOW) == record
    else:
        with pytest.raises(UnauthenticatedError, match="expired"):
            authenticate(parse_key(text), record, DIGEST_KEY, NOW)


def test_a_key_may_do_what_its_scopes_and_models_allow() -> None:
    record, _ = mint()
    reader = replace(record, scopes=("read",))
    painter = replace(record, models=("sketch",))

    record.require("generate", model="anything")
    reader.require("read")
    painter.require("generate", model="sketch")
    with pytest.raises(ForbiddenError, match="scope 'generate'"):
        reader.require("generate", model="sketch")
    with pytest.raises(ForbiddenError, match="only use the models sketch"):
        painter.require("generate", model="playground-v2")
