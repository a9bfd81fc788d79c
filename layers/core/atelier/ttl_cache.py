"""Values that are expensive to read: each is kept for a while, and the last good one for as long as reading fails."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from atelier.errors import AtelierError

Key = TypeVar("Key")
Value = TypeVar("Value")


class TtlCache(Generic[Key, Value]):
    """Reads a value at most once in `seconds`, by `read`, and keeps at most `size` of them.

    A value that cannot be read again (AtelierError) stays as it was, and `failed` hears why; it is tried again after
    `retry` seconds, so that an outage does not slow down every request.
    """

    def __init__(
        self,
        read: Callable[[Key], Value],
        *,
        seconds: float,
        retry: float = 5.0,
        size: int = 1_000,
        failed: Callable[[AtelierError], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._retry = retry
        self._size = size
        self._failed = failed
        self._monotonic = monotonic
        self._entries: dict[Key, tuple[Value, float, float]] = {}  # the value, when it was read, when it is stale

    def get(self, key: Key) -> Value:
        """Return a value; raises what `read` does where there never was a good one."""
        now = self._monotonic()
        entry = self._entries.get(key)
        if entry is not None and now < entry[2]:
            return entry[0]
        try:
            value = self._read(key)
        except AtelierError as exc:
            if entry is None:
                raise
            self._failed(exc)
            self._entries[key] = (entry[0], entry[1], now + self._retry)
            return entry[0]
        self._entries.pop(key, None)  # so that the first entry is the one read longest ago
        if len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (value, now, now + self._seconds)
        return value

    def refresh(self, key: Key, *, least: float = 0.0) -> None:
        """Read a value anew at the next get(), unless it was read less than `least` seconds ago."""
        entry = self._entries.get(key)
        if entry is not None and self._monotonic() - entry[1] >= least:
            self._entries[key] = (entry[0], entry[1], float("-inf"))
