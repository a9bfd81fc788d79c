"""Secrets, read once a sandbox and TTL, and the one that the operator changes from the console."""

import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from atelier.adapters.aws.clients import translated
from atelier.errors import AtelierError, ConfigurationError, UnavailableError
from atelier.logging import logger
from atelier.ttl_cache import TtlCache

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


TTL_SECONDS = 300.0
LEAST_REFRESH_SECONDS = 5.0
"""A refused key makes us read the secret again, but not more often than this."""

CHANGE_TRIES = 5
_BUSY = "The keys are being changed by somebody else; try again."

CURRENT = "AWSCURRENT"
NO_KEYS = "{}"
NAMES = "NAMES"
"""Labels the version of the providers' keys that holds their names alone; `generate` may read no other."""
CALLBACKS = "CALLBACKS"
"""Labels the version with the keys that verify callbacks; `webhook` may read no other."""


class Secret:
    """One secret in Secrets Manager; the last good value stays while it cannot be read."""

    def __init__(
        self,
        client: "SecretsManagerClient",
        arn: str,
        *,
        stage: str = CURRENT,
        missing: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the version that `stage` labels; `missing` is its value where there is none."""
        self._client = client
        self._arn = arn
        self._stage = stage
        self._missing = missing
        self._cache = TtlCache(self._read, seconds=TTL_SECONDS, failed=_log, monotonic=monotonic)

    def __call__(self) -> str:
        """Return the secret's string; UnavailableError where it was never read."""
        return self._cache.get(self._arn)

    def refresh(self) -> None:
        """Read it anew at the next call, unless it was read just now."""
        self._cache.refresh(self._arn, least=LEAST_REFRESH_SECONDS)

    def _read(self, arn: str) -> str:
        with translated("The secret"):
            try:
                return self._client.get_secret_value(SecretId=arn, VersionStage=self._stage)["SecretString"]
            except self._client.exceptions.ResourceNotFoundException:
                if self._missing is None:
                    raise
                return self._missing


def _log(exc: AtelierError) -> None:
    logger.error("a secret cannot be read; its last value stays", cause=repr(exc.__cause__ or exc))


class SecretProviderKeys:
    """The ProviderKeys port: one secret, a JSON object of provider names and keys."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def get(self, provider: str) -> str | None:
        """Return a provider's key, or None where it is not set."""
        return _keys(self._secret()).get(provider)

    def refresh(self) -> None:
        """Read the keys anew at the next get()."""
        self._secret.refresh()


class ProviderKeysEditor:
    """The same secret as its owner changes it: always read anew.

    Beside the keys it has a version with their names, and one with those that verify callbacks (`for_callbacks` names
    their providers), so that functions which need no more may read no more.
    """

    def __init__(self, client: "SecretsManagerClient", arn: str, *, for_callbacks: Collection[str]) -> None:
        self._client = client
        self._arn = arn
        self._for_callbacks = for_callbacks

    def put(self, provider: str, key: str | None) -> None:
        """Set a provider's key, or unset it, and leave the others as they are.

        The new version's id is made of the one that was read: of two who change the same version, the second is
        refused, reads again and goes on from there. For the same reason a call whose answer was lost may be repeated.
        """
        with translated("The secret"):
            for _ in range(CHANGE_TRIES):
                read = self._client.get_secret_value(SecretId=self._arn)
                keys = {name: value for name, value in _keys(read["SecretString"]).items() if name != provider}
                changed = keys | ({provider: key} if key else {})
                token = hashlib.sha256(read["VersionId"].encode()).hexdigest()
                try:
                    self._client.put_secret_value(
                        SecretId=self._arn, SecretString=json.dumps(changed), ClientRequestToken=token
                    )
                except self._client.exceptions.ResourceExistsException:
                    continue
                self.publish()
                return
        raise UnavailableError(_BUSY)

    def publish(self) -> None:
        """Bring the versions of less than the keys up to date; whoever changes the secret by other means calls it."""
        with translated("The secret"):
            for _ in range(CHANGE_TRIES):
                read = self._client.get_secret_value(SecretId=self._arn)
                keys = _keys(read["SecretString"])
                self._label(NAMES, dict.fromkeys(sorted(keys), "set"))
                self._label(CALLBACKS, {name: keys[name] for name in sorted(keys) if name in self._for_callbacks})
                if self._client.get_secret_value(SecretId=self._arn)["VersionId"] == read["VersionId"]:
                    return
        raise UnavailableError(_BUSY)

    def _label(self, stage: str, content: Mapping[str, str]) -> None:
        try:
            known = self._client.get_secret_value(SecretId=self._arn, VersionStage=stage)["SecretString"]
        except self._client.exceptions.ResourceNotFoundException:
            known = None
        if known != (text := json.dumps(content)):
            self._client.put_secret_value(SecretId=self._arn, SecretString=text, VersionStages=[stage])


def _keys(text: str) -> dict[str, str]:
    try:
        items = json.loads(text).items()
    except (ValueError, AttributeError) as exc:
        raise ConfigurationError("the secret of provider keys must hold a JSON object") from exc
    return {name: key for name, key in items if isinstance(key, str) and key}
