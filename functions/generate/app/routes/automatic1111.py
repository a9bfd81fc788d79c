"""AUTOMATIC1111's API, for clients that have it: https://HOST/api is their base URL.

The key is the password of their HTTP Basic.
"""

from collections.abc import Mapping
from typing import Any

from atelier.adapters.lambda_.router import Api, Response, Router, answer, body, correlation_id, current_event
from atelier.api.automatic1111 import (
    PROGRESS,
    SAMPLERS,
    SCHEDULERS,
    UPSCALERS,
    Pictures,
    PicturesReply,
    default_model,
    describe_error,
    models_document,
    options_document,
    parse_pictures,
    parse_request,
)
from atelier.api.json_body import parse_object
from atelier.logging import bind_context, logger

from .. import waits
from ..callers import creator, reader
from ..dependencies import dependencies
from ..pictures import check_mask, plan

MAX_REQUEST_BYTES = 6_000_000
"""What Lambda takes: pictures are within the body."""

DETAILS: Mapping[str, Any] = {
    "samplers": SAMPLERS,
    "schedulers": SCHEDULERS,
    "upscalers": UPSCALERS,
    "progress": PROGRESS,
    "loras": [],
    "sd-vae": [],
}

app = Api(origins=lambda: dependencies().settings.cors_origins, write_error=describe_error)
router = Router()


@router.post("/sdapi/v1/txt2img")
def from_text() -> Response[str]:
    """Accept a generation, and answer with its pictures."""
    return _create(edit=False)


@router.post("/sdapi/v1/img2img")
def from_pictures() -> Response[str]:
    """Accept a generation from pictures, and answer with what it makes of them."""
    return _create(edit=True)


@router.route("/v1/waits/<generation_id>", method=["GET", "POST"])
def wait(generation_id: str) -> Response[str]:
    """Go on waiting for a generation; a client that keeps a redirected POST is answered like the others."""
    return waits.go_on(generation_id, PicturesReply())


@router.get("/sdapi/v1/options")
def options() -> Response[str]:
    """Answer the settings."""
    reader()
    return answer(200, options_document(default_model(dependencies().catalog())))


@router.post("/sdapi/v1/options")
def set_options() -> Response[str]:
    """Accept settings and change none: a request names its model itself, and clients share this stack."""
    reader()
    parse_object(body())
    return answer(200, {})


@router.get("/sdapi/v1/sd-models")
def models() -> Response[str]:
    """List the models that the key may use and that have a provider here."""
    key, deps = reader(), dependencies()
    found = [model for model in deps.catalog().models.values() if deps.usable(key, model)]
    return answer(200, models_document(found))


@router.get(f"/sdapi/v1/(?:{'|'.join(DETAILS)})")
def details() -> Response[str]:
    """Answer what clients poll, and what they list to choose from, of which the models here have nothing."""
    reader()
    return answer(200, DETAILS[current_event().path.rpartition("/")[2]])


app.include_router(router)


def _create(*, edit: bool) -> Response[str]:
    deps = dependencies()
    with creator() as key:
        document = parse_object(body(), max_bytes=MAX_REQUEST_BYTES)
        pictures = parse_pictures(document) if edit else Pictures()
        contents = [*pictures.images, *([pictures.mask] if pictures.mask else [])]
        planned = [plan(content, "init_images", key.user_id) for content in contents]
        urls = [picture.url for picture in planned]
        mask = urls.pop() if pictures.mask else None
        if pictures.images:
            check_mask(pictures.images[0], pictures.mask)
        request = parse_request(document, tuple(urls), mask, deps.catalog(), deps.policy)
        for picture in planned:
            picture.store()
        generation = deps.accept(request, key, correlation_id())
    bind_context(generation)
    logger.info("generation accepted", model=generation.model)
    return waits.begin(generation, PicturesReply(), "../..")
