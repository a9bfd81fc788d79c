"""All calls, and the webhook."""

from atelier.api.upload_request import BYTES, FORM
from atelier.api.upload_request import MAX_BODY_BYTES as UPLOAD_BYTES
from atelier.images.file_urls import TRANSIENT, UPLOADS
from atelier.images.uploads import MAX_BYTES
from tools.openapi import examples, schemas
from tools.openapi.parts import (
    NO_KEY,
    Errors,
    copied,
    generations,
    json_body,
    json_content,
    link,
    links_of_a_generation,
    made,
    operation,
    optional,
    required,
    shared,
    slug,
    with_headers,
)
from tools.openapi.schemas import Json, ref

GENERATIONS, WEBHOOKS, CATALOG, FILES, REST = "Generations", "Webhooks", "Catalog", "Files", "Account and service"
TAGS = {
    GENERATIONS: "Ask for pictures, and look after them.",
    WEBHOOKS: "The webhooks of your generations, and their attempts.",
    CATALOG: "What can be asked for; needs no key.",
    FILES: "Pictures, yours and ours.",
    REST: "Whose key it is, and what this is.",
}
_BY_ID = {403: ("LackingScope", "AnotherUsers"), 404: ("UnknownGeneration",)}
_OF_A_REQUEST = {
    402: ("NotEnoughCredits",),
    403: ("LackingScope", "ForbiddenModel"),
    413: ("TooLarge",),
    415: ("WrongType",),
    422: ("OtherRequest",),
}


def paths() -> Json:
    """Describe all calls, by path."""
    return {**_generations(), **_webhooks(), **_catalog(), **_files(), **_rest()}


def _generations() -> Json:
    return {
        "/generate": {"post": _generate()},
        "/run": {"post": _run()},
        "/generations": {"get": _list_generations()},
        "/generations/{id}": {
            "parameters": [shared("generationId")],
            "get": operation(
                "readGeneration",
                GENERATIONS,
                "Read a generation",
                "As it stands now.",
                parameters=[shared("ifNoneMatch")],
                answers=copied(
                    "The generation.",
                    generations(
                        {"success": examples.SUCCEEDED, "error": examples.FAILED, "accepted": examples.ACCEPTED}
                    ),
                ),
                errors=_BY_ID,
            ),
            "delete": operation(
                "deleteGeneration",
                GENERATIONS,
                "Delete a generation",
                "With its pictures, for good. It must have ended.",
                answers={"204": {"description": "It is gone."}},
                errors={**_BY_ID, 409: ("NotFinished",)},
            ),
        },
        "/generations/{id}/cancel": {
            "parameters": [shared("generationId")],
            "post": operation(
                "cancelGeneration",
                GENERATIONS,
                "Cancel a generation",
                "As far as it still can be: what waits ends at once, and what a provider works on ends once that has "
                "stopped. Its credits come back unless a provider that charges had begun.",
                answers={
                    "200": {
                        "description": "The generation as it stands; it may yet be `processing` for a moment.",
                        "content": generations({"cancelled": examples.CANCELLED}),
                    }
                },
                errors={**_BY_ID, 409: ("CannotCancel",)},
            ),
        },
    }


def _generate() -> Json:
    small = {"prompt": "a lighthouse at dawn", "seed": 7, "width": 512, "height": 512}
    events = ["processing", "uploading", "success", "error"]
    return operation(
        "generate",
        GENERATIONS,
        "Ask for a picture by a model",
        "Waits for the result unless there is a `webhook` or `Prefer` says otherwise.",
        parameters=[shared("prefer"), shared("idempotencyKey")],
        body=json_body(
            "GenerateRequest",
            {
                "waiting": ("Wait for the picture.", examples.generation_request()),
                "webhook": ("Be told by webhook.", examples.generation_request(webhook=examples.WEBHOOK)),
                "sketch": ("The built-in model, which is free.", {"model": "sketch", "input": small}),
                "events": (
                    "Be told of each step.",
                    examples.generation_request(webhook=examples.WEBHOOK, webhook_events=events),
                ),
            },
        ),
        answers={
            "200": made(
                "It is over: there is a picture, or an error that says why not.",
                {"success": examples.SUCCEEDED, "error": examples.FAILED},
            ),
            "202": made("It is accepted and goes on.", {"accepted": examples.ACCEPTED}),
        },
        errors={
            **_OF_A_REQUEST,
            400: ("NotJson", "InvalidGeneration", "PrivateWebhook", "BadIdempotencyKey"),
            404: ("UnknownModel",),
        },
    )


