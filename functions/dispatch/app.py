"""DispatchQueue: hands pending generations to their providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import ed25519
from atelier.adapters.aws import clients
from atelier.adapters.aws.bedrock import BedrockModels
from atelier.adapters.aws.catalog_object import catalog_source
from atelier.adapters.aws.messages import Message
from atelier.adapters.aws.queues import SqsQueue
from atelier.adapters.aws.s3_files import S3Files
from atelier.adapters.aws.secrets import Secret, SecretProviderKeys
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.dynamodb.settlement import Settlement
from atelier.adapters.http.lazy_client import LazyHttpClient
from atelier.adapters.lambda_.batches import BatchAnswer, process_messages
from atelier.api.base_url import resolve_public_url
from atelier.clock import now_ms
from atelier.generations.dispatch import Dispatch
from atelier.generations.input_images import StoredInputs
from atelier.generations.model import Generation
from atelier.generations.ports import take
from atelier.logging import bind_context, logger
from atelier.outbound.url_policy import OperatorPolicy, UrlPolicy
from atelier.providers.asynchronous import asynchronous
from atelier.providers.registry import Gateways, Setup, synchronous
from atelier.settings import load


@dataclass(frozen=True, slots=True)
class Settings:
    """This function's environment variables."""

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


@cache
def dispatch() -> Dispatch:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb = clients.client("dynamodb")
    accounts = Settlement(RecordTable(dynamodb, settings.accounts_table))
    generations = GenerationStore(RecordTable(dynamodb, settings.generations_table), accounts=accounts)
    keys = SecretProviderKeys(Secret(clients.client("secretsmanager"), settings.provider_keys_arn))
    files = S3Files(lambda: clients.client("s3"), settings.files_bucket)
    base = resolve_public_url(settings.public_url, api_id=settings.api_id, region=settings.aws_region)
    http, urls = LazyHttpClient(OperatorPolicy()), settings.provider_urls
    ingest_queue = SqsQueue(lambda: clients.client("sqs"), settings.ingest_queue_url)
    return Dispatch(
        generations=generations,
        queue=SqsQueue(lambda: clients.client("sqs"), settings.dispatch_queue_url),
        elsewhere=ingest_queue,
        ingest_queue=ingest_queue,
        providers={
            **asynchronous(http, urls=urls, verify=ed25519.verify),
            **synchronous(http, urls=urls, models=BedrockModels(lambda: clients.client("bedrock-runtime"))),
        },
        gateways=Gateways(http, LazyHttpClient(UrlPolicy()), urls),
        keys=keys,
        ready=Setup(keys, urls, settings.bedrock_model_arns).ready,
        catalog=catalog_source(settings.catalog_object),
        inputs=StoredInputs(files=files, base_url=base),
        files=files,
        callback_base_url=base,
        clock=now_ms,
    )


def handle(message: Message) -> None:
    """Dispatch one generation."""
    step = dispatch()

    def run(generation: Generation) -> Generation:
        bind_context(generation)
        return step(generation)

    after = take(message.known, lambda: step.generations.get(message.generation_id), run)
    bind_context(after)
    asked = [attempt.provider for attempt in after.attempts]
    logger.info("generation dispatched", model=after.model, provider=after.provider, asked=asked)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of DispatchQueue."""
    return process_messages(event, handle)
