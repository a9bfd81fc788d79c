"""The secrets that sign a user's webhooks."""

import time
from collections.abc import Callable

from atelier.accounts.users import WebhookSecrets
from atelier.standard_webhooks import derive_secret
from atelier.ttl_cache import TtlCache

SECRETS_SECONDS = 60.0
MAX_REMEMBERED = 1_000


class SigningSecrets:
    """The secrets that a user's webhooks are signed with.

    Every delivery asks which versions sign, so they are kept for a minute. A new secret is late by as much, which
    harms nobody: the old one signs for a day more.
    """

    def __init__(
        self,
        read: Callable[[str], WebhookSecrets],
        signing_key: Callable[[], str],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signing_key = signing_key
        self._secrets = TtlCache(read, seconds=SECRETS_SECONDS, size=MAX_REMEMBERED, monotonic=monotonic)

    def __call__(self, user_id: str, now: int) -> tuple[str, ...]:
        """Return a user's `whsec_` secrets that sign now, newest first; NotFoundError where there is no user."""
        signing_key = self._signing_key()
        versions = self._secrets.get(user_id).signing_versions(now)
        return tuple(derive_secret(signing_key, user_id, version) for version in versions)
