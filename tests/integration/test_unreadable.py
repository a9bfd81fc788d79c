"""Records of the next release, as this one meets them after a rollback: shown as such, and nobody else is hurt."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable, log_unreadable
from atelier.clock import now_ms, utc_day
from atelier.errors import UnreadableRecordError
from atelier.generations.model import Generation, Moment, ProviderAttempt, Status
from tests.integration.client import Client, a_client
from tests.integration.lambdas import Lambdas, request
from tests.integration.samples import NOW, delivery, generation
from tests.integration.stack import Stack, aws


@pytest.fixture
def ann(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "ann@example.com")


@pytest.fixture
def operator(lambdas: Lambdas, stack: Stack) -> Callable[..., tuple[int, Any]]:
    def ask(method: str, path: str, query: dict[str, str] | None = None) -> tuple[int, Any]:
        authorization = f"Bearer {stack.secret('ConsoleSecret')}"
        path = f"/console/admin/{path}"
        answer = lambdas.invoke(
            "console", request("console", method=method, path=path, authorization=authorization, body="", query=query)
        )
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None

    return ask


@pytest.fixture
def three(ann: Client, generations: GenerationStore) -> list[Generation]:
    """Three finished generations of Ann's, the oldest first."""
    now = now_ms() - 60_000
    timeline = (Moment(Status.PROCESSING, now, "fal"), Moment(Status.SUCCESS, now + 9_000))
    done: dict[str, Any] = {
        "status": Status.SUCCESS,
        "finished_at": now + 9_000,
        "due_at": None,
        "timeline": timeline,
        "attempts": (ProviderAttempt("fal", "m", now, now + 9_000),),
        "webhook": "https://ann.example/hook",
    }
    made = [generation(created_at=now + number, user_id=ann.user_id, **done) for number in range(3)]
    for one in made:
        generations.add(one)
    return made


def rewrite(stack: Stack, of: Generation, **attributes: Any) -> None:
    """Put attributes of the next release's into a record."""
    for name, value in attributes.items():
        kind = "N" if isinstance(value, int) else "S"
        text = value if isinstance(value, str) else json.dumps(value)
        aws("dynamodb").update_item(
            TableName=stack.ref("GenerationsTable"),
            Key={"id": {"S": of.id}, "record": {"S": "generation"}},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": {kind: text}},
        )


def test_what_the_next_release_added_is_left_out(ann: Client, three: list[Generation], stack: Stack) -> None:
    _, middle, _ = three
    at = middle.created_at
    rewrite(
        stack, middle, colour="blue", attempts=[["fal", "m", at, at + 9_000, None, "new"]],
        timeline=[["queued", at], ["processing", at, "fal", "new"], ["success", at + 9_000]],
        outputs=[["outputs/x/0.png", "image/png", 1, "00", 2, 3, "new"]], webhook_events=["queued", "success"],
    )  # fmt: skip
    document = ann("GET", f"/generations/{middle.id}").document
    assert (document["status"], document["attempts"][0]["duration"]) == ("success", 9_000)
    assert [item["id"] for item in ann("GET", "/generations").document["data"]] == [one.id for one in reversed(three)]
    assert ann("DELETE", f"/generations/{middle.id}").status == 204
    assert ann("GET", f"/generations/{middle.id}").status == 404


