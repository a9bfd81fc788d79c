"""Deliveries as JSON documents."""

from typing import TYPE_CHECKING, Any

from atelier.encoding import timestamp

if TYPE_CHECKING:
    from atelier.webhooks.delivery import Attempt, DeliveryHistory


def delivery_document(history: "DeliveryHistory") -> dict[str, Any]:
    """Describe a delivery and its newest attempts, whose `duration` is in milliseconds."""
    delivery, attempts = history
    under_way = delivery.started_at is not None
    return {
        "id": delivery.message_id,
        "event": delivery.event.value,
        "url": delivery.url,
        "status": delivery.status.value,
        "reason": delivery.reason,
        "attempts": [_delivery_attempt(attempt) for attempt in attempts],
        "nextAttemptAt": None if delivery.due_at is None or under_way else timestamp(delivery.due_at),
        "createdAt": timestamp(delivery.created_at),
    }


def _delivery_attempt(attempt: "Attempt") -> dict[str, Any]:
    return {
        "at": timestamp(attempt.at),
        "duration": attempt.duration,
        "statusCode": attempt.status_code,
        "reason": attempt.reason,
        "answer": attempt.answer,
    }
