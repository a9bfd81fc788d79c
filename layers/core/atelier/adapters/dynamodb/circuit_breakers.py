"""Breakers in the Generations table: acquiring a slot is one conditional write, which joins its caller's transaction.

A slot is acquired blindly at first, as one that is free in a record whose breaker is closed; records are read only when
that is refused. Each record has an id of its own, and so a partition: one takes 1,000 write units a second, of which
each call of an upstream uses at least four.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from atelier.adapters.dynamodb.records import Record, RecordTable, Write
from atelier.errors import ConflictError, ContendedError, RefusedWritesError, UpstreamUnavailableError
from atelier.outbound.circuit_breaker import (
    FAILURES_TO_OPEN,
    FULL_WAIT,
    PROBE_EVERY,
    SLOTS_PER_RECORD,
    CircuitBreaker,
    Health,
    Release,
    Slot,
    Upstream,
    choose,
    guess,
    merged,
    record_name,
    records_for,
)

UPSTREAM = "upstream"
MAX_TRIES = 3
ACQUIRE_TRIES = 6
"""Releasing a slot takes priority over acquiring one, which may come back later."""
MAX_KEYS = 100
"""The most keys that DynamoDB reads in one batch."""
KEPT_SECONDS = 7 * 86_400
ALWAYS = "attribute_exists(id) OR attribute_not_exists(id)"


class CircuitBreakerTable:
    """The store of upstreams' state."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def read(self, name: str, slots: int = SLOTS_PER_RECORD) -> CircuitBreaker:
        """Read the state of an upstream that has so many slots."""
        return merged(self.read_all({name: slots})[name])

    def read_all(self, slots: Mapping[str, int]) -> dict[str, list[CircuitBreaker]]:
        """Read the states of upstreams' records by the upstreams' names, which come with their numbers of slots."""
        ids = {name: [upstream_id(name, number) for number in range(records_for(slots[name]))] for name in slots}
        found = self._read(one for of_one in ids.values() for one in of_one)
        return {name: [found[one] for one in of_one] for name, of_one in ids.items()}

    def acquire(self, upstream: Upstream, now: int, writes: Sequence[Write]) -> Slot:
        """Make these writes and acquire a slot, both or neither.

        UpstreamUnavailableError where there is none, ConflictError where one of the writes is refused.
        """
        slot = guess(upstream, now)
        for _ in range(MAX_TRIES):
            try:
                self._table.transact([*writes, *self._acquisitions(slot, now)], tries=ACQUIRE_TRIES)
            except ContendedError:
                break
            except RefusedWritesError as exc:
                if min(exc.refused) < len(writes):
                    raise ConflictError("the record was changed by another writer") from exc
                slot = choose(upstream, now, self._records)
            else:
                return slot
        raise UpstreamUnavailableError(f"{upstream.name} is much in demand", retry_at=now + FULL_WAIT)

    def release(self, release: Release, writes: Sequence[Write]) -> None:
        """Make these writes and release a slot, both or neither; ConflictError where one of the writes is refused."""
        self._table.transact([*writes, *map(self._release, release.parts())])

    def close(self, name: str, slots: int, now: int) -> None:
        """Forget an upstream's failures, except in records of which a longer rest was asked than a breaker gives."""
        numbers: Iterable[int] = range(records_for(slots))
        if slots > SLOTS_PER_RECORD:
            breakers = self.read_all({name: slots})[name]
            numbers = [number for number, breaker in enumerate(breakers) if breaker.failures]
        for number in numbers:
            with suppress(ConflictError):
                self._table.update(
                    (upstream_id(name, number), UPSTREAM),
                    {"failures": None, "probe_at": None},
                    condition="probe_at <= :soon",
                    values={":soon": now + PROBE_EVERY},
                )

    def _records(self, upstream: Upstream) -> list[CircuitBreaker]:
        return self.read_all({upstream.name: upstream.slots})[upstream.name]

    def _read(self, ids: Iterable[str]) -> dict[str, CircuitBreaker]:
        """Read the states of records by their ids, consistently; one that was never written has none."""
        keys = [(one, UPSTREAM) for one in ids]
        if len(keys) == 1:
            record = self._table.get(*keys[0])
            records = [record] if record else []
        else:
            batches = (keys[start : start + MAX_KEYS] for start in range(0, len(keys), MAX_KEYS))
            records = [record for batch in batches for record in self._table.get_many(batch, consistent=True)]
        found = {str(record["id"]): _breaker(record) for record in records}
        return {one: found.get(one, CircuitBreaker()) for one, _ in keys}

    def _acquisitions(self, slot: Slot, now: int) -> list[Write]:
        return [self._acquisition(one, now) for one in (slot, slot.shared) if one]

    def _acquisition(self, slot: Slot, now: int) -> Write:
        attribute = f"slot_{slot.number}"
        changes: dict[str, int | None] = {attribute: slot.until, "expires_at": _expiry(now)}
        state = "attribute_not_exists(failures) OR failures < :most"
        if slot.probe:
            state = "failures >= :most AND probe_at < :now"
            changes["probe_at"] = now + PROBE_EVERY
        return self._table.change(
            (upstream_id(slot.upstream.name, slot.record), UPSTREAM),
            changes,
            condition=f"({state}) AND (attribute_not_exists({attribute}) OR {attribute} < :now)",
            values={":most": FAILURES_TO_OPEN, ":now": now},
        )

    def _release(self, release: Release) -> Write:
        changes: dict[str, str | int | None] = {f"slot_{release.slot.number}": None, "expires_at": _expiry(release.at)}
        amounts: dict[str, int] = {}
        match release.health:
            case Health.HEALTHY:
                changes |= {"failures": None, "probe_at": None}
            case Health.FAILING:
                amounts, changes["probe_at"] = {"failures": 1}, release.at + PROBE_EVERY
        if release.error is not None:
            changes |= {"last_error": release.error, "last_error_at": release.at}
        if release.rest_until is not None:
            amounts, changes["failures"], changes["probe_at"] = {}, FAILURES_TO_OPEN, release.rest_until
        key = (upstream_id(release.slot.upstream.name, release.slot.record), UPSTREAM)
        return self._table.addition(key, amounts, changes, condition=ALWAYS, values={})


def _breaker(record: Record) -> CircuitBreaker:
    taken = {
        int(attribute.removeprefix("slot_")): int(until or 0)
        for attribute, until in record.items()
        if attribute.startswith("slot_")
    }
    error, at = record.get("last_error"), record.get("last_error_at")
    return CircuitBreaker(
        failures=int(record.get("failures") or 0),
        probe_at=int(record.get("probe_at") or 0),
        taken=taken,
        last_error=None if error is None else str(error),
        last_error_at=None if at is None else int(at),
    )


def upstream_id(name: str, record: int = 0) -> str:
    """Return the id of an upstream's first record, under which also its line stands, or of a further one."""
    return f"{UPSTREAM}#{record_name(name, record)}"


def _expiry(now: int) -> int:
    return now // 1_000 + KEPT_SECONDS
