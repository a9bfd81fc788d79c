"""OpenAI's Images API through the handler: requests, the chain of redirects, answers, errors and repeated requests."""

import base64
import io
import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

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


def test_a_query_asks_for_urls_unless_the_body_does(client: Client) -> None:
    query = {"response_format": "url"}
    for body, name in ((BODY, "url"), (BODY | {"response_format": "b64_json"}, "b64_json")):
        first = client("POST", PATH, body, query=query, Authorization=f"Bearer {client.key}")
        (image,) = made(client, first).document["data"]
        assert image.keys() == {name}, body

    for said in ({}, {"response_format": "url"}, {"response_format": None}):
        refused = client(
            "POST", PATH, {**BODY, **said}, query={"response_format": "png"}, Authorization=f"Bearer {client.key}"
        )
        assert (refused.status, error(refused)["param"]) == (400, "response_format"), said


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


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_picture_comes_in_the_format_that_is_wanted(client: Client, form: str) -> None:
    wanted = {"output_format": form, "output_compression": 40, "quality": "hd", "background": "opaque"}
    last = made(client, answer := post(client, {**BODY, **wanted}))

    lossy = form != "png"
    assert sniff(base64.b64decode(last.document["data"][0]["b64_json"])) == f"image/{form}"
    assert (last.document["output_format"], last.document["background"]) == (form, "opaque")
    assert last.document["quality"] == ("high" if lossy else "auto")
    assert answer.headers.get("X-Ignored-Parameters") == (None if lossy else "output_compression, quality")


def test_a_transparent_background(client: Client) -> None:
    last = made(client, post(client, {**BODY, "background": "transparent", "output_format": "webp"}))
    refused = post(client, {**BODY, "background": "transparent", "output_format": "jpeg"})

    picture = Image.open(io.BytesIO(base64.b64decode(last.document["data"][0]["b64_json"])))
    assert (picture.format, picture.mode, last.document["background"]) == ("WEBP", "RGBA", "transparent")
    assert picture.getchannel("A").getextrema()[0] == 0
    assert (refused.status, error(refused)["param"]) == (400, "background")


def test_events_instead_of_a_document(client: Client) -> None:
    last = made(client, post(client, {**BODY, "n": 2, "stream": True, "partial_images": 2}))

    assert last.headers["Content-Type"] == "text/event-stream"
    events = [json.loads(line.removeprefix("data: ")) for line in last.text.splitlines() if line.startswith("data: ")]
    assert [event["type"] for event in events] == ["image_generation.completed"] * 2
    assert all(sniff(base64.b64decode(event["b64_json"])) == "image/png" for event in events)


def test_an_answer_too_large_for_lambda_is_stored(client: Client, stack: Stack, monkeypatch: Any) -> None:
    monkeypatch.setattr(waits, "MAX_INLINE_BYTES", 1_000)
    last = made(client, post(client, {**BODY, "n": 2}))

    assert (last.status, len(last.document["id"]), last.document["status"]) == (303, 32, "success")
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
    assert error(client("GET", "/v1/waits/0"))["param"] == "as"


# ---- Edits


def picture(colour: str = "red", size: tuple[int, int] = (300, 200)) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", size, colour).save(output, "PNG")
    return output.getvalue()


def edit(client: Client, files: list[tuple[str, Any]], data: dict[str, str] | None = None, **headers: Any) -> Answer:
    """POST a form as OpenAI's clients do: bytes without a name or a type of their own."""
    fields = {"model": "sketch", "prompt": "a boat", **(data or {})}
    sent = httpx.Request("POST", "https://example.com", data=fields, files=files)
    content_type = sent.headers["Content-Type"]
    return client(
        "POST", "/v1/images/edits", sent.read(),
        Authorization=f"Bearer {client.key}", Content_Type=content_type, **headers,
    )  # fmt: skip


def sizes(answer: Answer) -> list[tuple[int, int]]:
    return [Image.open(io.BytesIO(base64.b64decode(item["b64_json"]))).size for item in answer.document["data"]]


