"""Replicate's API: its requests read into ours, and our models, files and errors written its way.

https://replicate.com/docs/reference/http
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from atelier.accounts.users import User
from atelier.api.blocking_reply import ReadFile, ReplyBody
from atelier.api.error_document import ErrorDocument
from atelier.api.fields import summary
from atelier.api.generation_request import check_input, check_size, check_webhook
from atelier.api.json_body import MAX_BODY_BYTES, parse_object
from atelier.api.size import fitted, parse_size
from atelier.catalog.model import Catalog, Model
from atelier.encoding import encode, timestamp
from atelier.errors import (
    FieldError,
    InvalidImageError,
    InvalidRequestError,
    NotFoundError,
    PaymentRequiredError,
    RequestError,
    UnauthenticatedError,
)
from atelier.generations.accept import GenerationRequest
from atelier.generations.model import FINAL, Generation, ListedGeneration, Status
from atelier.generations.prediction import OWNER, REPLICATE, STARTING, prediction, unreadable_prediction
from atelier.images.file_urls import FIELD as IMAGE_URLS
from atelier.images.file_urls import MASK, file_url
from atelier.images.image import parse_data_url
from atelier.images.output import COMPRESSION, FORMAT, JPEG
from atelier.images.uploads import Upload
from atelier.outbound.url_policy import UrlPolicy

MAX_REQUEST_BYTES = 6_000_000
"""What Lambda takes: clients put pictures into the body as data URLs."""
FIELDS = ("input", "version", "webhook", "webhook_events_filter", "webhook_completed", "stream")
EVENTS: Mapping[str, tuple[Status, ...]] = {
    "start": (Status.PROCESSING,),
    "output": (),
    "logs": (),
    "completed": FINAL,
}
"""Replicate's events, and ours; of output and logs there is nothing to tell before the end."""
_NAMES = {
    "num_outputs": "num_images",
    "image": IMAGE_URLS,
    "images": IMAGE_URLS,
    "image_input": IMAGE_URLS,
    "input_image": IMAGE_URLS,
    "input_images": IMAGE_URLS,
    "image_prompt": IMAGE_URLS,
    "output_quality": COMPRESSION,
    "mask": MASK,
    "mask_image": MASK,
}
"""What Replicate's models call our inputs, where the catalog says nothing of theirs."""
_CUSTOM = ("custom", "match_input_image")
_WAIT = re.compile(r"wait(?:=(\d{1,6}))?")


# ---- Requests


@dataclass(frozen=True, slots=True)
class PredictionBody:
    """A request's body, with the pictures that its input holds as data URLs taken out, by where they were."""

    document: dict[str, Any]
    pictures: dict[tuple[str, int | None], bytes]


def parse_prediction_body(body: str) -> PredictionBody:
    """Read the body of `POST /v1/predictions`; raises RequestError."""
    document = parse_object(body, max_bytes=MAX_REQUEST_BYTES)
    pictures: dict[tuple[str, int | None], bytes] = {}
    values = document.get("input")
    for name, value in values.items() if isinstance(values, dict) else ():
        for number, item in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(item, str) and item.startswith("data:"):
                pictures[name, number] = _content(item, name)
    return PredictionBody(document, pictures)


def with_urls(body: PredictionBody, urls: Mapping[tuple[str, int | None], str]) -> dict[str, Any]:
    """Return the document with URLs in place of the pictures."""
    if not urls:
        return body.document
    values = dict(body.document["input"])
    for (name, number), url in urls.items():
        if number is None:
            values[name] = url
        else:
            values[name] = [url if index == number else item for index, item in enumerate(values[name])]
    return {**body.document, "input": values}


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """A valid request: the generation, and the inputs that its model has no place for."""

    generation: GenerationRequest
    ignored: tuple[str, ...]

    @property
    def logs(self) -> str:
        """Say what is ignored."""
        return f"Ignored, since this model has no such input: {', '.join(self.ignored)}." if self.ignored else ""


def parse_prediction(document: Mapping[str, Any], model: Model, policy: UrlPolicy) -> PredictionRequest:
    """Read a prediction's document for a model; raises RequestError with Replicate's names of the fields."""
    given, errors = document.get("input"), []
    if not isinstance(given, dict):
        raise _invalid([FieldError("input", "Must be an object.", "type")])
    values, ignored, names = _translated(model, given)
    errors += [replace(error, field=_named(error.field, names)) for error in check_input(model, values, policy)]
    webhook, events = _webhook(document, errors, policy)
    if errors:
        raise _invalid(errors)
    check_size(values)
    request = GenerationRequest(
        model=model, input=values, webhook=webhook, webhook_events=events, webhook_format=REPLICATE
    )
    return PredictionRequest(request, ignored)


