"""Create, read, cancel and delete generations, and their deliveries."""

from functools import partial
from typing import Any

from atelier.accounts.api_keys import ApiKey
from atelier.adapters.lambda_.router import (
    Response,
    Router,
    answer,
    body,
    copied,
    correlation_id,
    current_event,
    nothing,
)
from atelier.api.generation_request import parse_generation_request, parse_run_request
from atelier.api.idempotency_key import parse_idempotency
from atelier.api.list_request import parse_list
from atelier.api.prefer import parse_wait
from atelier.api.redelivery_request import parse_redelivery
from atelier.generations.accept import GenerationRequest
from atelier.generations.model import Generation
from atelier.generations.serializer import accepted, detail, page_document
from atelier.images.file_urls import FileUrls
from atelier.logging import bind_context, logger
from atelier.webhooks.serializer import delivery_document

from ..caching import OWN
from ..callers import changer, creator, own_generation, reader
from ..dependencies import base_url, dependencies
from ..waits import time_to_wait

router = Router()


@router.post("/generate")
def generate() -> Response[str]:
    """Accept a generation by a model's slug, and wait for it where the client wants to (RFC 7240)."""
    deps = dependencies()
    with creator() as key:
        text = body()
        request = parse_generation_request(text, deps.catalog(), deps.policy, partial(deps.usable, key))
        seconds, applied = _wait(request)
        generation = _accept(request, key, "/generate", text)
    generation = deps.wait(generation, min(seconds, time_to_wait()))
    return _started(generation, detail(generation, base_url()), applied)


@router.post("/run")
def run() -> Response[str]:
    """Accept a generation by a tool's slug; only who asks to wait is kept waiting, and gets the whole of it."""
    deps = dependencies()
    with creator() as key:
        text = body()
        request = parse_run_request(text, deps.catalog(), deps.policy, partial(deps.usable, key))
        seconds, applied = _wait(request)
        generation = _accept(request, key, "/run", text)
    if not (applied and seconds):
        return _answered(202, generation, accepted(generation), applied)
    generation = deps.wait(generation, min(seconds, time_to_wait()))
    return _started(generation, detail(generation, base_url()), applied)


@router.get("/generations")
def list_generations() -> Response[str]:
    """List the caller's generations, newest first."""
    key = reader()
    wanted = parse_list(current_event().query_string_parameters)
    page = dependencies().generations.page(key.user_id, wanted, test=key.test)
    return copied(page_document(page, wanted, base_url()), OWN)


@router.get("/generations/<generation_id>")
def read(generation_id: str) -> Response[str]:
    """Answer one of the caller's generations."""
    return copied(detail(own_generation(generation_id, reader()), base_url()), OWN)


@router.delete("/generations/<generation_id>")
def delete(generation_id: str) -> Response[str]:
    """Delete one of the caller's generations, which must be finished, and its files."""
    generation = own_generation(generation_id, changer())
    dependencies().delete()(generation.id)
    logger.info("generation deleted", generation_id=generation.id)
    return nothing()


@router.post("/generations/<generation_id>/cancel")
def cancel(generation_id: str) -> Response[str]:
    """Cancel one of the caller's generations, as far as it still can be."""
    generation = dependencies().cancel()(own_generation(generation_id, changer()).id)
    bind_context(generation)
    logger.info("generation cancelled")
    return answer(200, detail(generation, base_url()))


@router.get("/generations/<generation_id>/deliveries")
def deliveries(generation_id: str) -> Response[str]:
    """List what one of the caller's generations told its webhook, and how that went."""
    generation = own_generation(generation_id, reader())
    _, history = dependencies().deliveries().history(generation.id)
    return answer(200, {"data": [delivery_document(item) for item in history]})


@router.post("/generations/<generation_id>/redeliver")
def redeliver(generation_id: str) -> Response[str]:
    """Tell the webhook of one of the caller's generations again."""
    from atelier.webhooks.delivery import DeliveryHistory

    deps, generation = dependencies(), own_generation(generation_id, changer())
    again = deps.redeliver()(generation.id, base_url(), parse_redelivery(body()))
    logger.info("delivery repeated", generation_id=generation.id)
    return answer(202, {"data": [delivery_document(DeliveryHistory(delivery, ())) for delivery in again]})


def _wait(request: GenerationRequest) -> tuple[int, str | None]:
    limit = dependencies().settings.wait_seconds
    return parse_wait(current_event().headers.get("Prefer"), webhook=request.webhook, limit=limit)


def _accept(request: GenerationRequest, key: ApiKey, route: str, text: str) -> Generation:
    FileUrls(base_url()).check(request.input)
    idempotency = parse_idempotency(current_event().headers.get("Idempotency-Key"), route=route, body=text)
    generation = dependencies().accept(request, key, correlation_id(), idempotency)
    bind_context(generation)
    logger.info("generation accepted", model=generation.model)
    return generation


def _started(generation: Generation, document: dict[str, Any], applied: str | None) -> Response[str]:
    return _answered(200 if generation.status.final else 202, generation, document, applied)


def _answered(status: int, generation: Generation, document: dict[str, Any], applied: str | None) -> Response[str]:
    headers = {"Location": f"{base_url()}/generations/{generation.id}"}
    if applied:
        headers["Preference-Applied"] = applied
    return answer(status, document, headers)
