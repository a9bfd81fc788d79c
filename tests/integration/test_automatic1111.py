"""AUTOMATIC1111's API through the handler."""

import base64
import io
import json
from typing import Any

import httpx
import pytest
from PIL import Image

from atelier.adapters.dynamodb.account_store import AccountStore
from tests.integration.client import Answer, Client, a_client
from tests.integration.lambdas import Lambdas
from tests.integration.stack import Stack

PATH = "/sdapi/v1/txt2img"
BODY = {"prompt": "a boat", "width": 256, "height": 256, "batch_size": 1, "steps": 20, "override_settings": {}}


@pytest.fixture
def client(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "automatic1111@example.com")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(client: Client, method: str, path: str, body: Any = "") -> Answer:
    return client(method, path, body, Authorization=basic("any", str(client.key)))


def made(client: Client, body: dict[str, Any], path: str = PATH) -> Answer:
    """Ask, let the work be done, and follow the redirect."""
    first = ask(client, "POST", path, body)
    assert first.status == 303, first.text
    client.lambdas.make()
    url = httpx.URL(f"https://example.com/api{path}").join(first.headers["Location"])
    return client(
        "GET", url.path.removeprefix("/api"), query=dict(url.params), Authorization=basic(str(client.key), "")
    )


def pictures(answer: Answer) -> list[Image.Image]:
    return [Image.open(io.BytesIO(base64.b64decode(text, validate=True))) for text in answer.document["images"]]


def png(colour: str = "red", size: tuple[int, int] = (300, 200)) -> str:
    output = io.BytesIO()
    Image.new("RGB", size, colour).save(output, "PNG")
    return base64.b64encode(output.getvalue()).decode()


def test_pictures_come_in_base64(client: Client) -> None:
    answer = made(client, {**BODY, "batch_size": 2, "seed": 7, "negative_prompt": "trees"})

    assert [it.size for it in pictures(answer)] == [(256, 256)] * 2
    assert answer.document["parameters"]["prompt"] == "a boat"
    info = json.loads(answer.document["info"])
    assert (info["all_seeds"], info["negative_prompt"], len(info["infotexts"])) == ([7, 8], "trees", 2)


def test_a_seed_of_minus_one_is_none(client: Client) -> None:
    assert json.loads(made(client, {**BODY, "seed": -1}).document["info"])["seed"] == -1


def test_a_picture_and_its_mask(client: Client) -> None:
    body = {**BODY, "init_images": [f"data:image/png;base64,{png()}"], "mask": png("black")}
    del body["width"], body["height"]
    (picture,) = pictures(made(client, body, "/sdapi/v1/img2img"))

    assert picture.size == (300, 200)
    assert picture.convert("RGB").getcolors() == [(60_000, (255, 0, 0))]  # nothing of the mask is white


def test_a_mask_of_another_size_is_refused(client: Client) -> None:
    small = io.BytesIO()
    Image.new("L", (30, 20)).save(small, "PNG")
    body = {**BODY, "init_images": [png()], "mask": base64.b64encode(small.getvalue()).decode()}
    answer = ask(client, "POST", "/sdapi/v1/img2img", body)

    assert answer.status == 400
    assert "it has 30 x 20 pixels, and the picture 300 x 200" in answer.document["detail"]


@pytest.mark.parametrize(("invert", "status"), [(0, 303), (None, 303), (1, 400)])
def test_a_mask_is_never_taken_the_wrong_way_around(client: Client, invert: int | None, status: int) -> None:
    body = {**BODY, "init_images": [png()], "mask": png("black"), "inpainting_mask_invert": invert}

    assert ask(client, "POST", "/sdapi/v1/img2img", body).status == status


def test_the_checkpoint_is_the_model(client: Client) -> None:
    answer = made(client, {**BODY, "override_settings": {"sd_model_checkpoint": "playground-v2"}})

    assert json.loads(answer.document["info"])["sd_model_name"] == "playground-v2"
    unknown = ask(client, "POST", PATH, {**BODY, "override_settings": {"sd_model_checkpoint": "none"}})
    assert unknown.status == 404


def test_what_clients_ask_for_first(client: Client) -> None:
    assert ask(client, "GET", "/sdapi/v1/options").document["sd_model_checkpoint"] == "sketch"
    assert ask(client, "POST", "/sdapi/v1/options", {"sd_model_checkpoint": "sketch"}).document == {}
    assert "sketch" in [it["title"] for it in ask(client, "GET", "/sdapi/v1/sd-models").document]
    for name in ("samplers", "schedulers", "upscalers"):
        assert ask(client, "GET", f"/sdapi/v1/{name}").document[0]["name"]
    assert ask(client, "GET", "/sdapi/v1/loras").document == []
    assert ask(client, "GET", "/sdapi/v1/progress").document["progress"] == 0


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (PATH, {"prompt": ""}, "prompt"),
        (PATH, {**BODY, "width": "wide"}, "width"),
        (PATH, {**BODY, "batch_size": 9}, "batch_size"),
        ("/sdapi/v1/img2img", BODY, "init_images"),
        ("/sdapi/v1/img2img", {**BODY, "init_images": ["???"]}, "init_images.0"),
        ("/sdapi/v1/img2img", {**BODY, "init_images": [base64.b64encode(b"none").decode()]}, "init_images"),
    ],
)
def test_what_is_wrong_is_said(client: Client, path: str, body: dict[str, Any], field: str) -> None:
    answer = ask(client, "POST", path, body)

    assert answer.status == 400, answer.text
    assert answer.document.keys() == {"error", "detail", "body", "errors"}
    assert answer.document["errors"].startswith(f"{field}: ")


@pytest.mark.parametrize("authorization", ["", "Basic ???", basic("any", "none")])
def test_without_a_key(client: Client, authorization: str) -> None:
    assert client("GET", "/sdapi/v1/options", Authorization=authorization).status == 401


def test_a_failed_generation(client: Client) -> None:
    answer = made(client, {**BODY, "prompt": "test:fail"})

    assert answer.status == 424
    assert "test:fail" in answer.document["detail"]
