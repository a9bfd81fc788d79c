"""OpenAI's Images API through the handler: requests, the chain of redirects, answers, errors and repeated requests."""

import base64
import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from atelier.accounts.api_keys import mint_key
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.images.image import sniff
from functions.generate.app import waits
from tests.integration.client import Answer, Client, a_client
from tests.integration.lambdas import Lambdas
from tests.integration.stack import Stack, aws

PATH = "/v1/images/generations"
BODY = {"model": "sketch", "prompt": "a boat", "size": "256x256"}


@pytest.fixture
def client(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "openai@example.com")


def post(client: Client, body: dict[str, Any], path: str = PATH, **headers: Any) -> Answer:
    return client("POST", path, body, Authorization=f"Bearer {client.key}", **headers)


def follow(client: Client, answer: Answer, path: str = PATH, method: str = "GET") -> Answer:
    """Ask where a redirect leads, as a client resolves it."""
    assert answer.status == 303, answer.text
    url = httpx.URL(f"https://example.com/api{path}").join(answer.headers["Location"])
    assert url.path.startswith("/api/v1/waits/")
    return client(method, url.path.removeprefix("/api"), query=dict(url.params), Authorization=f"Bearer {client.key}")


def made(client: Client, answer: Answer) -> Answer:
    """Let the work be done, and follow one redirect."""
    client.lambdas.make()
    return follow(client, answer)


def error(answer: Answer) -> dict[str, Any]:
    assert answer.document.keys() == {"error"}
    found: dict[str, Any] = answer.document["error"]
    assert found.keys() == {"message", "type", "param", "code"}
    return found


def test_a_picture_comes_at_the_end_of_the_chain(client: Client) -> None:
    first = post(client, BODY)
    second = follow(client, first)
    last = made(client, second)

    assert first.document.keys() == {"id", "status", "created"}
    assert first.headers["Location"] == f"../../v1/waits/{first.document['id']}?n=1&as=openai-images"
    assert second.headers["Location"] == f"../../v1/waits/{first.document['id']}?n=2&as=openai-images"
    assert last.status == 200
    (item,) = last.document["data"]
    assert item.keys() == {"b64_json"}
    assert sniff(base64.b64decode(item["b64_json"], validate=True)) == "image/png"
    assert last.document["size"] == "256x256"
    assert last.document["output_format"] == "png"


def test_a_redirected_post_may_stay_one(client: Client) -> None:
    answer = post(client, BODY)
    client.lambdas.make()

    assert follow(client, answer, method="POST").status == 200


def test_urls_and_several_pictures(client: Client) -> None:
    last = made(client, post(client, {**BODY, "n": 2, "response_format": "url"}))

    urls = [item["url"] for item in last.document["data"]]
    assert len(set(urls)) == 2
    assert all(client("GET", urlsplit(url).path.removeprefix("/api")).status == 302 for url in urls)


def test_events_instead_of_a_document(client: Client) -> None:
    last = made(client, post(client, {**BODY, "n": 2, "stream": True, "partial_images": 2}))

    assert last.headers["Content-Type"] == "text/event-stream"
    events = [json.loads(line.removeprefix("data: ")) for line in last.text.splitlines() if line.startswith("data: ")]
    assert [event["type"] for event in events] == ["image_generation.completed"] * 2
    assert all(sniff(base64.b64decode(event["b64_json"])) == "image/png" for event in events)


def test_an_answer_too_large_for_lambda_is_stored(client: Client, stack: Stack, monkeypatch: Any) -> None:
    monkeypatch.setattr(waits, "MAX_INLINE_BYTES", 1_000)
    last = made(client, post(client, {**BODY, "n": 2}))

    assert last.status == 303
    url = urlsplit(last.headers["Location"])
    key = url.path.lstrip("/")
    found = aws("s3").get_object(Bucket=stack.ref("FilesBucket"), Key=key)
    document = json.loads(found["Body"].read())
    assert key.startswith("answers/")
    assert found["ContentType"] == "application/json"
    assert [sniff(base64.b64decode(item["b64_json"])) for item in document["data"]] == ["image/png"] * 2


def test_a_failed_generation_is_nothing_to_repeat(client: Client) -> None:
    last = made(client, post(client, {**BODY, "prompt": "test:fail"}))

    assert (last.status, error(last)["code"]) == (424, "generation_failed")
    assert last.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"size": "big"}, "size", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"n": True}, "n", "invalid_value"),
        ({"n": 5}, "n", "invalid_value"),
        ({"output_format": "svg"}, "output_format", "invalid_value"),
        ({"output_compression": 101}, "output_compression", "invalid_value"),
        ({"stream": "yes"}, "stream", "invalid_value"),
        ({"response_format": "png"}, "response_format", "invalid_value"),
        ({"sead": 1}, "sead", "unknown_parameter"),
        ({"seed": -1}, "seed", "invalid_value"),
        ({"webhook": "http://example.com"}, "webhook", "invalid_value"),
        ({"model": 7}, "model", "invalid_value"),
    ],
)
def test_a_bad_parameter(client: Client, changes: dict[str, Any], param: str, code: str) -> None:
    answer = post(client, {**BODY, **changes})

    assert answer.status == 400, answer.text
    assert (error(answer)["type"], error(answer)["param"], error(answer)["code"]) == (
        "invalid_request_error",
        param,
        code,
    )


