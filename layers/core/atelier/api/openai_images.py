"""OpenAI's Images API: its requests read into ours, and our generations, models and errors written its way.

https://platform.openai.com/docs/api-reference/images
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from atelier.api.blocking_reply import ReadFile, ReplyBody
from atelier.api.error_document import ErrorDocument
from atelier.api.fields import summary
from atelier.api.generation_request import check_events, check_input, check_size, check_webhook
from atelier.api.openai_edits import EditForm
from atelier.api.size import fitted, parse_size
from atelier.catalog.model import Catalog, Model
from atelier.catalog.provider_input import AUTO
from atelier.errors import (
    FieldError,
    ForbiddenError,
    GenerationFailedError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    PaymentRequiredError,
    RequestError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
    UnknownRouteError,
    UnsafeContentError,
)
from atelier.generations.accept import GenerationRequest
from atelier.generations.model import CANCELLED, FINAL, Generation, Status, StoredFile
from atelier.images.file_urls import FIELD as IMAGE_URLS
from atelier.images.file_urls import MASK, file_url
from atelier.images.output import BACKGROUND, COMPRESSION, FORMAT, QUALITY
from atelier.outbound.url_policy import UrlPolicy
from atelier.providers.provider import EDIT_IMAGE

DIALECT = "openai-images"
OWNER = "atelier"
MAX_PICTURES = 10
NO_RETRY = {"x-should-retry": "false"}
"""OpenAI's clients repeat no request whose answer says so."""

_FORMATS, _SERVED_FORMATS = ("png", "webp", "jpeg", "gif", "svg"), ("png", "webp", "jpeg")
_BACKGROUNDS = ("transparent", "opaque", "auto")
_RESPONSE_FORMATS = ("url", "b64_json")
_ANSWER_FIELDS = ("response_format", "stream", "partial_images")
_SILENT = frozenset({"user", "safety_identifier", "moderation"})
"""Parameters that no picture shows; nobody has to be told that they are ignored."""
_PASSED = (
    "quality", "background", "style", "moderation", "output_format", "output_compression", "user",
    "safety_identifier", "complexity", "frame_count", "frame_duration_ms", "svg", "input_fidelity", "markup",
)  # fmt: skip
"""OpenAI's parameters that reach a model only where its input has one of that name."""
_QUALITIES: Mapping[str, str] = {"standard": "medium", "hd": "high", "xhigh": "high", "max": "high"}
"""Ours, of qualities that ours have no name for."""
_OUTPUT = (FORMAT, BACKGROUND, COMPRESSION, QUALITY)
_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "quality": (AUTO,),
    "background": (AUTO, "opaque"),
    "output_format": ("png",),
    "output_compression": (100,),
}
"""Values that these fields always have."""
_PARAMS = {
    "num_images": "n",
    "width": "size",
    "height": "size",
    "aspect_ratio": "size",
    IMAGE_URLS: "image",
    MASK: "mask",
}
"""OpenAI's names of our inputs."""


# ---- Requests


