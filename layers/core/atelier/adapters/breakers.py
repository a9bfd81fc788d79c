"""Breakers in the Generations table: taking a place is one conditional write, which joins its caller's transaction.

A peer's record is written blindly at first, as one whose breaker is closed; it is read only when that is refused.
"""

from collections.abc import Sequence

from atelier.adapters.records import RecordTable, Write
from atelier.breaker import FAILURES_TO_OPEN, FULL_WAIT, PROBE_EVERY, Breaker, Health, Leave, Peer, Place
from atelier.errors import ConflictError, ContendedError, PeerUnavailableError, RefusedWritesError

PEER = "peer"
MAX_TRIES = 3
ENTRY_TRIES = 6
"""Who leaves has to; who enters what is so much in demand comes back later, and is not in the way."""
KEPT_SECONDS = 7 * 86_400
_ALWAYS = "attribute_exists(id) OR attribute_not_exists(id)"


class BreakerTable:
    """What is known of peers."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def read(self, name: str) -> Breaker:
        """Read what is known of a peer."""
        record = self._table.get(_id(name), PEER) or {}
        taken = {
            int(attribute.removeprefix("place_")): int(until or 0)
            for attribute, until in record.items()
            if attribute.startswith("place_")
        }
        return Breaker(int(record.get("failures") or 0), int(record.get("probe_at") or 0), taken)

    def enter(self, peer: Peer, now: int, writes: Sequence[Write]) -> Place:
        """Make these writes and take a place, both or neither.

        PeerUnavailableError where there is none, ConflictError where one of the writes is refused.
        """
        place = Breaker().enter(peer, now)
        for _ in range(MAX_TRIES):
            try:
                self._table.transact([*writes, self._entry(place, now)], tries=ENTRY_TRIES)
            except ContendedError:
                break
            except RefusedWritesError as exc:
                if exc.refused != {len(writes)}:
                    raise ConflictError("the record was changed by another writer") from exc
                place = self.read(peer.name).enter(peer, now)
            else:
                return place
        raise PeerUnavailableError(f"{peer.name} is much in demand", retry_at=now + FULL_WAIT)

    def leave(self, leave: Leave, writes: Sequence[Write]) -> None:
        """Make these writes and leave a place, both or neither; ConflictError where one of the writes is refused."""
        self._table.transact([*writes, self._exit(leave)])

    def _entry(self, place: Place, now: int) -> Write:
        attribute = f"place_{place.number}"
        changes: dict[str, int | None] = {attribute: place.until, "expires_at": _expiry(now)}
        state = "attribute_not_exists(failures) OR failures < :most"
        if place.probe:
            state = "failures >= :most AND probe_at < :now"
            changes["probe_at"] = now + PROBE_EVERY
        return self._table.change(
            (_id(place.peer.name), PEER),
            changes,
            condition=f"({state}) AND (attribute_not_exists({attribute}) OR {attribute} < :now)",
            values={":most": FAILURES_TO_OPEN, ":now": now},
        )

    def _exit(self, leave: Leave) -> Write:
        changes: dict[str, int | None] = {f"place_{leave.place.number}": None, "expires_at": _expiry(leave.at)}
        amounts: dict[str, int] = {}
        match leave.health:
            case Health.HEALTHY:
                changes |= {"failures": None, "probe_at": None}
            case Health.FAILING:
                amounts, changes["probe_at"] = {"failures": 1}, leave.at + PROBE_EVERY
        if leave.rest_until is not None:
            amounts, changes["failures"], changes["probe_at"] = {}, FAILURES_TO_OPEN, leave.rest_until
        return self._table.addition((_id(leave.place.peer.name), PEER), amounts, changes, condition=_ALWAYS, values={})


def _id(name: str) -> str:
    return f"{PEER}#{name}"


def _expiry(now: int) -> int:
    return now // 1_000 + KEPT_SECONDS
