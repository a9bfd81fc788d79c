"""The operator's side, and the keys that are made there."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from standardwebhooks import Webhook

from atelier.accounts.session import begin
from atelier.accounts.sign_in_throttle import MAX_FAILURES, SignInAttempts
from atelier.adapters.aws import clients
from atelier.adapters.aws.secrets import CALLBACKS, NAMES, ProviderKeysEditor
from atelier.adapters.dynamodb.circuit_breakers import CircuitBreakerTable
from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.generation_eraser import TableEraser
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.dynamodb.session_store import SessionStore
from atelier.catalog.model import EMBEDDED
from atelier.clock import now_ms
from atelier.errors import ConflictError, UnavailableError
from atelier.generations.model import Moment, Status, new_id
from atelier.outbound.circuit_breaker import FAILURES_TO_OPEN, Health, Release, Slot, Upstream
from atelier.webhooks.delivery import DeliveryStatus
from functions.console import app as console_app
from functions.console.app.dependencies import dependencies
from tests.integration.lambdas import Calls, Lambdas, event, request
from tests.integration.samples import DAY, NOW, generation
from tests.integration.stack import ROOT, Stack, aws
from tests.integration.world import BASE, RECEIVER, SKETCH, Internet, Studio, accept


class Console:
    """Asks as the operator does."""

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


class Browser:
    """Asks as the console's page does: with the cookie that it was given, and with the token if it has one."""

    def __init__(self, lambdas: Lambdas, address: str = "93.184.216.34") -> None:
        self._lambdas = lambdas
        self._address = address
        self.cookie = ""
        self.csrf: str | None = None

    def __call__(self, method: str, path: str, document: Any = None, **headers: str) -> dict[str, Any]:
        cookie = {"Cookie": f"theme=dark; {self.cookie}"} if self.cookie else {}
        token = {"X-CSRF-Token": self.csrf} if self.csrf is not None else {}
        event = request(
            "console",
            method=method,
            path=path,
            body=json.dumps(document) if document is not None else "",
            headers={**cookie, **token, **headers},
        )
        del event["headers"]["Authorization"], event["multiValueHeaders"]["Authorization"]
        event["requestContext"]["identity"]["sourceIp"] = self._address
        answer: dict[str, Any] = self._lambdas.invoke("console", event)
        for line in answer["multiValueHeaders"].get("Set-Cookie", []):
            self.cookie = line.partition(";")[0]
        return answer

    def sign_in(self, secret: str) -> int:
        answer = self("POST", "/console/session", {"secret": secret})
        self.csrf = json.loads(answer["body"]).get("csrf")
        return int(answer["statusCode"])

    def status(self, method: str, path: str, document: Any = None) -> int:
        return int(self(method, path, document)["statusCode"])


@pytest.fixture
def browser(lambdas: Lambdas) -> Browser:
    return Browser(lambdas)


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
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")
    (sent,) = internet.to(RECEIVER)
    # when
    status, document = console("GET", f"users/{created['userId']}/webhook-secret")
    # then
    assert status == 200
    assert document["retired"] == []
    assert Webhook(document["secret"]).verify(sent.content, dict(sent.headers))["status"] == "success"


def test_after_a_rotation_both_secrets_verify(console: Console, lambdas: Lambdas, internet: Internet) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    created = console.key()
    path = f"users/{created['userId']}/webhook-secret"
    _, before = console("GET", path)
    # when
    status, rotated = console("POST", f"{path}/rotate")
    lambdas.ask(request("generate", authorization=created["key"], body=SKETCH))
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")
    # then
    assert (status, rotated["version"], rotated) == (200, 2, console("GET", path)[1])
    (retired,) = rotated["retired"]
    assert (retired["version"], retired["secret"]) == (1, before["secret"])
    left = datetime.fromisoformat(retired["signsUntil"]).timestamp() * 1_000 - now_ms()
    assert DAY - 60_000 < left <= DAY
    (sent,) = internet.to(RECEIVER)
    for secret in (rotated["secret"], before["secret"]):
        assert Webhook(secret).verify(sent.content, dict(sent.headers))["status"] == "success"


def test_a_fifth_rotation_within_a_day_has_to_wait(console: Console) -> None:
    # given
    path = f"users/{console.key()['userId']}/webhook-secret"
    for _ in range(4):
        assert console("POST", f"{path}/rotate")[0] == 200
    _, before = console("GET", path)
    # when
    status, refusal = console("POST", f"{path}/rotate")
    # then
    assert (status, set(refusal)) == (409, {"message"})
    assert [secret["version"] for secret in before["retired"]] == [4, 3, 2, 1]
    assert console("GET", path) == (200, before)


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
    ("GET", "keys/abc"),
    ("PATCH", "keys/abc"),
    ("POST", "keys/abc/rotate"),
    ("DELETE", "keys/abc"),
    ("GET", "users"),
    ("GET", "users/user_1"),
    ("PATCH", "users/user_1"),
    ("DELETE", "users/user_1"),
    ("POST", "users"),
    ("POST", "users/user_1/credits"),
    ("GET", "users/user_1/ledger"),
    ("GET", "users/user_1/webhook-secret"),
    ("POST", "users/user_1/webhook-secret/rotate"),
    ("GET", "generations"),
    ("GET", f"generations/{'0' * 32}"),
    ("POST", f"generations/{'0' * 32}/redeliver"),
    ("POST", f"generations/{'0' * 32}/cancel"),
    ("DELETE", f"generations/{'0' * 32}"),
    ("GET", "overview"),
    ("GET", "usage"),
    ("GET", "deliveries"),
    ("GET", "providers"),
    ("POST", "providers/replicate"),
    ("DELETE", "providers/replicate"),
    ("POST", "providers/replicate/test"),
]


def test_each_admin_route_is_tried_without_the_secret() -> None:
    assert len([route for route in console_app.app.routes if "/admin/" in route.rule]) == len(ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("secret", ["wrong", "", "ä"])
def test_without_the_consoles_secret_nothing_is_read_or_written(
    secret: str, method: str, path: str, lambdas: Lambdas, stack: Stack
) -> None:
    # when
    status, document = Console(lambdas, secret)(method, path, {"name": "x", "user": "x@example.com"})
    # then
    assert (status, set(document)) == (401, {"message"})
    # but that a wrong one was tried
    assert {row["record"]["S"] for row in stack.rows("AccountsTable")} == {"attempts"}
    assert stack.rows("GenerationsTable") == []


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
        ("model", "x" * 255),
        ("user", "x" * 255),
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
    [
        ("DELETE", "keys/unknown"),
        ("POST", "keys/unknown/rotate"),
        ("GET", "users/unknown/webhook-secret"),
        ("POST", "users/unknown/webhook-secret/rotate"),
        ("GET", "users/unknown/ledger"),
        ("POST", "users/unknown/credits"),
        ("GET", "generations/unknown"),
        ("POST", "generations/unknown/redeliver"),
        ("POST", "generations/unknown/cancel"),
        ("DELETE", "generations/unknown"),
        ("GET", "x"),
    ],
)
def test_what_is_not_there_is_not_found(method: str, path: str, console: Console) -> None:
    status, document = console(method, path, {"amount": 1} if path.endswith("credits") else None)
    assert (status, set(document)) == (404, {"message"})


