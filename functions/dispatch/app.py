"""DispatchQueue: hands pending generations to their providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import aws, ed25519
from atelier.adapters.accounts import AccountStore
from atelier.adapters.batches import BatchAnswer, process_ids
from atelier.adapters.bedrock import BedrockModels
from atelier.adapters.catalogs import catalog_source
from atelier.adapters.files import S3Files
from atelier.adapters.http import OwnerPolicy, client
from atelier.adapters.imaging import sanitise, thumbnail
from atelier.adapters.messaging import SqsQueue
from atelier.adapters.records import RecordTable
from atelier.adapters.secrets import Secret, SecretProviderKeys
from atelier.adapters.store import GenerationStore
from atelier.addresses import EgressPolicy
from atelier.document import base_url
from atelier.observability import follow, logger
from atelier.providers.registry import Setup, asynchronous, synchronous
from atelier.settings import load
from atelier.steps import now_ms
from atelier.steps.dispatch import Dispatch
from atelier.steps.download import Download
from atelier.steps.finish import Finish
from atelier.steps.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    accounts_table: str
    dispatch_queue_url: str
    ingest_queue_url: str
    files_bucket: str
    provider_keys_arn: str
    provider_urls: Mapping[str, str]
    bedrock_model_arns: tuple[str, ...]
    catalog_object: str
    public_url: str
    aws_region: str
    api_id: str
    allow_loopback: bool
    egress_ports: frozenset[int]


@cache
def dispatch() -> Dispatch:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb = aws.client("dynamodb")
    accounts = AccountStore(RecordTable(dynamodb, settings.accounts_table))
    generations = GenerationStore(RecordTable(dynamodb, settings.generations_table), accounts=accounts)
    keys = SecretProviderKeys(Secret(aws.client("secretsmanager"), settings.provider_keys_arn))
    files = S3Files(aws.client("s3"), settings.files_bucket)
    base = base_url(settings.public_url, api_id=settings.api_id, region=settings.aws_region)
    http, urls = client(OwnerPolicy()), settings.provider_urls
    sqs = aws.client("sqs")
    return Dispatch(
        generations=generations,
        queue=SqsQueue(sqs, settings.dispatch_queue_url),
        ingest_queue=SqsQueue(sqs, settings.ingest_queue_url),
        providers={
            **asynchronous(http, urls=urls, verify=ed25519.verify),
            **synchronous(http, urls=urls, models=BedrockModels(lambda: aws.client("bedrock-runtime"))),
        },
        keys=keys,
        ready=Setup(keys, urls, settings.bedrock_model_arns).ready,
        catalog=catalog_source(settings.catalog_object),
        inputs=Inputs(
            generations=generations,
            files=files,
            download=Download(
                client(EgressPolicy(allow_loopback=settings.allow_loopback, ports=settings.egress_ports))
            ),
            sanitise=sanitise,
            base_url=base,
            clock=now_ms,
        ),
        sanitise=sanitise,
        finish=Finish(generations=generations, files=files, thumbnail=thumbnail, clock=now_ms),
        callback_base_url=base,
        clock=now_ms,
    )


def take(generation_id: str) -> None:
    """Dispatch one generation."""
    step = dispatch()
    generation = step.generations.get(generation_id)
    follow(generation)
    after = step(generation)
    follow(after)
    asked = [attempt.provider for attempt in after.attempts]
    logger.info("generation dispatched", model=after.model, provider=after.provider, asked=asked)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of DispatchQueue."""
    return process_ids(event, take)
