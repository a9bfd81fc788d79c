"""Values that are expensive to read: each is kept for a while, and the last good one for as long as reading fails."""

import time
from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

from atelier.errors import AtelierError, UnavailableError

Key = TypeVar("Key")
Value = TypeVar("Value")


class TtlCache(Generic[Key, Value]):
    """Reads a value at most once in `seconds`, by `read`, and keeps at most `size` of them.

    A value that cannot be read again (AtelierError) stays as it was, and `failed` hears why; it is tried again after
    `retry` seconds, so that an outage does not slow down every request. Nobody waits longer than `patience` seconds
    for a value to be read again: reading goes on in a thread of its own, and what it brings counts from then on.
    """

    def __init__(
        self,
        read: Callable[[Key], Value],
        *,
        seconds: float,
        retry: float = 5.0,
        patience: float = 1.0,
        size: int = 1_000,
        failed: Callable[[AtelierError], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._retry = retry
        self._patience = patience
        self._size = size
        self._failed = failed
        self._monotonic = monotonic
        self._entries: dict[Key, tuple[Value, float, float]] = {}  # the value, when it was read, when it is stale
        self._readings: dict[Key, _Reading[Key, Value]] = {}

    def get(self, key: Key) -> Value:
        """Return a value; raises what `read` does where there never was a good one."""
        now = self._monotonic()
        entry = self._entries.get(key)
        if entry is None:
            return self._keep(key, self._read(key), now)
        if now < entry[2]:
            return entry[0]
        try:
            return self._keep(key, self._read_again(key), now)
        except AtelierError as exc:
            self._failed(exc)
            self._entries[key] = (entry[0], entry[1], now + self._retry)
            return entry[0]

    def refresh(self, key: Key, *, least: float = 0.0) -> None:
        """Read a value anew at the next get(), unless it was read less than `least` seconds ago."""
        entry = self._entries.get(key)
        if entry is not None and self._monotonic() - entry[1] >= least:
            self._entries[key] = (entry[0], entry[1], float("-inf"))

    def _read_again(self, key: Key) -> Value:
        """Read a value within `patience`, or take what an earlier, slow reading has brought since."""
        reading = self._readings.pop(key, None)
        if reading is None:
            reading = _Reading(self._read, key)
            reading.start()
            reading.join(self._patience)
        if reading.is_alive():
            self._readings[key] = reading
            raise UnavailableError(f"There was no answer within {self._patience:g} s; the last one stays.")
        return reading.result()

    def _keep(self, key: Key, value: Value, now: float) -> Value:
        self._entries.pop(key, None)  # so that the first entry is the one read longest ago
        if len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (value, now, now + self._seconds)
        return value


class _Reading(Thread, Generic[Key, Value]):
    """A value that is being read; no process waits for it to end."""

    def __init__(self, read: Callable[[Key], Value], key: Key) -> None:
        super().__init__(daemon=True)
        self._read_value = read
        self._key = key
        self._value: Value | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        """Read it."""
        try:
            self._value = self._read_value(self._key)
        except Exception as exc:  # noqa: BLE001 (it is raised where the value is taken)
            self._error = exc

    def result(self) -> Value:
        """Return what was read; raises what `read` did."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]
