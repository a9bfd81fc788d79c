"""The Generations table's stream: announces finished generations on the topic."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import aws
from atelier.adapters.batches import BatchAnswer, process_finished
from atelier.adapters.messaging import SnsTopic
from atelier.adapters.records import RecordTable
from atelier.adapters.store import GenerationStore
from atelier.document import base_url
from atelier.generation import Generation
from atelier.observability import follow, logger
from atelier.settings import load
from atelier.steps.announce import Announce


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    topic_arn: str
    public_url: str
    aws_region: str
    api_id: str


@cache
def announce() -> Announce:
    """Put the real collaborators together."""
    settings = load(Settings)
    return Announce(
        generations=GenerationStore(RecordTable(aws.client("dynamodb"), settings.generations_table)),
        topic=SnsTopic(aws.client("sns"), settings.topic_arn),
        base_url=base_url(settings.public_url, api_id=settings.api_id, region=settings.aws_region),
    )


def take(generation: Generation) -> None:
    """Announce one generation."""
    follow(generation)
    announce()(generation)
    logger.info("generation announced", model=generation.model)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of the table's stream."""
    return process_finished(event, take)
