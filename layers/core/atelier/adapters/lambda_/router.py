"""Routing for the functions that have many routes, with HTTP's manners.

Powertools has a resolver, but importing it costs a cold start a fifth of what boto3 does (docs/decisions.md).
"""

import base64
import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from atelier.adapters.lambda_ import responses
from atelier.api.error_document import WriteError, describe_error
from atelier.errors import MethodNotAllowedError, RequestError, UnknownRouteError, UnsupportedMediaTypeError

JSON = "application/json"
_JSON_TYPE = re.compile(r"\s*application/([\w.+-]+\+)?json\s*", re.IGNORECASE)
_ASKED_WITH = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Prefer, X-Filename"
_SHOWN = "Allow, ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After"
_PREFLIGHT_SECONDS = 3_600
_SEGMENT = r"(?P<\1>[^/]+)"

Body = TypeVar("Body", str, bytes)


class Response(Generic[Body]):
    """What a route answers: bytes, or text that is UTF-8 on the wire."""

    def __init__(
        self, *, status_code: int, body: Body, headers: Mapping[str, str], content_type: str | None = None
    ) -> None:
        self.status_code = status_code
        self.body: Body = body
        self.headers = {"Content-Type": content_type, **headers} if content_type else {**headers}


Handler = Callable[..., Response[Any]]


class Headers(Mapping[str, str]):
    """A request's headers, found whatever the case of their names."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in headers.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Event:
    """An API Gateway request, whose fields have its own names.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        about = event["requestContext"]
        self.raw_event = event
        self.http_method: str = event["httpMethod"].upper()
        self.path: str = event["path"]
        self.headers = Headers(event.get("headers") or {})
        self.query_string_parameters: Mapping[str, str] = event.get("queryStringParameters") or {}
        self.body: str | None = event.get("body")
        self.is_base64_encoded = bool(event.get("isBase64Encoded"))
        self.request_id = str(about.get("requestId"))
        self.api_id: str = about.get("apiId") or ""
        self.source_ip = str((about.get("identity") or {}).get("sourceIp"))


_current: ContextVar[Event] = ContextVar("event")


class Route:
    """A method and a rule: a regular expression of paths, in which `<name>` stands for a segment and its argument."""

    def __init__(self, method: str, rule: str, handler: Handler) -> None:
        self.method = method
        self.rule = rule
        self.handler = handler
        self.fixed = re.split(r"[<(]", rule, maxsplit=1)[0]

    @property
    def is_fixed(self) -> bool:
        """Whether it is one path alone."""
        return self.fixed == self.rule

    def match(self, path: str) -> dict[str, str] | None:
        """Return the arguments that a path holds; None where it is another route's."""
        if not path.startswith(self.fixed):
            return None
        found = _pattern(self.rule).fullmatch(path)
        return found and found.groupdict()


class Router:
    """The routes of one resource, which an Api includes."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def route(self, rule: str, method: Collection[str]) -> Callable[[Handler], Handler]:
        """Make a function the handler of a rule, for these methods."""

        def register(handler: Handler) -> Handler:
            self.routes += [Route(each, rule, handler) for each in method]
            return handler

        return register

    def get(self, rule: str) -> Callable[[Handler], Handler]:
        """Make a function the handler of a rule's GET."""
        return self.route(rule, ["GET"])

    def post(self, rule: str) -> Callable[[Handler], Handler]:
        """Make a function the handler of a rule's POST."""
        return self.route(rule, ["POST"])

    def put(self, rule: str) -> Callable[[Handler], Handler]:
        """Make a function the handler of a rule's PUT."""
        return self.route(rule, ["PUT"])

    def patch(self, rule: str) -> Callable[[Handler], Handler]:
        """Make a function the handler of a rule's PATCH."""
        return self.route(rule, ["PATCH"])

    def delete(self, rule: str) -> Callable[[Handler], Handler]:
        """Make a function the handler of a rule's DELETE."""
        return self.route(rule, ["DELETE"])


class Api(Router):
    """A router whose every error is JSON, the contract's or what `write_error` makes of it.

    HEAD is a GET whose body stays here; OPTIONS says what a path allows, and what it does not is 405; a client's copy
    that is still good is 304. `origins` names those whose web pages may call from browsers, "*" being all.
    """

    def __init__(
        self, origins: Callable[[], Collection[str]] = tuple, write_error: WriteError = describe_error
    ) -> None:
        super().__init__()
        self._origins = origins
        self._write_error = write_error

    def include_router(self, router: Router) -> None:
        """Answer a resource's routes too; a path that is one route's alone goes to that one."""
        self.routes = sorted([*self.routes, *router.routes], key=lambda route: not route.is_fixed)

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer an API Gateway request."""
        request = Event(event)
        head = request.http_method == "HEAD"
        if head:
            request.http_method = "GET"
        _current.set(request)
        with responses.time_of(context):
            response = self._respond(request)
        status, headers = response.status_code, response.headers
        body: str | bytes = response.body
        if _still_good(request.headers.get("If-None-Match"), headers.get("ETag")):
            status, body = 304, ""
        shared = _shared(self._origins(), request.headers.get("Origin"), headers.get("Allow"))
        encoded = isinstance(body, bytes)
        return {
            "statusCode": status,
            "body": "" if head else base64.b64encode(body).decode() if isinstance(body, bytes) else body,
            "isBase64Encoded": encoded,
            "multiValueHeaders": {name: [value] for name, value in {**headers, **responses.SAFE, **shared}.items()},
        }

    def _respond(self, request: Event) -> Response[Any]:
        try:
            for route in self.routes:
                if route.method == request.http_method and (arguments := route.match(request.path)) is not None:
                    return route.handler(**arguments)
            return self._unknown(request)
        except RequestError as exc:
            return _response(responses.refused(exc, self._write_error))
        except Exception as exc:  # noqa: BLE001 (whatever it is, the client gets an answer and the log the whole of it)
            return _response(responses.failed(exc, self._write_error))

    def _unknown(self, request: Event) -> Response[str]:
        found = {route.method for route in self.routes if route.match(request.path) is not None}
        if not found:
            raise UnknownRouteError(f"There is no {request.http_method} {request.path}; see the API's documentation.")
        allowed = sorted({*found, "OPTIONS", *(["HEAD"] if "GET" in found else [])})
        if request.http_method == "OPTIONS":
            headers = {"Allow": ", ".join(allowed), "Cache-Control": "no-store"}
            return Response(status_code=204, headers=headers, body="")
        message = f"{request.http_method} is not possible at {request.path}; {', '.join(allowed)} are."
        raise MethodNotAllowedError(message, allowed)


@cache
def _pattern(rule: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"<(\w+)>", _SEGMENT, rule) + "/*", re.DOTALL)


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


def current_event() -> Event:
    """Return the request that is being answered."""
    return _current.get()


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
    return current_event().request_id


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


def _still_good(known: str | None, etag: str | None) -> bool:
    """Compare weakly, as If-None-Match is to be."""
    if not known or not etag:
        return False
    return known.strip() == "*" or etag.removeprefix("W/") in {
        tag.strip().removeprefix("W/") for tag in known.split(",")
    }


def _shared(origins: Collection[str], origin: str | None, allow: str | None) -> dict[str, str]:
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
            "Access-Control-Allow-Methods": allow,
            "Access-Control-Allow-Headers": _ASKED_WITH,
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
    return headers
