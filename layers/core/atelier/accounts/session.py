"""The operator's session in the console: a signed cookie, and a token that every change must bring along.

The cookie reads `<id>.<expiry>.<signature>`. The signature's key comes of the stack's signing key and the console's
secret, so that a new secret ends all sessions. All times are milliseconds since the Unix epoch.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from atelier.clock import HOUR
from atelier.errors import ForbiddenError, UnauthenticatedError

LIFETIME = 8 * HOUR
_SEALED = re.compile(r"([0-9a-f]{32})\.([0-9]{1,15})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of the operator, and the time at which it ends by itself."""

    id: str
    expires_at: int


def begin(now: int) -> Session:
    """Make a session with a fresh unguessable id."""
    return Session(secrets.token_hex(16), now + LIFETIME)


def session_key(signing_key: str, console_secret: str) -> bytes:
    """Make the key under which sessions are sealed as long as the console's secret stays the same."""
    return hmac.digest(signing_key.encode(), b"console-session:" + console_secret.encode(), hashlib.sha256)


def seal(session: Session, key: bytes) -> str:
    """Write a session as a cookie's value."""
    return f"{session.id}.{session.expires_at}.{_sign(key, f'session:{session.id}.{session.expires_at}')}"


def unseal(sealed: str, key: bytes, now: int) -> Session:
    """Read a cookie's value; UnauthenticatedError where it is not ours or its time is over."""
    match = _SEALED.fullmatch(sealed)
    if not match or not hmac.compare_digest(_sign(key, f"session:{match[1]}.{match[2]}"), match[3]):
        raise UnauthenticatedError("This is no session of this console; sign in.")
    session = Session(match[1], int(match[2]))
    if session.expires_at <= now:
        raise UnauthenticatedError("The session is over; sign in again.")
    return session


def csrf_token(session: Session, key: bytes) -> str:
    """Make the token that shows that a change comes from the console's own page."""
    return _sign(key, f"csrf:{session.id}")


def check_csrf(session: Session, key: bytes, token: str | None) -> None:
    """Let a change of this session pass; ForbiddenError where its token is missing or wrong."""
    if not hmac.compare_digest(csrf_token(session, key).encode(), (token or "").encode()):
        raise ForbiddenError("The X-CSRF-Token header is missing or wrong; load the console anew.")


def _sign(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()
