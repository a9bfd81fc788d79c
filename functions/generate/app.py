"""Clients' API: asking for generations, reading them, and the stable URLs of their files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from atelier.adapters import aws
from atelier.adapters.acceptance import AcceptanceStore
from atelier.adapters.accounts import AccountStore
from atelier.adapters.api import answer, body, correlation_id, resolver
from atelier.adapters.catalogs import catalog_source
from atelier.adapters.files import S3Files
from atelier.adapters.messaging import SqsQueue
from atelier.adapters.records import RecordTable
from atelier.adapters.secrets import Secret, SecretProviderKeys
from atelier.adapters.store import GenerationStore
from atelier.addresses import EgressPolicy
from atelier.catalog import Catalog
from atelier.document import base_url, describe, describe_model
from atelier.errors import NotFoundError
from atelier.idempotency import parse_idempotency
from atelier.observability import follow, logger
from atelier.providers.registry import Setup
from atelier.request import parse_generation_request, parse_wait
from atelier.settings import load
from atelier.steps import now_ms
from atelier.steps.accept import Accept, Authenticate, Wait

app = resolver()


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    accounts_table: str
    dispatch_queue_url: str
    files_bucket: str
    digest_key_arn: str
    provider_keys_arn: str
    provider_urls: Mapping[str, str]
    bedrock_model_arns: tuple[str, ...]
    catalog_object: str
    public_url: str
    aws_region: str
    wait_seconds: int
    retention_days: int
    allow_loopback: bool
    egress_ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the routes need, made once a sandbox."""

    settings: Settings
    policy: EgressPolicy
    catalog: Callable[[], Catalog]
    setup: Setup
    generations: GenerationStore
    authenticate: Authenticate
    accounts: AccountStore
    accept: Accept
    wait: Wait


@cache
def wiring() -> Wiring:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb, secrets = aws.client("dynamodb"), aws.client("secretsmanager")
    accounts_table = RecordTable(dynamodb, settings.accounts_table)
    accounts = AccountStore(accounts_table)
    generations = GenerationStore(
        RecordTable(dynamodb, settings.generations_table), retention_days=settings.retention_days
    )
    setup = Setup(
        keys=SecretProviderKeys(Secret(secrets, settings.provider_keys_arn)),
        urls=settings.provider_urls,
        bedrock_models=settings.bedrock_model_arns,
    )
    return Wiring(
        settings=settings,
        policy=EgressPolicy(allow_loopback=settings.allow_loopback, ports=settings.egress_ports),
        catalog=catalog_source(settings.catalog_object),
        setup=setup,
        generations=generations,
        authenticate=Authenticate(
            keys=accounts,
            digest_key=Secret(secrets, settings.digest_key_arn),
            clock=now_ms,
        ),
        accounts=accounts,
        accept=Accept(
            acceptances=AcceptanceStore(accounts_table, accounts, generations),
            queue=SqsQueue(aws.client("sqs"), settings.dispatch_queue_url),
            setup=setup,
            clock=now_ms,
        ),
        wait=Wait(generations=generations),
    )


@app.post("/generate")
def generate() -> Response[str]:
    """Accept a generation, and wait for it where the client wants to (RFC 7240)."""
    to, headers = wiring(), app.current_event.headers
    key = to.authenticate(headers.get("Authorization"))
    text = body(app)
    request = parse_generation_request(text, to.catalog(), to.policy)
    idempotency = parse_idempotency(headers.get("Idempotency-Key"), route="/generate", body=text)
    seconds, applied = parse_wait(headers.get("Prefer"), webhook=request.webhook, limit=to.settings.wait_seconds)
    accepted = to.accept(request, key, correlation_id(app), idempotency)
    follow(accepted)
    logger.info("generation accepted", model=accepted.model)
    generation = to.wait(accepted, seconds)
    base = _base_url()
    extra = {"Location": f"{base}/generations/{generation.id}"}
    if applied:
        extra["Preference-Applied"] = applied
    return answer(200 if generation.status.final else 202, describe(generation, base), extra)


@app.get("/generations/<generation_id>")
def read(generation_id: str) -> Response[str]:
    """Answer one of the caller's generations."""
    to = wiring()
    key = to.authenticate(app.current_event.headers.get("Authorization"))
    key.require("read")
    to.accounts.count_read(key, now_ms())
    generation = to.generations.get(generation_id)
    if generation.user_id != key.user_id:
        raise NotFoundError(f"There is no generation '{generation_id}'.")
    return answer(200, describe(generation, _base_url()))


@app.get("/models")
def models() -> Response[str]:
    """List what can be asked for, and what cannot just now."""
    to = wiring()
    return answer(
        200,
        {
            "data": [
                describe_model(model, model.usable(to.setup.ready, test=False))
                for model in to.catalog().models.values()
            ]
        },
    )


@app.get("/files/inputs/.+")
@app.get("/files/outputs/.+")
def file() -> Response[str]:
    """Lead a stable URL to a link that works for five minutes."""
    key = app.current_event.path.partition("/files/")[2]
    link = S3Files(aws.client("s3"), wiring().settings.files_bucket).link(key)
    if link is None:
        raise NotFoundError("There is no such file; it may have expired.")
    return answer(302, {"url": link}, {"Location": link, "Cache-Control": "private, max-age=60"})


def _base_url() -> str:
    settings, context = wiring().settings, app.current_event.request_context
    return base_url(settings.public_url, api_id=context.api_id or "", region=settings.aws_region)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API Gateway request."""
    return app.resolve(event, context)
