"""The owner's side: the console's page and its sessions, and behind the console's secret users, keys, generations.

Anybody gets the public key that webhooks are signed with, since the private one is here for the owner anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from atelier.account import mint_key
from atelier.adapters import aws, ed25519
from atelier.adapters.accounts import AccountStore
from atelier.adapters.api import Api, answer, body, nothing
from atelier.adapters.catalogs import catalog_source
from atelier.adapters.deliveries import DeliveryStore
from atelier.adapters.erasure import TableEraser
from atelier.adapters.files import S3Files
from atelier.adapters.messaging import DeadLetters, SqsQueue
from atelier.adapters.pages import PAGE, StaticFiles, asset
from atelier.adapters.pages import page as page_of
from atelier.adapters.records import RecordTable
from atelier.adapters.secrets import ProviderKeysEditor, Secret
from atelier.adapters.sessions import SessionStore
from atelier.adapters.store import GenerationStore
from atelier.administration import (
    parse_days,
    parse_key_request,
    parse_overlap,
    parse_page,
    parse_provider_key,
    parse_sign_in,
    parse_top_up,
    parse_user_request,
    user_id_of,
)
from atelier.attempts import source_of
from atelier.catalog import Catalog
from atelier.delivery import DeliveryHistory
from atelier.document import base_url, delivery_document, timestamp
from atelier.observability import follow, logger
from atelier.overview import MAX_COUNTED, first_moment, summarise
from atelier.owner_document import (
    entry_document,
    generation_detail,
    generation_document,
    key_document,
    overview_document,
    provider_document,
    user_document,
    webhook_secret_document,
)
from atelier.providers.registry import KINDS, keyed
from atelier.request import parse_redelivery
from atelier.session import clear_cookie, cookie_of, set_cookie
from atelier.settings import load
from atelier.signing import derive_seed, public_key_text
from atelier.steps import now_ms
from atelier.steps.administer import CreateUser, Delete, Redeliver, RotateKey
from atelier.steps.cancel import Cancel
from atelier.steps.sign_in import SignedIn, SignIn

app = Api()


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    accounts_table: str
    files_bucket: str
    ingest_queue_url: str
    delivery_queue_url: str
    dispatch_dead_letter_queue_url: str
    ingest_dead_letter_queue_url: str
    notify_dead_letter_queue_url: str
    delivery_dead_letter_queue_url: str
    digest_key_arn: str
    signing_key_arn: str
    console_secret_arn: str
    provider_keys_arn: str
    catalog_object: str
    public_url: str
    aws_region: str
    retention_days: int


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the routes need, made once a sandbox; clients that few routes need are made by those."""

    settings: Settings
    static: StaticFiles
    catalog: Callable[[], Catalog]
    accounts: AccountStore
    generations: GenerationStore
    deliveries: DeliveryStore
    digest_key: Secret
    signing_key: Secret
    sign_in: SignIn

    def files(self) -> S3Files:
        """Reach the bucket."""
        return S3Files(aws.client("s3"), self.settings.files_bucket)

    def provider_keys(self) -> ProviderKeysEditor:
        """Reach the providers' keys."""
        return ProviderKeysEditor(aws.client("secretsmanager"), self.settings.provider_keys_arn)

    def delete(self) -> Delete:
        """Be ready to delete generations."""
        eraser = TableEraser(aws.client("dynamodb"), self.settings.generations_table)
        return Delete(generations=self.generations, eraser=eraser, files=self.files())

    def cancel(self) -> Cancel:
        """Be ready to cancel generations."""
        queue = SqsQueue(aws.client("sqs"), self.settings.ingest_queue_url)
        return Cancel(generations=self.generations, ingest_queue=queue, kinds=KINDS, clock=now_ms)

    def redeliver(self) -> Redeliver:
        """Be ready to tell webhooks again."""
        queue = SqsQueue(aws.client("sqs"), self.settings.delivery_queue_url)
        return Redeliver(deliveries=self.deliveries, queue=queue, clock=now_ms)

    def dead_letters(self) -> DeadLetters:
        """Look into the dead-letter queues."""
        known = self.settings
        urls = (
            known.dispatch_dead_letter_queue_url,
            known.ingest_dead_letter_queue_url,
            known.notify_dead_letter_queue_url,
            known.delivery_dead_letter_queue_url,
        )
        return DeadLetters(aws.client("sqs"), urls)


