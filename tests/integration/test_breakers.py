"""BreakerTable: places and breakers on the template's own table, also when many want the same at once."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, RLock
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from atelier.adapters.aws import clients
from atelier.adapters.dynamodb.circuit_breakers import ACQUIRE_TRIES, CircuitBreakerTable
from atelier.adapters.dynamodb.records import RecordTable, Write
from atelier.errors import ConflictError, RefusedWritesError, UnavailableError, UpstreamUnavailableError
from atelier.outbound.circuit_breaker import (
    FAILURES_TO_OPEN,
    FULL_WAIT,
    PROBE_EVERY,
    Health,
    Release,
    Slot,
    Upstream,
    records_for,
)
from tests.integration.lambdas import Calls
from tests.integration.samples import NOW
from tests.integration.stack import Stack

UPSTREAM = Upstream("host:client.example:443", slots=3, lease=60_000)
OTHER = Upstream("host:other.example:443", slots=3, lease=60_000)
TRANSACTION = "dynamodb:TransactWriteItems"


@pytest.fixture
def breakers(table: RecordTable) -> CircuitBreakerTable:
    return CircuitBreakerTable(table)


def failing(breakers: CircuitBreakerTable, times: int, now: int = NOW) -> None:
    """Let so many calls fail."""
    for _ in range(times):
        breakers.release(Release(breakers.acquire(UPSTREAM, now, []), Health.FAILING, now), [])


class Network:
    """The network to DynamoDB: something happens before each transaction goes out; what goes out is kept."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.before: list[Callable[[], None]] = []

    def __call__(self, **sent: Any) -> None:
        if sent["event_name"].endswith(".TransactWriteItems"):
            self.sent.append(json.loads(sent["request"].body))
            if self.before:
                self.before.pop(0)()