@dataclass(frozen=True, slots=True)
class ImagesReply:
    """How an answer is to look: pictures as base64 or as URLs, as JSON or as server-sent events."""

    urls: bool = False
    stream: bool = False
    edit: bool = False

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "ImagesReply":
        """Read what query() wrote."""
        return ImagesReply(
            urls=query.get("response_format") == "url",
            stream=query.get("stream") == "true",
            edit=query.get("edit") == "true",
        )

    def query(self) -> Mapping[str, str]:
        """Write it as the query of a URL."""
        wanted = {
            "response_format": self.urls and "url",
            "stream": self.stream and "true",
            "edit": self.edit and "true",
        }
        return {"as": DIALECT, **{name: value for name, value in wanted.items() if value}}

    def pending(self, generation: Generation, base_url: str) -> dict[str, Any]:
        """Describe a generation that is not finished."""
        return {"id": generation.id, "status": generation.status.value, "created": generation.created_at // 1_000}

    def finished(self, generation: Generation, base_url: str, read: ReadFile) -> ReplyBody:
        """Write the pictures; raises UnsafeContentError or GenerationFailedError where there are none."""
        if generation.status is not Status.SUCCESS:
            raise _failure(generation)
        inline = not self.urls or self.stream
        size = sum(4 * output.size // 3 + 1_000 if inline else 1_000 for output in generation.outputs)
        content_type = "text/event-stream" if self.stream else "application/json"
        write = self._events if self.stream else self._document
        return ReplyBody(content_type, size, write(generation, base_url, read))

    def _document(self, generation: Generation, base_url: str, read: ReadFile) -> Iterator[bytes]:
        head = {"created": generation.created_at // 1_000, **_described(generation.outputs[0], generation)}
        yield json.dumps(head)[:-1].encode() + b', "data": ['
        for number, output in enumerate(generation.outputs):
            yield b", " if number else b""
            if self.urls:
                yield json.dumps({"url": file_url(output.key, base_url)}).encode()
            else:
                yield from _with_content({}, read(output.key))
        yield b"]}"

    def _events(self, generation: Generation, base_url: str, read: ReadFile) -> Iterator[bytes]:
        """Write an event a picture. Clients allow that none comes before it is finished."""
        name = "image_edit.completed" if self.edit else "image_generation.completed"
        tokens = {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0}
        usage = {**tokens, "input_tokens_details": {"text_tokens": 0, "image_tokens": 0}}
        for output in generation.outputs:
            described = _described(output, generation)
            head = {"type": name, "created_at": generation.created_at // 1_000, **described, "usage": usage}
            yield f"event: {name}\ndata: ".encode()
            yield from _with_content(head, read(output.key))
            yield b"\n\n"


@dataclass(frozen=True, slots=True)
class ImagesRequest:
    """A valid request: the generation, the answer, the digest of what was asked for, and the parameters left out."""

    generation: GenerationRequest
    reply: ImagesReply
    digest: str
    ignored: tuple[str, ...]


def default_reply(query: Mapping[str, str]) -> dict[str, str]:
    """Read `response_format` from the query, for clients that can set a query and no such parameter of the body.

    The body's counts first. InvalidRequestError where it is neither `url` nor `b64_json`.
    """
    form = query.get("response_format")
    if form is None:
        return {}
    if form not in _RESPONSE_FORMATS:
        error = FieldError("response_format", f"Must be one of {', '.join(_RESPONSE_FORMATS)}.", "invalid")
        raise InvalidRequestError(summary([error]), [error])
    return {"response_format": form}


def parse_generation(document: Mapping[str, Any], catalog: Catalog, policy: UrlPolicy) -> ImagesRequest:
    """Read the body of `POST /v1/images/generations`; raises RequestError with OpenAI's names of the fields."""
    return _Reader(document, catalog, policy).read(ImagesReply())


def parse_edit(
    form: EditForm, pictures: tuple[str, ...], mask: str | None, catalog: Catalog, policy: UrlPolicy
) -> ImagesRequest:
    """Read `POST /v1/images/edits`, with the URLs at which the form's pictures, and its mask, are to be stored.

    What they hold, not where they are stored, tells whether two requests ask for the same.
    """
    mask = mask or form.mask_url
    given = {**form.document, IMAGE_URLS: [*pictures, *form.urls], **({MASK: mask} if mask is not None else {})}
    request = _Reader(given, catalog, policy).read(ImagesReply(edit=True))
    contents = [hashlib.sha256(content).hexdigest() for content in (*form.pictures, form.mask or b"")]
    named = [contents, form.urls, form.mask_url]
    return replace(request, digest=_digest({**form.document, "image": named}, edit=True))


class _Reader:
    """Reads one request's parameters, and gathers what is wrong with them."""

    def __init__(self, document: Mapping[str, Any], catalog: Catalog, policy: UrlPolicy) -> None:
        self._given = {name: value for name, value in document.items() if value is not None}
        self._catalog = catalog
        self._policy = policy
        self._errors: list[FieldError] = []
        self._edit = IMAGE_URLS in self._given

    def read(self, reply: ImagesReply) -> ImagesRequest:
        model = self._model()
        if self._edit:
            self._check_edit(model, self._given[IMAGE_URLS])
        reply = self._reply(reply)
        webhook, events = self._given.get("webhook"), self._given.get("webhook_events")
        values, ignored = self._input(model)
        self._errors += [
            replace(error, field=_param(error.field)) for error in check_input(model, values, self._policy)
        ]
        if webhook is not None:
            self._errors += check_webhook(webhook, self._policy)
        if events is not None:
            self._errors += check_events(events, webhook)
        if self._errors:
            raise InvalidRequestError(summary(self._errors), self._errors)
        check_size(values)
        wanted = FINAL if events is None else tuple(status for status in Status if status in events)
        request = GenerationRequest(model=model, input=values, webhook=webhook, webhook_events=wanted)
        return ImagesRequest(request, reply, _digest(self._given, edit=reply.edit), ignored)

    def _model(self) -> Model:
        slug = self._take("model", lambda it: it if isinstance(it, str) and it else None, "the name of a model")
        if slug is None:
            if self._errors:
                raise InvalidRequestError(summary(self._errors), self._errors)
            models = self._catalog.models.values()
            slug = next(
                (it for it in models if not self._edit or IMAGE_URLS in it.input["properties"]), next(iter(models))
            ).slug
        return self._catalog.model(slug, EDIT_IMAGE if self._edit else None)

    def _check_edit(self, model: Model, pictures: list[Any]) -> None:
        if not pictures:
            self._errors.append(FieldError("image", "'image' is required.", "required"))
        for name, param in ((IMAGE_URLS, "image"), (MASK, "mask")):
            if name in self._given and name not in model.input["properties"]:
                able = [slug for slug, it in self._catalog.models.items() if name in it.input["properties"]]
                message = f"{model.slug} takes no {param}; {', '.join(able) or 'no model here'} can."
                self._errors.append(FieldError(param, message, "invalid"))

    def _reply(self, reply: ImagesReply) -> ImagesReply:
        shape = self._one_of("response_format", _RESPONSE_FORMATS)
        stream = self._take("stream", lambda it: it if isinstance(it, bool) else None, "true or false")
        self._take("partial_images", _whole(0, 3), "a whole number from 0 to 3")
        return replace(reply, urls=shape == "url", stream=bool(stream))

    def _input(self, model: Model) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Put the parameters into the model's input, and name those that it has no place for."""
        known = model.input["properties"]
        values = {"prompt": self._given["prompt"]} if "prompt" in self._given.keys() & known.keys() else {}
        values |= self._pictures(known) | self._shape(known)
        output, ignored = self._output(model)
        values |= output
        read = {"model", "prompt", "n", "size", "webhook", "webhook_events", *_ANSWER_FIELDS, *_OUTPUT}
        if self._edit:
            read |= {IMAGE_URLS, MASK}
            values |= {name: self._given[name] for name in (IMAGE_URLS, MASK) if name in self._given and name in known}
        for name in self._given.keys() - read:
            if name in known:
                values[name] = self._given[name]
            elif name not in _PASSED:
                message = f"'{name}' is no parameter of {model.slug}; it takes {', '.join(known)}."
                self._errors.append(FieldError(name, message, "unknown_field"))
            elif name not in _SILENT and self._given[name] not in _DEFAULTS.get(name, ()):
                ignored.append(name)
        return values, tuple(sorted(ignored))

    def _output(self, model: Model) -> tuple[dict[str, Any], list[str]]:
        """Read how the picture is to be written, and name what of that does nothing."""
        form = self._one_of(FORMAT, _SERVED_FORMATS)
        background = self._one_of(BACKGROUND, _BACKGROUNDS)
        compression = self._take(COMPRESSION, _whole(0, 100), "a whole number from 0 to 100")
        quality = self._given.get(QUALITY)
        quality = _QUALITIES.get(quality, quality) if isinstance(quality, str) else quality
        given = {FORMAT: form, BACKGROUND: background, COMPRESSION: compression, QUALITY: quality}
        found = {name: value for name, value in given.items() if value not in (None, AUTO)}
        known, lossy = model.input["properties"], form in ("jpeg", "webp")
        idle = [name for name in found if name not in known]
        if not lossy:
            idle += [name for name in (COMPRESSION, QUALITY) if name in found and not model.expresses(name)]
        if quality not in known.get(QUALITY, {}).get("enum", ()):
            idle.append(QUALITY)
        kept = {name: value for name, value in found.items() if name not in idle}
        return kept, [name for name in found if name in idle and found[name] not in _DEFAULTS.get(name, ())]

    def _pictures(self, known: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self._take("n", _whole(1, MAX_PICTURES), f"a whole number from 1 to {MAX_PICTURES}")
        if wanted is None or (wanted == 1 and "num_images" not in known):
            return {}
        if "num_images" not in known:
            message = "This model makes one picture a request; leave 'n' out, and send the request again for more."
            self._errors.append(FieldError("n", message, "too_large"))
            return {}
        return {"num_images": wanted}

    def _shape(self, known: Mapping[str, Any]) -> dict[str, Any]:
        words = "'auto', or width x height in pixels, such as 1024x1536"
        size = self._take(
            "size", lambda it: it if isinstance(it, str) and (it == AUTO or parse_size(it)) else None, words
        )
        pixels = parse_size(size)
        return fitted(*pixels, known) if pixels else {}

    def _one_of(self, name: str, known: tuple[str, ...]) -> str | None:
        found: str | None = self._take(name, lambda it: it if it in known else None, f"one of {', '.join(known)}")
        return found

    def _take(self, name: str, read: Callable[[Any], Any], words: str) -> Any:
        """Return what `read` makes of a parameter, None where it is absent or not what the words say."""
        if name not in self._given:
            return None
        found = read(self._given[name])
        if found is None:
            self._errors.append(FieldError(name, f"Must be {words}.", "invalid"))
        return found


def _whole(least: int, most: int) -> Callable[[Any], int | None]:
    return lambda it: it if isinstance(it, int) and not isinstance(it, bool) and least <= it <= most else None


def _param(field: str) -> str:
    name, _, rest = field.removeprefix("input.").partition(".")
    return _PARAMS.get(name, name) + (f".{rest}" if rest else "")


def _digest(given: Mapping[str, Any], *, edit: bool) -> str:
    return hashlib.sha256(json.dumps([edit, given], sort_keys=True).encode()).hexdigest()


# ---- Answers


def model_document(model: Model) -> dict[str, Any]:
    """Describe a model."""
    return {"id": model.slug, "object": "model", "created": 0, "owned_by": OWNER}


def models_document(models: Iterable[Model]) -> dict[str, Any]:
    """List models."""
    return {"object": "list", "data": [model_document(model) for model in models]}


def describe_error(exc: RequestError) -> ErrorDocument:
    """Write an error in OpenAI's shape, with the status and code that its clients act on."""
    status, kind, code = next(
        ((status or exc.status, kind, code) for error, status, kind, code in _ERRORS if isinstance(exc, error)),
        (exc.status, _INVALID if exc.status < 500 else "server_error", _code(exc)),
    )
    if isinstance(exc, GenerationFailedError) and exc.message == CANCELLED:
        code = CANCELLED
    param = exc.errors[0].field if exc.errors else None
    document = {"message": exc.message, "type": kind, "param": param, "code": code}
    headers = NO_RETRY if isinstance(exc, GenerationFailedError | PaymentRequiredError) else {}
    return ErrorDocument(status, {"error": document}, headers)


_INVALID = "invalid_request_error"
_ERRORS: tuple[tuple[type[RequestError], int | None, str, str], ...] = (
    (UnsafeContentError, None, "image_generation_user_error", "moderation_blocked"),
    (GenerationFailedError, None, "image_generation_server_error", "generation_failed"),
    (UnauthenticatedError, None, _INVALID, "invalid_api_key"),
    (ForbiddenError, None, _INVALID, "permission_denied"),
    (PaymentRequiredError, 429, "insufficient_quota", "insufficient_quota"),
    (TooManyRequestsError, None, "rate_limit_error", "rate_limit_exceeded"),
    (IdempotencyMismatchError, None, "idempotency_error", "idempotency_key_reused"),
    (UnknownRouteError, None, _INVALID, "unknown_url"),
    (UnavailableError, None, "server_error", "model_unavailable"),
)
"""The status where OpenAI's is another one, its type, and its code."""


def _code(exc: RequestError) -> str | None:
    if not exc.errors:
        return "not_found" if isinstance(exc, NotFoundError) else None
    match exc.errors[0].code:
        case "required":
            return "missing_required_parameter"
        case "unknown_field":
            return "unknown_parameter"
        case "unknown_model":
            return "model_not_found"
    return "invalid_value"


def _failure(generation: Generation) -> GenerationFailedError:
    kind = UnsafeContentError if generation.unsafe else GenerationFailedError
    return kind(generation.error or "No picture was made.")


def _described(output: StoredFile, generation: Generation) -> dict[str, Any]:
    return {
        "background": generation.payload.get(BACKGROUND) or AUTO,
        "output_format": output.content_type.removeprefix("image/"),
        "quality": generation.payload.get(QUALITY) or AUTO,
        "size": f"{output.width}x{output.height}",
    }


def _with_content(head: Mapping[str, Any], pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Write a JSON object that ends with a picture in base64."""
    opening = json.dumps({**head, "b64_json": ""})
    yield opening[:-2].encode()
    rest = b""
    for piece in pieces:
        whole = rest + piece
        cut = len(whole) - len(whole) % 3
        rest = whole[cut:]
        yield base64.b64encode(whole[:cut])
    yield base64.b64encode(rest) + b'"}'
