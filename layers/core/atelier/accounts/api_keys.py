"""Users, their webhook secrets, and API keys.

An API key reads `atl_live_<id><secret><checksum>` (or `atl_test_...`): 12 letters of id, under which its record
is found, 32 of secret, which only its holder has, and 6 of CRC-32, by which a mistyped key is refused without a
read and a leaked one is found by a scanner. The record holds a keyed digest, never the key.
"""

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass

from atelier.accounts.budgets import NO_BUDGET, Budget
from atelier.accounts.users import ALPHABET, User, _random
from atelier.errors import ForbiddenError, UnauthenticatedError

KEY_PATTERN = re.compile(r"atl_(live|test)_([0-9A-Za-z]{12})([0-9A-Za-z]{32})([0-9A-Za-z]{6})")
_ID_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 12, 32, 6


SCOPES = ("generate", "read")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """The stored part of a key: enough to recognise it, not enough to use it. None means that there is no limit.

    What `user_...` says is its user's, copied here so that a request reads one record.
    """

    id: str
    name: str
    user_id: str
    user_email: str
    digest: str
    test: bool
    created_at: int
    scopes: tuple[str, ...] = SCOPES
    requests_per_minute: int | None = None
    models: tuple[str, ...] | None = None
    expires_at: int | None = None
    last_used_at: int | None = None
    revoked_at: int | None = None
    disabled_at: int | None = None
    user_disabled_at: int | None = None
    budget_day: int | None = None
    budget_month: int | None = None
    user_budget_day: int | None = None
    user_budget_month: int | None = None
    user_unmetered: bool | None = None
    """True only as long as nothing that the key makes has to be charged, but for budgets."""

    @property
    def budget(self) -> Budget:
        """The budgets of this key."""
        return Budget(self.budget_day, self.budget_month)

    @property
    def user_budget(self) -> Budget:
        """The budgets of all keys of its user."""
        return Budget(self.user_budget_day, self.user_budget_month)

    @property
    def charged(self) -> bool:
        """Whether what it makes is charged and counted as spent: its user is metered, or there is a budget."""
        return not self.user_unmetered or self.budget != NO_BUDGET or self.user_budget != NO_BUDGET

    def require(self, scope: str, *, model: str | None = None) -> None:
        """Raise ForbiddenError unless the key may do this, with this model."""
        if scope not in self.scopes:
            raise ForbiddenError(f"This API key may not do this; it lacks the scope '{scope}'.")
        if model is not None and self.models is not None and model not in self.models:
            raise ForbiddenError(f"This API key may only use the models {', '.join(self.models)}.")

    @property
    def prefix(self) -> str:
        """The part of the key that may be shown."""
        return f"atl_{'test' if self.test else 'live'}_{self.id}"


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key as a client sends it, of the right shape and with a right checksum."""

    text: str
    id: str


def mint_key(
    *,
    name: str,
    user: User,
    test: bool,
    digest_key: str,
    now: int,
    scopes: tuple[str, ...] = SCOPES,
    requests_per_minute: int | None = None,
    models: tuple[str, ...] | None = None,
    expires_at: int | None = None,
    budget: Budget = NO_BUDGET,
) -> tuple[ApiKey, str]:
    """Make a key and its record; the key itself is shown once and kept nowhere."""
    body = f"atl_{'test' if test else 'live'}_{_random(_ID_LENGTH)}{_random(_SECRET_LENGTH)}"
    key = parse_key(body + _checksum(body))
    record = ApiKey(
        id=key.id,
        name=name,
        user_id=user.id,
        user_email=user.email,
        digest=digest(key, digest_key),
        test=test,
        created_at=now,
        scopes=scopes,
        requests_per_minute=requests_per_minute,
        models=models,
        expires_at=expires_at,
        budget_day=budget.day,
        budget_month=budget.month,
        user_disabled_at=user.disabled_at,
        user_budget_day=user.budget_day,
        user_budget_month=user.budget_month,
        user_unmetered=True if user.credits is None else None,
    )
    return record, key.text


def parse_key(text: str) -> PresentedKey:
    """Read a key's id; UnauthenticatedError where its shape or checksum is wrong."""
    match = KEY_PATTERN.fullmatch(text)
    if not match or not hmac.compare_digest(_checksum(text[:-_CHECKSUM_LENGTH]), match[4]):
        raise UnauthenticatedError("This is not an API key of this service; check that it was copied whole.")
    return PresentedKey(text=text, id=match[2])


def digest(key: PresentedKey, digest_key: str) -> str:
    """Make the keyed digest under which a key is stored."""
    return hmac.new(digest_key.encode(), key.text.encode(), hashlib.sha256).hexdigest()


def authenticate(key: PresentedKey, record: ApiKey | None, digest_key: str, now: int) -> ApiKey:
    """Return the record if the key is its key and is neither revoked nor expired, else raise UnauthenticatedError."""
    if record is None or not hmac.compare_digest(digest(key, digest_key), record.digest):
        raise UnauthenticatedError("This API key is not known; make one in the management interface.")
    if record.revoked_at is not None:
        raise UnauthenticatedError("This API key was revoked; make a new one in the management interface.")
    if record.disabled_at is not None or record.user_disabled_at is not None:
        raise UnauthenticatedError("This API key is disabled; ask the operator to enable it.")
    if record.expires_at is not None and record.expires_at <= now:
        raise UnauthenticatedError("This API key has expired; make a new one in the management interface.")
    return record


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    letters = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return "".join(reversed(letters))
