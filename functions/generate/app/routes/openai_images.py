"""OpenAI's Images API, for clients that have it: https://HOST/api/v1 is their base URL."""

from atelier.accounts.api_keys import ApiKey
from atelier.adapters.lambda_.responses import raw_body
from atelier.adapters.lambda_.router import Api, Response, Router, body, copied, correlation_id, current_event
from atelier.api.idempotency_key import parse_idempotency
from atelier.api.json_body import parse_object
from atelier.api.openai_edits import EditForm, parse_edit_form, parse_edit_json
from atelier.api.openai_images import (
    DIALECT,
    ImagesReply,
    ImagesRequest,
    default_reply,
    describe_error,
    model_document,
    models_document,
    parse_edit,
    parse_generation,
)
from atelier.api.sdk_retry import parse_count
from atelier.api.upload_request import FORM
from atelier.errors import FieldError, InvalidRequestError, NotFoundError
from atelier.generations.model import Generation
from atelier.images.file_urls import FileUrls
from atelier.logging import bind_context, logger

from .. import waits
from ..caching import OWN
from ..callers import creator, reader
from ..dependencies import base_url, dependencies
from ..pictures import check_mask, plan

app = Api(origins=lambda: dependencies().settings.cors_origins, write_error=describe_error)
router = Router()


@router.post("/v1/images/generations")
def generations() -> Response[str]:
    """Accept a generation, and answer with its pictures."""
    deps = dependencies()
    with creator() as key:
        document = default_reply(current_event().query_string_parameters) | parse_object(body())
        request = parse_generation(document, deps.catalog(), deps.policy)
        generation = _accept(request, key, "/v1/images/generations")
    shown = {"X-Ignored-Parameters": ", ".join(request.ignored)} if request.ignored else {}
    return waits.begin(generation, request.reply, "../..", shown)


@router.post("/v1/images/edits")
def edits() -> Response[str]:
    """Accept a generation from pictures, which are stored first, and answer with what it makes of them."""
    deps = dependencies()
    with creator() as key:
        form = _edit_form()
        contents = [*form.pictures, *([form.mask] if form.mask else [])]
        planned = [plan(content, "image", key.user_id) for content in contents]
        urls = [picture.url for picture in planned]
        mask = urls.pop() if form.mask else None
        if form.pictures:
            check_mask(form.pictures[0], form.mask)
        request = parse_edit(form, tuple(urls), mask, deps.catalog(), deps.policy)
        for picture in planned:
            picture.store()
        generation = _accept(request, key, "/v1/images/edits")
    shown = {"X-Ignored-Parameters": ", ".join(request.ignored)} if request.ignored else {}
    return waits.begin(generation, request.reply, "../..", shown)


@router.route("/v1/waits/<generation_id>", method=["GET", "POST"])
def wait(generation_id: str) -> Response[str]:
    """Go on waiting for a generation; a client that keeps a redirected POST is answered like the others."""
    query = current_event().query_string_parameters
    if query.get("as") != DIALECT:
        message = f"Must be {DIALECT}, as in the Location that led here."
        raise InvalidRequestError(f"as: {message}", [FieldError("as", message, "enum")])
    return waits.go_on(generation_id, ImagesReply.from_query(query))


@router.get("/v1/models")
def models() -> Response[str]:
    """List the models that the key may use and that have a provider here."""
    key = reader()
    deps = dependencies()
    found = [model for model in deps.catalog().models.values() if deps.usable(key, model)]
    return copied(models_document(found), OWN)


@router.get("/v1/models/<slug>")
def model(slug: str) -> Response[str]:
    """Answer one model, by its slug or an alias."""
    key = reader()
    deps = dependencies()
    found = deps.catalog().model(slug)
    if not deps.usable(key, found):
        message = f"This key cannot use the model '{slug}', or nobody serves it here."
        raise NotFoundError(message, [FieldError("model", message, "unknown_model")])
    return copied({**model_document(found), "id": slug}, OWN)


app.include_router(router)


def _edit_form() -> EditForm:
    said = current_event().headers.get("Content-Type") or ""
    if said.partition(";")[0].strip().lower() == FORM:
        return parse_edit_form(said, raw_body(current_event().raw_event))
    return parse_edit_json(body())


def _accept(request: ImagesRequest, key: ApiKey, route: str) -> Generation:
    FileUrls(base_url()).check(request.generation.input)
    headers = current_event().headers
    idempotency = parse_idempotency(headers.get("Idempotency-Key"), route=route, body=request.digest)
    counted = parse_count(headers.get("X-Stainless-Retry-Count"), request.digest)
    generation = dependencies().accept(request.generation, key, correlation_id(), idempotency, counted)
    bind_context(generation)
    logger.info("generation accepted", model=generation.model)
    return generation
