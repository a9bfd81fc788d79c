"""The calls of Replicate's API."""

from atelier.api import replicate
from atelier.errors import FieldError, InvalidRequestError
from atelier.generations.prediction import OWNER, prediction
from atelier.images.file_urls import TRANSIENT, UPLOADS
from atelier.outbound.url_policy import UrlPolicy
from tools.openapi import examples, schemas
from tools.openapi.calls import file_parameters
from tools.openapi.dialect import MODEL, PROMPT, SLUG, Dialect, kept, later, raised
from tools.openapi.parts import NO_KEY, json_body, json_content, link, optional, required, shared
from tools.openapi.schemas import BINARY, Json, closed, maybe, moment, ref, text, url, whole

REPLICATE = Dialect(
    "Replicate",
    "Calls of Replicate's API; its clients' base URL ends in `/api` or `/api/v1`.",
    replicate.describe_error,
    "Problem",
    "application/problem+json",
)
NAME, VERSION = MODEL.slug, replicate.versions_of(MODEL)[0]


_HIDDEN_MODEL = "The model's owner at Replicate, or `atelier`."


def paths() -> Json:
    """Describe all calls, by path."""
    made, base = examples.SUCCEEDED, examples.BASE
    named = [
        required("path", "owner", text(minLength=1), _HIDDEN_MODEL, OWNER),
        required("path", "name", SLUG, "The model's name there, or its slug here.", NAME),
    ]
    sent = {"input": {"prompt": PROMPT}}
    invalid = raised(lambda: replicate.parse_prediction({"input": {}}, MODEL, UrlPolicy()))
    refusals = (
        invalid, "NotJson", "NotEnoughCredits", "LackingScope", "UnknownModel", "TooLarge", "WrongType", "OtherRequest",
    )  # fmt: skip

    def create(name: str, summary: str, parameters: list[Json], example: Json, schema: str) -> Json:
        return REPLICATE.operation(
            name,
            summary,
            "Answers at once, or waits with `Prefer: wait`.",
            parameters=[*parameters, shared("prefer"), shared("idempotencyKey")],
            body=json_body(schema, {"prediction": ("A prediction.", example)}),
            answers=_predicted(),
            refusals=refusals,
        )

    page = replicate.predictions_document([made], base, examples.ID)
    one = json_content(ref("Prediction"), {"succeeded": ("A prediction.", prediction(made, base))})
    by_id = ["LackingScope", "AnotherUsers", "UnknownGeneration"]
    stored = replicate.file_document(examples.upload(), b"", {}, base)
    by_model = ["LackingScope", "UnknownModel"]
    message = "'content' is required: the file."
    no_content = InvalidRequestError(message, [FieldError("content", message, "required")])
    etag = shared("ifNoneMatch")
    version = replicate.version_document(MODEL, VERSION)
    return {
        "/v1/predictions": {
            "get": REPLICATE.operation(
                "listPredictions",
                "List predictions as Replicate's API does",
                "Newest first.",
                parameters=[optional("query", "cursor", schemas.CURSOR, "The cursor in `next`."), etag],
                answers=kept(ref("PredictionList"), {"page": ("A page.", page)}),
                refusals=["LackingScope", "BadPage"],
            ),
            "post": create(
                "createPrediction",
                "Make a prediction by a model's version",
                [],
                {**sent, "version": VERSION},
                "PredictionRequest",
            ),
        },
        "/v1/models/{owner}/{name}/predictions": {
            "parameters": named,
            "post": create(
                "createModelPrediction", "Make a prediction by a model's name", [], sent, "ModelPredictionRequest"
            ),
        },
        "/v1/deployments/{owner}/{name}/predictions": {
            "parameters": named,
            "post": create(
                "createDeploymentPrediction",
                "Make a prediction by a deployment's name",
                [],
                sent,
                "ModelPredictionRequest",
            ),
        },
        "/v1/predictions/{id}": {
            "parameters": [shared("generationId")],
            "get": REPLICATE.operation(
                "readPrediction",
                "Read a prediction as Replicate's API does",
                "As it stands now.",
                answers={"200": {"description": "The prediction.", "content": one}},
                refusals=by_id,
            ),
        },
        "/v1/predictions/{id}/cancel": {
            "parameters": [shared("generationId")],
            "post": REPLICATE.operation(
                "cancelPrediction",
                "Cancel a prediction as Replicate's API does",
                "One that has ended is answered as it is.",
                answers={"200": {"description": "The prediction.", "content": one}},
                refusals=[*by_id, "CannotCancel"],
            ),
        },
        "/v1/models/{owner}/{name}": {
            "parameters": named,
            "get": REPLICATE.operation(
                "readReplicateModel",
                "Read a model as Replicate's API does",
                "With its latest version, which describes its input.",
                parameters=[etag],
                answers=kept(ref("ReplicateModel"), {"model": ("A model.", replicate.model_document(MODEL, base))}),
                refusals=by_model,
            ),
        },
        "/v1/models/{owner}/{name}/versions": {
            "parameters": named,
            "get": REPLICATE.operation(
                "listVersions",
                "List a model's versions",
                "The first is ours.",
                parameters=[etag],
                answers=kept(
                    ref("VersionList"),
                    {"versions": ("One version.", {"previous": None, "next": None, "results": [version]})},
                ),
                refusals=by_model,
            ),
        },
        "/v1/models/{owner}/{name}/versions/{version}": {
            "parameters": [*named, required("path", "version", SLUG, "The version's id.", VERSION)],
            "get": REPLICATE.operation(
                "readVersion",
                "Read a model's version",
                "Its `openapi_schema` describes the input.",
                parameters=[etag],
                answers=kept(ref("ReplicateVersion"), {"version": ("A version.", version)}),
                refusals=by_model,
            ),
        },
        "/v1/account": {
            "get": REPLICATE.operation(
                "readReplicateAccount",
                "See whose key it is as Replicate's API does",
                "The user of the key.",
                answers={
                    "200": {
                        "description": "The user.",
                        "content": json_content(
                            ref("ReplicateAccount"), {"account": ("A user.", replicate.account_document(examples.USER))}
                        ),
                    }
                },
                refusals=["LackingScope"],
            )
        },
        "/v1/files": {
            "post": REPLICATE.operation(
                "createReplicateFile",
                "Upload a file as Replicate's API does",
                "The form's field `content`.",
                body={"required": True, "content": {"multipart/form-data": {"schema": ref("ReplicateFileForm")}}},
                answers={
                    "201": {
                        "description": "It is stored.",
                        "content": json_content(ref("ReplicateFile"), {"file": ("A file.", stored)}),
                    }
                },
                refusals=[no_content, "NoFile", "LackingScope", "FileTooLarge", "NotAPicture", "WrongType"],
            )
        },
        "/v1/files/{folder}/{owner}/{token}/{name}": {
            "parameters": file_parameters("outputs", UPLOADS, TRANSIENT),
            "get": REPLICATE.operation(
                "readReplicateFile",
                "Read an image itself",
                "Where it is larger than a function may answer, a redirect leads to it. Needs no key.",
                security=NO_KEY,
                answers={
                    "200": {
                        "description": "The image.",
                        "content": {kind: {"schema": BINARY} for kind in schemas.PICTURE_TYPES},
                    },
                    "302": {
                        "description": "The image is large; it is at the Location.",
                        "headers": {"Location": {"$ref": "#/components/headers/Location"}},
                        "content": json_content(ref("Link"), {"link": ("A link.", {"url": "https://files.example/a"})}),
                    },
                },
                refusals=["UnknownFile"],
            ),
        },
    }


