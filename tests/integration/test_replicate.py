"""Replicate's API through the handler: predictions, the chain of redirects, models, files, webhooks and errors."""

import base64
import hashlib
import io
import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.generations.model import Moment
from atelier.webhooks.payload import notification
from functions.generate.app.routes import replicate
from tests.integration.client import Answer, Client, a_client
from tests.integration.lambdas import Lambdas
from tests.integration.stack import Stack

PATH = "/v1/models/atelier/sketch/predictions"
INPUT = {"prompt": "a boat", "width": 256, "height": 256}
BASE = "https://example.com/api"


@pytest.fixture
def client(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "replicate@example.com")


def create(client: Client, input: Any = None, path: str = PATH, *, prefer: str | None = None, **fields: Any) -> Answer:
    body = {"input": INPUT if input is None else input, **fields}
    return client("POST", path, body, Authorization=f"Bearer {client.key}", Prefer=prefer)


def get(client: Client, url: str, **headers: Any) -> Answer:
    """Ask for a URL, or a path, of the API."""
    parts = urlsplit(url)
    path = parts.path[parts.path.index("/v1/") :]
    query = dict(httpx.QueryParams(parts.query)) if parts.query else None
    return client("GET", path, query=query, Authorization=f"Bearer {client.key}", **headers)


def picture() -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(output, "PNG")
    return output.getvalue()


def test_a_prediction_is_created_polled_and_its_output_read(client: Client) -> None:
    created = create(client)
    client.lambdas.make()
    done = get(client, created.document["urls"]["get"])

    assert created.status == 201
    assert (created.document["status"], created.document["output"]) == ("starting", None)
    assert (done.document["status"], done.document["error"], done.document["input"]) == ("succeeded", None, INPUT)
    (url,) = done.document["output"]
    read = client("GET", urlsplit(url).path.partition("/api")[2], Authorization=None)
    assert read.status == 200
    assert Image.open(io.BytesIO(base64.b64decode(read.text))).size == (256, 256)


def test_a_picture_too_large_for_lambda_is_led_to(client: Client, monkeypatch: Any) -> None:
    created = create(client)
    client.lambdas.make()
    monkeypatch.setattr(replicate, "MAX_FILE_BYTES", 100)
    (url,) = get(client, created.document["urls"]["get"]).document["output"]

    assert get(client, url).status == 302


@pytest.mark.parametrize("path", [PATH, "/v1/predictions", "/v1/deployments/a/sketch/predictions"])
def test_waiting_is_a_chain_whose_every_answer_is_a_prediction(client: Client, path: str) -> None:
    fields = {"version": "atelier/sketch"} if path == "/v1/predictions" else {}
    first = create(client, path=path, prefer="wait", **fields)
    second = get(client, str(httpx.URL(BASE + path).join(first.headers["Location"])))
    client.lambdas.make()
    last = get(client, str(httpx.URL(f"{BASE}/v1/waits/x").join(second.headers["Location"])))

    assert [first.status, second.status, last.status] == [303, 303, 200]
    assert [it.document["status"] for it in (first, second, last)] == ["starting", "starting", "succeeded"]


def test_waiting_seconds_or_repeating_unmarked_is_not_redirected(client: Client) -> None:
    counted = create(client, prefer="wait=1")
    brief = client("POST", PATH, {"input": INPUT}, Prefer="wait", User_Agent="replicate-javascript/1.4.0")

    assert [(it.status, it.document["status"]) for it in (counted, brief)] == [(201, "starting")] * 2


def test_a_models_address_is_one(client: Client) -> None:
    assert get(client, "/v1/models/a b/sketch").document["url"].endswith("/v1/models/a%20b/sketch")


def test_versions_name_their_model(client: Client) -> None:
    (version,) = [it["id"] for it in get(client, "/v1/models/atelier/sketch/versions").document["results"]]
    found = get(client, f"/v1/models/atelier/sketch/versions/{version}").document

    assert found["openapi_schema"]["components"]["schemas"]["Output"]["type"] == "array"
    made = create(client, path="/v1/predictions", version=version)
    assert (made.status, made.document["model"]) == (201, "atelier/sketch")


def test_names_and_inputs_of_replicate_are_put_into_ours(client: Client, studio: Any) -> None:
    path = "/v1/models/black-forest-labs/flux-schnell/predictions"
    refused = create(client, path=path)

    assert refused.status == 503  # there is no key for it, but the model is found
    told = create(client, {**INPUT, "num_outputs": 2, "go_fast": True, "megapixels": "1"})
    client.lambdas.make()
    done = get(client, told.document["urls"]["get"]).document
    assert told.document["logs"] == "Ignored, since this model has no such input: go_fast, megapixels."
    assert (len(done["output"]), done["input"]["num_images"]) == (2, 2)


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ({"size": "300x257"}, (300, 257)),
        ({"size": "300x257", "width": 320}, (320, 257)),
        ({"size": "20000x10000"}, (2048, 1024)),
    ],
)
def test_a_size_is_a_width_and_a_height(client: Client, given: dict[str, Any], shape: tuple[int, int]) -> None:
    created = create(client, {"prompt": "a boat", **given})

    made = created.document["input"]
    assert ((made["width"], made["height"]), created.document["logs"]) == (shape, "")


def test_a_size_that_is_none_is_ignored(client: Client) -> None:
    assert create(client, {"prompt": "a boat", "size": "big"}).document["logs"].endswith("no such input: size.")


