"""Reads what a client asks for, or says everything that is wrong with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from atelier.api.fields import summary
from atelier.api.json_body import MAX_BODY_BYTES, parse_object
from atelier.catalog import input_validation
from atelier.catalog.input_coercion import read_input
from atelier.catalog.model import Catalog, Model, Tool
from atelier.encoding import encode
from atelier.errors import (
    FetchRefusedError,
    FieldError,
    InvalidImageError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
)
from atelier.generations.accept import GenerationRequest
from atelier.generations.model import FINAL, Status
from atelier.generations.serializer import shown
from atelier.images.file_urls import FIELD as IMAGE_URLS
from atelier.images.file_urls import MASK
from atelier.images.image import parse_data_url
from atelier.images.mask import size_fault
from atelier.images.output import BACKGROUND, FORMAT, JPEG, NO_TRANSPARENCY, TRANSPARENT
from atelier.outbound.url_policy import UrlPolicy

MAX_SHOWN_BYTES = 200 * 1024
"""Of an input as its documents show it: a message of SNS or SQS holds 256 KB, and says more than that."""


Usable = Callable[[Model], bool]
"""Whether the client can use a model just now."""

Chosen = tuple[Model, dict[str, Any]]
"""A model, and what of the client's input is for it."""


def _any(_: Model) -> bool:
    return True


def parse_generation_request(
    body: str, catalog: Catalog, policy: UrlPolicy, usable: Usable = _any
) -> GenerationRequest:
    """Read the body of `POST /generate` (contract, part 1); raises RequestError with all fields at fault.

    A tool's slug stands for its models.
    """

    def choose(slug: str, values: dict[str, Any]) -> Chosen:
        if catalog.is_tool(slug):
            return _model_of(catalog.tool(slug), values, catalog, usable)
        return catalog.model(slug), values

    return _parse(body, "model", choose, catalog, policy)


def parse_run_request(body: str, catalog: Catalog, policy: UrlPolicy, usable: Usable = _any) -> GenerationRequest:
    """Read the body of `POST /run` (contract, part 2); raises RequestError with all fields at fault."""

    def choose(slug: str, values: dict[str, Any]) -> Chosen:
        return _model_of(catalog.tool(slug), values, catalog, usable)

    return _parse(body, "tool", choose, catalog, policy)


def _model_of(tool: Tool, values: dict[str, Any], catalog: Catalog, usable: Usable) -> Chosen:
    """Choose the tool's model that `input.model` names, or the first that can be used."""
    known = {model.slug: model for model in catalog.models_of(tool)}
    wanted = values.get("model")
    wanted = catalog.aliases.get(wanted, wanted) if isinstance(wanted, str) else wanted
    if wanted is None:
        wanted = next((slug for slug, model in known.items() if usable(model)), next(iter(known), ""))
    if not isinstance(wanted, str):
        fault = FieldError("input.model", "Must be a string.", "type")
        raise InvalidRequestError(f"The request is not valid: {summary([fault])}", [fault])
    if wanted not in known:
        message = f"The models of {tool.slug} are {', '.join(known)}; there is no '{wanted}'."
        raise NotFoundError(message, [FieldError("input.model", message, "unknown_model")])
    return known[wanted], {name: value for name, value in values.items() if name != "model"}


def _parse(
    body: str,
    naming: str,
    choose: Callable[[str, dict[str, Any]], Chosen],
    catalog: Catalog,
    policy: UrlPolicy,
) -> GenerationRequest:
    """Read a body whose field `naming` says, with the input, which model is meant."""
    document = parse_object(body)
    fields = (naming, "input", "webhook", "webhook_events")
    errors = [
        FieldError(name, f"'{name}' is not known here; known are {', '.join(fields)}.", "unknown_field")
        for name in document
        if name not in fields
    ]
    slug, values, webhook, events = (document.get(name) for name in fields)
    for name, value, kind, words in ((naming, slug, str, "a string"), ("input", values, dict, "an object")):
        if value is None:
            errors.append(FieldError(name, f"'{name}' is required.", "required"))
        elif not isinstance(value, kind):
            errors.append(FieldError(name, f"Must be {words}.", "type"))
    if webhook is not None:
        errors.extend(check_webhook(webhook, policy))
    if events is not None:
        errors.extend(check_events(events, webhook))
    given = values if isinstance(values, dict) else {}
    model, given = choose(slug, given) if isinstance(slug, str) else (None, given)
    if model and isinstance(values, dict):
        given = read_input(model.input, given)
        errors.extend(_hinted(error, model, catalog) for error in check_input(model, given, policy))
    if errors or model is None:
        raise InvalidRequestError(f"The request is not valid: {summary(errors)}", errors)
    check_size(given)
    wanted = FINAL if events is None else tuple(status for status in Status if status in events)
    return GenerationRequest(model=model, input=given, webhook=webhook, webhook_events=wanted)