# ---- The page and its session


@pytest.mark.parametrize("path", ["/console", "/console/static/index.html"])
def test_the_page_may_load_nothing_of_others(path: str, browser: Browser) -> None:
    answer = browser("GET", path)
    headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    assert answer["statusCode"] == 200
    assert answer["body"] == (ROOT / "functions/console/static/index.html").read_text()
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: https://filesbucket.s3.amazonaws.com",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]


STATIC = sorted(path.name for path in (ROOT / "functions/console/static").iterdir() if path.name != "index.html")
TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "txt": "text/plain"}


@pytest.mark.parametrize("name", STATIC)
def test_the_pages_files_are_served_and_kept_by_the_browser(name: str, browser: Browser) -> None:
    answer = browser("GET", f"/console/static/{name}")
    headers = answer["multiValueHeaders"]
    assert answer["statusCode"] == 200
    assert answer["body"] == (ROOT / "functions/console/static" / name).read_text()
    assert headers["Content-Type"][0].partition(";")[0] == TYPES[name.rpartition(".")[2]]
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == (["no-cache"], ["nosniff"])
    again = browser("GET", f"/console/static/{name}", **{"If-None-Match": headers["ETag"][0]})
    assert (again["statusCode"], again["body"]) == (304, "")
    assert again["multiValueHeaders"] == headers


@pytest.mark.parametrize(
    "name",
    [
        "app.py",
        "../app.py",
        "..%2Fapp.py",
        "%2e%2e/app.py",
        "",
        ".",
        "nothing.js",
        "/etc/passwd",
        "a/b.js",
    ],
)
def test_nothing_else_is_served(name: str, browser: Browser) -> None:
    answer = browser("GET", f"/console/static/{name}")
    assert (answer["statusCode"], set(json.loads(answer["body"]))) == (404, {"message"})


def test_the_page_and_its_files_need_no_table(browser: Browser, calls: Calls) -> None:
    browser("GET", "/console")
    browser("GET", f"/console/static/{STATIC[0]}")
    assert calls.take() == []


def test_the_secret_opens_a_session_that_reads_and_changes(browser: Browser, stack: Stack) -> None:
    # given nobody
    assert browser.status("GET", "/console/session") == 401
    assert browser.status("GET", "/console/admin/users") == 401
    # when
    answer = browser("POST", "/console/session", {"secret": stack.secret("ConsoleSecret")})
    # then
    document = json.loads(answer["body"])
    assert (answer["statusCode"], set(document)) == (200, {"csrf", "expiresAt"})
    hours = (datetime.fromisoformat(document["expiresAt"]) - datetime.now(UTC)).total_seconds() / 3_600
    assert 7.99 < hours < 8.01
    (cookie,) = answer["multiValueHeaders"]["Set-Cookie"]
    assert cookie.split("; ")[1:] == ["Max-Age=28800", "Path=/api/console", "HttpOnly", "SameSite=Strict", "Secure"]
    browser.csrf = document["csrf"]
    assert json.loads(browser("GET", "/console/session")["body"]) == document
    assert browser.status("GET", "/console/admin/users") == 200
    assert browser.status("POST", "/console/admin/keys", {"name": "site", "user": "a@example.com"}) == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [*[(method, f"admin/{path}") for method, path in ROUTES if method != "GET"], ("DELETE", "session")],
)
def test_a_change_by_cookie_needs_the_token(method: str, path: str, browser: Browser, stack: Stack) -> None:
    # given
    browser.sign_in(stack.secret("ConsoleSecret"))
    kept = [row for row in stack.rows("AccountsTable") if row["record"]["S"] in ("user", "key")]
    # when, then
    for token in (None, "", "x" * 64):
        browser.csrf = token
        assert browser.status(method, f"/console/{path}", {"name": "x", "user": "x@example.com"}) == 403
    assert [row for row in stack.rows("AccountsTable") if row["record"]["S"] in ("user", "key")] == kept
    assert browser.status("GET", "/console/session") == 200


def test_who_signs_out_is_out_even_with_the_cookie(browser: Browser, stack: Stack) -> None:
    # given
    browser.sign_in(stack.secret("ConsoleSecret"))
    cookie = browser.cookie
    # when
    answer = browser("DELETE", "/console/session")
    # then
    assert (answer["statusCode"], browser.cookie) == (204, "atelier_console=")
    assert "Max-Age=0" in answer["multiValueHeaders"]["Set-Cookie"][0]
    browser.cookie = cookie
    assert browser.status("GET", "/console/session") == 401
    assert browser.status("GET", "/console/admin/users") == 401


def test_a_new_secret_ends_all_sessions(browser: Browser, lambdas: Lambdas, stack: Stack) -> None:
    # given
    browser.sign_in(stack.secret("ConsoleSecret"))
    # when the secret is rotated, and a cold sandbox asked
    another = "another secret of 32 characters or more"
    aws("secretsmanager").put_secret_value(SecretId=stack.ref("ConsoleSecret"), SecretString=another)
    dependencies.cache_clear()
    # then
    assert browser.status("GET", "/console/session") == 401
    assert browser.sign_in(another) == 200


def test_after_ten_wrong_secrets_the_right_one_has_to_wait(browser: Browser, lambdas: Lambdas, stack: Stack) -> None:
    # given
    secret = stack.secret("ConsoleSecret")
    assert [browser.sign_in("wrong") for _ in range(MAX_FAILURES - 1)] == [401] * 9
    assert browser.sign_in(secret) == 200
    assert browser.sign_in("wrong") == 401
    # when
    answer = browser("POST", "/console/session", {"secret": secret})
    # then
    assert answer["statusCode"] == 429
    assert 800 < int(answer["multiValueHeaders"]["Retry-After"][0]) <= 900
    assert "Set-Cookie" not in answer["multiValueHeaders"]
    assert Browser(lambdas, "198.51.100.7").sign_in(secret) == 200
    # and a Bearer is no way around
    assert Console(lambdas, secret)("GET", "users")[0] == 429


