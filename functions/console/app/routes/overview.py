"""Figures of the last days."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from atelier.adapters.lambda_.router import Router, answer, current_event
from atelier.api.admin_requests import (
    parse_days,
)
from atelier.api.admin_serializers import (
    overview_document,
)
from atelier.clock import now_ms
from atelier.generations.overview import MAX_COUNTED, first_moment, summarise

from ..operator import administrator

router = Router()


@router.get("/console/admin/overview")
def overview() -> Response[str]:
    """Count what became of the newest generations."""
    deps, now = administrator(), now_ms()
    days = parse_days(current_event().query_string_parameters or {})
    newest = deps.generations.since(first_moment(days, now), now=now, limit=MAX_COUNTED)
    return answer(200, overview_document(summarise(newest, days=days, now=now), deps.dead_letters().count()))
