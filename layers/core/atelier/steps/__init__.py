"""The steps of a generation's way, one module each. A step reads the state, does one thing, and moves the state by
one conditional write, so it may run twice, die anywhere or come late.
"""

import time


def now_ms() -> int:
    """Return the time in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
