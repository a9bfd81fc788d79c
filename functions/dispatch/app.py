"""DispatchQueue: hands pending generations to their providers."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import aws
from atelier.adapters.accounts import AccountStore
from atelier.adapters.batches import BatchAnswer, process_ids
from atelier.adapters.files import S3Files
from atelier.adapters.http import OwnerPolicy, client
from atelier.adapters.imaging import thumbnail
from atelier.adapters.messaging import SqsQueue
from atelier.adapters.records import RecordTable
from atelier.adapters.secrets import Secret, SecretProviderKeys
from atelier.adapters.store import GenerationStore
from atelier.catalog import embedded
from atelier.document import base_url
from atelier.observability import follow, logger
from atelier.providers.registry import providers
from atelier.settings import load
from atelier.steps import now_ms
from atelier.steps.dispatch import Dispatch
from atelier.steps.finish import Finish


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    accounts_table: str
    dispatch_queue_url: str
    ingest_queue_url: str
    files_bucket: str
    provider_keys_arn: str
    artificial_studio_url: str
    public_url: str
    aws_region: str
    api_id: str


@cache
def dispatch() -> Dispatch:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb = aws.client("dynamodb")
    accounts = AccountStore(RecordTable(dynamodb, settings.accounts_table))
    generations = GenerationStore(RecordTable(dynamodb, settings.generations_table), accounts=accounts)
    sqs = aws.client("sqs")
    return Dispatch(
        generations=generations,
        queue=SqsQueue(sqs, settings.dispatch_queue_url),
        ingest_queue=SqsQueue(sqs, settings.ingest_queue_url),
        providers=providers(client(OwnerPolicy()), artificial_studio_url=settings.artificial_studio_url),
        keys=SecretProviderKeys(Secret(aws.client("secretsmanager"), settings.provider_keys_arn)),
        catalog=embedded(),
        finish=Finish(
            generations=generations,
            files=S3Files(aws.client("s3"), settings.files_bucket),
            thumbnail=thumbnail,
            clock=now_ms,
        ),
        callback_base_url=base_url(settings.public_url, api_id=settings.api_id, region=settings.aws_region),
        clock=now_ms,
    )


def take(generation_id: str) -> None:
    """Dispatch one generation."""
    step = dispatch()
    generation = step.generations.get(generation_id)
    follow(generation)
    step(generation)
    logger.info("generation dispatched", model=generation.model)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of DispatchQueue."""
    return process_ids(event, take)
