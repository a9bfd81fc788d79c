"""The HTTP side of API Gateway: routing by Powertools, and errors mapped to answers in this one place."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, Response

from atelier.document import encode
from atelier.errors import FieldError, InvalidRequestError, NotFoundError, RequestError
from atelier.observability import logger

JSON = "application/json"


def resolver() -> APIGatewayRestResolver:
    """Make a router whose every answer, errors included, is the contract's JSON."""
    app = APIGatewayRestResolver(serializer=encode)

    def unknown_route(_: Exception) -> Response[str]:
        event = app.current_event
        return _refused(NotFoundError(f"There is no {event.http_method} {event.path}; see the API's documentation."))

    app.not_found(unknown_route)
    app.exception_handler(RequestError)(_refused)
    app.exception_handler(Exception)(_failed)
    return app


def answer(status: int, document: Any, headers: dict[str, str] | None = None) -> Response[str]:
    """Answer with JSON that no cache may keep."""
    return Response(
        status_code=status,
        content_type=JSON,
        body=encode(document),
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def correlation_id(app: APIGatewayRestResolver) -> str:
    """Return the id that follows a request through all functions: API Gateway's own."""
    return str(app.current_event.request_context.request_id)


def body(app: APIGatewayRestResolver) -> str:
    """Return the request's body as text; InvalidRequestError where its bytes are none."""
    try:
        return app.current_event.decoded_body or ""
    except ValueError as exc:
        message = "The body is not text in UTF-8."
        raise InvalidRequestError(message, [FieldError("body", message, "invalid_json")]) from exc


def _refused(exc: RequestError) -> Response[str]:
    if exc.status >= 500:
        logger.error("request failed", status_code=exc.status, cause=repr(exc.__cause__))
    else:
        logger.info("request refused", status_code=exc.status, error=type(exc).__name__)
    document: dict[str, Any] = {"message": exc.message}
    if exc.errors:
        document["errors"] = [
            {"field": error.field, "message": error.message, "code": error.code} for error in exc.errors
        ]
    return answer(exc.status, document, {"WWW-Authenticate": "Bearer"} if exc.status == 401 else None)


def _failed(exc: Exception) -> Response[str]:
    logger.exception("request failed", error=type(exc).__name__)
    return answer(500, {"message": "Something went wrong here; try again, and tell the owner if it lasts."})