@cache
def wiring() -> Wiring:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb, secrets = aws.client("dynamodb"), aws.client("secretsmanager")
    account_table = RecordTable(dynamodb, settings.accounts_table)
    table = RecordTable(dynamodb, settings.generations_table)
    accounts = AccountStore(account_table)
    signing_key = Secret(secrets, settings.signing_key_arn)
    return Wiring(
        settings=settings,
        static=StaticFiles(Path(__file__).with_name("static")),
        catalog=catalog_source(settings.catalog_object),
        accounts=accounts,
        generations=GenerationStore(table, accounts=accounts, retention_days=settings.retention_days),
        deliveries=DeliveryStore(table, retention_days=settings.retention_days),
        digest_key=Secret(secrets, settings.digest_key_arn),
        signing_key=signing_key,
        sign_in=SignIn(
            sessions=SessionStore(account_table),
            console_secret=Secret(secrets, settings.console_secret_arn),
            signing_key=signing_key,
            clock=now_ms,
        ),
    )


# ---- What anybody may know -------------------------------------------------------------------------------------------


@app.get("/.well-known/webhook-keys")
def webhook_keys() -> Response[str]:
    """List the public keys that verify webhooks' asymmetric signatures."""
    key = ed25519.public_key(derive_seed(wiring().signing_key()))
    return answer(200, {"keys": [public_key_text(key)]}, {"Cache-Control": "public, max-age=3600"})


# ---- The page and its session ----------------------------------------------------------------------------------------


@app.get("/console")
def page() -> Response[str]:
    """Answer the page."""
    to = wiring()
    return page_of(to.static.get(PAGE), images=to.files().origin())


@app.get("/console/static/<name>")
def static(name: str) -> Response[str]:
    """Answer one of the page's files, or that the browser's copy is still good."""
    if name == PAGE:
        return page()  # never without the headers that protect it
    return asset(wiring().static.get(name))


@app.post("/console/session")
def sign_in() -> Response[str]:
    """Open a session for whoever knows the console's secret."""
    source = source_of(app.current_event.request_context.identity.source_ip)
    signed_in = wiring().sign_in(parse_sign_in(body(app)), source)
    logger.info("signed in", source=source)
    return _session(signed_in, {"Set-Cookie": set_cookie(signed_in.sealed, f"{_base_url()}/console")})


@app.get("/console/session")
def session() -> Response[str]:
    """Answer the session that the browser has."""
    return _session(wiring().sign_in.resume(_cookie()))


@app.delete("/console/session")
def sign_out() -> Response[str]:
    """End the session, here and in the browser."""
    wiring().sign_in.out(_cookie(), app.current_event.headers.get("X-CSRF-Token"))
    logger.info("signed out")
    return nothing({"Set-Cookie": clear_cookie(f"{_base_url()}/console")})


def administrator() -> Wiring:
    """Let the owner in, by the secret or by a session; UnauthenticatedError or ForbiddenError for everybody else."""
    to, event = wiring(), app.current_event
    to.sign_in.admit(
        event.headers.get("Authorization"),
        _cookie(),
        event.headers.get("X-CSRF-Token"),
        changes=event.http_method != "GET",
    )
    return to


# ---- Users and keys --------------------------------------------------------------------------------------------------


@app.get("/console/admin/users")
def list_users() -> Response[str]:
    """List all users."""
    return _list([user_document(user) for user in administrator().accounts.list_users()])


