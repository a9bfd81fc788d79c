"""Providers and their keys."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from atelier.adapters.lambda_.router import Router, answer, body
from atelier.api.admin_requests import (
    parse_provider_key,
)
from atelier.api.admin_serializers import (
    provider_document,
)
from atelier.logging import logger
from atelier.providers.registry import KINDS, keyed

from ..dependencies import Dependencies
from ..operator import administrator

router = Router()


@router.get("/console/admin/providers")
def list_providers() -> Response[str]:
    """List the providers, whether each has a key, and which models it serves; never the keys."""
    deps = administrator()
    catalog, having = deps.catalog(), deps.provider_keys().names()
    return answer(200, {"data": [provider_document(kind, catalog, having) for kind in KINDS.values()]})


@router.post("/console/admin/providers/<name>")
def set_provider_key(name: str) -> Response[str]:
    """Set a provider's key."""
    return _changed_key(administrator(), name, parse_provider_key(body()))


@router.delete("/console/admin/providers/<name>")
def unset_provider_key(name: str) -> Response[str]:
    """Unset a provider's key."""
    return _changed_key(administrator(), name, None)


def _changed_key(deps: Dependencies, name: str, key: str | None) -> Response[str]:
    kind, editor = keyed(name), deps.provider_keys()
    editor.put(name, key)
    logger.info("provider key changed", provider=name, known=key is not None)
    return answer(200, provider_document(kind, deps.catalog(), editor.names()))
