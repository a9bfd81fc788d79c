"""Clients' API: asking for generations, all that can be done with them, the catalog, and the stable URLs of files."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from atelier.account import ApiKey
from atelier.adapters import aws
from atelier.adapters.acceptance import AcceptanceStore
from atelier.adapters.accounts import AccountStore
from atelier.adapters.api import Api, answer, body, copied, correlation_id, nothing
from atelier.adapters.catalogs import catalog_source
from atelier.adapters.messaging import SqsQueue
from atelier.adapters.records import RecordTable
from atelier.adapters.secrets import Secret, SecretProviderKeys
from atelier.adapters.store import GenerationStore
from atelier.addresses import EgressPolicy
from atelier.catalog import Catalog, Model, Tool
from atelier.document import (
    accepted,
    base_url,
    delivery_document,
    describe_account,
    describe_model,
    describe_tool,
    detail,
    page_document,
    tool_detail,
)
from atelier.errors import ForbiddenError, NotFoundError
from atelier.generation import ID_PATTERN, Generation
from atelier.idempotency import parse_idempotency
from atelier.listing import parse_list, parse_search
from atelier.observability import follow, logger
from atelier.own_files import OwnFiles
from atelier.providers.registry import KINDS, Setup
from atelier.request import GenerationRequest, parse_generation_request, parse_redelivery, parse_run_request, parse_wait
from atelier.search import search
from atelier.settings import load
from atelier.steps import now_ms
from atelier.steps.accept import Accept, Authenticate, Wait

if TYPE_CHECKING:  # what few requests need is imported by those
    from atelier.adapters.deliveries import DeliveryStore
    from atelier.adapters.files import S3Files
    from atelier.adapters.pages import StaticFiles
    from atelier.steps.administer import Delete, Redeliver
    from atelier.steps.cancel import Cancel
    from atelier.steps.upload import StoreUpload

HERE = Path(__file__).parent
OWN, CATALOG = "private, no-cache", "public, max-age=60"
"""Who may keep a copy of what is a user's own, and of the catalog, and for how long without asking."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    accounts_table: str
    dispatch_queue_url: str
    ingest_queue_url: str
    delivery_queue_url: str
    files_bucket: str
    digest_key_arn: str
    provider_keys_arn: str
    provider_urls: Mapping[str, str]
    bedrock_model_arns: tuple[str, ...]
    catalog_object: str
    public_url: str
    cors_origins: tuple[str, ...]
    aws_region: str
    wait_seconds: int
    retention_days: int
    allow_loopback: bool
    egress_ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the routes need, made once a sandbox; what few routes need is made by those."""

    settings: Settings
    policy: EgressPolicy
    catalog: Callable[[], Catalog]
    setup: Setup
    table: RecordTable
    generations: GenerationStore
    authenticate: Authenticate
    accounts: AccountStore
    accept: Accept
    wait: Wait

    def deliveries(self) -> "DeliveryStore":
        """Reach the deliveries."""
        from atelier.adapters.deliveries import DeliveryStore

        return DeliveryStore(self.table, retention_days=self.settings.retention_days)

    def files(self) -> "S3Files":
        """Reach the bucket."""
        from atelier.adapters.files import S3Files

        return S3Files(aws.client("s3"), self.settings.files_bucket)

    def cancel(self) -> "Cancel":
        """Be ready to cancel generations."""
        from atelier.steps.cancel import Cancel

        queue = SqsQueue(aws.client("sqs"), self.settings.ingest_queue_url)
        return Cancel(generations=self.generations, ingest_queue=queue, kinds=KINDS, clock=now_ms)

    def redeliver(self) -> "Redeliver":
        """Be ready to tell webhooks again."""
        from atelier.steps.administer import Redeliver

        queue = SqsQueue(aws.client("sqs"), self.settings.delivery_queue_url)
        return Redeliver(deliveries=self.deliveries(), queue=queue, clock=now_ms)

    def store_upload(self) -> "StoreUpload":
        """Be ready to store clients' files."""
        from atelier.steps.upload import StoreUpload

        return StoreUpload(files=self.files(), clock=now_ms)

    def delete(self) -> "Delete":
        """Be ready to delete generations."""
        from atelier.adapters.erasure import TableEraser
        from atelier.steps.administer import Delete

        eraser = TableEraser(aws.client("dynamodb"), self.settings.generations_table)
        return Delete(generations=self.generations, eraser=eraser, files=self.files())


@cache
def wiring() -> Wiring:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb, secrets = aws.client("dynamodb"), aws.client("secretsmanager")
    accounts_table = RecordTable(dynamodb, settings.accounts_table)
    accounts = AccountStore(accounts_table)
    table = RecordTable(dynamodb, settings.generations_table)
    generations = GenerationStore(table, accounts=accounts, retention_days=settings.retention_days)
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
        table=table,
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