@app.post("/console/admin/users")
def create_user() -> Response[str]:
    """Make a user."""
    to = administrator()
    user = CreateUser(accounts=to.accounts, clock=now_ms)(parse_user_request(body(app)))
    logger.info("user created", user_id=user.id)
    return answer(201, user_document(user))


@app.post("/console/admin/users/<user_id>/credits")
def top_up(user_id: str) -> Response[str]:
    """Give a user more credits."""
    to = administrator()
    request = parse_top_up(body(app))
    user = to.accounts.top_up(user_id, request.amount, request.note, now_ms())
    logger.info("credits topped up", user_id=user.id, amount=request.amount)
    return answer(200, user_document(user))


@app.get("/console/admin/users/<user_id>/ledger")
def ledger(user_id: str) -> Response[str]:
    """List what a user was charged and given, newest first."""
    to = administrator()
    return _list([entry_document(entry) for entry in to.accounts.ledger(to.accounts.user(user_id).id)])


@app.get("/console/admin/users/<user_id>/webhook-secret")
def webhook_secret(user_id: str) -> Response[str]:
    """Show the secrets that a user's webhooks are signed with."""
    to = administrator()
    secrets = to.accounts.webhook_secrets(user_id)
    return answer(200, webhook_secret_document(secrets, user_id, to.signing_key(), now_ms()))


@app.post("/console/admin/users/<user_id>/webhook-secret/rotate")
def rotate_webhook_secret(user_id: str) -> Response[str]:
    """Give a user a new webhook secret, beside which the old one signs for a day."""
    to, now = administrator(), now_ms()
    secrets = to.accounts.rotate_webhook_secret(user_id, now)
    logger.info("webhook secret rotated", user_id=user_id, version=secrets.version)
    return answer(200, webhook_secret_document(secrets, user_id, to.signing_key(), now))


@app.get("/console/admin/keys")
def list_keys() -> Response[str]:
    """List all keys."""
    return _list([key_document(key) for key in administrator().accounts.list_keys()])


@app.post("/console/admin/keys")
def create_key() -> Response[str]:
    """Make a key for a user, who is made too where the address is new; the key is shown this once."""
    to, now = administrator(), now_ms()
    request = parse_key_request(body(app), now=now, models=to.catalog().models)
    key, text = mint_key(
        name=request.name, user=to.accounts.user_by_email(request.email, now), test=request.test,
        digest_key=to.digest_key(), now=now, scopes=request.scopes, requests_per_minute=request.requests_per_minute,
        models=request.models, expires_at=request.expires_at,
    )  # fmt: skip
    to.accounts.add_key(key)
    logger.info("API key created", key_id=key.id, user_id=key.user_id)
    return answer(201, {**key_document(key), "key": text})


@app.post("/console/admin/keys/<key_id>/rotate")
def rotate_key(key_id: str) -> Response[str]:
    """Replace a key by a new one, which is shown this once; the old one holds for the overlap."""
    to = administrator()
    rotate = RotateKey(accounts=to.accounts, digest_key=to.digest_key, clock=now_ms)
    key, text = rotate(key_id, parse_overlap(body(app)))
    logger.info("API key rotated", key_id=key.id, old_key_id=key_id)
    return answer(201, {**key_document(key), "key": text})


@app.delete("/console/admin/keys/<key_id>")
def revoke_key(key_id: str) -> Response[str]:
    """Revoke a key."""
    key = administrator().accounts.revoke_key(key_id, now_ms())
    logger.info("API key revoked", key_id=key.id)
    return answer(200, key_document(key))


# ---- Providers -------------------------------------------------------------------------------------------------------


@app.get("/console/admin/providers")
def list_providers() -> Response[str]:
    """List the providers, whether each has a key, and which models it serves; never the keys."""
    to = administrator()
    catalog, having = to.catalog(), to.provider_keys().names()
    return _list([provider_document(kind, catalog, having) for kind in KINDS.values()])