def check_input(model: Model, values: dict[str, Any], policy: UrlPolicy) -> list[FieldError]:
    """List what is wrong with a model's input, each field as `input.<name>`."""
    formats = {input_validation.IMAGE_URL: lambda url: _image_url_fault(url, policy)}
    errors = input_validation.check(model.input, values, path="input", formats=formats)
    if model.own_words:
        return errors
    if not errors and (fault := _mask_fault(values)):
        errors.append(FieldError(f"input.{MASK}", f"The mask cannot be used: {fault}.", "size"))
    if values.get(FORMAT) == JPEG and values.get(BACKGROUND) == TRANSPARENT:
        errors.append(FieldError(f"input.{BACKGROUND}", NO_TRANSPARENCY, "conflict"))
    return errors


def check_size(values: dict[str, Any]) -> None:
    """Refuse what a catalog allows and our tables and messages don't hold; numbers may have grown as they were read."""
    if len(encode(values).encode()) > MAX_BODY_BYTES or len(encode(shown(values)).encode()) > MAX_SHOWN_BYTES:
        raise PayloadTooLargeError(
            f"The input, without pictures, is larger than {MAX_SHOWN_BYTES // 1024} KB; send less."
        )


def _hinted(error: FieldError, model: Model, catalog: Catalog) -> FieldError:
    """Add to the refusal of a field which of the tool's models take it."""
    name = error.field.removeprefix("input.")
    takers = [other.slug for other in catalog.models_of(model.tool) if name in other.input["properties"]]
    if error.code != "unknown_field" or not takers:
        return error
    return replace(error, message=f"{error.message} Models that take '{name}': {', '.join(takers)}.")


def _mask_fault(values: dict[str, Any]) -> str | None:
    """Compare a mask's size with its picture's where both are in the request itself."""
    urls = [(values.get(IMAGE_URLS) or [""])[0], values.get(MASK) or ""]
    if not all(url.startswith("data:") for url in urls):
        return None
    picture, mask = (parse_data_url(url, max_bytes=MAX_BODY_BYTES) for url in urls)
    return size_fault(picture, mask)


def _image_url_fault(url: str, policy: UrlPolicy) -> str | None:
    try:
        if url.startswith("data:"):
            parse_data_url(url, max_bytes=MAX_BODY_BYTES)
        else:
            policy.check_url(url)
    except FetchRefusedError as exc:
        return str(exc)
    except InvalidImageError as exc:
        return f"The picture cannot be used: {exc}."
    return None


def check_webhook(webhook: Any, policy: UrlPolicy) -> list[FieldError]:
    """List what is wrong with a webhook's URL."""
    if not isinstance(webhook, str):
        return [FieldError("webhook", "Must be a string.", "type")]
    try:
        policy.check_url(webhook)
    except FetchRefusedError as exc:
        return [FieldError("webhook", str(exc), "invalid_url")]
    return []


def check_events(events: Any, webhook: Any) -> list[FieldError]:
    """List the errors in `webhook_events`."""
    field, known = "webhook_events", tuple(Status)
    if webhook is None:
        return [FieldError(field, "Is for a 'webhook'; send one, or leave this out.", "conflict")]
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        return [FieldError(field, "Must be a list of strings.", "type")]
    if not events:
        return [FieldError(field, f"Must not be empty; there are {', '.join(known)}.", "too_short")]
    errors = [
        FieldError(f"{field}.{index}", f"Must be one of {', '.join(known)}.", "enum")
        for index, event in enumerate(events)
        if event not in known
    ]
    if len(set(events)) < len(events):
        errors.append(FieldError(field, "Must not name a status twice.", "repeated"))
    return errors