def test_wrong_bearers_are_counted(lambdas: Lambdas, browser: Browser, stack: Stack) -> None:
    secret = stack.secret("ConsoleSecret")
    assert [Console(lambdas, "wrong")("GET", "users")[0] for _ in range(MAX_FAILURES + 1)] == [*[401] * 10, 429]
    assert Console(lambdas, secret)("GET", "users")[0] == 429
    assert browser.sign_in(secret) == 429


@pytest.mark.parametrize("document", [None, [], {}, {"secret": ""}, {"secret": 7}])
def test_a_sign_in_without_a_secret_is_refused_and_not_counted(document: Any, browser: Browser, stack: Stack) -> None:
    assert browser.status("POST", "/console/session", document) == 400
    assert stack.rows("AccountsTable") == []


def test_no_log_line_holds_what_opens_a_session(
    browser: Browser, stack: Stack, logs: Callable[[], list[dict[str, Any]]]
) -> None:
    browser.sign_in("a wrong secret")
    browser.sign_in(stack.secret("ConsoleSecret"))
    browser.status("POST", "/console/admin/keys", {"name": "site", "user": "a@example.com"})
    signature = browser.cookie[-64:]
    browser("DELETE", "/console/session")
    lines = json.dumps(logs())
    for secret in ("a wrong secret", stack.secret("ConsoleSecret"), str(browser.csrf), signature):
        assert secret not in lines
    for said in ("request refused", "signed in", "API key created", "signed out"):
        assert said in lines


def test_no_table_holds_what_opens_a_session(browser: Browser, stack: Stack) -> None:
    browser.sign_in("a wrong secret")
    browser.sign_in(stack.secret("ConsoleSecret"))
    kept = json.dumps(stack.rows("AccountsTable"))
    for secret in ("a wrong secret", stack.secret("ConsoleSecret"), str(browser.csrf), browser.cookie[-64:]):
        assert secret not in kept


