"""Where the catalog comes from: the code, or an object of the operator's in S3."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from atelier.adapters.aws import clients
from atelier.adapters.aws.clients import translated
from atelier.catalog.model import Catalog, embedded, load
from atelier.errors import AtelierError, ConfigurationError, UnavailableError
from atelier.logging import logger
from atelier.ttl_cache import TtlCache

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


EMBEDDED = "embedded"
TTL_SECONDS = 60.0


def catalog_source(location: str, *, brief: bool = False) -> Callable[[], Catalog]:
    """Return how to get the catalog: `location` is "bucket/key", or "embedded" for the one that ships with the code."""
    return embedded if location == EMBEDDED else StoredCatalog(clients.client("s3", brief=brief), location)


class StoredCatalog:
    """The operator's catalog, read again after a minute; the last good one stays while the new one cannot be used."""

    def __init__(self, client: "S3Client", location: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._location = location
        self._cache = TtlCache(
            self._read, seconds=TTL_SECONDS, retry=TTL_SECONDS, failed=self._log, monotonic=monotonic
        )

    def __call__(self) -> Catalog:
        """Return the catalog; UnavailableError where there never was a good one."""
        try:
            return self._cache.get(self._location)
        except (UnavailableError, ConfigurationError) as exc:
            message = f"The catalog {self._location} cannot be used; tell the stack's operator."
            raise UnavailableError(message) from exc

    def _read(self, location: str) -> Catalog:
        bucket, _, key = location.partition("/")
        with translated("The catalog"):
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            return load(body.decode())
        except UnicodeDecodeError as exc:
            raise ConfigurationError("the catalog is not text in UTF-8") from exc

    def _log(self, exc: AtelierError) -> None:
        logger.error(
            "the catalog cannot be used; the last good one stays",
            catalog=self._location,
            cause=str(exc.__cause__ or exc) if isinstance(exc, UnavailableError) else str(exc),
        )
