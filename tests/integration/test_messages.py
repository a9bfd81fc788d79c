"""Queue messages that say what their sender knew."""

import json
from dataclasses import replace
from typing import Any

import pytest

from atelier.adapters.aws.messages import (
    ANNOUNCED,
    FRESH,
    KNOWN,
    MAX_BYTES,
    Message,
    announced_text,
    attributes,
    known_text,
    read_message,
)
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.generations.model import ProviderAttempt, Status
from atelier.webhooks.delivery import Announced
from atelier.webhooks.events import deliveries_for
from tests.integration.lambdas import Lambdas, event, queue_event, request
from tests.integration.world import RECEIVER, SKETCH, Internet, accept
from tests.unit.fakes import NOW, a_generation

GENERATION = a_generation(
    status=Status.PROCESSING, version=3, payload={"prompt": "ein Füchslein 🦊", "n": 2, "seed": None},
    attempts=(ProviderAttempt("studio", "xl", NOW),), job_id="job-1", test=True,
)  # fmt: skip
FINISHED = replace(GENERATION, status=Status.SUCCESS, webhook="https://your-server.com/hook", finished_at=NOW)
DELIVERY = Announced(deliveries_for(FINISHED, {}, "https://api.example")[0], FINISHED.correlation_id)


def record(texts: dict[str, str], *, age: int = 0, receives: int = 1) -> dict[str, Any]:
    """A message as Lambda gets it."""
    (found,) = event("dispatch")["Records"]
    return {
        **found,
        "body": json.dumps({"id": GENERATION.id}),
        "attributes": {"SentTimestamp": str(NOW - age), "ApproximateReceiveCount": str(receives)},
        "messageAttributes": {
            name: {"stringValue": item["StringValue"], "dataType": item["DataType"]}
            for name, item in attributes(texts).items()
        },
    }


def test_a_message_knows_the_generation_as_it_was_sent() -> None:
    message = read_message(record({KNOWN: known_text(GENERATION)}), NOW)
    assert message == Message(GENERATION.id, known=GENERATION)


def test_an_announcement_knows_its_delivery() -> None:
    message = read_message(record({ANNOUNCED: announced_text(DELIVERY), "status": "success"}), NOW)
    assert message == Message(GENERATION.id, announced=DELIVERY)


@pytest.mark.parametrize(
    "found",
    [
        record({}),
        record({KNOWN: known_text(GENERATION)}, age=FRESH + 1),
        record({KNOWN: known_text(GENERATION)}, receives=2),
        record({KNOWN: known_text(replace(GENERATION, payload={"prompt": "x" * MAX_BYTES}))}),
        record({KNOWN: "{}"}),
        record({KNOWN: json.dumps({"id": "1", "status": "unheard of"})}),
        record({KNOWN: "not JSON"}),
        record({ANNOUNCED: "[]"}),
    ],
    ids=["nothing", "late", "again", "large", "empty", "a newer release's", "no JSON", "no delivery"],
)
def test_what_is_not_worth_believing_is_read_by_its_id(found: dict[str, Any]) -> None:
    assert read_message(found, NOW) == Message(GENERATION.id)


def test_a_message_that_was_overtaken_changes_nothing(
    lambdas: Lambdas, key: str, generations: GenerationStore, internet: Internet
) -> None:
    """The message of a picture that was drawn meanwhile is refused by the table, which is read then."""
    internet.hosts[RECEIVER] = accept
    _, accepted = lambdas.ask(request("generate", authorization=key, body=SKETCH))
    before = generations.get(accepted["id"])
    lambdas.make()
    drawn = generations.get(accepted["id"])
    stale = queue_event("ingest", json.dumps({"id": before.id}))
    stale["Records"][0] |= {
        key: value
        for key, value in record({KNOWN: known_text(before)}).items()
        if key in ("messageAttributes", "attributes")
    }
    stale["Records"][0]["attributes"]["SentTimestamp"] = str(drawn.finished_at)
    assert lambdas.invoke("ingest", stale) == {"batchItemFailures": []}
    assert drawn.status is Status.SUCCESS
    assert generations.get(before.id) == drawn
