"""The OpenAPI document, and the page that shows it."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from atelier.adapters.lambda_.router import Response, copied

if TYPE_CHECKING:  # what few requests need is imported by those
    from atelier.adapters.lambda_.static_pages import StaticFiles


from atelier.adapters.lambda_.router import Router

from ..dependencies import base_url

HERE = Path(__file__).parents[2]


router = Router()


@router.get("/openapi.json")
def openapi() -> Response[str]:
    """Describe this API, as it is reached at this stack."""
    document = json.loads((HERE / "openapi.json").read_text(encoding="utf-8"))
    return copied({**document, "servers": [{"url": base_url()}]}, "public, max-age=300")


@router.get("/docs")
def docs() -> Response[str]:
    """Answer the page that shows the description."""
    from atelier.adapters.lambda_.static_pages import PAGE, page

    return page(_docs().get(PAGE))


@router.get("/docs/<name>")
def docs_file(name: str) -> Response[str]:
    """Answer one of that page's files, or that the browser's copy is still good."""
    from atelier.adapters.lambda_.static_pages import PAGE, asset

    if name == PAGE:
        return docs()  # never without the headers that protect it
    return asset(_docs().get(name))


@cache
def _docs() -> "StaticFiles":
    from atelier.adapters.lambda_.static_pages import StaticFiles, swagger_ui

    return StaticFiles(HERE / "docs", swagger_ui())
