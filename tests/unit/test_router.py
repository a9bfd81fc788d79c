"""The router of `generate` and `console`: which path is whose, and what comes back on the wire."""

import base64
from typing import Any

import pytest

from atelier.adapters.lambda_.router import Api, Response, Router, answer, current_event
from atelier.deadline import seconds_left
from atelier.errors import NotFoundError


class Context:
    """As much of Lambda's context as is read."""

    def get_remaining_time_in_millis(self) -> int:
        return 3_300


@pytest.fixture
def api() -> Api:
    router, api = Router(), Api()

    @router.get("/things/<name>")
    def read(name: str) -> Response[str]:
        return answer(200, {"name": name}, {"ETag": 'W/"1"'})

    @router.get("/things/newest")
    def newest() -> Response[str]:
        return answer(200, {"newest": True})

    @router.delete("/things/<name>/parts/<part>")
    def remove(name: str, part: str) -> Response[str]:
        raise NotFoundError(f"There is no {name} {part}.")

    @router.get("/files/(?:inputs|outputs)/.+")
    def file() -> Response[bytes]:
        return Response(status_code=200, body=current_event().path.encode(), content_type="image/png", headers={})

    @router.route("/waits", method=["GET", "POST"])
    def wait() -> Response[str]:
        event = current_event()
        seen = [event.http_method, event.headers.get("x-name"), event.query_string_parameters, round(seconds_left(), 1)]
        return answer(200, seen)

    @router.post("/broken")
    def broken() -> Response[str]:
        raise RuntimeError("the secret")

    api.include_router(router)
    return api


def ask(api: Api, method: str, path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    event = {
        "httpMethod": method, "path": path, "headers": headers, "queryStringParameters": None, "body": None,
        "requestContext": {"requestId": "1", "apiId": "a", "identity": {"sourceIp": "192.0.2.1"}},
    }  # fmt: skip
    return api.resolve(event, Context())


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/things/a", 200, '{"name":"a"}'),
        ("GET", "/things/a/", 200, '{"name":"a"}'),
        ("GET", "/things/ä b%~(1)", 200, '{"name":"ä b%~(1)"}'),
        ("GET", "/things/\n", 200, '{"name":"\\n"}'),
        ("GET", "/things/\u2028\u0085", 200, '{"name":"\u2028\u0085"}'),
        ("GET", "/things/newest", 200, '{"newest":true}'),
        ("GET", "/things/newest2", 200, '{"name":"newest2"}'),
        ("HEAD", "/things/a", 200, ""),
        ("OPTIONS", "/things/a", 204, ""),
        ("DELETE", "/things/a/parts/b", 404, '{"message":"There is no a b."}'),
        ("GET", "/things/a/b", 404, '{"message":"There is no GET /things/a/b; see the API\'s documentation."}'),
        ("GET", "/thingsx", 404, '{"message":"There is no GET /thingsx; see the API\'s documentation."}'),
        ("GET", "/files/other/a", 404, '{"message":"There is no GET /files/other/a; see the API\'s documentation."}'),
        ("GET", "/things/", 404, '{"message":"There is no GET /things/; see the API\'s documentation."}'),
        ("PUT", "/things/a", 405, '{"message":"PUT is not possible at /things/a; GET, HEAD, OPTIONS are."}'),
        ("POST", "/broken", 500, None),
    ],
)  # fmt: skip
def test_each_path_has_its_answer(api: Api, method: str, path: str, status: int, body: str | None) -> None:
    answered = ask(api, method, path)
    assert answered["statusCode"] == status
    assert answered["isBase64Encoded"] is False
    assert answered["body"] == body or body is None
    assert "the secret" not in answered["body"]
    assert answered["multiValueHeaders"]["X-Content-Type-Options"] == ["nosniff"]


def test_a_file_may_have_any_name(api: Api) -> None:
    assert ask(api, "GET", "/files/outputs/a\nb\r\n")["statusCode"] == 200


def test_bytes_are_encoded(api: Api) -> None:
    answered = ask(api, "GET", "/files/inputs/a/b.png")
    assert (answered["isBase64Encoded"], answered["multiValueHeaders"]["Content-Type"]) == (True, ["image/png"])
    assert base64.b64decode(answered["body"]) == b"/files/inputs/a/b.png"


@pytest.mark.parametrize("known", ['W/"1"', '"1"', '"0", "1"', "*"])
def test_a_copy_that_is_still_good_is_not_sent_again(api: Api, known: str) -> None:
    answered = ask(api, "GET", "/things/a", {"if-none-match": known})
    assert (answered["statusCode"], answered["body"]) == (304, "")
    assert ask(api, "GET", "/things/a", {"If-None-Match": '"2"'})["statusCode"] == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_route_sees_its_own_request(api: Api, method: str) -> None:
    answered = ask(api, method, "/waits", {"X-Name": "ä"})
    assert answered["body"] == f'["{method}","ä",{{}},2.5]'
