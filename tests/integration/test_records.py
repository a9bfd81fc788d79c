"""RecordTable: conditional writes, also when the SDK repeats one whose answer was lost."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from atelier.adapters.aws import clients
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import Record, RecordTable
from atelier.errors import ConflictError, UnavailableError
from tests.integration.samples import generation

FIRST: Record = {"id": "a", "record": "generation", "version": 1, "error": None, "status": "pending"}
SECOND: Record = {"id": "a", "record": "generation", "version": 2, "error": "late", "status": None}
KEY = ("a", "generation")
Meanwhile = Callable[[], None]


class LosesAnswers:
    """Lets a call take effect, does something else, and then loses the answer; the SDK repeats the call."""

    def __init__(self) -> None:
        self.lost = 0
        self.to_lose = 0
        self.meanwhile: Meanwhile | None = None

    def __call__(self, **sent: Any) -> None:
        if self.to_lose and sent["event_name"].endswith((".PutItem", ".UpdateItem")):
            self.to_lose -= 1
            self.lost += 1
            if self.meanwhile:
                self.meanwhile()
            raise ReadTimeoutError(endpoint_url=sent["request"].url)


@pytest.fixture
def network(table: RecordTable, monkeypatch: pytest.MonkeyPatch) -> Iterator[LosesAnswers]:
    """The network to DynamoDB; the SDK does not sleep before it repeats."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    network = LosesAnswers()
    events = clients.client("dynamodb").meta.events
    events.register_last("before-send", network, unique_id="network")  # last: after moto has done what was asked
    yield network
    events.unregister("before-send", unique_id="network")


def without_writer(table: RecordTable) -> Record:
    return {name: value for name, value in (table.get(*KEY) or {}).items() if name != "writer"}


@pytest.mark.parametrize("times", [1, 2])
def test_an_insert_whose_answer_was_lost_is_our_own(times: int, table: RecordTable, network: LosesAnswers) -> None:
    # given a first try that has taken effect when its answer is lost
    seen: list[Record | None] = []
    network.meanwhile = lambda: seen.append(table.get(*KEY))
    network.to_lose = times
    # when
    table.insert(FIRST)
    # then
    assert seen == [table.get(*KEY)] * times
    assert without_writer(table) == {"id": "a", "record": "generation", "version": 1, "status": "pending"}


@pytest.mark.parametrize("times", [1, 2])
def test_a_replacement_whose_answer_was_lost_is_our_own(times: int, table: RecordTable, network: LosesAnswers) -> None:
    # given
    table.insert(FIRST)
    network.to_lose = times
    # when
    table.replace(FIRST, SECOND)
    # then
    assert network.lost == times
    assert without_writer(table) == {"id": "a", "record": "generation", "version": 2, "error": "late"}


def test_an_insert_of_what_another_wrote_is_a_conflict(table: RecordTable, network: LosesAnswers) -> None:
    # given another's record, and an answer that is lost on top
    table.insert(FIRST)
    before = table.get(*KEY)
    network.to_lose = 1
    # when
    with pytest.raises(ConflictError):
        table.insert({**FIRST, "status": "stolen"})
    # then
    assert table.get(*KEY) == before


@pytest.mark.parametrize("lost", [0, 1])
def test_a_replacement_of_what_another_changed_is_a_conflict(
    lost: int, table: RecordTable, network: LosesAnswers
) -> None:
    # given
    table.insert(FIRST)
    table.replace(FIRST, SECOND)
    before = table.get(*KEY)
    network.to_lose = lost
    # when
    with pytest.raises(ConflictError):
        table.replace(FIRST, {**FIRST, "version": 2, "error": "other"})
    # then
    assert table.get(*KEY) == before


def test_our_lost_write_that_another_built_on_stays_a_conflict(table: RecordTable, network: LosesAnswers) -> None:
    # given another worker that is quicker than the SDK's second try
    table.insert(FIRST)
    third = {**SECOND, "version": 3}
    network.meanwhile = lambda: table.replace(SECOND, third)
    network.to_lose = 1
    # when
    with pytest.raises(ConflictError):
        table.replace(FIRST, SECOND)
    # then
    assert without_writer(table)["version"] == 3


def test_a_replacement_of_what_is_gone_is_a_conflict(table: RecordTable) -> None:
    with pytest.raises(ConflictError):
        table.replace(FIRST, SECOND)
    assert table.get(*KEY) is None


def test_a_table_that_never_answers_is_unavailable(table: RecordTable, network: LosesAnswers) -> None:
    # given
    network.to_lose = 99
    # when
    with pytest.raises(UnavailableError):
        table.insert(FIRST)
    # then the SDK gave up after its three tries
    assert network.lost == 3


def test_a_table_that_is_not_there_is_unavailable(stack: object, table: RecordTable) -> None:
    missing = RecordTable(clients.client("dynamodb"), "missing")
    for call in (lambda: missing.get(*KEY), lambda: missing.get_all("a"), lambda: missing.get_many([KEY])):
        with pytest.raises(UnavailableError):
            call()


def test_a_callbacks_record_survives_a_lost_answer(generations: GenerationStore, network: LosesAnswers) -> None:
    # given
    started = generation(job_id=None, provider="studio")
    generations.add(started)
    network.to_lose = 1
    # when
    found = generations.record_job(started.id, provider="studio", job_id="job1")
    # then
    assert network.lost == 1
    assert found.job_id == "job1"


def test_reading_many_keeps_the_order_and_leaves_out_the_gone(table: RecordTable) -> None:
    # given
    for number in range(3):
        table.insert({"id": str(number), "record": "generation", "version": number})
    # when
    found = table.get_many([(name, "generation") for name in ("2", "gone", "0", "1")])
    # then
    assert [record["id"] for record in found] == ["2", "0", "1"]


@pytest.mark.parametrize("times", [0, 1, 2])
def test_an_addition_whose_answer_was_lost_counts_once(times: int, table: RecordTable, network: LosesAnswers) -> None:
    # given
    table.insert(FIRST)
    # when
    network.to_lose = times
    table.add(KEY, {"used": 1}, {}, condition="attribute_not_exists(used) OR used < :most", values={":most": 1})
    # then it is there once, and one more is too many
    assert network.lost == times
    assert (table.get(*KEY) or {})["used"] == 1
    with pytest.raises(ConflictError):
        table.add(KEY, {"used": 1}, {}, condition="attribute_not_exists(used) OR used < :most", values={":most": 1})
