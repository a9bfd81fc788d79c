"""Lists of generations: by cursor and by offset, of ten thousand as of ten, and none too long for an answer."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.model import OperationModel

from atelier.accounts.users import new_user
from atelier.adapters.aws import clients
from atelier.adapters.dynamodb import generation_store
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore, to_record
from atelier.adapters.dynamodb.records import RecordTable
from atelier.catalog.model import embedded
from atelier.clock import now_ms
from atelier.encoding import timestamp
from atelier.generations.model import Generation, ProviderAttempt, Status, StoredFile
from atelier.generations.serializer import announce
from tests.integration.client import Client, a_client
from tests.integration.lambdas import Calls, Lambdas
from tests.integration.samples import NOW, generation
from tests.integration.stack import Stack, aws, set_provider_keys
from tests.integration.test_console import Console
from tests.integration.world import BASE
from tests.soak import size

MANY = size(soak=10_000, test=1_000)
ROWS = size(soak=100_000, test=1_000)
LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024
ITEM_BYTES = 400 * 1024
MESSAGE_BYTES = 256 * 1024
READS = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"}
KEY_READ = ["dynamodb:GetItem"]
OPERATOR_READS = 2 * KEY_READ
"""Of failed sign-ins: by the operator's address, and by all."""


@pytest.fixture
def ann(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "ann@example.com")


def wire(item: Generation) -> dict[str, Any]:
    """A generation as DynamoDB has it."""
    found: dict[str, Any] = RecordTable(aws("dynamodb"), "any").insertion(to_record(item))["Put"]["Item"]
    return found


def keys(item: Generation) -> dict[str, Any]:
    """What the indexes hold of a generation: moto measures whole records, not what an index holds of them."""
    names = ("id", "record", "user_id", *(["user_status"] if item.status is Status.ERROR else []))
    return {name: value for name, value in wire(item).items() if name in names}


def write(stack: Stack, items: list[dict[str, Any]]) -> None:
    table = stack.ref("GenerationsTable")
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        aws("dynamodb").batch_write_item(RequestItems={table: puts})


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer.document["data"]]


def test_ten_thousand_keys_are_one_read() -> None:
    # given the keys that the indexes hold, of the longest status
    record = to_record(generation(user_id=new_user(email="a", name="a", now=0).id, status=Status.PROCESSING))
    for index in ("user_id", "user_status"):
        held = {name: str(record[name]) for name in ("id", "record", index)}
        # when, then DynamoDB reads a megabyte at once
        assert 10_000 * sum(len(name) + len(value) for name, value in held.items()) < 1024**2