def _run() -> Json:
    return operation(
        "run",
        GENERATIONS,
        "Ask for a picture by a tool",
        "Answers at once, unless `Prefer: wait=N` asks to wait; then the whole generation is answered.",
        parameters=[shared("prefer"), shared("idempotencyKey")],
        body=json_body(
            "RunRequest",
            {
                "run": ("Make a picture.", examples.run_request()),
                "webhook": ("Be told by webhook.", examples.run_request(webhook=examples.WEBHOOK)),
                **examples.tool_requests(),
            },
        ),
        answers={
            "200": made(
                "You waited, and it is over: there is a picture, or an error that says why not.",
                {"success": examples.SUCCEEDED, "error": examples.FAILED},
            ),
            "202": {
                "description": "It is accepted and goes on.",
                "headers": with_headers("Location", "Preference-Applied"),
                "content": json_content(
                    {"anyOf": [ref("Accepted"), ref("Generation")]},
                    {
                        "accepted": ("At once.", examples.run_answer()),
                        "waited": ("After waiting.", examples.generation_document(examples.ACCEPTED)),
                    },
                ),
                "links": links_of_a_generation(),
            },
        },
        errors={**_OF_A_REQUEST, 400: ("NotJson", "InvalidRun", "BadIdempotencyKey"), 404: ("UnknownTool",)},
    )


def _list_generations() -> Json:
    shown = {"byOffset": ("By offset.", examples.page()), "byCursor": ("By cursor.", examples.page(cursor=""))}
    answers = copied("A page.", json_content(ref("GenerationPage"), shown))
    answers["200"]["links"] = {
        "readGeneration": link("readGeneration", id="$response.body#/data/0/id"),
        "nextPage": link("listGenerations", cursor="$response.body#/pagination/nextCursor"),
    }
    return operation(
        "listGenerations",
        GENERATIONS,
        "List your generations",
        "Newest first. By `cursor` every page costs the same; `cursor=` is the first one. By `offset` you learn the "
        "total as well. Give one of them.",
        parameters=[
            optional("query", "limit", schemas.LIMIT, "How many."),
            optional("query", "cursor", schemas.CURSOR, "The `nextCursor` of the page before."),
            optional("query", "offset", schemas.OFFSET, "How many to leave out."),
            optional("query", "status", schemas.one_of_statuses(""), "Only those at this status."),
            shared("ifNoneMatch"),
        ],
        answers=answers,
        errors={400: ("BadPage",), 403: ("LackingScope",)},
    )


def _webhooks() -> Json:
    return {
        "/generations/{id}/deliveries": {
            "parameters": [shared("generationId")],
            "get": operation(
                "listDeliveries",
                WEBHOOKS,
                "List a generation's webhook deliveries",
                "One delivery for each event, with its newest attempts.",
                answers={
                    "200": {
                        "description": "The deliveries; none without a webhook.",
                        "content": json_content(
                            ref("DeliveryList"), {"pending": ("One that is tried again.", examples.deliveries())}
                        ),
                    }
                },
                errors=_BY_ID,
            ),
        },
        "/generations/{id}/redeliver": {
            "parameters": [shared("generationId")],
            "post": operation(
                "redeliver",
                WEBHOOKS,
                "Tell a webhook again",
                "The same message under the same `webhook-id`, of one event or of all.",
                body=json_body(
                    "RedeliveryRequest",
                    {"all": ("Everything.", {}), "one": ("One event.", {"event": "success"})},
                    required=False,
                ),
                answers={
                    "202": {
                        "description": "The deliveries, which begin anew.",
                        "content": json_content(ref("DeliveryList"), {"again": ("One event.", examples.redelivered())}),
                    }
                },
                errors={
                    **_BY_ID,
                    400: ("NotJson", "BadEvent"),
                    409: ("NothingToTell",),
                    413: ("TooLarge",),
                    415: ("WrongType",),
                },
            ),
        },
    }


