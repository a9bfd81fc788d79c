"""Providers and their keys."""

from atelier.adapters.lambda_.router import Response, Router, answer, body
from atelier.api.admin_requests import (
    parse_provider_key,
)
from atelier.api.admin_serializers import (
    provider_document,
)
from atelier.clock import now_ms
from atelier.logging import logger
from atelier.outbound.circuit_breaker import merged, provider_upstream
from atelier.providers.registry import keyed, kinds, testable

from ..dependencies import Dependencies
from ..operator import administrator

router = Router()


@router.get("/console/admin/providers")
def list_providers() -> Response[str]:
    """List the providers: whether each is set up, what went wrong last, and which models it serves; never the keys."""
    deps = administrator()
    deps.provider_keys().publish()  # so that keys that were set in the secret itself count as well
    catalog, setup = deps.catalog(), deps.provider_setup()
    known = kinds(catalog)
    now = now_ms()
    breakers = deps.breakers.read_all({provider_upstream(name): catalog.concurrency_of(name) for name in known})
    data = [
        provider_document(kind, catalog, setup, merged(breakers[provider_upstream(name)]), now)
        for name, kind in known.items()
    ]
    return answer(200, {"data": data})


@router.post("/console/admin/providers/<name>")
def set_provider_key(name: str) -> Response[str]:
    """Set a provider's key."""
    return _changed_key(administrator(), name, parse_provider_key(body()))


@router.delete("/console/admin/providers/<name>")
def unset_provider_key(name: str) -> Response[str]:
    """Unset a provider's key."""
    return _changed_key(administrator(), name, None)


@router.post("/console/admin/providers/<name>/test")
def check_provider(name: str) -> Response[str]:
    """Make a call that costs nothing, and tell whether the provider takes this stack's key."""
    deps = administrator()
    fault = deps.check_provider()(testable(name, deps.catalog()).name)
    logger.info("provider tested", provider=name, accepted=fault is None)
    return answer(200, {"name": name, "accepted": fault is None, "message": fault})


def _changed_key(deps: Dependencies, name: str, key: str | None) -> Response[str]:
    kind = keyed(name, deps.catalog())
    deps.provider_keys().put(name, key)
    logger.info("provider key changed", provider=name, known=key is not None)
    catalog = deps.catalog()
    breaker = deps.breakers.read(provider_upstream(name), catalog.concurrency_of(name))
    return answer(200, provider_document(kind, catalog, deps.provider_setup(), breaker, now_ms()))
