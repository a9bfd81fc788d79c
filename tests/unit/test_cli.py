"""The `atelier` command, with httpx.MockTransport as the stack and botocore's Stubber as AWS."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING

import boto3
import httpx
import pytest
from botocore.stub import Stubber
from rich.cells import cell_len
from rich.console import Console
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from atelier.catalog.model import EMBEDDED, embedded
from atelier_cli import inline_images, screen
from atelier_cli.app import GENERATION_COLUMNS, app
from atelier_cli.listener import Listener
from atelier_cli.session import Session
from atelier_cli.stack import Aws
from atelier_client import verify_webhook
from tests.cases import each
from tools.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

API = "http://127.0.0.1:4566/_aws/execute-api/abc/api"
ADMIN = f"{API}/console/admin"
FILE = "https://files.example/gen_1?signature=s"

SECRET = {
    "version": 2,
    "secret": "whsec_new",
    "retired": [{"version": 1, "secret": "whsec_old", "signsUntil": "2025-01-02T00:00:00Z"}],
}
KEY = {
    "id": "key_1",
    "name": "laptop",
    "prefix": "atl_ab",
    "userId": "user_1",
    "userEmail": "ann@example.com",
    "test": False,
    "scopes": ["generate", "read"],
    "requestsPerMinute": None,
    "models": None,
    "createdAt": "2025-01-02T03:04:05Z",
    "expiresAt": None,
    "lastUsedAt": None,
    "revokedAt": None,
    "disabledAt": None,
    "userDisabledAt": None,
    "budgetPerDay": None,
    "budgetPerMonth": None,
}
USER = {
    "id": "user_1",
    "email": "ann@example.com",
    "name": "Ann",
    "plan": "standard",
    "credits": 40,
    "budgetPerDay": None,
    "budgetPerMonth": None,
    "disabledAt": None,
    "createdAt": "2025-01-01T00:00:00Z",
}
ENTRY = {
    "id": "entry_1",
    "kind": "top-up",
    "amount": 40,
    "generationId": None,
    "note": "welcome",
    "createdAt": "2025-01-01T00:00:00Z",
}
GENERATION = {
    "id": "gen_1",
    "status": "success",
    "model": "sketch",
    "tool": "create-image",
    "type": "image",
    "userId": "user_1",
    "payload": {"prompt": "a fox"},
    "output": FILE,
    "outputs": [{"url": FILE, "contentType": "image/png", "size": 7, "width": 64, "height": 48}],
    "error": None,
    "provider": "sketch",
    "cost": 3,
    "createdAt": "2025-01-02T03:04:05Z",
    "finishedAt": "2025-01-02T03:04:15Z",
}
DELIVERY = {
    "id": "msg_gen_1_success",
    "event": "success",
    "url": "https://client.example/hook",
    "status": "pending",
    "reason": None,
    "attempts": [
        {
            "at": "2025-01-02T03:04:16.789Z",
            "duration": 12,
            "statusCode": 503,
            "reason": "The receiver answered 503.",
            "answer": "busy, " * 20,
        }
    ],
    "nextAttemptAt": "2025-01-02T03:04:21Z",
}
PICTURES = [
    {"url": f"{FILE}?{number}", "contentType": "image/png", "size": 4321, "width": 64, "height": 48}
    for number in range(2)
]
DETAIL = {
    **GENERATION,
    "refunded": False,
    "cancelledAt": None,
    "webhook": "https://client.example/hook",
    "webhookEvents": ["success", "error"],
    "outputs": PICTURES,
    "inputs": [{"url": f"{FILE}?in", "contentType": "image/jpeg", "size": 1234, "width": 32, "height": 24}],
    "attempts": [
        {
            "provider": "replicate",
            "model": "black-forest-labs/flux-dev",
            "at": "2025-01-02T03:04:06.789Z",
            "duration": 250,
            "error": "The provider is busy.",
        },
        {
            "provider": "fal",
            "model": "fal-ai/flux/dev",
            "at": "2025-01-02T03:04:07.789Z",
            "duration": None,
            "error": None,
        },
    ],
    "timeline": [
        {"status": "pending", "at": "2025-01-02T03:04:05.678Z"},
        {"status": "processing", "at": "2025-01-02T03:04:06.789Z"},
    ],
    "deliveries": [DELIVERY],
}
OVERVIEW = {
    "days": [{"date": "2025-01-02", "success": 3, "error": 1, "cancelled": 2}],
    "successRate": 0.75,
    "averageSeconds": 1.5,
    "creditsSpent": 12,
    "inProgress": 4,
    "deadLetters": 7,
}
UPLOADED = {"id": "f", "url": f"{API}/files/fox", "mimetype": "image/png", "size": 3}
HOSTILE = "[bold]x[/bold][/nope]\x1b[31m\x9b2J\u202egnp\r\n\x07y"
HARMLESS = "[bold]x[/bold][/nope][31m2Jgnp  y"


@dataclass
class FakeStack:
    """Answers each method and URL in turn, repeating the last answer, and keeps the requests."""

    answers: dict[tuple[str, str], list[httpx.Response | Exception]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def on(self, method: str, url: str, *answers: object) -> None:
        self.answers[method, url] = [
            answer if isinstance(answer, httpx.Response | Exception) else httpx.Response(200, json=answer)
            for answer in answers
        ]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answers = self.answers.get((request.method, str(request.url)))
        if not answers:
            return httpx.Response(404, json={"message": "Not found"})
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def first_body(self) -> object:
        return json.loads(self.requests[0].content)


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now: float = 0
    slept: list[float] = field(default_factory=list)
    interrupted: bool = False

    def sleep(self, seconds: float) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Cli:
    """Runs the command with these arguments, input and environment."""

    session: Session

    def __call__(self, *args: str, input: str = "", **env: str | None) -> Result:
        unset = dict.fromkeys(("ATELIER_STACK", "ATELIER_API_KEY", "ATELIER_ADMIN_SECRET"))
        return CliRunner().invoke(app, args, obj=self.session, input=input, env={**unset, "COLUMNS": "200", **env})


@pytest.fixture(autouse=True)
def each_command_measures_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the width that the environment had when the screen was imported, which pytest-xdist sets."""
    monkeypatch.setattr(screen._out, "_width", None)


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime()


@pytest.fixture
def local_stack(tmp_path: Path) -> Path:
    path = tmp_path / ".local" / "stack.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"api": API, "admin_secret": "s3cret", "api_key": "atl_key"}))
    return path


