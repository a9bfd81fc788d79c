"""The versions of users' webhook secrets, which stand in the users' records."""

import json

from atelier.accounts.users import RetiredSecret, WebhookSecrets
from atelier.adapters.dynamodb.credit_ledger import USER
from atelier.adapters.dynamodb.records import RecordTable
from atelier.errors import ConflictError, NotFoundError


class WebhookSecretStore:
    """Reads and rotates them."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def read(self, user_id: str) -> WebhookSecrets:
        """Read which versions of a user's webhook secret sign; NotFoundError where there is no user."""
        record = self._table.get(user_id, USER)
        if record is None:
            raise NotFoundError(f"There is no user '{user_id}'.")
        retired = json.loads(str(record.get("webhook_secrets_retired", "[]")))
        return WebhookSecrets(
            int(record.get("webhook_secret_version") or 1), tuple(RetiredSecret(*it) for it in retired)
        )

    def rotate(self, user_id: str, now: int) -> WebhookSecrets:
        """Begin a new version of a user's webhook secret, and return which sign; NotFoundError where there is no user.

        Where another has begun one meanwhile, or the SDK repeats a call that took effect, that one is the new version.
        """
        before = self.read(user_id)
        after = before.rotated(now)
        try:
            self._table.update(
                (user_id, USER),
                {"webhook_secret_version": after.version, "webhook_secrets_retired": json.dumps(after.retired)},
                condition="attribute_exists(id) AND "
                "(attribute_not_exists(webhook_secret_version) OR webhook_secret_version = :before)",
                values={":before": before.version},
            )
        except ConflictError:
            return self.read(user_id)
        return after