UNREADABLE: dict[str, dict[str, Any]] = {
    "an unknown status": {"status": "archived"},
    "another shape": {"attempts": {"fal": 1}},
    "no JSON": {"timeline": "v2:abc"},
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_generation_is_shown_as_such(
    change: dict[str, Any], ann: Client, operator: Any, three: list[Generation], stack: Stack, logs: Any
) -> None:
    log_unreadable.cache_clear()
    first, middle, last = three
    rewrite(stack, middle, due_at=middle.created_at, due_shard="0", **change)
    expected = [(last.id, "success"), (middle.id, "unreadable"), (first.id, "success")]
    # every list of its user
    for query in ({}, {"cursor": ""}, {"offset": "0"}):
        answer = ann("GET", "/generations", query=query)
        assert [(item["id"], item["status"]) for item in answer.document["data"]] == expected
        readable, unreadable, _ = answer.document["data"]
        assert readable.keys() == unreadable.keys()
    predictions = ann("GET", "/v1/predictions").document["results"]
    assert [item["id"] for item in predictions] == [last.id, middle.id, first.id]
    assert ann("GET", "/generations", query={"status": "error"}).document["data"] == []
    # the operator's lists and the overview
    for filters in ({}, {"user": ann.user_id}, {"model": "sketch"}):
        status, document = operator("GET", "generations", filters)
        assert (status, [(item["id"], item["status"]) for item in document["data"]]) == (200, expected)
        readable, unreadable, _ = document["data"]
        assert readable.keys() <= unreadable.keys()
    assert operator("GET", "deliveries")[0] == 200
    assert operator("GET", "overview")[0] == 200
    # itself, of which nothing changes
    for method, path in (("GET", ""), ("POST", "/cancel"), ("GET", "/deliveries"), ("DELETE", "")):
        answer = ann(method, f"/generations/{middle.id}{path}")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
        assert "newer" in answer.document["message"]
    assert operator("GET", f"generations/{middle.id}")[0] == 503
    told = [line for line in logs() if line["message"] == "a record cannot be read"]
    assert [line["unreadable_id"] for line in told] == [middle.id]
    # the operator can delete one that is finished
    status, _ = operator("DELETE", f"generations/{middle.id}")
    assert status == (503 if "status" in change else 204)
    assert ann("DELETE", f"/generations/{last.id}").status == 204


def test_an_unreadable_delivery_holds_up_no_list(
    ann: Client, operator: Any, three: list[Generation], table: RecordTable, stack: Stack
) -> None:
    deliveries = DeliveryStore(table)
    for one in three:
        deliveries.advance(None, delivery(one))
    aws("dynamodb").update_item(
        TableName=stack.ref("GenerationsTable"),
        Key={"id": {"S": three[1].id}, "record": {"S": "delivery#success"}},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "suspended"}},
    )
    status, document = operator("GET", "deliveries")
    assert (status, [item["generationId"] for item in document["data"]]) == (200, [three[2].id, three[0].id])
    assert ann("GET", f"/generations/{three[1].id}/deliveries").status == 503
    with pytest.raises(UnreadableRecordError):
        deliveries.find(three[1].id)


@pytest.mark.parametrize(
    ("kind", "path", "change"),
    [
        ("key", "keys", {"scopes": "v2:all"}),
        ("user", "users", {"unmetered": None}),
        ("usage", "usage", {"model": None}),
        ("ledger", "users/{user}/ledger", {"entry_kind": None}),
    ],
)
def test_other_unreadable_records_hold_up_no_list(
    kind: str, path: str, change: dict[str, Any], ann: Client, lambdas: Lambdas, operator: Any, stack: Stack,
    accounts: AccountStore,
) -> None:  # fmt: skip
    # given two of each
    bob = a_client(lambdas, stack, accounts, "bob@example.com")
    for client in (ann, bob):
        accounts.top_up(client.user_id, 1, None, NOW)
        accounts.top_up(client.user_id, 1, None, NOW + 1)
        client.generate()
    lambdas.make()
    today = {"from": utc_day(now_ms()).isoformat(), "to": utc_day(now_ms()).isoformat()}
    path, query = path.format(user=ann.user_id), today if kind == "usage" else {}
    _, before = operator("GET", path, query)
    # when a newer release rewrites one
    rows = [(row["id"]["S"], row["record"]["S"].partition("#")[0], row) for row in stack.rows("AccountsTable")]
    row = next(
        row
        for owner, record, row in rows
        if (record == kind and (kind == "key" or owner == ann.user_id)) or owner.startswith(f"{kind}#")
    )
    (name, value), = change.items()  # fmt: skip
    changed = {**row, name: {"S": value}} if value else {key: item for key, item in row.items() if key != name}
    aws("dynamodb").put_item(TableName=stack.ref("AccountsTable"), Item=changed)
    # then the list has the others
    status, after = operator("GET", path, query)
    assert (status, len(after["data"])) == (200, len(before["data"]) - 1)
    assert all(one in before["data"] for one in after["data"])


def test_a_deleted_users_unreadable_key_is_revoked(
    ann: Client, operator: Any, stack: Stack, accounts: AccountStore
) -> None:
    (row,) = [row for row in stack.rows("AccountsTable") if row["record"]["S"] == "key"]
    aws("dynamodb").put_item(TableName=stack.ref("AccountsTable"), Item={**row, "scopes": {"S": "v2:all"}})
    assert operator("DELETE", f"users/{ann.user_id}")[0] == 200
    (row,) = [row for row in stack.rows("AccountsTable") if row["record"]["S"] == "key"]
    assert int(row["revoked_at"]["N"]) > 0
