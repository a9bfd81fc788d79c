"""The owner's side: users, API keys, webhook secrets and all generations, behind the console's secret."""

import hmac
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from atelier.account import ApiKey, User, mint_key
from atelier.adapters import aws
from atelier.adapters.accounts import AccountStore
from atelier.adapters.api import answer, body, resolver
from atelier.adapters.records import RecordTable
from atelier.adapters.secrets import Secret
from atelier.adapters.store import GenerationStore
from atelier.administration import parse_key_request, parse_page
from atelier.document import base_url, describe, timestamp
from atelier.errors import UnauthenticatedError
from atelier.generation import Generation
from atelier.observability import logger
from atelier.request import parse_authorization
from atelier.settings import load
from atelier.signing import derive_secret
from atelier.steps import now_ms

app = resolver()


@dataclass(frozen=True, slots=True)
class Settings:
    """What this function reads from its environment."""

    generations_table: str
    accounts_table: str
    digest_key_arn: str
    signing_key_arn: str
    console_secret_arn: str
    public_url: str
    aws_region: str


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the routes need, made once a sandbox."""

    settings: Settings
    accounts: AccountStore
    generations: GenerationStore
    digest_key: Secret
    signing_key: Secret
    console_secret: Secret


@cache
def wiring() -> Wiring:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb, secrets = aws.client("dynamodb"), aws.client("secretsmanager")
    return Wiring(
        settings=settings,
        accounts=AccountStore(RecordTable(dynamodb, settings.accounts_table)),
        generations=GenerationStore(RecordTable(dynamodb, settings.generations_table)),
        digest_key=Secret(secrets, settings.digest_key_arn),
        signing_key=Secret(secrets, settings.signing_key_arn),
        console_secret=Secret(secrets, settings.console_secret_arn),
    )


def administrator() -> Wiring:
    """Let the owner in; UnauthenticatedError for everybody else."""
    to = wiring()
    presented = parse_authorization(app.current_event.headers.get("Authorization"))
    if not hmac.compare_digest(presented.encode(), to.console_secret().encode()):
        raise UnauthenticatedError("This is not the console's secret; it stands in Secrets Manager.")
    return to


@app.post("/console/admin/keys")
def create_key() -> Response[str]:
    """Make a key for a user, who is made too where the address is new; the key is shown this once."""
    to, now = administrator(), now_ms()
    request = parse_key_request(body(app))
    user = to.accounts.user_by_email(request.email, now)
    key, text = mint_key(name=request.name, user=user, test=request.test, digest_key=to.digest_key(), now=now)
    to.accounts.add_key(key)
    logger.info("API key created", key_id=key.id, user_id=user.id)
    return answer(201, {**_describe_key(key), "key": text})


@app.get("/console/admin/keys")
def list_keys() -> Response[str]:
    """List all keys."""
    return answer(200, {"data": [_describe_key(key) for key in administrator().accounts.list_keys()]})


@app.delete("/console/admin/keys/<key_id>")
def revoke_key(key_id: str) -> Response[str]:
    """Revoke a key."""
    key = administrator().accounts.revoke_key(key_id, now_ms())
    logger.info("API key revoked", key_id=key.id)
    return answer(200, _describe_key(key))


@app.get("/console/admin/users")
def list_users() -> Response[str]:
    """List all users."""
    return answer(200, {"data": [_describe_user(user) for user in administrator().accounts.list_users()]})


@app.get("/console/admin/users/<user_id>/webhook-secret")
def webhook_secret(user_id: str) -> Response[str]:
    """Show the secret that a user's webhooks are signed with."""
    to = administrator()
    user = to.accounts.user(user_id)
    return answer(200, {"secret": derive_secret(to.signing_key(), user.id)})


@app.get("/console/admin/generations")
def list_generations() -> Response[str]:
    """List everybody's generations, newest first."""
    to = administrator()
    page = parse_page(app.current_event.query_string_parameters or {})
    found = to.generations.latest(limit=page.limit, now=now_ms(), before=page.cursor)
    chosen = [item for item in found if page.status in (None, item.status.value)]
    cursor = found[-1].id if len(found) == page.limit else None
    return answer(
        200,
        {
            "data": [_describe_generation(item) for item in chosen],
            "pagination": {"limit": page.limit, "nextCursor": cursor},
        },
    )


@app.get("/console/admin/generations/<generation_id>")
def read_generation(generation_id: str) -> Response[str]:
    """Show one generation of anybody."""
    return answer(200, _describe_generation(administrator().generations.get(generation_id)))


def _describe_key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "userId": key.user_id,
        "userEmail": key.user_email,
        "test": key.test,
        "createdAt": timestamp(key.created_at),
        "revokedAt": timestamp(key.revoked_at) if key.revoked_at is not None else None,
    }


def _describe_user(user: User) -> dict[str, Any]:
    return {"id": user.id, "email": user.email, "name": user.name, "createdAt": timestamp(user.created_at)}


def _describe_generation(generation: Generation) -> dict[str, Any]:
    settings, context = wiring().settings, app.current_event.request_context
    base = base_url(settings.public_url, api_id=context.api_id or "", region=settings.aws_region)
    return {**describe(generation, base), "userId": generation.user_id, "provider": generation.provider}


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API Gateway request."""
    return app.resolve(event, context)
