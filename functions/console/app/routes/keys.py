"""API keys."""

from atelier.accounts.api_keys import mint_key
from atelier.accounts.rotate_key import RotateKey
from atelier.adapters.lambda_.router import Response, Router, answer, body, current_event
from atelier.api.admin_requests import (
    parse_key_changes,
    parse_key_request,
    parse_overlap,
    parse_search,
)
from atelier.api.admin_serializers import (
    key_document,
    page_document,
)
from atelier.clock import now_ms
from atelier.errors import NotFoundError
from atelier.logging import logger

from ..operator import administrator

router = Router()


@router.get("/console/admin/keys")
def list_keys() -> Response[str]:
    """List keys, the newest first, or those that a text is found in."""
    deps, wanted = administrator(), parse_search(current_event().query_string_parameters)
    return answer(200, page_document(deps.accounts.find_keys(wanted), wanted, key_document))


@router.post("/console/admin/keys")
def create_key() -> Response[str]:
    """Make a key for a user, who is made too where the address is new; the key is shown this once."""
    deps, now = administrator(), now_ms()
    request = parse_key_request(body(), now=now, models=deps.catalog().models)
    key, text = mint_key(
        name=request.name, user=deps.accounts.user_by_email(request.email, now), test=request.test,
        digest_key=deps.digest_key(), now=now, scopes=request.scopes, requests_per_minute=request.requests_per_minute,
        models=request.models, expires_at=request.expires_at, budget=request.budget,
    )  # fmt: skip
    deps.accounts.add_key(key)
    logger.info("API key created", key_id=key.id, user_id=key.user_id)
    return answer(201, {**key_document(key), "key": text})


@router.get("/console/admin/keys/<key_id>")
def read_key(key_id: str) -> Response[str]:
    """Show a key, and what was spent with it on this day and in this month."""
    accounts = administrator().accounts
    key = accounts.get(key_id)
    if key is None:
        raise NotFoundError(f"There is no API key '{key_id}'.")
    day, month = accounts.spent_by(key, now_ms())
    return answer(200, {**key_document(key), "spentToday": day, "spentThisMonth": month})


@router.patch("/console/admin/keys/<key_id>")
def edit_key(key_id: str) -> Response[str]:
    """Change a key's name and limits; disable or enable it."""
    deps = administrator()
    changes = parse_key_changes(body(), now=now_ms(), models=deps.catalog().models)
    key = deps.accounts.edit_key(key_id, changes)
    logger.info("API key changed", key_id=key.id, fields=sorted(changes))
    return answer(200, key_document(key))


@router.post("/console/admin/keys/<key_id>/rotate")
def rotate_key(key_id: str) -> Response[str]:
    """Replace a key by a new one, which is shown this once; the old one holds for the overlap."""
    deps = administrator()
    rotate = RotateKey(accounts=deps.accounts, digest_key=deps.digest_key, clock=now_ms)
    key, text = rotate(key_id, parse_overlap(body()))
    logger.info("API key rotated", key_id=key.id, old_key_id=key_id)
    return answer(201, {**key_document(key), "key": text})


@router.delete("/console/admin/keys/<key_id>")
def revoke_key(key_id: str) -> Response[str]:
    """Revoke a key."""
    key = administrator().accounts.revoke_key(key_id, now_ms())
    logger.info("API key revoked", key_id=key.id)
    return answer(200, key_document(key))
