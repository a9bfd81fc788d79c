"""Replicate's API, for clients that have it: https://HOST/api/v1 is their base URL.

replicate-python appends the v1 itself.
"""

from atelier.adapters.lambda_.responses import raw_body
from atelier.adapters.lambda_.router import Api, Response, Router, answer, body, copied, correlation_id, current_event
from atelier.api.form_data import parse_form
from atelier.api.idempotency_key import parse_idempotency
from atelier.api.list_request import parse_list
from atelier.api.replicate import (
    PredictionReply,
    account_document,
    describe_error,
    file_document,
    model_document,
    model_of,
    model_of_version,
    parse_metadata,
    parse_prediction,
    parse_prediction_body,
    parse_prefer,
    predictions_document,
    version_document,
    versions_of,
    with_urls,
)
from atelier.catalog.model import Model
from atelier.errors import FieldError, InvalidRequestError, NotFoundError, NotPossibleError
from atelier.generations.prediction import prediction
from atelier.images.file_urls import FileUrls
from atelier.logging import bind_context, logger

from .. import waits
from ..caching import OWN
from ..callers import changer, creator, own_generation, reader
from ..dependencies import base_url, dependencies
from ..pictures import as_upload, plan

MAX_FILE_BYTES = 4_400_000
"""Lambda answers 6 MB, in which bytes are base64, a third longer."""
PAGE = 20
REPEATS_UNMARKED = "replicate-javascript/"
"""The client that repeats a request up to five times when its connection breaks, and polls anyway."""
BRIEF_SECONDS = 3.0

app = Api(origins=lambda: dependencies().settings.cors_origins, write_error=describe_error)
router = Router()


@router.post("/v1/predictions")
def create_by_version() -> Response[str]:
    """Accept a prediction by a version, or by a model's name in its place."""
    return _create(None, "/v1/predictions")


@router.post("/v1/models/<owner>/<name>/predictions")
def create_by_model(owner: str, name: str) -> Response[str]:
    """Accept a prediction by a model's name."""
    return _create((owner, name), f"/v1/models/{owner}/{name}/predictions")


@router.post("/v1/deployments/<owner>/<name>/predictions")
def create_by_deployment(owner: str, name: str) -> Response[str]:
    """Accept a prediction by a deployment's name, which is that of a model here."""
    return _create((owner, name), f"/v1/deployments/{owner}/{name}/predictions")


@router.get("/v1/predictions")
def predictions() -> Response[str]:
    """List the caller's predictions, newest first."""
    key, query = reader(), current_event().query_string_parameters
    wanted = parse_list({"limit": str(PAGE), "cursor": query.get("cursor", "")})
    page = dependencies().generations.page(key.user_id, wanted, test=key.test)
    return copied(predictions_document(page.generations, base_url(), page.next_cursor), OWN)


@router.get("/v1/predictions/<generation_id>")
def read(generation_id: str) -> Response[str]:
    """Answer one of the caller's predictions."""
    return answer(200, prediction(own_generation(generation_id, reader()), base_url()))


@router.post("/v1/predictions/<generation_id>/cancel")
def cancel(generation_id: str) -> Response[str]:
    """Cancel one of the caller's predictions; one that is over already is answered as it is."""
    key = changer()
    generation = own_generation(generation_id, key)
    try:
        generation = dependencies().cancel()(generation.id)
        logger.info("generation cancelled", generation_id=generation.id)
    except NotPossibleError:
        generation = own_generation(generation_id, key)
        if not generation.status.final:
            raise
    return answer(200, prediction(generation, base_url()))


@router.route("/v1/waits/<generation_id>", method=["GET", "POST"])
def wait(generation_id: str) -> Response[str]:
    """Go on waiting for a prediction; a client that keeps a redirected POST is answered like the others."""
    return waits.go_on(generation_id, PredictionReply())


@router.get("/v1/models")
def models() -> Response[str]:
    """List the models."""
    reader()
    results = [model_document(model, base_url()) for model in dependencies().catalog().models.values()]
    return copied({"previous": None, "next": None, "results": results}, OWN)


@router.get("/v1/models/<owner>/<name>")
def model(owner: str, name: str) -> Response[str]:
    """Answer a model by its name at Replicate, or as atelier/<slug>."""
    return copied(model_document(_model(owner, name), base_url(), owner, name), OWN)


