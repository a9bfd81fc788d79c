"""Figures of the last days."""

from datetime import timedelta

from atelier.adapters.lambda_.router import Response, Router, answer, current_event
from atelier.api.admin_requests import parse_days
from atelier.api.admin_serializers import overview_document
from atelier.clock import now_ms, utc_day
from atelier.generations.overview import summarise

from ..operator import administrator

router = Router()


@router.get("/console/admin/overview")
def overview() -> Response[str]:
    """Sum up the usage of the last days."""
    deps = administrator()
    last = utc_day(now_ms())
    first = last - timedelta(days=parse_days(current_event().query_string_parameters) - 1)
    summary = summarise(deps.accounts.usage().list(first, last), first, last)
    document = overview_document(
        summary, in_progress=deps.generations.in_progress(), dead_letters=deps.dead_letters().count()
    )
    return answer(200, document)
