"""What a request costs in AWS calls, and how often secrets are read."""

import functools
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from atelier.adapters.aws import clients
from atelier.adapters.aws.secrets import Secret
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.generations.model import Status
from functions.dispatch import app as dispatch
from functions.generate.app import dependencies as generate
from tests.integration.lambdas import Calls, Lambdas, request
from tests.integration.stack import ROOT, Stack, set_provider_keys
from tests.integration.world import RECEIVER, SKETCH, Internet, Studio, accept

SECRET_READ = "secretsmanager:GetSecretValue"


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which secrets grow old."""
    clock = Clock()
    for module in (dispatch, generate):
        monkeypatch.setattr(module, "Secret", functools.partial(Secret, monotonic=clock))
    return clock


def test_functions_read_the_layers_service_models(lambdas: Lambdas) -> None:
    """So all tests here show that its operations are enough."""
    loader = clients._session().get_component("data_loader")
    assert [Path(path).name for path in loader.search_paths] == [clients.MODELS]


def whole_way(lambdas: Lambdas, key: str) -> None:
    status, _ = lambdas.ask(request("generate", authorization=key, body=SKETCH))
    assert status == 202
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")


def stated(title: str) -> int:
    """Read how many calls docs/costs.md states for a line."""
    section = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8").partition(f"\n### {title}\n")[2]
    return int(re.findall(r"^(\d+) calls,", section, re.MULTILINE)[0])


def test_a_callback_for_a_known_job_writes_nothing(lambdas: Lambdas, key: str, calls: Calls, studio: Studio) -> None:
    # given a job that dispatch has named already, and a warm sandbox
    for _ in range(2):
        lambdas.ask(request("generate", authorization=key))
        lambdas.make()
        lambdas.call_back(studio.webhook)
    lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    calls.take()
    # when
    status = lambdas.call_back(studio.webhook)
    # then
    assert status == 200
    assert calls.take() == ["dynamodb:GetItem", "sqs:SendMessage"]


def test_accepting_a_request_costs_three_calls_when_warm(lambdas: Lambdas, key: str, calls: Calls) -> None:
    # given a warm sandbox
    lambdas.ask(request("generate", authorization=key))
    calls.take()
    # when
    status, _ = lambdas.ask(request("generate", authorization=key))
    # then
    assert status == 202
    assert calls.take() == ["dynamodb:GetItem", "dynamodb:TransactWriteItems", "sqs:SendMessage"]


def test_a_drawing_with_webhook_costs_eleven_calls_when_warm(
    lambdas: Lambdas, key: str, calls: Calls, internet: Internet
) -> None:
    # given warm sandboxes
    internet.hosts[RECEIVER] = accept
    whole_way(lambdas, key)
    calls.take()
    # when
    whole_way(lambdas, key)
    # then
    assert len(internet.to(RECEIVER)) == 2
    made = calls.take()
    assert len(made) == stated("Drawn here, webhook") == 11, made


def test_an_asynchronous_generation_costs_fourteen_calls(
    lambdas: Lambdas, key: str, calls: Calls, internet: Internet, studio: Studio
) -> None:
    # given warm sandboxes
    internet.hosts[RECEIVER] = accept

    def asynchronous() -> None:
        studio.status = "processing"
        lambdas.ask(request("generate", authorization=key))
        lambdas.make()
        studio.status = "success"
        lambdas.call_back(studio.webhook)
        lambdas.drain("ingest")
        lambdas.stream()
        lambdas.drain("deliver")

    asynchronous()
    calls.take()
    # when
    asynchronous()
    # then
    made = calls.take()
    assert len(internet.to(RECEIVER)) == 2
    assert len(made) == stated("Asynchronous provider, webhook") == 14, made


def test_a_secret_is_read_once_a_sandbox_and_ttl(lambdas: Lambdas, key: str, calls: Calls, clock: Clock) -> None:
    # given a sandbox that has read the two that it needs
    lambdas.ask(request("generate", authorization=key))
    assert calls.take().count(SECRET_READ) == 2
    # when it is asked again before and after five minutes
    clock.now += 299
    lambdas.ask(request("generate", authorization=key))
    before = calls.take().count(SECRET_READ)
    clock.now += 1
    lambdas.ask(request("generate", authorization=key))
    # then
    assert before == 0
    assert calls.take().count(SECRET_READ) == 2


@pytest.mark.parametrize("seconds", [6, 250])
def test_a_rotated_provider_key_is_picked_up_after_a_refusal(
    seconds: int,
    lambdas: Lambdas,
    key: str,
    calls: Calls,
    clock: Clock,
    studio: Studio,
    stack: Stack,
    internet: Internet,
    generations: GenerationStore,
) -> None:
    # given a sandbox that remembers the old key
    lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    # when the key is rotated
    studio.key = "rotated-key"
    set_provider_keys(stack.ref("ProviderKeysSecret"), {"artificial-studio": studio.key})
    clock.now += seconds
    calls.take()
    _, accepted = lambdas.ask(request("generate", authorization=key))
    answers = lambdas.make()
    # then
    generation = generations.get(accepted["id"])
    assert (generation.status, generation.job_id) == (Status.PROCESSING, "job1")
    assert answers == [{"batchItemFailures": []}]
    tried = [asked.headers["Authorization"] for asked in internet.to("api.artificialstudio.ai")]
    assert tried == ["studio-key", "studio-key", "rotated-key"]
    assert calls.take().count(SECRET_READ) == 1


def test_a_provider_key_still_refused_fails_and_names_operator(
    lambdas: Lambdas, key: str, studio: Studio, internet: Internet, generations: GenerationStore
) -> None:
    # given
    studio.key = "another-key"
    _, accepted = lambdas.ask(request("generate", authorization=key))
    # when
    lambdas.make()
    # then
    generation = generations.get(accepted["id"])
    assert generation.status is Status.ERROR
    assert "operator" in str(generation.error)
    assert len(internet.to("api.artificialstudio.ai")) == 2


def test_reading_a_generation_costs_two_calls_when_warm(lambdas: Lambdas, key: str, calls: Calls) -> None:
    # given
    _, accepted = lambdas.ask(request("generate", authorization=key))
    read: dict[str, Any] = request(
        "generate", method="GET", path=f"/generations/{accepted['id']}", authorization=key, body=""
    )
    calls.take()
    # when
    status, document = lambdas.ask(read)
    # then
    assert (status, document) == (200, accepted)
    assert calls.take() == ["dynamodb:GetItem"] * 2


def test_the_tests_validate_what_the_functions_do_not(table: RecordTable) -> None:
    with pytest.raises(ParamValidationError):
        clients.client("dynamodb").get_item(TableName=table._table, Key={"id": "no attribute value"})