@pytest.fixture
def network(table: RecordTable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    network = Network()
    events = clients.client("dynamodb").meta.events
    events.register_first("before-send", network, unique_id="network")
    yield network
    events.unregister("before-send", unique_id="network")


def lost() -> None:
    """Lose a call on its way."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb.example")


def conflict() -> None:
    """Refuse a call as DynamoDB does while another transaction writes the same record."""
    reasons = [{"Code": "TransactionConflict"}]
    error: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    raise ClientError(error, "TransactWriteItems")


def insertion(table: RecordTable, name: str = "one") -> Write:
    return table.insertion({"id": name, "record": "test", "version": 0})


# ---- Places


def test_a_place_is_taken_with_the_writes_and_costs_one_call(
    breakers: CircuitBreakerTable, table: RecordTable, calls: Calls
) -> None:
    # when
    slot = breakers.acquire(UPSTREAM, NOW, [insertion(table)])
    # then
    assert calls.take() == [TRANSACTION]
    assert table.get("one", "test") is not None
    assert breakers.read(UPSTREAM.name).taken == {slot.number: NOW + UPSTREAM.lease}
    assert (slot.until, slot.probe) == (NOW + UPSTREAM.lease, False)
    # and when it is left
    calls.take()
    breakers.release(Release(slot, Health.HEALTHY, NOW + 1), [insertion(table, "two")])
    assert calls.take() == [TRANSACTION]
    assert table.get("two", "test") is not None
    assert breakers.read(UPSTREAM.name).taken == {}


def test_all_places_can_be_taken_and_no_more(breakers: CircuitBreakerTable) -> None:
    # given
    slots = [breakers.acquire(UPSTREAM, NOW, []) for _ in range(UPSTREAM.slots)]
    assert {slot.number for slot in slots} == set(range(UPSTREAM.slots))
    # when, then
    with pytest.raises(UpstreamUnavailableError) as full:
        breakers.acquire(UPSTREAM, NOW, [])
    assert full.value.retry_at == NOW + FULL_WAIT
    breakers.acquire(OTHER, NOW, [])
    # and a place that is left is free
    breakers.release(Release(slots[1], Health.UNKNOWN, NOW), [])
    assert breakers.acquire(UPSTREAM, NOW, []).number == slots[1].number


def test_nothing_is_written_where_there_is_no_place(breakers: CircuitBreakerTable, table: RecordTable) -> None:
    for _ in range(UPSTREAM.slots):
        breakers.acquire(UPSTREAM, NOW, [])
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(UPSTREAM, NOW, [insertion(table)])
    assert table.get("one", "test") is None


def test_no_place_is_taken_where_a_write_is_refused(breakers: CircuitBreakerTable, table: RecordTable) -> None:
    table.insert({"id": "one", "record": "test", "version": 0})
    with pytest.raises(ConflictError):
        breakers.acquire(UPSTREAM, NOW, [insertion(table)])
    assert breakers.read(UPSTREAM.name).taken == {}


def test_a_place_stays_taken_where_a_write_is_refused_in_leaving(
    breakers: CircuitBreakerTable, table: RecordTable
) -> None:
    table.insert({"id": "one", "record": "test", "version": 0})
    slot = breakers.acquire(UPSTREAM, NOW, [])
    with pytest.raises(RefusedWritesError):
        breakers.release(Release(slot, Health.FAILING, NOW), [insertion(table)])
    found = breakers.read(UPSTREAM.name)
    assert (found.failures, set(found.taken)) == (0, {slot.number})


def test_who_died_in_a_place_leaves_it_when_its_lease_ends(breakers: CircuitBreakerTable) -> None:
    # given
    for _ in range(UPSTREAM.slots):
        breakers.acquire(UPSTREAM, NOW, [])
    # when, then
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(UPSTREAM, NOW + UPSTREAM.lease, [])
    assert breakers.acquire(UPSTREAM, NOW + UPSTREAM.lease + 1, []).until == NOW + 2 * UPSTREAM.lease + 1


def test_of_two_that_want_the_last_place_at_once_one_gets_it(breakers: CircuitBreakerTable, network: Network) -> None:
    # given two places taken, and another worker that is quicker just then
    for _ in range(UPSTREAM.slots - 1):
        breakers.acquire(UPSTREAM, NOW, [])
    quicker: list[Slot] = []
    network.before = [lambda: quicker.append(breakers.acquire(UPSTREAM, NOW, []))]
    # when
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(UPSTREAM, NOW, [])
    # then
    assert [slot.until for slot in quicker] == [NOW + UPSTREAM.lease]
    assert len(breakers.read(UPSTREAM.name).taken) == UPSTREAM.slots


def test_who_meets_others_takes_another_place(
    breakers: CircuitBreakerTable, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given others that always want the same place first
    monkeypatch.setattr("atelier.outbound.circuit_breaker.chance.choice", lambda free: free[0])
    network.before = [lambda: _taken(breakers)]
    # when, then
    assert breakers.acquire(UPSTREAM, NOW, []).number == 1


def _taken(breakers: CircuitBreakerTable) -> None:
    breakers.acquire(UPSTREAM, NOW, [])


# ---- The breaker


def test_five_failures_in_a_row_open_it_and_a_success_counts(breakers: CircuitBreakerTable) -> None:
    # given
    failing(breakers, FAILURES_TO_OPEN - 1)
    breakers.release(Release(breakers.acquire(UPSTREAM, NOW, []), Health.HEALTHY, NOW), [])
    failing(breakers, FAILURES_TO_OPEN - 1)
    assert not breakers.read(UPSTREAM.name).open
    # when
    failing(breakers, 1)
    # then
    with pytest.raises(UpstreamUnavailableError) as opened:
        breakers.acquire(UPSTREAM, NOW, [])
    assert opened.value.retry_at == NOW + PROBE_EVERY + 1
    breakers.acquire(OTHER, NOW, [])


def test_an_outcome_not_of_the_peer_neither_opens_nor_closes_it(breakers: CircuitBreakerTable) -> None:
    failing(breakers, FAILURES_TO_OPEN - 1)
    for _ in range(FAILURES_TO_OPEN):
        breakers.release(Release(breakers.acquire(UPSTREAM, NOW, []), Health.UNKNOWN, NOW), [])
    assert breakers.read(UPSTREAM.name).failures == FAILURES_TO_OPEN - 1


def test_one_probe_goes_in_thirty_seconds_whatever_becomes_of_it(breakers: CircuitBreakerTable) -> None:
    # given
    failing(breakers, FAILURES_TO_OPEN)
    now = NOW + PROBE_EVERY + 1
    # when
    probe = breakers.acquire(UPSTREAM, now, [])
    # then nobody else goes, while it lasts and after it has died
    assert probe.probe
    for later in (0, 1, PROBE_EVERY):
        with pytest.raises(UpstreamUnavailableError):
            breakers.acquire(UPSTREAM, now + later, [])
    assert breakers.acquire(UPSTREAM, now + PROBE_EVERY + 1, []).probe


@pytest.mark.parametrize(
    ("health", "closed"), [(Health.HEALTHY, True), (Health.FAILING, False), (Health.UNKNOWN, False)]
)
def test_a_probe_that_succeeds_closes_it(breakers: CircuitBreakerTable, health: Health, closed: bool) -> None:
    failing(breakers, FAILURES_TO_OPEN)
    now = NOW + PROBE_EVERY + 1
    breakers.release(Release(breakers.acquire(UPSTREAM, now, []), health, now + 5), [])
    assert breakers.read(UPSTREAM.name).open is not closed
    if closed:
        assert [breakers.acquire(UPSTREAM, now + 5, []).probe for _ in range(UPSTREAM.slots)] == [
            False
        ] * UPSTREAM.slots
    else:
        with pytest.raises(UpstreamUnavailableError):
            breakers.acquire(UPSTREAM, now + PROBE_EVERY, [])


def test_of_two_that_want_to_probe_at_once_one_does(breakers: CircuitBreakerTable, network: Network) -> None:
    # given another worker that is quicker, after both have read that a probe is due
    failing(breakers, FAILURES_TO_OPEN)
    now = NOW + PROBE_EVERY + 1
    quicker: list[Slot] = []

    def skip() -> None:
        """The first, blind transaction is refused by the open breaker."""

    network.before = [skip, lambda: quicker.append(breakers.acquire(UPSTREAM, now, []))]
    # when
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(UPSTREAM, now, [])
    # then
    assert [slot.probe for slot in quicker] == [True]
    assert len(breakers.read(UPSTREAM.name).taken) == 1


def test_a_breaker_that_opens_meanwhile_lets_nobody_in(breakers: CircuitBreakerTable, network: Network) -> None:
    failing(breakers, FAILURES_TO_OPEN - 1)
    network.before = [lambda: failing(breakers, 1)]
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(UPSTREAM, NOW, [])


def test_a_peer_that_asks_for_rest_gets_it(breakers: CircuitBreakerTable) -> None:
    slot = breakers.acquire(UPSTREAM, NOW, [])
    breakers.release(Release(slot, Health.HEALTHY, NOW, rest_until=NOW + 90_000), [])
    with pytest.raises(UpstreamUnavailableError) as resting:
        breakers.acquire(UPSTREAM, NOW + 90_000, [])
    assert resting.value.retry_at == NOW + 90_001
    assert breakers.acquire(UPSTREAM, NOW + 90_001, []).probe


# ---- The network


def test_a_transaction_the_sdk_repeats_carries_the_same_token(breakers: CircuitBreakerTable, network: Network) -> None:
    """DynamoDB answers such a repetition as it did the first, and does nothing (moto doesn't)."""
    network.before = [lost, lost]
    slot = breakers.acquire(UPSTREAM, NOW, [])
    network.before = [lost]
    breakers.release(Release(slot, Health.FAILING, NOW), [])
    tokens = [sent["ClientRequestToken"] for sent in network.sent]
    assert tokens == [tokens[0]] * 3 + [tokens[3]] * 2
    assert tokens[0] != tokens[3]
    assert network.sent[0] == network.sent[2]
    assert breakers.read(UPSTREAM.name).failures == 1


def test_who_cannot_even_enter_for_the_crowd_comes_back_later(breakers: CircuitBreakerTable, network: Network) -> None:
    network.before = [conflict] * 100
    with pytest.raises(UpstreamUnavailableError) as crowd:
        breakers.acquire(UPSTREAM, NOW, [])
    assert crowd.value.retry_at == NOW + FULL_WAIT
    assert len(network.sent) == ACQUIRE_TRIES
    network.before = []
    assert breakers.read(UPSTREAM.name).taken == {}


def test_who_leaves_does_so_whatever_the_crowd(breakers: CircuitBreakerTable, network: Network) -> None:
    slot = breakers.acquire(UPSTREAM, NOW, [])
    network.before = [conflict] * 30
    breakers.release(Release(slot, Health.HEALTHY, NOW), [])
    assert breakers.read(UPSTREAM.name).taken == {}


def test_a_table_out_of_reach_is_no_full_peer(breakers: CircuitBreakerTable, network: Network) -> None:
    network.before = [lost] * 3
    with pytest.raises(UnavailableError):
        breakers.acquire(UPSTREAM, NOW, [])


def test_peers_are_forgotten_when_nobody_calls_them(breakers: CircuitBreakerTable, table: RecordTable) -> None:
    breakers.acquire(UPSTREAM, NOW, [])
    record = table.get(f"upstream#{UPSTREAM.name}", "upstream")
    assert record
    assert int(record["expires_at"] or 0) > (NOW + UPSTREAM.lease) // 1_000


# ---- Shares


def shares(*users: str, slots: int = 2) -> list[Upstream]:
    return [Upstream(f"{UPSTREAM.name}#{user}", slots=slots, lease=60_000, shared=UPSTREAM) for user in users]


def test_a_share_has_slots_and_breaker_and_takes_of_the_whole(
    breakers: CircuitBreakerTable, table: RecordTable, calls: Calls
) -> None:
    one, other = shares("one", "other")
    # given a share that is used up
    taken = [breakers.acquire(one, NOW, []) for _ in range(one.slots)]
    assert set(calls.take()) <= {TRANSACTION, "dynamodb:GetItem"}
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(one, NOW, [insertion(table)])
    # when another share takes what is left of the whole
    taken.append(breakers.acquire(other, NOW, []))
    # then there is no more, though the other share has slots
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(other, NOW, [insertion(table)])
    assert table.get("one", "test") is None
    assert {slot.shared.number for slot in taken if slot.shared} == set(range(UPSTREAM.slots))
    # and what the calls told is the share's alone
    for slot in taken:
        breakers.release(Release(slot, Health.FAILING, NOW), [])
    assert [breakers.read(item.name).failures for item in (one, other, UPSTREAM)] == [2, 1, 0]
    assert all(breakers.read(item.name).taken == {} for item in (one, other, UPSTREAM))


# ---- Slots that are spread over records


FIFTY = Upstream("provider:studio", slots=50, lease=60_000)


class Serial:
    """A client of DynamoDB whose calls from several threads are made one at a time: moto isolates no transactions."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = RLock()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def one_at_a_time(**arguments: Any) -> Any:
            with self._lock:
                return call(**arguments)

        return one_at_a_time if callable(call) else call


def fail(breakers: CircuitBreakerTable, records: Sequence[int], now: int = NOW) -> None:
    """Let calls in each of the records fail until its breaker opens."""
    for record in records:
        for _ in range(FAILURES_TO_OPEN):
            breakers.release(Release(Slot(FIFTY, record * 20, now), Health.FAILING, now), [])


def states(breakers: CircuitBreakerTable) -> list[bool]:
    """List which of the records' breakers are open."""
    return [breaker.open for breaker in breakers.read_all({FIFTY.name: FIFTY.slots})[FIFTY.name]]


def test_threads_share_fifty_slots_of_three_records(stack: Stack) -> None:
    client: Any = Serial(clients.client("dynamodb"))
    breakers = CircuitBreakerTable(RecordTable(client, stack.ref("GenerationsTable")))
    start = Barrier(8)

    def worker(_: int) -> list[Slot]:
        start.wait()
        slots = []
        for _ in range(100):
            try:
                slots.append(breakers.acquire(FIFTY, NOW, []))
            except UpstreamUnavailableError as exc:
                if "all its calls" in str(exc):
                    break
        return slots

    with ThreadPoolExecutor(8) as pool:
        slots = [slot for found in pool.map(worker, range(8)) for slot in found]
    # then each was taken once
    assert sorted(slot.number for slot in slots) == list(range(50))
    found = breakers.read_all({FIFTY.name: 50})[FIFTY.name]
    assert [set(breaker.taken) for breaker in found] == [set(range(20)), set(range(20, 40)), set(range(40, 50))]
    # and one that is released is to be had again
    breakers.release(Release(next(slot for slot in slots if slot.number == 45), Health.HEALTHY, NOW), [])
    assert breakers.acquire(FIFTY, NOW, []).number == 45


def test_a_slot_of_many_records_costs_one_call_refused_three(
    breakers: CircuitBreakerTable, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    breakers.acquire(FIFTY, NOW, [])
    assert calls.take() == [TRANSACTION]
    fail(breakers, [0])
    calls.take()
    monkeypatch.setattr("atelier.outbound.circuit_breaker.chance.choice", lambda numbers: numbers[0])
    assert breakers.acquire(FIFTY, NOW, []).record > 0
    assert calls.take() == [TRANSACTION, "dynamodb:BatchGetItem", TRANSACTION]


def test_a_records_failures_open_it_alone(breakers: CircuitBreakerTable) -> None:
    fail(breakers, [1])
    assert states(breakers) == [False, True, False]
    assert not breakers.read(FIFTY.name, 50).open
    # calls go on in the others, until those are full
    slots = [breakers.acquire(FIFTY, NOW, []) for _ in range(30)]
    assert {slot.record for slot in slots} == {0, 2}
    with pytest.raises(UpstreamUnavailableError) as caught:
        breakers.acquire(FIFTY, NOW, [])
    assert (caught.value.down, caught.value.retry_at) == (False, NOW + FULL_WAIT)


def test_an_upstream_is_down_where_all_its_records_are_open(breakers: CircuitBreakerTable) -> None:
    fail(breakers, [2], NOW)
    fail(breakers, [0, 1], NOW + 5)
    assert breakers.read(FIFTY.name, 50).open
    with pytest.raises(UpstreamUnavailableError) as caught:
        breakers.acquire(FIFTY, NOW + 5, [])
    assert (caught.value.down, caught.value.retry_at) == (True, NOW + PROBE_EVERY + 1)


@pytest.mark.parametrize(("health", "still_open"), [(Health.HEALTHY, False), (Health.FAILING, True)])
def test_each_record_is_probed_by_itself(breakers: CircuitBreakerTable, health: Health, still_open: bool) -> None:
    fail(breakers, [0, 1, 2])
    now = NOW + PROBE_EVERY + 1
    probes = [breakers.acquire(FIFTY, now, []) for _ in range(3)]
    assert [probe.probe for probe in probes] == [True] * 3
    assert {probe.record for probe in probes} == {0, 1, 2}
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(FIFTY, now, [])
    # when the one in a further record ends
    (probe,) = (one for one in probes if one.record == 2)
    breakers.release(Release(probe, health, now), [])
    # then it tells of its record
    assert states(breakers) == [True, True, still_open]
    assert breakers.read(FIFTY.name, 50).open is still_open


def test_a_record_that_was_asked_for_rest_leaves_the_others(breakers: CircuitBreakerTable) -> None:
    breakers.release(Release(Slot(FIFTY, 45, NOW), Health.FAILING, NOW, rest_until=NOW + 90_000), [])
    assert states(breakers) == [False, False, True]
    assert {breakers.acquire(FIFTY, NOW, []).record for _ in range(40)} == {0, 1}


def test_closing_forgets_the_failures_of_all_records_but_a_rest(breakers: CircuitBreakerTable) -> None:
    fail(breakers, [0, 1])
    breakers.release(Release(Slot(FIFTY, 40, NOW), Health.FAILING, NOW, rest_until=NOW + 90_000), [])
    breakers.close(FIFTY.name, FIFTY.slots, NOW)
    assert states(breakers) == [False, False, True]


def test_an_upstream_of_more_than_a_hundred_records_is_read(breakers: CircuitBreakerTable, calls: Calls) -> None:
    many = Upstream("provider:many", slots=2_020, lease=60_000)
    breakers.release(Release(Slot(many, 2_019, NOW), Health.FAILING, NOW, error="It is down."), [])
    calls.take()
    found = breakers.read_all({many.name: many.slots})[many.name]
    assert len(found) == records_for(many.slots) == 101
    assert found[100].last_error == "It is down."
    assert calls.take() == ["dynamodb:BatchGetItem"] * 2


def test_a_share_and_its_host_are_spread_too(breakers: CircuitBreakerTable) -> None:
    host = Upstream("host:big.example:443", slots=80, lease=60_000)
    share = Upstream(f"{host.name}#one", slots=40, lease=60_000, shared=host)
    slots = [breakers.acquire(share, NOW, []) for _ in range(40)]
    assert {slot.number for slot in slots} == set(range(40))
    with pytest.raises(UpstreamUnavailableError):
        breakers.acquire(share, NOW, [])
    for slot in slots:
        breakers.release(Release(slot, Health.HEALTHY, NOW), [])
    assert breakers.read(share.name, 40).taken == breakers.read(host.name, 80).taken == {}
