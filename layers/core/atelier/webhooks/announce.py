"""Announce: tell the topic that a generation finished, and webhooks of what they want to hear."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from atelier.generations.model import Generation
from atelier.generations.ports import Queue
from atelier.generations.serializer import announce
from atelier.webhooks.delivery import Announced
from atelier.webhooks.events import deliveries_for
from atelier.webhooks.measurements import Measurement, of_generation
from atelier.webhooks.ports import Deliveries, Topic


def _ignore(_: Iterable[Measurement]) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Publishes the same document as a webhook holds, and attributes to filter on."""

    deliveries: Deliveries
    topic: Topic
    base_url: str
    measure: Callable[[Iterable[Measurement]], None] = _ignore
    """Takes what is counted of each announced generation."""

    def __call__(self, generation: Generation) -> None:
        """Publish a finished generation, then take it off the schedule, where its deliveries take its place.

        At least once: a run that dies between the two is repeated, and subscribers know the message by its id. The
        attribute `webhook` says that there is something to deliver: the end, or what may not have been told before it.
        """
        deliveries = deliveries_for(generation, {}, self.base_url)
        self.topic.publish(
            announce(generation, self.base_url),
            {
                "status": generation.status.value,
                "model": generation.model,
                "type": generation.type,
                "user_id": generation.user_id,
                "webhook": "true" if deliveries else "false",
            },
            Announced(deliveries[0], generation.correlation_id) if len(deliveries) == 1 else None,
        )
        self.deliveries.announced(generation, deliveries)
        self.measure(of_generation(generation))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tells of each change of a generation's status: of its end everybody, of others its webhook, if that asked."""

    announce: Announce
    queue: Callable[[], Queue]
    """Made only when a webhook wants to hear of more than the end, which few do."""

    def __call__(self, generation: Generation) -> None:
        """Announce a generation that has just finished; have one delivered whose webhook wants to know its status."""
        if generation.status.final:
            self.announce(generation)
        elif generation.webhook and generation.status in generation.webhook_events:
            self.queue().send(generation.id)
