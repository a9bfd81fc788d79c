"""Replace an API key."""

from collections.abc import Callable
from dataclasses import dataclass

from atelier.accounts.api_keys import ApiKey, mint_key
from atelier.accounts.ports import Accounts
from atelier.errors import ConflictError, NotFoundError, NotPossibleError


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKey:
    """Replaces a key by one that may do the same; both hold for a while, so that nobody is locked out."""

    accounts: Accounts
    digest_key: Callable[[], str]
    clock: Callable[[], int]

    def __call__(self, key_id: str, overlap: int) -> tuple[ApiKey, str]:
        """Return the new key and its text, which is shown once; NotPossibleError where the old one is void."""
        now, old = self.clock(), self.accounts.get(key_id)
        if old is None:
            raise NotFoundError(f"There is no API key '{key_id}'.")
        if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
            raise NotPossibleError("The key is revoked or has expired; make a new one.")
        new, text = mint_key(
            name=old.name, user=self.accounts.user(old.user_id), test=old.test, digest_key=self.digest_key(), now=now,
            scopes=old.scopes, requests_per_minute=old.requests_per_minute, models=old.models,
            expires_at=old.expires_at, budget=old.budget,
        )  # fmt: skip
        end = now + overlap
        try:
            self.accounts.replace_key(old.id, new, end if old.expires_at is None else min(end, old.expires_at))
        except ConflictError as exc:
            raise NotPossibleError("The key has just been revoked; make a new one.") from exc
        return new, text