def test_sessions_and_attempts_are_forgotten_by_the_table(browser: Browser, stack: Stack) -> None:
    browser.sign_in("a wrong secret")
    browser.sign_in(stack.secret("ConsoleSecret"))
    rows = {row["record"]["S"]: int(row["expires_at"]["N"]) - now_ms() // 1_000 for row in stack.rows("AccountsTable")}
    assert 28_000 < rows["session"] <= 28_801
    assert 800 < rows["attempts"] <= 901


def test_a_session_store_keeps_what_it_is_told(stack: Stack, accounts: Any) -> None:
    # given
    sessions = SessionStore(accounts._table)
    session = begin(NOW)
    assert not sessions.lives(session)
    # when
    sessions.start(session)
    assert sessions.lives(session)
    sessions.end(session, NOW)
    sessions.end(session, NOW + 1)
    sessions.end(begin(NOW), NOW)
    # then
    assert not sessions.lives(session)
    # and
    first, second = SignInAttempts("x", 1, NOW), SignInAttempts("x", 2, NOW, 1)
    sessions.advance(None, first)
    sessions.advance(first, second)
    assert sessions.attempts("x") == second
    for before in (None, first):
        with pytest.raises(ConflictError):
            sessions.advance(before, second)


# ---- Users and keys


def test_a_user_is_made_and_topped_up_and_its_ledger_tells(console: Console) -> None:
    # given
    status, user = console("POST", "users", {"email": "Ann@example.com", "plan": "pro", "credits": 3})
    assert (status, user["email"], user["plan"], user["credits"]) == (201, "ann@example.com", "pro", 3)
    # when
    status, richer = console("POST", f"users/{user['id']}/credits", {"amount": 4, "note": "a gift"})
    # then
    assert (status, richer) == (200, {**user, "credits": 7})
    assert console("GET", "users") == (200, {"data": [richer]})
    _, ledger = console("GET", f"users/{user['id']}/ledger")
    entry = ledger["data"][0]
    assert (entry["kind"], entry["amount"], entry["generationId"], entry["note"]) == ("top-up", 4, None, "a gift")
    assert console("POST", "users", {"email": "ann@example.com"})[0] == 409


def test_a_key_is_made_with_its_limits(console: Console) -> None:
    limits: dict[str, Any] = {
        "scopes": ["read"],
        "requestsPerMinute": 5,
        "models": ["sketch"],
        "expiresAt": "2099-01-01T00:00:00.000Z",
    }
    created = console.key(**limits)
    assert {name: created[name] for name in limits} == limits
    _, listed = console("GET", "keys")
    assert listed == {"data": [{name: value for name, value in created.items() if name != "key"}]}


def test_a_rotated_key_works_and_the_old_until_the_overlap_ends(console: Console, lambdas: Lambdas) -> None:
    # given
    old = console.key(models=["sketch"])
    # when
    status, new = console("POST", f"keys/{old['id']}/rotate", {"overlapSeconds": 60})
    # then
    assert (status, new["models"], new["userId"], new["name"]) == (201, ["sketch"], old["userId"], old["name"])
    for key in (old, new):
        assert lambdas.ask(request("generate", authorization=key["key"], body=SKETCH))[0] == 202
    # and when there is no overlap
    console("POST", f"keys/{new['id']}/rotate", {"overlapSeconds": 0})
    assert lambdas.ask(request("generate", authorization=new["key"], body=SKETCH))[0] == 401


def test_a_revoked_key_is_not_rotated(console: Console) -> None:
    created = console.key()
    console("DELETE", f"keys/{created['id']}")
    assert console("POST", f"keys/{created['id']}/rotate")[0] == 409


# ---- Generations


def finished(lambdas: Lambdas, internet: Internet, key: str) -> str:
    """Make a generation, of which its webhook has been told."""
    internet.hosts[RECEIVER] = accept
    _, accepted = lambdas.ask(request("generate", authorization=key, body=SKETCH))
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")
    return str(accepted["id"])


def test_generations_can_be_chosen_by_model_and_user(console: Console, generations: GenerationStore) -> None:
    # given
    user = console.key(user="ann@example.com")["userId"]
    made = [
        generation(created_at=now_ms() - number * 1_000, user_id=user if number % 2 else "user_1", model=model)
        for number, model in enumerate(["sketch", "sketch", "playground-v2", "playground-v2"])
    ]
    for item in made:
        generations.add(item)
    # when, then
    for query, chosen in (
        ({"model": "sketch"}, made[:2]),
        ({"user": user}, [made[1], made[3]]),
        ({"user": "Ann@example.com", "model": "sketch"}, [made[1]]),
        ({"user": "nobody@example.com"}, []),
        ({"model": "nothing"}, []),
    ):
        _, document = console("GET", "generations", query=query)
        assert [item["id"] for item in document["data"]] == [item.id for item in chosen]
        assert document["pagination"]["nextCursor"] is None


def test_a_filtered_page_is_full_where_there_is_enough(console: Console, generations: GenerationStore) -> None:
    # given one that fits among many that do not
    start = now_ms()
    for number in range(12):
        status = Status.ERROR if number % 4 == 3 else Status.SUCCESS
        generations.add(generation(created_at=start - number, status=status))
    # when
    _, first = console("GET", "generations", query={"status": "error", "limit": "2"})
    cursor = first["pagination"]["nextCursor"]
    _, second = console("GET", "generations", query={"status": "error", "limit": "2", "cursor": cursor})
    # then
    assert (len(first["data"]), len(second["data"]), second["pagination"]["nextCursor"]) == (2, 1, None)


def test_all_that_happened_to_a_generation_is_shown(
    console: Console, lambdas: Lambdas, internet: Internet, key: str
) -> None:
    # given
    made = finished(lambdas, internet, key)
    # when
    status, document = console("GET", f"generations/{made}")
    # then
    assert status == 200
    statuses = [moment["status"] for moment in document["timeline"]]
    assert statuses == ["pending", "processing", "uploading", "success"]
    times = [moment["at"] for moment in document["timeline"]]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (document["createdAt"], document["finishedAt"])
    (turn,) = document["attempts"]
    assert (turn["provider"], turn["model"], turn["error"]) == ("sketch", "sketch", None)
    assert turn["duration"] >= 0
    (picture,) = document["outputs"]
    assert (picture["url"], picture["contentType"]) == (document["output"], "image/png")
    assert (document["webhook"], document["webhookEvents"]) == (json.loads(SKETCH)["webhook"], ["success", "error"])
    assert (document["inputs"], document["cancelledAt"], document["refunded"]) == ([], None, False)
    (delivery,) = document["deliveries"]
    assert (delivery["id"], delivery["event"]) == (f"msg_{made}_success", "success")
    assert (delivery["status"], delivery["nextAttemptAt"]) == ("delivered", None)
    (attempt,) = delivery["attempts"]
    assert (attempt["statusCode"], attempt["reason"], attempt["answer"]) == (204, None, "")
    assert document["announcement"]["id"] == made
    assert document["announcement"]["userId"] == document["userId"]


def test_a_webhook_is_told_again_with_the_same_message(
    console: Console, lambdas: Lambdas, internet: Internet, key: str
) -> None:
    # given
    made = finished(lambdas, internet, key)
    # when
    status, document = console("POST", f"generations/{made}/redeliver")
    lambdas.drain("deliver")
    # then
    assert (status, [delivery["status"] for delivery in document["data"]]) == (202, ["pending"])
    first, second = internet.to(RECEIVER)
    assert second.content == first.content
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    _, shown = console("GET", f"generations/{made}")
    assert [attempt["statusCode"] for attempt in shown["deliveries"][0]["attempts"]] == [204, 204]
    assert shown["deliveries"][0]["status"] == "delivered"


def test_a_webhook_is_told_again_of_one_event(
    console: Console, generations: GenerationStore, table: RecordTable
) -> None:
    # given a webhook that is told of everything
    timeline = tuple(Moment(status, NOW) for status in (Status.PROCESSING, Status.UPLOADING, Status.SUCCESS))
    done = generation(
        status=Status.SUCCESS, timeline=timeline, finished_at=NOW, webhook=f"https://{RECEIVER}/hook",
        webhook_events=tuple(Status),
    )  # fmt: skip
    generations.add(done)
    # when
    _, one = console("POST", f"generations/{done.id}/redeliver", {"event": "processing"})
    _, known = DeliveryStore(table).find(done.id)
    _, every = console("POST", f"generations/{done.id}/redeliver")
    # then
    assert [delivery["event"] for delivery in one["data"]] == ["processing"]
    assert set(known) == {Status.PROCESSING}
    assert [delivery["event"] for delivery in every["data"]] == ["pending", "processing", "uploading", "success"]
    for name, status in (("error", 409), ("never", 400)):
        assert console("POST", f"generations/{done.id}/redeliver", {"event": name})[0] == status


def test_without_a_webhook_nothing_is_told(console: Console, generations: GenerationStore) -> None:
    done = generation(status=Status.SUCCESS, webhook=None)
    pending = generation(webhook="https://client.example/hook")
    for item in (done, pending):
        generations.add(item)
        assert console("POST", f"generations/{item.id}/redeliver")[0] == 409


def test_a_delivery_that_never_was_is_made(
    console: Console, generations: GenerationStore, table: RecordTable, lambdas: Lambdas
) -> None:
    done = generation(status=Status.SUCCESS, webhook=f"https://{RECEIVER}/hook", finished_at=NOW)
    generations.add(done)
    assert console("POST", f"generations/{done.id}/redeliver")[0] == 202
    _, deliveries = DeliveryStore(table).find(done.id)
    delivery = deliveries[Status.SUCCESS]
    assert delivery.status is DeliveryStatus.PENDING
    assert json.loads(delivery.body)["id"] == done.id
    assert lambdas.waiting("DeliveryQueue") == [{"id": done.id}]


def test_a_pending_generation_is_cancelled_and_never_made(
    console: Console, lambdas: Lambdas, key: str, generations: GenerationStore
) -> None:
    # given
    _, accepted = lambdas.ask(request("generate", authorization=key, body=SKETCH))
    # when
    status, document = console("POST", f"generations/{accepted['id']}/cancel")
    lambdas.make()
    # then
    assert (status, document["status"], document["error"]) == (200, "error", "cancelled")
    assert generations.get(accepted["id"]).provider is None
    assert len(lambdas.stream()) == 1
    assert console("POST", f"generations/{accepted['id']}/cancel")[0] == 200


def test_what_a_provider_works_on_is_cancelled_there(
    console: Console, lambdas: Lambdas, key: str, generations: GenerationStore
) -> None:
    # given
    never = json.dumps({"model": "sketch", "input": {"prompt": "test:never a boat"}})
    _, accepted = lambdas.ask(request("generate", authorization=key, body=never, headers={"Prefer": "respond-async"}))
    lambdas.make()
    # when
    status, document = console("POST", f"generations/{accepted['id']}/cancel")
    _, shown = console("GET", f"generations/{accepted['id']}")
    lambdas.drain("ingest")
    # then
    assert (status, document["status"]) == (200, "processing")
    assert shown["cancelledAt"] is not None
    _, ended = console("GET", f"generations/{accepted['id']}")
    assert (ended["status"], ended["error"]) == ("error", "cancelled")
    assert [(turn["provider"], turn["error"]) for turn in ended["attempts"]] == [("sketch", "cancelled")]


def test_why_something_is_not_cancelled_is_told(console: Console, generations: GenerationStore) -> None:
    for one, reason in (
        (generation(status=Status.PROCESSING, provider="openai"), "openai cannot stop"),
        (generation(status=Status.PROCESSING, provider="sketch"), "try again in a moment"),
        (generation(status=Status.UPLOADING), "stored already"),
        (generation(status=Status.SUCCESS), "over already"),
    ):
        generations.add(one)
        status, document = console("POST", f"generations/{one.id}/cancel")
        assert status == 409
        assert reason in document["message"]


def test_a_cancelled_generation_costs_nothing(console: Console, generations: GenerationStore) -> None:
    # given
    _, user = console("POST", "users", {"email": "ann@example.com", "credits": 10})
    one = generation(user_id=user["id"], cost=3)
    generations.add(one)
    # when
    for _ in range(2):
        console("POST", f"generations/{one.id}/cancel")
    # then
    assert console("GET", "users")[1]["data"][0]["credits"] == 13
    _, ledger = console("GET", f"users/{user['id']}/ledger")
    assert [(entry["kind"], entry["amount"]) for entry in ledger["data"] if entry["generationId"] == one.id] == [
        ("refund", 3)
    ]


def test_a_deleted_generation_leaves_nothing(
    console: Console, lambdas: Lambdas, internet: Internet, key: str, stack: Stack
) -> None:
    # given two, one of which is deleted
    kept, gone = finished(lambdas, internet, key), finished(lambdas, internet, key)
    bucket = stack.ref("FilesBucket")
    # when
    answer = lambdas.invoke(
        "console",
        request(
            "console",
            method="DELETE",
            path=f"/console/admin/generations/{gone}",
            authorization=stack.secret("ConsoleSecret"),
            body="",
        ),
    )
    # then
    assert answer["statusCode"] == 204
    assert answer["body"] == ""
    left = {row["id"]["S"] for row in stack.rows("GenerationsTable") if row["record"]["S"] != "upstream"}
    assert left == {kept}
    names = [item["Key"] for item in aws("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert len(names) == 2
    assert all(name.startswith(f"outputs/{kept}/") for name in names)
    assert console("DELETE", f"generations/{gone}")[0] == 404


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.UPLOADING])
def test_what_is_on_its_way_is_not_deleted(status: Status, console: Console, generations: GenerationStore) -> None:
    one = generation(status=status)
    generations.add(one)
    assert console("DELETE", f"generations/{one.id}")[0] == 409
    assert generations.get(one.id) == one


def test_an_eraser_leaves_what_is_not_finished(stack: Stack, generations: GenerationStore) -> None:
    eraser = TableEraser(aws("dynamodb"), stack.ref("GenerationsTable"))
    one = generation()
    generations.add(one)
    with pytest.raises(ConflictError):
        eraser.erase(one.id)
    assert generations.get(one.id) == one
    eraser.erase(new_id(NOW))


def test_the_overview_counts_the_last_days(console: Console, generations: GenerationStore, stack: Stack) -> None:
    # given
    now = now_ms()
    for outcome in ("success", "success", "no luck", "cancelled", None):
        pending = generation(created_at=now, cost=3 if outcome == "success" else 0)
        generations.add(pending)
        if outcome == "success":
            generations.advance(pending, replace(pending, status=Status.SUCCESS, finished_at=now + 2_000))
        elif outcome:
            generations.advance(pending, pending.failed(outcome, now))
    for queue in ("Dispatch", "Ingest", "Notify", "Delivery"):
        aws("sqs").send_message(QueueUrl=stack.ref(f"{queue}DeadLetterQueue"), MessageBody="x")
    # when
    status, document = console("GET", "overview", query={"days": "2"})
    # then
    assert status == 200
    today = datetime.fromtimestamp(now / 1_000, UTC).date().isoformat()
    assert document["days"][1] == {"date": today, "success": 2, "error": 1, "cancelled": 1}
    assert document["days"][0] | {"date": ""} == {"date": "", "success": 0, "error": 0, "cancelled": 0}
    assert document["successRate"] == pytest.approx(2 / 3)
    assert (document["averageSeconds"], document["creditsSpent"]) == (2, 6)
    assert (document["inProgress"], document["deadLetters"]) == (1, 4)
    assert len(console("GET", "overview")[1]["days"]) == 14


def test_a_deleted_user_has_no_name_and_no_key_that_works(
    console: Console, lambdas: Lambdas, internet: Internet
) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    created = console.key(user="leaves@example.com")
    user_id = created["userId"]
    made = lambdas.ask(request("generate", authorization=created["key"], body=SKETCH))[1]["id"]
    # when
    answers = [console("DELETE", f"users/{user_id}") for _ in range(2)]
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")
    # then
    assert len(internet.to(RECEIVER)) == 1
    assert answers == [(200, {"id": user_id, "deleted": True})] * 2
    assert lambdas.ask(request("generate", method="GET", path="/account", authorization=created["key"]))[0] == 401
    assert console("GET", f"users/{user_id}")[0] == console("PATCH", f"users/{user_id}", {"name": "x"})[0] == 404
    assert [user["id"] for user in console("GET", "users")[1]["data"]] == []
    assert "leaves@example.com" not in json.dumps(console("GET", "keys")[1])
    assert console("GET", f"generations/{made}")[1]["status"] == "success"
    assert console("GET", f"users/{user_id}/webhook-secret")[0] == 200  # for deliveries on their way
    assert console.key(user="leaves@example.com")["userId"] != user_id
    assert console("DELETE", "users/user_0000000000000000")[0] == 404


def test_keys_and_users_are_edited_and_disabled(console: Console, lambdas: Lambdas, stack: Stack) -> None:
    # given
    created = console.key()
    ours, theirs = f"keys/{created['id']}", f"users/{created['userId']}"

    def account() -> int:
        return lambdas.ask(request("generate", method="GET", path="/account", authorization=created["key"]))[0]

    # when
    changed = console("PATCH", ours, {"name": "shop", "scopes": ["read"], "budgetPerDay": 5, "models": ["sketch"]})[1]
    ends = console("PATCH", ours, {"expiresAt": "2126-01-31T00:00:00Z"})[1]
    expiring = aws("dynamodb").get_item(
        TableName=stack.ref("AccountsTable"), Key={"id": {"S": created["id"]}, "record": {"S": "key"}}
    )["Item"]
    cleared = console("PATCH", ours, {"models": None, "budgetPerDay": None, "expiresAt": None})[1]
    user = console("PATCH", theirs, {"name": "Ann", "budgetPerMonth": 50})[1]
    # then
    assert [changed[name] for name in ("name", "scopes", "budgetPerDay", "models")] == ["shop", ["read"], 5, ["sketch"]]
    assert ends["expiresAt"] == "2126-01-31T00:00:00.000Z", ends
    assert "expires_at" not in expiring  # the table would delete the record then
    assert (cleared["models"], cleared["budgetPerDay"], cleared["scopes"]) == (None, None, ["read"])
    assert cleared["expiresAt"] is None
    assert (user["name"], user["budgetPerMonth"]) == ("Ann", 50)
    for path in (ours, theirs):
        assert console("PATCH", path, {"disabled": True})[1]["disabledAt"]
        assert account() == 401
        assert console("PATCH", path, {"disabled": False})[1]["disabledAt"] is None
        assert account() == 200
    assert console("PATCH", ours, {"scopes": None, "requestsPerMinute": 0, "color": "red"})[1]["errors"]


def test_a_nearly_spent_budget_is_announced_and_a_spent_refuses(
    console: Console, lambdas: Lambdas, studio: Studio, stack: Stack
) -> None:
    # given a subscriber to the topic, and a key that may spend 5 credits a day
    queue = aws("sqs").create_queue(QueueName="warnings")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws("sns").subscribe(
        TopicArn=stack.ref("GenerationsTopic"), Protocol="sqs", Endpoint=arn,
        Attributes={"FilterPolicy": '{"event": ["budget.warning"]}'},
    )  # fmt: skip
    created = console.key(budgetPerDay=5)
    ask = request(
        "generate", authorization=created["key"], body='{"model": "playground-v2", "input": {"prompt": "a boat"}}'
    )
    # when a request costs 4
    statuses = [lambdas.ask(ask)[0], lambdas.ask(ask)[0]]
    for _ in range(2):
        lambdas.invoke("reconcile", event("reconcile"))
    # then
    assert statuses == [202, 402]
    messages = aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    (warning,) = [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
    assert warning | {"id": "", "period": ""} == {
        "event": "budget.warning", "id": "", "owner": "key", "ownerId": created["id"], "period": "", "spent": 4,
        "limit": 5,
    }  # fmt: skip
    shown = console("GET", f"keys/{created['id']}")[1]
    assert (shown["spentToday"], shown["spentThisMonth"]) == (4, 4)


def test_deliveries_of_all_generations_are_listed(console: Console, lambdas: Lambdas, internet: Internet) -> None:
    # given
    owner = console.key(user="ann@example.com")
    made = [finished(lambdas, internet, key) for key in (owner["key"], console.key(user="bob@example.com")["key"])]

    def listed(**query: str) -> list[str]:
        status, document = console("GET", "deliveries", query=query)
        assert status == 200, document
        return [one["generationId"] for one in document["data"]]

    # when, then
    for query, found in (
        ({}, [made[1], made[0]]),
        ({"user": "ann@example.com"}, [made[0]]),
        ({"event": "success", "status": "delivered"}, [made[1], made[0]]),
        ({"event": "error"}, []),
        ({"status": "dead"}, []),
        ({"cursor": made[1]}, [made[0]]),
    ):
        assert listed(**query) == found, query
    assert console("GET", "deliveries", query={"event": "x", "status": "y"})[0] == 400


def test_generations_are_searched_by_prompt_id_and_dates(console: Console, generations: GenerationStore) -> None:
    # given
    now = now_ms()
    prompts = ("A Red boat", "a fox", "the red fox")
    made = [
        generation(created_at=now - number * DAY, payload={"prompt": prompt}) for number, prompt in enumerate(prompts)
    ]
    for item in made:
        generations.add(item)
    today = datetime.fromtimestamp((now - 1_000) / 1_000, UTC).isoformat()
    # when, then
    for query, found in (
        ({"q": "red"}, [made[0], made[2]]),
        ({"q": made[1].id[:14]}, [made[1]]),
        ({"from": today}, [made[0]]),
        ({"to": today}, [made[1], made[2]]),
        ({"q": "RED", "to": today}, [made[2]]),
        ({"q": "nothing"}, []),
    ):
        status, document = console("GET", "generations", query=query)
        assert status == 200, document
        assert [one["id"] for one in document["data"]] == [one.id for one in found], query
    assert console("GET", "generations", query={"from": "soon"})[0] == 400


def test_the_console_does_what_it_may_and_no_more(
    console: Console, browser: Browser, lambdas: Lambdas, internet: Internet, key: str, stack: Stack
) -> None:
    # given each route used once
    browser.sign_in(stack.secret("ConsoleSecret"))
    browser("DELETE", "/console/session")
    user = console("POST", "users", {"email": "a@example.com", "credits": 1})[1]
    console("DELETE", f"users/{console('POST', 'users', {'email': 'b@example.com'})[1]['id']}")
    console("POST", f"users/{user['id']}/credits", {"amount": 1})
    created = console.key()
    made = finished(lambdas, internet, key)
    for method, path in (
        ("GET", "users"), ("GET", f"users/{user['id']}/ledger"), ("GET", f"users/{user['id']}/webhook-secret"),
        ("POST", f"users/{user['id']}/webhook-secret/rotate"),
        ("GET", "keys"), ("POST", f"keys/{created['id']}/rotate"), ("DELETE", f"keys/{created['id']}"),
        ("GET", "generations"), ("GET", f"generations/{made}"), ("POST", f"generations/{made}/redeliver"),
        ("GET", "overview"), ("GET", "usage"), ("GET", "deliveries"),
        ("GET", f"users/{user['id']}"), ("GET", f"keys/{created['id']}"),
    ):  # fmt: skip
        assert console(method, path)[0] < 300, path
    lambdas.invoke("console", request("console", method="DELETE", path=f"/console/admin/generations/{made}",
                                      authorization=stack.secret("ConsoleSecret"), body=""))  # fmt: skip
    # then
    rights = {"ListObjectsV2": "ListBucket", "DeleteObjects": "DeleteObject", "TransactWriteItems": "UpdateItem"}
    used = {
        f"{service}:{rights.get(operation, operation)}"
        for service, _, operation in (call.partition(":") for call in lambdas.operations["console"])
    }
    assert used <= stack.allowed_actions("ConsoleFunction")


def test_the_base_of_the_cookie_is_the_apis_own(browser: Browser, stack: Stack) -> None:
    answer = browser("POST", "/console/session", {"secret": stack.secret("ConsoleSecret")})
    assert BASE.endswith("/api")
    assert "Path=/api/console;" in answer["multiValueHeaders"]["Set-Cookie"][0]


# ---- Providers -------------------------------------------------------------------------------------------------------


def keys_of(stack: Stack) -> dict[str, str]:
    """Read the secret."""
    keys: dict[str, str] = json.loads(stack.secret("ProviderKeysSecret"))
    return keys


def test_the_providers_are_listed_without_their_keys(console: Console, stack: Stack) -> None:
    # given
    console("POST", "providers/replicate", {"key": "r8_secret"})
    # when
    status, document = console("GET", "providers")
    # then
    found = {one["name"]: one for one in document["data"]}
    assert status == 200
    assert "r8_secret" not in json.dumps(document)
    assert {name for name, one in found.items() if one["set"]} == {"replicate"}
    assert (found["fal"]["needsKey"], found["fal"]["set"]) == (True, False)
    assert found["sketch"] == {
        "name": "sketch", "needsKey": False, "set": None, "configured": True, "models": ["sketch", "playground-v2"],
        "breaker": "closed", "probeAt": None, "lastError": None, "lastErrorAt": None, "endings": [],
        "testable": False, "parameter": None,
    }  # fmt: skip
    assert {name for name, one in found.items() if one["testable"]} == {"replicate"}
    assert {name: one["parameter"] for name, one in found.items() if one["parameter"]} == {
        "bedrock": "BedrockModelArns", "automatic1111": "ProviderUrls", "comfyui": "ProviderUrls",
    }  # fmt: skip
    assert {name for name, one in found.items() if one["configured"]} == {"sketch", "replicate"}
    assert {"flux-dev", "nano-banana"} <= set(found["replicate"]["models"])


def test_a_key_is_set_replaced_and_unset_and_the_others_stay(
    console: Console, stack: Stack, logs: Callable[[], list[dict[str, Any]]]
) -> None:
    # when
    status, document = console("POST", "providers/replicate", {"key": " r8_first\n"})
    console("POST", "providers/fal", {"key": "fal-key"})
    console("POST", "providers/replicate", {"key": "r8_second"})
    between = keys_of(stack)
    unset = console("DELETE", "providers/fal")
    # then
    assert (status, document["name"], document["set"]) == (200, "replicate", True)
    assert between == {"replicate": "r8_second", "fal": "fal-key"}
    assert (unset[0], unset[1]["set"]) == (200, False)
    assert keys_of(stack) == {"replicate": "r8_second"}
    assert console("DELETE", "providers/fal")[0] == 200
    assert not [line for line in logs() if "r8_" in json.dumps(line) or "fal-key" in json.dumps(line)]


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("replicate", {}, 400),
        ("replicate", {"key": ""}, 400),
        ("replicate", {"key": "  "}, 400),
        ("replicate", {"key": "two words"}, 400),
        ("replicate", {"key": "line\r\nX-Header: 1"}, 400),
        ("replicate", {"key": "schlüssel"}, 400),
        ("replicate", {"key": "x" * 4_097}, 400),
        ("replicate", {"key": ["k"]}, 400),
        ("replicate", {"key": "k", "more": 1}, 400),
        ("midjourney", {"key": "k"}, 404),
        ("sketch", {"key": "k"}, 404),
        ("bedrock", {"key": "k"}, 404),
    ],
)
def test_what_is_no_key_of_a_provider_changes_nothing(
    console: Console, stack: Stack, name: str, body: dict[str, Any], status: int
) -> None:
    assert console("POST", f"providers/{name}", body)[0] == status
    assert keys_of(stack) == {}