@pytest.fixture
def cli(stack: FakeStack, clock: FakeTime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    return Cli(Session(transport=httpx.MockTransport(stack), sleep=clock.sleep, clock=lambda: clock.now))


def assert_fails(result: Result, *words: str, code: int = 1) -> None:
    """The command says one line on stderr and nothing else, without a traceback."""
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


# Keys


@pytest.mark.usefixtures("local_stack")
def test_a_new_key_is_shown_once(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/keys", httpx.Response(201, json={**KEY, "key": "atl_ab_whole"}))

    result = cli("keys", "create", "laptop", "--user", "ann@example.com", "--test")

    assert result.exit_code == 0
    assert result.stdout.count("atl_ab_whole") == 1
    for shown in ("key_1", "atl_ab", "ann@example.com", "never", "shown once; save it"):
        assert shown in result.stdout
    assert stack.first_body() == {"name": "laptop", "user": "ann@example.com", "test": True}
    assert stack.requests[0].headers["Authorization"] == "Bearer s3cret"


@pytest.mark.usefixtures("local_stack")
def test_keys_are_listed(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/keys", {"data": [KEY, {**KEY, "id": "key_2", "revokedAt": "2025-02-01"}]})

    result = cli("keys", "list")

    assert result.exit_code == 0
    for shown in ("key_1", "laptop", "ann@example.com", "key_2", "2025-02-01"):
        assert shown in result.stdout
    assert "None" not in result.stdout


@pytest.mark.usefixtures("local_stack")
def test_ids_stay_whole_in_a_narrow_terminal(cli: Cli, stack: FakeStack) -> None:
    long_id = "key_01JGZ8XW3T5Y7V9B1C3D5F7H9K"
    stack.on("GET", f"{ADMIN}/keys", {"data": [{**KEY, "id": long_id}]})

    assert long_id in cli("keys", "list", COLUMNS="80").stdout


@pytest.mark.usefixtures("local_stack")
def test_nothing_is_cut_in_a_pipe(cli: Cli, stack: FakeStack) -> None:
    name = "a name of fifty letters, which a pipe has room for"
    key = {**KEY, "name": name, "lastUsedAt": "2026-11-26T13:38:00Z"}
    stack.on("GET", f"{ADMIN}/keys", {"data": [key]})

    shown = cli("keys", "list", COLUMNS="80").stdout

    assert name in shown
    assert "2026-11-26 13:38\n" in shown


@pytest.mark.usefixtures("local_stack")
def test_a_key_is_revoked_after_a_question(cli: Cli, stack: FakeStack) -> None:
    stack.on("DELETE", f"{ADMIN}/keys/key_1", {**KEY, "revokedAt": "2025-02-01"})

    assert cli("keys", "revoke", "key_1", input="n\n").exit_code == 1
    assert stack.requests == []

    assert "Revoked key key_1" in cli("keys", "revoke", "key_1", input="y\n").stdout
    assert cli("keys", "revoke", "key_1", "--yes").exit_code == 0
    assert [request.method for request in stack.requests] == ["DELETE", "DELETE"]


@pytest.mark.usefixtures("local_stack")
def test_an_id_cannot_choose_another_route(cli: Cli, stack: FakeStack) -> None:
    cli("keys", "revoke", "../users?x=1", "--yes")

    assert stack.requests[0].url.raw_path.endswith(b"/console/admin/keys/..%2Fusers%3Fx%3D1")


@pytest.mark.usefixtures("local_stack")
def test_a_key_can_be_held_back(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/keys", httpx.Response(201, json={**KEY, "key": "atl_ab_whole"}))
    options = ("--scope", "read", "--limit", "60", "--model", "sketch", "--model", "other", "--expires", "2027-01-31")

    assert cli("keys", "create", "laptop", "--user", "ann@example.com", *options).exit_code == 0

    assert stack.first_body() == {
        "name": "laptop",
        "user": "ann@example.com",
        "test": False,
        "scopes": ["read"],
        "requestsPerMinute": 60,
        "models": ["sketch", "other"],
        "expiresAt": "2027-01-31",
    }


@pytest.mark.usefixtures("local_stack")
def test_a_key_is_rotated_and_the_new_one_shown_once(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/keys/key_1/rotate", httpx.Response(201, json={**KEY, "id": "key_2", "key": "atl_cd"}))

    result = cli("keys", "rotate", "key_1", "--overlap", "60")

    assert result.stdout.count("atl_cd") == 1
    assert stack.first_body() == {"overlapSeconds": 60}


# Users and webhooks


@pytest.mark.usefixtures("local_stack")
def test_a_user_is_made(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/users", httpx.Response(201, json=USER))

    result = cli("users", "create", "ann@example.com", "--name", "Ann", "--plan", "pro", "--credits", "0")

    for shown in ("user_1", "ann@example.com", "standard", "40"):
        assert shown in result.stdout
    assert stack.first_body() == {"email": "ann@example.com", "name": "Ann", "plan": "pro", "credits": 0}


@pytest.mark.usefixtures("local_stack")
def test_a_user_is_unmetered_unless_credits_are_given(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/users", httpx.Response(201, json={**USER, "credits": None}))

    assert cli("users", "create", "ann@example.com").exit_code == 0
    assert stack.first_body() == {"email": "ann@example.com"}


@pytest.mark.usefixtures("local_stack")
def test_an_address_that_is_taken_is_one_line(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/users", httpx.Response(409, json={"message": "There is such a user already."}))

    assert_fails(cli("users", "create", "ann@example.com"), "There is such a user already.", "409")


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize("answer", ["n\n", "y\n"])
def test_counting_begins_only_with_consent(cli: Cli, stack: FakeStack, answer: str) -> None:
    stack.on("GET", f"{ADMIN}/users", {"data": [{**USER, "credits": None}]})
    stack.on("POST", f"{ADMIN}/users/user_1/credits", {**USER, "credits": 5})

    result = cli("users", "top-up", "user_1", "5", input=answer)

    assert "unlimited" in result.stderr
    assert [request.method for request in stack.requests] == ["GET", "POST"][: 1 + (answer == "y\n")]
    assert cli("users", "top-up", "user_1", "5", "--yes").stdout == "ann@example.com has 5 credits.\n"
    assert "unlimited" in cli("users", "list").stdout


@pytest.mark.usefixtures("local_stack")
def test_credits_are_topped_up_by_email(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/users", {"data": [USER]})
    stack.on("POST", f"{ADMIN}/users/user_1/credits", {**USER, "credits": 45})

    result = cli("users", "top-up", "ann@example.com", "5", "--note", "a gift")

    assert result.stdout == "ann@example.com has 45 credits.\n"
    assert json.loads(stack.requests[1].content) == {"amount": 5, "note": "a gift"}


@pytest.mark.usefixtures("local_stack")
def test_a_ledger_is_listed(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/users/user_1/ledger", {"data": [ENTRY]})

    result = cli("users", "ledger", "user_1")

    for shown in ("2025-01-01", "top-up", "40", "welcome"):
        assert shown in result.stdout


@pytest.mark.usefixtures("local_stack")
def test_users_are_listed(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/users", {"data": [USER]})

    result = cli("users", "list")

    for shown in ("user_1", "ann@example.com", "Ann", "2025-01-01"):
        assert shown in result.stdout


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize("user", ["user_1", "ann@example.com", "Ann@Example.com"])
def test_a_webhook_secret_is_found_by_id_or_email(cli: Cli, stack: FakeStack, user: str) -> None:
    stack.on("GET", f"{ADMIN}/users", {"data": [USER]})
    stack.on("GET", f"{ADMIN}/users/user_1/webhook-secret", SECRET)

    assert cli("webhooks", "secret", "--user", user).stdout == "whsec_new\n"
    assert json.loads(cli("webhooks", "secret", "--user", user, "--json").stdout) == SECRET


@pytest.mark.usefixtures("local_stack")
def test_a_webhook_secret_is_rotated_and_the_old_ones_end_shown(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/users", {"data": [USER]})
    stack.on("POST", f"{ADMIN}/users/user_1/webhook-secret/rotate", SECRET)

    result = cli("webhooks", "rotate", "--user", "ann@example.com")

    first, *others = result.stdout.splitlines()
    assert first == "whsec_new"
    assert "2025-01-02T00:00:00Z" in others[-1]
    assert "whsec_old" in others[-1]
    assert json.loads(cli("webhooks", "rotate", "--user", "user_1", "--json").stdout) == SECRET


@pytest.mark.usefixtures("local_stack")
def test_a_rotation_that_has_to_wait_says_so(cli: Cli, stack: FakeStack) -> None:
    refusal = httpx.Response(409, json={"message": "The 4 secrets before this one still sign."})
    stack.on("POST", f"{ADMIN}/users/user_1/webhook-secret/rotate", refusal)

    assert_fails(cli("webhooks", "rotate", "--user", "user_1"), "still sign")


@pytest.mark.usefixtures("local_stack")
def test_an_unknown_email_has_no_webhook_secret(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/users", {"data": [USER]})

    assert_fails(cli("webhooks", "secret", "--user", "bob@example.com"), "bob@example.com", "users list")


# Providers and catalogs

PROVIDER = {
    "name": "replicate",
    "needsKey": True,
    "set": True,
    "configured": True,
    "models": ["flux-dev", "sdxl"],
    "breaker": "closed",
    "lastError": None,
    "lastErrorAt": None,
}
PROVIDER_KEY = "r8_very_secret"
TESTED = {"name": "replicate", "accepted": True, "message": None}


@pytest.mark.usefixtures("local_stack")
def test_providers_are_listed_with_whether_they_have_a_key(cli: Cli, stack: FakeStack) -> None:
    others = [
        {**PROVIDER, "name": "fal", "set": False, "configured": False, "lastError": "busy"},
        {**PROVIDER, "name": "sketch", "needsKey": False, "set": None, "breaker": "open"},
    ]
    stack.on("GET", f"{ADMIN}/providers", {"data": [PROVIDER, *others]})

    result = cli("providers", "list")

    assert [line.split() for line in result.stdout.splitlines()] == [
        ["provider", "state", "key", "last", "error", "models"],
        ["replicate", "configured", "set", "flux-dev,", "sdxl"],
        ["fal", "not", "configured", "not", "set", "busy", "flux-dev,", "sdxl"],
        ["sketch", "paused", "not", "needed", "flux-dev,", "sdxl"],
    ]
    assert json.loads(cli("providers", "list", "--json").stdout)[0] == PROVIDER


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize("piped", [PROVIDER_KEY, f"{PROVIDER_KEY}\n", f"  {PROVIDER_KEY}\r\n"])
def test_a_providers_key_is_read_from_stdin_and_never_shown(cli: Cli, stack: FakeStack, piped: str) -> None:
    stack.on("POST", f"{ADMIN}/providers/replicate", PROVIDER)
    stack.on("POST", f"{ADMIN}/providers/replicate/test", TESTED)

    result = cli("providers", "set", "replicate", input=piped)

    assert result.exit_code == 0
    assert stack.first_body() == {"key": PROVIDER_KEY}
    assert "The key of replicate is set" in result.stdout
    assert PROVIDER_KEY not in result.output


@pytest.mark.usefixtures("local_stack")
def test_a_wrong_key_is_found_when_it_is_set_or_tested(cli: Cli, stack: FakeStack) -> None:
    refused = {"name": "replicate", "accepted": False, "message": "Replicate refuses this key (401)."}
    stack.on("POST", f"{ADMIN}/providers/replicate", PROVIDER)
    stack.on("POST", f"{ADMIN}/providers/replicate/test", refused, refused, TESTED, TESTED)

    result = cli("providers", "set", "replicate", input=PROVIDER_KEY)

    assert (result.exit_code, "is set" in result.stdout) == (1, True)
    assert "Replicate refuses this key (401)." in result.stderr
    assert_fails(cli("providers", "test", "replicate"), "Replicate refuses this key (401).")
    assert cli("providers", "test", "replicate").stdout == "replicate accepts this stack.\n"
    assert json.loads(cli("providers", "test", "replicate", "--json").stdout) == TESTED


@pytest.mark.usefixtures("local_stack")
def test_a_providers_key_is_no_argument(cli: Cli, stack: FakeStack) -> None:
    assert cli("providers", "set", "replicate", PROVIDER_KEY).exit_code == 2
    assert stack.requests == []


@pytest.mark.usefixtures("local_stack")
def test_a_key_that_the_stack_refuses_is_one_line(cli: Cli, stack: FakeStack) -> None:
    faults = [{"field": "key", "message": "Must be a key.", "code": "invalid"}]
    stack.on("POST", f"{ADMIN}/providers/fal", httpx.Response(400, json={"message": "Not valid", "errors": faults}))

    assert_fails(cli("providers", "set", "fal", input=""), "key: Must be a key", "400")


@pytest.mark.usefixtures("local_stack")
def test_a_providers_key_is_unset_after_a_question(cli: Cli, stack: FakeStack) -> None:
    stack.on("DELETE", f"{ADMIN}/providers/replicate", {**PROVIDER, "set": False})

    assert cli("providers", "unset", "replicate", input="n\n").exit_code == 1
    assert stack.requests == []

    assert "The key of replicate is unset" in cli("providers", "unset", "replicate", input="y\n").stdout
    assert cli("providers", "unset", "replicate", "--yes").exit_code == 0


@pytest.mark.parametrize(("days", "said"), [(61, None), (60, "Warning: nano-banana"), (-1, "ended on")])
def test_a_catalog_with_models_that_end_is_told(cli: Cli, tmp_path: Path, days: int, said: str | None) -> None:
    path, day = tmp_path / "catalog.toml", datetime.now(UTC).date() + timedelta(days=days)
    path.write_text(EMBEDDED.read_text(encoding="utf-8").replace("ends = 2027-03-15", f"ends = {day}"))

    result = cli("catalog", "check", str(path))

    assert result.exit_code == (1 if days < 0 else 0)
    assert (said or "is good") in result.stdout + result.stderr
    assert ("Warning" in result.stdout) == (days == 60)


def test_the_catalog_that_ships_is_good(cli: Cli) -> None:
    result = cli("catalog", "check", str(EMBEDDED))

    assert result.exit_code == 0
    providers = {route.provider for model in embedded().models.values() for route in model.routes}
    assert len(providers) > 11
    assert f"is good: {len(embedded().models)} models, {len(providers)} providers." in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cost = 4", "", "playground-v2: 'cost' is missing"),
        ('num_outputs = "num_images"', 'outputs = "num_images"', "flux-schnell at replicate: it takes no outputs"),
        ("[tools", "\udcff", "utf-8"),
        ("[tools", "[[[", "cannot be read"),
    ],
)
def test_a_catalog_that_is_not_good_is_one_line(cli: Cli, tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(EMBEDDED.read_text(encoding="utf-8").replace(old, new), errors="surrogateescape")

    assert_fails(cli("catalog", "check", str(path)), str(path), words)


# Generations


@pytest.mark.usefixtures("local_stack")
def test_generations_are_listed_with_short_prompts(cli: Cli, stack: FakeStack) -> None:
    prompt = "a fox " * 50
    stack.on(
        "GET",
        f"{ADMIN}/generations?limit=5&status=error",
        {"data": [{**GENERATION, "payload": {"prompt": prompt}}, {**GENERATION, "payload": {}}]},
    )

    result = cli("generations", "list", "--limit", "5", "--status", "error")

    for shown in ("gen_1", "2025-01-02", "success", "sketch", prompt[:49] + "…"):
        assert shown in result.stdout


@pytest.mark.usefixtures("local_stack")
def test_generations_are_chosen_by_model_and_user(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/generations?limit=20&model=sketch&user=ann%40example.com", {"data": [GENERATION]})

    assert "gen_1" in cli("generations", "list", "--model", "sketch", "--user", "ann@example.com").stdout


@pytest.mark.usefixtures("local_stack")
def test_a_generation_is_cancelled(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/generations/gen_1/cancel", {**GENERATION, "status": "error"})

    assert cli("generations", "cancel", "gen_1").stdout == "Cancelled generation gen_1.\n"


@pytest.mark.usefixtures("local_stack")
def test_a_provider_is_asked_to_stop(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/generations/gen_1/cancel", {**GENERATION, "status": "processing"})

    said = cli("generations", "cancel", "gen_1").stdout

    assert said == "Generation gen_1 is being cancelled: sketch is asked to stop.\n"


@pytest.mark.usefixtures("local_stack")
def test_a_generation_is_deleted_after_a_question(cli: Cli, stack: FakeStack) -> None:
    stack.on("DELETE", f"{ADMIN}/generations/gen_1", httpx.Response(204))

    assert cli("generations", "delete", "gen_1", input="n\n").exit_code == 1
    assert stack.requests == []

    assert "Deleted generation gen_1" in cli("generations", "delete", "gen_1", input="y\n").stdout
    assert cli("generations", "delete", "gen_1", "-y").stdout == "Deleted generation gen_1.\n"


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize("command", [["cancel"], ["redeliver"], ["delete", "-y"]])
def test_what_is_not_possible_is_one_line(cli: Cli, stack: FakeStack, command: list[str]) -> None:
    refusal = httpx.Response(409, json={"message": "The generation is processing."})
    stack.on("POST", f"{ADMIN}/generations/gen_1/{command[0]}", refusal)
    stack.on("DELETE", f"{ADMIN}/generations/gen_1", refusal)

    assert_fails(cli("generations", *command, "gen_1"), "The generation is processing.", "409")


@pytest.mark.usefixtures("local_stack")
def test_a_webhook_is_told_again(cli: Cli, stack: FakeStack) -> None:
    told = {"data": [{**DELIVERY, "id": "msg_gen_1_pending"}, DELIVERY]}
    stack.on("POST", f"{ADMIN}/generations/gen_1/redeliver", httpx.Response(202, json=told))

    result = cli("generations", "redeliver", "gen_1")

    assert result.stdout.splitlines() == [
        f"Delivery msg_gen_1_{event} to https://client.example/hook begins anew." for event in ("pending", "success")
    ]
    assert stack.requests[0].content == b""


@pytest.mark.usefixtures("local_stack")
def test_a_webhook_is_told_again_of_one_event(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{ADMIN}/generations/gen_1/redeliver", httpx.Response(202, json={"data": [DELIVERY]}))

    assert cli("generations", "redeliver", "gen_1", "--event", "success").exit_code == 0
    assert stack.first_body() == {"event": "success"}

    assert cli("generations", "redeliver", "gen_1", "--event", "done").exit_code == 2


@pytest.mark.usefixtures("local_stack")
def test_the_overview_is_shown(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/overview?days=7", OVERVIEW)

    result = cli("overview", "--days", "7")

    for shown in ("2025-01-02", "3", "0.75", "1.5", "12", "7"):
        assert shown in result.stdout


@pytest.mark.usefixtures("local_stack")
def test_one_generation_is_shown(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/generations/gen_1", DETAIL)

    result = cli("generations", "show", "gen_1")

    for shown in (
        "gen_1", "success", "create-image", "image", "a fox", FILE, "05.678Z", "06.789Z", "16.789Z", "503",
        "replicate", "fal-ai/flux/dev", "The provider is busy.", "250", f"{FILE}?1", "4321", f"{FILE}?in", "image/jpeg",
        "The receiver answered 503.", "busy, busy",
    ):  # fmt: skip
        assert shown in result.stdout


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize(
    ("args", "route", "answer", "printed"),
    [
        (["keys", "create", "n", "--user", "u@x"], "POST /keys", {**KEY, "key": "k"}, {**KEY, "key": "k"}),
        (["keys", "list"], "GET /keys", {"data": [KEY]}, [KEY]),
        (["users", "list"], "GET /users", {"data": [USER]}, [USER]),
        (["generations", "list"], "GET /generations?limit=20", {"data": [GENERATION]}, [GENERATION]),
        (["generations", "show", "gen_1"], "GET /generations/gen_1", DETAIL, DETAIL),
        (["keys", "rotate", "key_1"], "POST /keys/key_1/rotate", {**KEY, "key": "k"}, {**KEY, "key": "k"}),
        (["users", "create", "u@x"], "POST /users", USER, USER),
        (["users", "top-up", "user_1", "5"], "POST /users/user_1/credits", USER, USER),
        (["users", "ledger", "user_1"], "GET /users/user_1/ledger", {"data": [ENTRY]}, [ENTRY]),
        (["generations", "cancel", "gen_1"], "POST /generations/gen_1/cancel", GENERATION, GENERATION),
        (
            ["generations", "redeliver", "gen_1"],
            "POST /generations/gen_1/redeliver",
            {"data": [DELIVERY]},
            [DELIVERY],
        ),
        (["overview"], "GET /overview?days=14", OVERVIEW, OVERVIEW),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, list) and isinstance(value[0], str) else "",
)
def test_scripts_get_plain_json(
    cli: Cli, stack: FakeStack, args: list[str], route: str, answer: object, printed: object
) -> None:
    method, path = route.split(" ")
    stack.on(method, ADMIN + path, answer)
    if "top-up" in args:
        stack.on("GET", f"{ADMIN}/users", {"data": [USER]})

    result = cli(*args, "--json")

    assert json.loads(result.stdout) == printed
    assert result.stderr == ""


# Generate


def will_generate(stack: FakeStack, *states: httpx.Response | Exception | Mapping[str, object]) -> None:
    stack.on("POST", f"{API}/generate", httpx.Response(202, json={"id": "gen_1", "status": "pending"}))
    stack.on(
        "GET",
        f"{API}/generations/gen_1",
        *({**GENERATION, **state} if isinstance(state, Mapping) else state for state in states),
    )
    stack.on("GET", FILE, httpx.Response(200, content=b"picture", headers={"Content-Type": "image/png"}))


@pytest.mark.usefixtures("local_stack")
def test_a_picture_is_generated_and_written(cli: Cli, stack: FakeStack, clock: FakeTime, tmp_path: Path) -> None:
    will_generate(stack, {"status": "pending"}, {"status": "processing"}, {"status": "uploading"}, {})

    result = cli("generate", "a fox", "--width", "64", "--seed", "0", "--negative-prompt", "dogs")

    assert result.exit_code == 0, result.output
    assert result.stdout == "gen_1.png\n"
    assert (tmp_path / "gen_1.png").read_bytes() == b"picture"
    assert stack.first_body() == {
        "model": "sketch",
        "input": {"prompt": "a fox", "width": 64, "seed": 0, "negative_prompt": "dogs"},
    }
    assert stack.requests[0].headers["Prefer"] == "respond-async"
    assert stack.requests[0].headers["Authorization"] == "atl_key"
    assert clock.slept == [0.5, 0.75, 1.125]


@pytest.mark.usefixtures("local_stack")
def test_several_pictures_from_others(cli: Cli, stack: FakeStack, tmp_path: Path) -> None:
    (tmp_path / "fox.png").write_bytes(b"fox")
    will_generate(stack, {"outputs": PICTURES})
    for number in range(2):
        stack.on("GET", f"{FILE}?{number}", httpx.Response(200, content=b"%d" % number))
    stack.on(
        "POST",
        f"{API}/files?transient=true",
        httpx.Response(201, json=UPLOADED),
    )

    result = cli("generate", "a fox", "--number", "2", "--image", "fox.png", "--image", "https://a/b", "--out", "x.png")

    assert result.stdout == "x.png\nx-2.png\n"
    assert [(tmp_path / name).read_bytes() for name in ("x.png", "x-2.png")] == [b"0", b"1"]
    uploaded, asked, *_ = stack.requests
    assert uploaded.content == b"fox"
    images = [f"{API}/files/fox", "https://a/b"]
    assert json.loads(asked.content)["input"] == {"prompt": "a fox", "image_urls": images, "num_images": 2}


@pytest.mark.usefixtures("local_stack")
def test_a_tool_needs_no_words_and_takes_a_mask(cli: Cli, stack: FakeStack, tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"mask")
    will_generate(stack, {"outputs": PICTURES[:1]})
    stack.on("GET", f"{FILE}?0", httpx.Response(200, content=b"0"))
    stack.on("POST", f"{API}/files?transient=true", httpx.Response(201, json=UPLOADED))

    cli("generate", "", "--model", "erase", "--image", "https://a/b", "--mask", "mask.png", "--out", "x.png")

    uploaded, asked, *_ = stack.requests
    assert uploaded.content == b"mask"
    assert json.loads(asked.content) == {
        "model": "erase",
        "input": {"image_urls": ["https://a/b"], "mask_url": f"{API}/files/fox"},
    }


@pytest.mark.usefixtures("local_stack")
def test_a_missing_picture_is_noticed_before_anything_is_paid(cli: Cli, stack: FakeStack) -> None:
    assert cli("generate", "a fox", "--image", "nowhere.png").exit_code == 2
    assert cli("generate", "a fox", "--image", "https://a/b", "--mask", "nowhere.png").exit_code == 2
    assert stack.requests == []


@pytest.mark.usefixtures("local_stack")
def test_the_models_are_listed(cli: Cli, stack: FakeStack) -> None:
    model = {"slug": "flux-dev", "name": "FLUX.1 dev", "available": False, "cost": 3}
    stack.on("GET", f"{API}/models", {"data": [model]})

    assert cli("models").stdout.splitlines()[1].split() == ["flux-dev", "FLUX.1", "dev", "3", "no"]
    assert json.loads(cli("models", "--json").stdout) == [model]


@pytest.mark.usefixtures("local_stack")
def test_the_key_is_not_sent_to_the_files(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, {})
    stack.on("GET", FILE, httpx.Response(302, headers={"Location": "https://cdn.example/f"}))
    stack.on("GET", "https://cdn.example/f", httpx.Response(200, content=b"p"))

    assert cli("generate", "a fox").exit_code == 0

    hosts = {request.url.host: "Authorization" in request.headers for request in stack.requests}
    assert hosts == {"127.0.0.1": True, "files.example": False, "cdn.example": False}


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("image/jpeg", "gen_1.jpg"),
        ("image/webp; charset=binary", "gen_1.webp"),
        ("no/such", "gen_1.png"),
        ("", "gen_1.png"),
    ],
)
def test_the_file_is_named_by_its_type(cli: Cli, stack: FakeStack, kind: str, name: str) -> None:
    will_generate(stack, {})
    stack.on("GET", FILE, httpx.Response(200, content=b"p", headers={"Content-Type": kind}))

    assert cli("generate", "a fox").stdout == f"{name}\n"


@pytest.mark.usefixtures("local_stack")
def test_the_user_may_name_the_file(cli: Cli, stack: FakeStack, tmp_path: Path) -> None:
    will_generate(stack, {})

    assert cli("generate", "a fox", "--out", "my  fox.webp").stdout == "my  fox.webp\n"
    assert (tmp_path / "my  fox.webp").read_bytes() == b"picture"


@pytest.mark.usefixtures("local_stack")
def test_a_missing_folder_is_noticed_before_anything_is_paid(cli: Cli, stack: FakeStack) -> None:
    assert cli("generate", "a fox", "--out", "nowhere/fox.png").exit_code == 2
    assert stack.requests == []


@pytest.mark.usefixtures("local_stack")
def test_an_unwritable_file_is_one_line(cli: Cli, stack: FakeStack, tmp_path: Path) -> None:
    will_generate(stack, {})
    (tmp_path / "gen_1.png").mkdir()

    assert_fails(cli("generate", "a fox"), "cannot write gen_1.png", "atelier generations show gen_1")


@pytest.mark.usefixtures("local_stack")
def test_an_id_cannot_choose_the_folder(cli: Cli, stack: FakeStack, tmp_path: Path) -> None:
    will_generate(stack, {"id": "../../gen_1"})

    assert cli("generate", "a fox").stdout == "______gen_1.png\n"
    assert (tmp_path / "______gen_1.png").is_file()


@pytest.mark.usefixtures("local_stack")
def test_a_failed_generation_is_an_error(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, {"status": "error", "output": None, "error": "the provider refused"})

    assert_fails(cli("generate", "a fox"), "the provider refused")


@pytest.mark.usefixtures("local_stack")
def test_polling_outlasts_a_short_outage(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, httpx.Response(503), httpx.ReadTimeout("slow"), httpx.Response(429), {})

    assert cli("generate", "a fox").exit_code == 0


@pytest.mark.usefixtures("local_stack")
def test_polling_slows_down_and_gives_up(cli: Cli, stack: FakeStack, clock: FakeTime) -> None:
    will_generate(stack, {"status": "processing"})

    result = cli("generate", "a fox", "--timeout", "60")

    assert_fails(result, "not ended after 60 s", "`atelier generations show gen_1`")
    assert max(clock.slept) == 3
    assert clock.now <= 60


@pytest.mark.usefixtures("local_stack")
def test_ctrl_c_says_how_to_look_again(cli: Cli, stack: FakeStack, clock: FakeTime) -> None:
    will_generate(stack, {"status": "processing"})
    clock.interrupted = True

    result = cli("--stack", API, "generate", "a fox", ATELIER_API_KEY="k")

    assert_fails(result, "gen_1", f"`atelier --stack {API} generations show gen_1`", code=130)


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(403), "HTTP 403"),
        (httpx.ConnectError("no route"), "ConnectError"),
        (httpx.UnsupportedProtocol("ftp"), "ftp"),
    ],
    ids=["status", "network", "scheme"],
)
def test_a_failed_download_is_one_line(
    cli: Cli, stack: FakeStack, answer: httpx.Response | Exception, words: str
) -> None:
    will_generate(stack, {})
    stack.on("GET", FILE, answer)

    assert_fails(cli("generate", "a fox"), "Cannot download", words, "gen_1")


@pytest.mark.usefixtures("local_stack")
def test_a_generation_can_be_left_to_itself(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, {})

    assert cli("generate", "a fox", "--no-wait", "--webhook", "https://me.example/hook").stdout == "gen_1\n"
    assert json.loads(stack.requests[0].content)["webhook"] == "https://me.example/hook"
    assert json.loads(cli("generate", "a fox", "--no-wait", "--json").stdout)["status"] == "pending"
    assert {request.method for request in stack.requests} == {"POST"}


@pytest.mark.usefixtures("local_stack")
def test_scripts_get_the_generation_and_its_files(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, {})

    assert json.loads(cli("generate", "a fox", "--json").stdout) == {**GENERATION, "files": ["gen_1.png"]}


@pytest.mark.usefixtures("local_stack")
def test_a_picture_can_go_to_stdout(cli: Cli, stack: FakeStack, tmp_path: Path) -> None:
    will_generate(stack, {})

    assert cli("generate", "a fox", "--out", "-").stdout_bytes == b"picture"
    assert not list(tmp_path.glob("*.png"))
    for other in (["--json"], ["--open"], ["--no-wait"], ["--number", "2"]):
        assert cli("generate", "a fox", "--out", "-", *other).exit_code == 2


@pytest.mark.usefixtures("local_stack")
def test_the_prompt_or_a_picture_can_come_from_stdin(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, {})
    stack.on("POST", f"{API}/files?transient=true", httpx.Response(201, json=UPLOADED))

    assert cli("generate", "-", input=" a fox\nin the snow\n").exit_code == 0
    assert json.loads(stack.requests[0].content)["input"] == {"prompt": "a fox\nin the snow"}

    stack.requests.clear()
    assert cli("generate", "a fox", "--image", "-", input="PNG").exit_code == 0
    assert stack.requests[0].content == b"PNG"
    assert json.loads(stack.requests[1].content)["input"]["image_urls"] == [UPLOADED["url"]]

    assert cli("generate", "-", "--image", "-", input="PNG").exit_code == 2


@pytest.mark.usefixtures("local_stack")
def test_any_input_can_be_given(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, {})
    options = ["steps=30", "style=vivid", 'tags=["a","b"]', "empty=", "equation=a=b"]

    assert cli("generate", "a fox", *(it for option in options for it in ("--input", option))).exit_code == 0

    body = json.loads(stack.requests[0].content)["input"]
    assert body == {
        "prompt": "a fox", "steps": 30, "style": "vivid", "tags": ["a", "b"], "empty": "", "equation": "a=b",
    }  # fmt: skip
    assert cli("generate", "a fox", "--input", "steps").exit_code == 2
    assert cli("generate", "a fox", "--input", "=30").exit_code == 2


@pytest.mark.usefixtures("local_stack")
def test_a_picture_can_be_opened(cli: Cli, stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    will_generate(stack, {})

    cli("generate", "a fox", "--open")

    assert opened == ["gen_1.png"]


@pytest.mark.usefixtures("local_stack")
def test_a_missing_provider_is_no_reason_to_try_again(cli: Cli, stack: FakeStack) -> None:
    message = "No provider of flux-dev is set up; the operator can: atelier providers set replicate."
    stack.on("POST", f"{API}/generate", httpx.Response(503, json={"message": message}))

    result = cli("generate", "a fox", "--model", "flux-dev")

    assert_fails(result, message, "HTTP 503")
    assert "try again" not in result.stderr


def test_models_need_no_key(cli: Cli, stack: FakeStack) -> None:
    model = {"slug": "sketch", "name": "Sketch", "cost": 0, "available": True}
    stack.on("GET", f"{API}/models", {"data": [model]})

    result = cli("--stack", API, "models")

    assert "sketch" in result.stdout
    assert "Authorization" not in stack.requests[0].headers
    assert json.loads(cli("--stack", API, "models", "--json").stdout) == [model]


# Lists

PAGES = [
    {
        "data": [
            {
                **GENERATION,
                "id": f"gen_{day}",
                "createdAt": f"2025-01-{day:02}T12:00:00.000Z",
                "payload": {"prompt": prompt},
            }
            for day, prompt in days
        ],
        "pagination": {"limit": 100, "nextCursor": cursor},
    }
    for days, cursor in (([(9, "a fox"), (8, "a boat")], "gen_8"), ([(7, "the Fox"), (5, "a cat")], None))
]


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize(
    ("options", "query", "ids"),
    [
        (["--search", "fox"], "limit=20&q=fox", ["gen_9", "gen_8", "gen_7", "gen_5"]),
        (["--since", "2025-01-07"], "limit=20&from=2025-01-07T00%3A00%3A00", ["gen_9", "gen_8", "gen_7", "gen_5"]),
        (
            ["--until", "2025-01-09T14:00:00+02:00"],
            "limit=20&to=2025-01-09T12%3A00%3A00",
            ["gen_9", "gen_8", "gen_7", "gen_5"],
        ),
        (["--limit", "1"], "limit=1", ["gen_9"]),
    ],
)
def test_the_stack_finds_generations_over_pages(
    cli: Cli, stack: FakeStack, options: list[str], query: str, ids: list[str]
) -> None:
    stack.on("GET", f"{ADMIN}/generations?{query}", PAGES[0])
    stack.on("GET", f"{ADMIN}/generations?{query}&cursor=gen_8", PAGES[1])

    result = cli("generations", "list", "--json", *options)

    assert [record["id"] for record in json.loads(result.stdout)] == ids
    assert ("--cursor gen_9" in result.stderr) is ("--limit" in options)


@pytest.mark.usefixtures("local_stack")
def test_a_list_goes_on_after_a_cursor(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/generations?limit=20&cursor=gen_8", PAGES[1])

    assert "gen_7" in cli("generations", "list", "--cursor", "gen_8").stdout
    assert cli("generations", "list", "--since", "soon").exit_code == 2


@pytest.mark.usefixtures("local_stack")
def test_the_state_of_a_key_is_shown(cli: Cli, stack: FakeStack) -> None:
    ends = (
        {"expiresAt": "2999-01-31T00:00:00Z"},
        {"expiresAt": "2025-01-31T00:00:00Z"},
        {"revokedAt": "2025-02-01T00:00:00Z"},
        {"disabledAt": "2025-02-01T00:00:00Z"},
        {"userDisabledAt": "2025-02-01T00:00:00Z"},
    )
    stack.on("GET", f"{ADMIN}/keys", {"data": [KEY, *({**KEY, **end, "name": "other"} for end in ends)]})

    shown = cli("keys", "list").stdout

    for state in (
        "active",
        "expires 2999-01-31",
        "expired 2025-01-31",
        "revoked 2025-02-01",
        " disabled",
        "user disabled",
    ):
        assert state in shown
    stack.on("GET", f"{ADMIN}/keys?q=LAP", {"data": [KEY, {**KEY, "id": "key_2", "name": "other"}]})
    assert cli("keys", "list", "--search", "LAP").stdout.count("key_") == 1  # a release before this one finds all


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize(("kind", "record"), [("keys", KEY), ("users", USER)])
def test_lists_go_on_to_their_last_page(kind: str, record: Mapping[str, object], cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/{kind}", {"data": [record], "pagination": {"nextCursor": "5-a"}})
    stack.on("GET", f"{ADMIN}/{kind}?cursor=5-a", {"data": [{**record, "id": "the_last"}]})
    assert "the_last" in cli(kind, "list").stdout


@pytest.mark.usefixtures("local_stack")
def test_a_key_is_edited(cli: Cli, stack: FakeStack) -> None:
    stack.on("PATCH", f"{ADMIN}/keys/key_1", {**KEY, "name": "shop", "budgetPerDay": 7})

    shown = cli(
        *("keys", "edit", "key_1", "--name", "shop", "--budget-per-day", "7", "--scope", "read"),
        *("--clear", "expires", "--clear", "models", "--disable"),
    ).stdout

    assert stack.first_body() == {
        "name": "shop", "budgetPerDay": 7, "scopes": ["read"], "expiresAt": None, "models": None, "disabled": True,
    }  # fmt: skip
    assert "shop" in shown
    assert cli("keys", "edit", "key_1").exit_code == 2
    assert cli("keys", "edit", "key_1", "--clear", "name").exit_code == 2


@pytest.mark.usefixtures("local_stack")
def test_a_user_is_edited_disabled_and_deleted(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", f"{ADMIN}/users", {"data": [USER]})
    stack.on("PATCH", f"{ADMIN}/users/user_1", {**USER, "plan": "studio"})
    stack.on("DELETE", f"{ADMIN}/users/user_1", {"id": "user_1", "deleted": True})

    assert "studio" in cli("users", "edit", "ann@example.com", "--plan", "studio", "--clear", "budget-per-day").stdout
    assert json.loads(stack.requests[1].content) == {"plan": "studio", "budgetPerDay": None}
    assert "are refused" in cli("users", "disable", "user_1").stdout
    assert "work again" in cli("users", "disable", "user_1", "--undo").stdout
    assert [json.loads(request.content) for request in stack.requests[2:]] == [{"disabled": True}, {"disabled": False}]

    assert cli("users", "delete", "user_1", input="n\n").exit_code == 1
    assert "DELETE" not in [request.method for request in stack.requests]
    assert "Deleted user ann@example.com" in cli("users", "delete", "user_1", input="y\n").stdout


def test_lines_fit_a_terminal_of_80_columns_and_ids_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = StringIO()
    monkeypatch.setattr(screen, "_out", Console(file=shown, force_terminal=True, width=80, _environ={}, no_color=True))
    record = {**GENERATION, "id": "01a2" * 8, "prompt": "狐 in the snow " * 9, "model": "a-model-with-a-long-name"}

    screen.table(GENERATION_COLUMNS, [record], spare=("created (UTC)", "model"))

    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue()).splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert lines[0].split() == ["id", "status", "model", "prompt"]
    assert re.search(r"a-model-with-a-l… +狐 in the snow", lines[1])
    assert lines[1].startswith("01a2" * 8)
    assert "…" in lines[1]


# The rest of the command


@pytest.mark.parametrize("args", [["-h"], ["keys", "-h"], ["generate", "-h"], ["--version"]])
def test_help_and_version(cli: Cli, args: list[str]) -> None:
    result = cli(*args)

    assert result.exit_code == 0
    assert ("Usage:" in result.stdout) is (args != ["--version"])


def test_export_lines_can_be_evaluated(cli: Cli, local_stack: Path) -> None:
    local_stack.write_text(json.dumps({"api": API, "api_key": "it's", "webhook_secret": "whsec_a"}))
    script = cli("env").stdout + 'printf "%s|" "$API" "$API_KEY" "$WEBHOOK_SECRET"'

    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == (
        f"{API}|it's|whsec_a|"
    )


def test_env_of_a_url_has_what_is_known(cli: Cli) -> None:
    assert cli("--stack", "https://api.example", "env").stdout == "export API=https://api.example\n"


def signed(body: str, secret: str) -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", now, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


@pytest.fixture
def program() -> Iterator[Receiver]:
    with Receiver(answer=lambda _: 207) as receiver:
        yield receiver


def test_webhooks_are_verified_and_forwarded(program: Receiver) -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", json.dumps(GENERATION)
    with Listener(0, secret, program.url) as listener:
        for headers in (signed(body, secret), signed(body, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")):
            assert httpx.post(listener.url, content=body, headers={**headers, "Cookie": "c"}).status_code == 207
        trusted, other = listener.events.get(timeout=5), listener.events.get(timeout=5)

    assert trusted.generation is not None
    assert (trusted.generation.id, trusted.id, trusted.answer, trusted.reason) == ("gen_1", "msg_1", 207, None)
    assert other.generation is None
    assert "No signature" in str(other.reason)
    forwarded = program.received.get(timeout=5)
    assert (forwarded.body.decode(), forwarded.headers["webhook-id"]) == (body, "msg_1")
    assert "Cookie" not in forwarded.headers
    assert verify_webhook(forwarded.body, forwarded.headers, secret).id == "gen_1"


def test_a_program_that_is_down_is_a_failure_to_be_repeated() -> None:
    with Listener(0, None, "http://127.0.0.1:9/") as listener:
        assert httpx.post(listener.url, content=b"{}").status_code == 502
        assert "does not answer" in str(listener.events.get(timeout=5).reason)
        assert httpx.post(listener.url, content=bytes(1_048_577)).status_code == 413


def test_listen_triggers_an_event_and_shows_it(cli: Cli, stack: FakeStack, local_stack: Path) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    local_stack.write_text(json.dumps({"api": API, "api_key": "k", "webhook_secret": secret}))

    class Calling(FakeStack):
        """Calls the webhook of what is asked for before it answers."""

        def __call__(self, request: httpx.Request) -> httpx.Response:
            asked = json.loads(request.content)
            assert asked["input"] == {"prompt": "test:fail"}
            body = json.dumps({**GENERATION, "status": "error", "output": None, "error": "It failed."})
            httpx.post(asked["webhook"], content=body, headers=signed(body, secret))
            return httpx.Response(202, json={"id": "gen_1", "status": "pending"})

    cli.session = replace(cli.session, transport=httpx.MockTransport(Calling()))
    result = cli("listen", "--port", "0", "--trigger", "error", "--count", "1")

    assert result.exit_code == 0, result.output
    assert result.stdout == "msg_1  gen_1 error It failed.  answered 204\n"
    assert "Generation gen_1 will end in error" in result.stderr


def test_a_stack_on_aws_calls_no_loopback_address(cli: Cli, stack: FakeStack) -> None:
    assert_fails(cli("--stack", "https://api.example", "listen", "--trigger", "success"), "tunnel", "--url")
    assert stack.requests == []


def test_a_port_that_is_taken_is_one_line(cli: Cli, local_stack: Path, program: Receiver) -> None:
    port = program.url.rpartition(":")[2].partition("/")[0]

    assert_fails(cli("listen", "--port", port), port, "--port")


# Pictures in the terminal


@each(
    ("environment", "chosen"),
    [
        ({"TERM": "xterm-kitty"}, inline_images.kitty),
        ({"KITTY_WINDOW_ID": "1", "TERM": "xterm"}, inline_images.kitty),
        ({"TERM": "xterm-ghostty"}, inline_images.kitty),
        ({"TERM_PROGRAM": "iTerm.app"}, inline_images.iterm),
        ({"TERM_PROGRAM": "WezTerm"}, inline_images.iterm),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "screen", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "default,1,0"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_recognised(environment: dict[str, str], chosen: object) -> None:
    assert inline_images.encoder(environment) is chosen


def test_a_picture_arrives_whole_in_chunks() -> None:
    content = bytes(range(256)) * 40
    sequences = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", inline_images.kitty(content, "image/png"))

    assert base64.b64decode("".join(data for _, data in sequences)) == content
    assert max(len(data) for _, data in sequences) <= 4096
    assert [head[-3:] for head, _ in sequences] == ["m=1"] * (len(sequences) - 1) + ["m=0"]
    assert inline_images.kitty(content, "image/webp") == ""
    found = re.fullmatch(r"\x1b]1337;File=inline=1;size=10240;width=40:(.*)\a", inline_images.iterm(content, "x"))
    assert found
    assert base64.b64decode(found[1]) == content


# Finding the stack


def test_the_local_stack_is_found_from_a_folder_below(
    cli: Cli,
    stack: FakeStack,
    local_stack: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    below = local_stack.parent.parent / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    stack.on("GET", f"{ADMIN}/users", {"data": []})

    assert cli("users", "list").exit_code == 0
    assert cli("--stack", "local", "users", "list").exit_code == 0


def test_no_stack_is_one_line(cli: Cli) -> None:
    assert_fails(cli("users", "list"), "no stack found", "make run", "--stack")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"api": null}'])
def test_a_broken_stack_file_is_one_line(cli: Cli, local_stack: Path, text: str) -> None:
    local_stack.write_text(text)

    assert_fails(cli("users", "list"), "stack.json", "make run")


def test_a_url_takes_its_secret_from_the_environment(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", "https://api.example/console/admin/users", {"data": []})

    result = cli(
        "users",
        "list",
        "--json",
        ATELIER_STACK="https://api.example/",
        ATELIER_ADMIN_SECRET="s\n",
    )

    assert result.stdout == "[]\n"
    assert stack.requests[0].headers["Authorization"] == "Bearer s"


def test_a_url_without_a_secret_asks_for_it_unseen(cli: Cli, stack: FakeStack) -> None:
    stack.on("GET", "https://api.example/console/admin/users", {"data": []})

    result = cli("--stack", "https://api.example", "users", "list", input="typed\n")

    assert result.exit_code == 0
    assert "typed" not in result.output
    assert stack.requests[0].headers["Authorization"] == "Bearer typed"


def test_generate_asks_for_a_key_and_no_secret(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, {})

    result = cli("--stack", API, "generate", "a fox", input="typed\n")

    assert result.exit_code == 0, result.output
    assert stack.requests[0].headers["Authorization"] == "typed"


def test_a_secret_not_given_is_an_error(cli: Cli) -> None:
    result = cli("--stack", "https://api.example", "users", "list")

    assert result.exit_code == 1
    assert "set ATELIER_ADMIN_SECRET" in result.stderr


@pytest.mark.usefixtures("local_stack")
def test_the_key_of_the_environment_comes_first(cli: Cli, stack: FakeStack) -> None:
    will_generate(stack, {})

    cli("generate", "a fox", ATELIER_API_KEY="atl_other")

    assert stack.requests[0].headers["Authorization"] == "atl_other"
    assert_fails(cli("generate", "a fox", ATELIER_API_KEY="clé"), "printable ASCII")


def test_a_url_that_is_none_is_one_line(cli: Cli) -> None:
    result = cli("--stack", "http://api.example:port", "users", "list", ATELIER_ADMIN_SECRET="s")

    assert_fails(result, "is not a URL", "--stack")


@dataclass
class FakeAws:
    """Stubs of the clients that finding a stack takes; a call that no test announced is an error."""

    cloudformation: Stubber
    secrets: Stubber

    def has_stack(self, **outputs: str) -> None:
        stack = {
            "StackName": "studio",
            "CreationTime": "2025-01-01T00:00:00Z",
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        }
        self.cloudformation.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "studio"})


@pytest.fixture
def aws(cli: Cli) -> Iterator[FakeAws]:
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    clients = Aws(session.client("cloudformation"), session.client("secretsmanager"))
    cli.session = replace(cli.session, connect=lambda: clients)
    with Stubber(clients.cloudformation) as cloudformation, Stubber(clients.secrets) as secrets:
        yield FakeAws(cloudformation, secrets)


def test_a_deployed_stack_is_found_by_name(cli: Cli, stack: FakeStack, aws: FakeAws) -> None:
    aws.has_stack(ApiUrl="https://api.example/prod/", ConsoleSecretArn="arn:secret")
    aws.secrets.add_response("get_secret_value", {"SecretString": "from-aws"}, {"SecretId": "arn:secret"})
    stack.on("GET", "https://api.example/prod/console/admin/users", {"data": [USER]})

    result = cli("--stack", "studio", "users", "list")

    assert result.exit_code == 0, result.output
    assert stack.requests[0].headers["Authorization"] == "Bearer from-aws"
    aws.secrets.assert_no_pending_responses()


def test_generate_does_not_read_the_admin_secret(cli: Cli, stack: FakeStack, aws: FakeAws) -> None:
    aws.has_stack(ApiUrl=API, ConsoleSecretArn="arn:secret")
    will_generate(stack, {})

    result = cli("--stack", "studio", "generate", "a fox", ATELIER_API_KEY="k")

    assert result.exit_code == 0, result.output


def test_a_stack_unknown_to_aws_is_one_line(cli: Cli, aws: FakeAws) -> None:
    aws.cloudformation.add_client_error("describe_stacks", "ValidationError", "Stack with id studio does not exist")

    result = cli("--stack", "studio", "users", "list")

    assert_fails(result, "studio does not exist", "check its name")


@pytest.mark.parametrize("outputs", [{}, {"ApiUrl": "https://api.example"}], ids=["none", "no secret"])
def test_a_stack_of_something_else_is_one_line(cli: Cli, aws: FakeAws, outputs: dict[str, str]) -> None:
    aws.has_stack(**outputs)

    result = cli("--stack", "studio", "users", "list")

    assert_fails(result, "studio has no output")


@pytest.mark.parametrize("region", [None, ""])
def test_no_aws_region_is_one_line(cli: Cli, tmp_path: Path, region: str | None) -> None:
    result = cli(
        "--stack",
        "studio",
        "users",
        "list",
        AWS_CONFIG_FILE=str(tmp_path / "none"),
        AWS_ACCESS_KEY_ID="a",
        AWS_SECRET_ACCESS_KEY="b",
        AWS_DEFAULT_REGION=region,
    )

    assert_fails(result, "cannot read stack studio", "AWS profile")


# Errors


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.ConnectError("Connection refused"), ["127.0.0.1:4566", "Connection refused", "make run"]),
        (httpx.ReadTimeout("slow"), ["does not answer", "try again"]),
        (httpx.RemoteProtocolError("s3cret"), ["RemoteProtocolError", "try again"]),
        (httpx.Response(401, json={"message": "Unknown secret"}), ["Unknown secret", "admin secret"]),
        (httpx.Response(404, json={"message": "No such key"}), ["No such key", "404", "--stack"]),
        (httpx.Response(302, headers={"Location": "https://evil.example"}), ["302"]),
        (httpx.Response(502, text="<html>"), ["Bad Gateway", "502", "try again"]),
        (httpx.Response(200, text="<html>"), ["not that of an Atelier API", "--stack"]),
        (httpx.Response(200, json={"data": [{"id": "key_1"}]}), ["not that of an Atelier API"]),
        (httpx.Response(400, json={"message": "Bad", "errors": ["odd"]}), ["Bad (HTTP 400)"]),
    ],
)
def test_a_failed_request_is_one_line(
    cli: Cli, stack: FakeStack, answer: httpx.Response | Exception, words: list[str]
) -> None:
    stack.on("GET", f"{ADMIN}/keys", answer)

    result = cli("keys", "list")

    assert_fails(result, *words)
    assert "s3cret" not in result.output
    assert len(stack.requests) == 1


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize("said", ["Must be less.", "input.width: Must be less. (and 1 more)", ""])
def test_invalid_fields_are_named(cli: Cli, stack: FakeStack, said: str) -> None:
    errors = [
        {"field": "input.width", "message": "Must be less.", "code": "too_big"},
        {"field": "model", "message": "There is no such model.", "code": "enum"},
    ]
    stack.on(
        "POST",
        f"{API}/generate",
        httpx.Response(400, json={"message": f"The request is not valid: {said}", "errors": errors}),
    )

    assert_fails(
        cli("generate", "a fox"),
        "Error: The request is not valid: input.width: Must be less; model: There is no such model (HTTP 400)\n",
    )


@pytest.mark.usefixtures("local_stack")
def test_a_refused_key_says_where_to_get_one(cli: Cli, stack: FakeStack) -> None:
    stack.on("POST", f"{API}/generate", httpx.Response(401, json={"message": "Unknown key"}))

    assert_fails(cli("generate", "a fox"), "Unknown key", "ATELIER_API_KEY", "atelier keys create")


@pytest.mark.parametrize(
    "args",
    [
        ["keys", "create", "name"],
        ["generations", "list", "--limit", "0"],
        ["generations", "list", "--status", "odd"],
        ["generate", "a fox", "--width", "x"],
        ["keys", "create", "n", "--user", "u", "--scope", "all"],
        ["keys", "create", "n", "--user", "u", "--limit", "0"],
        ["users", "top-up", "u", "0"],
        ["users", "create", "u@x", "--credits", "-1"],
        ["overview", "--days", "32"],
        ["nope"],
    ],
)
def test_wrong_usage_exits_with_2(cli: Cli, args: list[str]) -> None:
    assert cli(*args).exit_code == 2


# What reaches the terminal


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        (HOSTILE, HARMLESS),
        ("tab\tnew\nline\u2028\x85end", "tab new line  end"),
        ("été 🦊 狐", "été 🦊 狐"),
        ("\ud800", ""),
        (None, ""),
        (0, "0"),
    ],
)
def test_text_is_cleaned_to_one_printable_line(raw: object, cleaned: str) -> None:
    assert screen.clean(raw) == cleaned


@pytest.mark.usefixtures("local_stack")
@pytest.mark.parametrize(
    ("args", "route", "answer"),
    [
        (["keys", "list"], "GET /keys", {"data": [{**KEY, "name": HOSTILE}]}),
        (["keys", "revoke", "k", "-y"], "DELETE /keys/k", {**KEY, "name": HOSTILE}),
        (["keys", "create", "n", "--user", "u"], "POST /keys", {**KEY, "prefix": HOSTILE, "key": "k"}),
        (["users", "list"], "GET /users", {"data": [{**USER, "name": HOSTILE}]}),
        (["webhooks", "secret", "--user", "u"], "GET /users/u/webhook-secret", {**SECRET, "secret": HOSTILE}),
        (
            ["generations", "list"],
            "GET /generations?limit=20",
            {"data": [{**GENERATION, "payload": {"prompt": HOSTILE}}]},
        ),
        (["generations", "show", "g"], "GET /generations/g", {**DETAIL, "error": HOSTILE}),
        (["generations", "show", "g"], "GET /generations/g", {**DETAIL, "deliveries": [{**DELIVERY, "url": HOSTILE}]}),
        (["users", "ledger", "u"], "GET /users/u/ledger", {"data": [{**ENTRY, "note": HOSTILE}]}),
        (["generations", "redeliver", "g"], "POST /generations/g/redeliver", {"data": [{**DELIVERY, "url": HOSTILE}]}),
        (["providers", "list"], "GET /providers", {"data": [{**PROVIDER, "models": [HOSTILE]}]}),
        (["users", "list"], "GET /users", httpx.Response(400, json={"message": HOSTILE})),
    ],
)
def test_hostile_text_is_shown_as_it_is_and_harmless(
    cli: Cli, stack: FakeStack, args: list[str], route: str, answer: object
) -> None:
    method, path = route.split(" ")
    stack.on(method, ADMIN + path, answer)

    result = cli(*args)

    assert HARMLESS in result.output
    assert not set("\x1b\x9b\x07\r\u202e") & set(result.output)


def test_progress_shows_status_and_seconds_whatever_the_status() -> None:
    shown = StringIO()
    terminal = Console(file=shown, force_terminal=True, force_interactive=True, _environ={})

    with screen.progress("pending", terminal) as show:
        show(HOSTILE)

    assert f"{HARMLESS} 0 s" in shown.getvalue()
    assert not set("\x9b\x07\u202e") & set(shown.getvalue())
