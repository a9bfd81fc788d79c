"""The choice of a slot: any one that is free in a closed record, or the probe of a record that is due for it."""

from collections.abc import Sequence

import pytest

from atelier.errors import UpstreamUnavailableError
from atelier.outbound.circuit_breaker import (
    FAILURES_TO_OPEN,
    FULL_WAIT,
    PROBE_EVERY,
    SLOTS_PER_RECORD,
    CircuitBreaker,
    Slot,
    Upstream,
    choose,
    guess,
    merged,
    record_name,
    records_for,
)
from tests.unit.fakes import NOW

LEASE = 60_000
FIFTY = Upstream("provider:studio", 50, LEASE)
CLOSED = CircuitBreaker()
RESTING = CircuitBreaker(FAILURES_TO_OPEN, NOW)
DUE = CircuitBreaker(FAILURES_TO_OPEN, NOW - 1)


def full(record: int, failures: int = 0, probe_at: int = 0) -> CircuitBreaker:
    """Make the state of a record whose slots are all taken."""
    first = record * SLOTS_PER_RECORD
    return CircuitBreaker(failures, probe_at, dict.fromkeys(range(first, first + SLOTS_PER_RECORD), NOW + LEASE))


def chosen(breakers: Sequence[CircuitBreaker], upstream: Upstream = FIFTY) -> set[tuple[int, bool]]:
    """List the numbers that are chosen, and whether as probes."""
    slots = [choose(upstream, NOW, lambda _: breakers) for _ in range(500)]
    assert {slot.until for slot in slots} == {NOW + LEASE}
    return {(slot.number, slot.probe) for slot in slots}


@pytest.mark.parametrize(("slots", "records"), [(1, 1), (20, 1), (21, 2), (40, 2), (50, 3), (400, 20)])
def test_each_record_has_twenty_slots_at_most(slots: int, records: int) -> None:
    assert records_for(slots) == records
    assert {Slot(FIFTY, number, NOW).record for number in range(slots)} == set(range(records))


def test_the_first_record_has_the_name_of_its_upstream() -> None:
    assert [record_name("provider:studio", number) for number in range(2)] == ["provider:studio", "provider:studio/1"]


def test_a_guess_is_any_of_all_slots() -> None:
    assert {guess(FIFTY, NOW).number for _ in range(2_000)} == set(range(50))


def test_a_slot_of_a_closed_record_is_chosen() -> None:
    assert chosen([full(0), RESTING, CLOSED]) == {(number, False) for number in range(40, 50)}


def test_a_record_that_is_due_is_probed_first() -> None:
    assert chosen([CLOSED, DUE, CLOSED]) == {(number, True) for number in range(20, 40)}


def test_where_a_due_record_is_full_another_serves() -> None:
    due = full(1, failures=FAILURES_TO_OPEN, probe_at=NOW - 1)
    assert chosen([full(0), due, CLOSED]) == {(number, False) for number in range(40, 50)}


def test_a_slot_whose_lease_ended_is_free() -> None:
    last = CircuitBreaker(taken={**dict.fromkeys(range(40, 50), NOW), 47: NOW - 1})
    assert chosen([full(0), full(1), last]) == {(47, False)}


def test_slots_of_an_earlier_release_are_not_chosen() -> None:
    earlier = CircuitBreaker(taken=dict.fromkeys(range(20), NOW + LEASE) | {31: NOW - 1})
    with pytest.raises(UpstreamUnavailableError, match="all its calls in use"):
        choose(Upstream("provider:studio", 20, LEASE), NOW, lambda _: [earlier])


def test_full_records_are_no_upstream_that_is_down() -> None:
    with pytest.raises(UpstreamUnavailableError) as caught:
        choose(FIFTY, NOW, lambda _: [full(0), RESTING, full(2)])
    assert (caught.value.down, caught.value.retry_at) == (False, NOW + FULL_WAIT)


def test_an_upstream_is_down_where_all_its_records_are() -> None:
    later = CircuitBreaker(FAILURES_TO_OPEN, NOW + PROBE_EVERY)
    with pytest.raises(UpstreamUnavailableError) as caught:
        choose(FIFTY, NOW, lambda _: [later, RESTING, later])
    assert (caught.value.down, caught.value.retry_at) == (True, NOW + 1)


def test_a_share_and_the_whole_are_chosen_by_their_own_records() -> None:
    share = Upstream("host:one#user", 25, LEASE, shared=FIFTY)
    states = {"host:one#user": [full(0), CLOSED], FIFTY.name: [full(0), full(1), CLOSED]}
    slot = choose(share, NOW, lambda upstream: states[upstream.name])
    assert slot.shared
    assert slot.number in range(20, 25)
    assert slot.shared.number in range(40, 50)


def test_the_merged_state_is_open_where_all_records_are() -> None:
    old = CircuitBreaker(FAILURES_TO_OPEN, NOW, {3: NOW}, "It was busy.", NOW - 9)
    new = CircuitBreaker(FAILURES_TO_OPEN + 1, NOW + 5, {21: NOW}, "It is down.", NOW - 1)
    state = CircuitBreaker(FAILURES_TO_OPEN, NOW, {3: NOW, 21: NOW}, "It is down.", NOW - 1)
    assert merged([old, new]) == state
    assert state.open
    assert not merged([old, new, CLOSED]).open
    assert merged([old]) == old
