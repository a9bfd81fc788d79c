"""Models and tools, which anyone may read."""

from collections.abc import Iterable
from typing import Any

from atelier.adapters.lambda_.router import Response, Router, copied, current_event
from atelier.api.list_request import parse_search
from atelier.catalog.model import Model
from atelier.catalog.search import search
from atelier.catalog.serializer import describe_model, describe_tool, tool_detail

from ..caching import CATALOG
from ..dependencies import base_url, dependencies

router = Router()


@router.get("/")
def pointer() -> Response[str]:
    """Say what this is, and where it is described."""
    base = base_url()
    document = {"name": "Atelier", "documentation": f"{base}/docs", "openapi": f"{base}/openapi.json"}
    return copied(document, CATALOG)


@router.get("/models")
def models() -> Response[str]:
    """List all models, the available ones first."""
    return copied({"data": _models(dependencies().catalog().models.values())}, CATALOG)


@router.get("/models/<slug>")
def model(slug: str) -> Response[str]:
    """Answer one model."""
    return copied(_model(dependencies().catalog().model(slug)), CATALOG)


@router.get("/tools")
def tools() -> Response[str]:
    """List the tools."""
    return copied({"data": [describe_tool(tool) for tool in dependencies().catalog().tools.values()]}, CATALOG)


@router.get("/tools/<slug>")
def tool(slug: str) -> Response[str]:
    """Answer one tool with its models."""
    catalog = dependencies().catalog()
    found = catalog.tool(slug)
    return copied(tool_detail(found, _models(catalog.models_of(found))), CATALOG)


@router.get("/search")
def find() -> Response[str]:
    """List the tools and models that a query means, the best first."""
    query = parse_search(current_event().query_string_parameters)
    found = search(query, dependencies().catalog())
    return copied({"data": [tool_detail(tool, _models(models)) for tool, models in found]}, CATALOG)


def _model(model: Model) -> dict[str, Any]:
    return describe_model(model, model.usable(dependencies().setup.ready, test=False))


def _models(models: Iterable[Model]) -> list[dict[str, Any]]:
    """Describe models in their order, but those that are not available last."""
    return sorted(map(_model, models), key=lambda model: not model["available"])
