"""The time in which the present request must be answered, over everything that is done for it.

Without a limit there is no end. A thread that a request starts has none of its own either.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

monotonic = time.monotonic

_end: ContextVar[float] = ContextVar("end", default=float("inf"))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit what runs within to so many seconds, or to fewer where less time is left."""
    token = _end.set(min(_end.get(), monotonic() + seconds))
    try:
        yield
    finally:
        _end.reset(token)


def seconds_left() -> float:
    """Return how many seconds are left; infinity where there is no limit."""
    return _end.get() - monotonic()
