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
    return answer(200, {"data": [generation_document(item, base_url()) for item in found], "pagination": pagination})


@router.get("/console/admin/generations/<generation_id>")
def read_generation(generation_id: str) -> Response[str]:
    """Show one generation of anybody, and all that happened to it."""
    generation, deliveries = administrator().deliveries.history(generation_id)
    return answer(200, generation_detail(generation, deliveries, base_url()))


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
