"""The secrets that sign a user's webhooks."""

import time
from collections.abc import Callable

from atelier.accounts.users import WebhookSecrets
from atelier.standard_webhooks import derive_secret

SECRETS_SECONDS = 60.0
MAX_REMEMBERED = 1_000


class SigningSecrets:
    """The secrets that a user's webhooks are signed with.

    Which versions sign is remembered for a minute, since every delivery asks. A new secret is late by as much, which
    harms nobody: the old one signs for a day more.
    """

    def __init__(
        self,
        read: Callable[[str], WebhookSecrets],
        signing_key: Callable[[], str],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._signing_key = signing_key
        self._monotonic = monotonic
        self._remembered: dict[str, tuple[float, WebhookSecrets]] = {}

    def __call__(self, user_id: str, now: int) -> tuple[str, ...]:
        """Return a user's `whsec_` secrets that sign now, newest first; NotFoundError where there is no user."""
        signing_key = self._signing_key()
        versions = self._secrets(user_id).signing_versions(now)
        return tuple(derive_secret(signing_key, user_id, version) for version in versions)

    def _secrets(self, user_id: str) -> WebhookSecrets:
        now = self._monotonic()
        read_at, known = self._remembered.get(user_id, (now, None))
        if known is None or now - read_at >= SECRETS_SECONDS:
            known = self._read(user_id)
            self._remembered.pop(user_id, None)  # so that the first is the one read longest ago
            if len(self._remembered) >= MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[user_id] = (now, known)
        return known
