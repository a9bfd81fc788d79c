"""The usage of all users."""

from atelier.adapters.lambda_.router import Response, Router, answer, csv_answer, current_event
from atelier.api.admin_serializers import admin_usage_row
from atelier.api.usage import CSV, parse_usage, usage_csv, usage_document
from atelier.clock import now_ms

from ..operator import administrator

router = Router()


@router.get("/console/admin/usage")
def usage() -> Response[str]:
    """List the usage by day, user, key, model and provider, of a user or a key where the query names one."""
    deps = administrator()
    accounts, credit_price = deps.accounts, deps.catalog().credit_price
    request = parse_usage(current_event().query_string_parameters, now_ms(), "user", "key")
    found = accounts.usage().list(request.first, request.last, user_id=request.user)
    wanted = [one for one in found if request.key in (None, one.key_id)]
    emails, key_names = accounts.emails(one.user_id for one in wanted), accounts.key_names(one.key_id for one in wanted)
    rows = [admin_usage_row(one, emails, key_names, credit_price) for one in wanted]
    if request.format == CSV:
        more = ("userId", "userEmail", "keyName", "providerDollars", "marginDollars")
        return csv_answer(usage_csv(rows, *more), "usage.csv")
    return answer(200, usage_document(request, rows))
