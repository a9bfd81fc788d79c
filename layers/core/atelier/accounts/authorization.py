"""Find the API key behind an Authorization header."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from atelier.accounts.api_keys import ApiKey, authenticate, parse_key
from atelier.accounts.ports import ApiKeys
from atelier.errors import UnauthenticatedError


def parse_authorization(header: str | None) -> str:
    """Take the key out of an Authorization header, with or without the scheme Bearer.

    Clients of AUTOMATIC1111 know HTTP Basic only (RFC 7617): there it is the password, or the user without one.
    """
    if not header or not header.strip():
        raise UnauthenticatedError("Authorization header is required")
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        return _basic(rest.strip()) or header.strip()
    return rest.strip() if scheme.lower() == "bearer" else header.strip()


def _basic(credentials: str) -> str | None:
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return None
    return password or user


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """Finds out whose key it is. A key of the wrong shape costs no read."""

    keys: ApiKeys
    digest_key: Callable[[], str]
    clock: Callable[[], int]

    def __call__(self, authorization: str | None) -> ApiKey:
        """Return the record of the key in an Authorization header; UnauthenticatedError where it is not valid."""
        key = parse_key(parse_authorization(authorization))
        return authenticate(key, self.keys.get(key.id), self.digest_key(), self.clock())
