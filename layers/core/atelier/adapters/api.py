"""Routing for the functions that have many routes, by Powertools."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, Response

from atelier.adapters import answers
from atelier.document import encode
from atelier.errors import NotFoundError, RequestError


def resolver() -> APIGatewayRestResolver:
    """Make a router whose every answer, errors included, is the contract's JSON."""
    app = APIGatewayRestResolver(serializer=encode)

    def unknown_route(_: Exception) -> Response[str]:
        event = app.current_event
        message = f"There is no {event.http_method} {event.path}; see the API's documentation."
        return _response(answers.refused(NotFoundError(message)))

    app.not_found(unknown_route)
    app.exception_handler(RequestError)(lambda exc: _response(answers.refused(exc)))
    app.exception_handler(Exception)(lambda exc: _response(answers.failed(exc)))
    return app


def answer(status: int, document: Any, headers: dict[str, str] | None = None) -> Response[str]:
    """Answer with JSON that no cache may keep."""
    return _response(answers.answer(status, document, headers))


def correlation_id(app: APIGatewayRestResolver) -> str:
    """Return the id that follows a request through all functions: API Gateway's own."""
    return str(app.current_event.request_context.request_id)


def body(app: APIGatewayRestResolver) -> str:
    """Return the request's body as text; InvalidRequestError where its bytes are none."""
    return answers.body(app.current_event.raw_event)


def _response(answer: answers.Answer) -> Response[str]:
    return Response(status_code=answer["statusCode"], headers=answer["headers"], body=answer["body"])