def model_of(catalog: Catalog, *, owner: str, name: str) -> Model:
    """Return the model of a name at Replicate, or of our own slug or alias; NotFoundError where there is none."""
    for model in catalog.models.values():
        theirs = [route.model.partition(":")[0] for route in model.routes if route.provider == REPLICATE]
        if f"{owner}/{name}" in theirs:
            return model
    return catalog.model(name)


def model_of_version(catalog: Catalog, version: Any) -> Model:
    """Return the model of a version's id, or of `owner/name`, with a version or without; NotFoundError without one."""
    if not isinstance(version, str) or not version:
        raise _invalid([FieldError("version", "'version' is required.", "required")])
    name, _, wanted = version.rpartition(":")
    for model in catalog.models.values():
        if (wanted or version) in versions_of(model):
            return model
    owner, _, slug = (name or wanted or version).rpartition("/")
    try:
        return model_of(catalog, owner=owner, name=slug)
    except NotFoundError as exc:
        raise NotFoundError(f"There is no version '{version}' here.", exc.errors) from exc


def parse_prefer(header: str | None) -> tuple[bool, int | None]:
    """Read a Prefer header: whether to wait, and for how many seconds at most where it says so."""
    for item in (header or "").split(","):
        if match := _WAIT.fullmatch(item.replace(" ", "").lower()):
            return True, int(match[1]) if match[1] else None
    return False, None


def _content(url: str, name: str) -> bytes:
    try:
        return parse_data_url(url, max_bytes=MAX_REQUEST_BYTES)
    except InvalidImageError as exc:
        raise _invalid([FieldError(f"input.{name}", f"The picture cannot be used: {exc}.", "invalid")]) from exc


def _translated(model: Model, given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...], dict[str, str]]:
    """Put Replicate's inputs into ours; return those, the names of the ignored, and theirs by ours."""
    known = model.input["properties"]
    rules = next((route.input for route in model.routes if route.provider == REPLICATE and route.input), {})
    theirs = {name: IMAGE_URLS if rule.source == "image_url" else rule.source for name, rule in rules.items()}
    pixels = parse_size(given.get("size"))
    if pixels and "size" not in {*theirs, *known} and (shape := fitted(*pixels, known)):
        given = shape | {name: value for name, value in given.items() if name != "size"}
    values: dict[str, Any] = {}
    ignored, names = [], {}
    for name, value in given.items():
        ours = theirs.get(name) or (name if name in known else _NAMES.get(name, ""))
        if value is None:
            continue
        if ours == FORMAT and value == "jpg":
            value = JPEG
        if not _has_place(known, ours, value):
            ignored.append(name)
            continue
        if ours == IMAGE_URLS and not isinstance(value, list):
            value = [value]
        values[ours] = [*values[ours], *value] if ours == IMAGE_URLS and ours in values else value
        names[ours] = name
    if "aspect_ratio" in values:  # which counts there, and no size beside it
        ignored += [side for side in ("width", "height") if values.pop(side, None) is not None]
    if values.get("num_images") == 1 and "num_images" not in known:
        del values["num_images"]
    return values, tuple(sorted(ignored)), names


def _has_place(known: Mapping[str, Any], name: str, value: Any) -> bool:
    """Say whether a model has a place for an input; Replicate's other formats and shapes are ignored, not refused."""
    if name == FORMAT:
        return not isinstance(value, str) or value in known[FORMAT]["enum"]
    return name in known and not (name == "aspect_ratio" and value in _CUSTOM)


def _webhook(
    document: Mapping[str, Any], errors: list[FieldError], policy: UrlPolicy
) -> tuple[str | None, tuple[Status, ...]]:
    webhook, each = _given(document, "webhook"), True
    if webhook is None:
        webhook, each = _given(document, "webhook_completed"), False
    wanted = document.get("webhook_events_filter")
    if wanted is None:
        wanted = list(EVENTS) if each else ["completed"]
    if not isinstance(wanted, list) or not all(isinstance(name, str) and name in EVENTS for name in wanted):
        errors.append(FieldError("webhook_events_filter", f"Must be a list of {', '.join(EVENTS)}.", "enum"))
        return None, FINAL
    if webhook is None:
        return None, FINAL
    errors += check_webhook(webhook, policy)
    chosen = {status for name in wanted for status in EVENTS[name]}
    return (webhook, tuple(status for status in Status if status in chosen)) if chosen else (None, FINAL)


def _given(document: Mapping[str, Any], name: str) -> Any:
    """Return a field, None where it is absent, null or empty."""
    return None if document.get(name) == "" else document.get(name)


def _named(field: str, names: Mapping[str, str]) -> str:
    name, dot, rest = field.removeprefix("input.").partition(".")
    return f"input.{names.get(name, name)}{dot}{rest}"


def _invalid(errors: list[FieldError]) -> InvalidRequestError:
    return InvalidRequestError(summary(errors), errors)


# ---- Answers


