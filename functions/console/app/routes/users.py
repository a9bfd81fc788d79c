"""Users, their credits and their webhook secrets."""

from atelier.accounts.create_user import CreateUser
from atelier.adapters.lambda_.router import Response, Router, answer, body, current_event
from atelier.api.admin_requests import (
    parse_search,
    parse_top_up,
    parse_user_changes,
    parse_user_request,
)
from atelier.api.admin_serializers import (
    entry_document,
    page_document,
    user_document,
    webhook_secret_document,
)
from atelier.clock import now_ms
from atelier.logging import logger

from ..operator import administrator

router = Router()


@router.get("/console/admin/users")
def list_users() -> Response[str]:
    """List users, the newest first, or those that a text is found in."""
    deps, wanted = administrator(), parse_search(current_event().query_string_parameters)
    return answer(200, page_document(deps.accounts.find_users(wanted), wanted, user_document))


@router.post("/console/admin/users")
def create_user() -> Response[str]:
    """Make a user."""
    deps = administrator()
    user = CreateUser(accounts=deps.accounts, clock=now_ms)(parse_user_request(body()))
    logger.info("user created", user_id=user.id)
    return answer(201, user_document(user))


@router.get("/console/admin/users/<user_id>")
def read_user(user_id: str) -> Response[str]:
    """Show a user, and what was spent on this day and in this month."""
    accounts = administrator().accounts
    user = accounts.user(user_id)
    day, month = accounts.spent_by(user, now_ms())
    return answer(200, {**user_document(user), "spentToday": day, "spentThisMonth": month})


@router.patch("/console/admin/users/<user_id>")
def edit_user(user_id: str) -> Response[str]:
    """Change a user's name, plan and budget; disable or enable all keys of the user."""
    deps = administrator()
    changes = parse_user_changes(body(), now=now_ms())
    user = deps.accounts.edit_user(user_id, changes)
    logger.info("user changed", user_id=user.id, fields=sorted(changes))
    return answer(200, user_document(user))


@router.delete("/console/admin/users/<user_id>")
def delete_user(user_id: str) -> Response[str]:
    """Delete a user and revoke the user's keys; generations stay until they expire."""
    administrator().accounts.delete_user(user_id, now_ms())
    logger.info("user deleted", user_id=user_id)
    return answer(200, {"id": user_id, "deleted": True})


@router.post("/console/admin/users/<user_id>/credits")
def top_up(user_id: str) -> Response[str]:
    """Give a user more credits."""
    deps = administrator()
    request = parse_top_up(body())
    user = deps.accounts.top_up(user_id, request.amount, request.note, now_ms())
    logger.info("credits topped up", user_id=user.id, amount=request.amount)
    return answer(200, user_document(user))


@router.get("/console/admin/users/<user_id>/ledger")
def ledger(user_id: str) -> Response[str]:
    """List what a user was charged and given, newest first."""
    deps = administrator()
    return answer(
        200, {"data": [entry_document(entry) for entry in deps.accounts.ledger(deps.accounts.user(user_id).id)]}
    )


@router.get("/console/admin/users/<user_id>/webhook-secret")
def webhook_secret(user_id: str) -> Response[str]:
    """Show the secrets that a user's webhooks are signed with."""
    deps = administrator()
    secrets = deps.accounts.webhook_secrets(user_id)
    return answer(200, webhook_secret_document(secrets, user_id, deps.signing_key(), now_ms()))


@router.post("/console/admin/users/<user_id>/webhook-secret/rotate")
def rotate_webhook_secret(user_id: str) -> Response[str]:
    """Give a user a new webhook secret, beside which the old one signs for a day."""
    deps, now = administrator(), now_ms()
    secrets = deps.accounts.rotate_webhook_secret(user_id, now)
    logger.info("webhook secret rotated", user_id=user_id, version=secrets.version)
    return answer(200, webhook_secret_document(secrets, user_id, deps.signing_key(), now))
