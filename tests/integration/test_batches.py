"""Partial batches: only what may succeed another time comes again."""

import json
from typing import Any

import httpx
import pytest

from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.generations.model import Status
from tests.integration.lambdas import Lambdas, event, message, queue_event, request
from tests.integration.samples import delivery, finished_example, generation
from tests.integration.stack import Stack, aws
from tests.integration.world import SKETCH, Internet, Studio

NOBODY = "0" * 32
NONE_FAILED: dict[str, list[object]] = {"batchItemFailures": []}
LAST_FAILED = {"batchItemFailures": [{"itemIdentifier": "message-1"}]}


@pytest.mark.parametrize("bad", ["{", "", "[]", "7", "{}", '{"id": '])
@pytest.mark.parametrize("function", ["dispatch", "ingest", "deliver"])
def test_only_the_malformed_message_of_two_comes_back(
    function: str, bad: str, lambdas: Lambdas, generations: GenerationStore
) -> None:
    # given
    one = generation(status=Status.ERROR)
    generations.add(one)
    # when
    answer = lambdas.invoke(function, queue_event(function, message(one.id), bad))
    # then
    assert answer == LAST_FAILED


def test_the_good_message_beside_a_bad_one_is_worked_on(
    lambdas: Lambdas, generations: GenerationStore, key: str
) -> None:
    # given
    _, accepted = lambdas.ask(request("generate", authorization=key, body=SKETCH))
    # when
    lambdas.invoke("ingest", queue_event("ingest", "{", message(accepted["id"])))
    # then
    assert generations.get(accepted["id"]).status is Status.SUCCESS


