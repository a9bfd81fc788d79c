"""Clients' API: one router over the modules of routes/."""

from typing import Any

from atelier.adapters.lambda_.router import Api
from atelier.logging import logger

from . import dependencies
from .routes import account, catalog, description, files, generations

app = Api(origins=lambda: dependencies.dependencies().settings.cors_origins)
for routes in (generations, account, catalog, files, description):
    app.include_router(routes.router)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API Gateway request."""
    return app.resolve(event, context)
