"""Send a generation's webhooks again."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from atelier.errors import ConflictError, NotPossibleError, UnavailableError
from atelier.generations.model import Generation, Status
from atelier.generations.ports import Queue
from atelier.webhooks.delivery import Delivery
from atelier.webhooks.events import deliveries_for
from atelier.webhooks.ports import Deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeliver:
    """Tells a client's webhook again: the same message under the same id, with a whole schedule before it."""

    deliveries: Deliveries
    queue: Queue
    clock: Callable[[], int]

    def __call__(self, generation_id: str, base_url: str, event: Status | None = None) -> list[Delivery]:
        """Return the deliveries, due now: that of an event, or all; NotPossibleError where there is nothing to deliver.

        Two requests send it once, unless it was sent in between. A running attempt is not doubled:
        NotPossibleError says so.
        """
        generation, deliveries = self.deliveries.find(generation_id)
        again = [
            (deliveries.get(delivery.event), self._repeated(delivery))
            for delivery in deliveries_for(generation, deliveries, base_url)
            if event in (None, delivery.event)
        ]
        if not again:
            raise NotPossibleError(_nothing_to_tell(generation, event))
        try:
            for before, after in again:
                self.deliveries.advance(before, after)
        except ConflictError as exc:
            raise NotPossibleError("An attempt to deliver it was under way; look at it and try again.") from exc
        with suppress(UnavailableError):  # reconcile sends what is due
            self.queue.send(generation_id)
        return [after for _, after in again]

    def _repeated(self, delivery: Delivery) -> Delivery:
        try:
            return delivery.repeated(self.clock())
        except ConflictError as exc:
            raise NotPossibleError("An attempt to deliver it is under way; look at it in a minute.") from exc


def _nothing_to_tell(generation: Generation, event: Status | None) -> str:
    if generation.webhook is None:
        return "The generation has no webhook."
    if event and event not in generation.webhook_events:
        return f"The webhook is not told of '{event}'; it asked for {', '.join(generation.webhook_events)}."
    return f"The generation is {generation.status}; there is nothing to tell its webhook yet."
