"""Clients' API: a router over the modules of routes/, and one for each dialect, loaded when it is asked for."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from atelier.adapters.lambda_.router import Api, strip_base_path
from atelier.logging import logger
from atelier.settings import is_snapshot

from . import dependencies
from .routes import account, catalog, description, files, generations

DIALECTS = {
    "openai-images": ("openai_images", re.compile(r"/v1(/images(/.*)?|/models(/[^/]*)?)?/?")),
    "replicate": ("replicate", re.compile(r"/v1/(predictions|deployments|files|account|models/[^/]+/[^/]+)(/.*)?")),
    "automatic1111": ("automatic1111", re.compile(r"/sdapi/v1(/.*)?")),
}
"""By the name that the URLs of its chains hold: the module of routes/, whose `app` answers, and its other paths."""

_WAITS, _FIRST = "/v1/waits/", "openai-images"
_REPLICATE_AGENT = "replicate-"
"""How clients of Replicate's introduce themselves: they ask at the same path as OpenAI's for another list of models."""

app = Api(origins=lambda: dependencies.dependencies().settings.cors_origins)
for routes in (generations, account, catalog, files, description):
    app.include_router(routes.router)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API Gateway request."""
    event = strip_base_path(event, dependencies.dependencies().settings.public_url)
    module = _dialect(event)
    router: Api = import_module(f"{__package__}.routes.{module}").app if module else app
    return router.resolve(event, context)


def _dialect(event: Mapping[str, Any]) -> str | None:
    """Name the module of the dialect that a request is in; None where it is in our own words."""
    path: str = event["path"]
    if not path.startswith(("/v1", "/sdapi")):
        return None
    if path.startswith(_WAITS):
        named = (event.get("queryStringParameters") or {}).get("as", "")
        return DIALECTS.get(named, DIALECTS[_FIRST])[0]
    if path.rstrip("/") == "/v1/models" and _agent(event).startswith(_REPLICATE_AGENT):
        return "replicate"
    return next((module for module, paths in DIALECTS.values() if paths.fullmatch(path)), None)


def _agent(event: Mapping[str, Any]) -> str:
    headers: Mapping[str, str] = event.get("headers") or {}
    return next((value for name, value in headers.items() if name.lower() == "user-agent"), "")


if is_snapshot():
    from .snapshot import prepare

    prepare()
