"""What generate answers to requests that it cannot serve, and what that costs."""

import base64
import json
from typing import Any

import pytest

from atelier.accounts.api_keys import ApiKey, mint_key
from atelier.accounts.users import new_user
from atelier.adapters.dynamodb.account_store import AccountStore
from tests.integration.lambdas import Calls, Lambdas, request
from tests.integration.stack import Stack

PROMPT = {"prompt": "a boat"}


def body(**changes: Any) -> str:
    document = {"model": "sketch", "input": PROMPT, **changes}
    return json.dumps({name: value for name, value in document.items() if value is not ...})


@pytest.mark.parametrize(
    ("text", "status", "faults"),
    [
        pytest.param("{", 400, [("body", "invalid_json")], id="not JSON"),
        pytest.param("", 400, [("body", "invalid_json")], id="empty"),
        pytest.param('"\\ud800"', 400, [("body", "invalid_json")], id="half a surrogate pair"),
        pytest.param("[" * 100_000, 400, [("body", "invalid_json")], id="nested too deeply"),
        pytest.param('{"model": NaN}', 400, [("body", "invalid_json")], id="NaN"),
        pytest.param("[]", 400, [("body", "invalid_json")], id="a list"),
        pytest.param("null", 400, [("body", "invalid_json")], id="null"),
        pytest.param(body(model=...), 400, [("model", "required")], id="no model"),
        pytest.param(body(model=7), 400, [("model", "type")], id="a number for a model"),
        pytest.param(body(model="dall-e"), 404, [("model", "unknown_model")], id="unknown model"),
        pytest.param(body(input=...), 400, [("input", "required")], id="no input"),
        pytest.param(body(input="a boat"), 400, [("input", "type")], id="a string for an input"),
        pytest.param(body(input={}), 400, [("input.prompt", "required")], id="no prompt"),
        pytest.param(body(input={"prompt": " "}), 400, [("input.prompt", "too_short")], id="empty prompt"),
        pytest.param(body(input={"prompt": "x" * 10_001}), 400, [("input.prompt", "too_long")], id="long prompt"),
        pytest.param(body(input={"prompt": ["a"]}), 400, [("input.prompt", "type")], id="a list for a prompt"),
        pytest.param(body(input={**PROMPT, "width": "wide"}), 400, [("input.width", "type")], id="text for a width"),
        pytest.param(body(input={**PROMPT, "width": True}), 400, [("input.width", "type")], id="true for a width"),
        pytest.param(body(input={**PROMPT, "width": 1}), 400, [("input.width", "too_small")], id="narrow"),
        pytest.param(body(input={**PROMPT, "width": 512.5}), 400, [("input.width", "type")], id="not whole"),
        pytest.param(body(input={**PROMPT, "size": 1}), 400, [("input.size", "unknown_field")], id="unknown input"),
        pytest.param(body(tool="x"), 400, [("tool", "unknown_field")], id="unknown field"),
        pytest.param(body(webhook=7), 400, [("webhook", "type")], id="a number for a webhook"),
        pytest.param(body(webhook="http://a.example/"), 400, [("webhook", "invalid_url")], id="http"),
        pytest.param(body(webhook="https://[::1"), 400, [("webhook", "invalid_url")], id="unparsable URL"),
        pytest.param(body(webhook="https://10.0.0.1/"), 400, [("webhook", "invalid_url")], id="private address"),
        pytest.param(body(webhook="https://localhost/"), 400, [("webhook", "invalid_url")], id="loopback"),
        pytest.param(
            body(model=..., input=7, webhook="ftp://x", more=1),
            400,
            [("more", "unknown_field"), ("model", "required"), ("input", "type"), ("webhook", "invalid_url")],
            id="everything at once",
        ),
    ],
)
def test_a_bad_body_is_refused_with_the_fields_at_fault(
    text: str, status: int, faults: list[tuple[str, str]], lambdas: Lambdas, key: str, stack: Stack
) -> None:
    # when
    answered, document = lambdas.ask(request("generate", authorization=key, body=text))
    # then
    assert answered == status
    assert set(document) == {"message", "errors"}
    assert all(set(error) == {"field", "message", "code"} and error["message"] for error in document["errors"])
    assert [(error["field"], error["code"]) for error in document["errors"]] == faults
    assert stack.rows("GenerationsTable") == []
    assert lambdas.waiting("DispatchQueue") == []


