"""The API's description: made from the code, valid, whole, and true to the routes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from atelier.api.generation_request import parse_run_request
from atelier.catalog.model import embedded
from atelier.outbound.url_policy import UrlPolicy
from functions.generate import app as generate
from functions.generate.app.routes import automatic1111, openai_images, replicate
from tools.local_stack import ROOT
from tools.openapi.__main__ import COPY
from tools.openapi.document import build, encode

DOCUMENT: dict[str, Any] = json.loads(COPY.read_text(encoding="utf-8"))
GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
CLIENTS = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
ROUTERS = (generate.app, openai_images.app, replicate.app, automatic1111.app)
ERRORS = {"OpenAI Images": "OpenAIError", "Replicate": "Problem", "AUTOMATIC1111": "WebUIError"}
"""The shape of other APIs' errors, by the tag of their calls."""
METHODS = ("get", "post", "put", "patch", "delete")


def resolved(item: Any) -> Any:
    """Follow a reference within the document."""
    while isinstance(item, dict) and "$ref" in item:
        found: Any = DOCUMENT
        for part in item["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        item = found
    return item


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


OPERATIONS = [pytest.param(operation, id=operation["operationId"]) for _, _, operation in operations()]
each_operation = pytest.mark.parametrize("operation", OPERATIONS)


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each JSON body of a call, with its name; of bytes there are no examples."""
    bodies = {"request": resolved(operation.get("requestBody", {}))}
    bodies |= {status: resolved(answer) for status, answer in operation["responses"].items()}
    for name, body in bodies.items():
        for kind, content in body.get("content", {}).items():
            if kind.endswith("json"):
                yield name, content


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(value)]


def test_the_served_copy_is_what_the_code_makes() -> None:
    assert COPY.read_text(encoding="utf-8") == encode(build()), "run `make openapi`"


def test_it_is_openapi_3_1() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def addresses(path: str, operation: dict[str, Any]) -> Iterator[str]:
    """Fill a path's parameters in, those with several values with each of them."""
    parameters = map(resolved, [*DOCUMENT["paths"][path].get("parameters", []), *operation.get("parameters", [])])
    found = [path]
    for parameter in parameters:
        if parameter["in"] == "path":
            values = parameter["schema"].get("enum", [parameter["example"]])
            found = [item.replace(f"{{{parameter['name']}}}", value) for item in found for value in values]
    yield from found


def test_it_has_the_routes_that_the_code_has() -> None:
    described = {
        (method.upper(), address) for method, path, operation in operations() for address in addresses(path, operation)
    }
    routes = [route for router in ROUTERS for route in router.routes]
    for method, address in described:
        assert any(route.method == method and route.match(address) is not None for route in routes), (
            f"no {method} {address}"
        )
    for route in routes:
        if route.rule.startswith(("/docs", "/openapi.json")):
            continue
        known = any(route.method == method and route.match(address) is not None for method, address in described)
        assert known, f"{route.method} {route.rule} is not described"


@each_operation
def test_a_call_says_what_it_is(operation: dict[str, Any]) -> None:
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["description"]
    assert "security" in operation
    assert set(operation["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}


def test_no_two_calls_share_a_name() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)


@each_operation
def test_each_body_has_valid_examples(operation: dict[str, Any]) -> None:
    for name, content in contents(operation):
        examples = [resolved(example)["value"] for example in content["examples"].values()]
        assert examples, name
        for example in examples:
            assert faults(content["schema"], example) == [], name


@each_operation
def test_each_parameter_that_is_required_has_a_valid_example(operation: dict[str, Any]) -> None:
    for parameter in map(resolved, operation.get("parameters", [])):
        assert parameter["description"]
        if parameter["required"]:
            assert faults(parameter["schema"], parameter["example"]) == [], parameter["name"]


@each_operation
def test_whatever_needs_a_key_may_be_refused(operation: dict[str, Any]) -> None:
    assert bool(operation["security"]) is ("401" in operation["responses"]) is ("429" in operation["responses"])
    assert "5XX" in operation["responses"]


@each_operation
def test_errors_are_errors(operation: dict[str, Any]) -> None:
    shape = ERRORS.get(operation["tags"][0], "Error")
    for status, answer in operation["responses"].items():
        if status[0] in "45":
            (content,) = resolved(answer)["content"].values()
            assert content["schema"] == {"$ref": f"#/components/schemas/{shape}"}, status


@each_operation
def test_links_lead_to_calls(operation: dict[str, Any]) -> None:
    known = {other["operationId"] for _, _, other in operations()}
    for answer in map(resolved, operation["responses"].values()):
        assert {link["operationId"] for link in answer.get("links", {}).values()} <= known


@pytest.mark.parametrize("example", ["success", "error"])
def test_what_a_webhook_gets_is_described(example: str) -> None:
    webhook = DOCUMENT["webhooks"]["generation"]["post"]
    (content,) = webhook["requestBody"]["content"].values()
    assert faults(content["schema"], content["examples"][example]["value"]) == []
    assert {parameter["name"] for parameter in webhook["parameters"]} >= {
        "webhook-id", "webhook-timestamp", "webhook-signature",
    }  # fmt: skip


@pytest.mark.parametrize("slug", [slug for slug in embedded().tools if slug != "text-to-image"])
def test_each_tool_has_an_example_that_is_accepted(slug: str) -> None:
    body = DOCUMENT["paths"]["/run"]["post"]["requestBody"]["content"]["application/json"]["examples"][slug]["value"]
    for model in embedded().models_of(embedded().tool(slug)):
        values = {**body["input"], "model": model.slug}
        assert parse_run_request(json.dumps({**body, "input": values}), embedded(), UrlPolicy()).model is model


def test_models_are_named_by_examples_only() -> None:
    model = DOCUMENT["components"]["schemas"]["GenerateRequest"]["properties"]["model"]
    assert "enum" not in model
    assert model["examples"]


@pytest.mark.parametrize("name", ["generate.sh", "generate.js", "generate_requests.py", "wait.py", "upload.sh"])
def test_the_documentation_shows_the_examples_that_are_run(name: str) -> None:
    assert (ROOT / "docs" / "examples" / name).read_text(encoding="utf-8") in GUIDE


@each_operation
def test_the_documentation_names_each_call(operation: dict[str, Any]) -> None:
    ((method, path),) = [(method, path) for method, path, other in operations() if other is operation]
    beside_the_point = ("/", "/files/{folder}/{owner}/{token}/{name}")
    page = CLIENTS if operation["tags"][0] in ERRORS else GUIDE
    assert path in beside_the_point or f"`{method.upper()} {path}" in page