def versions(stack: Stack) -> dict[str, dict[str, str]]:
    """Read the secret's versions of less than the keys."""
    arn = stack.ref("ProviderKeysSecret")
    return {
        stage: json.loads(aws("secretsmanager").get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"])
        for stage in (NAMES, CALLBACKS)
    }


def test_functions_that_need_less_than_the_keys_get_less(console: Console, lambdas: Lambdas, stack: Stack) -> None:
    # given functions that may read one version each, as the template says
    asked: list[tuple[str, str]] = []

    def hear(params: dict[str, Any], **_: Any) -> None:
        asked.append((params["SecretId"], params.get("VersionStage", "AWSCURRENT")))

    events = clients.client("secretsmanager", brief=True).meta.events
    events.register("provide-client-params.secretsmanager.GetSecretValue", hear, unique_id="hear")
    # when
    console("POST", "providers/replicate", {"key": "r8_key"})
    console("POST", "providers/fal", {"key": "fal-key"})
    try:
        found = lambdas.ask(request("generate", method="GET", path="/models", body=""))[1]["data"]
    finally:
        events.unregister("provide-client-params.secretsmanager.GetSecretValue", unique_id="hear")
    # then
    assert versions(stack) == {NAMES: {"fal": "set", "replicate": "set"}, CALLBACKS: {"replicate": "r8_key"}}
    assert {one["slug"] for one in found if one["available"]} >= {"flux-dev", "sketch"}
    assert asked == [(stack.ref("ProviderKeysSecret"), NAMES)]
    console("DELETE", "providers/replicate")
    assert versions(stack) == {NAMES: {"fal": "set"}, CALLBACKS: {}}
    assert keys_of(stack) == {"fal": "fal-key"}


def test_keys_set_in_the_secret_count_once_they_are_listed(console: Console, stack: Stack) -> None:
    arn = stack.ref("ProviderKeysSecret")
    aws("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps({"replicate": "r8_key"}))
    assert console("GET", "providers")[0] == 200
    assert versions(stack) == {NAMES: {"replicate": "set"}, CALLBACKS: {"replicate": "r8_key"}}

    def known() -> set[str]:
        return {one["VersionId"] for one in aws("secretsmanager").list_secret_version_ids(SecretId=arn)["Versions"]}

    before = known()
    console("GET", "providers")
    assert known() == before


def test_of_two_who_publish_the_later_keys_win(stack: Stack) -> None:
    arn, client = stack.ref("ProviderKeysSecret"), aws("secretsmanager")
    theirs = ProviderKeysEditor(client, arn, for_callbacks=())
    late = ProviderKeysEditor(Interrupted(client, lambda: theirs.put("theirs", "key"), 1), arn, for_callbacks=())  # type: ignore[arg-type]
    late.publish()
    assert versions(stack)[NAMES] == {"theirs": "set"}


def test_a_provider_says_what_went_wrong_there_last(console: Console, table: RecordTable) -> None:
    # given
    breakers, upstream = CircuitBreakerTable(table), Upstream("provider:replicate", 1, 60_000)
    for _ in range(FAILURES_TO_OPEN):
        slot = breakers.acquire(upstream, NOW, [])
        breakers.release(Release(slot, Health.FAILING, NOW, error="The provider replicate is busy."), [])
    # when
    found = {one["name"]: one for one in console("GET", "providers")[1]["data"]}
    # then
    replicate = found["replicate"]
    assert (replicate["breaker"], replicate["lastError"]) == ("open", "The provider replicate is busy.")
    assert replicate["lastErrorAt"] < replicate["probeAt"]
    assert (found["fal"]["breaker"], found["fal"]["lastError"]) == ("closed", None)


def test_a_providers_breaker_is_open_where_all_its_records_are(
    console: Console, stack: Stack, table: RecordTable
) -> None:
    # given a catalog with 50 slots for a provider, which are three records
    text = EMBEDDED.read_text(encoding="utf-8")
    aws("s3").create_bucket(Bucket="owners-bucket")
    catalog = text.replace("replicate = { concurrency = 20 }", "replicate = { concurrency = 50 }")
    assert catalog != text
    aws("s3").put_object(Bucket="owners-bucket", Key="catalog.toml", Body=catalog.encode())
    stack.change("CatalogObject", "owners-bucket/catalog.toml")
    breakers, upstream = CircuitBreakerTable(table), Upstream("provider:replicate", 50, 60_000)

    def known() -> tuple[str, str]:
        document = {one["name"]: one for one in console("GET", "providers")[1]["data"]}["replicate"]
        return document["breaker"], document["lastError"]

    # when one record after the other is open
    states = []
    for number in (0, 20, 40):
        for _ in range(FAILURES_TO_OPEN):
            error = f"The slot {number} failed."
            release = Release(Slot(upstream, number, NOW), Health.FAILING, NOW + number, error=error)
            breakers.release(release, [])
        states.append(known())
    # then
    failed = [f"The slot {number} failed." for number in (0, 20, 40)]
    assert states == list(zip(("closed", "closed", "open"), failed, strict=True))
    # and also in the answer to a new key
    assert console("POST", "providers/replicate", {"key": "r8_key"})[1]["breaker"] == "open"


def test_a_provider_is_tested_by_a_free_call(console: Console, studio: Studio, internet: Internet) -> None:
    # when
    good = console("POST", "providers/artificial-studio/test")
    studio.key = "another"
    bad = console("POST", "providers/artificial-studio/test")
    unset = console("POST", "providers/fal/test")
    # then
    assert good == (200, {"name": "artificial-studio", "accepted": True, "message": None})
    assert (bad[1]["accepted"], "(401)" in bad[1]["message"]) == (False, True)
    assert (unset[0], "set one first" in unset[1]["message"]) == (409, True)
    assert {(one.method, one.url.path) for one in internet.to("api.artificialstudio.ai")} == {("GET", "/api/account")}
    assert console("POST", "providers/sketch/test")[0] == 404


def test_bedrock_is_tested_without_invoking_a_model(console: Console, stack: Stack) -> None:
    # given
    model = "stability.stable-image-core-v1:1"
    asked: list[tuple[str, str]] = []

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        asked.append((params["method"], unquote(params["url_path"])))
        authorized = "AUTHORIZED" if len(asked) == 1 else "NOT_AUTHORIZED"
        available = {"entitlementAvailability": "AVAILABLE", "regionAvailability": "AVAILABLE"}
        agreed = {"agreementAvailability": {"status": "AVAILABLE"}}
        return SimpleNamespace(status_code=200), {"authorizationStatus": authorized, **available, **agreed}

    none = console("POST", "providers/bedrock/test")
    stack.change("BedrockModelArns", f"arn:aws:bedrock:us-east-1::foundation-model/{model}")
    dependencies.cache_clear()
    bedrock: Any = clients.client("bedrock", brief=True)
    bedrock.meta.events.register_first("before-call.bedrock", answer)
    # when
    try:
        good, bad = console("POST", "providers/bedrock/test"), console("POST", "providers/bedrock/test")
        listed = {one["name"]: one for one in console("GET", "providers")[1]["data"]}
    finally:
        bedrock.meta.events.unregister("before-call.bedrock", answer)
    # then
    assert (none[0], none[1]["accepted"], "BedrockModelArns" in none[1]["message"]) == (200, False, True)
    assert good == (200, {"name": "bedrock", "accepted": True, "message": None})
    assert (bad[1]["accepted"], "authorizationStatus is NOT_AUTHORIZED" in bad[1]["message"]) == (False, True)
    assert asked == [("GET", f"/foundation-model-availability/{model}")] * 2
    assert (listed["bedrock"]["testable"], listed["bedrock"]["set"]) == (True, None)


class Interrupted:
    """A client of Secrets Manager between whose reads and writes somebody else writes, the first few times."""

    def __init__(self, client: Any, write: Callable[[], None], times: int) -> None:
        self._client = client
        self._write = write
        self._times = times
        self.exceptions = client.exceptions

    def get_secret_value(self, **arguments: Any) -> Any:
        read = self._client.get_secret_value(**arguments)
        if self._times:
            self._times -= 1
            self._write()
        return read

    def put_secret_value(self, **arguments: Any) -> Any:
        return self._client.put_secret_value(**arguments)


@pytest.mark.parametrize("times", [1, 3])
def test_two_owners_who_set_keys_at_once_lose_none(stack: Stack, times: int) -> None:
    arn, client, other = stack.ref("ProviderKeysSecret"), aws("secretsmanager"), iter(range(99))
    theirs = ProviderKeysEditor(client, arn, for_callbacks=())

    def write() -> None:
        theirs.put(f"theirs-{next(other)}", "key")

    ProviderKeysEditor(Interrupted(client, write, times), arn, for_callbacks=()).put("ours", "key")  # type: ignore[arg-type]

    assert keys_of(stack) == {"ours": "key", **{f"theirs-{number}": "key" for number in range(times)}}


def test_who_is_always_too_late_is_told_to_try_again(stack: Stack) -> None:
    arn, client, other = stack.ref("ProviderKeysSecret"), aws("secretsmanager"), iter(range(99))
    theirs = ProviderKeysEditor(client, arn, for_callbacks=())
    late = Interrupted(client, lambda: theirs.put(f"theirs-{next(other)}", "key"), 99)
    with pytest.raises(UnavailableError, match="somebody else"):
        ProviderKeysEditor(late, arn, for_callbacks=()).put("ours", "key")  # type: ignore[arg-type]


def test_generations_name_their_user_and_key(console: Console, generations: GenerationStore) -> None:
    # given one of a user, and one of a user who is gone
    key = console.key(user="ann@example.com")
    kept = generation(created_at=now_ms(), user_id=key["userId"], key_id=key["id"])
    orphan = generation(created_at=now_ms() - 1_000, user_id="user_gone", key_id="gone")
    for one in (kept, orphan):
        generations.add(one)
    # when
    _, listed = console("GET", "generations")
    detail, orphaned = (console("GET", f"generations/{one.id}")[1] for one in (kept, orphan))
    # then
    emails = {one["id"]: one["userEmail"] for one in listed["data"]}
    assert emails == {kept.id: "ann@example.com", orphan.id: None}
    assert (detail["userEmail"], detail["keyName"]) == ("ann@example.com", key["name"])
    assert (orphaned["userEmail"], orphaned["keyName"]) == (None, None)
