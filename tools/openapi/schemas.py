"""The shapes of the API's documents, as JSON Schema."""

from collections.abc import Iterable
from typing import Any

from atelier.api.json_body import MAX_BODY_BYTES
from atelier.api.list_request import MAX_QUERY_LENGTH
from atelier.errors import MAX_FIELD_ERRORS
from atelier.generations import listing
from atelier.generations.model import ID_PATTERN, Status
from atelier.generations.serializer import UNREADABLE
from atelier.images.image import EXTENSIONS
from atelier.images.uploads import MAX_BYTES
from atelier.outbound.url_policy import MAX_URL_LENGTH
from atelier.webhooks import delivery
from tools.openapi import examples

Json = dict[str, Any]
NOT_BLANK = r"[^\s\x1c-\x1f\x85]"
"""A text that is not blank, as an ECMA pattern; str.strip knows more white space."""
STATUSES = [status.value for status in Status]


def ref(name: str) -> Json:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(items: Json, description: str = "") -> Json:
    """A list, in the contract's `data`."""
    return closed({"data": {"type": "array", "items": items, **_said(description)}})


def closed(properties: Json, *, description: str = "", optional: Iterable[str] = ()) -> Json:
    """An object that has these fields, and no others."""
    required = [name for name in properties if name not in tuple(optional)]
    return {
        "type": "object",
        **_said(description),
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


def text(description: str = "", **words: Any) -> Json:
    """A text."""
    return {"type": "string", **_said(description), **words}


def whole(description: str = "", **words: Any) -> Json:
    """A whole number."""
    return {"type": "integer", **_said(description), **words}


def maybe(schema: Json) -> Json:
    """The same, or null."""
    widened = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        widened["enum"] = [*schema["enum"], None]
    return widened


def moment(description: str) -> Json:
    """A time."""
    return text(description, format="date-time")


def url(description: str = "") -> Json:
    """An address."""
    return text(description, format="uri")


def one_of_statuses(description: str) -> Json:
    """A generation's status."""
    return text(description, enum=STATUSES)


def model_input() -> Json:
    """The inputs of all models of the shipped catalog together.

    Another catalog's models may take more; each model's own `inputSchema` is exact.
    """
    described = examples.inputs()
    names = dict.fromkeys(name for one in described for name in one["properties"])
    always = [name for name in names if all(name in one.get("required", ()) for one in described)]
    return {
        "type": "object",
        "description": (
            "What the picture is to be. Which fields a model takes, and within which bounds, is in its `inputSchema` "
            "(`GET /models/{slug}`); these are the fields of the models that come with the service."
        ),
        "required": always,
        "properties": {
            name: _united([one["properties"][name] for one in described if name in one["properties"]], name in always)
            for name in names
        },
    }


def json_schema(field: Json, *, required: bool = True) -> Json:
    """Put a field's description (atelier/catalog/input_validation.py) into JSON Schema."""
    known = {"type", "description", "enum", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"}
    schema = {word: value for word, value in field.items() if word in known | {"default"}}
    if "label" in field:
        schema["title"] = field["label"]
    if field.get("minLength"):
        schema["pattern"] = NOT_BLANK
    if "items" in field:
        schema["items"] = json_schema(field["items"])
    return schema if required else maybe(schema)


def _united(fields: list[Json], required: bool) -> Json:
    """Describe a field so that whatever one of the models takes is valid."""
    united = dict(fields[0])
    for word, widest in (("minimum", min), ("minLength", min), ("maximum", max), ("maxLength", max), ("maxItems", max)):
        if all(word in field for field in fields):
            united[word] = widest(field[word] for field in fields)
        else:
            united.pop(word, None)
    if "enum" in united:
        united["enum"] = list(dict.fromkeys(value for field in fields for value in field["enum"]))
    if any(field.get("default") != united.get("default") for field in fields):
        united.pop("default", None)
    return json_schema(united, required=required)


def _said(description: str) -> Json:
    return {"description": description} if description else {}


# ---- What clients send -----------------------------------------------------------------------------------------------

_TOLD = {
    "webhook": maybe(
        text(
            "An https URL, on port 443 or 8443, at a public address, that receives the result "
            "(see the webhook `generation`).",
            format="uri",
            maxLength=MAX_URL_LENGTH,
            examples=[examples.WEBHOOK],
        )
    ),
    "webhook_events": maybe(
        {
            "type": "array",
            "description": "The statuses that the webhook gets; `success` and `error` by default.",
            "items": {"type": "string", "enum": STATUSES},
            "minItems": 1,
            "uniqueItems": True,
            "examples": [["processing", "success", "error"]],
        }
    ),
}

GENERATE_REQUEST = closed(
    {
        "model": text(
            "A model's slug (`GET /models`); a tool's slug means its first model.", examples=["playground-v2"]
        ),
        "input": ref("Input"),
        **_TOLD,
    },
    optional=_TOLD,
)
RUN_REQUEST = closed(
    {
        "tool": text(
            "A tool's slug (`GET /tools`); `input.model` may name one of its models.", examples=["text-to-image"]
        ),
        "input": ref("Input"),
        **_TOLD,
    },
    optional=_TOLD,
)
REDELIVERY_REQUEST = closed(
    {"event": one_of_statuses("The event to redeliver; all of them by default.")},
    optional=["event"],
)

# ---- Generations -----------------------------------------------------------------------------------------------------

GENERATION_ID = text("A generation's id.", pattern=f"^{ID_PATTERN.pattern}$", examples=[examples.ID])
OUTPUT = closed(
    {
        "url": url("Where the picture is; needs no key, and stays the same as long as the generation is kept."),
        "contentType": text("Its type.", examples=["image/png"]),
        "size": whole("In bytes."),
        "sha256": text("The digest of its bytes, in hexadecimal digits."),
        "width": whole("In pixels."),
        "height": whole("In pixels."),
    },
    description="A stored picture.",
)
PROVIDER_ATTEMPT = closed(
    {
        "provider": text("The provider that was called."),
        "at": moment("When it began."),
        "duration": maybe(whole("In milliseconds; null while it lasts.")),
        "error": maybe(text("Why it ended without a picture, or null.")),
    },
    description="One call of a provider.",
)
_CONTRACT = {
    "_id": GENERATION_ID,
    "id": {**GENERATION_ID, "description": "The same as `_id`."},
    "status": text(
        "`pending`, `processing`, `uploading`, and in the end `success` or `error`; in lists also `unreadable`, after "
        "the stack went back to an older release.",
        enum=[*STATUSES, UNREADABLE],
    ),
    "output": maybe(url("The picture, once there is one; needs no key.")),
    "thumbnail": maybe(url("A small copy of it, in WebP.")),
    "model": text("The model's slug."),
    "tool": text("The tool's slug."),
    "type": text("What is made: `image`, `video`, `audio`, `text` or `object`."),
    "payload": {
        "type": "object",
        "description": "The input as it was sent; of data URLs only the beginning.",
        "additionalProperties": True,
    },
    "error": maybe(text("Why there is no picture, or null; `cancelled` where you gave it up.")),
    "createdAt": moment("When it was accepted."),
}
_OUTPUTS = {"type": "array", "items": ref("Output"), "description": "All pictures, the first being `output`."}
GENERATION = closed(
    {
        **_CONTRACT,
        "outputs": _OUTPUTS,
        "updatedAt": moment("When it came to its status."),
        "attempts": {"type": "array", "items": ref("ProviderAttempt"), "description": "The providers called."},
        "notes": {
            "type": "array",
            "items": text("A sentence."),
            "description": "What the provider says about the pictures; `sketch` names the words that it did not draw.",
        },
    },
    description="A generation as it stands.",
)
NOTIFICATION = closed(
    {
        **_CONTRACT,
        "outputs": {**_OUTPUTS, "description": "All pictures, where there are several."},
        "updatedAt": moment("When this happened, where you chose `webhook_events`."),
    },
    description="A generation as it stood when this happened.",
    optional=["outputs", "updatedAt"],
)
ACCEPTED = closed(
    {
        "id": GENERATION_ID,
        "status": text("`processing` until it has ended.", enum=["processing", "success", "error"]),
        "tool": text("The tool's slug."),
        "createdAt": moment("When it was accepted."),
    },
    description="A generation that has just been accepted.",
)
PAGINATION = closed(
    {
        "limit": whole("How many are on a page; fewer than you asked for where they are very large."),
        "hasMore": {"type": "boolean", "description": "Whether there are more."},
        "nextCursor": maybe(text("The `cursor` of the next page; null on the last one.")),
        "total": whole("How many there are in all, where you went by `offset`; not given beyond some 10,000."),
        "offset": whole("How many were left out before this page, where you went by `offset`."),
    },
    optional=["total", "offset"],
)
GENERATION_PAGE = closed({"data": {"type": "array", "items": ref("Generation")}, "pagination": ref("Pagination")})

# ---- Deliveries ------------------------------------------------------------------------------------------------------

DELIVERY_ATTEMPT = closed(
    {
        "at": moment("When it began."),
        "duration": whole("In milliseconds."),
        "statusCode": maybe(whole("What your server answered, or null.")),
        "reason": maybe(text("Why it failed, or null.")),
        "answer": maybe(text("The beginning of what your server answered, or null.")),
    },
    description="One try to tell a webhook.",
)
DELIVERY = closed(
    {
        "id": text("The `webhook-id`, the same at every attempt."),
        "event": one_of_statuses("The event that the webhook gets."),
        "url": text("The webhook."),
        "status": text("`pending` until your server took it, or we gave up.", enum=list(delivery.DeliveryStatus)),
        "reason": maybe(text("Why we gave up, or null.")),
        "attempts": {"type": "array", "items": ref("DeliveryAttempt"), "description": "The newest, oldest first."},
        "nextAttemptAt": maybe(moment("When it is tried next, or null.")),
        "createdAt": moment("When what it tells of happened."),
    },
    description="Telling your webhook of one event.",
)
DELIVERY_LIST = listed(ref("Delivery"))

# ---- Files -----------------------------------------------------------------------------------------------------------

PICTURE_TYPES = list(EXTENSIONS)
BINARY = {"type": "string", "format": "binary"}
ANNOUNCEMENT = closed(
    {
        "name": maybe(text("Its name, which is only ever repeated.", examples=["cat.png"])),
        "size": whole("In bytes.", minimum=1, maximum=MAX_BYTES),
        "mimetype": text("Its type.", enum=PICTURE_TYPES),
        "transient": {"type": "boolean", "description": "Whether it is forgotten after a day.", "default": False},
    },
    description="A file that you are going to send straight to the bucket.",
    optional=["name", "transient"],
)
UPLOAD_FORM = closed({"file": {**BINARY, "description": "The picture."}}, description="A form, as browsers send it.")
UPLOAD_FORM["additionalProperties"] = True
FILE = closed(
    {
        "id": text("Its id."),
        "url": url("Its stable URL, for `image_urls`; needs no key."),
        "type": text("`image`."),
        "mimetype": text("What its bytes are, whatever the request said.", enum=PICTURE_TYPES),
        "size": whole("In bytes."),
        "originalName": maybe(text("Its name as you sent it, or null.")),
        "createdAt": moment("When it was sent."),
        "upload": closed(
            {
                "url": url("Where to POST the form."),
                "fields": {"type": "object", "additionalProperties": text(), "description": "The form's fields."},
            },
            description="Where it was announced: send it there as a form (multipart/form-data) with these fields first "
            "and the field `file` last.",
        ),
        "expiresAt": moment("Until when the form is taken."),
    },
    description="A picture of yours.",
    optional=["upload", "expiresAt"],
)

# ---- The catalog -----------------------------------------------------------------------------------------------------

_ANY_NUMBER = {"type": "number"}
INPUT_FIELD = closed(
    {
        "type": text("`string`, `int`, `number`, `boolean`, `array` or `object`."),
        "label": text("A name to show."),
        "description": text("What it does."),
        "inputType": text("How to ask a person for it.", examples=["textarea"]),
        "fileType": text("Which files it is for."),
        "format": text("`image-url`: an https URL, or a data URL of a PNG, JPEG or WebP."),
        "minLength": whole(),
        "maxLength": whole(),
        "minItems": whole(),
        "maxItems": whole(),
        "minimum": _ANY_NUMBER,
        "maximum": _ANY_NUMBER,
        "enum": {"type": "array", "items": {}, "description": "The values that it may have."},
        "options": {
            "type": "array",
            "items": closed({"label": text(), "value": {}}),
            "description": "The same values, with labels.",
        },
        "excludes": {
            "type": "array",
            "items": text(),
            "description": "Fields that cannot stand beside it.",
        },
        "requires": {
            "type": "array",
            "items": text(),
            "description": "Fields that must stand beside it.",
        },
        "items": ref("InputField"),
        "optional": {"type": "boolean"},
        "default": {"description": "What is meant where it is left out."},
    },
    description="A field of a model's input.",
)
INPUT_FIELD["required"] = ["type"]
INPUT_SCHEMA = closed(
    {
        "type": text("`object`.", enum=["object"]),
        "required": {"type": "array", "items": text()},
        "atLeastOne": {"type": "array", "items": text(), "description": "Fields of which one must be given."},
        "properties": {"type": "object", "additionalProperties": ref("InputField")},
    },
    description="What a model or tool takes.",
    optional=["required", "atLeastOne"],
)
MODEL = closed(
    {
        "slug": text("What `POST /generate` calls `model`."),
        "name": text(),
        "description": text(),
        "tool": text("The slug of its tool."),
        "type": text("What it makes."),
        "available": {"type": "boolean", "description": "Whether the stack can make it just now."},
        "cost": whole("In credits, for one unit.", minimum=0),
        "costUnit": text("What a unit is.", examples=["image"]),
        "inputSchema": ref("InputSchema"),
    },
    description="What can be asked for.",
)
MODEL_LIST = listed(ref("Model"))
_TOOL = {
    "slug": text("What `POST /run` calls `tool`."),
    "name": text(),
    "description": text(),
    "type": text("What it makes."),
    "outputType": text("The same."),
}
TOOL = closed(_TOOL, description="A group of models that make the same kind of thing.")
TOOL_DETAIL = closed(
    {**_TOOL, "inputSchema": ref("InputSchema"), "models": {"type": "array", "items": ref("Model")}},
    description="A tool and its models.",
)
TOOL_LIST = listed(ref("Tool"))
SEARCH_RESULT = listed(ref("ToolDetail"), "The best first.")

# ---- The rest --------------------------------------------------------------------------------------------------------

ACCOUNT = closed(
    {
        "id": text("Your user's id."),
        "email": text("Your address."),
        "credits": maybe(whole("What is left; null where your generations are not counted.")),
        "plan": text("Your plan."),
        "createdAt": moment("Since when."),
    },
    description="Whose key it is.",
)
USAGE_ROW = closed(
    {
        "date": text("The UTC day on which they finished.", format="date"),
        "keyId": text("The API key."),
        "model": text("The model's slug."),
        "provider": maybe(text("The provider that was asked last; null where none was.")),
        "success": whole("How many succeeded.", minimum=0),
        "error": whole("How many failed.", minimum=0),
        "cancelled": whole("How many were cancelled.", minimum=0),
        "credits": whole("The credits that were kept.", minimum=0),
        "seconds": {
            "type": "number",
            "minimum": 0,
            "description": "The time that the successful ones took together.",
        },
    },
    description="Finished generations of one day, key, model and provider.",
)
USAGE = closed(
    {
        "from": text("The first day.", format="date"),
        "to": text("The last day.", format="date"),
        "data": {"type": "array", "items": ref("UsageRow")},
    },
    description="What the finished generations of some days came to; deleted ones stay counted.",
)
POINTER = closed({"name": text(), "documentation": url("A page for people."), "openapi": url("This document.")})
LINK = closed({"url": url("Where the file is, for five minutes.")})
FIELD_ERROR = closed(
    {
        "field": text("Where it is, such as `input.prompt`."),
        "message": text("What is wrong, and what to do."),
        "code": text("The same for programs, such as `required`, `unknown_field`, `type`, `enum` or `too_long`."),
    },
    description="One field at fault.",
)
ERROR = closed(
    {
        "message": text("What is wrong, and what to do."),
        "errors": {
            "type": "array",
            "items": ref("FieldError"),
            "maxItems": MAX_FIELD_ERRORS,
            "description": "All fields at fault, where fields are.",
        },
    },
    optional=["errors"],
)

PART_OF_A_KEY = text(pattern="^[A-Za-z0-9_-]+$")
LIMIT = whole(minimum=1, maximum=listing.MAX_LIMIT, default=listing.DEFAULT_LIMIT)
OFFSET = whole(minimum=0, maximum=listing.MAX_OFFSET, default=0)
CURSOR = text(pattern=f"^({ID_PATTERN.pattern})?$")
QUERY = text(minLength=1, maxLength=MAX_QUERY_LENGTH, pattern=NOT_BLANK)
IDEMPOTENCY_KEY = text(minLength=1, maxLength=255, pattern=r"^[ -~]*[!#-~][ -~]*$")
BODY_LIMIT = f"{MAX_BODY_BYTES // 1024} KB"


def components() -> Json:
    """All schemas, by name."""
    return {
        "GenerateRequest": GENERATE_REQUEST,
        "RunRequest": RUN_REQUEST,
        "RedeliveryRequest": REDELIVERY_REQUEST,
        "Input": model_input(),
        "Generation": GENERATION,
        "Output": OUTPUT,
        "ProviderAttempt": PROVIDER_ATTEMPT,
        "Accepted": ACCEPTED,
        "GenerationPage": GENERATION_PAGE,
        "Pagination": PAGINATION,
        "Notification": NOTIFICATION,
        "Delivery": DELIVERY,
        "DeliveryAttempt": DELIVERY_ATTEMPT,
        "DeliveryList": DELIVERY_LIST,
        "FileAnnouncement": ANNOUNCEMENT,
        "PictureForm": UPLOAD_FORM,
        "File": FILE,
        "Model": MODEL,
        "ModelList": MODEL_LIST,
        "Tool": TOOL,
        "ToolDetail": TOOL_DETAIL,
        "ToolList": TOOL_LIST,
        "SearchResult": SEARCH_RESULT,
        "InputSchema": INPUT_SCHEMA,
        "InputField": INPUT_FIELD,
        "Account": ACCOUNT,
        "Usage": USAGE,
        "UsageRow": USAGE_ROW,
        "Link": LINK,
        "Pointer": POINTER,
        "Error": ERROR,
        "FieldError": FIELD_ERROR,
    }
