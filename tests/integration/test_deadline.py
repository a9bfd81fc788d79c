"""Requests while AWS is slow or does not answer: each gets a clear answer within the function's time."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from atelier import deadline
from atelier.accounts.api_keys import mint_key
from atelier.accounts.users import new_user
from atelier.adapters.aws import clients
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.catalog.model import EMBEDDED
from atelier.errors import UnavailableError
from atelier.generations.model import Status
from functions.generate.app.dependencies import dependencies
from tests.integration.lambdas import Calls, Lambdas, request
from tests.integration.stack import Stack, aws

NOW = 1_767_225_600_000
READ_SECONDS = 3.0
"""The longest that the functions wait for one answer."""
SERVICES = ("dynamodb", "sqs", "secretsmanager")
BODY = json.dumps({"model": "sketch", "input": {"prompt": "a boat"}})


@dataclass
class Network:
    """The time that AWS's answers take, by operation ("*" for any); calls have their effect all the same.

    Nothing sleeps: the clock moves instead. `errors` are answered instead of what AWS would.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    errors: dict[str, ClientError | ReadTimeoutError] = field(default_factory=dict)
    now: float = 0.0
    tries: list[str] = field(default_factory=list)

    def answer(self, **sent: Any) -> None:
        operation = sent["event_name"].rpartition(".")[2]
        took = self.seconds.get(operation, self.seconds.get("*", 0.0))
        self.tries.append(operation)
        self.sleep(min(took, READ_SECONDS))
        if took > READ_SECONDS:
            raise ReadTimeoutError(endpoint_url=sent["request"].url)

    def refuse(self, **sent: Any) -> None:
        if error := self.errors.get(sent["event_name"].rpartition(".")[2]):
            self.answer(**sent)
            raise error

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def network(lambdas: Lambdas, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """A stack whose clients wait as long as they may, with a clock that only calls and sleeping move."""
    network = Network()
    stack.change("WaitSeconds", "25")
    monkeypatch.setattr(time, "sleep", network.sleep)
    monkeypatch.setattr(deadline, "monotonic", network.monotonic)
    events = [clients.client(service, brief=True).meta.events for service in SERVICES]  # type: ignore[call-overload]
    for one in events:
        one.register_last("before-send", network.answer, unique_id="answer")  # last: after moto has done what was asked
        one.register_first("before-send", network.refuse, unique_id="refuse")
    yield network
    for one in events:
        one.unregister("before-send", unique_id="answer")
        one.unregister("before-send", unique_id="refuse")


@pytest.fixture
def ask(lambdas: Lambdas, network: Network, key: str) -> Any:
    """Ask for a picture, and return the status, the document and the headers."""

    def ask(**headers: str) -> tuple[int, Any, dict[str, list[str]]]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = lambdas.invoke("generate", request("generate", authorization=key, body=BODY, headers=given))
        return answer["statusCode"], json.loads(answer["body"]), answer["multiValueHeaders"]

    return ask


@pytest.fixture
def warm(ask: Any, network: Network) -> None:
    """Leave a sandbox that has answered a request, with a wait that moves the same clock."""
    ask(Prefer="respond-async")
    wait = dependencies().wait
    object.__setattr__(wait, "sleep", network.sleep)
    object.__setattr__(wait, "monotonic", network.monotonic)
    network.now, network.tries = 0.0, []


def made(stack: Stack) -> list[str]:
    return [row["id"]["S"] for row in stack.rows("GenerationsTable")]


@pytest.mark.parametrize("operation", ["*", "GetItem", "TransactWriteItems", "GetSecretValue"])
def test_what_hangs_is_a_503_in_time(operation: str, ask: Any, network: Network) -> None:
    network.seconds = {operation: 60.0} if operation != "TransactWriteItems" else {operation: 60.0, "GetItem": 2.9}
    status, document, headers = ask()
    if operation == "TransactWriteItems":  # its effect is seen
        assert (status, document["status"]) == (202, "pending")
    else:
        assert (status, "try again" in document["message"]) == (503, True)
        assert int(headers["Retry-After"][0]) >= 1
    assert network.now <= 29 - 0.8


def test_a_busy_ledger_is_a_503_in_time(ask: Any, warm: None, network: Network, stack: Stack) -> None:
    reasons = [{"Code": "TransactionConflict"}]
    error: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    network.errors = {"TransactWriteItems": ClientError(error, "TransactWriteItems")}
    network.seconds = {"TransactWriteItems": 1.0}
    before = made(stack)
    status, _, headers = ask()
    assert (status, headers["Retry-After"], made(stack)) == (503, ["1"], before)
    assert network.now <= 29 - 0.8


@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.0, 2.9])
def test_waiting_ends_in_time_when_the_table_is_slow(
    seconds: float, ask: Any, warm: None, network: Network, stack: Stack
) -> None:
    network.seconds = {"*": seconds}
    status, document, _ = ask()
    assert (status, document["id"] in made(stack)) == (202, True)
    assert 20 <= network.now <= 29 - 0.8


