"""Sign in: let the operator into the console, by its secret or by the session that the secret opened."""

import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from atelier.accounts.authorization import parse_authorization
from atelier.accounts.ports import RotatedSecret, Sessions
from atelier.accounts.session import Session, begin, check_csrf, csrf_token, seal, session_key, unseal
from atelier.accounts.sign_in_throttle import EVERYBODY, SignInAttempts
from atelier.errors import ConflictError, UnauthenticatedError, UnavailableError

MAX_COUNTS = 5
MIN_SECRET_LENGTH = 32
"""A secret that is no shorter cannot be guessed, however many addresses try."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session, its cookie's value, and the token that its changes need."""

    session: Session
    sealed: str
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Knows the operator. A secret that was rotated a moment ago counts at once, and ends all sessions."""

    sessions: Sessions
    console_secret: RotatedSecret
    signing_key: Callable[[], str]
    clock: Callable[[], int]

    def __call__(self, secret: str, source: str) -> SignedIn:
        """Start a session for a caller with the right secret.

        UnauthenticatedError where it is wrong, TooManyRequestsError where it was wrong too often at this source.
        """
        self._check(secret, source)
        session = begin(self.clock())
        self.sessions.start(session)
        return self._signed_in(session)

    def resume(self, sealed: str | None) -> SignedIn:
        """Go on with a session; UnauthenticatedError where there is none (any more)."""
        if not sealed:
            raise UnauthenticatedError("Sign in first.")
        try:
            session = unseal(sealed, self._key(), self.clock())
        except UnauthenticatedError:
            self.console_secret.refresh()
            session = unseal(sealed, self._key(), self.clock())
        if not self.sessions.lives(session):
            raise UnauthenticatedError("The session is over; sign in again.")
        return self._signed_in(session)

    def out(self, sealed: str | None, csrf: str | None) -> None:
        """End a session; ForbiddenError without its token."""
        session = self.resume(sealed).session
        check_csrf(session, self._key(), csrf)
        self.sessions.end(session, self.clock())

    def admit(
        self, authorization: str | None, sealed: str | None, csrf: str | None, *, source: str, changes: bool
    ) -> None:
        """Let a request pass that brings the secret, or a session and, where it changes something, its token."""
        if authorization is None and sealed:
            session = self.resume(sealed).session
            if changes:
                check_csrf(session, self._key(), csrf)
        else:
            self._check(parse_authorization(authorization), source)

    def _check(self, secret: str, source: str) -> None:
        """Count a wrong secret, so that the right one costs a read only."""
        now = self.clock()
        self._attempts(source).check(self._attempts(EVERYBODY), now)
        if self._is_right(secret):
            return
        self.console_secret.refresh()
        if self._is_right(secret):
            return
        self._count(source, now)
        with suppress(UnavailableError):  # that many try at once is nobody's lock
            self._count(EVERYBODY, now)
        raise UnauthenticatedError("This is not the console's secret. Read it from Secrets Manager.")

    def _is_right(self, secret: str) -> bool:
        return hmac.compare_digest(secret.encode(errors="replace"), self._secret().encode())

    def _secret(self) -> str:
        """Return the secret; UnavailableError where it is so short that it could be guessed."""
        secret = self.console_secret()
        if len(secret) < MIN_SECRET_LENGTH:
            self.console_secret.refresh()
            secret = self.console_secret()
        if len(secret) < MIN_SECRET_LENGTH:
            message = f"The console's secret is shorter than {MIN_SECRET_LENGTH} characters; make it longer."
            raise UnavailableError(message)
        return secret

    def _attempts(self, source: str) -> SignInAttempts:
        return self.sessions.attempts(source) or SignInAttempts(source, 0, 0)

    def _count(self, source: str, now: int) -> None:
        for _ in range(MAX_COUNTS):
            before = self.sessions.attempts(source)
            try:
                self.sessions.advance(before, (before or SignInAttempts(source, 0, now)).counted(now))
            except ConflictError:
                continue
            return
        raise UnavailableError("Too many try to sign in at once; try again.")

    def _key(self) -> bytes:
        return session_key(self.signing_key(), self._secret())

    def _signed_in(self, session: Session) -> SignedIn:
        key = self._key()
        return SignedIn(session, seal(session, key), csrf_token(session, key))
