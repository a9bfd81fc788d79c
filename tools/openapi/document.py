"""The description itself, as it is committed and served."""

import json

from tools.openapi import automatic1111_calls, calls, examples, openai_calls, replicate_calls, schemas
from tools.openapi.errors import ERRORS
from tools.openapi.parts import KEY, header, optional, required
from tools.openapi.schemas import Json, ref

VERSION = "1.0.0"
ABOUT = f"""\
Ask for a picture by a model's name and a prompt; wait for the answer, or be told by webhook.

**Keys.** Send your API key as `Authorization: YOUR_API_KEY`; `Authorization: Bearer YOUR_API_KEY` is taken as well.

**Waiting.** `POST /generate` without a `webhook` waits for the picture, up to 25 seconds; `Prefer: wait=N` and
`Prefer: respond-async` (RFC 7240) say otherwise. What takes longer answers `202`: read it at its `Location`, or give a
`webhook`.

**Repeating.** A `POST` with an `Idempotency-Key` may be sent again and again: it is one generation and one charge.

**Errors** are `{{"message": "..."}}`, and where fields are at fault `"errors": [{{"field", "message", "code"}}]`. A
path that is not there is `404`, a method that it does not have `405` with `Allow`. A generation that fails is no such
error: it is an answer with `status` `error`.

**Limits.** A JSON body may have {schemas.BODY_LIMIT}; upload pictures by `POST /files`. A key may be limited to calls
a minute: what is over that is `429` with `Retry-After`, `RateLimit` and `RateLimit-Policy`.

**Clients of other services.** Calls of OpenAI's Images API and of Replicate's are under `/v1`, those of AUTOMATIC1111
under `/sdapi/v1`. They wait for the images by redirects, and their errors are in the shape that their clients know.

**Test keys** (`atl_test_...`) cost nothing and always draw with `sketch`, which behaves as providers do on a bad day
where the prompt starts with `test:fail`, `test:unsafe`, `test:slow`, `test:twice` or `test:never`.
"""
TAGS = {
    **calls.TAGS,
    **{
        dialect.tag: dialect.about
        for dialect in (openai_calls.OPENAI, replicate_calls.REPLICATE, automatic1111_calls.WEB_UI)
    },
}
_ETAG = 'W/"33a64df5514c4f8ab5e1d8e5c2f0a9b1"'


def build() -> Json:
    """Describe the API."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Atelier",
            "version": VERSION,
            "summary": "A self-hosted image-generation API.",
            "description": ABOUT,
        },
        "servers": [{"url": examples.BASE}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": KEY,
        "paths": {**calls.paths(), **openai_calls.paths(), **replicate_calls.paths(), **automatic1111_calls.paths()},
        "webhooks": {"generation": {"post": calls.webhook()}},
        "components": {
            "securitySchemes": {
                "apiKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "Your API key, with or without `Bearer ` before it.",
                }
            },
            "parameters": _parameters(),
            "headers": _headers(),
            "responses": {
                "ServerError": {
                    "description": "Something went wrong here; send the same request again.",
                    "content": {
                        "application/json": {
                            "schema": ref("Error"),
                            "examples": {"Unavailable": {"$ref": "#/components/examples/Unavailable"}},
                        }
                    },
                }
            },
            "examples": {name: {"summary": error["message"], "value": error} for name, error in ERRORS.items()},
            "schemas": {
                **schemas.components(),
                **openai_calls.components(),
                **replicate_calls.components(),
                **automatic1111_calls.components(),
            },
        },
    }


def encode(document: Json) -> str:
    """Write the description as it is committed."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _parameters() -> Json:
    return {
        "generationId": required("path", "id", schemas.GENERATION_ID, "The generation's id.", examples.ID),
        "prefer": optional(
            "header",
            "Prefer",
            schemas.text(),
            "`wait=N`: wait up to N seconds, 25 at most. `respond-async`: don't wait (RFC 7240).",
        ),
        "idempotencyKey": optional(
            "header",
            "Idempotency-Key",
            schemas.IDEMPOTENCY_KEY,
            "Makes repeating the request safe: the same key, user and body are the same generation.",
        ),
        "ifNoneMatch": optional(
            "header",
            "If-None-Match",
            schemas.text(),
            "The `ETag` of the answer that you have: `304` says that it is still good.",
        ),
    }


def _headers() -> Json:
    return {
        "Location": header("Where it is.", f"{examples.BASE}/generations/{examples.ID}"),
        "Preference-Applied": header("Which preference was kept.", "wait=25"),
        "ETag": header("For `If-None-Match`.", _ETAG),
        "Retry-After": header("When to try again, in seconds.", "17"),
        "RateLimit": header("What is left of the limit, and until when.", '"minute";r=0;t=17'),
        "RateLimit-Policy": header("The limit.", '"minute";q=60;w=60'),
        "WWW-Authenticate": header("How to say who you are.", "Bearer"),
        "Accept": header("The types that are read.", "application/json"),
    }
