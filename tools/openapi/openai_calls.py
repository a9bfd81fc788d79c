"""The calls of OpenAI's Images API."""

import json

from atelier.api import openai_images
from atelier.catalog.model import embedded
from atelier.outbound.url_policy import UrlPolicy
from tools.openapi import examples, schemas
from tools.openapi.dialect import FAILED, MODEL, OTHERWISE, PROMPT, SLUG, UNSAFE, Dialect, kept, later, raised
from tools.openapi.parts import json_body, json_content, optional, required, shared
from tools.openapi.schemas import BINARY, Json, closed, maybe, ref, text, whole

OPENAI = Dialect(
    "OpenAI Images",
    "Calls of OpenAI's Images API; its clients' base URL ends in `/api/v1`.",
    openai_images.describe_error,
    "OpenAIError",
)


def paths() -> Json:
    """Describe all calls, by path."""
    refusals = (
        raised(lambda: openai_images.parse_generation({"prompt": PROMPT, "n": 0}, embedded(), UrlPolicy())),
        UNSAFE, "NotJson", "BadIdempotencyKey", "NotEnoughCredits", "LackingScope", "ForbiddenModel", "UnknownModel",
        "TooLarge", "WrongType", "OtherRequest", FAILED,
    )  # fmt: skip
    example = {"model": MODEL.slug, "prompt": PROMPT, "size": "1024x1024", "response_format": "url"}
    edit = {"image_url": examples.stored_file()["url"], "prompt": "at night"}
    return {
        "/v1/images/generations": {
            "post": OPENAI.operation(
                "createImage",
                "Make images as OpenAI's API does",
                "Waits for the images. A repeated request with the same `Idempotency-Key` is one generation.",
                parameters=[
                    shared("idempotencyKey"),
                    optional("query", "response_format", _FORMAT, "The same as in the body."),
                ],
                body=json_body("OpenAIImageRequest", {"url": ("Answer a URL.", example)}),
                answers=_images(),
                refusals=refusals,
            )
        },
        "/v1/images/edits": {
            "post": OPENAI.operation(
                "editImage",
                "Edit images as OpenAI's API does",
                "A form with the images in it, or JSON that names their URLs.",
                parameters=[shared("idempotencyKey")],
                body={
                    "required": True,
                    "content": {
                        "multipart/form-data": {"schema": ref("OpenAIEditForm")},
                        **json_content(ref("OpenAIEditRequest"), {"url": ("By URL.", edit)}),
                    },
                },
                answers=_images(),
                refusals=refusals,
            )
        },
        "/v1/models": {
            "get": OPENAI.operation(
                "listOpenAIModels",
                "List models as OpenAI's API does",
                "Those that the key may use and that have a provider. Replicate's clients, who say who they are in "
                "`User-Agent`, get their list.",
                parameters=[shared("ifNoneMatch")],
                answers=kept(
                    {"anyOf": [ref("OpenAIModelList"), ref("ReplicateModelList")]},
                    {"openai": ("OpenAI's.", openai_images.models_document([MODEL]))},
                ),
                refusals=["LackingScope"],
            )
        },
        "/v1/models/{slug}": {
            "get": OPENAI.operation(
                "readOpenAIModel",
                "Read a model as OpenAI's API does",
                "By its slug or an alias.",
                parameters=[
                    required("path", "slug", SLUG, "The model's slug, or an alias.", MODEL.slug),
                    shared("ifNoneMatch"),
                ],
                answers=kept(ref("OpenAIModel"), {"model": ("A model.", openai_images.model_document(MODEL))}),
                refusals=["LackingScope", "UnknownModel"],
            )
        },
        "/v1/waits/{id}": {"get": _wait("wait"), "post": _wait("waitAgain")},
    }


def _wait(name: str) -> Json:
    """Describe a hop; a client that keeps the method of a redirected POST comes by POST."""
    return OPENAI.operation(
        name,
        "Go on waiting",
        "Where a call that waits redirects to. It is answered as that call, in the API of `as`.",
        parameters=[
            shared("generationId"),
            required("query", "as", text(enum=[openai_images.DIALECT]), "The API.", openai_images.DIALECT),
            optional("query", "n", text(pattern="^[1-9][0-9]{0,2}$"), "The number of this hop."),
            optional("query", "response_format", _FORMAT, "Whether to answer URLs."),
        ],
        answers=_images(),
        refusals=["AnotherUsers", "UnknownGeneration", "BadPage", UNSAFE, FAILED],
    )


