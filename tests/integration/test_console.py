"""The owner's side, and the keys that are made there."""

import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from atelier.adapters.store import GenerationStore
from atelier.generation import Status
from atelier.steps import now_ms
from tests.integration.lambdas import Calls, Lambdas, request
from tests.integration.samples import NOW, generation
from tests.integration.stack import Stack
from tests.integration.world import RECEIVER, SKETCH, Internet, accept


class Console:
    """Asks as the owner does."""

    def __init__(self, lambdas: Lambdas, secret: str) -> None:
        self._lambdas = lambdas
        self._secret = secret

    def __call__(
        self, method: str, path: str, document: Any = None, query: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        return self._lambdas.ask(
            request(
                "console",
                method=method,
                path=f"/console/admin/{path}",
                authorization=f"Bearer {self._secret}",
                body=json.dumps(document) if document is not None else "",
                query=query,
            ),
            "console",
        )

    def key(self, name: str = "site", user: str = "client@example.com", **fields: Any) -> dict[str, Any]:
        status, document = self("POST", "keys", {"name": name, "user": user, **fields})
        assert status == 201
        created: dict[str, Any] = document
        return created


@pytest.fixture
def console(lambdas: Lambdas, stack: Stack) -> Console:
    return Console(lambdas, stack.secret("ConsoleSecret"))


def test_the_example_event_makes_a_key(lambdas: Lambdas, stack: Stack) -> None:
    # given events/console.json
    event = request("console", authorization=stack.secret("ConsoleSecret"))
    # when
    status, document = lambdas.ask(event, "console")
    # then
    assert status == 201
    assert document["userEmail"] == "owner@example.com"
    assert document["name"] == "Example website"
    assert document["key"].startswith(f"{document['prefix']}")


def test_a_created_key_works_and_a_revoked_one_does_not(console: Console, lambdas: Lambdas) -> None:
    # given
    created = console.key()
    # when
    accepted, _ = lambdas.ask(request("generate", authorization=created["key"]))
    status, revoked = console("DELETE", f"keys/{created['id']}")
    refused, document = lambdas.ask(request("generate", authorization=created["key"]))
    # then
    assert (accepted, status, refused) == (202, 200, 401)
    assert revoked["revokedAt"] is not None
    assert "revoked" in document["message"]


def test_revoking_one_key_leaves_the_users_other_one(console: Console, lambdas: Lambdas) -> None:
    # given
    first, second = console.key(name="first"), console.key(name="second")
    # when
    console("DELETE", f"keys/{first['id']}")
    # then
    assert lambdas.ask(request("generate", authorization=second["key"]))[0] == 202


def test_revoking_twice_changes_nothing(console: Console) -> None:
    # given
    created = console.key()
    first = console("DELETE", f"keys/{created['id']}")
    # when, then
    assert console("DELETE", f"keys/{created['id']}") == first


def test_the_key_is_shown_once_and_kept_nowhere(console: Console, stack: Stack) -> None:
    # given
    created = console.key()
    secret = created["key"].removeprefix(created["prefix"])
    # when
    _, listed = console("GET", "keys")
    kept = json.dumps(stack.rows("AccountsTable"))
    # then
    shown = {name: value for name, value in created.items() if name != "key"}
    assert listed == {"data": [shown]}
    assert created["id"] in kept
    assert secret[:32] not in kept
    assert created["key"] not in kept


def test_keys_of_one_address_belong_to_one_user(console: Console) -> None:
    # given
    first, second = console.key(user="Client@Example.com"), console.key(user="client@example.com")
    other = console.key(user="other@example.com", test=True)
    # when
    _, users = console("GET", "users")
    _, keys = console("GET", "keys")
    # then
    assert first["userId"] == second["userId"] != other["userId"]
    assert {user["email"] for user in users["data"]} == {"client@example.com", "other@example.com"}
    assert len(users["data"]) == 2
    assert {key["id"] for key in keys["data"]} == {first["id"], second["id"], other["id"]}
    assert other["test"] is True
    assert other["key"].startswith("atl_test_")


def test_the_shown_webhook_secret_verifies_a_webhook(console: Console, lambdas: Lambdas, internet: Internet) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    created = console.key()
    lambdas.ask(request("generate", authorization=created["key"], body=SKETCH))
    lambdas.drain("dispatch")
    lambdas.stream()
    lambdas.drain("deliver")
    (sent,) = internet.to(RECEIVER)
    # when
    status, document = console("GET", f"users/{created['userId']}/webhook-secret")
    # then
    assert status == 200
    assert Webhook(document["secret"]).verify(sent.content, dict(sent.headers))["status"] == "success"


def test_all_generations_are_listed_page_by_page(console: Console, generations: GenerationStore) -> None:
    # given, in the last minutes, so that they are on the console's first pages
    made = [generation(created_at=now_ms() - number * 1_000, user_id=f"user_{number}") for number in range(3)]
    for item in made:
        generations.add(item)
    # when
    _, first = console("GET", "generations", query={"limit": "2"})
    _, second = console("GET", "generations", query={"limit": "2", "cursor": first["pagination"]["nextCursor"]})
    # then
    assert [item["id"] for item in [*first["data"], *second["data"]]] == [item.id for item in made]
    assert [item["userId"] for item in first["data"]] == ["user_0", "user_1"]
    assert second["pagination"]["nextCursor"] is None


def test_generations_can_be_chosen_by_status(console: Console, generations: GenerationStore) -> None:
    # given
    failed = generation(created_at=now_ms(), status=Status.ERROR)
    for item in (failed, generation(created_at=now_ms())):
        generations.add(item)
    # when
    _, document = console("GET", "generations", query={"status": "error"})
    # then
    assert [item["id"] for item in document["data"]] == [failed.id]


def test_one_generation_of_anybody_is_shown(console: Console, generations: GenerationStore) -> None:
    # given
    one = generation(created_at=NOW, provider="sketch")
    generations.add(one)
    # when
    status, document = console("GET", f"generations/{one.id}")
    # then
    assert status == 200
    assert (document["id"], document["userId"], document["provider"]) == (one.id, one.user_id, "sketch")
    assert one.callback_token not in json.dumps(document)


ROUTES = [
    ("POST", "keys"),
    ("GET", "keys"),
    ("DELETE", "keys/abc"),
    ("GET", "users"),
    ("GET", "users/user_1/webhook-secret"),
    ("GET", "generations"),
    ("GET", f"generations/{'0' * 32}"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("secret", ["wrong", "", "ä"])
def test_without_the_consoles_secret_nothing_is_read_or_written(
    secret: str, method: str, path: str, lambdas: Lambdas, calls: Calls
) -> None:
    # when
    status, document = Console(lambdas, secret)(method, path, {"name": "x", "user": "x@example.com"})
    # then
    assert (status, set(document)) == (401, {"message"})
    assert [call for call in calls.take() if call.startswith("dynamodb")] == []


def test_a_clients_key_is_not_the_consoles_secret(console: Console, lambdas: Lambdas) -> None:
    created = console.key()
    assert Console(lambdas, created["key"])("GET", "keys")[0] == 401


@pytest.mark.parametrize(
    ("document", "faults"),
    [
        ([], ["body"]),
        ({}, ["name", "user"]),
        ({"name": " ", "user": "x@example.com"}, ["name"]),
        ({"name": "x" * 201, "user": "x@example.com"}, ["name"]),
        ({"name": 7, "user": "x@example.com"}, ["name"]),
        ({"name": "x", "user": "x"}, ["user"]),
        ({"name": "x", "user": "a b@example.com"}, ["user"]),
        ({"name": "x", "user": "x" * 250 + "@example.com"}, ["user"]),
        ({"name": "x", "user": "x@example.com", "test": "yes"}, ["test"]),
        ({"name": "x", "user": "x@example.com", "admin": True}, ["admin"]),
    ],
)
def test_a_bad_request_for_a_key_names_the_fields_at_fault(
    document: Any, faults: list[str], console: Console, stack: Stack
) -> None:
    # when
    status, answer = console("POST", "keys", document)
    # then
    assert status == 400
    assert [error["field"] for error in answer["errors"]] == faults
    assert stack.rows("AccountsTable") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "ten"),
        ("limit", "-1"),
        ("limit", ""),
        ("limit", "9" * 30),
        ("cursor", "x"),
        ("cursor", "f" * 31),
        ("status", "done"),
    ],
)
def test_a_bad_query_names_the_field_at_fault(name: str, value: str, console: Console) -> None:
    status, answer = console("GET", "generations", query={name: value})
    assert (status, [error["field"] for error in answer["errors"]]) == (400, [name])


@pytest.mark.parametrize("cursor", ["0" * 32, "f" * 32])
def test_a_cursor_that_we_never_gave_is_no_failure_of_ours(cursor: str, console: Console) -> None:
    status, _ = console("GET", "generations", query={"cursor": cursor})
    assert status in (200, 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "keys/unknown"), ("GET", "users/unknown/webhook-secret"), ("GET", "generations/unknown"), ("GET", "x")],
)
def test_what_is_not_there_is_not_found(method: str, path: str, console: Console) -> None:
    status, document = console(method, path)
    assert (status, set(document)) == (404, {"message"})
