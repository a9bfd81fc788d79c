"""API Gateway's requests and answers as they are on the wire, and errors mapped to answers in this one place.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from atelier.api.error_document import WriteError, describe_error
from atelier.deadline import time_limit
from atelier.encoding import encode
from atelier.errors import (
    AcceptanceUnknownError,
    FieldError,
    InternalError,
    InvalidRequestError,
    MethodNotAllowedError,
    ModelUnavailableError,
    RequestError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
    UnreadableRecordError,
    UnsupportedMediaTypeError,
)
from atelier.logging import logger

ANSWER_SECONDS = 0.8
"""Of the function's time, the time to write an answer."""
Answer = dict[str, Any]
SAFE = {"X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000"}
"""On every answer: browsers take it for what it says it is, and come by https only."""


def time_of(context: Any) -> AbstractContextManager[None]:
    """Limit what runs within to the time of a Lambda function, less what its answer takes."""
    return time_limit(context.get_remaining_time_in_millis() / 1_000 - ANSWER_SECONDS)


def answer(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with JSON that no cache may keep."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store", **SAFE, **(headers or {})},
        "body": encode(document),
    }


def answered(respond: Callable[[], Answer]) -> Answer:
    """Return what `respond` answers, or the answer to the error that it raises."""
    try:
        return respond()
    except RequestError as exc:
        return refused(exc)
    except Exception as exc:  # noqa: BLE001 (whatever it is, the client gets an answer and the log the whole of it)
        return failed(exc)


def refused(exc: RequestError, write: WriteError = describe_error) -> Answer:
    """Tell the client what is wrong with its request."""
    if exc.status >= 500:
        logger.error("request failed", status_code=exc.status, cause=repr(exc.__cause__))
    else:
        logger.info("request refused", status_code=exc.status, error=type(exc).__name__)
    error = write(exc)
    return answer(error.status, error.document, {**_headers(exc), **error.headers})


def _headers(exc: RequestError) -> dict[str, str]:
    match exc:
        case UnauthenticatedError():
            return {"WWW-Authenticate": "Bearer"}
        case MethodNotAllowedError(allowed=methods):
            return {"Allow": ", ".join(methods)}
        case UnsupportedMediaTypeError(accepted=types):
            return {"Accept": ", ".join(types)}
        case TooManyRequestsError(retry_after=seconds, quota=None):
            return {"Retry-After": str(seconds)}
        case TooManyRequestsError(retry_after=seconds, quota=quota):
            # https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
            return {
                "Retry-After": str(seconds),
                "RateLimit": f'"minute";r=0;t={seconds}',
                "RateLimit-Policy": f'"minute";q={quota};w=60',
            }
        case ModelUnavailableError():
            return {"x-should-retry": "false"}  # what OpenAI's SDKs obey
        case AcceptanceUnknownError(repeatable=False):
            return {"x-should-retry": "false", "Retry-After": "5"}
        case UnreadableRecordError():
            return {"Retry-After": "60"}
        case UnavailableError():
            return {"Retry-After": "1"}
        case _:
            return {}


def failed(exc: Exception, write: WriteError = describe_error) -> Answer:
    """Tell the client that something went wrong here, and the log what."""
    logger.exception("request failed", error=type(exc).__name__)
    error = write(InternalError())
    return answer(error.status, error.document, error.headers)


def raw_body(event: Mapping[str, Any]) -> bytes:
    """Return a request's body as its bytes."""
    content: str = event.get("body") or ""
    return base64.b64decode(content) if event.get("isBase64Encoded") else content.encode(errors="replace")


def body(event: Mapping[str, Any]) -> str:
    """Return a request's body as text; InvalidRequestError where its bytes are none."""
    content: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return content
    try:
        return base64.b64decode(content, validate=True).decode()
    except ValueError as exc:
        message = "The body is not text in UTF-8."
        raise InvalidRequestError(message, [FieldError("body", message, "invalid_json")]) from exc
