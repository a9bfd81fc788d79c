"""The stores on the template's own tables and indexes."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings

from atelier.adapters.dynamodb import generation_store
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.generation_store import DUE_SHARDS, LIST_SHARDS, GenerationStore, from_stream, to_record
from atelier.adapters.dynamodb.records import RecordTable
from atelier.errors import ConflictError, NotFoundError
from atelier.generations.model import Generation, Status
from tests.integration.lambdas import Calls, event
from tests.integration.samples import DAY, GENERATIONS, NOW, generation
from tests.integration.stack import Stack, aws

quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(written=GENERATIONS, then=GENERATIONS)
@quick
def test_every_field_of_a_generation_comes_back(
    generations: GenerationStore, stack: Stack, written: Generation, then: Generation
) -> None:
    # given
    generations.add(written)
    # when
    read = generations.get(written.id)
    # then also as the stream has it
    assert read == written
    key = {"id": {"S": written.id}, "record": {"S": "generation"}}
    image = aws("dynamodb").get_item(TableName=stack.ref("GenerationsTable"), Key=key)["Item"]
    assert from_stream(image) == written
    # and when each field that may change has changed
    fixed = ("id", "created_at", "user_id", "refunded")
    after = replace(then, **{name: getattr(written, name) for name in fixed})
    generations.advance(written, after)
    assert generations.get(written.id) == after


def test_a_generation_that_is_not_there_is_not_found(generations: GenerationStore, table: RecordTable) -> None:
    with pytest.raises(NotFoundError):
        generations.get("0" * 32)
    with pytest.raises(NotFoundError):
        DeliveryStore(table).find("0" * 32)


def test_a_users_generations_are_listed_newest_first_by_pages(generations: GenerationStore) -> None:
    # given
    mine = [generation(created_at=NOW + number, user_id="me") for number in range(5)]
    for item in [*mine, generation(created_at=NOW + 2, user_id="another")]:
        generations.add(item)
    # when
    first = generations.search(user_id="me", limit=2, now=NOW)[0]
    second = generations.search(user_id="me", limit=9, now=NOW, before=first[-1].id)[0]
    # then
    assert [*first, *second] == mine[::-1]
    assert generations.search(user_id="nobody", limit=9, now=NOW)[0] == []


def test_the_latest_are_listed_across_days_and_page_by_page(generations: GenerationStore) -> None:
    # given two a day, with days between on which nothing happened
    made = [
        generation(created_at=NOW - age * DAY - minute * 60_000, user_id=f"user_{age}")
        for age in (0, 1, 4, 30)
        for minute in (0, 1)
    ]
    for item in made:
        generations.add(item)
    # when
    first = generations.search(limit=3, now=NOW)[0]
    second = generations.search(limit=2, now=NOW, before=first[-1].id)[0]
    third = generations.search(limit=9, now=NOW, before=second[-1].id)[0]
    # then
    assert [*first, *second, *third] == made


@pytest.mark.parametrize("few", [1, generation_store.FEW])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8, 100])
def test_pages_merge_the_shards_and_an_earlier_releases_days(
    limit: int, few: int, generations: GenerationStore, table: RecordTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation_store, "FEW", few)
    # given, over some days, in turns what an earlier release wrote by day and what this one writes by shard
    made = [generation(created_at=NOW - number * DAY // 5, user_id=f"user_{number % 3}") for number in range(60)]
    for number, item in enumerate(made):
        day = datetime.fromtimestamp(item.created_at / 1_000, UTC).date().isoformat()
        by_day = number > 40 or number % 3 == 0
        table.insert({**to_record(item), **({"created_day": day} if by_day else {})})
    # when
    found: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = generations.search(limit=limit, now=NOW, before=cursor)
        found += [item.id for item in page]
        assert cursor in (None, found[-1])
        if cursor is None:
            break
    # then each comes once, in order, and a filled page leads on
    assert found == [item.id for item in made]


def test_a_page_of_everybodys_reads_the_shards_and_few_days(generations: GenerationStore, calls: Calls) -> None:
    for number in range(60):
        generations.add(generation(created_at=NOW - number * DAY // 30))
    calls.take()
    generations.search(limit=20, now=NOW)
    assert Counter(calls.take()) == {"dynamodb:Query": len(LIST_SHARDS) + 2, "dynamodb:BatchGetItem": 1}


def test_a_small_tables_last_page_walks_no_days(generations: GenerationStore, calls: Calls) -> None:
    for number in range(3):
        generations.add(generation(created_at=NOW - number * 20 * DAY))
    calls.take()
    found, _ = generations.search(limit=20, now=NOW)
    assert len(found) == 3
    assert Counter(calls.take()) == {
        "dynamodb:Query": len(LIST_SHARDS), "dynamodb:Scan": 1, "dynamodb:BatchGetItem": 1,
    }  # fmt: skip


def test_the_list_of_all_is_spread_evenly() -> None:
    shards = Counter(to_record(generation(id=f"{number:032x}"))["created_day"] for number in range(256))
    assert shards == {shard: 256 // len(LIST_SHARDS) for shard in LIST_SHARDS}


def test_only_what_is_overdue_is_due(generations: GenerationStore) -> None:
    # given one generation in each shard, and as many whose time has not come
    late = [generation(id=f"{number:032x}", due_at=NOW - 1) for number in range(DUE_SHARDS)]
    early = [generation(id=f"{256 + number:032x}", due_at=NOW) for number in range(DUE_SHARDS)]
    for item in [*late, *early]:
        generations.add(item)
    # when
    due = list(generations.due(NOW, 400))
    # then
    assert sorted((item.generation_id, item.kind) for item in due) == [(item.id, "generation") for item in late]


def test_the_longest_overdue_come_first_and_no_more_than_asked(generations: GenerationStore) -> None:
    # given ten in one shard
    for number in range(10):
        generations.add(generation(id=f"{number * 256:032x}", due_at=NOW - number))
    # when
    due = list(generations.due(NOW + 1, 3 * DUE_SHARDS))
    # then
    assert [item.generation_id for item in due] == [f"{number * 256:032x}" for number in (9, 8, 7)]


@pytest.mark.parametrize(("held", "reads"), [(0, 1), (3, 1), (4, 1 + DUE_SHARDS)])
def test_a_short_schedule_is_one_read(held: int, reads: int, generations: GenerationStore, calls: Calls) -> None:
    # given
    made = [generation(id=f"{number:032x}", due_at=NOW - 9 + number * 5) for number in range(held)]
    for item in made:
        generations.add(item)
    calls.take()
    # when
    due = list(generations.due(NOW, 3 * DUE_SHARDS))
    # then
    assert [item.generation_id for item in due] == [item.id for item in made if item.due_at and item.due_at < NOW]
    assert calls.take() == ["dynamodb:Scan"] + ["dynamodb:Query"] * (reads - 1)


def test_what_is_announced_leaves_the_agenda(generations: GenerationStore, stack: Stack) -> None:
    # given
    finished = generation(status=Status.SUCCESS, due_at=1)
    generations.add(finished)
    assert [item.kind for item in generations.due(NOW, 400)] == ["generation"]
    # when
    generations.advance(finished, finished.announced())
    # then the index holds nothing at all
    assert list(generations.due(NOW, 400)) == []
    assert aws("dynamodb").scan(TableName=stack.ref("GenerationsTable"), IndexName="due")["Items"] == []


@pytest.mark.parametrize("number", range(0, 256, 15))
def test_records_in_the_shards_of_an_earlier_release_are_due(
    number: int, generations: GenerationStore, table: RecordTable, stack: Stack
) -> None:
    # given one that a release with four shards wrote
    made = generation(id=f"{number:032x}", due_at=NOW - 1, status=Status.SUCCESS)
    table.insert({**to_record(made), "due_shard": str(number % 4), "version": 0})
    assert [due.generation_id for due in generations.due(NOW, 400)] == [made.id]
    # when, then it is postponed, and leaves the schedule
    kept = generations.get(made.id)
    generations.advance(kept, later := replace(kept, due_at=NOW + 5, version=kept.version + 1))
    assert [due.due_at for due in generations.due(NOW + 9, 400)] == [NOW + 5]
    generations.advance(later, later.announced())
    assert aws("dynamodb").scan(TableName=stack.ref("GenerationsTable"), IndexName="due")["Items"] == []


def test_the_schedule_is_spread_evenly(generations: GenerationStore) -> None:
    shards = Counter(to_record(generation(id=f"{number:032x}", due_at=NOW))["due_shard"] for number in range(256))
    assert shards == {str(shard): 256 // DUE_SHARDS for shard in range(DUE_SHARDS)}


def test_a_record_that_cannot_be_read_moves_on(generations: GenerationStore, table: RecordTable) -> None:
    table.insert({"id": "a", "record": "generation", "status": "of a later release", "due_at": 1, "due_shard": "0"})
    (due,) = generations.due(NOW, 400)
    generations.postpone(due, NOW)
    assert list(generations.due(NOW, 400)) == []
    assert list(generations.due(NOW + 1, 400)) == [replace(due, due_at=NOW)]
    with pytest.raises(ConflictError):
        generations.postpone(due, NOW + 1)


def test_a_kind_gets_half_of_the_schedule(generations: GenerationStore, table: RecordTable) -> None:
    for number in range(40):
        shard = str(number % DUE_SHARDS)
        table.insert({"id": f"{number:032x}", "record": "delivery#success", "due_at": number, "due_shard": shard})
    for number in range(8):
        generations.add(generation(id=f"{number + 100:032x}", due_at=NOW - 1))
    due = list(generations.due(NOW, 16))
    assert [item.kind for item in due] == ["delivery"] * 8 + ["generation"] * 8
    assert [item.due_at for item in due] == sorted(item.due_at for item in due)


def test_a_change_from_an_old_state_is_a_conflict(generations: GenerationStore) -> None:
    # given a generation that moved on
    pending = generation()
    generations.add(pending)
    generations.advance(pending, pending.failed("first", NOW))
    # when
    with pytest.raises(ConflictError):
        generations.advance(pending, pending.failed("second", NOW))
    # then
    assert generations.get(pending.id).error == "first"


def test_a_callback_names_the_job_once(generations: GenerationStore) -> None:
    # given
    started = generation(job_id=None, provider="studio")
    generations.add(started)
    # when, then
    assert generations.record_job(started.id, provider="other", job_id="job0").job_id is None
    assert generations.record_job(started.id, provider="studio", job_id="job1").job_id == "job1"
    assert generations.record_job(started.id, provider="studio", job_id="job2").job_id == "job1"
    with pytest.raises(NotFoundError):
        generations.record_job("0" * 32, provider="studio", job_id="job1")


def test_the_example_stream_event_holds_what_the_store_writes() -> None:
    # given events/notify.json
    change = event("notify")["Records"][0]["dynamodb"]
    # when
    record = to_record(from_stream(change["NewImage"]))
    # then
    written = {name for name, value in record.items() if value is not None}
    assert set(change["NewImage"]) == written | {"expires_at", "writer"}


@pytest.mark.parametrize("size", [100, 100_000], ids=["small", "large"])
@pytest.mark.parametrize("test", [False, True], ids=["live", "test"])
def test_a_look_at_a_generation_reads_a_small_part(
    size: int, test: bool, generations: GenerationStore, accounts: AccountStore, calls: Calls, stack: Stack
) -> None:
    # given a generation, and another one of its user's that is finished
    pending = generation(payload={"prompt": "a" * size}, test=test)
    generations.add(generation(payload={"prompt": "a" * size}, test=test, status=Status.SUCCESS))
    generations.add(pending)
    # when it is looked at
    calls.take()
    assert not generations.finished(pending)
    # then its own record is read only where that is small: a read costs by the whole record
    assert set(calls.take()) == {"dynamodb:GetItem" if size < 1_000 else "dynamodb:Query"}
    going = generations.advance(pending, pending.claimed("fal", "m", committed=False, now=NOW, deadline=1))
    assert not generations.finished(pending)
    table, user_status = stack.ref("GenerationsTable"), f"user_1{'#test' if test else ''}#error"
    aws("dynamodb").update_item(
        TableName=table, Key={"id": {"S": going.id}, "record": {"S": "generation"}},
        UpdateExpression="SET #s = :s, user_status = :u", ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "error"}, ":u": {"S": user_status}},
    )  # fmt: skip
    assert generations.finished(pending)