def test_pictures_in_data_urls_are_stored_first(client: Client) -> None:
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    made = create(client, {"prompt": "a boat", "image": url})
    client.lambdas.make()

    done = get(client, made.document["urls"]["get"]).document
    assert done["status"] == "succeeded", done
    assert done["input"]["image_urls"][0].startswith("http")


def test_a_file_is_uploaded_and_named(client: Client) -> None:
    form = httpx.Request("POST", BASE, files={"content": ("a.png", picture()), "metadata": (None, '{"a": 1}')})
    made = client("POST", "/v1/files", form.read(), Content_Type=form.headers["Content-Type"])
    used = create(client, {"prompt": "a boat", "input_image": made.document["urls"]["get"]})
    client.lambdas.make()

    assert (made.status, made.document["metadata"]) == (201, {"a": 1})
    assert made.document["checksums"]["sha256"] == hashlib.sha256(picture()).hexdigest()
    assert get(client, used.document["urls"]["get"]).document["status"] == "succeeded"


def test_predictions_are_listed_by_whole_urls(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(replicate, "PAGE", 1)
    made = [create(client).document["id"] for _ in range(2)]
    first = get(client, "/v1/predictions").document
    second = get(client, first["next"]).document

    assert [it["id"] for it in first["results"] + second["results"]] == made[::-1]


def test_a_prediction_is_cancelled(client: Client) -> None:
    made = create(client).document["id"]
    done = create(client).document["id"]
    cancelled = client("POST", f"/v1/predictions/{made}/cancel")
    client.lambdas.make()

    assert cancelled.document["status"] == "canceled"
    assert client("POST", f"/v1/predictions/{done}/cancel").document["status"] == "succeeded"


def test_models_are_listed_for_replicates_clients_only(client: Client) -> None:
    listed = get(client, "/v1/models", User_Agent="replicate-python/1.0.7").document
    assert "sketch" in [it["name"] for it in listed["results"]]
    assert get(client, "/v1/models", User_Agent="OpenAI/Python").document["object"] == "list"


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ({}, ["processing", "succeeded"]),
        ({"webhook_events_filter": ["completed"]}, ["succeeded"]),
        ({"webhook_events_filter": ["start", "logs"]}, ["processing"]),
    ],
)
def test_webhooks_tell_of_the_events_in_replicates_words(
    client: Client, generations: GenerationStore, events: dict[str, Any], told: list[str]
) -> None:
    made = create(client, webhook="https://receiver.example/hook", **events).document["id"]
    client.lambdas.make()
    generation = generations.get(made)

    documents = [
        notification(generation, Moment(status, 0), BASE) for status in generation.webhook_events if status != "error"
    ]
    assert [document["status"] for document in documents] == told
    assert all(document.keys() >= {"id", "model", "version", "urls"} for document in documents)


@pytest.mark.parametrize(
    ("input", "fields", "detail"),
    [
        ({}, {}, "- input.prompt: 'prompt' is required."),
        ("none", {}, "- input: Must be an object."),
        ({**INPUT, "num_outputs": 9}, {}, "- input.num_outputs: "),
        (INPUT, {"webhook": "http://example.com"}, "- webhook: "),
        (INPUT, {"webhook": "https://example.com", "webhook_events_filter": ["done"]}, "- webhook_events_filter: "),
        ({**INPUT, "image": "data:image/png;base64,AAAA"}, {}, "- input.image: "),
    ],
)
def test_what_is_wrong_is_a_problem(client: Client, input: Any, fields: dict[str, Any], detail: str) -> None:
    answer = create(client, input, **fields)

    assert (answer.status, answer.document["status"]) == (422, 422), answer.text
    assert answer.document["title"] == "Input validation failed"
    assert answer.document["detail"].startswith(detail)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_other_problems(client: Client) -> None:
    unknown = create(client, path="/v1/models/a/none/predictions")
    nobody = client("POST", PATH, {"input": INPUT}, Authorization="Bearer none")
    version = create(client, path="/v1/predictions", version="none")

    assert [(it.status, it.document["title"]) for it in (unknown, nobody, version)] == [
        (404, "Not found"),
        (401, "Unauthenticated"),
        (404, "Not found"),
    ]


def test_a_failed_prediction_is_answered_as_one(client: Client) -> None:
    made = create(client, {"prompt": "test:fail"})
    client.lambdas.make()
    done = get(client, made.document["urls"]["get"])

    assert (done.status, done.document["status"]) == (200, "failed")
    assert "test:fail" in done.document["error"]


def test_an_idempotency_key(client: Client) -> None:
    ids = {client("POST", PATH, json.dumps({"input": INPUT}), Idempotency_Key="k1").document["id"] for _ in range(2)}
    assert len(ids) == 1


@pytest.mark.parametrize("name", ["output_format", "aspect_ratio", "num_outputs", "image", "seed", "output_quality"])
def test_an_input_of_another_type_is_refused(client: Client, name: str) -> None:
    refused = create(client, {"prompt": "a boat", name: {}})
    assert refused.status == 422
    assert f"input.{name}" in refused.document["detail"]


def test_a_version_that_is_not_the_models_is_not_found(client: Client) -> None:
    assert client("GET", "/v1/models/atelier/sketch/versions/none", Authorization=client.key).status == 404


def test_the_account_is_the_keys_user(client: Client) -> None:
    found = get(client, "/v1/account").document
    assert (found["type"], found["github_url"]) == ("user", None)
    assert "@" in found["username"]
