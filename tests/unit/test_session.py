"""The operator's session and the attempts to start one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.accounts.session import LIFETIME, Session, begin, check_csrf, csrf_token, seal, session_key, unseal
from atelier.accounts.sign_in_throttle import MAX_FAILURES, WINDOW, SignInAttempts, source_of
from atelier.api.session_cookie import COOKIE, clear_cookie, cookie_of, set_cookie
from atelier.errors import ForbiddenError, TooManyRequestsError, UnauthenticatedError

NOW = 1_800_000_000_000
KEY = session_key("signing key", "console secret")
relaxed = settings(deadline=None)


def test_a_session_lasts_eight_hours_and_cannot_be_guessed() -> None:
    sessions = [begin(NOW) for _ in range(100)]
    assert LIFETIME == 8 * 3_600_000
    assert {session.expires_at for session in sessions} == {NOW + LIFETIME}
    assert len({session.id for session in sessions}) == 100
    assert all(len(session.id) == 32 for session in sessions)


def test_what_is_sealed_can_be_read_until_its_time_is_over() -> None:
    session = begin(NOW)
    sealed = seal(session, KEY)
    assert unseal(sealed, KEY, NOW) == session
    assert unseal(sealed, KEY, NOW + LIFETIME - 1) == session
    with pytest.raises(UnauthenticatedError, match="over"):
        unseal(sealed, KEY, NOW + LIFETIME)


@pytest.mark.parametrize(
    "other", [session_key("signing key", "a new secret"), session_key("another key", "console secret")]
)
def test_another_secret_or_signing_key_ends_all_sessions(other: bytes) -> None:
    with pytest.raises(UnauthenticatedError):
        unseal(seal(begin(NOW), KEY), other, NOW)


def test_a_session_cannot_be_prolonged_or_exchanged() -> None:
    session, other = begin(NOW), begin(NOW)
    signature = seal(session, KEY).rpartition(".")[2]
    for forged in (f"{session.id}.{session.expires_at + 1}.{signature}", f"{other.id}.{other.expires_at}.{signature}"):
        with pytest.raises(UnauthenticatedError):
            unseal(forged, KEY, NOW)


@relaxed
@given(st.text(max_size=150) | st.from_regex(r"[0-9a-f]{32}\.\d{1,20}\.[0-9a-f]{64}", fullmatch=True))
def test_whatever_else_stands_in_the_cookie_is_no_session(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        unseal(text, KEY, NOW)


@relaxed
@given(st.integers(0, 130), st.characters())
def test_no_changed_character_is_overlooked(place: int, character: str) -> None:
    sealed = seal(Session("0" * 32, NOW + 1), KEY)
    place = min(place, len(sealed) - 1)
    changed = sealed[:place] + character + sealed[place + 1 :]
    if changed != sealed:
        with pytest.raises(UnauthenticatedError):
            unseal(changed, KEY, NOW)


def test_a_change_needs_its_own_sessions_token() -> None:
    session, other = begin(NOW), begin(NOW)
    check_csrf(session, KEY, csrf_token(session, KEY))
    for wrong in (None, "", "ä", csrf_token(other, KEY), seal(session, KEY).rpartition(".")[2]):
        with pytest.raises(ForbiddenError):
            check_csrf(session, KEY, wrong)


@pytest.mark.parametrize(
    ("url", "path", "secure"),
    [
        ("https://api.example/api/console", "/api/console", True),
        ("https://atelier.example/console", "/console", True),
        ("http://127.0.0.1:4566/_aws/execute-api/abc/api/console", "/_aws/execute-api/abc/api/console", False),
    ],
)  # fmt: skip
def test_the_cookie_is_for_the_console_and_no_script_sees_it(url: str, path: str, secure: bool) -> None:
    header, cleared = set_cookie("sealed", url), clear_cookie(url)
    assert header == f"{COOKIE}=sealed; Max-Age=28800; Path={path}; HttpOnly; SameSite=Strict" + "; Secure" * secure
    assert cleared == f"{COOKIE}=; Max-Age=0; Path={path}; HttpOnly; SameSite=Strict" + "; Secure" * secure


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"{COOKIE}=a.b.c", "a.b.c"),
        (f"x=1; {COOKIE}=a=b; y=2", "a=b"),
        (f"x{COOKIE}=a", None),
        (f"{COOKIE}=", ""),
        ("", None),
        (";;=;", None),
        (None, None),
    ],
)
def test_the_cookie_is_found_among_others(header: str | None, found: str | None) -> None:
    assert cookie_of(header) == found


NOBODY = SignInAttempts("everybody", 0, 0)


def test_ten_failures_within_a_quarter_of_an_hour_are_enough() -> None:
    attempts = SignInAttempts("somebody", 0, NOW)
    for number in range(MAX_FAILURES):
        attempts.check(NOBODY, NOW + number)
        attempts = attempts.counted(NOW + number)
    assert (attempts.failures, attempts.version) == (10, 10)
    with pytest.raises(TooManyRequestsError) as caught:
        attempts.check(NOBODY, NOW + 60_001)
    assert caught.value.retry_after == 14 * 60
    assert "840 seconds" in caught.value.message
    attempts.check(NOBODY, NOW + WINDOW)
    again = attempts.counted(NOW + WINDOW)
    assert (again.failures, again.since, again.version) == (1, NOW + WINDOW, 11)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("93.184.216.34", "93.184.216.34"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("everybody", "unknown"),
        ("test-invoke-source-ip", "unknown"),
    ],
)
def test_a_source_is_an_address_or_what_one_customer_has(address: str, source: str) -> None:
    assert source_of(address) == source
