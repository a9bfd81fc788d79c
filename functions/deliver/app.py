"""DeliveryQueue: POSTs what became of generations to clients' webhooks."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters.aws import clients
from atelier.adapters.aws.messages import Message
from atelier.adapters.aws.queues import SqsQueue
from atelier.adapters.aws.secrets import Secret
from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.dynamodb.webhook_secret_store import WebhookSecretStore
from atelier.adapters.http.lazy_client import LazyHttpClient
from atelier.adapters.lambda_.batches import BatchAnswer, process_messages
from atelier.adapters.lambda_.metrics import EmbeddedMetrics
from atelier.api.base_url import resolve_public_url
from atelier.clock import now_ms
from atelier.errors import ConflictError
from atelier.logging import bind_context, logger
from atelier.outbound.url_policy import UrlPolicy
from atelier.settings import load
from atelier.webhooks.deliver import Deliver, Handled
from atelier.webhooks.measurements import of_attempt
from atelier.webhooks.signing_secrets import SigningSecrets


@dataclass(frozen=True, slots=True)
class Settings:
    """This function's environment variables."""

    generations_table: str
    accounts_table: str
    delivery_queue_url: str
    signing_key_arn: str
    public_url: str
    webhook_source: str
    aws_region: str
    api_id: str
    retention_days: int
    calls_per_webhook_host: int
    allow_loopback: bool
    egress_ports: frozenset[int]
    metrics_namespace: str


@cache
def deliver() -> Deliver:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb = clients.client("dynamodb")
    versions = WebhookSecretStore(RecordTable(dynamodb, settings.accounts_table))
    signing_key = Secret(clients.client("secretsmanager"), settings.signing_key_arn)
    return Deliver(
        deliveries=DeliveryStore(
            RecordTable(dynamodb, settings.generations_table), retention_days=settings.retention_days
        ),
        queue=lambda: SqsQueue(lambda: clients.client("sqs"), settings.delivery_queue_url),
        egress=LazyHttpClient(UrlPolicy(allow_loopback=settings.allow_loopback, ports=settings.egress_ports)),
        secrets=SigningSecrets(versions.read, signing_key),
        base_url=resolve_public_url(settings.public_url, api_id=settings.api_id, region=settings.aws_region),
        source=settings.webhook_source,
        clock=now_ms,
        calls_per_host=settings.calls_per_webhook_host,
    )


@cache
def metrics() -> EmbeddedMetrics:
    """Make the writer of metrics."""
    return EmbeddedMetrics(load(Settings).metrics_namespace)


def attempt(message: Message) -> Handled | None:
    """Attempt the delivery that a message announces, or else, and where that came too late, the one that is due."""
    step = deliver()
    if message.announced:
        bind_context(message.announced)
        with suppress(ConflictError):
            return step.begin(message.announced.delivery)
    generation, deliveries = step.deliveries.find(message.generation_id)
    bind_context(generation)
    return step(generation, deliveries)


def handle(message: Message) -> None:
    """Attempt one delivery; an alarm counts the lines that say `"delivery": "dead"`."""
    if handled := attempt(message):
        delivery, made = handled
        logger.info(
            "delivery attempted" if made else "delivery rescheduled",
            event=delivery.event.value,
            delivery=delivery.status.value,
            code=made and made.status_code,
            reason=made and made.reason,
        )
        if made:
            metrics()(of_attempt(delivery))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of DeliveryQueue."""
    return process_messages(event, handle)
