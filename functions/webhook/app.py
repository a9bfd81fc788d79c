"""Providers' callbacks: verify, record, answer fast."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import aws
from atelier.adapters.answers import Answer, answer, answered, body
from atelier.adapters.messaging import SqsQueue
from atelier.adapters.records import RecordTable
from atelier.adapters.store import GenerationStore
from atelier.observability import follow, logger
from atelier.providers.registry import CALLBACK_READERS
from atelier.settings import load
from atelier.steps.callback import Callback


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    ingest_queue_url: str


@cache
def callback() -> Callback:
    """Put the real collaborators together."""
    settings = load(Settings)
    return Callback(
        generations=GenerationStore(RecordTable(aws.client("dynamodb"), settings.generations_table)),
        queue=SqsQueue(aws.client("sqs"), settings.ingest_queue_url),
        readers=CALLBACK_READERS,
    )


def receive(event: dict[str, Any]) -> Answer:
    """Take a callback; 404 where its token is not the generation's, so that the provider tries again."""
    path = event["pathParameters"]
    generation = callback()(path["provider"], path["generation_id"], path["token"], body(event))
    follow(generation)
    logger.info("callback received", provider=path["provider"])
    return answer(200, {"received": True})


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Answer:
    """Answer an API Gateway request; this function has one route only."""
    return answered(lambda: receive(event))
