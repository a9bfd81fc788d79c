"""The events that a generation's webhook hears of, and their deliveries."""

from collections.abc import Mapping

from atelier.encoding import encode
from atelier.generations.model import Generation, Moment, Status
from atelier.webhooks.delivery import Delivery
from atelier.webhooks.payload import notification


def events(generation: Generation) -> tuple[Moment, ...]:
    """List the events of a generation so far: the first time of each status that its client chose."""
    if generation.webhook is None:
        return ()
    first: dict[Status, Moment] = {}
    for moment in (
        Moment(Status.PENDING, generation.created_at),
        *generation.timeline,
        Moment(generation.status, generation.status_at),
    ):
        first.setdefault(moment.status, moment)
    return tuple(moment for status, moment in first.items() if status in generation.webhook_events)


def deliveries_for(generation: Generation, known: Mapping[Status, Delivery], base_url: str) -> list[Delivery]:
    """List the deliveries of a generation's events so far: known ones and new ones."""
    webhook = generation.webhook or ""
    return [
        known.get(event.status) or first_delivery(generation, webhook, event, base_url) for event in events(generation)
    ]


def first_delivery(generation: Generation, webhook: str, event: Moment, base_url: str) -> Delivery:
    """Make the delivery of an event, due since it occurred; two makers make the same."""
    return Delivery(
        generation_id=generation.id,
        user_id=generation.user_id,
        event=event.status,
        url=webhook,
        body=encode(notification(generation, event, base_url)),
        created_at=event.at,
        begun_at=event.at,
        due_at=event.at,
    )
