"""Another service's API whose clients are answered here, and how its calls are described."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from atelier.api.error_document import WriteError
from atelier.catalog.model import embedded
from atelier.errors import GenerationFailedError, RequestError, UnsafeContentError
from tools.openapi.errors import REFUSALS
from tools.openapi.parts import KEY, json_content, operation
from tools.openapi.schemas import Json, ref, text

MODEL = embedded().model("playground-v2")
PROMPT = "a lighthouse at dawn"
SLUG = text(pattern="^[A-Za-z0-9._-]+$")
FAILED = GenerationFailedError("The provider does not answer.")
UNSAFE = UnsafeContentError("The provider holds the prompt, or the picture made of it, to be unsafe.")
OTHERWISE = ("num_images", "width", "height", "aspect_ratio", "image_urls", "mask_url")
"""Our inputs that other APIs have other words for."""


@dataclass(frozen=True)
class Dialect:
    """An API: the tag of its calls, what it is, how it writes an error, and the schema and media type of that."""

    tag: str
    about: str
    write: WriteError
    error: str
    media_type: str = "application/json"

    def operation(
        self,
        name: str,
        summary: str,
        description: str,
        *,
        answers: Json,
        refusals: Iterable[str | RequestError] = (),
        parameters: list[Json] | None = None,
        body: Json | None = None,
        security: list[Json] = KEY,
    ) -> Json:
        """Describe a call, with its errors as this API writes them; a refusal is named as in errors.py."""
        described = operation(
            name, self.tag, summary, description, answers=answers, parameters=parameters, body=body, security=security
        )
        always = ("NoKey", "MistypedKey", "TooMany") if security else ()
        by_status: dict[int, list[str | RequestError]] = {}
        for refusal in (*refusals, *always):
            by_status.setdefault(self.write(_error(refusal)).status, []).append(refusal)
        refused = {str(status): self._answer("It is refused.", by_status[status]) for status in sorted(by_status)}
        failed = {"5XX": self._answer("Something went wrong here; send the same request again.", ["Unavailable"])}
        return {**described, "responses": {**answers, **refused, **failed}}

    def _answer(self, description: str, refusals: Iterable[str | RequestError]) -> Json:
        shown = {
            refusal if isinstance(refusal, str) else type(refusal).__name__.removesuffix("Error"): {
                "summary": _error(refusal).message,
                "value": self.write(_error(refusal)).document,
            }
            for refusal in refusals
        }
        content = {self.media_type: {"schema": ref(self.error), "examples": shown}}
        return {"description": description, "content": content}


def _error(refusal: str | RequestError) -> RequestError:
    return REFUSALS[refusal] if isinstance(refusal, str) else refusal


def raised(ask: Callable[[], object]) -> RequestError:
    """Return the error with which something is refused."""
    try:
        ask()
    except RequestError as exc:
        return exc
    raise AssertionError("it was not refused")


def later(schema: str, document: Json) -> Json:
    """Describe the redirect of a call that waits, when its time is up."""
    return {
        "description": "It takes longer: go on at the Location, which waits as well.",
        "headers": {"Location": {"$ref": "#/components/headers/Location"}},
        "content": json_content(ref(schema), {"waiting": ("It goes on.", document)}),
    }


def kept(schema: Json, shown: Mapping[str, tuple[str, Any]]) -> Json:
    """Describe answers of which a client may keep a copy."""
    etag = {"ETag": {"$ref": "#/components/headers/ETag"}}
    return {
        "200": {"description": "What was asked for.", "headers": etag, "content": json_content(schema, shown)},
        "304": {"description": "What you have is still good.", "headers": etag},
    }
