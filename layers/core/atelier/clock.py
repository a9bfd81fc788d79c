"""The time, in milliseconds since the Unix epoch, and durations in milliseconds."""

import time
from datetime import UTC, date, datetime


def now_ms() -> int:
    """Return the time in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def utc_day(at: int) -> date:
    """Return the UTC day of a time."""
    return datetime.fromtimestamp(at / 1_000, UTC).date()


SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
