"""The account behind an API key."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from atelier.accounts.serializer import describe_account
from atelier.adapters.lambda_.router import Router, answer

from ..callers import reader
from ..dependencies import dependencies

router = Router()


@router.get("/account")
def account() -> Response[str]:
    """Answer whose key it is, and how many credits are left."""
    return answer(200, describe_account(dependencies().accounts.user(reader().user_id)))
