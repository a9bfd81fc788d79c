"""Circuit breaker: limit the concurrent calls to an upstream, and stop calls to one that keeps failing.

A caller acquires a slot before a call and releases it afterwards. After FAILURES_TO_OPEN failures in a row the breaker
is open: then one probe in each PROBE_EVERY finds out whether the upstream is back. A slot whose holder dies is free
again when its lease ends.

The slots of an upstream are spread over records, each with a breaker of its own, so that no record is written by more
calls than SLOTS_PER_RECORD at once. An upstream with no more slots than that has one record.

All times are milliseconds since the Unix epoch, all durations milliseconds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from atelier.chance import chance
from atelier.clock import SECOND
from atelier.errors import UpstreamUnavailableError

FAILURES_TO_OPEN = 5
PROBE_EVERY = 30 * SECOND
FULL_WAIT = 2 * SECOND
"""The time after which to look again while all slots are in use."""
SLOTS_PER_RECORD = 20
"""So many calls of 0.4 s write a record 100 times a second, which is about as often as transactions can."""


def provider_upstream(name: str) -> str:
    """Return the name under which a provider's breaker is kept."""
    return f"provider:{name}"


@dataclass(frozen=True, slots=True)
class Upstream:
    """An upstream as one caller sees it: `slots` calls at once, none of which lasts longer than `lease`.

    Where its slots are a share of `shared`, each call needs a slot there too. What the call told is counted for the
    share only, so that one caller's failures open no other's breaker.
    """

    name: str
    slots: int
    lease: int
    shared: "Upstream | None" = None


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to one call to an upstream; `probe` where the call finds out whether the upstream is back."""

    upstream: Upstream
    number: int
    until: int
    probe: bool = False
    shared: "Slot | None" = None

    @property
    def record(self) -> int:
        """Return the number of the record that holds the slot."""
        return self.number // SLOTS_PER_RECORD


class Health(Enum):
    """What a call showed about its upstream."""

    HEALTHY = auto()
    FAILING = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Release:
    """The end of a call: what it showed of the upstream, and until when the upstream asked for no more calls."""

    slot: Slot
    health: Health
    at: int
    rest_until: int | None = None
    error: str | None = None
    """Why the call failed, for the operator."""

    def parts(self) -> "Iterator[Release]":
        """List the slots to release, each as a release of its own: what the call told belongs to the share."""
        yield self
        if self.slot.shared:
            yield Release(self.slot.shared, Health.UNKNOWN, self.at)


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """The state of an upstream's record: failures in a row, when it may be probed, until when each slot is taken.

    `last_error` stays after calls that succeed; `last_error_at` says how old it is.
    """

    failures: int = 0
    probe_at: int = 0
    taken: Mapping[int, int] = field(default_factory=dict)
    last_error: str | None = None
    last_error_at: int | None = None

    @property
    def open(self) -> bool:
        """Tell whether the upstream gets probes only."""
        return self.failures >= FAILURES_TO_OPEN


def records_for(slots: int) -> int:
    """Count the records that hold so many slots."""
    return -(-slots // SLOTS_PER_RECORD)


def record_name(name: str, record: int = 0) -> str:
    """Return the name of one of an upstream's records; the first has the upstream's own."""
    return f"{name}/{record}" if record else name


def merged(breakers: Sequence[CircuitBreaker]) -> CircuitBreaker:
    """Return the state of an upstream by those of its records: open where all are, with the newest error."""
    last = max(breakers, key=lambda breaker: breaker.last_error_at or 0)
    return CircuitBreaker(
        failures=min(breaker.failures for breaker in breakers),
        probe_at=min(breaker.probe_at for breaker in breakers),
        taken={number: until for breaker in breakers for number, until in breaker.taken.items()},
        last_error=last.last_error,
        last_error_at=last.last_error_at,
    )


def guess(upstream: Upstream, now: int) -> Slot:
    """Choose any slot, as if all were free and the breaker were closed, and any one of what it shares."""
    return Slot(
        upstream,
        chance.choice(range(upstream.slots)),
        now + upstream.lease,
        shared=guess(upstream.shared, now) if upstream.shared else None,
    )


def choose(upstream: Upstream, now: int, breakers_of: Callable[[Upstream], Sequence[CircuitBreaker]]) -> Slot:
    """Choose a free slot, and one of what it shares; UpstreamUnavailableError where either is not to be had.

    `breakers_of` returns the states of an upstream's records, in their order.
    """
    slot = _choose(upstream, now, breakers_of(upstream))
    return replace(slot, shared=choose(upstream.shared, now, breakers_of) if upstream.shared else None)


def _choose(upstream: Upstream, now: int, breakers: Sequence[CircuitBreaker]) -> Slot:
    """Choose a slot of a record that is due for its probe, so that its slots come back soon; else of a closed one."""
    if all(breaker.open and breaker.probe_at >= now for breaker in breakers):
        reason = f"{upstream.name} has failed too often just now"
        retry_at = min(breaker.probe_at for breaker in breakers) + 1
        raise UpstreamUnavailableError(reason, retry_at=retry_at, down=True)
    probes: list[int] = []
    free: list[int] = []
    for record, breaker in enumerate(breakers):
        if not breaker.open:
            free += _free(upstream, record, breaker, now)
        elif breaker.probe_at < now:
            probes += _free(upstream, record, breaker, now)
    if probes or free:
        return Slot(upstream, chance.choice(probes or free), now + upstream.lease, probe=bool(probes))
    raise UpstreamUnavailableError(f"{upstream.name} has all its calls in use", retry_at=now + FULL_WAIT)


def _free(upstream: Upstream, record: int, breaker: CircuitBreaker, now: int) -> Iterator[int]:
    """List a record's free slots; numbers beyond them are those of an earlier release, which had one record."""
    first = record * SLOTS_PER_RECORD
    numbers = range(first, min(first + SLOTS_PER_RECORD, upstream.slots))
    return (number for number in numbers if breaker.taken.get(number, 0) < now)
