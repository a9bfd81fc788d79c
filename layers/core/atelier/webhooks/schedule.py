"""When a webhook's delivery is attempted again."""

from atelier.chance import chance
from atelier.clock import HOUR, MINUTE, SECOND
from atelier.outbound.circuit_breaker import FULL_WAIT

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
"""The longest jittered wait of a delivery that finds no slot at its host."""
LOOK_FACTOR = 32
"""How much longer each look at a host that is down is after the last one, up to half of the schedule's age. It is only
for the case that no other delivery wakes this one, as they do in turn."""


def next_wait(tries: int, *, last_jitter: int = 0, rest: int = 0) -> tuple[int, int]:
    """Return how long to wait after so many failed tries, and how much of that is jitter, in milliseconds.

    `last_jitter` is paid back; the receiver asked for `rest`.
    """
    planned = SCHEDULE[tries - 1]
    jitter = int(planned * chance.uniform(0, JITTER))
    return max(planned - last_jitter, min(rest, LONGEST_REST)) + jitter, jitter


def wait_while_down(wait: int, postponements: int, age: int) -> int:
    """Return how long to wait for a host that is down, where the schedule began `age` ago: at least `wait`."""
    spread = min(max(wait, FULL_WAIT) * LOOK_FACTOR ** min(postponements, 10), max(LONGEST_SPREAD, age // 2))
    return max(wait, FULL_WAIT) + int(chance.uniform(spread / 2, spread))


def wait_for_slot(wait: int, postponements: int) -> int:
    """Return how long to wait for a slot at the host: at least `wait`, spread more the more often it was full."""
    least = max(wait, FULL_WAIT)
    spread = min(least * 2 ** min(postponements, 10), LONGEST_SPREAD)
    return least + int(chance.uniform(0, spread))
