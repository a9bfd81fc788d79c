"""Sign in: who is let in, how often one may try, and what ends a session."""

from collections.abc import Callable

import pytest

from atelier.accounts.session import LIFETIME, Session
from atelier.accounts.sign_in import SignIn
from atelier.accounts.sign_in_throttle import (
    MANY_FAILURES,
    MAX_FAILURES,
    MAX_FAILURES_AMONG_MANY,
    WINDOW,
    SignInAttempts,
)
from atelier.errors import ConflictError, ForbiddenError, TooManyRequestsError, UnauthenticatedError, UnavailableError
from tests.unit.fakes import Clock

SECRET = "the console's secret, of 32 characters"
NEW = "a new secret, no shorter than the old one"


class InMemorySessions:
    """The Sessions port; `conflicts` other writers come first."""

    def __init__(self) -> None:
        self.sessions: dict[str, bool] = {}
        self.kept: dict[str, SignInAttempts] = {}
        self.conflicts = 0

    def start(self, session: Session) -> None:
        self.sessions[session.id] = True

    def lives(self, session: Session) -> bool:
        return self.sessions.get(session.id, False)

    def end(self, session: Session, now: int) -> None:
        self.sessions[session.id] = False

    def attempts(self, source: str) -> SignInAttempts | None:
        return self.kept.get(source)

    def advance(self, before: SignInAttempts | None, after: SignInAttempts) -> None:
        if self.conflicts or self.kept.get(after.source) != before:
            self.conflicts -= 1
            raise ConflictError("the record was changed by another writer")
        self.kept[after.source] = after


class Rotated:
    """The RotatedSecret port: remembers `value` until it is refreshed, then knows `stored`."""

    def __init__(self) -> None:
        self.value = self.stored = SECRET

    def __call__(self) -> str:
        return self.value

    def refresh(self) -> None:
        self.value = self.stored


class Door:
    """A SignIn and what is behind it."""

    def __init__(self) -> None:
        self.sessions = InMemorySessions()
        self.secret = Rotated()
        self.clock = Clock()
        self.sign_in = SignIn(
            sessions=self.sessions, console_secret=self.secret, signing_key=lambda: "key", clock=self.clock
        )

    def fail(self, times: int, source: Callable[[int], str] = lambda _: "somebody") -> None:
        for number in range(times):
            with pytest.raises(UnauthenticatedError):
                self.sign_in("wrong", source(number))


@pytest.fixture
def door() -> Door:
    return Door()


def test_the_secret_opens_a_session_that_goes_on(door: Door) -> None:
    signed_in = door.sign_in(SECRET, "somebody")
    assert door.sign_in.resume(signed_in.sealed) == signed_in
    assert signed_in.session.expires_at == door.clock() + LIFETIME


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + " ", "ä", "\ud800"])
def test_nothing_else_does(door: Door, secret: str) -> None:
    with pytest.raises(UnauthenticatedError):
        door.sign_in(secret, "somebody")
    assert door.sessions.sessions == {}


def test_after_ten_failures_even_the_secret_has_to_wait(door: Door) -> None:
    door.fail(MAX_FAILURES)
    with pytest.raises(TooManyRequestsError) as caught:
        door.sign_in(SECRET, "somebody")
    assert caught.value.retry_after == WINDOW // 1_000
    assert door.sign_in(SECRET, "somebody else")
    door.clock.now += WINDOW
    assert door.sign_in(SECRET, "somebody")


def test_after_fewer_the_secret_works_and_does_not_count(door: Door) -> None:
    door.fail(MAX_FAILURES - 1)
    for _ in range(20):
        assert door.sign_in(SECRET, "somebody")
    door.fail(1)
    with pytest.raises(TooManyRequestsError):
        door.sign_in(SECRET, "somebody")


def test_the_secret_works_from_a_clean_address_despite_failures(door: Door) -> None:
    door.fail(MANY_FAILURES * 2, lambda number: f"source {number}")
    assert door.sessions.kept["everybody"].failures == MANY_FAILURES * 2
    assert door.sign_in(SECRET, "clean")
    door.sign_in.admit(f"Bearer {SECRET}", None, None, source="clean", changes=True)
    # though many try at once
    door.sessions.conflicts = 99
    assert door.sign_in(SECRET, "clean")


def test_while_many_fail_each_may_fail_less_often(door: Door) -> None:
    door.fail(MANY_FAILURES, lambda number: f"source {number}")
    door.fail(MAX_FAILURES_AMONG_MANY)
    with pytest.raises(TooManyRequestsError):
        door.sign_in(SECRET, "somebody")
    door.clock.now += WINDOW
    door.fail(MAX_FAILURES)


