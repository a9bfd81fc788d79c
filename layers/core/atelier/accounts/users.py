"""Users, and the versions of their webhook secrets."""

import secrets
import string
from dataclasses import dataclass
from typing import NamedTuple

from atelier.clock import HOUR
from atelier.errors import NotPossibleError

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_OVERLAP = 24 * HOUR
MAX_RETIRED_SECRETS = 4
"""Each adds a signature to every webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The owner of keys and generations; `credits` is None for a user who is not metered."""

    id: str
    email: str
    name: str
    created_at: int
    plan: str = "standard"
    credits: int | None = None
    disabled_at: int | None = None
    budget_day: int | None = None
    budget_month: int | None = None

    @property
    def charged(self) -> bool:
        """Whether what all its keys make is charged and counted as spent: it is metered, or has a budget."""
        return any(limit is not None for limit in (self.credits, self.budget_day, self.budget_month))


class RetiredSecret(NamedTuple):
    """An older version of a user's webhook secret, and the time until which it still signs."""

    version: int
    until: int


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """Which versions of a user's webhook secret sign; the secrets themselves are derived and stand nowhere."""

    version: int = 1
    retired: tuple[RetiredSecret, ...] = ()

    def rotated(self, now: int) -> "WebhookSecrets":
        """Begin a new version, beside which the old one signs for a day; NotPossibleError where too many do so yet."""
        retired = self.signing_retired(now)
        if len(retired) >= MAX_RETIRED_SECRETS:
            message = f"The {MAX_RETIRED_SECRETS} secrets before this one still sign; wait until one of them has ended."
            raise NotPossibleError(message)
        return WebhookSecrets(self.version + 1, (RetiredSecret(self.version, now + SECRET_OVERLAP), *retired))

    def signing_retired(self, now: int) -> tuple[RetiredSecret, ...]:
        """Return the older versions that sign as well, newest first."""
        return tuple(secret for secret in self.retired if secret.until > now)

    def signing_versions(self, now: int) -> tuple[int, ...]:
        """Return all versions that sign, newest first."""
        return (self.version, *(secret.version for secret in self.signing_retired(now)))


def new_user(
    *, email: str, name: str, now: int, plan: str = "standard", credits: int | None = None, **limits: int | None
) -> User:
    """Make a user with a fresh id; `limits` are those of the budget."""
    return User(id=f"user_{_random(16)}", email=email, name=name, created_at=now, plan=plan, credits=credits, **limits)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


DEFAULT_PLAN = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRequest:
    """A valid request for a new user; without credits, what it makes is not counted."""

    email: str
    name: str
    plan: str
    credits: int | None
    budget_day: int | None = None
    budget_month: int | None = None
