"""The parts of a call's description: parameters, contents, answers, links and errors."""

from collections.abc import Mapping
from typing import Any

from atelier.generations.model import Generation
from tools.openapi import examples, schemas
from tools.openapi.schemas import Json, ref

KEY: list[Json] = [{"apiKey": []}]
NO_KEY: list[Json] = []
Shown = Mapping[str, tuple[str, Any]]
"""Examples by name, each with a summary."""
Errors = Mapping[int, tuple[str, ...]]
"""By status: the names of examples (errors.py)."""

_MEANINGS = {
    400: "The request is not valid; `errors` names the fields at fault.",
    401: "There is no key, or one that is mistyped, unknown, revoked or expired.",
    402: "There are not enough credits.",
    403: "The key may not do this, or what it is about is another user's.",
    404: "There is no such thing.",
    409: "It stands where this cannot be done.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "The `Idempotency-Key` was used for another request.",
    429: "The key's limit is used up.",
}
_ERROR_HEADERS = {
    401: ("WWW-Authenticate",),
    415: ("Accept",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
}


def operation(
    name: str,
    tag: str,
    summary: str,
    description: str,
    *,
    answers: Json,
    errors: Errors | None = None,
    parameters: list[Json] | None = None,
    body: Json | None = None,
    security: list[Json] = KEY,
) -> Json:
    """Describe a call; whatever needs a key can also be refused for want of one, or for being too often."""
    found = dict(errors or {})
    if security:
        found |= {401: ("NoKey", "MistypedKey"), 429: ("TooMany",)}
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "security": security,
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": {
            **answers,
            **{str(status): _error_answer(status, names) for status, names in sorted(found.items())},
            "5XX": {"$ref": "#/components/responses/ServerError"},
        },
    }


def optional(where: str, name: str, schema: Json, description: str) -> Json:
    """Describe a parameter that may be left out; without an example, which the page would fill in."""
    return {"name": name, "in": where, "description": description, "required": False, "schema": schema}


def required(where: str, name: str, schema: Json, description: str, example: str) -> Json:
    """Describe a parameter that is always there."""
    described = optional(where, name, schema, description)
    return {**described, "required": True, "example": example}


def slug(description: str, example: str) -> Json:
    """Describe the slug in a path."""
    return required("path", "slug", schemas.text(minLength=1), description, example)


def shared(name: str) -> Json:
    """Refer to a parameter that several calls have."""
    return {"$ref": f"#/components/parameters/{name}"}


def header(description: str, example: str) -> Json:
    """Describe an answer's header."""
    return {"description": description, "schema": schemas.text(), "example": example}


def with_headers(*names: str) -> Json:
    """Refer to headers that several answers have."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def json_content(schema: Json, shown: Shown) -> Json:
    """Describe a JSON body."""
    described = {name: {"summary": summary, "value": value} for name, (summary, value) in shown.items()}
    return {"application/json": {"schema": schema, "examples": described}}


def json_body(schema: str, shown: Shown, *, required: bool = True) -> Json:
    """Describe what a client sends."""
    return {"required": required, "content": json_content(ref(schema), shown)}


def generations(shown: Mapping[str, Generation]) -> Json:
    """Describe a body that holds a generation."""
    described = {name: (f"{name.capitalize()}.", examples.generation_document(it)) for name, it in shown.items()}
    return json_content(ref("Generation"), described)


def made(description: str, shown: Mapping[str, Generation]) -> Json:
    """Describe the answer to a request for a generation."""
    return {
        "description": description,
        "headers": with_headers("Location", "Preference-Applied"),
        "content": generations(shown),
        "links": links_of_a_generation(),
    }


def copied(description: str, content: Json) -> Json:
    """Describe answers of which a client may keep a copy."""
    return {
        "200": {"description": description, "headers": with_headers("ETag"), "content": content},
        "304": {"description": "What you have is still good.", "headers": with_headers("ETag")},
    }


def link(operation: str, **parameters: str) -> Json:
    """Say which call may follow, and where its parameters are found."""
    return {"operationId": operation, "parameters": parameters}


def links_of_a_generation() -> Json:
    """The calls that may follow where an answer holds a generation's id."""
    operations = ("readGeneration", "cancelGeneration", "listDeliveries", "redeliver", "deleteGeneration")
    return {operation: link(operation, id="$response.body#/id") for operation in operations}


def _error_answer(status: int, names: tuple[str, ...]) -> Json:
    headers = with_headers(*_ERROR_HEADERS.get(status, ()))
    shown = {name: {"$ref": f"#/components/examples/{name}"} for name in names}
    return {
        "description": _MEANINGS[status],
        **({"headers": headers} if headers else {}),
        "content": {"application/json": {"schema": ref("Error"), "examples": shown}},
    }
