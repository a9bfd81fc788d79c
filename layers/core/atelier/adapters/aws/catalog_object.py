"""Where the catalog comes from: the code, or an object of the owner's in S3."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from atelier.adapters.aws import clients
from atelier.catalog.model import Catalog, embedded, load
from atelier.errors import ConfigurationError, UnavailableError
from atelier.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


EMBEDDED = "embedded"
TTL_SECONDS = 60.0


def catalog_source(location: str) -> Callable[[], Catalog]:
    """Return how to get the catalog: `place` is "bucket/key", or "embedded" for the one that ships with the code."""
    return embedded if location == EMBEDDED else StoredCatalog(clients.client("s3"), location)


class StoredCatalog:
    """The owner's catalog, looked at again after a minute; a new one that cannot be had leaves the last good one."""

    def __init__(self, client: "S3Client", location: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._bucket, _, self._key = location.partition("/")
        self._monotonic = monotonic
        self._catalog: Catalog | None = None
        self._looked_at = 0.0

    def __call__(self) -> Catalog:
        """Return the catalog; UnavailableError where there never was a good one."""
        now = self._monotonic()
        if self._catalog and now - self._looked_at < TTL_SECONDS:
            return self._catalog
        self._looked_at = now
        try:
            self._catalog = self._read()
        except (ClientError, BotoCoreError, ConfigurationError) as exc:
            location = f"{self._bucket}/{self._key}"
            if self._catalog is None:
                raise UnavailableError(f"The catalog {location} cannot be used; tell the stack's owner.") from exc
            logger.error("the catalog cannot be used; the last good one stays", catalog=location, cause=str(exc))
        return self._catalog

    def _read(self) -> Catalog:
        body = self._client.get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
        try:
            return load(body.decode())
        except UnicodeDecodeError as exc:
            raise ConfigurationError("the catalog is not text in UTF-8") from exc
