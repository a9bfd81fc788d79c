"""Reads what a client asks for, or says everything that is wrong with it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from atelier import schema
from atelier.addresses import EgressPolicy
from atelier.catalog import Catalog, Model, Tool
from atelier.document import encode, shown
from atelier.errors import (
    FetchRefusedError,
    FieldError,
    InvalidImageError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
    UnauthenticatedError,
)
from atelier.form import Form, one_of
from atelier.generation import FINAL, Status
from atelier.picture import parse_data_url

MAX_BODY_BYTES = 256 * 1024
MAX_SHOWN_BYTES = 200 * 1024
"""Of an input as its documents show it: a message of SNS or SQS holds 256 KB, and says more than that."""
_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,6})\"?")


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A valid `POST /generate` or `POST /run`."""

    model: Model
    input: dict[str, Any]
    webhook: str | None
    webhook_events: tuple[Status, ...] = FINAL


Chosen = tuple[Model, dict[str, Any]]
"""A model, and what of the client's input is for it."""


def parse_generation_request(body: str, catalog: Catalog, policy: EgressPolicy) -> GenerationRequest:
    """Read the body of `POST /generate` (contract, part 1); raises RequestError with all fields at fault.

    A tool's slug stands for its models.
    """

    def choose(slug: str, values: dict[str, Any]) -> Chosen:
        if slug in catalog.tools and slug not in catalog.models:
            return _model_of(catalog.tool(slug), values, catalog)
        return catalog.model(slug), values

    return _parse(body, "model", choose, policy)


def parse_run_request(body: str, catalog: Catalog, policy: EgressPolicy) -> GenerationRequest:
    """Read the body of `POST /run` (contract, part 2); raises RequestError with all fields at fault."""
    return _parse(body, "tool", lambda slug, values: _model_of(catalog.tool(slug), values, catalog), policy)


def parse_redelivery(body: str) -> Status | None:
    """Read `{"event"?}`, or nothing: which event a webhook is to be told of again, None being all."""
    form = Form(parse_object(body or "{}"), "event")
    event: str | None = form.take("event", one_of(tuple(Status)), f"one of {', '.join(Status)}", default=None)
    form.check()
    return Status(event) if event else None


def _model_of(tool: Tool, values: dict[str, Any], catalog: Catalog) -> Chosen:
    """Choose the tool's model that `input.model` names, or its first."""
    known = {model.slug: model for model in catalog.models_of(tool)}
    wanted = values.get("model")
    if wanted is None:
        wanted = next(iter(known), "")
    if not isinstance(wanted, str):
        fault = FieldError("input.model", "Must be a string.", "type")
        raise InvalidRequestError(f"The request is not valid: {_summary([fault])}", [fault])
    if wanted not in known:
        message = f"The models of {tool.slug} are {', '.join(known)}; there is no '{wanted}'."
        raise NotFoundError(message, [FieldError("input.model", message, "unknown_model")])
    return known[wanted], {name: value for name, value in values.items() if name != "model"}


def _parse(
    body: str, naming: str, choose: Callable[[str, dict[str, Any]], Chosen], policy: EgressPolicy
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
        errors.extend(_check_webhook(webhook, policy))
    if events is not None:
        errors.extend(_check_events(events, webhook))
    given = values if isinstance(values, dict) else {}
    model, given = choose(slug, given) if isinstance(slug, str) else (None, given)
    if model and isinstance(values, dict):
        errors.extend(schema.check(model.input, given, path="input", formats=_formats(policy)))
    if errors or model is None:
        raise InvalidRequestError(f"The request is not valid: {_summary(errors)}", errors)
    _check_size(given)
    wanted = FINAL if events is None else tuple(status for status in Status if status in events)
    return GenerationRequest(model=model, input=given, webhook=webhook, webhook_events=wanted)


def _check_size(values: dict[str, Any]) -> None:
    """Refuse what a catalog allows and our tables and messages don't hold; numbers may have grown as they were read."""
    if len(encode(values).encode()) > MAX_BODY_BYTES or len(encode(shown(values)).encode()) > MAX_SHOWN_BYTES:
        raise PayloadTooLargeError(
            f"The input, without pictures, is larger than {MAX_SHOWN_BYTES // 1024} KB; send less."
        )


def parse_object(body: str) -> dict[str, Any]:
    """Read a JSON object; raises PayloadTooLargeError or InvalidRequestError."""
    if len(body) > MAX_BODY_BYTES or len(body.encode(errors="surrogatepass")) > MAX_BODY_BYTES:
        limit = f"{MAX_BODY_BYTES // 1024} KB"
        raise PayloadTooLargeError(
            f"The body is larger than {limit}; upload pictures by POST /files and name their URLs."
        )
    try:
        document = json.loads(body, parse_float=_number, parse_constant=_refuse_constant)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as exc:
        raise _not_json(f"The body is not valid JSON: {_first_line(exc)}.") from exc
    if not isinstance(document, dict):
        raise _not_json("The body must be a JSON object.")
    return document


def parse_authorization(header: str | None) -> str:
    """Take the key out of an Authorization header, with or without the scheme Bearer."""
    if not header or not header.strip():
        raise UnauthenticatedError("Authorization header is required")
    scheme, _, rest = header.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else header.strip()


def parse_wait(prefer: str | None, *, webhook: str | None, limit: int) -> tuple[int, str | None]:
    """Read a Prefer header: how many seconds to wait, and the preference that was applied.

    Both together mean to wait that long, and then to answer that it goes on (RFC 7240, section 4.3).
    """
    preferences = [item.partition(";")[0].strip().lower() for item in (prefer or "").split(",")]
    for preference in preferences:
        if match := _WAIT.fullmatch(preference):
            seconds = min(int(match[1]), limit)
            return seconds, f"wait={seconds}"
    if "respond-async" in preferences:
        return 0, "respond-async"
    return (0 if webhook else limit), None


def _formats(policy: EgressPolicy) -> schema.Formats:
    return {schema.IMAGE_URL: lambda url: _image_url_fault(url, policy)}


def _image_url_fault(url: str, policy: EgressPolicy) -> str | None:
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


def _check_webhook(webhook: Any, policy: EgressPolicy) -> list[FieldError]:
    if not isinstance(webhook, str):
        return [FieldError("webhook", "Must be a string.", "type")]
    try:
        policy.check_url(webhook)
    except FetchRefusedError as exc:
        return [FieldError("webhook", str(exc), "invalid_url")]
    return []


def _check_events(events: Any, webhook: Any) -> list[FieldError]:
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


def _summary(errors: list[FieldError]) -> str:
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{first.field}: {first.message}{more}"


def _not_json(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, [FieldError("body", message, "invalid_json")])


def _first_line(exc: Exception) -> str:
    return str(exc).splitlines()[0] if str(exc) else "it is nested too deeply"


def _number(text: str) -> int | float:
    """Read a number with a point or an exponent: JSON knows no kinds of numbers, so 8.0 is 8."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
