"""IngestQueue: asks providers what became of jobs and brings their pictures home."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import aws, ed25519
from atelier.adapters.accounts import AccountStore
from atelier.adapters.batches import BatchAnswer, process_ids
from atelier.adapters.files import S3Files
from atelier.adapters.http import OwnerPolicy, client
from atelier.adapters.imaging import sanitise, thumbnail
from atelier.adapters.records import RecordTable
from atelier.adapters.secrets import Secret, SecretProviderKeys
from atelier.adapters.store import GenerationStore
from atelier.addresses import EgressPolicy
from atelier.observability import follow, logger
from atelier.providers.registry import asynchronous
from atelier.settings import load
from atelier.steps import now_ms
from atelier.steps.download import Download
from atelier.steps.finish import Finish
from atelier.steps.ingest import Ingest


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
    dynamodb = aws.client("dynamodb")
    accounts = AccountStore(RecordTable(dynamodb, settings.accounts_table))
    generations = GenerationStore(RecordTable(dynamodb, settings.generations_table), accounts=accounts)
    return Ingest(
        generations=generations,
        providers=asynchronous(client(OwnerPolicy()), urls=settings.provider_urls, verify=ed25519.verify),
        keys=SecretProviderKeys(Secret(aws.client("secretsmanager"), settings.provider_keys_arn)),
        download=Download(client(EgressPolicy(allow_loopback=settings.allow_loopback, ports=settings.egress_ports))),
        sanitise=sanitise,
        finish=Finish(
            generations=generations,
            files=S3Files(aws.client("s3"), settings.files_bucket),
            thumbnail=thumbnail,
            clock=now_ms,
        ),
        clock=now_ms,
    )


def take(generation_id: str) -> None:
    """Ingest one generation."""
    step = ingest()
    generation = step.generations.get(generation_id)
    follow(generation)
    step(generation)
    logger.info("generation ingested", provider=generation.provider)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> BatchAnswer:
    """Take a batch of IngestQueue."""
    return process_ids(event, take)
