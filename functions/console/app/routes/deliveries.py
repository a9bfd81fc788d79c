"""The webhook deliveries of all generations."""

from atelier.adapters.lambda_.router import Response, Router, answer, current_event
from atelier.api.admin_requests import parse_delivery_page
from atelier.clock import now_ms
from atelier.generations.model import Generation
from atelier.webhooks.delivery import DeliveryHistory
from atelier.webhooks.serializer import delivery_document

from ..operator import administrator

router = Router()
BATCH = 20
MAX_BATCHES = 20


@router.get("/console/admin/deliveries")
def list_deliveries() -> Response[str]:
    """List deliveries, those of the newest generations first.

    A page holds all deliveries of its generations, so it may be longer than its limit, or shorter.
    """
    deps, now = administrator(), now_ms()
    page = parse_delivery_page(current_event().query_string_parameters)
    user_id = deps.accounts.user_id_of(page.user) if page.user else None
    data: list[dict[str, object]] = []
    cursor = page.cursor
    for _ in range(MAX_BATCHES):
        generations, cursor = deps.generations.search(limit=BATCH, now=now, before=cursor, user_id=user_id)
        told = [one.id for one in generations if isinstance(one, Generation) and one.webhook]
        known = deps.deliveries.of_generations(told)
        for generation in generations:
            for delivery in known.get(generation.id, []):
                if page.status in (None, delivery.status.value) and page.event in (None, delivery.event.value):
                    document = delivery_document(DeliveryHistory(delivery, ()))
                    data.append({**document, "generationId": delivery.generation_id, "attemptCount": delivery.attempts})
        if cursor is None or len(data) >= page.limit:
            break
    return answer(200, {"data": data, "pagination": {"limit": page.limit, "nextCursor": cursor}})
