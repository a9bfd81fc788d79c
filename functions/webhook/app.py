"""Providers' callbacks: verify, record, answer fast."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import aws, ed25519
from atelier.adapters.answers import Answer, answer, answered, raw_body
from atelier.adapters.lazy import LazyHttpClient
from atelier.adapters.messaging import SqsQueue
from atelier.adapters.records import RecordTable
from atelier.adapters.secrets import Secret, SecretProviderKeys
from atelier.adapters.store import GenerationStore
from atelier.observability import follow, logger
from atelier.ports import HttpClient
from atelier.providers import CallbackRequest
from atelier.providers.registry import asynchronous
from atelier.settings import load
from atelier.steps.callback import Callback


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    ingest_queue_url: str
    provider_keys_arn: str
    provider_urls: Mapping[str, str]


@cache
def callback() -> Callback:
    """Put the real collaborators together."""
    settings = load(Settings)
    return Callback(
        generations=GenerationStore(RecordTable(aws.client("dynamodb"), settings.generations_table)),
        queue=SqsQueue(aws.client("sqs"), settings.ingest_queue_url),
        providers=asynchronous(LazyHttpClient(_client), urls=settings.provider_urls, verify=ed25519.verify),
        keys=cache(lambda: SecretProviderKeys(Secret(aws.client("secretsmanager"), settings.provider_keys_arn))),
    )


def _client() -> HttpClient:
    from atelier.adapters.http import OwnerPolicy, client

    return client(OwnerPolicy())


def receive(event: dict[str, Any]) -> Answer:
    """Take a callback; 404 where its token is not the generation's, so that the provider tries again."""
    path = event["pathParameters"]
    headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
    request = CallbackRequest(headers=headers, body=raw_body(event), received_at=int(time.time()))
    generation = callback()(path["provider"], path["generation_id"], path["token"], request)
    follow(generation)
    logger.info("callback received", provider=path["provider"])
    return answer(200, {"received": True})


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Answer:
    """Answer an API Gateway request; this function has one route only."""
    return answered(lambda: receive(event))
