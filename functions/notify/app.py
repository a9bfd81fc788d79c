"""The Generations table's stream: announces finished generations, and has webhooks told that ask for more."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters.aws import clients
from atelier.adapters.aws.queues import SqsQueue
from atelier.adapters.aws.topic import SnsTopic
from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.lambda_.batches import BatchAnswer, process_changes
from atelier.adapters.lambda_.metrics import EmbeddedMetrics
from atelier.api.base_url import resolve_public_url
from atelier.generations.model import Generation
from atelier.logging import bind_context, logger
from atelier.settings import load
from atelier.webhooks.announce import Announce, Notify


@dataclass(frozen=True, slots=True)
class Settings:
    """This function's environment variables."""

    generations_table: str
    delivery_queue_url: str
    topic_arn: str
    public_url: str
    aws_region: str
    api_id: str
    retention_days: int
    metrics_namespace: str


@cache
def notify() -> Notify:
    """Put the real collaborators together."""
    settings = load(Settings)
    table = RecordTable(clients.client("dynamodb"), settings.generations_table)
    return Notify(
        announce=Announce(
            deliveries=DeliveryStore(table, retention_days=settings.retention_days),
            topic=SnsTopic(clients.client("sns"), settings.topic_arn),
            base_url=resolve_public_url(settings.public_url, api_id=settings.api_id, region=settings.aws_region),
            measure=EmbeddedMetrics(settings.metrics_namespace),
        ),
        queue=lambda: SqsQueue(lambda: clients.client("sqs"), settings.delivery_queue_url),
    )


def take(generation: Generation) -> None:
    """Tell of one generation's status."""
    bind_context(generation)
    notify()(generation)
    logger.info("generation notified", model=generation.model)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of the table's stream."""
    return process_changes(event, take)
