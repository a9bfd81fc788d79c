"""The API's description and the page that shows it, as this stack serves them."""

import json
from typing import Any

import pytest

from tests.integration.lambdas import Lambdas, request
from tests.integration.stack import Stack
from tests.integration.world import BASE
from tools.openapi.document import build


def get(lambdas: Lambdas, path: str, **headers: str) -> dict[str, Any]:
    event = request("generate", method="GET", path=path, body="", headers=headers)
    del event["headers"]["Authorization"], event["multiValueHeaders"]["Authorization"]
    answer: dict[str, Any] = lambdas.invoke("generate", event)
    return answer


def header(answer: dict[str, Any], name: str) -> str:
    (value,) = answer["multiValueHeaders"][name]
    return str(value)


def test_the_description_says_where_this_stack_is(lambdas: Lambdas) -> None:
    answer = get(lambdas, "/openapi.json")

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == build() | {"servers": [{"url": BASE}]}
    assert header(answer, "Content-Type") == "application/json"
    assert "public" in header(answer, "Cache-Control")


@pytest.mark.parametrize("base", ["api", "v1"])
@pytest.mark.parametrize(
    ("function", "path"), [("generate", "/openapi.json"), ("generate", "/v1/models"), ("console", "/console")]
)
def test_a_domain_of_your_own_has_the_same_routes(
    stack: Stack, lambdas: Lambdas, key: str, base: str, function: str, path: str
) -> None:
    """API Gateway leaves the base path in an event's path."""
    stack.change("DomainName", "images.example.com")
    stack.change("BasePath", base)
    event = request(function, method="GET", path=f"/{base}{path}", body="", authorization=f"Bearer {key}")
    event["requestContext"]["domainName"] = "images.example.com"

    assert lambdas.invoke(function, event)["statusCode"] == 200


def test_who_has_the_description_is_not_sent_it_again(lambdas: Lambdas) -> None:
    etag = header(get(lambdas, "/openapi.json"), "ETag")

    assert get(lambdas, "/openapi.json", **{"If-None-Match": etag})["statusCode"] == 304


@pytest.mark.parametrize("path", ["/docs", "/docs/index.html"])
def test_the_page_asks_nobody_else(lambdas: Lambdas, path: str) -> None:
    answer = get(lambdas, path)

    assert answer["statusCode"] == 200
    assert header(answer, "Content-Type").startswith("text/html")
    policy = header(answer, "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "//" not in answer["body"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("docs.js", "text/javascript"),
        ("LICENSE", "text/plain"),
        ("NOTICE.txt", "text/plain"),
    ],
)
def test_its_files_are_here(lambdas: Lambdas, name: str, kind: str) -> None:
    answer = get(lambdas, f"/docs/{name}")

    assert answer["statusCode"] == 200
    assert header(answer, "Content-Type").startswith(kind)
    assert len(json.dumps(answer)) < 6_000_000, "more than Lambda may answer"


@pytest.mark.parametrize("name", ["none.js", "../app.py", "..%2fapp.py", "app.py"])
def test_nothing_else_is(lambdas: Lambdas, name: str) -> None:
    assert get(lambdas, f"/docs/{name}")["statusCode"] == 404