def test_one_picture_is_edited(client: Client) -> None:
    last = made(client, edit(client, [("image", ("upload", picture(), "application/octet-stream"))]))

    assert last.status == 200, last.text
    assert sizes(last) == [(300, 200)]


def test_an_edit_is_the_tool_of_its_name(client: Client) -> None:
    answer = edit(client, [("image", picture())])

    generation = client("GET", f"/generations/{answer.document['id']}", Authorization=client.key).document
    assert (generation["tool"], generation["model"]) == ("edit-image", "sketch")


def test_several_pictures_and_numbers_as_texts(client: Client) -> None:
    files = [("image[]", picture()), ("image[]", picture("blue"))]
    last = made(client, edit(client, files, {"n": "2", "seed": "7", "size": "256x256", "stream": "false"}))

    assert last.status == 200, last.text
    assert sizes(last) == [(256, 256)] * 2


def test_only_what_the_mask_marks_changes(client: Client) -> None:
    mask = Image.new("RGBA", (300, 200), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 150, 200))
    output = io.BytesIO()
    mask.save(output, "PNG")

    last = made(client, edit(client, [("mask", output.getvalue()), ("image", picture())]))

    changed = Image.open(io.BytesIO(base64.b64decode(last.document["data"][0]["b64_json"]))).convert("RGB")
    assert {changed.getpixel((x, y)) for x in range(150, 300, 10) for y in range(0, 200, 10)} == {(255, 0, 0)}
    assert {changed.getpixel((x, y)) for x in range(0, 150, 10) for y in range(0, 200, 10)} != {(255, 0, 0)}


def test_a_mask_of_another_size_is_refused_at_once(client: Client) -> None:
    answer = edit(client, [("image", picture()), ("mask", picture(size=(300, 100)))])

    assert (answer.status, error(answer)["param"]) == (400, "mask")
    assert "it has 300 x 100 pixels, and the picture 300 x 200" in error(answer)["message"]


def test_an_edit_as_events(client: Client) -> None:
    last = made(client, edit(client, [("image", picture())], {"stream": "true", "partial_images": "2"}))

    assert json.loads(last.text.partition("data: ")[2])["type"] == "image_edit.completed"


def test_a_repeated_edit_differs_only_in_its_boundary(client: Client) -> None:
    first = edit(client, [("image", picture())], x_stainless_retry_count="0")
    again = edit(client, [("image", picture())], x_stainless_retry_count="1")
    other = edit(client, [("image", picture("blue"))], x_stainless_retry_count="1")

    assert again.document["id"] == first.document["id"]
    assert other.document["id"] != first.document["id"]


def test_urls_of_pictures_instead_of_files(client: Client) -> None:
    url = made(client, post(client, {**BODY, "response_format": "url"})).document["data"][0]["url"]
    body = {"model": "sketch", "prompt": "a boat", "images": [{"image_url": url}]}
    last = made(client, post(client, body, "/v1/images/edits"))

    assert sizes(last) == [(256, 256)]


@pytest.mark.parametrize(
    ("files", "changes", "param"),
    [
        ([("other", b"x")], {}, "image"),
        ([("image", ("a.png", b"none", "image/png"))], {}, "image"),
        ([("image", picture()), ("mask", b"none")], {}, "mask"),
        ([("image", picture())], {"n": "many"}, "n"),
        ([("image", picture())], {"model": "playground-v2"}, "image"),
        ([("image", picture())] * 11, {}, "image"),
    ],
)
def test_a_bad_edit(client: Client, files: list[tuple[str, Any]], changes: dict[str, str], param: str) -> None:
    answer = edit(client, files, changes)

    assert (answer.status, error(answer)["param"]) == (400, param), answer.text


def test_pictures_that_are_too_large_can_be_uploaded_first(client: Client) -> None:
    answer = edit(client, [("image", picture() + bytes(4_500_000))])

    assert answer.status == 413
    assert "POST /files" in error(answer)["message"]


def test_what_a_provider_holds_to_be_unsafe(client: Client) -> None:
    last = made(client, post(client, {**BODY, "prompt": "test:unsafe"}))

    assert (last.status, error(last)["code"]) == (400, "moderation_blocked")
    assert last.headers["x-should-retry"] == "false"