def test_a_wait_that_began_late_ends_with_what_is_so(ask: Any, warm: None, network: Network, stack: Stack) -> None:
    generations = dependencies().generations

    def sleep(seconds: float) -> None:
        network.sleep(seconds)
        pending = generations.get(max(made(stack)))
        if network.now > 20 and pending.status is Status.PENDING:
            generations.advance(pending, pending.claimed("fal", "m", committed=False, now=NOW, deadline=60_000))

    object.__setattr__(dependencies().wait, "sleep", sleep)
    network.seconds = {"GetItem": 2.9}
    events = clients.client("dynamodb", brief=True).meta.events
    events.register("before-send.dynamodb.TransactWriteItems", lambda **_: network.seconds.clear(), unique_id="clear")
    try:
        status, document, _ = ask()
    finally:
        events.unregister("before-send.dynamodb.TransactWriteItems", unique_id="clear")
    assert (status, document["status"]) == (202, "processing")


def test_a_queue_that_hangs_costs_no_id(ask: Any, warm: None, network: Network, stack: Stack) -> None:
    network.seconds = {"SendMessage": 60.0}
    status, document, _ = ask()
    assert (status, document["id"] in made(stack)) == (202, True)
    assert network.now <= 29 - 0.8


def test_a_table_that_hangs_after_the_acceptance_costs_no_id(
    ask: Any, warm: None, network: Network, stack: Stack
) -> None:
    def hang(**sent: Any) -> None:
        if sent["event_name"].endswith("SendMessage"):
            network.seconds = {"GetItem": 60.0}

    events = clients.client("sqs", brief=True).meta.events
    events.register("before-send", hang, unique_id="hang")
    try:
        status, document, _ = ask()
    finally:
        events.unregister("before-send", unique_id="hang")
    assert (status, document["id"] in made(stack)) == (202, True)
    assert network.now <= 29 - 0.8


def test_an_acceptance_whose_answers_were_lost_is_found(
    lambdas: Lambdas, ask: Any, warm: None, network: Network, stack: Stack
) -> None:
    before = made(stack)
    network.seconds = {"TransactWriteItems": 60.0}
    status, document, _ = ask(Prefer="respond-async")
    assert (status, [*before, document["id"]]) == (202, made(stack))
    assert network.tries.count("TransactWriteItems") > 1


def test_an_acceptance_that_never_came_may_be_repeated(ask: Any, warm: None, network: Network, stack: Stack) -> None:
    before = made(stack)
    network.errors = {"TransactWriteItems": ReadTimeoutError(endpoint_url="https://dynamodb")}
    status, document, headers = ask()
    assert (status, document["message"]) == (503, "The table is out of reach; try again.")
    assert (headers["Retry-After"], made(stack)) == (["1"], before)


@pytest.mark.parametrize(
    ("headers", "advice", "retry"),
    [({}, "Look for /generations/", ["false"]), ({"Idempotency_Key": "order 7"}, "Send the same request again", None)],
    ids=["without a key", "with an Idempotency-Key"],
)
def test_an_acceptance_that_nobody_can_tell_of_says_so(
    headers: dict[str, str], advice: str, retry: list[str] | None, ask: Any, warm: None, network: Network, stack: Stack
) -> None:
    def hang(**_: Any) -> None:
        network.seconds = {"*": 60.0}

    before, events = made(stack), clients.client("dynamodb", brief=True).meta.events
    events.register("before-send.dynamodb.TransactWriteItems", hang, unique_id="hang")
    try:
        status, document, answered = ask(**headers)
    finally:
        events.unregister("before-send.dynamodb.TransactWriteItems", unique_id="hang")
    (new,) = set(made(stack)) - set(before)
    assert (status, new in document["message"], advice in document["message"]) == (503, True, True)
    assert (answered.get("x-should-retry"), "Retry-After" in answered) == (retry, True)
    assert network.now <= 29 - 0.8
    if headers:  # the client sends it again, and gets the same
        network.seconds = {}
        assert ask(**headers)[1]["id"] == new


