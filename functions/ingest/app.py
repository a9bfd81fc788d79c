"""IngestQueue: whatever is done with pictures: clients' are prepared, sketch draws, and providers' are brought home."""

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
from atelier.adapters.lazy_pillow import convert, read_mask, sanitise, thumbnail
from atelier.api.base_url import resolve_public_url
from atelier.clock import now_ms
from atelier.generations.complete import Complete
from atelier.generations.dispatch import Dispatch, Workshop
from atelier.generations.ingest import Ingest
from atelier.generations.input_images import PrepareInputs, StoredInputs
from atelier.generations.model import Generation
from atelier.generations.ports import take
from atelier.images.download import Download
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
    allow_loopback: bool
    egress_ports: frozenset[int]


@cache
def ingest() -> Ingest:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb = clients.client("dynamodb")
    accounts = Settlement(RecordTable(dynamodb, settings.accounts_table))
    generations = GenerationStore(RecordTable(dynamodb, settings.generations_table), accounts=accounts)
    keys = SecretProviderKeys(Secret(clients.client("secretsmanager"), settings.provider_keys_arn))
    files = S3Files(lambda: clients.client("s3"), settings.files_bucket)
    base = resolve_public_url(settings.public_url, api_id=settings.api_id, region=settings.aws_region)
    http, urls = LazyHttpClient(OperatorPolicy()), settings.provider_urls
    download = Download(LazyHttpClient(UrlPolicy(allow_loopback=settings.allow_loopback, ports=settings.egress_ports)))
    complete = Complete(
        generations=generations, files=files, sanitise=sanitise, convert=convert, thumbnail=thumbnail, clock=now_ms
    )
    ingest_queue = SqsQueue(lambda: clients.client("sqs"), settings.ingest_queue_url)
    inputs = StoredInputs(files=files, base_url=base)
    catalog = catalog_source(settings.catalog_object)
    known = asynchronous(http, urls=urls, verify=ed25519.verify)
    others = synchronous(http, urls=urls, models=BedrockModels(lambda: clients.client("bedrock-runtime")))
    return Ingest(
        generations=generations,
        files=files,
        workshop=Dispatch(
            generations=generations,
            queue=ingest_queue,
            elsewhere=SqsQueue(lambda: clients.client("sqs"), settings.dispatch_queue_url),
            ingest_queue=ingest_queue,
            providers={**known, **others},
            gateways=Gateways(http, LazyHttpClient(UrlPolicy()), urls),
            keys=keys,
            ready=Setup(keys, urls, settings.bedrock_model_arns).ready,
            catalog=catalog,
            inputs=inputs,
            files=files,
            workshop=Workshop(
                prepare=PrepareInputs(
                    generations=generations,
                    files=files,
                    download=download,
                    sanitise=sanitise,
                    read_mask=read_mask,
                    base_url=base,
                    clock=now_ms,
                ),
                complete=complete,
            ),
            callback_base_url=base,
            clock=now_ms,
        ),
        inputs=inputs,
        providers=known,
        keys=keys,
        catalog=catalog,
        download=download,
        finish=complete,
        queue=ingest_queue,
        clock=now_ms,
    )


def handle(message: Message) -> None:
    """Ingest one generation."""
    step = ingest()

    def run(generation: Generation) -> None:
        bind_context(generation)
        step(generation)
        logger.info("generation ingested", provider=generation.provider)

    take(message.known, lambda: step.generations.get(message.generation_id), run)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of IngestQueue."""
    return process_messages(event, handle)