@app.post("/console/admin/providers/<name>")
def set_provider_key(name: str) -> Response[str]:
    """Set a provider's key."""
    return _changed_key(administrator(), name, parse_provider_key(body(app)))


@app.delete("/console/admin/providers/<name>")
def unset_provider_key(name: str) -> Response[str]:
    """Unset a provider's key."""
    return _changed_key(administrator(), name, None)


def _changed_key(to: Wiring, name: str, key: str | None) -> Response[str]:
    kind, editor = keyed(name), to.provider_keys()
    editor.put(name, key)
    logger.info("provider key changed", provider=name, known=key is not None)
    return answer(200, provider_document(kind, to.catalog(), editor.names()))


# ---- Generations -----------------------------------------------------------------------------------------------------


@app.get("/console/admin/generations")
def list_generations() -> Response[str]:
    """List everybody's generations, newest first."""
    to = administrator()
    page = parse_page(app.current_event.query_string_parameters or {})
    found, cursor = to.generations.search(
        limit=page.limit, now=now_ms(), before=page.cursor, status=page.status, model=page.model,
        user_id=user_id_of(page.user, to.accounts.list_users()) if page.user else None,
    )  # fmt: skip
    return answer(
        200,
        {
            "data": [generation_document(item, _base_url()) for item in found],
            "pagination": {"limit": page.limit, "nextCursor": cursor},
        },
    )


@app.get("/console/admin/generations/<generation_id>")
def read_generation(generation_id: str) -> Response[str]:
    """Show one generation of anybody, and all that happened to it."""
    generation, deliveries = administrator().deliveries.history(generation_id)
    return answer(200, generation_detail(generation, deliveries, _base_url()))


@app.post("/console/admin/generations/<generation_id>/redeliver")
def redeliver(generation_id: str) -> Response[str]:
    """Tell a generation's webhook again: of an event, or of all that it was told."""
    again = administrator().redeliver()(generation_id, _base_url(), parse_redelivery(body(app)))
    logger.info("delivery repeated", generation_id=generation_id)
    return answer(202, {"data": [delivery_document(DeliveryHistory(delivery, ())) for delivery in again]})


@app.post("/console/admin/generations/<generation_id>/cancel")
def cancel(generation_id: str) -> Response[str]:
    """Cancel a generation, as far as it still can be."""
    generation = administrator().cancel()(generation_id)
    follow(generation)
    logger.info("generation cancelled")
    return answer(200, generation_document(generation, _base_url()))


@app.delete("/console/admin/generations/<generation_id>")
def delete(generation_id: str) -> Response[str]:
    """Delete a finished generation and its files."""
    administrator().delete()(generation_id)
    logger.info("generation deleted", generation_id=generation_id)
    return nothing()


@app.get("/console/admin/overview")
def overview() -> Response[str]:
    """Count what became of the newest generations."""
    to, now = administrator(), now_ms()
    days = parse_days(app.current_event.query_string_parameters or {})
    newest = to.generations.since(first_moment(days, now), now=now, limit=MAX_COUNTED)
    return answer(200, overview_document(summarise(newest, days=days, now=now), to.dead_letters().count()))


def _list(documents: list[dict[str, Any]]) -> Response[str]:
    return answer(200, {"data": documents})


def _session(signed_in: SignedIn, headers: dict[str, str] | None = None) -> Response[str]:
    document = {"csrf": signed_in.csrf, "expiresAt": timestamp(signed_in.session.expires_at)}
    return answer(200, document, headers)


def _cookie() -> str | None:
    return cookie_of(app.current_event.headers.get("Cookie"))


def _base_url() -> str:
    settings, context = wiring().settings, app.current_event.request_context
    return base_url(settings.public_url, api_id=context.api_id or "", region=settings.aws_region)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API Gateway request."""
    return app.resolve(event, context)
