"""A delivery: telling a client's webhook about one generation, until it has heard or we give up.

All times are milliseconds since the Unix epoch, all durations milliseconds.
"""

import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from atelier.errors import ConflictError
from atelier.generation import MINUTE, SECOND

HOUR = 60 * MINUTE
SCHEDULE = (
    5 * SECOND, 1 * MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
"""The waits after each failed attempt, more than 75 hours in all."""
JITTER = 0.2
MAX_ATTEMPTS_KEPT = 50
"""A delivery that its owner has sent again and again remembers the newest."""
ATTEMPT_LEASE = 1 * MINUTE
"""Longer than deliver may run: after it, whoever took the attempt is certainly gone."""


class DeliveryStatus(StrEnum):
    """Whether the client has been told."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try: when, how long it took, the receiver's status code or why there is none."""

    at: int
    duration: int
    status_code: int | None
    reason: str | None

    @property
    def succeeded(self) -> bool:
        """Tell whether the receiver took the webhook."""
        return self.status_code is not None and 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is sent for a generation, where to, and how that went."""

    generation_id: str
    user_id: str
    url: str
    body: str
    created_at: int
    status: DeliveryStatus = DeliveryStatus.PENDING
    version: int = 0
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()
    due_at: int | None = None

    @property
    def message_id(self) -> str:
        """The `webhook-id`, the same at every attempt."""
        return f"msg_{self.generation_id}"

    def started(self, now: int) -> "Delivery":
        """Take the next attempt; ConflictError where it is not due or another worker has it."""
        if self.status is not DeliveryStatus.PENDING or self.due_at is None or self.due_at > now:
            raise ConflictError("delivery is not due")
        return self._next(tries=self.tries + 1, due_at=now + ATTEMPT_LEASE)

    def finished(self, attempt: Attempt, now: int) -> "Delivery":
        """Record how the attempt went and when the next one is due."""
        attempts = (*self.attempts, attempt)
        if attempt.succeeded:
            return self._next(attempts=attempts, status=DeliveryStatus.DELIVERED, due_at=None)
        if attempt.status_code == 410 or self.tries > len(SCHEDULE):
            return self._next(attempts=attempts, status=DeliveryStatus.DEAD, due_at=None)
        wait = SCHEDULE[self.tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)
        return self._next(attempts=attempts, due_at=now + int(wait))

    def repeated(self, now: int) -> "Delivery":
        """Begin anew, whatever became of it: the same message, due now, with a whole schedule before it."""
        attempts = self.attempts[-MAX_ATTEMPTS_KEPT:]
        return self._next(status=DeliveryStatus.PENDING, tries=0, attempts=attempts, due_at=now)

    def _next(self, **changes: Any) -> "Delivery":
        return replace(self, version=self.version + 1, **changes)