app = Api(origins=lambda: wiring().settings.cors_origins)


# ---- Generations -----------------------------------------------------------------------------------------------------


@app.post("/generate")
def generate() -> Response[str]:
    """Accept a generation by a model's slug, and wait for it where the client wants to (RFC 7240)."""
    to, key = wiring(), _key()
    text = body(app)
    request = parse_generation_request(text, to.catalog(), to.policy)
    seconds, applied = _wait(request)
    generation = to.wait(_accept(request, key, "/generate", text), seconds)
    return _started(generation, detail(generation, _base_url()), applied)


@app.post("/run")
def run() -> Response[str]:
    """Accept a generation by a tool's slug; only who asks to wait is kept waiting, and gets the whole of it."""
    to, key = wiring(), _key()
    text = body(app)
    request = parse_run_request(text, to.catalog(), to.policy)
    seconds, applied = _wait(request)
    generation = _accept(request, key, "/run", text)
    if not (applied and seconds):
        return _answered(202, generation, accepted(generation), applied)
    generation = to.wait(generation, seconds)
    return _started(generation, detail(generation, _base_url()), applied)


@app.get("/generations")
def list_generations() -> Response[str]:
    """List the caller's generations, newest first."""
    key = _reader()
    wanted = parse_list(app.current_event.query_string_parameters or {})
    page = wiring().generations.page(key.user_id, wanted)
    return copied(page_document(page, wanted, _base_url()), OWN)


@app.get("/generations/<generation_id>")
def read(generation_id: str) -> Response[str]:
    """Answer one of the caller's generations."""
    return copied(detail(_own(generation_id, _reader()), _base_url()), OWN)


@app.delete("/generations/<generation_id>")
def delete(generation_id: str) -> Response[str]:
    """Delete one of the caller's generations, which must be finished, and its files."""
    generation = _own(generation_id, _changer())
    wiring().delete()(generation.id)
    logger.info("generation deleted", generation_id=generation.id)
    return nothing()


@app.post("/generations/<generation_id>/cancel")
def cancel(generation_id: str) -> Response[str]:
    """Cancel one of the caller's generations, as far as it still can be."""
    generation = wiring().cancel()(_own(generation_id, _changer()).id)
    follow(generation)
    logger.info("generation cancelled")
    return answer(200, detail(generation, _base_url()))


@app.get("/generations/<generation_id>/deliveries")
def deliveries(generation_id: str) -> Response[str]:
    """List what one of the caller's generations told its webhook, and how that went."""
    generation = _own(generation_id, _reader())
    _, history = wiring().deliveries().history(generation.id)
    return answer(200, {"data": [delivery_document(item) for item in history]})


@app.post("/generations/<generation_id>/redeliver")
def redeliver(generation_id: str) -> Response[str]:
    """Tell the webhook of one of the caller's generations again."""
    from atelier.delivery import DeliveryHistory

    to, generation = wiring(), _own(generation_id, _changer())
    again = to.redeliver()(generation.id, _base_url(), parse_redelivery(body(app)))
    logger.info("delivery repeated", generation_id=generation.id)
    return answer(202, {"data": [delivery_document(DeliveryHistory(delivery, ())) for delivery in again]})


def _wait(request: GenerationRequest) -> tuple[int, str | None]:
    limit = wiring().settings.wait_seconds
    return parse_wait(app.current_event.headers.get("Prefer"), webhook=request.webhook, limit=limit)


def _accept(request: GenerationRequest, key: ApiKey, route: str, text: str) -> Generation:
    OwnFiles(_base_url(), key.user_id).check(request.input)
    idempotency = parse_idempotency(app.current_event.headers.get("Idempotency-Key"), route=route, body=text)
    generation = wiring().accept(request, key, correlation_id(app), idempotency)
    follow(generation)
    logger.info("generation accepted", model=generation.model)
    return generation


def _started(generation: Generation, document: dict[str, Any], applied: str | None) -> Response[str]:
    return _answered(200 if generation.status.final else 202, generation, document, applied)


def _answered(status: int, generation: Generation, document: dict[str, Any], applied: str | None) -> Response[str]:
    headers = {"Location": f"{_base_url()}/generations/{generation.id}"}
    if applied:
        headers["Preference-Applied"] = applied
    return answer(status, document, headers)


# ---- The account -----------------------------------------------------------------------------------------------------


@app.get("/account")
def account() -> Response[str]:
    """Answer whose key it is, and how many credits are left."""
    return answer(200, describe_account(wiring().accounts.user(_reader().user_id)))


def _key() -> ApiKey:
    return wiring().authenticate(app.current_event.headers.get("Authorization"))


def _reader() -> ApiKey:
    return _counted("read")


def _changer() -> ApiKey:
    return _counted("generate")