def test_wrong_secrets_as_bearer_count_as_well(door: Door) -> None:
    for number in range(MAX_FAILURES):
        with pytest.raises(UnauthenticatedError):
            door.sign_in.admit(f"Bearer wrong {number}", None, None, source="somebody", changes=False)
    for attempt in (lambda: door.sign_in(SECRET, "somebody"),
                    lambda: door.sign_in.admit(SECRET, None, None, source="somebody", changes=False)):  # fmt: skip
        with pytest.raises(TooManyRequestsError):
            attempt()


@pytest.mark.parametrize("secret", ["", "x", "x" * 31])
def test_a_secret_that_could_be_guessed_opens_nothing(door: Door, secret: str) -> None:
    signed_in = door.sign_in(SECRET, "somebody")
    door.secret.value = door.secret.stored = secret
    for attempt in (
        lambda: door.sign_in(secret, "somebody"),
        lambda: door.sign_in.admit(f"Bearer {secret}", None, None, source="somebody", changes=False),
        lambda: door.sign_in.resume(signed_in.sealed),
    ):
        with pytest.raises((UnavailableError, UnauthenticatedError)):
            attempt()
    with pytest.raises(UnavailableError, match="32 characters"):
        door.sign_in(secret, "somebody")


def test_one_source_alone_does_not_lock_the_others_out(door: Door) -> None:
    door.fail(MAX_FAILURES)
    for _ in range(2 * MANY_FAILURES):
        with pytest.raises(TooManyRequestsError):
            door.sign_in("wrong", "somebody")
    assert door.sign_in(SECRET, "another source")


def test_attempts_at_the_same_time_are_all_counted(door: Door) -> None:
    door.sessions.conflicts = 4
    door.fail(1)
    assert door.sessions.kept["somebody"].failures == 1
    door.sessions.conflicts = 5
    with pytest.raises(UnavailableError):
        door.sign_in("wrong", "somebody")


def test_a_session_that_was_ended_is_over(door: Door) -> None:
    one, other = door.sign_in(SECRET, "somebody"), door.sign_in(SECRET, "somebody")
    door.sign_in.out(one.sealed, one.csrf)
    with pytest.raises(UnauthenticatedError):
        door.sign_in.resume(one.sealed)
    assert door.sign_in.resume(other.sealed)


def test_a_session_is_ended_only_with_its_token(door: Door) -> None:
    one, other = door.sign_in(SECRET, "somebody"), door.sign_in(SECRET, "somebody")
    for token in (None, "", other.csrf):
        with pytest.raises(ForbiddenError):
            door.sign_in.out(one.sealed, token)
    assert door.sign_in.resume(one.sealed)


def test_a_session_ends_by_itself(door: Door) -> None:
    signed_in = door.sign_in(SECRET, "somebody")
    door.clock.now += LIFETIME
    with pytest.raises(UnauthenticatedError):
        door.sign_in.resume(signed_in.sealed)


def test_a_new_secret_counts_at_once_and_ends_all_sessions(door: Door) -> None:
    old = door.sign_in(SECRET, "somebody")
    door.secret.stored = NEW
    new = door.sign_in(NEW, "somebody")
    assert door.sign_in.resume(new.sealed)
    with pytest.raises(UnauthenticatedError):
        door.sign_in(SECRET, "somebody")
    with pytest.raises(UnauthenticatedError):
        door.sign_in.resume(old.sealed)


def test_a_sandbox_with_the_old_secret_knows_a_new_session(door: Door) -> None:
    door.secret.stored = NEW
    new = door.sign_in(NEW, "somebody")
    door.secret.value = SECRET
    assert door.sign_in.resume(new.sealed)


def test_a_reader_needs_the_secret_or_a_session(door: Door) -> None:
    signed_in = door.sign_in(SECRET, "somebody")
    door.sign_in.admit(f"Bearer {SECRET}", None, None, source="somebody", changes=False)
    door.sign_in.admit(None, signed_in.sealed, None, source="somebody", changes=False)
    for authorization, sealed in ((None, None), ("Bearer x", None), ("", ""), (None, "x"), ("x", signed_in.sealed)):
        with pytest.raises(UnauthenticatedError):
            door.sign_in.admit(authorization, sealed, None, source="somebody", changes=False)


def test_a_change_by_cookie_needs_the_token_and_by_secret_none(door: Door) -> None:
    signed_in = door.sign_in(SECRET, "somebody")
    door.sign_in.admit(f"Bearer {SECRET}", None, None, source="somebody", changes=True)
    door.sign_in.admit(None, signed_in.sealed, signed_in.csrf, source="somebody", changes=True)
    for token in (None, "", "x"):
        with pytest.raises(ForbiddenError):
            door.sign_in.admit(None, signed_in.sealed, token, source="somebody", changes=True)