def _catalog() -> Json:
    def read(
        name: str,
        summary: str,
        description: str,
        schema: str,
        shown: Json,
        found: str,
        *parameters: Json,
        errors: Errors | None = None,
    ) -> Json:
        documents = {key: (f"{key.capitalize()}.", document) for key, document in shown.items()}
        return {
            "get": operation(
                name,
                CATALOG,
                summary,
                description,
                security=NO_KEY,
                parameters=[*parameters, shared("ifNoneMatch")],
                answers=copied(found, json_content(ref(schema), documents)),
                errors=errors,
            )
        }

    tool = examples.tool_with_models()
    words = required("query", "q", schemas.QUERY, "Words, or beginnings of words.", "sketch")
    return {
        "/models": read(
            "listModels",
            "List the models",
            "What can be asked for, and what cannot just now.",
            "ModelList",
            {"models": {"data": examples.models()}},
            "The models.",
        ),
        "/models/{slug}": read(
            "readModel",
            "Read a model",
            "With what it takes.",
            "Model",
            {"sketch": examples.model_document("sketch")},
            "The model.",
            slug("The model's slug.", "sketch"),
            errors={404: ("UnknownModel",)},
        ),
        "/tools": read(
            "listTools",
            "List the tools",
            "Groups of models that make the same kind of thing.",
            "ToolList",
            {"tools": {"data": [examples.tool()]}},
            "The tools.",
        ),
        "/tools/{slug}": read(
            "readTool",
            "Read a tool",
            "With its models.",
            "ToolDetail",
            {"tool": tool},
            "The tool.",
            slug("The tool's slug.", examples.TEXT_TO_IMAGE),
            errors={404: ("UnknownTool",)},
        ),
        "/search": read(
            "search",
            "Search the catalog",
            "Tools and models by the words of a query, the best first.",
            "SearchResult",
            {"found": {"data": [tool]}, "nothing": {"data": []}},
            "What was found.",
            words,
            errors={400: ("BadSearch",)},
        ),
    }


def _files() -> Json:
    link_to_it = {"url": "https://files.example.com/0.png?X-Amz-Expires=300"}
    return {
        "/files": {"post": _upload()},
        "/files/{folder}/{owner}/{token}/{name}": {
            "get": operation(
                "readFile",
                FILES,
                "Get a picture",
                "The stable URL of a picture. It needs no key, since nobody can guess it, and leads to a link that "
                "works for five minutes.",
                security=NO_KEY,
                parameters=file_parameters("inputs", "outputs", UPLOADS, TRANSIENT),
                answers={
                    "302": {
                        "description": "The picture is at `Location`.",
                        "headers": with_headers("Location"),
                        "content": json_content(ref("Link"), {"link": ("A link.", link_to_it)}),
                    }
                },
                errors={404: ("UnknownFile",)},
            )
        },
    }


def file_parameters(*folders: str) -> list[Json]:
    """Describe the key of a stored picture, as it stands in a path."""
    return [
        required("path", "folder", schemas.text(enum=list(folders)), "What kind of file.", "outputs"),
        required("path", "owner", schemas.PART_OF_A_KEY, "Whose it is.", examples.ID),
        required("path", "token", schemas.PART_OF_A_KEY, "What nobody can guess.", examples.TOKEN),
        required("path", "name", schemas.text(pattern=r"^[A-Za-z0-9_-]+\.[a-z]+$"), "Which one.", "0.png"),
    ]


def _upload() -> Json:
    announcement = {"name": "cat.png", "size": 12_345_678, "mimetype": "image/png"}
    stored = {"stored": ("Its URL works.", examples.stored_file())}
    announced = {"announced": ("Its URL will work.", examples.announced_file())}
    return operation(
        "uploadFile",
        FILES,
        "Upload a picture",
        f"For `image_urls`. As it is or as a form up to {UPLOAD_BYTES // 1024**2} MB; up to {MAX_BYTES // 1024**2} MB "
        "announce it as JSON, and send it by the form that is answered. Its type is read from its bytes: PNG, JPEG and "
        "WebP are taken. It is kept as long as generations are, or for a day.",
        parameters=[
            optional("query", "transient", {"type": "boolean"}, "Whether it is forgotten after a day."),
            optional("header", "X-Filename", schemas.text(), "Its name, which is only ever repeated."),
        ],
        body={
            "required": True,
            "content": {
                **{kind: {"schema": schemas.BINARY} for kind in (*schemas.PICTURE_TYPES, BYTES)},
                FORM: {"schema": ref("PictureForm")},
                **json_content(ref("FileAnnouncement"), {"announcement": ("A large picture.", announcement)}),
            },
        },
        answers={
            "201": {
                "description": "It is stored.",
                "headers": with_headers("Location"),
                "content": json_content(ref("File"), stored),
            },
            "202": {
                "description": "It was announced, and can be sent by the form in `upload`.",
                "content": json_content(ref("File"), announced),
            },
        },
        errors={
            400: ("NoFile",),
            403: ("LackingScope",),
            413: ("FileTooLarge",),
            415: ("NotAPicture",),
        },
    )


