"""Two deployed stacks in one emulator: `stack`, and `upstream`, which is its Artificial Studio.

Behind `upstream` are simulators of the providers, and its catalog is one of its owner's.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.simulators.artificial_studio import ArtificialStudioSimulator
from tests.simulators.fal import FalSimulator
from tests.simulators.faults import Timing
from tests.simulators.openai import OpenAISimulator
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.server import Simulator
from tools.local_stack import Deployed, Emulator, build, client, deploy, free_port, start_emulator

MISSION = (
    '{"model": "playground-v2", "input": {"prompt": "Astronaut in a jungle, cold color palette, muted colors, '
    'detailed, 8k"}}'
)
CATALOG = Path(__file__).parent / "e2e" / "catalog.toml"
TIMING = Timing(work=0.3, slow=5, delay=3, hang=1, again=(1, 3, 10, 20), callback_timeout=30)
T = TypeVar("T")


@dataclass(frozen=True)
class Simulators:
    """The providers behind `upstream`; a call of OpenAI's takes a minute."""

    replicate: ReplicateSimulator
    fal: FalSimulator
    artificial_studio: ArtificialStudioSimulator
    openai: OpenAISimulator

    @property
    def asynchronous(self) -> tuple[Simulator, ...]:
        """Those that have jobs."""
        return self.replicate, self.fal, self.artificial_studio

    @property
    def all(self) -> tuple[Simulator, ...]:
        """All of them."""
        return *self.asynchronous, self.openai


@dataclass(frozen=True)
class Account:
    """A user with a key on a stack."""

    stack: Deployed
    user_id: str
    key_id: str
    key: str
    webhook_secret: str

    def post(self, body: str | dict[str, Any], path: str = "/generate", **headers: str) -> httpx.Response:
        """POST as this user."""
        content = body if isinstance(body, str) else json.dumps(body)
        return httpx.post(
            self.stack.api + path, content=content, headers={"Authorization": self.key, **headers}, timeout=60
        )

    def get(self, path: str) -> httpx.Response:
        """GET as this user."""
        return httpx.get(self.stack.api + path, headers={"Authorization": self.key}, timeout=60)

    def finished(self, generation_id: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a generation to finish, and return it."""

        def final() -> dict[str, Any] | None:
            document: dict[str, Any] = self.get(f"/generations/{generation_id}").raise_for_status().json()
            return document if document["status"] in ("success", "error") else None

        return eventually(final, seconds)


@dataclass(frozen=True)
class Subscription:
    """A queue of an event-driven client, subscribed to a stack's topic."""

    sqs: Any
    url: str

    def messages(self, wait: int = 5) -> list[dict[str, Any]]:
        """Take all messages that come until none comes for `wait` seconds."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait, MessageAttributeNames=["All"]
        ).get("Messages", []):
            for message in batch:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            found += batch
        return found

    def of(self, *generation_ids: str, wait: int = 5) -> list[dict[str, Any]]:
        """Take all messages, and return those about these generations: the tests before left some that finish late."""
        return [message for message in self.messages(wait) if json.loads(message["Body"])["id"] in generation_ids]


def eventually(look: Callable[[], T | None], seconds: float = 30) -> T:
    """Call `look` until it finds something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        time.sleep(0.25)
    pytest.fail(f"nothing came within {seconds} s")


def administer(stack: Deployed, method: str, path: str, **json_body: Any) -> httpx.Response:
    """Call an admin route as the owner."""
    return httpx.request(
        method,
        f"{stack.api}/console/admin{path}",
        headers={"Authorization": f"Bearer {stack.secret('ConsoleSecretArn')}"},
        json=json_body or None,
        timeout=60,
    )


def open_account(stack: Deployed, email: str, *, test: bool = False) -> Account:
    """Make a key, and its user where there is none."""
    return account_with_key(stack, email, test=test)


def account_with_key(stack: Deployed, email: str, **wishes: Any) -> Account:
    """Make a key with scopes, limits and so on, and its user where there is none."""
    key = administer(stack, "POST", "/keys", name="e2e", user=email, **wishes).raise_for_status().json()
    secret = administer(stack, "GET", f"/users/{key['userId']}/webhook-secret").raise_for_status().json()["secret"]
    return Account(stack, key["userId"], key["id"], key["key"], secret)


def row(stack: Deployed, generation_id: str, record: str = "generation") -> dict[str, Any]:
    """Read a record out of the table."""
    answer = stack.client("dynamodb").get_item(
        TableName=stack.resource("GenerationsTable"),
        Key={"id": {"S": generation_id}, "record": {"S": record}},
        ConsistentRead=True,
    )
    return {name: next(iter(value.values())) for name, value in answer.get("Item", {}).items()}


@contextmanager
def subscribed(stack: Deployed, name: str, **filters: list[str]) -> Iterator[Subscription]:
    """Subscribe a queue to the stack's topic, with a filter policy on the message attributes."""
    sqs, sns, topic = stack.client("sqs"), stack.client("sns"), stack.outputs["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    attributes = {"RawMessageDelivery": "true"} | ({"FilterPolicy": json.dumps(filters)} if filters else {})
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True, Attributes=attributes
    )["SubscriptionArn"]
    try:
        yield Subscription(sqs, url)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """MiniStack on a port of its own."""
    running = start_emulator(free_port(), tmp_path_factory.mktemp("emulator") / "emulator.log")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where build and deploy write what they say."""
    return tmp_path_factory.mktemp("sam")


@pytest.fixture(scope="session")
def simulators() -> Iterator[Simulators]:
    """The providers' simulators."""
    with (
        ReplicateSimulator(timing=TIMING) as replicate,
        FalSimulator(timing=TIMING) as fal,
        ArtificialStudioSimulator(timing=TIMING) as artificial_studio,
        OpenAISimulator(seconds=60) as openai,
    ):
        yield Simulators(replicate, fal, artificial_studio, openai)


@pytest.fixture(scope="session")
def upstream(emulator: Emulator, logs: Path, simulators: Simulators) -> Deployed:
    """The stack behind the stack; whatever its catalog has from a provider, a simulator makes."""
    build(logs / "build.log")
    s3 = client("s3", emulator.endpoint)
    s3.create_bucket(Bucket="catalogs")
    s3.put_object(Bucket="catalogs", Key=CATALOG.name, Body=CATALOG.read_bytes())
    upstream = deploy(
        "upstream",
        emulator.endpoint,
        logs / "upstream.log",
        ProviderUrls=json.dumps({name: url for simulator in simulators.all for name, url in simulator.urls.items()}),
        CatalogObject=f"catalogs/{CATALOG.name}",
    )
    keys = {name: key for simulator in simulators.all for name, key in simulator.keys.items()}
    upstream.client("secretsmanager").put_secret_value(
        SecretId=upstream.outputs["ProviderKeysSecretArn"], SecretString=json.dumps(keys)
    )
    return upstream


@pytest.fixture(scope="session")
def stack(emulator: Emulator, logs: Path, upstream: Deployed) -> Deployed:
    """The stack under test; it has no provider key yet."""
    return deploy(
        "stack", emulator.endpoint, logs / "stack.log", ProviderUrls=json.dumps({"artificial-studio": upstream.api})
    )


@pytest.fixture(scope="session")
def alice(stack: Deployed) -> Account:
    """A client."""
    return open_account(stack, "alice@example.com")
