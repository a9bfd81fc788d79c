"""Every minute: whatever is overdue is sent again, asked for, announced or failed."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from atelier.accounts.warn_of_budgets import WarnOfBudgets
from atelier.adapters.aws import clients
from atelier.adapters.aws.queues import SqsQueue
from atelier.adapters.aws.topic import SnsTopic
from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.dynamodb.settlement import Settlement
from atelier.adapters.dynamodb.spending_store import SpendingStore
from atelier.adapters.lambda_.metrics import EmbeddedMetrics
from atelier.adapters.threads import in_threads
from atelier.api.base_url import resolve_public_url
from atelier.clock import now_ms
from atelier.generations.reconcile import Reconcile
from atelier.logging import logger
from atelier.settings import load
from atelier.webhooks.announce import Announce
from atelier.webhooks.measurements import Measurement

WORKERS = 8
"""Records handled at once, of all kinds: a slow topic holds up neither resends nor deliveries."""


@dataclass(frozen=True, slots=True)
class Settings:
    """This function's environment variables."""

    generations_table: str
    accounts_table: str
    dispatch_queue_url: str
    ingest_queue_url: str
    delivery_queue_url: str
    topic_arn: str
    public_url: str
    aws_region: str
    api_id: str
    retention_days: int
    metrics_namespace: str


@dataclass(frozen=True, slots=True)
class Measurements:
    """Keeps what the threads measure for one of them to write: lines of several would mix."""

    metrics: EmbeddedMetrics
    kept: deque[Measurement] = field(default_factory=deque)

    def add(self, found: Iterable[Measurement]) -> None:
        """Keep measurements."""
        self.kept.extend(found)

    def write(self) -> None:
        """Write what was kept up to now."""
        while self.kept:
            self.metrics([self.kept.popleft()])


@cache
def measurements() -> Measurements:
    """Keep this function's measurements."""
    return Measurements(EmbeddedMetrics(load(Settings).metrics_namespace))


@cache
def reconcile() -> Reconcile:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb = clients.client("dynamodb")
    accounts = Settlement(RecordTable(dynamodb, settings.accounts_table))
    table = RecordTable(dynamodb, settings.generations_table)
    generations = GenerationStore(table, accounts=accounts)
    return Reconcile(
        generations=generations,
        schedule=generations,
        dispatch_queue=SqsQueue(lambda: clients.client("sqs"), settings.dispatch_queue_url),
        ingest_queue=SqsQueue(lambda: clients.client("sqs"), settings.ingest_queue_url),
        delivery_queue=SqsQueue(lambda: clients.client("sqs"), settings.delivery_queue_url),
        announce=Announce(
            deliveries=DeliveryStore(table, retention_days=settings.retention_days),
            topic=SnsTopic(clients.client("sns"), settings.topic_arn),
            base_url=resolve_public_url(settings.public_url, api_id=settings.api_id, region=settings.aws_region),
            measure=measurements().add,
        ),
        clock=now_ms,
        each=in_threads(WORKERS),
    )


@cache
def warn_of_budgets() -> WarnOfBudgets:
    """Put the real collaborators together."""
    settings = load(Settings)
    table = RecordTable(clients.client("dynamodb"), settings.accounts_table)
    topic = SnsTopic(clients.client("sns"), settings.topic_arn)
    return WarnOfBudgets(spending=SpendingStore(table), topic=topic, clock=now_ms)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Look after what is overdue, and say how much there was."""
    count = 0
    for handled in reconcile()():
        count += 1
        log = logger.warning if handled.error else logger.info
        log(
            "overdue",
            generation_id=handled.generation_id,
            correlation_id=handled.correlation_id,
            action=handled.action.name.lower(),
            exc_info=handled.error,
        )
        measurements().write()
    measurements().write()
    for spending in warn_of_budgets()():
        logger.warning("budget nearly spent", owner=spending.owner, owner_id=spending.owner_id, period=spending.period)
    return {"overdue": count}
