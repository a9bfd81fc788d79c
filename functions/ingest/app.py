"""IngestQueue: asks providers what became of jobs and brings their pictures home."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import ed25519
from atelier.adapters.aws import clients
from atelier.adapters.aws.s3_files import S3Files
from atelier.adapters.aws.secrets import Secret, SecretProviderKeys
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.http.client import OperatorPolicy, client
from atelier.adapters.lambda_.batches import BatchAnswer, process_ids
from atelier.adapters.pillow import sanitise, thumbnail
from atelier.clock import now_ms
from atelier.generations.complete import Complete
from atelier.generations.ingest import Ingest
from atelier.images.download import Download
from atelier.logging import bind_context, logger
from atelier.outbound.url_policy import UrlPolicy
from atelier.providers.registry import asynchronous
from atelier.settings import load


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    accounts_table: str
    files_bucket: str
    provider_keys_arn: str
    provider_urls: Mapping[str, str]
    allow_loopback: bool
    egress_ports: frozenset[int]


@cache
def ingest() -> Ingest:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb = clients.client("dynamodb")
    accounts = AccountStore(RecordTable(dynamodb, settings.accounts_table))
    generations = GenerationStore(RecordTable(dynamodb, settings.generations_table), accounts=accounts)
    return Ingest(
        generations=generations,
        providers=asynchronous(client(OperatorPolicy()), urls=settings.provider_urls, verify=ed25519.verify),
        keys=SecretProviderKeys(Secret(clients.client("secretsmanager"), settings.provider_keys_arn)),
        download=Download(client(UrlPolicy(allow_loopback=settings.allow_loopback, ports=settings.egress_ports))),
        finish=Complete(
            generations=generations,
            files=S3Files(clients.client("s3"), settings.files_bucket),
            sanitise=sanitise,
            thumbnail=thumbnail,
            clock=now_ms,
        ),
        clock=now_ms,
    )


def take(generation_id: str) -> None:
    """Ingest one generation."""
    step = ingest()
    generation = step.generations.get(generation_id)
    bind_context(generation)
    step(generation)
    logger.info("generation ingested", provider=generation.provider)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of IngestQueue."""
    return process_ids(event, take)
