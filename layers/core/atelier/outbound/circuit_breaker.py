"""Circuit breaker: limit the concurrent calls to an upstream, and stop calls to one that keeps failing.

A caller acquires a slot before a call and releases it afterwards. After FAILURES_TO_OPEN failures in a row the breaker
is open: then one probe in each PROBE_EVERY finds out whether the upstream is back. A slot whose holder dies is free
again when its lease ends.

All times are milliseconds since the Unix epoch, all durations milliseconds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from atelier.chance import chance
from atelier.clock import SECOND
from atelier.errors import UpstreamUnavailableError

FAILURES_TO_OPEN = 5
PROBE_EVERY = 30 * SECOND
FULL_WAIT = 2 * SECOND
"""The time after which to look again while all slots are in use."""


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
    """The state of an upstream: failures in a row, when it may be probed, and until when each slot is taken.

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

    def acquire(self, upstream: Upstream, now: int) -> Slot:
        """Choose a slot; UpstreamUnavailableError where the breaker is open or all slots are taken."""
        if self.open and self.probe_at >= now:
            reason = f"{upstream.name} has failed too often just now"
            raise UpstreamUnavailableError(reason, retry_at=self.probe_at + 1, down=True)
        free = [number for number in range(upstream.slots) if self.taken.get(number, 0) < now]
        if not free:
            raise UpstreamUnavailableError(f"{upstream.name} has all its calls in use", retry_at=now + FULL_WAIT)
        return Slot(upstream, chance.choice(free), now + upstream.lease, probe=self.open)


def acquire(upstream: Upstream, now: int, breaker_of: Callable[[str], CircuitBreaker]) -> Slot:
    """Choose a slot, and one of what it shares; UpstreamUnavailableError where either is not to be had."""
    slot = breaker_of(upstream.name).acquire(upstream, now)
    if upstream.shared is None:
        return slot
    return replace(slot, shared=breaker_of(upstream.shared.name).acquire(upstream.shared, now))