@pytest.mark.soak
def test_thousands_are_listed_counted_and_filtered_in_two_reads(ann: Client, stack: Stack, calls: Calls) -> None:
    # given as many, every tenth of which failed
    made = [
        generation(
            created_at=NOW + number, user_id=ann.user_id, status=Status.ERROR if number % 10 == 0 else Status.SUCCESS
        )
        for number in range(MANY)
    ][::-1]
    failed = [item.id for item in made if item.status is Status.ERROR]
    everything = [item.id for item in made]
    first, last, far, middle = everything[19], everything[-21], everything[-2], len(failed) // 2
    wanted: list[tuple[dict[str, str], list[str], dict[str, Any]]] = [
        ({}, everything[:20], {"total": MANY, "limit": 20, "offset": 0, "hasMore": True, "nextCursor": first}),
        (
            {"limit": "100", "offset": str(MANY - 50)},
            everything[-50:],
            {"total": MANY, "limit": 100, "offset": MANY - 50, "hasMore": False, "nextCursor": None},
        ),
        ({"offset": str(MANY)}, [], {"total": MANY, "limit": 20, "offset": MANY, "hasMore": False, "nextCursor": None}),
        ({"cursor": ""}, everything[:20], {"limit": 20, "hasMore": True, "nextCursor": first}),
        ({"cursor": last}, everything[-20:], {"limit": 20, "hasMore": False, "nextCursor": None}),
        ({"cursor": far, "limit": "1"}, everything[-1:], {"limit": 1, "hasMore": False, "nextCursor": None}),
        (
            {"status": "error", "offset": str(len(failed) - 10)},
            failed[-10:],
            {"total": MANY // 10, "limit": 20, "offset": len(failed) - 10, "hasMore": False, "nextCursor": None},
        ),
        (
            {"status": "error", "cursor": failed[middle - 1], "limit": "2"},
            failed[middle : middle + 2],
            {"limit": 2, "hasMore": True, "nextCursor": failed[middle + 1]},
        ),
        ({"status": "pending", "cursor": ""}, [], {"limit": 20, "hasMore": False, "nextCursor": None}),
    ]
    shown = {generation_id for _, found, _ in wanted for generation_id in found}
    write(stack, [wire(item) if item.id in shown else keys(item) for item in made])
    ann("GET", "/account")
    calls.take()
    for query, found, pagination in wanted:
        # when
        answer = ann("GET", "/generations", query=query)
        # then
        assert (answer.status, ids(answer), answer.document["pagination"]) == (200, found, pagination), query
        made_calls = calls.take()
        assert set(made_calls) <= READS
        assert len(made_calls) - len(KEY_READ) <= 2, (query, made_calls)


def test_a_long_list_costs_two_reads_and_is_not_counted(
    ann: Client, stack: Stack, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given more keys than one read brings
    made = [generation(created_at=NOW + number, user_id=ann.user_id) for number in range(60)][::-1]
    write(stack, [wire(item) if number < 20 else keys(item) for number, item in enumerate(made)])
    real = RecordTable._answers

    def answers(table: RecordTable, **query: Any) -> Any:
        return real(table, **(query if "Limit" in query else {**query, "Limit": 25}))

    monkeypatch.setattr(RecordTable, "_answers", answers)
    ann("GET", "/account")
    calls.take()
    # when
    answer = ann("GET", "/generations")
    # then
    assert ids(answer) == [item.id for item in made[:20]]
    assert answer.document["pagination"] == {"limit": 20, "offset": 0, "hasMore": True, "nextCursor": made[19].id}
    assert calls.take() == ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"]
    # and a later part is read as far as it goes
    assert ann("GET", "/generations", query={"offset": "55"}).document["pagination"]["total"] == 60


@pytest.fixture
def items_read(lambdas: Lambdas) -> Iterator[Counter[str]]:
    """How many items the functions' calls to DynamoDB read, by operation."""
    read = Counter[str]()

    def note(parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
        tables = parsed.get("Responses", {})
        read[model.name] += parsed.get("ScannedCount", 0) + sum(len(found) for found in tables.values())

    events = clients._session().get_component("event_emitter")
    events.register("after-call.dynamodb", note)
    yield read
    events.unregister("after-call.dynamodb", note)


@pytest.mark.soak
def test_a_first_page_reads_as_much_of_any_long_list(
    ann: Client, lambdas: Lambdas, stack: Stack, calls: Calls, items_read: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # given a read that brings as many keys as on AWS (fewer in a short test), and a list that is longer
    whole_read, real = ROWS // 10, RecordTable._answers
    monkeypatch.setattr(RecordTable, "_answers", lambda table, **query: real(table, **{"Limit": whole_read, **query}))
    console = Console(lambdas, stack.secret("ConsoleSecret"))
    pages: dict[str, Callable[[], Any]] = {
        "client, by offset": lambda: ann("GET", "/generations").document,
        "client, by cursor": lambda: ann("GET", "/generations", query={"cursor": ""}).document,
        "client, by status": lambda: ann("GET", "/generations", query={"cursor": "", "status": "error"}).document,
        "console, by user": lambda: console("GET", "generations", query={"user": ann.user_id})[1],
    }
    most = {"client, by offset": whole_read + 20, "console, by user": 41}
    latest = [
        generation(created_at=NOW + ROWS + number, user_id=ann.user_id, status=Status.ERROR) for number in range(20)
    ]
    write(stack, [wire(item) for item in latest])
    ann("GET", "/account")
    for name in pages:
        pages[name]()
    found: dict[int, dict[str, Any]] = {}
    for rows in (ROWS // 5, ROWS):
        already = 0 if not found else ROWS // 5
        write(
            stack,
            [
                keys(generation(created_at=NOW + number, user_id=ann.user_id, status=Status.ERROR))
                for number in range(already, rows)
            ],
        )
        # when
        found[rows] = {}
        for name, page in pages.items():
            calls.take()
            items_read.clear()
            document = page()
            assert [item["id"] for item in document["data"]] == [item.id for item in latest[::-1]], name
            made = [call for call in calls.take() if call in READS]
            found[rows][name] = made, dict(items_read)
    # then
    assert found[ROWS // 5] == found[ROWS]
    for name, (made, read) in found[ROWS].items():
        beside = OPERATOR_READS if name.startswith("console") else KEY_READ
        assert len(made) - len(beside) <= (4 if name.startswith("console") else 2), (name, made)
        assert sum(read.values()) <= most.get(name, 41), (name, read)


def test_a_search_for_a_rare_model_says_how_far_it_looked(
    lambdas: Lambdas, stack: Stack, generations: GenerationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given the only picture of a model, behind more than a search looks at
    monkeypatch.setattr(generation_store, "BATCH", 5)
    monkeypatch.setattr(generation_store, "MAX_BATCHES", 2)
    now = now_ms()
    made = [generation(created_at=now - number, model="rare" if number == 11 else "common") for number in range(13)]
    for item in made:
        generations.add(item)
    console = Console(lambdas, stack.secret("ConsoleSecret"))
    # when
    first = console("GET", "generations", query={"model": "rare"})[1]
    # then it looked at ten, and goes on from there
    last = made[9]
    assert first["data"] == []
    assert first["pagination"] == {
        "limit": 20, "nextCursor": last.id, "searchedBackTo": timestamp(last.created_at)
    }  # fmt: skip
    rest = console("GET", "generations", query={"model": "rare", "cursor": last.id})[1]
    assert [item["id"] for item in rest["data"]] == [made[11].id]
    assert rest["pagination"] == {"limit": 20, "nextCursor": None}
    # and a search that is filled says nothing of the kind
    common = console("GET", "generations", query={"model": "common", "limit": "3"})[1]
    assert common["pagination"] == {"limit": 3, "nextCursor": made[2].id}


def test_all_pages_together_are_the_list(ann: Client, generations: GenerationStore) -> None:
    # given
    made = [generation(created_at=NOW + number, user_id=ann.user_id) for number in range(7)][::-1]
    for item in made:
        generations.add(item)
    # when
    by_cursor, by_offset = [], []
    cursor, more = "", True
    while more:
        page = ann("GET", "/generations", query={"cursor": cursor, "limit": "3"})
        by_cursor += ids(page)
        cursor, more = page.document["pagination"]["nextCursor"], page.document["pagination"]["hasMore"]
    for offset in (0, 3, 6):
        by_offset += ids(ann("GET", "/generations", query={"offset": str(offset), "limit": "3"}))
    # then
    assert by_cursor == by_offset == [item.id for item in made]


def test_a_list_has_what_reading_one_answers(ann: Client, lambdas: Lambdas) -> None:
    generation_id = ann.generate()
    lambdas.make()
    (item,) = ann("GET", "/generations").document["data"]
    assert item == ann("GET", f"/generations/{generation_id}").document
    assert item["status"] == "success"
    wanted = {"id", "status", "tool", "output", "thumbnail", "error", "type", "payload", "createdAt"}
    assert wanted <= set(item)


def test_a_generation_changes_its_list_with_its_status(ann: Client, lambdas: Lambdas) -> None:
    generation_id = ann.generate()
    assert ids(ann("GET", "/generations", query={"status": "pending"})) == [generation_id]
    lambdas.make()
    assert ids(ann("GET", "/generations", query={"status": "pending"})) == []
    assert ids(ann("GET", "/generations", query={"status": "success"})) == [generation_id]


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ({"limit": "0"}, [("limit", "invalid")]),
        ({"limit": "101"}, [("limit", "invalid")]),
        ({"limit": ""}, [("limit", "invalid")]),
        ({"limit": "1e1"}, [("limit", "invalid")]),
        ({"offset": "-1"}, [("offset", "invalid")]),
        ({"offset": "100001"}, [("offset", "invalid")]),
        ({"offset": "٣"}, [("offset", "invalid")]),
        ({"status": "done"}, [("status", "invalid")]),
        ({"status": ""}, [("status", "invalid")]),
        ({"cursor": "x"}, [("cursor", "invalid")]),
        ({"cursor": "", "offset": "0"}, [("offset", "conflict")]),
        (
            {"limit": "x", "offset": "x", "status": "x"},
            [("limit", "invalid"), ("status", "invalid"), ("offset", "invalid")],
        ),
    ],
)
def test_a_bad_list_is_refused_with_the_fields_at_fault(
    query: dict[str, str], faults: list[tuple[str, str]], ann: Client
) -> None:
    answer = ann("GET", "/generations", query=query)
    assert (answer.status, answer.faults) == (400, faults)


# ---- Sizes -----------------------------------------------------------------------------------------------------------


def worst_input() -> dict[str, Any]:
    """The longest input that the catalog allows, in characters that take the most room."""
    picture = "https://pictures.example/" + "x" * 2_023
    return {
        "prompt": "\x01" * 10_000,
        "negative_prompt": "\x01" * 10_000,
        "image_urls": [picture] * 10,
        "mask_url": picture,
        "model": "x" * 200,
    }


def worst(**changes: Any) -> Generation:
    """A generation with all that may ever stand in one."""
    file = StoredFile("outputs/" + "x" * 120, "image/png", 10**8, "f" * 64, 16_384, 16_384)
    attempt = ProviderAttempt("artificial-studio", "x" * 120, NOW, NOW + 1, "€" * 500)
    return generation(
        payload=worst_input(), webhook="https://a.example/" + "x" * 2_030, outputs=(file,) * 4, inputs=(file,) * 10,
        sources=("https://a.example/" + "x" * 2_030,) * 4, thumbnail=file.key, error="€" * 500,
        attempts=(attempt,) * 20, status=Status.SUCCESS, **changes,
    )  # fmt: skip


def test_the_worst_input_is_within_what_the_tools_allow() -> None:
    fields = [(name, item) for tool in embedded().tools.values() for name, item in tool.input["properties"].items()]
    texts = {name for name, item in fields if item["type"] in ("string", "array") and "enum" not in item}
    assert texts == set(worst_input())
    assert {item["maxLength"] for name, item in fields if name == "prompt"} == {10_000}


def test_the_largest_body_fits_an_item_and_a_message(ann: Client, stack: Stack) -> None:
    # given a body of 256 KB that a model takes, most of it a picture
    start = "data:image/png;base64,"
    room = 256 * 1024 - 200
    picture = "iVBORw0KGgoA" + "A" * ((room - len(start) - 12) // 4 * 4)
    body = json.dumps({"model": "gpt-image", "input": {"prompt": "a", "image_urls": [start + picture]}})
    assert 256 * 1024 - 300 < len(body) <= 256 * 1024
    set_provider_keys(stack.ref("ProviderKeysSecret"), {"openai": "key"})
    # when
    answer = ann("POST", "/generate", body, Prefer="respond-async")
    # then
    assert answer.status == 202, answer.text[:500]
    assert len(answer.text) < 2_000
    (row,) = stack.rows("GenerationsTable")
    assert sum(len(name) + len(str(*item.values()).encode()) for name, item in row.items()) < ITEM_BYTES


def test_the_worst_generation_fits_an_item_and_a_message() -> None:
    made = worst()
    item = sum(len(name) + len(str(value).encode()) for name, value in to_record(made).items())
    assert item < ITEM_BYTES
    message = json.dumps(announce(made, BASE), ensure_ascii=False)
    assert len(message.encode()) < MESSAGE_BYTES - 1_024  # its attributes count too


@pytest.mark.parametrize("query", [{"limit": "100"}, {"limit": "100", "cursor": ""}])
def test_a_list_that_would_not_fit_an_answer_ends_sooner(query: dict[str, str], ann: Client, stack: Stack) -> None:
    # given a hundred of the worst
    made = [worst(created_at=NOW + number, user_id=ann.user_id) for number in range(100)][::-1]
    write(stack, list(map(wire, made)))
    # when
    answer = ann("GET", "/generations", query=query)
    # then
    shown = len(ids(answer))
    assert 1 < shown < 100
    assert ids(answer) == [item.id for item in made[:shown]]
    pagination = answer.document["pagination"]
    assert (pagination["limit"], pagination["hasMore"], pagination["nextCursor"]) == (shown, True, made[shown - 1].id)
    assert len(json.dumps({"statusCode": 200, "body": answer.text})) < LAMBDA_ANSWER_BYTES
    # and the rest follows
    rest = ann("GET", "/generations", query={"cursor": pagination["nextCursor"], "limit": "1"})
    assert ids(rest) == [made[shown].id]


def test_a_status_that_the_index_is_late_with_is_not_shown(table: RecordTable, generations: GenerationStore) -> None:
    # given a generation under another status' key
    made = generation(user_id="me")
    record = {**to_record(made), "user_status": "me#error"}
    table.insert({**record, "version": 0})
    # when
    found, _ = generations.search(user_id="me", status="error", limit=9, now=NOW)
    # then
    assert found == []
    assert replace(made, version=0) == generations.get(made.id)