@pytest.mark.parametrize("filler", ["x", "ü"])
def test_a_body_over_256_kb_is_refused(filler: str, lambdas: Lambdas, key: str, stack: Stack) -> None:
    # given one byte too many
    size = 256 * 1024 - len(json.dumps({"model": ""})) + 1
    text = json.dumps({"model": filler * (size // len(filler.encode()) + 1)}, ensure_ascii=False)
    # when
    status, document = lambdas.ask(request("generate", authorization=key, body=text))
    # then
    assert status == 413
    assert "256 KB" in document["message"]
    assert stack.rows("GenerationsTable") == []


def test_a_body_of_256_kb_is_read(lambdas: Lambdas, key: str) -> None:
    # given
    text = body().ljust(256 * 1024)
    # when
    status, _ = lambdas.ask(request("generate", authorization=key, body=text))
    # then
    assert status == 202


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "   ",
        "Bearer ",
        "YOUR_API_KEY",
        "Basic dXNlcjpwYXNz",
        "atl_live_short",
        "atl_live_" + "0" * 50,
        "atl_prod_" + "0" * 50,
        "ätl_live_ü",
    ],
)
def test_a_key_of_the_wrong_shape_is_refused_without_a_call(authorization: str, lambdas: Lambdas, calls: Calls) -> None:
    # when
    status, document = lambdas.ask(request("generate", authorization=authorization))
    # then
    assert status == 401
    assert set(document) == {"message"}
    assert calls.take() == []


def test_no_key_is_refused_with_the_contracts_words(lambdas: Lambdas, calls: Calls) -> None:
    # given
    event = request("generate")
    del event["headers"]["Authorization"], event["multiValueHeaders"]["Authorization"]
    # when
    status, document = lambdas.ask(event)
    # then
    assert (status, document) == (401, {"message": "Authorization header is required"})
    assert calls.take() == []


def test_no_headers_at_all_are_no_key(lambdas: Lambdas) -> None:
    # given an event as the console's test button sends it
    event = {**request("generate"), "headers": None, "multiValueHeaders": None}
    # when
    status, document = lambdas.ask(event)
    # then
    assert (status, document) == (401, {"message": "Authorization header is required"})


def minted(digest_key: str) -> tuple[ApiKey, str]:
    user = new_user(email="other@example.com", name="other", now=0)
    return mint_key(name="other", user=user, test=False, digest_key=digest_key, now=0)


def test_an_unknown_key_is_refused(lambdas: Lambdas, stack: Stack) -> None:
    # given a well-formed key that no table knows
    _, text = minted(stack.secret("DigestKeySecret"))
    # when
    status, document = lambdas.ask(request("generate", authorization=text))
    # then
    assert status == 401
    assert "not known" in document["message"]
    assert stack.rows("GenerationsTable") == []


def test_a_key_with_a_known_id_and_a_wrong_secret_is_refused(
    lambdas: Lambdas, stack: Stack, accounts: AccountStore
) -> None:
    # given a record whose digest was made with another digest key
    record, text = minted("another digest key")
    accounts.add_key(record)
    # when
    status, document = lambdas.ask(request("generate", authorization=text))
    # then
    assert status == 401
    assert "not known" in document["message"]
    assert stack.rows("GenerationsTable") == []


def test_a_revoked_key_is_refused(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> None:
    # given
    record, text = minted(stack.secret("DigestKeySecret"))
    accounts.add_key(record)
    accounts.revoke_key(record.id, 1)
    # when
    status, document = lambdas.ask(request("generate", authorization=text))
    # then
    assert status == 401
    assert "revoked" in document["message"]
    assert stack.rows("GenerationsTable") == []


def test_a_base64_encoded_body_is_read(lambdas: Lambdas, key: str) -> None:
    # given
    encoded = base64.b64encode(body(input={"prompt": "ein Bär"}).encode()).decode()
    event = {**request("generate", authorization=key, body=encoded), "isBase64Encoded": True}
    # when
    status, document = lambdas.ask(event)
    # then
    assert (status, document["payload"]) == (202, {"prompt": "ein Bär"})


@pytest.mark.parametrize("encoded", [base64.b64encode(b"\xff\xfe{}").decode(), "not base64!", "ä"])
def test_a_body_that_is_not_text_is_refused(encoded: str, lambdas: Lambdas, key: str, stack: Stack) -> None:
    # given
    event = {**request("generate", authorization=key, body=encoded), "isBase64Encoded": True}
    # when
    status, document = lambdas.ask(event)
    # then
    assert status == 400
    assert [(error["field"], error["code"]) for error in document["errors"]] == [("body", "invalid_json")]
    assert stack.rows("GenerationsTable") == []


def test_an_unknown_route_is_answered_in_json(lambdas: Lambdas, calls: Calls) -> None:
    status, document = lambdas.ask(request("generate", path="/nothing"))
    assert (status, set(document)) == (404, {"message"})
    assert calls.take() == []