def _rest() -> Json:
    account = json_content(ref("Account"), {"account": ("A metered user.", examples.account_document())})
    return {
        "/account": {
            "get": operation(
                "readAccount",
                REST,
                "See whose key it is",
                "And how many credits are left.",
                answers={"200": {"description": "The key's user.", "content": account}},
                errors={403: ("LackingScope",)},
            )
        },
        "/usage": {"get": _usage()},
        "/": {
            "get": operation(
                "readService",
                REST,
                "See what this is",
                "And where it is described.",
                security=NO_KEY,
                parameters=[shared("ifNoneMatch")],
                answers=copied(
                    "Where to read on.", json_content(ref("Pointer"), {"pointer": ("All of it.", examples.pointer())})
                ),
            )
        },
    }


def _usage() -> Json:
    day = schemas.text(format="date")
    content = {
        **json_content(ref("Usage"), {"usage": ("One row.", examples.usage())}),
        "text/csv": {"schema": schemas.text("The rows, with the names of their fields in the first line.")},
    }
    return operation(
        "readUsage",
        REST,
        "See your usage",
        "Your finished generations by day, key, model and provider.",
        parameters=[
            optional("query", "from", day, "The first UTC day; 30 days until `to` without it."),
            optional("query", "to", day, "The last UTC day, at most 366 days in all; today without it."),
            optional("query", "key", schemas.text(minLength=1, maxLength=254), "The id of one API key."),
            optional("query", "format", schemas.text(enum=["json", "csv"], default="json"), "JSON or CSV."),
        ],
        answers={"200": {"description": "The usage.", "content": content}},
        errors={400: ("BadUsage",), 403: ("LackingScope",)},
    )


def webhook() -> Json:
    """Describe what a client's webhook is sent."""

    def header(name: str, description: str, example: str) -> Json:
        return required("header", name, schemas.text(), description, example)

    signed = examples.webhook_headers(examples.SUCCEEDED)
    return {
        "operationId": "onGeneration",
        "tags": [WEBHOOKS],
        "summary": "A webhook with a generation",
        "description": (
            "Sent to the `webhook` of a request, signed as [Standard Webhooks](https://www.standardwebhooks.com) "
            "describes: verify the raw body with your webhook secret before you believe it. It may come more than "
            "once, with the same `webhook-id`. Any 2xx within 10 seconds ends it; `410` ends it for good; after "
            "anything else it is tried again, for more than three days."
        ),
        "security": NO_KEY,
        "parameters": [
            header("webhook-id", "The same at every attempt.", signed["webhook-id"]),
            header(
                "webhook-timestamp", "When this attempt was made, in seconds since 1970.", signed["webhook-timestamp"]
            ),
            header(
                "webhook-signature",
                "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, one for each secret, separated by spaces.",
                signed["webhook-signature"],
            ),
            header("X-Webhook-Source", "The value that the operator chose.", "artificial-studio"),
            header("X-Media-Id", "The generation's id.", examples.ID),
        ],
        "requestBody": {
            "required": True,
            "content": json_content(
                ref("Notification"),
                {
                    "success": ("There is a picture.", examples.notification(examples.SUCCEEDED)),
                    "error": ("There is none.", examples.notification(examples.FAILED)),
                },
            ),
        },
        "responses": {
            "2XX": {"description": "You have it."},
            "410": {"description": "You want no more of it."},
            "default": {"description": "It is tried again."},
        },
    }