def test_a_callback_is_answered_in_time(lambdas: Lambdas, network: Network, key: str, calls: Calls) -> None:
    network.seconds = {"*": 60.0}
    path = f"/webhook/artificial-studio/{'0' * 32}/token"
    answer = lambdas.invoke("webhook", request("webhook", path=path, body="{}"))
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "1")
    assert network.now <= 10 - 0.8


def test_no_try_starts_that_may_outlast_the_request(network: Network, accounts: AccountStore) -> None:
    user = new_user(email="x@example.com", name="x", now=NOW)
    record, _ = mint_key(name="x", user=user, test=False, digest_key="d", now=NOW)
    network.seconds = {"*": 60.0}
    client = clients.client("dynamodb", brief=True)
    key = {"id": {"S": record.id}, "record": {"S": "key"}}
    for limit, tries in ((2.9, 0), (3.1, 1), (60.0, 3)):
        network.tries, network.now = [], 0.0
        with deadline.time_limit(limit), pytest.raises((clients.OutOfTimeError, ReadTimeoutError)):
            client.get_item(TableName="any", Key=key)
        assert len(network.tries) == tries


@pytest.fixture
def hang() -> Iterator[Callable[[str], None]]:
    """Let a service answer nothing from now on, in real time."""
    over, hung = threading.Event(), []

    def wait(**sent: Any) -> None:
        over.wait(20)
        raise ReadTimeoutError(endpoint_url=sent["request"].url)

    def hang(service: str) -> None:
        events = clients.client(service, brief=True).meta.events  # type: ignore[call-overload]
        events.register_first("before-send", wait, unique_id="hang")
        hung.append(events)

    yield hang
    over.set()
    for events in hung:
        events.unregister("before-send", unique_id="hang")


@pytest.mark.parametrize("service", ["s3", "secretsmanager"])
def test_what_is_in_memory_outlasts_a_service_that_hangs(
    service: str, lambdas: Lambdas, stack: Stack, key: str, hang: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a sandbox with a catalog from S3 and secrets, all of which are to be read again
    aws("s3").create_bucket(Bucket="owners-bucket")
    aws("s3").put_object(Bucket="owners-bucket", Key="catalog.toml", Body=EMBEDDED.read_bytes())
    stack.change("CatalogObject", "owners-bucket/catalog.toml")
    monkeypatch.setattr("atelier.adapters.aws.secrets.TTL_SECONDS", 0.0)
    monkeypatch.setattr("atelier.adapters.aws.catalog_object.TTL_SECONDS", 0.0)
    event = request("generate", authorization=key, body=BODY, headers={"Prefer": "respond-async"})
    assert lambdas.ask(event)[0] == 202
    # when their service hangs
    hang(service)
    began = time.monotonic()
    statuses = [lambdas.ask(event)[0] for _ in range(2)]
    # then the last good ones serve, each after a second at most
    assert statuses == [202, 202]
    assert time.monotonic() - began < 6


def test_a_top_up_whose_answers_were_lost_is_made_once(
    accounts: AccountStore, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user(email="ana@example.com", name="Ana", now=NOW, credits=10)
    accounts.add_user(user)
    events = clients.client("dynamodb").meta.events
    events.register_last("before-send", network.answer, unique_id="answer")
    try:
        network.seconds = {"TransactWriteItems": 60.0}
        assert accounts.top_up(user.id, 5, None, NOW).credits == 15
        network.seconds = {"*": 60.0}
        with pytest.raises(UnavailableError, match="may have been added"):
            accounts.top_up(user.id, 5, None, NOW + 1)
        network.seconds = {}
        events.register_first("before-send", network.refuse, unique_id="refuse")
        network.errors = {"TransactWriteItems": ReadTimeoutError(endpoint_url="https://dynamodb")}
        with pytest.raises(UnavailableError, match="try again"):
            accounts.top_up(user.id, 5, None, NOW + 2)
    finally:
        events.unregister("before-send", unique_id="answer")
        events.unregister("before-send", unique_id="refuse")
    assert accounts.user(user.id).credits == 20
