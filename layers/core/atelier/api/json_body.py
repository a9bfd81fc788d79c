"""Request bodies that are JSON objects."""

import json
from typing import Any, NoReturn

from atelier.errors import FieldError, InvalidRequestError, PayloadTooLargeError

MAX_BODY_BYTES = 256 * 1024
_UNSERIALIZED = "[object Object]"
"""JavaScript's text of an object: the body of a client that did not serialize it."""


def parse_object(body: str, *, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """Read a JSON object; raises PayloadTooLargeError or InvalidRequestError."""
    if len(body) > max_bytes or len(body.encode(errors="surrogatepass")) > max_bytes:
        limit = f"{max_bytes // 1024} KB"
        raise PayloadTooLargeError(
            f"The body is larger than {limit}; upload pictures by POST /files and name their URLs."
        )
    try:
        document = json.loads(body, parse_float=_number, parse_constant=_refuse_constant)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as exc:
        advice = " Send JSON, as JSON.stringify makes it." if body.strip() == _UNSERIALIZED else ""
        raise _not_json(f"The body is not valid JSON: {_first_line(exc)}.{advice}") from exc
    if not isinstance(document, dict):
        raise _not_json("The body must be a JSON object.")
    return document


def _not_json(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, [FieldError("body", message, "invalid_json")])


def _first_line(exc: Exception) -> str:
    return str(exc).splitlines()[0] if str(exc) else "it is nested too deeply"


def _number(text: str) -> int | float:
    """Read a number with a point or an exponent: JSON knows no kinds of numbers, so 8.0 is 8."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
