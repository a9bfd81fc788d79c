"""Deliveries and their attempts, which stand beside their generation in its table."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from atelier.adapters.dynamodb.circuit_breakers import ALWAYS, CircuitBreakerTable, upstream_id
from atelier.adapters.dynamodb.generation_store import (
    ATTEMPT_AT,
    DAY_MS,
    GENERATION,
    due_fields,
    from_record,
    to_record,
)
from atelier.adapters.dynamodb.records import Record, RecordTable, Write
from atelier.errors import NotFoundError, RefusedWritesError, UnreadableRecordError
from atelier.generations.model import Generation, Status
from atelier.outbound.circuit_breaker import Release, Slot, Upstream
from atelier.webhooks.delivery import Attempt, Delivery, DeliveryHistory, DeliveryStatus
from atelier.webhooks.ports import InLine

DELIVERY, ATTEMPT, LINE = "delivery", "attempt", "line"
MAX_KEYS = 100
"""The most keys that DynamoDB reads in one batch."""
MAX_ATTEMPTS_SHOWN = 50
"""Of a generation, the newest; with the answers they would otherwise outgrow an answer of ours."""


class DeliveryStore:
    """The Deliveries port; deliveries, whose bodies hold the prompt, and attempts expire as their generation does."""

    def __init__(self, table: RecordTable, *, retention_days: int = 90) -> None:
        self._table = table
        self._breakers = CircuitBreakerTable(table)
        self._retention_ms = retention_days * DAY_MS

    def find(self, generation_id: str) -> tuple[Generation, dict[Status, Delivery]]:
        """Read a generation and its deliveries by event, consistently; NotFoundError where there is no generation."""
        kinds = [GENERATION, *(f"{DELIVERY}#{status}" for status in Status)]
        found = self._table.get_many([(generation_id, kind) for kind in kinds], consistent=True)
        records = {str(record["record"]): record for record in found}
        if GENERATION not in records:
            raise NotFoundError(f"There is no generation '{generation_id}'.")
        generation = from_record(records.pop(GENERATION))
        deliveries = map(read_delivery, records.values())
        return generation, {delivery.event: delivery for delivery in deliveries}

    def of_generations(self, generation_ids: Sequence[str]) -> dict[str, list[Delivery]]:
        """Read the deliveries of generations, by these, without those that this release cannot read."""
        keys = [(generation_id, f"{DELIVERY}#{event}") for generation_id in generation_ids for event in Status]
        found: dict[str, list[Delivery]] = {}
        for start in range(0, len(keys), MAX_KEYS):
            for record in self._table.get_many(keys[start : start + MAX_KEYS]):
                with suppress(UnreadableRecordError):
                    found.setdefault(str(record["id"]), []).append(read_delivery(record))
        return found

    def history(self, generation_id: str) -> tuple[Generation, list[DeliveryHistory]]:
        """Read a generation and its deliveries with their newest attempts; NotFoundError where there is none."""
        generation, deliveries = self.find(generation_id)
        attempts = [
            (event, _attempt(record))
            for event in deliveries
            for record in self._table.get_all(generation_id, f"{ATTEMPT}#{event}#", limit=MAX_ATTEMPTS_SHOWN)
        ]
        newest = sorted(attempts, key=lambda item: item[1].at)[-MAX_ATTEMPTS_SHOWN:]
        return generation, [
            DeliveryHistory(delivery, tuple(attempt for of, attempt in newest if of is event))
            for event, delivery in deliveries.items()
        ]

    def announced(self, generation: Generation, deliveries: Sequence[Delivery]) -> None:
        """Replace a finished generation on the schedule by those of its deliveries that are not written yet.

        ConflictError where the generation is not what it was.
        """
        announced = self._table.replacement(to_record(generation), to_record(generation.announced()))
        missing = list(deliveries)
        while True:
            try:
                self._table.transact([announced, *map(self._insertion, missing)])
            except RefusedWritesError as exc:
                if 0 in exc.refused:
                    raise
                missing = [item for number, item in enumerate(missing, 1) if number not in exc.refused]
            else:
                return

    def advance(
        self, before: Delivery | None, after: Delivery, attempt: Attempt | None = None, release: Release | None = None
    ) -> Delivery:
        """Write `after` if the record is still `before` (None: there was none), and the attempt; else ConflictError.

        The host's slot is released in any case.
        """
        writes = self._writes(before, after)
        if attempt:
            writes.append(self._table.insertion({**_attempt_record(after, attempt), **self._expiry(after)}))
        if release:
            try:
                self._breakers.release(release, writes)
            except RefusedWritesError:
                self._breakers.release(release, [])
                raise
        else:
            self._table.transact(writes)
        return after

    def stand_in_line(self, before: Delivery | None, after: Delivery, upstream: str) -> Delivery:
        """Write `after` if the record is still `before`, and its place in a host's line; else ConflictError."""
        place = InLine(upstream, after.line_since or 0, after.generation_id, after.event)
        entered = self._table.change(_place_key(place), self._expiry(after), condition=ALWAYS, values={})
        self._table.transact([*self._writes(before, after), entered])
        return after

    def line(self, upstream: str, limit: int) -> list[InLine]:
        """List those that have waited longest for a host, at most `limit`."""
        records = self._table.get_first(upstream_id(upstream), f"{LINE}#", limit=limit)
        places = [str(record["record"]).split("#") for record in records]
        return [InLine(upstream, int(since), generation_id, event) for _, since, generation_id, event in places]

    def leave_line(self, place: InLine, before: Delivery | None, after: Delivery | None) -> None:
        """Delete a place, and write `after` if the record is still `before`; ConflictError where it is not."""
        writes = [] if before is None or after is None else self._writes(before, after)
        self._table.transact([*writes, self._table.deletion(_place_key(place))])

    def acquire(self, before: Delivery | None, after: Delivery, upstream: Upstream, now: int) -> Slot:
        """Write `after` if the record is still `before`, and acquire a slot of its host, both or neither.

        ConflictError or UpstreamUnavailableError.
        """
        return self._breakers.acquire(upstream, now, self._writes(before, after))

    def _writes(self, before: Delivery | None, after: Delivery) -> list[Write]:
        """Nothing is written of a generation that was deleted meanwhile."""
        if before is None:
            return [self._insertion(after), self._table.presence((after.generation_id, GENERATION))]
        return [self._table.replacement(delivery_record(before), delivery_record(after))]

    def _insertion(self, delivery: Delivery) -> Write:
        return self._table.insertion({**delivery_record(delivery), **self._expiry(delivery)})

    def _expiry(self, delivery: Delivery) -> Record:
        return {"expires_at": (int(delivery.generation_id[:12], 16) + self._retention_ms) // 1_000}


def _place_key(place: InLine) -> tuple[str, str]:
    """Return a place's key: under its host, those that came first are first."""
    return upstream_id(place.upstream), f"{LINE}#{place.since:013}#{place.generation_id}#{place.event}"


def delivery_record(delivery: Delivery) -> Record:
    """Write a delivery as a record, without its expiry."""
    known = {name: getattr(delivery, name) for name in Delivery.__slots__ if name not in ("generation_id", "user_id")}
    return {
        **known,
        "id": delivery.generation_id,
        "record": f"{DELIVERY}#{delivery.event}",
        "owner": delivery.user_id,  # by its own name it would be listed as a generation
        "event": delivery.event.value,
        "status": delivery.status.value,
        ATTEMPT_AT: delivery.due_at,
        **due_fields(delivery.generation_id, delivery.due_at),
    }


def read_delivery(record: Record) -> Delivery:
    """Read a delivery from its record; UnreadableRecordError where this release cannot."""
    try:
        return _from_record(record)
    except (KeyError, TypeError, ValueError) as exc:
        raise UnreadableRecordError(f"a delivery of the generation '{record['id']}'") from exc


def _from_record(record: Record) -> Delivery:
    known: dict[str, Any] = {name: record[name] for name in Delivery.__slots__ if name in record}
    return Delivery(
        **known
        | {
            "due_at": min(int(record[name] or 0) for name in ("due_at", ATTEMPT_AT) if name in record)
            if "due_at" in record
            else None,
            "generation_id": record["id"],
            "user_id": record["owner"],
            "event": Status(str(record["event"])),
            "status": DeliveryStatus(str(record["status"])),
        }
    )


def _attempt_record(delivery: Delivery, attempt: Attempt) -> Record:
    known = {name: getattr(attempt, name) for name in Attempt.__slots__}
    record = f"{ATTEMPT}#{delivery.event}#{attempt.number:06}"
    return {**known, "id": delivery.generation_id, "record": record}


def _attempt(record: Record) -> Attempt:
    known: dict[str, Any] = {name: record[name] for name in Attempt.__slots__ if name in record}
    return Attempt(**known)
