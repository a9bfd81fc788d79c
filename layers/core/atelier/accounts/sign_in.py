"""Sign in: let the owner into the console, by its secret or by the session that the secret opened."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from atelier.accounts.authorization import parse_authorization
from atelier.accounts.ports import RotatedSecret, Sessions
from atelier.accounts.session import Session, begin, check_csrf, csrf_token, seal, session_key, unseal
from atelier.accounts.sign_in_throttle import EVERYBODY, MAX_FAILURES, MAX_FAILURES_IN_ALL, SignInAttempts
from atelier.errors import ConflictError, UnauthenticatedError, UnavailableError

MAX_COUNTS = 5


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session, its cookie's value, and the token that its changes need."""

    session: Session
    sealed: str
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Knows the owner. A secret that was rotated a moment ago counts at once, and ends all sessions."""

    sessions: Sessions
    console_secret: RotatedSecret
    signing_key: Callable[[], str]
    clock: Callable[[], int]

    def __call__(self, secret: str, source: str) -> SignedIn:
        """Start a session for whoever brings the secret.

        UnauthenticatedError where it is wrong, TooManyRequestsError where it was wrong too often.
        """
        now, limits = self.clock(), {source: MAX_FAILURES, EVERYBODY: MAX_FAILURES_IN_ALL}
        for name, limit in limits.items():
            self._count(name, partial(SignInAttempts.counted, limit=limit, now=now))
        self._check(secret)
        for name in limits:
            self._count(name, SignInAttempts.taken_back)
        session = begin(now)
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

    def admit(self, authorization: str | None, sealed: str | None, csrf: str | None, *, changes: bool) -> None:
        """Let a request pass that brings the secret, or a session and, where it changes something, its token."""
        if authorization is None and sealed:
            session = self.resume(sealed).session
            if changes:
                check_csrf(session, self._key(), csrf)
        else:
            self._check(parse_authorization(authorization))

    def _check(self, secret: str) -> None:
        if self._is_right(secret):
            return
        self.console_secret.refresh()
        if not self._is_right(secret):
            raise UnauthenticatedError("This is not the console's secret; it stands in Secrets Manager.")

    def _is_right(self, secret: str) -> bool:
        return hmac.compare_digest(secret.encode(errors="replace"), self.console_secret().encode())

    def _count(self, source: str, change: Callable[[SignInAttempts], SignInAttempts]) -> None:
        for _ in range(MAX_COUNTS):
            before = self.sessions.attempts(source)
            try:
                self.sessions.advance(before, change(before or SignInAttempts(source, 0, self.clock())))
            except ConflictError:
                continue
            return
        raise UnavailableError("Too many try to sign in at once; try again.")

    def _key(self) -> bytes:
        return session_key(self.signing_key(), self.console_secret())

    def _signed_in(self, session: Session) -> SignedIn:
        key = self._key()
        return SignedIn(session, seal(session, key), csrf_token(session, key))
