"""One deployment for a whole test run, whichever of its workers asks first: an emulator and the stacks in it.

`stack` is what `sam build` and `sam deploy` make of the template. The other stacks are the same build with other
parameters: `upstream` has a catalog of its own and the provider simulators behind it, and `front` has `stack` as its
provider. No test changes a stack for the others, and each looks at users and generations of its own only.
"""

import fcntl
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from atelier.adapters.aws.secrets import ProviderKeysEditor
from atelier.providers.registry import KEYS_FOR_CALLBACKS
from tests.simulators.artificial_studio import ArtificialStudioSimulator
from tests.simulators.bfl import BlackForestLabsSimulator
from tests.simulators.comfyui import ComfyUISimulator
from tests.simulators.fal import FalSimulator
from tests.simulators.faults import Timing
from tests.simulators.gateways import OpenRouterSimulator, RecraftSimulator, TogetherSimulator, XaiSimulator
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.ideogram import IdeogramSimulator
from tests.simulators.openai import OpenAISimulator
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.server import Simulator
from tests.simulators.synchronous import SynchronousSimulator
from tools.local_stack import (
    Deployed,
    Emulator,
    LocalStackError,
    build,
    deploy,
    deploy_again,
    free_port,
    start_emulator,
)

MISSION = (
    '{"model": "playground-v2", "input": {"prompt": "Astronaut in a jungle, cold color palette, muted colors, '
    'detailed, 8k"}}'
)
CATALOG = Path(__file__).parent / "e2e" / "catalog.toml"
TIMING = Timing(work=0.3, slow=5, delay=3, hang=1, again=(1, 3, 10, 20), callback_timeout=30)
T = TypeVar("T")


@dataclass(frozen=True)
class Simulators:
    """The providers behind `upstream`."""

    replicate: ReplicateSimulator
    fal: FalSimulator
    artificial_studio: ArtificialStudioSimulator
    bfl: BlackForestLabsSimulator
    comfyui: ComfyUISimulator
    gemini: GeminiSimulator
    ideogram: IdeogramSimulator
    xai: XaiSimulator
    openrouter: OpenRouterSimulator
    together: TogetherSimulator
    recraft: RecraftSimulator
    openai: OpenAISimulator

    @property
    def asynchronous(self) -> tuple[Simulator, ...]:
        """Those that have jobs."""
        return self.replicate, self.fal, self.artificial_studio, self.bfl, self.comfyui

    @property
    def synchronous(self) -> tuple[SynchronousSimulator, ...]:
        """Those that answer with pictures, at once."""
        return self.gemini, self.ideogram, self.xai, self.openrouter, self.together, self.recraft

    @property
    def all(self) -> tuple[Simulator, ...]:
        """All of them."""
        return *self.asynchronous, *self.synchronous, self.openai


@dataclass(frozen=True)
class Account:
    """A user with a key on a stack."""

    stack: Deployed
    email: str
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

    def messages(self, wait: int = 2) -> list[dict[str, Any]]:
        """Take all messages that come until none comes for `wait` seconds."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait, MessageAttributeNames=["All"]
        ).get("Messages", []):
            for message in batch:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            found += batch
        return found

    def of(self, *generation_ids: str, wait: int = 2) -> list[dict[str, Any]]:
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
    """Call an admin route as the operator."""
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
    return Account(stack, email, key["userId"], key["id"], key["key"], secret)


def row(stack: Deployed, generation_id: str, record: str = "generation") -> dict[str, Any]:
    """Read a record out of the table."""
    answer = stack.client("dynamodb").get_item(
        TableName=stack.resource("GenerationsTable"),
        Key={"id": {"S": generation_id}, "record": {"S": record}},
        ConsistentRead=True,
    )
    return {name: next(iter(value.values())) for name, value in answer.get("Item", {}).items()}


@contextmanager
def subscribed(account: Account, name: str, **filters: list[str]) -> Iterator[Subscription]:
    """Subscribe a queue to what the stack's topic says of a user, with filters on other message attributes."""
    stack, filters = account.stack, {"user_id": [account.user_id], **filters}
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
    attributes = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps(filters)}
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True, Attributes=attributes
    )["SubscriptionArn"]
    try:
        yield Subscription(sqs, url)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)


# ---- Shared by the workers of a run

