"""Ports of the webhooks room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from atelier.generations.model import Generation, Status
    from atelier.outbound.circuit_breaker import Release, Slot, Upstream
    from atelier.webhooks.delivery import Announced, Attempt, Delivery


class InLine(NamedTuple):
    """A delivery's place in the line of a host that is down; the delivery itself may have left it."""

    upstream: str
    since: int
    generation_id: str
    event: str


class Deliveries(Protocol):
    """The table of deliveries. Every write is conditional, and ConflictError says that it came too late."""

    def find(self, generation_id: str) -> tuple[Generation, Mapping[Status, Delivery]]:
        """Read a generation and its deliveries by event, consistently; NotFoundError where there is no generation."""
        ...

    def announced(self, generation: Generation, deliveries: Sequence[Delivery]) -> None:
        """Replace a finished generation on the schedule by those of its deliveries that are not written yet."""
        ...

    def advance(
        self, before: Delivery | None, after: Delivery, attempt: Attempt | None = None, release: Release | None = None
    ) -> Delivery:
        """Write `after` if the record is still `before` (None: there was none), and the attempt with it; return it.

        The host's slot is released in any case.
        """
        ...

    def stand_in_line(self, before: Delivery | None, after: Delivery, upstream: str) -> Delivery:
        """Write `after` if the record is still `before`, and its place in the line of those that wait for a host."""
        ...

    def line(self, upstream: str, limit: int) -> Sequence[InLine]:
        """List those that have waited longest for a host, at most `limit`."""
        ...

    def leave_line(self, place: InLine, before: Delivery | None, after: Delivery | None) -> None:
        """Take a place out of its line, and write `after`, if there is one, if the record is still `before`."""
        ...

    def acquire(self, before: Delivery | None, after: Delivery, upstream: Upstream, now: int) -> Slot:
        """Write `after` if the record is still `before`, and acquire a slot of its host, both or neither.

        UpstreamUnavailableError where no slot is free.
        """
        ...


class Topic(Protocol):
    """Where finished generations are announced."""

    def publish(
        self, document: Mapping[str, Any], attributes: Mapping[str, str], announced: Announced | None = None
    ) -> None:
        """Publish a JSON document with attributes that subscribers can filter on.

        `announced` is the one delivery that it causes, which spares its worker a read.
        """
        ...
