"""The console: its page, its sessions, and the operator's API behind them. One router over the modules of routes/."""

from typing import Any

from atelier.adapters.lambda_.router import Api, strip_base_path
from atelier.logging import logger

from .dependencies import dependencies
from .routes import deliveries, generations, keys, overview, page, providers, session, usage, users

app = Api()
for routes in (page, session, users, keys, providers, generations, deliveries, overview, usage):
    app.include_router(routes.router)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API Gateway request."""
    return app.resolve(strip_base_path(event, dependencies().settings.public_url), context)