def _predicted() -> Json:
    waiting = replicate.PredictionReply().pending(examples.ACCEPTED, examples.BASE)
    made = {
        "starting": ("It goes on.", waiting),
        "succeeded": ("It is over.", prediction(examples.SUCCEEDED, examples.BASE)),
    }
    content = json_content(ref("Prediction"), made)
    links = {name: link(name, id="$response.body#/id") for name in ("readPrediction", "cancelPrediction")}
    return {
        "200": {"description": "The prediction, after waiting.", "content": content},
        "201": {"description": "The prediction.", "content": content, "links": links},
        "303": later("Prediction", waiting),
    }


_NOTHING = {"type": "null"}


def components() -> Json:
    """All schemas, by name."""
    webhook = schemas.GENERATE_REQUEST["properties"]["webhook"]
    told = {
        "webhook": webhook,
        "webhook_events_filter": maybe(
            {"type": "array", "items": text(enum=list(replicate.EVENTS)), "description": "All by default."}
        ),
        "stream": {"description": "Taken; nothing is streamed."},
    }
    wanted = {"input": ref("ReplicateInput"), **told}
    page = {"previous": _NOTHING, "next": {"type": ["string", "null"], "format": "uri"}}
    prediction_fields = {
        "id": schemas.GENERATION_ID,
        "model": text(),
        "version": text(),
        "input": {"type": "object", "additionalProperties": True},
        "logs": text("Inputs that were ignored, and what the provider says."),
        "output": {"type": ["array", "null"], "items": url(), "description": "The images themselves."},
        "data_removed": {"type": "boolean"},
        "error": maybe(text()),
        "status": text(enum=["starting", "processing", "succeeded", "failed", "canceled"]),
        "created_at": moment("When it was accepted."),
        "started_at": maybe(moment("When a provider began.")),
        "completed_at": maybe(moment("When it ended.")),
        "metrics": {"type": "object", "additionalProperties": {"type": "number"}},
        "urls": closed({"get": url(), "cancel": url(), "web": url()}),
    }
    return {
        "PredictionRequest": {
            **closed({"version": text("A version's id, or `owner/name`.", minLength=1), **wanted}, optional=told),
            "additionalProperties": True,
        },
        "ModelPredictionRequest": {**closed(wanted, optional=told), "additionalProperties": True},
        "ReplicateInput": {
            **schemas.model_input(),
            "description": "Our inputs, or Replicate's names of them; what the model has no place for is ignored.",
            "additionalProperties": True,
        },
        "Prediction": closed(prediction_fields),
        "PredictionList": closed({**page, "results": {"type": "array", "items": ref("Prediction")}}),
        "ReplicateModel": closed(
            {
                "url": url(), "owner": text(), "name": text(), "description": text(), "visibility": text(),
                "github_url": _NOTHING, "paper_url": _NOTHING, "license_url": _NOTHING, "run_count": whole(),
                "cover_image_url": _NOTHING, "default_example": _NOTHING, "latest_version": ref("ReplicateVersion"),
            }
        ),
        "ReplicateModelList": closed({**page, "results": {"type": "array", "items": ref("ReplicateModel")}}),
        "ReplicateVersion": closed(
            {
                "id": text(), "created_at": moment("1970."), "cog_version": text(),
                "openapi_schema": {"type": "object", "additionalProperties": True},
            }
        ),
        "VersionList": closed({**page, "results": {"type": "array", "items": ref("ReplicateVersion")}}),
        "ReplicateAccount": closed(
            {"type": text(enum=["user"]), "username": text(), "name": text(), "github_url": _NOTHING}
        ),
        "ReplicateFileForm": {
            "type": "object",
            "required": ["content"],
            "properties": {"content": {**BINARY, "description": "The picture."}},
        },
        "ReplicateFile": closed(
            {
                "id": text(), "name": text(), "content_type": text(), "size": whole(), "etag": text(),
                "checksums": closed({"sha256": text()}), "metadata": {"type": "object", "additionalProperties": True},
                "created_at": moment("When it was stored."), "expires_at": _NOTHING, "urls": closed({"get": url()}),
            }
        ),
        "Problem": closed({"title": text(), "detail": text(), "status": whole()}),
    }  # fmt: skip
