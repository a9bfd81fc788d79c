"""BreakerTable: places and breakers on the template's own table, also when many want the same at once."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from atelier.adapters import aws
from atelier.adapters.breakers import ENTRY_TRIES, BreakerTable
from atelier.adapters.records import RecordTable, Write
from atelier.breaker import FAILURES_TO_OPEN, FULL_WAIT, PROBE_EVERY, Health, Leave, Peer, Place
from atelier.errors import ConflictError, PeerUnavailableError, RefusedWritesError, UnavailableError
from tests.integration.lambdas import Calls
from tests.integration.samples import NOW

PEER = Peer("host:client.example:443", places=3, lease=60_000)
OTHER = Peer("host:other.example:443", places=3, lease=60_000)
TRANSACTION = "dynamodb:TransactWriteItems"


@pytest.fixture
def breakers(table: RecordTable) -> BreakerTable:
    return BreakerTable(table)


def failing(breakers: BreakerTable, times: int, now: int = NOW) -> None:
    """Let so many calls fail."""
    for _ in range(times):
        breakers.leave(Leave(breakers.enter(PEER, now, []), Health.FAILING, now), [])


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
    events = aws.client("dynamodb").meta.events
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
    breakers: BreakerTable, table: RecordTable, calls: Calls
) -> None:
    # when
    place = breakers.enter(PEER, NOW, [insertion(table)])
    # then
    assert calls.take() == [TRANSACTION]
    assert table.get("one", "test") is not None
    assert breakers.read(PEER.name).taken == {place.number: NOW + PEER.lease}
    assert (place.until, place.probe) == (NOW + PEER.lease, False)
    # and when it is left
    calls.take()
    breakers.leave(Leave(place, Health.HEALTHY, NOW + 1), [insertion(table, "two")])
    assert calls.take() == [TRANSACTION]
    assert table.get("two", "test") is not None
    assert breakers.read(PEER.name).taken == {}


def test_all_places_can_be_taken_and_no_more(breakers: BreakerTable) -> None:
    # given
    places = [breakers.enter(PEER, NOW, []) for _ in range(PEER.places)]
    assert {place.number for place in places} == set(range(PEER.places))
    # when, then
    with pytest.raises(PeerUnavailableError) as full:
        breakers.enter(PEER, NOW, [])
    assert full.value.retry_at == NOW + FULL_WAIT
    breakers.enter(OTHER, NOW, [])
    # and a place that is left is free
    breakers.leave(Leave(places[1], Health.UNKNOWN, NOW), [])
    assert breakers.enter(PEER, NOW, []).number == places[1].number


def test_nothing_is_written_where_there_is_no_place(breakers: BreakerTable, table: RecordTable) -> None:
    for _ in range(PEER.places):
        breakers.enter(PEER, NOW, [])
    with pytest.raises(PeerUnavailableError):
        breakers.enter(PEER, NOW, [insertion(table)])
    assert table.get("one", "test") is None


def test_no_place_is_taken_where_a_write_is_refused(breakers: BreakerTable, table: RecordTable) -> None:
    table.insert({"id": "one", "record": "test", "version": 0})
    with pytest.raises(ConflictError):
        breakers.enter(PEER, NOW, [insertion(table)])
    assert breakers.read(PEER.name).taken == {}


def test_a_place_stays_taken_where_a_write_is_refused_in_leaving(breakers: BreakerTable, table: RecordTable) -> None:
    table.insert({"id": "one", "record": "test", "version": 0})
    place = breakers.enter(PEER, NOW, [])
    with pytest.raises(RefusedWritesError):
        breakers.leave(Leave(place, Health.FAILING, NOW), [insertion(table)])
    found = breakers.read(PEER.name)
    assert (found.failures, set(found.taken)) == (0, {place.number})


def test_who_died_in_a_place_leaves_it_when_its_lease_ends(breakers: BreakerTable) -> None:
    # given
    for _ in range(PEER.places):
        breakers.enter(PEER, NOW, [])
    # when, then
    with pytest.raises(PeerUnavailableError):
        breakers.enter(PEER, NOW + PEER.lease, [])
    assert breakers.enter(PEER, NOW + PEER.lease + 1, []).until == NOW + 2 * PEER.lease + 1


def test_of_two_that_want_the_last_place_at_once_one_gets_it(breakers: BreakerTable, network: Network) -> None:
    # given two places taken, and another worker that is quicker just then
    for _ in range(PEER.places - 1):
        breakers.enter(PEER, NOW, [])
    quicker: list[Place] = []
    network.before = [lambda: quicker.append(breakers.enter(PEER, NOW, []))]
    # when
    with pytest.raises(PeerUnavailableError):
        breakers.enter(PEER, NOW, [])
    # then
    assert [place.until for place in quicker] == [NOW + PEER.lease]
    assert len(breakers.read(PEER.name).taken) == PEER.places


def test_who_meets_others_takes_another_place(
    breakers: BreakerTable, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given others that always want the same place first
    monkeypatch.setattr("random.choice", lambda free: free[0])
    network.before = [lambda: _taken(breakers)]
    # when, then
    assert breakers.enter(PEER, NOW, []).number == 1


def _taken(breakers: BreakerTable) -> None:
    breakers.enter(PEER, NOW, [])


# ---- The breaker


def test_five_failures_in_a_row_open_it_and_a_success_between_them_counts(breakers: BreakerTable) -> None:
    # given
    failing(breakers, FAILURES_TO_OPEN - 1)
    breakers.leave(Leave(breakers.enter(PEER, NOW, []), Health.HEALTHY, NOW), [])
    failing(breakers, FAILURES_TO_OPEN - 1)
    assert not breakers.read(PEER.name).open
    # when
    failing(breakers, 1)
    # then
    with pytest.raises(PeerUnavailableError) as opened:
        breakers.enter(PEER, NOW, [])
    assert opened.value.retry_at == NOW + PROBE_EVERY + 1
    breakers.enter(OTHER, NOW, [])


def test_what_tells_nothing_of_the_peer_neither_opens_nor_closes_it(breakers: BreakerTable) -> None:
    failing(breakers, FAILURES_TO_OPEN - 1)
    for _ in range(FAILURES_TO_OPEN):
        breakers.leave(Leave(breakers.enter(PEER, NOW, []), Health.UNKNOWN, NOW), [])
    assert breakers.read(PEER.name).failures == FAILURES_TO_OPEN - 1


def test_one_probe_goes_in_thirty_seconds_whatever_becomes_of_it(breakers: BreakerTable) -> None:
    # given
    failing(breakers, FAILURES_TO_OPEN)
    now = NOW + PROBE_EVERY + 1
    # when
    probe = breakers.enter(PEER, now, [])
    # then nobody else goes, while it lasts and after it has died
    assert probe.probe
    for later in (0, 1, PROBE_EVERY):
        with pytest.raises(PeerUnavailableError):
            breakers.enter(PEER, now + later, [])
    assert breakers.enter(PEER, now + PROBE_EVERY + 1, []).probe


@pytest.mark.parametrize(
    ("health", "closed"), [(Health.HEALTHY, True), (Health.FAILING, False), (Health.UNKNOWN, False)]
)
def test_a_probe_that_succeeds_closes_it(breakers: BreakerTable, health: Health, closed: bool) -> None:
    failing(breakers, FAILURES_TO_OPEN)
    now = NOW + PROBE_EVERY + 1
    breakers.leave(Leave(breakers.enter(PEER, now, []), health, now + 5), [])
    assert breakers.read(PEER.name).open is not closed
    if closed:
        assert [breakers.enter(PEER, now + 5, []).probe for _ in range(PEER.places)] == [False] * PEER.places
    else:
        with pytest.raises(PeerUnavailableError):
            breakers.enter(PEER, now + PROBE_EVERY, [])


def test_of_two_that_want_to_probe_at_once_one_does(breakers: BreakerTable, network: Network) -> None:
    # given another worker that is quicker, after both have read that a probe is due
    failing(breakers, FAILURES_TO_OPEN)
    now = NOW + PROBE_EVERY + 1
    quicker: list[Place] = []

    def skip() -> None:
        """The first, blind transaction is refused by the open breaker."""

    network.before = [skip, lambda: quicker.append(breakers.enter(PEER, now, []))]
    # when
    with pytest.raises(PeerUnavailableError):
        breakers.enter(PEER, now, [])
    # then
    assert [place.probe for place in quicker] == [True]
    assert len(breakers.read(PEER.name).taken) == 1


def test_a_breaker_that_opens_meanwhile_lets_nobody_in(breakers: BreakerTable, network: Network) -> None:
    failing(breakers, FAILURES_TO_OPEN - 1)
    network.before = [lambda: failing(breakers, 1)]
    with pytest.raises(PeerUnavailableError):
        breakers.enter(PEER, NOW, [])


def test_a_peer_that_asks_for_rest_gets_it(breakers: BreakerTable) -> None:
    place = breakers.enter(PEER, NOW, [])
    breakers.leave(Leave(place, Health.HEALTHY, NOW, rest_until=NOW + 90_000), [])
    with pytest.raises(PeerUnavailableError) as resting:
        breakers.enter(PEER, NOW + 90_000, [])
    assert resting.value.retry_at == NOW + 90_001
    assert breakers.enter(PEER, NOW + 90_001, []).probe


# ---- The network


def test_a_transaction_that_the_sdk_repeats_carries_the_same_token(breakers: BreakerTable, network: Network) -> None:
    """DynamoDB answers such a repetition as it did the first, and does nothing (moto doesn't)."""
    network.before = [lost, lost]
    place = breakers.enter(PEER, NOW, [])
    network.before = [lost]
    breakers.leave(Leave(place, Health.FAILING, NOW), [])
    tokens = [sent["ClientRequestToken"] for sent in network.sent]
    assert tokens == [tokens[0]] * 3 + [tokens[3]] * 2
    assert tokens[0] != tokens[3]
    assert network.sent[0] == network.sent[2]
    assert breakers.read(PEER.name).failures == 1


def test_who_cannot_even_enter_for_the_crowd_comes_back_later(breakers: BreakerTable, network: Network) -> None:
    network.before = [conflict] * 100
    with pytest.raises(PeerUnavailableError) as crowd:
        breakers.enter(PEER, NOW, [])
    assert crowd.value.retry_at == NOW + FULL_WAIT
    assert len(network.sent) == ENTRY_TRIES
    network.before = []
    assert breakers.read(PEER.name).taken == {}


def test_who_leaves_does_so_whatever_the_crowd(breakers: BreakerTable, network: Network) -> None:
    place = breakers.enter(PEER, NOW, [])
    network.before = [conflict] * 30
    breakers.leave(Leave(place, Health.HEALTHY, NOW), [])
    assert breakers.read(PEER.name).taken == {}


def test_a_table_out_of_reach_is_no_full_peer(breakers: BreakerTable, network: Network) -> None:
    network.before = [lost] * 3
    with pytest.raises(UnavailableError):
        breakers.enter(PEER, NOW, [])


def test_peers_are_forgotten_when_nobody_calls_them(breakers: BreakerTable, table: RecordTable) -> None:
    breakers.enter(PEER, NOW, [])
    record = table.get(f"peer#{PEER.name}", "peer")
    assert record
    assert int(record["expires_at"] or 0) > (NOW + PEER.lease) // 1_000