@router.get("/v1/models/<owner>/<name>/versions")
def versions(owner: str, name: str) -> Response[str]:
    """List a model's versions."""
    found = _model(owner, name)
    results = [version_document(found, version) for version in versions_of(found)]
    return copied({"previous": None, "next": None, "results": results}, OWN)


@router.get("/v1/models/<owner>/<name>/versions/<version>")
def version(owner: str, name: str, version: str) -> Response[str]:
    """Answer a version of a model."""
    found = _model(owner, name)
    if version not in versions_of(found):
        raise NotFoundError(f"{owner}/{name} has no version '{version}' here.")
    return copied(version_document(found, version), OWN)


@router.get("/v1/account")
def account() -> Response[str]:
    """Answer whose key it is."""
    return answer(200, account_document(dependencies().accounts.user(reader().user_id)))


@router.post("/v1/files")
def upload() -> Response[str]:
    """Store a file that is then named in an input: the form's field `content`."""
    key, event = changer(), current_event()
    content_type = event.headers.get("Content-Type") or ""
    parts = {part.field: part for part in parse_form(content_type, raw_body(event.raw_event))}
    part = parts.get("content")
    if part is None:
        message = "'content' is required: the file."
        raise InvalidRequestError(message, [FieldError("content", message, "required")])
    request = as_upload(part.content, "content", part.name)
    stored = dependencies().store_upload()(request, key.user_id)
    metadata = parse_metadata(parts["metadata"].content) if "metadata" in parts else {}
    return answer(201, file_document(stored, part.content, metadata, base_url()))


@router.get("/v1/files/(?:outputs|uploads|transient)/.+")
def file() -> Response[bytes] | Response[str]:
    """Answer a stored picture itself, since replicate-python follows no redirect; lead to it where it is too large."""
    key = current_event().path.partition("/files/")[2]
    content_type, content = dependencies().files().picture(key, MAX_FILE_BYTES)
    if content is None:
        link = dependencies().files().link(key)
        if link is None:
            raise NotFoundError("There is no such file; it may have expired.")
        return answer(302, {"url": link}, {"Location": link, "Cache-Control": "private, max-age=60"})
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(status_code=200, content_type=content_type, headers=headers, body=content)


app.include_router(router)


def _model(owner: str, name: str) -> Model:
    reader()
    return model_of(dependencies().catalog(), owner=owner, name=name)


def _create(named: tuple[str, str] | None, route: str) -> Response[str]:
    deps, headers = dependencies(), current_event().headers
    waiting, seconds = parse_prefer(headers.get("Prefer"))
    with creator() as key:
        text = body()
        sent = parse_prediction_body(text)
        catalog = deps.catalog()
        if named:
            model = model_of(catalog, owner=named[0], name=named[1])
        else:
            model = model_of_version(catalog, sent.document.get("version"))
        planned = {where: plan(content, f"input.{where[0]}", key.user_id) for where, content in sent.pictures.items()}
        urls = {where: picture.url for where, picture in planned.items()}
        request = parse_prediction(with_urls(sent, urls), model, deps.policy)
        FileUrls(base_url()).check(request.generation.input)
        for picture in planned.values():
            picture.store()
        idempotency = parse_idempotency(headers.get("Idempotency-Key"), route=route, body=text)
        generation = deps.accept(request.generation, key, correlation_id(), idempotency)
    bind_context(generation)
    logger.info("generation accepted", model=generation.model)
    reply = PredictionReply(request.logs)
    brief = (headers.get("User-Agent") or "").startswith(REPEATS_UNMARKED)
    if waiting and seconds is None and not brief:
        return waits.begin(generation, reply, "/".join([".."] * (route.count("/") - 1)))
    if waiting:
        limit = deps.settings.wait_seconds if seconds is None else min(seconds, deps.settings.wait_seconds)
        generation = deps.wait(generation, min(limit, waits.time_to_wait(), *([BRIEF_SECONDS] if brief else [])))
    if generation.status.final:
        return answer(201, prediction(generation, base_url(), logs=request.logs))
    return answer(201, reply.pending(generation, base_url()))