def _images() -> Json:
    reply, made = openai_images.ImagesReply(urls=True), examples.SUCCEEDED
    written = json.loads(b"".join(reply.finished(made, examples.BASE, lambda _: [examples.IMAGE]).pieces))
    events = openai_images.ImagesReply(stream=True).finished(made, examples.BASE, lambda _: [examples.IMAGE])
    content = {
        **json_content(ref("OpenAIImages"), {"url": ("A URL.", written)}),
        events.content_type: {
            "schema": closed({"event": text(), "data": text("JSON: the image in base64, and how it was made.")})
        },
    }
    ignored = schemas.text("Parameters that the model has no input for.")
    return {
        "200": {
            "description": "The images.",
            "headers": {"X-Ignored-Parameters": {"schema": ignored, "example": "quality"}},
            "content": content,
        },
        "303": later("OpenAIWaiting", reply.pending(examples.ACCEPTED, examples.BASE)),
    }


_FORMAT = text(enum=["url", "b64_json"])
_IGNORED = ("quality", "style", "moderation", "user", "safety_identifier", "input_fidelity")
_IMAGE_URL = text("An https URL, such as that of an upload, or a data URL.", format="image-url")


def components() -> Json:
    """All schemas, by name."""
    own = schemas.model_input()["properties"]
    words = {
        "model": maybe(text("A model's slug or alias; without one the first that can.", examples=[MODEL.slug])),
        "prompt": own["prompt"],
        "n": maybe(whole("How many images.", minimum=1, maximum=openai_images.MAX_PICTURES)),
        "size": maybe(text("`auto`, or width x height.", pattern="^(auto|[1-9][0-9]{2,3}x[1-9][0-9]{2,3})$")),
        "response_format": maybe(text("`b64_json` by default.", enum=["url", "b64_json"])),
        "stream": {"type": ["boolean", "null"], "description": "Answer server-sent events."},
        "partial_images": maybe(whole("Taken; there are none.", minimum=0, maximum=3)),
        "output_format": maybe(text("Counts where the model has it.", enum=["png", "webp", "jpeg"])),
        "output_compression": maybe(whole("Counts where the model has it.", minimum=0, maximum=100)),
        "background": maybe(text("Counts where the model has it.", enum=["transparent", "opaque", "auto"])),
        **{name: {"description": "Counts where the model has such an input."} for name in _IGNORED},
        "webhook": schemas.GENERATE_REQUEST["properties"]["webhook"],
        "webhook_events": schemas.GENERATE_REQUEST["properties"]["webhook_events"],
    }
    extra = {name: item for name, item in own.items() if name not in {*words, *OTHERWISE}}
    fields = {**words, **extra}
    needless = [name for name in fields if name != "prompt"]
    edit = closed({"image_url": _IMAGE_URL, **fields}, optional=needless)
    picture = closed({"url": schemas.url(), "b64_json": text("The image in base64.")}, optional=["url", "b64_json"])
    return {
        "OpenAIImageRequest": closed(fields, optional=needless),
        "OpenAIEditRequest": edit,
        "OpenAIEditForm": {
            "type": "object",
            "description": "The parameters, as text, and the images.",
            "required": ["prompt", "image"],
            "properties": {
                "prompt": own["prompt"],
                "image": {**BINARY, "description": "An image; several as `image[]`."},
                "mask": {**BINARY, "description": "What of it is to change, as a PNG with transparency."},
                "model": text(examples=[MODEL.slug]),
                "size": {**words["size"], "type": "string"},
            },
        },
        "OpenAIImages": {
            **closed({"created": whole(), "data": {"type": "array", "items": picture}}),
            "additionalProperties": True,
        },
        "OpenAIWaiting": closed(
            {"id": schemas.GENERATION_ID, "status": text(), "created": whole()}, optional=["created"]
        ),
        "OpenAIModel": closed({"id": text(), "object": text(), "created": whole(), "owned_by": text()}),
        "OpenAIModelList": closed({"object": text(), "data": {"type": "array", "items": ref("OpenAIModel")}}),
        "OpenAIError": closed(
            {
                "error": closed(
                    {"message": text(), "type": text(), "param": maybe(text()), "code": maybe(text())},
                )
            }
        ),
    }
