"""Breakers in the Generations table: acquiring a slot is one conditional write, which joins its caller's transaction.

An upstream's record is written blindly at first, as one whose breaker is closed; it is read only when that is refused.
"""

from collections.abc import Sequence
from contextlib import suppress

from atelier.adapters.dynamodb.records import Record, RecordTable, Write
from atelier.errors import ConflictError, ContendedError, RefusedWritesError, UpstreamUnavailableError
from atelier.outbound.circuit_breaker import (
    FAILURES_TO_OPEN,
    FULL_WAIT,
    PROBE_EVERY,
    CircuitBreaker,
    Health,
    Release,
    Slot,
    Upstream,
    acquire,
)

UPSTREAM = "upstream"
MAX_TRIES = 3
ACQUIRE_TRIES = 6
"""Releasing a slot takes priority over acquiring one, which may come back later."""
KEPT_SECONDS = 7 * 86_400
ALWAYS = "attribute_exists(id) OR attribute_not_exists(id)"


class CircuitBreakerTable:
    """The store of upstreams' state."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def read(self, name: str) -> CircuitBreaker:
        """Read the state of an upstream."""
        return _breaker(self._table.get(upstream_id(name), UPSTREAM) or {})

    def read_all(self, names: Sequence[str]) -> dict[str, CircuitBreaker]:
        """Read the states of up to a hundred upstreams, by name; one that was never called has none."""
        records = {
            str(record["id"]): record
            for record in self._table.get_many([(upstream_id(name), UPSTREAM) for name in names])
        }
        return {name: _breaker(records.get(upstream_id(name), {})) for name in names}

    def acquire(self, upstream: Upstream, now: int, writes: Sequence[Write]) -> Slot:
        """Make these writes and acquire a slot, both or neither.

        UpstreamUnavailableError where there is none, ConflictError where one of the writes is refused.
        """
        slot = acquire(upstream, now, lambda _: CircuitBreaker())
        for _ in range(MAX_TRIES):
            try:
                self._table.transact([*writes, *self._acquisitions(slot, now)], tries=ACQUIRE_TRIES)
            except ContendedError:
                break
            except RefusedWritesError as exc:
                if min(exc.refused) < len(writes):
                    raise ConflictError("the record was changed by another writer") from exc
                slot = acquire(upstream, now, self.read)
            else:
                return slot
        raise UpstreamUnavailableError(f"{upstream.name} is much in demand", retry_at=now + FULL_WAIT)

    def release(self, release: Release, writes: Sequence[Write]) -> None:
        """Make these writes and release a slot, both or neither; ConflictError where one of the writes is refused."""
        self._table.transact([*writes, *map(self._release, release.parts())])

    def close(self, name: str, now: int) -> None:
        """Forget an upstream's failures, unless it asked for a longer rest than a breaker gives by itself."""
        with suppress(ConflictError):
            self._table.update(
                (upstream_id(name), UPSTREAM),
                {"failures": None, "probe_at": None},
                condition="probe_at <= :soon",
                values={":soon": now + PROBE_EVERY},
            )

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
            (upstream_id(slot.upstream.name), UPSTREAM),
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
        return self._table.addition(
            (upstream_id(release.slot.upstream.name), UPSTREAM), amounts, changes, condition=ALWAYS, values={}
        )


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


def upstream_id(name: str) -> str:
    """Return the id of an upstream's records."""
    return f"{UPSTREAM}#{name}"


def _expiry(now: int) -> int:
    return now // 1_000 + KEPT_SECONDS