def _counted(scope: str) -> ApiKey:
    """Let in who may do this, and count it among the key's reads, which creations are not."""
    key = _key()
    key.require(scope)
    wiring().accounts.count_read(key, now_ms())
    return key


def _own(generation_id: str, key: ApiKey) -> Generation:
    """Read one of the key's user's generations; ForbiddenError where it is another's."""
    if not ID_PATTERN.fullmatch(generation_id):
        raise NotFoundError(f"There is no generation '{generation_id}'.")
    generation = wiring().generations.get(generation_id)
    if generation.user_id != key.user_id:
        raise ForbiddenError("This generation is another user's.")
    return generation


# ---- What anybody may know -------------------------------------------------------------------------------------------


@app.get("/")
def pointer() -> Response[str]:
    """Say what this is, and where it is described."""
    base = _base_url()
    document = {"name": "Atelier", "documentation": f"{base}/docs", "openapi": f"{base}/openapi.json"}
    return copied(document, CATALOG)


@app.get("/models")
def models() -> Response[str]:
    """List what can be asked for, and what cannot just now."""
    return copied({"data": [_model(model) for model in wiring().catalog().models.values()]}, CATALOG)


@app.get("/models/<slug>")
def model(slug: str) -> Response[str]:
    """Answer one model."""
    return copied(_model(wiring().catalog().model(slug)), CATALOG)


@app.get("/tools")
def tools() -> Response[str]:
    """List the tools."""
    return copied({"data": [describe_tool(tool) for tool in wiring().catalog().tools.values()]}, CATALOG)


@app.get("/tools/<slug>")
def tool(slug: str) -> Response[str]:
    """Answer one tool with its models."""
    catalog = wiring().catalog()
    found = catalog.tool(slug)
    return copied(_tool(found, catalog.models_of(found)), CATALOG)


@app.get("/search")
def find() -> Response[str]:
    """List the tools and models that a query means, the best first."""
    query = parse_search(app.current_event.query_string_parameters or {})
    found = search(query, wiring().catalog())
    return copied({"data": [_tool(tool, models) for tool, models in found]}, CATALOG)


def _model(model: Model) -> dict[str, Any]:
    return describe_model(model, model.usable(wiring().setup.ready, test=False))


def _tool(tool: Tool, models: tuple[Model, ...]) -> dict[str, Any]:
    return tool_detail(tool, [_model(model) for model in models])


# ---- Files -----------------------------------------------------------------------------------------------------------


@app.post("/files")
def upload() -> Response[str]:
    """Store one of the caller's files, or answer the form by which the caller may store it."""
    from atelier.upload import describe_upload, parse_upload

    key, event = _changer(), app.current_event
    request = parse_upload(
        event.body,
        encoded=bool(event.is_base64_encoded),
        content_type=event.headers.get("Content-Type"),
        name=event.headers.get("X-Filename"),
        query=event.query_string_parameters or {},
    )
    document = describe_upload(wiring().store_upload()(request, key.user_id), _base_url())
    logger.info("file accepted", file_id=document["id"], size=document["size"])
    if request.content is None:
        return answer(202, document)  # there is nothing at its URL yet
    return answer(201, document, {"Location": document["url"]})


@app.get("/files/(?:inputs|outputs|uploads|transient)/.+")
def file() -> Response[str]:
    """Lead a stable URL to a link that works for five minutes."""
    key = app.current_event.path.partition("/files/")[2]
    link = wiring().files().link(key)
    if link is None:
        raise NotFoundError("There is no such file; it may have expired.")
    return answer(302, {"url": link}, {"Location": link, "Cache-Control": "private, max-age=60"})


# ---- The description -------------------------------------------------------------------------------------------------


@app.get("/openapi.json")
def openapi() -> Response[str]:
    """Describe this API, as it is reached at this stack."""
    document = json.loads((HERE / "openapi.json").read_text(encoding="utf-8"))
    return copied({**document, "servers": [{"url": _base_url()}]}, "public, max-age=300")


@app.get("/docs")
def docs() -> Response[str]:
    """Answer the page that shows the description."""
    from atelier.adapters.pages import PAGE, page

    return page(_docs().get(PAGE))


@app.get("/docs/<name>")
def docs_file(name: str) -> Response[str]:
    """Answer one of that page's files, or that the browser's copy is still good."""
    from atelier.adapters.pages import PAGE, asset

    if name == PAGE:
        return docs()  # never without the headers that protect it
    return asset(_docs().get(name))


@cache
def _docs() -> "StaticFiles":
    from atelier.adapters.pages import StaticFiles

    return StaticFiles(HERE / "docs")


def _base_url() -> str:
    settings, context = wiring().settings, app.current_event.request_context
    return base_url(settings.public_url, api_id=context.api_id or "", region=settings.aws_region)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API Gateway request."""
    return app.resolve(event, context)
