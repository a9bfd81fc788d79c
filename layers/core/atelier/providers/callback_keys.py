"""The keys that verify a provider's callbacks, fetched from the provider and cached."""

from collections.abc import Callable
from typing import Generic, TypeVar

from atelier.errors import AtelierError, InvalidSignatureError

MAX_AGE_SECONDS = 24 * 60 * 60
LEAST_RENEWAL_SECONDS = 5 * 60
"""A signature that fits no key makes us read the keys again, but forged ones not more often than this."""

FAILURE_SECONDS = 30
"""Keys that could not be read are not asked for again sooner."""

Key = TypeVar("Key")


class CallbackKeys(Generic[Key]):
    """Keys that serve for a day, or until they can be read again; read anew where a provider may have changed them."""

    def __init__(self) -> None:
        self._keys: tuple[Key, ...] = ()
        self._read_at: int | None = None
        self._renewed_at = 0
        self._failure: tuple[AtelierError, int] | None = None

    def verify(self, check: Callable[[tuple[Key, ...]], None], read: Callable[[], tuple[Key, ...]], now: int) -> None:
        """Run `check` on the keys, which raises InvalidSignatureError where none fits; `now` is in seconds.

        Raises what `read` does where the keys are needed and cannot be read; older ones serve until they can.
        """
        if self._read_at is None or not 0 <= now - self._read_at < MAX_AGE_SECONDS:
            try:
                self._renew(read, now)
            except AtelierError:
                if not self._keys:
                    raise
            check(self._keys)
            return
        try:
            check(self._keys)
        except InvalidSignatureError:
            if now - self._renewed_at < LEAST_RENEWAL_SECONDS:
                raise
            self._renew(read, now)
            check(self._keys)

    def _renew(self, read: Callable[[], tuple[Key, ...]], now: int) -> None:
        if self._failure and 0 <= now - self._failure[1] < FAILURE_SECONDS:
            raise self._failure[0].with_traceback(None)
        self._renewed_at = now
        try:
            self._keys = read()
        except AtelierError as exc:
            self._failure = exc, now
            raise
        self._read_at, self._failure = now, None