def test_nulls_are_absent_and_what_is_ignored_is_named(client: Client) -> None:
    names = ("n", "size", "quality", "background", "style", "user", "stream", "response_format", "seed", "model")
    answer = post(client, {"prompt": "a boat", **dict.fromkeys(names)})
    told = post(client, {**BODY, "quality": "high", "style": "vivid", "background": "auto", "user": "u1"})

    assert answer.status == 303
    assert "X-Ignored-Parameters" not in answer.headers
    assert told.headers["X-Ignored-Parameters"] == "quality, style"


def test_an_unknown_model_key_and_route(client: Client) -> None:
    model = post(client, {**BODY, "model": "gpt-none"})
    key = client("POST", PATH, BODY, Authorization="Bearer sk-none")
    route = client("POST", "/v1/images/variations", {}, Authorization=f"Bearer {client.key}")

    assert (model.status, error(model)["code"], error(model)["param"]) == (404, "model_not_found", "model")
    assert (key.status, error(key)["code"]) == (401, "invalid_api_key")
    assert (route.status, error(route)["code"]) == (404, "unknown_url")


def test_no_credits_and_no_provider(client: Client, accounts: AccountStore, studio: Any) -> None:
    accounts.top_up(client.user_id, 1, None, 1)
    poor = post(client, {"model": "playground-v2", "prompt": "a boat"})
    none = post(client, {**BODY, "model": "dall-e-3"})

    assert (poor.status, error(poor)["code"], poor.headers["x-should-retry"]) == (429, "insufficient_quota", "false")
    assert (none.status, error(none)["code"]) == (503, "model_unavailable")


def test_a_rate_limit_stops_no_wait(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> None:
    client = a_client(lambdas, stack, accounts, "limited@example.com", requests_per_minute=1)
    first = post(client, BODY)
    second = post(client, BODY)

    assert (second.status, error(second)["code"]) == (429, "rate_limit_exceeded")
    assert int(second.headers["Retry-After"]) <= 60
    assert made(client, first).status == 200


def test_another_user_cannot_wait_for_it(
    client: Client, lambdas: Lambdas, stack: Stack, accounts: AccountStore
) -> None:
    answer = post(client, BODY)
    stranger = a_client(lambdas, stack, accounts, "stranger@example.com")

    refused = follow(stranger, answer)

    assert (refused.status, error(refused)["code"]) == (403, "permission_denied")


def test_a_repeated_request_gets_what_the_first_one_made(client: Client) -> None:
    def ids(count: int, body: dict[str, Any] = BODY) -> str:
        found: str = post(client, body, x_stainless_retry_count=str(count)).document["id"]
        return found

    one, other = ids(0), ids(0)
    again = {ids(1, dict(reversed(BODY.items()))), ids(1)}
    thrice = ids(2)
    new = ids(1)

    assert again == {one, other}
    assert thrice in again
    assert new not in again
    assert ids(1, {**BODY, "prompt": "a ship"}) not in {one, other, new}


def test_parallel_requests_without_a_count_are_different(client: Client) -> None:
    assert post(client, BODY).document["id"] != post(client, BODY).document["id"]


def test_another_key_is_another_client(client: Client, lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> None:
    first = post(client, BODY, x_stainless_retry_count="0")
    user = accounts.user(client.user_id)
    record, text = mint_key(name="b", user=user, test=False, digest_key=stack.secret("DigestKeySecret"), now=0)
    accounts.add_key(record)

    second = post(Client(lambdas, text, user.id), BODY, x_stainless_retry_count="1")

    assert second.document["id"] != first.document["id"]


def test_an_idempotency_key(client: Client) -> None:
    one = post(client, BODY, Idempotency_Key="k1", x_stainless_retry_count="0")
    same = post(client, dict(reversed(BODY.items())), Idempotency_Key="k1", x_stainless_retry_count="1")
    other = post(client, {**BODY, "prompt": "a ship"}, Idempotency_Key="k1")

    assert same.document["id"] == one.document["id"]
    assert (other.status, error(other)["type"]) == (422, "idempotency_error")


def test_models(client: Client) -> None:
    def get(path: str) -> Answer:
        return client("GET", path, Authorization=f"Bearer {client.key}")

    listed = get("/v1/models").document
    assert listed["object"] == "list"
    assert "sketch" in [model["id"] for model in listed["data"]]
    assert get("/v1/models/sketch").document["object"] == "model"
    assert error(get("/v1/models/none"))["code"] == "model_not_found"
    assert client("GET", "/v1/models", Authorization="Bearer none").status == 401


def test_our_own_routes_keep_our_own_errors(client: Client) -> None:
    assert client("GET", "/v1/nothing").document.keys() == {"message"}
    assert client("GET", "/v1/waits/0").document.keys() == {"message"}
