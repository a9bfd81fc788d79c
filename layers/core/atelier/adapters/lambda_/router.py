"""Routing for the functions that have many routes, by Powertools, with HTTP's manners."""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, BaseRouter, Response
from aws_lambda_powertools.event_handler.api_gateway import Router as PowertoolsRouter
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from atelier.adapters.lambda_ import responses
from atelier.api.error_document import WriteError, describe_error
from atelier.encoding import encode
from atelier.errors import MethodNotAllowedError, RequestError, UnknownRouteError, UnsupportedMediaTypeError

JSON = "application/json"
_JSON_TYPE = re.compile(r"\s*application/([\w.+-]+\+)?json\s*", re.IGNORECASE)
_ASKED_WITH = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Prefer, X-Filename"
_SHOWN = "Allow, ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After"
_PREFLIGHT_SECONDS = 3_600


class Api(APIGatewayRestResolver):
    """A router whose every error is JSON, the contract's or what `write_error` makes of it.

    HEAD is a GET whose body stays here; OPTIONS says what a path allows, and what it does not is 405; a client's copy
    that is still good is 304. `origins` names those whose web pages may call from browsers, "*" being all.
    """

    def __init__(
        self, origins: Callable[[], Collection[str]] = tuple, write_error: WriteError = describe_error
    ) -> None:
        super().__init__(serializer=encode)
        self._origins = origins
        self._write_error = write_error
        self.not_found(lambda _: self._unknown())
        self.exception_handler(RequestError)(self._refuse)
        self.exception_handler(Exception)(lambda exc: _response(responses.failed(exc, write_error)))

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer an API Gateway request."""
        method = event["httpMethod"]
        with responses.time_of(context):
            answer = super().resolve({**event, "httpMethod": "GET"} if method == "HEAD" else event, context)
        headers: dict[str, list[str]] = answer["multiValueHeaders"]
        if _still_good(self.current_event.headers.get("If-None-Match"), headers.get("ETag")):
            answer.update(statusCode=304, body="")
        if method == "HEAD":
            answer["body"] = ""
        shared = _shared(self._origins(), self.current_event.headers.get("Origin"), headers.get("Allow"))
        headers.update({name: [value] for name, value in {**responses.SAFE, **shared}.items()})
        return answer

    def _unknown(self) -> Response[str]:
        event = self.current_event
        found = {
            route.method for route in (*self._static_routes, *self._dynamic_routes) if route.rule.match(event.path)
        }
        if not found or event.http_method in found:
            message = f"There is no {event.http_method} {event.path}; see the API's documentation."
            return self._refuse(UnknownRouteError(message))
        allowed = sorted({*found, "OPTIONS", *(["HEAD"] if "GET" in found else [])})
        if event.http_method == "OPTIONS":
            headers = {"Allow": ", ".join(allowed), "Cache-Control": "no-store"}
            return Response(status_code=204, headers=headers, body="")
        message = f"{event.http_method} is not possible at {event.path}; {', '.join(allowed)} are."
        return self._refuse(MethodNotAllowedError(message, allowed))

    def _refuse(self, exc: RequestError) -> Response[str]:
        return _response(responses.refused(exc, self._write_error))


class Router(PowertoolsRouter):
    """The routes of one resource, which an Api includes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]


def strip_base_path(event: dict[str, Any], public_url: str) -> dict[str, Any]:
    """Return the event with the path of a route: API Gateway leaves a custom domain's base path in it.

    `public_url` is the domain's URL. An event that came by another host, such as the API's own, has no base path.
    """
    url = urlsplit(public_url)
    base = url.path.rstrip("/")
    if not base or event["requestContext"].get("domainName") != url.hostname:
        return event
    path: str = event["path"]
    return {**event, "path": path.removeprefix(base) or "/"} if f"{path}/".startswith(f"{base}/") else event


def current_event() -> APIGatewayProxyEvent:
    """Return the request that is being answered."""
    event: APIGatewayProxyEvent = BaseRouter.current_event  # type: ignore[assignment]
    return event


def answer(status: int, document: Any, headers: dict[str, str] | None = None) -> Response[str]:
    """Answer with JSON that no cache may keep, unless its headers say otherwise."""
    return _response(responses.answer(status, document, headers))


def nothing(headers: dict[str, str] | None = None) -> Response[str]:
    """Answer that it is done and that there is nothing to say."""
    return Response(status_code=204, headers={"Cache-Control": "no-store", **(headers or {})}, body="")


def copied(document: Any, cache_control: str) -> Response[str]:
    """Answer with JSON of which a client may keep a copy, and ask whether that is still good (RFC 9110, section 13)."""
    made = responses.answer(200, document, {"Cache-Control": cache_control})
    made["headers"]["ETag"] = f'W/"{hashlib.sha256(made["body"].encode()).hexdigest()[:32]}"'
    return _response(made)


def csv_answer(text: str, filename: str) -> Response[str]:
    """Answer with CSV that a browser saves under this name."""
    return Response(
        status_code=200,
        content_type="text/csv; charset=utf-8",
        headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{filename}"'},
        body=text,
    )


def correlation_id() -> str:
    """Return the id that follows a request through all functions: API Gateway's own."""
    return str(current_event().request_context.request_id)


def body() -> str:
    """Return the request's body, which is to be JSON, as text.

    UnsupportedMediaTypeError where its type says that it is something else, which a missing one doesn't;
    InvalidRequestError where its bytes are no text.
    """
    said = current_event().headers.get("Content-Type")
    if said and not _JSON_TYPE.fullmatch(said.partition(";")[0]):
        raise UnsupportedMediaTypeError(f"The body must be {JSON}, not '{said}'.", [JSON])
    return responses.body(current_event().raw_event)


def _response(answer: responses.Answer) -> Response[str]:
    return Response(status_code=answer["statusCode"], headers=answer["headers"], body=answer["body"])


def _still_good(known: str | None, etag: list[str] | None) -> bool:
    """Compare weakly, as If-None-Match is to be."""
    if not known or not etag:
        return False
    return known.strip() == "*" or etag[0].removeprefix("W/") in {
        tag.strip().removeprefix("W/") for tag in known.split(",")
    }


def _shared(origins: Collection[str], origin: str | None, allow: list[str] | None) -> dict[str, str]:
    """Make the headers that let the web pages of these origins read an answer (CORS); `allow` is the answer's own."""
    if not origins:
        return {}
    anybody = "*" in origins
    vary = {} if anybody else {"Vary": "Origin"}
    if not anybody and origin not in origins:
        return vary
    headers = {
        **vary,
        "Access-Control-Allow-Origin": "*" if anybody else str(origin),
        "Access-Control-Expose-Headers": _SHOWN,
    }
    if allow:
        headers |= {
            "Access-Control-Allow-Methods": allow[0],
            "Access-Control-Allow-Headers": _ASKED_WITH,
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
    return headers