@pytest.mark.parametrize("function", ["dispatch", "ingest", "deliver"])
def test_a_batch_of_one_malformed_message_is_reported_not_raised(function: str, lambdas: Lambdas) -> None:
    answer = lambdas.invoke(function, queue_event(function, "{"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


@pytest.mark.parametrize("function", ["dispatch", "ingest", "deliver"])
def test_a_deleted_generation_does_not_come_back(function: str, lambdas: Lambdas) -> None:
    assert lambdas.invoke(function, queue_event(function, message(NOBODY))) == NONE_FAILED


@pytest.mark.parametrize("function", ["dispatch", "ingest", "deliver"])
def test_the_example_event_of_a_gone_generation_is_not_repeated(function: str, lambdas: Lambdas) -> None:
    assert lambdas.invoke(function, event(function)) == NONE_FAILED


def test_a_delivery_that_another_worker_has_does_not_come_back(
    lambdas: Lambdas, generations: GenerationStore, table: RecordTable, internet: Internet
) -> None:
    # given a delivery whose attempt another worker has just started
    finished = generation(status=Status.SUCCESS, webhook="https://a.example/")
    generations.add(finished)
    DeliveryStore(table).advance(None, delivery(finished, due_at=2**45))
    # when
    answer = lambdas.invoke("deliver", queue_event("deliver", message(finished.id)))
    # then
    assert answer == NONE_FAILED
    assert internet.requests == []


def test_a_provider_whose_answer_was_lost_is_not_asked_again(
    lambdas: Lambdas, key: str, studio: Studio, internet: Internet, generations: GenerationStore
) -> None:
    # given
    internet.hosts["api.artificialstudio.ai"] = lambda _: httpx.Response(502)
    _, accepted = lambdas.ask(request("generate", authorization=key))
    # when
    first = lambdas.make()
    again = lambdas.invoke("dispatch", queue_event("dispatch", message(accepted["id"])))
    # then
    assert len(first[0]["batchItemFailures"]) == 1
    assert again == NONE_FAILED
    assert len(internet.requests) == 1
    assert generations.get(accepted["id"]).status is Status.PROCESSING


def test_a_result_that_cannot_be_fetched_now_comes_back(
    lambdas: Lambdas, key: str, studio: Studio, internet: Internet, generations: GenerationStore
) -> None:
    # given
    _, accepted = lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    studio.status = "success"
    files = internet.hosts.pop("files.artificialstudio.ai")
    # when the files' host is down, and then up
    first = lambdas.invoke("ingest", queue_event("ingest", message(accepted["id"])))
    internet.hosts["files.artificialstudio.ai"] = files
    second = lambdas.invoke("ingest", queue_event("ingest", message(accepted["id"])))
    # then
    assert first == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert second == NONE_FAILED
    assert generations.get(accepted["id"]).status is Status.SUCCESS


def test_the_example_stream_event_gives_the_example_message(lambdas: Lambdas, generations: GenerationStore) -> None:
    # given
    generations.add(finished_example())
    # when
    answer = lambdas.invoke("notify", event("notify"))
    # then
    assert answer == NONE_FAILED
    assert lambdas.waiting("DeliveryQueue") == [json.loads(event("deliver")["Records"][0]["body"])]


def test_only_the_malformed_change_of_two_comes_back(lambdas: Lambdas, generations: GenerationStore) -> None:
    # given
    generations.add(finished_example())
    document = event("notify")
    bad = event("notify")["Records"][0]
    bad["dynamodb"]["SequenceNumber"] = "666"
    del bad["dynamodb"]["NewImage"]["status"]
    document["Records"].append(bad)
    # when
    answer = lambdas.invoke("notify", document)
    # then
    assert answer == {"batchItemFailures": [{"itemIdentifier": "666"}]}
    assert len(lambdas.waiting("DeliveryQueue")) == 1


def test_a_change_that_was_announced_already_does_not_come_back(lambdas: Lambdas, generations: GenerationStore) -> None:
    # given
    generations.add(finished_example())
    lambdas.invoke("notify", event("notify"))
    # when, then
    assert lambdas.invoke("notify", event("notify")) == NONE_FAILED


def test_a_change_not_announced_comes_back_and_stays_on_agenda(
    lambdas: Lambdas, generations: GenerationStore, stack: Stack
) -> None:
    # given
    generations.add(finished_example())
    aws("sns").delete_topic(TopicArn=stack.ref("GenerationsTopic"))
    (record,) = event("notify")["Records"]
    # when
    answer = lambdas.invoke("notify", event("notify"))
    # then
    assert answer == {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    assert generations.get(record["dynamodb"]["Keys"]["id"]["S"]).due_at is not None


def image(status: str, events: str = '["pending","uploading","success"]', version: str = "2") -> dict[str, Any]:
    """The example generation as the stream has it, at another status."""
    found: dict[str, Any] = event("notify")["Records"][0]["dynamodb"]["OldImage"]
    return {**found, "status": {"S": status}, "webhook_events": {"S": events}, "version": {"N": version}}


@pytest.mark.parametrize(
    ("images", "messages"),
    [
        ({"OldImage": image("processing"), "NewImage": image("uploading")}, 1),
        ({"NewImage": image("pending")}, 1),
        ({"OldImage": image("processing"), "NewImage": image("pending")}, 1),  # again: deliver finds nothing to do
        ({"NewImage": image("uploading")}, 0),
        ({"OldImage": image("uploading"), "NewImage": image("uploading", version="3")}, 0),
        ({"OldImage": image("pending"), "NewImage": image("processing")}, 0),
        ({"OldImage": image("pending"), "NewImage": image("uploading", '["success","error"]')}, 0),
        ({"OldImage": image("success"), "NewImage": image("uploading")}, 0),
        ({"OldImage": image("uploading")}, 0),
    ],
)
def test_each_change_of_status_is_told_where_its_webhook_asked(
    lambdas: Lambdas, images: dict[str, Any], messages: int
) -> None:
    # given
    document = event("notify")
    change = document["Records"][0]["dynamodb"]
    del change["OldImage"], change["NewImage"]
    change.update(images)
    # when, then
    assert lambdas.invoke("notify", document) == NONE_FAILED
    assert len(lambdas.waiting("DeliveryQueue")) == messages


@pytest.mark.parametrize("name", ["OldImage", "NewImage"])
def test_a_change_that_finishes_nothing_is_let_be(name: str, lambdas: Lambdas, generations: GenerationStore) -> None:
    # given a generation that was finished before, or is not yet, or a record that was made or deleted
    generations.add(finished_example())
    document = event("notify")
    change = document["Records"][0]["dynamodb"]
    other = {"OldImage": "NewImage", "NewImage": "OldImage"}[name]
    half = event("notify")
    del half["Records"][0]["dynamodb"][name]
    change[name] = change[other]
    # when, then
    assert lambdas.invoke("notify", document) == NONE_FAILED
    assert lambdas.invoke("notify", half) == NONE_FAILED
    assert lambdas.waiting("DeliveryQueue") == []
