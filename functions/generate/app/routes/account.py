"""The account behind an API key, and its usage."""

from atelier.accounts.serializer import describe_account
from atelier.adapters.lambda_.router import Response, Router, answer, csv_answer, current_event
from atelier.clock import now_ms

from ..callers import reader
from ..dependencies import dependencies

router = Router()


@router.get("/account")
def account() -> Response[str]:
    """Answer whose key it is, and how many credits are left."""
    return answer(200, describe_account(dependencies().accounts.user(reader().user_id)))


@router.get("/usage")
def usage() -> Response[str]:
    """Answer what the user's finished generations came to, by day, key, model and provider."""
    from atelier.api.usage import CSV, parse_usage, usage_csv, usage_document, usage_row

    key = reader()
    request = parse_usage(current_event().query_string_parameters, now_ms(), "key")
    found = dependencies().accounts.usage().list(request.first, request.last, user_id=key.user_id)
    rows = [usage_row(one) for one in found if request.key in (None, one.key_id)]
    if request.format == CSV:
        return csv_answer(usage_csv(rows), "usage.csv")
    return answer(200, usage_document(request, rows))
