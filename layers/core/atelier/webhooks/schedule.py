"""When a webhook's delivery is attempted again."""

from atelier.clock import HOUR, MINUTE, SECOND

SCHEDULE = (
    5 * SECOND, 1 * MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
"""The waits after each failed attempt, more than 75 hours in all."""
JITTER = 0.2
"""Chance makes a wait longer by up to so much of it, and the next one shorter by the same: no wait is off by more, and
all together are never shorter than planned."""
LONGEST_REST = 24 * HOUR
"""A receiver that asks for more time than this (Retry-After) gets this."""
MAX_AGE = 96 * HOUR
"""Longer than the schedule with its jitter: what is still pending then has its last attempt."""
LONGEST_SPREAD = 5 * MINUTE
"""What finds no place at its host comes back spread by chance over at most so long."""
