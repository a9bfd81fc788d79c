"""Deliver: POST a finished generation to the client's webhook, signed, until it is taken or given up."""

from collections.abc import Callable
from dataclasses import dataclass

from atelier import signing
from atelier.delivery import Attempt, Delivery, DeliveryStatus
from atelier.document import describe, encode
from atelier.errors import FetchError
from atelier.generation import Generation
from atelier.ports import Deliveries, HttpClient, Queue

TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 1024 * 1024
MAX_DELAY_MS = 900_000


def first_delivery(generation: Generation, url: str, base_url: str, now: int) -> Delivery:
    """Make the delivery of a finished generation, due now."""
    return Delivery(
        generation_id=generation.id,
        user_id=generation.user_id,
        url=url,
        body=encode(describe(generation, base_url)),
        created_at=now,
        due_at=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Makes one attempt; the next one's time stands in the table, and short waits ride on the queue as well."""

    deliveries: Deliveries
    queue: Callable[[], Queue]
    """Made only when a retry needs it, which most runs don't."""
    egress: HttpClient
    secrets: Callable[[str, int], tuple[str, ...]]
    """The secrets that a user's webhooks are signed with at a time."""
    asymmetric: Callable[[bytes], bytes] | None = None
    """Makes one more signature, which needs no secret to be verified."""
    base_url: str
    clock: Callable[[], int]

    def __call__(self, generation: Generation, delivery: Delivery | None) -> Delivery | None:
        """Attempt a delivery if one is due and return it as it then stands; ConflictError if another worker has it."""
        if generation.webhook is None or not generation.status.final:
            return None
        started_at = self.clock()
        current = delivery or first_delivery(generation, generation.webhook, self.base_url, started_at)
        if current.status is not DeliveryStatus.PENDING:
            return current
        started = self.deliveries.advance(delivery, current.started(started_at))
        attempt = self._attempt(started, started_at)
        now = self.clock()
        finished = self.deliveries.advance(started, started.finished(attempt, now))
        if finished.due_at is not None and finished.due_at - now <= MAX_DELAY_MS:
            self.queue().send(generation.id, delay=-(-(finished.due_at - now) // 1_000))
        return finished

    def _attempt(self, delivery: Delivery, started_at: int) -> Attempt:
        body = delivery.body.encode()
        secrets = self.secrets(delivery.user_id, started_at)
        headers = {
            "Content-Type": "application/json",
            "X-Webhook-Source": "atelier",
            "X-Media-Id": delivery.generation_id,
            **signing.sign(
                secrets,
                message_id=delivery.message_id,
                timestamp=started_at // 1_000,
                body=body,
                asymmetric=self.asymmetric,
            ),
        }
        status, reason = None, None
        try:
            status = self.egress.send(
                "POST",
                delivery.url,
                headers=headers,
                content=body,
                timeout=TIMEOUT_SECONDS,
                max_bytes=MAX_ANSWER_BYTES,
            ).status
        except FetchError as exc:
            reason = str(exc)
        return Attempt(at=started_at, duration=self.clock() - started_at, status_code=status, reason=reason)
