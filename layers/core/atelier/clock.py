"""The time, in milliseconds since the Unix epoch, and durations in milliseconds."""

import time


def now_ms() -> int:
    """Return the time in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
