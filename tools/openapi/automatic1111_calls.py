"""The calls of the API of AUTOMATIC1111's Stable Diffusion web UI."""

import base64
import json

from atelier.api import automatic1111
from atelier.catalog.model import embedded
from atelier.errors import UnknownRouteError
from atelier.outbound.url_policy import UrlPolicy
from tools.openapi import examples, schemas
from tools.openapi.dialect import FAILED, MODEL, PROMPT, UNSAFE, Dialect, later, raised
from tools.openapi.parts import json_body, json_content, required
from tools.openapi.schemas import Json, closed, maybe, ref, text, whole

WEB_UI = Dialect(
    "AUTOMATIC1111",
    "Calls of the Stable Diffusion web UI; its clients' base URL ends in `/api`. They send the key as the password of "
    "HTTP Basic.",
    automatic1111.describe_error,
    "WebUIError",
)
_LISTS = {
    "samplers": automatic1111.SAMPLERS,
    "schedulers": automatic1111.SCHEDULERS,
    "upscalers": automatic1111.UPSCALERS,
    "loras": [],
    "sd-vae": [],
}
_OBJECT: Json = {"type": "object", "additionalProperties": True}


def paths() -> Json:
    """Describe all calls, by path."""
    invalid = raised(lambda: automatic1111.parse_request({"prompt": ""}, (), None, embedded(), UrlPolicy()))
    refusals = (
        invalid, UNSAFE, "NotJson", "NotEnoughCredits", "LackingScope", "ForbiddenModel", "UnknownModel", "TooLarge",
        "WrongType", FAILED,
    )  # fmt: skip
    options = automatic1111.options_document(MODEL)

    def make(name: str, summary: str, schema: str, example: Json) -> Json:
        return WEB_UI.operation(
            name,
            summary,
            "Waits for the images. `override_settings.sd_model_checkpoint` names the model.",
            body=json_body(schema, {"request": ("A request.", example)}),
            answers=_images(),
            refusals=refusals,
        )

    return {
        "/sdapi/v1/txt2img": {
            "post": make("textToImage", "Make images as the web UI does", "TextToImageRequest", {"prompt": PROMPT})
        },
        "/sdapi/v1/img2img": {
            "post": make(
                "imageToImage",
                "Edit images as the web UI does",
                "ImageToImageRequest",
                {"prompt": "at night", "init_images": [base64.b64encode(examples.IMAGE).decode()]},
            )
        },
        "/sdapi/v1/options": {
            "get": WEB_UI.operation(
                "readOptions",
                "Read the settings",
                "There is one: the model that is meant where a request names none.",
                answers=_answered(_OBJECT, options),
                refusals=["LackingScope"],
            ),
            "post": WEB_UI.operation(
                "changeOptions",
                "Change the settings",
                "Taken, and nothing is changed: clients share this stack.",
                body={"required": True, "content": json_content(_OBJECT, {"options": ("The model.", options)})},
                answers=_answered(_OBJECT, {}),
                refusals=["NotJson", "LackingScope", "TooLarge", "WrongType"],
            ),
        },
        "/sdapi/v1/sd-models": {
            "get": WEB_UI.operation(
                "listCheckpoints",
                "List models as checkpoints",
                "Those that the key may use and that have a provider.",
                answers=_answered({"type": "array", "items": _OBJECT}, automatic1111.models_document([MODEL])),
                refusals=["LackingScope"],
            )
        },
        "/sdapi/v1/progress": {
            "get": WEB_UI.operation(
                "readProgress",
                "Read the progress",
                "Always 0: each request waits for its own images.",
                answers=_answered(_OBJECT, automatic1111.PROGRESS),
                refusals=["LackingScope"],
            )
        },
        "/sdapi/v1/{list}": {
            "get": WEB_UI.operation(
                "listChoices",
                "List what clients choose from",
                "Models here have no such choice; the lists have what clients need.",
                parameters=[required("path", "list", text(enum=list(_LISTS)), "Which list.", "samplers")],
                answers=_answered({"type": "array", "items": _OBJECT}, automatic1111.SAMPLERS),
                refusals=["LackingScope", UnknownRouteError("There is no such list.")],
            )
        },
    }


def _answered(schema: Json, example: object) -> Json:
    content = json_content(schema, {"answer": ("The answer.", example)})
    return {"200": {"description": "What was asked for.", "content": content}}


def _images() -> Json:
    reply = automatic1111.PicturesReply()
    written = json.loads(b"".join(reply.finished(examples.SUCCEEDED, examples.BASE, lambda _: [examples.IMAGE]).pieces))
    return {
        "200": {
            "description": "The images.",
            "content": json_content(ref("WebUIImages"), {"images": ("One image.", written)}),
        },
        "303": later("WebUIWaiting", reply.pending(examples.ACCEPTED, examples.BASE)),
    }


def components() -> Json:
    """All schemas, by name."""
    own = schemas.model_input()["properties"]
    side = maybe(whole("In pixels; 512 by default.", minimum=1, maximum=16_384))
    count = maybe(whole("How many images; both numbers multiply.", minimum=1, maximum=100))
    fields = {
        "prompt": own["prompt"],
        "negative_prompt": own["negative_prompt"],
        "seed": {**own["seed"], "minimum": automatic1111.RANDOM, "description": "-1 for any."},
        "width": side,
        "height": side,
        "batch_size": count,
        "n_iter": count,
        "override_settings": {
            "description": "An object; its `sd_model_checkpoint` is a model's slug.",
            "examples": [{"sd_model_checkpoint": MODEL.slug}],
        },
    }
    needless = [name for name in fields if name != "prompt"]
    picture, most = text("An image in base64.", format="image-base64"), own["image_urls"]["maxItems"]
    edit = {
        **fields,
        "init_images": {
            "type": "array",
            "items": picture,
            "minItems": 1,
            "maxItems": most,
            "description": "The images.",
        },
        "mask": maybe(picture),
    }
    return {
        "TextToImageRequest": {**closed(fields, optional=needless), "additionalProperties": True},
        "ImageToImageRequest": {**closed(edit, optional=[*needless, "mask"]), "additionalProperties": True},
        "WebUIImages": closed(
            {
                "images": {"type": "array", "items": text("An image in base64.")},
                "parameters": _OBJECT,
                "info": text("JSON: the seeds, the size and the texts of the images."),
            }
        ),
        "WebUIWaiting": closed({"id": schemas.GENERATION_ID, "status": text()}),
        "WebUIError": closed({"error": text(), "detail": text(), "body": text(), "errors": text()}),
    }
