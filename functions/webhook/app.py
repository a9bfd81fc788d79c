"""Providers' callbacks: verify, record, answer fast."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from atelier.adapters import ed25519
from atelier.adapters.aws import clients
from atelier.adapters.aws.queues import SqsQueue
from atelier.adapters.aws.secrets import CALLBACKS, NO_KEYS, Secret, SecretProviderKeys
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.http.lazy_client import LazyHttpClient
from atelier.adapters.lambda_.responses import Answer, answer, answered, raw_body, time_of
from atelier.generations.provider_callback import ProviderCallback
from atelier.logging import bind_context, logger
from atelier.outbound.url_policy import OperatorPolicy
from atelier.providers.asynchronous import asynchronous
from atelier.providers.provider import CallbackRequest
from atelier.settings import load


@dataclass(frozen=True, slots=True)
class Settings:
    """This function's environment variables."""

    generations_table: str
    ingest_queue_url: str
    provider_keys_arn: str
    provider_urls: Mapping[str, str]


@cache
def callback() -> ProviderCallback:
    """Put the real collaborators together."""
    settings = load(Settings)
    table = RecordTable(clients.client("dynamodb", brief=True), settings.generations_table)
    return ProviderCallback(
        generations=GenerationStore(table),
        queue=SqsQueue(lambda: clients.client("sqs", brief=True), settings.ingest_queue_url),
        providers=asynchronous(LazyHttpClient(OperatorPolicy()), urls=settings.provider_urls, verify=ed25519.verify),
        keys=cache(lambda: _keys(settings.provider_keys_arn)),
    )


def _keys(arn: str) -> SecretProviderKeys:
    return SecretProviderKeys(
        Secret(clients.client("secretsmanager", brief=True), arn, stage=CALLBACKS, missing=NO_KEYS)
    )


def receive(event: dict[str, Any]) -> Answer:
    """Take a callback; 404 where its token is not the generation's, so that the provider tries again."""
    path = event["pathParameters"]
    headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
    request = CallbackRequest(headers=headers, body=raw_body(event), received_at=int(time.time()))
    generation = callback()(path["provider"], path["generation_id"], path["token"], request)
    bind_context(generation)
    logger.info("callback received", provider=path["provider"])
    return answer(200, {"received": True})


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Answer:
    """Answer an API Gateway request; this function has one route only."""
    with time_of(context):
        return answered(lambda: receive(event))
