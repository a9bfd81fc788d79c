"""Ports of the accounts room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from atelier.accounts.api_keys import ApiKey
    from atelier.accounts.budgets import Spending
    from atelier.accounts.session import Session
    from atelier.accounts.sign_in_throttle import SignInAttempts
    from atelier.accounts.users import User


class ApiKeys(Protocol):
    """The table of API keys, as far as letting clients in needs it."""

    def get(self, key_id: str) -> ApiKey | None:
        """Read a key's record."""
        ...


class Sessions(Protocol):
    """The operator's sessions, and the attempts to start one."""

    def start(self, session: Session) -> None:
        """Write a new session."""
        ...

    def lives(self, session: Session) -> bool:
        """Tell whether a session was started here and has not been ended."""
        ...

    def end(self, session: Session, now: int) -> None:
        """End a session for good; repeating it changes nothing."""
        ...

    def attempts(self, source: str) -> SignInAttempts | None:
        """Read how often a source tried."""
        ...

    def advance(self, before: SignInAttempts | None, after: SignInAttempts) -> None:
        """Write `after` if the record is still `before` (None: there was none); else ConflictError."""
        ...


class RotatedSecret(Protocol):
    """A secret that may be changed while it is remembered."""

    def __call__(self) -> str:
        """Return the secret."""
        ...

    def refresh(self) -> None:
        """Read it anew at the next call, unless it was read just now."""
        ...


class Accounts(Protocol):
    """The table of users and keys, as far as the operator's changes need it."""

    def get(self, key_id: str) -> ApiKey | None:
        """Read a key's record."""
        ...

    def user(self, user_id: str) -> User:
        """Read a user; NotFoundError where there is none."""
        ...

    def add_user(self, user: User) -> None:
        """Write a new user; ConflictError where the address is taken."""
        ...

    def replace_key(self, old_id: str, new_key: ApiKey, expires_at: int) -> None:
        """Write a new key, and let the old one expire then."""
        ...


class BudgetWarnings(Protocol):
    """The store of what is spent of the budgets."""

    def unwarned(self, now: int) -> Iterable[Spending]:
        """List the budgets of which a warning is due."""
        ...

    def note_warning(self, spending: Spending) -> None:
        """Note that a budget was warned of; repeating it changes nothing."""
        ...


class WarningTopic(Protocol):
    """The topic of which the operator hears."""

    def publish(self, document: Mapping[str, str | int], attributes: Mapping[str, str]) -> None:
        """Publish a message."""
        ...
