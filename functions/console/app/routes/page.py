"""The console's page and its files."""

from atelier.adapters.lambda_.router import Response, Router
from atelier.adapters.lambda_.static_pages import PAGE, asset
from atelier.adapters.lambda_.static_pages import page as page_of

from ..dependencies import dependencies

router = Router()


@router.get("/console")
def page() -> Response[str]:
    """Answer the page."""
    deps = dependencies()
    return page_of(deps.static.get(PAGE), images=deps.files().origin())


@router.get("/console/static/<name>")
def static(name: str) -> Response[str]:
    """Answer one of the page's files, or that the browser's copy is still good."""
    if name == PAGE:
        return page()  # never without the headers that protect it
    return asset(dependencies().static.get(name))
