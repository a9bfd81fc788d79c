"""Every user's generations."""

from atelier.adapters.lambda_.router import Response, Router, answer, body, current_event, nothing
from atelier.api.admin_requests import (
    parse_page,
)
from atelier.api.admin_serializers import (
    generation_detail,
    generation_document,
)
from atelier.api.redelivery_request import parse_redelivery
from atelier.clock import now_ms
from atelier.encoding import timestamp
from atelier.generations.model import created_at
from atelier.logging import bind_context, logger
from atelier.webhooks.delivery import DeliveryHistory
from atelier.webhooks.serializer import delivery_document

from ..dependencies import base_url
from ..operator import administrator

router = Router()


@router.get("/console/admin/generations")
def list_generations() -> Response[str]:
    """List everybody's generations, newest first."""
    deps = administrator()
    page = parse_page(current_event().query_string_parameters)
    found, cursor = deps.generations.search(
        limit=page.limit, now=now_ms(), before=page.before, status=page.status, model=page.model, text=page.text,
        since=page.since,
        user_id=deps.accounts.user_id_of(page.user) if page.user else None,
    )  # fmt: skip
    pagination: dict[str, int | str | None] = {"limit": page.limit, "nextCursor": cursor}
    if cursor and len(found) < page.limit:  # so many were looked at that the search stopped
        pagination["searchedBackTo"] = timestamp(created_at(cursor))
    emails = deps.accounts.emails(one.user_id for one in found if one.user_id)
    data = [
        {**generation_document(one, base_url()), "userEmail": emails.get(one.user_id) if one.user_id else None}
        for one in found
    ]
    return answer(200, {"data": data, "pagination": pagination})


@router.get("/console/admin/generations/<generation_id>")
def read_generation(generation_id: str) -> Response[str]:
    """Show one generation of anybody, and all that happened to it."""
    deps = administrator()
    generation, deliveries = deps.deliveries.history(generation_id)
    user_id, key_id = generation.user_id, generation.key_id
    names = {
        "userEmail": deps.accounts.emails([user_id]).get(user_id),
        "keyName": deps.accounts.key_names([key_id]).get(key_id),
    }
    return answer(200, {**generation_detail(generation, deliveries, base_url()), **names})


@router.post("/console/admin/generations/<generation_id>/redeliver")
def redeliver(generation_id: str) -> Response[str]:
    """Redeliver one event of a generation, or all that were sent."""
    again = administrator().redeliver()(generation_id, base_url(), parse_redelivery(body()))
    logger.info("delivery repeated", generation_id=generation_id)
    return answer(202, {"data": [delivery_document(DeliveryHistory(delivery, ())) for delivery in again]})


@router.post("/console/admin/generations/<generation_id>/cancel")
def cancel(generation_id: str) -> Response[str]:
    """Cancel a generation, as far as it still can be."""
    generation = administrator().cancel()(generation_id)
    bind_context(generation)
    logger.info("generation cancelled")
    return answer(200, generation_document(generation, base_url()))


@router.delete("/console/admin/generations/<generation_id>")
def delete(generation_id: str) -> Response[str]:
    """Delete a finished generation and its files."""
    administrator().delete()(generation_id)
    logger.info("generation deleted", generation_id=generation_id)
    return nothing()
