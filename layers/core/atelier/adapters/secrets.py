"""Secrets, read once a sandbox and TTL."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from atelier.adapters.aws import translated
from atelier.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

TTL_SECONDS = 300.0
LEAST_REFRESH_SECONDS = 5.0
"""A refused key makes us read the secret again, but not more often than this."""


class Secret:
    """One secret in Secrets Manager."""

    def __init__(
        self, client: "SecretsManagerClient", arn: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._arn = arn
        self._monotonic = monotonic
        self._value: str | None = None
        self._read_at = 0.0

    def __call__(self) -> str:
        """Return the secret's string."""
        now = self._monotonic()
        if self._value is None or now - self._read_at >= TTL_SECONDS:
            with translated("The secret"):
                self._value = self._client.get_secret_value(SecretId=self._arn)["SecretString"]
            self._read_at = now
        return self._value

    def refresh(self) -> None:
        """Read it anew at the next call, unless it was read just now."""
        if self._monotonic() - self._read_at >= LEAST_REFRESH_SECONDS:
            self._value = None


class SecretProviderKeys:
    """The ProviderKeys port: one secret, a JSON object of provider names and keys."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def get(self, provider: str) -> str | None:
        """Return a provider's key, or None where it is not set."""
        try:
            key = json.loads(self._secret()).get(provider)
        except (ValueError, AttributeError) as exc:
            raise ConfigurationError("the secret of provider keys must hold a JSON object") from exc
        return key if isinstance(key, str) and key else None

    def refresh(self) -> None:
        """Read the keys anew at the next get()."""
        self._secret.refresh()