_SHARED = pytest.StashKey[Path]()
_GROUP = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Agree on a folder: the controller of pytest-xdist makes it, or the one process that there is."""
    given = getattr(config, "workerinput", {}).get("shared")
    config.stash[_SHARED] = Path(given or tempfile.mkdtemp(prefix="atelier-tests-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the folder to a worker."""
    node.workerinput["shared"] = str(node.config.stash[_SHARED])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Stop the emulator after the last worker; keep the logs of a run that failed."""
    if hasattr(session.config, "workerinput"):
        return
    shared = session.config.stash[_SHARED]
    if (written := shared / "emulator.json").exists() and (made := json.loads(written.read_text())).get("made"):
        Emulator(**made["made"]).stop()
    if exitstatus and any(shared.iterdir()):
        session.config.get_terminal_writer().line(f"\nThe logs of the emulator and of SAM are in {shared}")
    else:
        shutil.rmtree(shared)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep in one worker what shares a fixture, and begin with the workers' longest work.

    What needs the simulators shares their threads; other tests of the deployment share what their module has made.
    """
    longest = set()
    for item in items:
        group, fixtures = item.nodeid.partition("::")[0], getattr(item, "fixturenames", [])
        if "emulator" in fixtures:
            group = "simulators" if "simulators" in fixtures else group
            item.add_marker(pytest.mark.xdist_group(group))
        item.stash[_GROUP] = group
        if item.get_closest_marker("soak"):
            longest.add(group)
    items.sort(key=lambda item: item.stash[_GROUP] not in longest)


def once(shared: Path, name: str, make: Callable[[], Any]) -> Any:
    """Return what `make` returned in the first worker that asked, as JSON; the others wait for it, or for its error."""
    written = shared / f"{name}.json"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not written.exists():
            try:
                result = {"made": make()}
            except LocalStackError as error:
                result = {"error": str(error)}
            written.write_text(json.dumps(result))
    result = json.loads(written.read_text())
    if "error" in result:
        pytest.fail(result["error"], pytrace=False)
    return result["made"]


@pytest.fixture(scope="session")
def logs(pytestconfig: pytest.Config) -> Path:
    """The folder of this run, into which the emulator, `sam build` and `sam deploy` log."""
    return pytestconfig.stash[_SHARED]


@pytest.fixture(scope="session")
def emulator(logs: Path) -> Emulator:
    """MiniStack on a port of its own."""
    return Emulator(**once(logs, "emulator", lambda: asdict(start_emulator(free_port(), logs / "emulator.log"))))


@pytest.fixture(scope="session")
def stack(emulator: Emulator, logs: Path) -> Deployed:
    """The stack under test, with the embedded catalog and without any provider key."""

    def make() -> dict[str, Any]:
        build(logs / "build.log")
        return asdict(deploy("stack", emulator.endpoint, logs / "stack.log"))

    return Deployed(**once(logs, "stack", make))


@pytest.fixture(scope="module")
def alice(stack: Deployed, request: pytest.FixtureRequest) -> Account:
    """A client with a key on `stack`, who is another user in each module."""
    return open_account(stack, f"alice-of-{request.path.stem.removeprefix('test_').replace('_', '-')}@example.com")


@pytest.fixture(scope="session")
def simulators() -> Iterator[Simulators]:
    """The provider simulators, in threads of this worker."""
    with (
        ReplicateSimulator(timing=TIMING) as replicate,
        FalSimulator(timing=TIMING) as fal,
        ArtificialStudioSimulator(timing=TIMING) as artificial_studio,
        BlackForestLabsSimulator(timing=TIMING) as bfl,
        ComfyUISimulator(timing=TIMING) as comfyui,
        GeminiSimulator(timing=TIMING) as gemini,
        IdeogramSimulator(timing=TIMING) as ideogram,
        XaiSimulator(timing=TIMING) as xai,
        OpenRouterSimulator(timing=TIMING) as openrouter,
        TogetherSimulator(timing=TIMING) as together,
        RecraftSimulator(timing=TIMING) as recraft,
        OpenAISimulator() as openai,
    ):
        yield Simulators(
            replicate, fal, artificial_studio, bfl, comfyui, gemini, ideogram, xai, openrouter, together, recraft,
            openai,
        )  # fmt: skip


@pytest.fixture(scope="session")
def upstream(stack: Deployed, simulators: Simulators) -> Deployed:
    """A stack whose catalog is tests/e2e/catalog.toml and whose providers are the simulators."""
    s3 = stack.client("s3")
    s3.create_bucket(Bucket="catalogs")
    s3.put_object(Bucket="catalogs", Key=CATALOG.name, Body=CATALOG.read_bytes())
    upstream = deploy_again(
        stack,
        "upstream",
        ProviderUrls=json.dumps({name: url for one in simulators.all for name, url in one.urls.items()}),
        CatalogObject=f"catalogs/{CATALOG.name}",
    )
    set_provider_keys(upstream, {name: key for one in simulators.all for name, key in one.keys.items()})
    return upstream


def set_provider_keys(stack: Deployed, keys: dict[str, str]) -> None:
    """Set a stack's provider keys, before its first request."""
    client, arn = stack.client("secretsmanager"), stack.outputs["ProviderKeysSecretArn"]
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(keys))
    ProviderKeysEditor(client, arn, for_callbacks=KEYS_FOR_CALLBACKS).publish()