@dataclass(frozen=True, slots=True)
class PredictionReply:
    """A prediction's document, whatever became of it."""

    logs: str = ""

    def query(self) -> Mapping[str, str]:
        """Write it as the query of a URL."""
        return {"as": REPLICATE}

    def pending(self, generation: Generation, base_url: str) -> dict[str, Any]:
        """Describe a generation that is not finished.

        It says `starting` even where it is processed: clients that wait take any other status for the end.
        """
        return {**prediction(generation, base_url, logs=self.logs), "status": STARTING}

    def finished(self, generation: Generation, base_url: str, read: ReadFile) -> ReplyBody:
        """Write the document."""
        content = encode(prediction(generation, base_url, logs=self.logs)).encode()
        return ReplyBody("application/json", len(content), [content])


def predictions_document(
    generations: Iterable[ListedGeneration], base_url: str, next_cursor: str | None
) -> dict[str, Any]:
    """List predictions; the cursor is a whole URL."""
    following = f"{base_url}/v1/predictions?cursor={next_cursor}" if next_cursor else None
    results = [
        prediction(generation, base_url) if isinstance(generation, Generation) else unreadable_prediction(generation)
        for generation in generations
    ]
    return {"previous": None, "next": following, "results": results}


def versions_of(model: Model) -> tuple[str, ...]:
    """List the ids of a model's versions: our own, and those that the catalog names at Replicate."""
    own = hashlib.sha256(f"{OWNER}/{model.slug}".encode()).hexdigest()
    named = [route.model.partition(":")[2] for route in model.routes if route.provider == REPLICATE]
    return (own, *filter(None, named))


def version_document(model: Model, version: str) -> dict[str, Any]:
    """Describe a version, whose output is a list of URLs."""
    output = {"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"}
    required = list(model.input.get("required", ()))
    described = {"title": "Input", "type": "object", "properties": _schema(model), "required": required}
    return {
        "id": version,
        "created_at": timestamp(0),
        "cog_version": "0.9.0",
        "openapi_schema": {
            "openapi": "3.0.2",
            "info": {"title": model.name, "version": "1"},
            "paths": {},
            "components": {"schemas": {"Input": described, "Output": output}},
        },
    }


def model_document(model: Model, base_url: str, owner: str = OWNER, name: str | None = None) -> dict[str, Any]:
    """Describe a model under the name by which it was asked for."""
    return {
        "url": f"{base_url}/v1/models/{quote(owner)}/{quote(name or model.slug)}",
        "owner": owner,
        "name": name or model.slug,
        "description": model.description,
        "visibility": "public",
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "run_count": 0,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": version_document(model, versions_of(model)[0]),
    }


def account_document(user: User) -> dict[str, Any]:
    """Describe whose key it is; a user's name there is the address here."""
    return {"type": "user", "username": user.email, "name": user.name or user.email, "github_url": None}


def file_document(upload: Upload, content: bytes, metadata: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Describe an uploaded file."""
    digest = hashlib.sha256(content).hexdigest()
    return {
        "id": upload.id,
        "name": upload.name or "file",
        "content_type": upload.content_type,
        "size": upload.size,
        "etag": digest[:32],
        "checksums": {"sha256": digest},
        "metadata": dict(metadata),
        "created_at": timestamp(upload.created_at),
        "expires_at": None,
        "urls": {"get": file_url(upload.key, base_url)},
    }


def parse_metadata(content: bytes) -> dict[str, Any]:
    """Read a file's metadata, which is only repeated; what is no object counts as none."""
    if len(content) > MAX_BODY_BYTES:
        return {}
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


_TITLES: tuple[tuple[type[RequestError], str], ...] = (
    (UnauthenticatedError, "Unauthenticated"),
    (PaymentRequiredError, "Insufficient credit"),
    (NotFoundError, "Not found"),
)


def describe_error(exc: RequestError) -> ErrorDocument:
    """Write an error as RFC 7807 has it; fields at fault are 422 there."""
    named = [error for error in exc.errors if error.field != "body"]
    invalid = isinstance(exc, InvalidRequestError) and bool(named)
    status = 422 if invalid else exc.status
    known = next((text for kind, text in _TITLES if isinstance(exc, kind)), type(exc).__name__.removesuffix("Error"))
    title = "Input validation failed" if invalid else known
    detail = "\n".join(f"- {error.field}: {error.message}" for error in named) if invalid else exc.message
    document = {"title": title, "detail": detail, "status": status}
    return ErrorDocument(status, document, {"Content-Type": "application/problem+json"})


def _schema(model: Model) -> dict[str, Any]:
    words = ("type", "description", "minimum", "maximum", "enum", "default", "items", "maxLength")
    properties: Mapping[str, Mapping[str, Any]] = model.input["properties"]
    return {name: {word: item[word] for word in words if word in item} for name, item in properties.items()}
