"""Clients' API: a router over the modules of routes/, and one for each dialect, loaded when it is asked for."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from atelier.adapters.lambda_.router import Api
from atelier.logging import logger

from . import dependencies
from .routes import account, catalog, description, files, generations

DIALECTS = {
    "openai-images": ("openai_images", re.compile(r"/v1(/images(/.*)?|/models(/[^/]*)?)?/?")),
}
"""By the name that the URLs of its chains hold: the module of routes/, whose `app` answers, and its other paths."""

_WAITS = "/v1/waits/"

app = Api(origins=lambda: dependencies.dependencies().settings.cors_origins)
for routes in (generations, account, catalog, files, description):
    app.include_router(routes.router)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API Gateway request."""
    module = _dialect(event["path"], event.get("queryStringParameters") or {})
    router: Api = import_module(f"{__package__}.routes.{module}").app if module else app
    return router.resolve(event, context)


def _dialect(path: str, query: Mapping[str, str]) -> str | None:
    """Name the module of the dialect that a request is in; None where it is in our own words."""
    if path.startswith(_WAITS):
        return DIALECTS.get(query.get("as", ""), (None,))[0]
    return next((module for module, paths in DIALECTS.values() if paths.fullmatch(path)), None)
