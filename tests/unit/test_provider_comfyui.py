"""ComfyUI: workflows with our ids, which are queued once whatever becomes of the answers."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from atelier.catalog.model import embedded, load
from atelier.catalog.workflow import filled, workflow
from atelier.errors import ConfigurationError, ProviderBusyError, ProviderCredentialsError, ProviderRejectedError
from atelier.providers.comfyui import ComfyUI
from atelier.providers.provider import (
    Failed,
    Images,
    InputImage,
    Job,
    JobRef,
    Outcome,
    ProviderImage,
    Running,
    Submitted,
)
from tests.cases import each
from tests.unit.asynchronous import raised, wire
from tests.unit.test_catalog import SMALL

PNG = b"\x89PNG\r\n\x1a\n one"
URLS = {"comfyui": "http://10.0.0.5:8188/"}
ID, UUID = "0192f0c1d2e3f4a5b6c7d8e9f0a1b2c3", "0192f0c1-d2e3-f4a5-b6c7-d8e9f0a1b2c3"
NODES = {
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a café", "clip": ["4", 1]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
}
JOB = Job(model="sdxl", input=NODES, callback_url="", key="the token", id=ID)
REF = JobRef(id=UUID, model="sdxl", input={}, key="the token")
DONE = {"status": {"status_str": "success", "completed": True, "messages": []}}
SAVED = {"filename": "a.png", "subfolder": "s", "type": "output"}


class Server:
    """A ComfyUI that knows some jobs and answers `POST /prompt` as told."""

    def __init__(self, *, history: Any = None, queue: Any = None, prompt: Any = None, view: bytes = PNG) -> None:
        self.history, self.queue, self.view = history or {}, queue or {}, view
        self.prompt = prompt or httpx.Response(200, json={"prompt_id": UUID, "number": 1, "node_errors": {}})
        self.posts: list[tuple[str, bytes]] = []
        self.wire = wire(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "POST":
            self.posts.append((path, request.content))
        if path == "/prompt":
            if isinstance(self.prompt, type):
                raise self.prompt("no")
            found = self.prompt(self) if callable(self.prompt) else self.prompt
            assert isinstance(found, httpx.Response)
            return found
        if path == "/upload/image":
            return httpx.Response(200, json={"name": "stored.png", "subfolder": "", "type": "input"})
        if path == "/view":
            return httpx.Response(200, content=self.view)
        return httpx.Response(200, json=self.queue if path == "/queue" else self.history)

    @property
    def comfyui(self) -> ComfyUI:
        return ComfyUI(self.wire.client, URLS)


def queued(name: str = "queue_pending") -> dict[str, Any]:
    return {"queue_running": [], "queue_pending": [], name: [[3, UUID, {}, {}, []]]}


# ---- Submitting


def test_a_workflow_is_queued_under_our_id() -> None:
    server = Server()
    assert server.comfyui.submit(JOB) == Submitted(UUID)
    [(path, content)] = server.posts
    assert (path, json.loads(content)) == ("/prompt", {"prompt": NODES, "prompt_id": UUID})
    assert {request.headers["Authorization"] for request in server.wire.requests} == {"Bearer the token"}
    assert {request.url.host for request in server.wire.requests} == {"10.0.0.5"}


@pytest.mark.parametrize(("key", "header"), [("me:secret", "Basic bWU6c2VjcmV0"), (None, None), ("", None)])
def test_a_key_may_be_a_user_and_password(key: str | None, header: str | None) -> None:
    server = Server()
    server.comfyui.submit(replace(JOB, key=key))
    assert {request.headers.get("Authorization") for request in server.wire.requests} == {header}


@each(
    "server",
    [Server(queue=queued()), Server(queue=queued("queue_running")), Server(history={UUID: DONE})],
)
def test_a_job_that_is_there_is_not_queued_again(server: Server) -> None:
    assert server.comfyui.submit(JOB) == Submitted(UUID)
    assert server.posts == []


@each("lost", [httpx.ReadTimeout, httpx.ReadError, httpx.Response(500), httpx.Response(504), httpx.Response(502)])
def test_after_a_lost_answer_it_is_asked_for_the_job(lost: Any) -> None:
    def take(server: Server) -> httpx.Response:
        server.queue = queued()
        if isinstance(lost, httpx.Response):
            return lost
        raise lost("no")

    server = Server(prompt=take)
    assert server.comfyui.submit(JOB) == Submitted(UUID)
    never = Server(prompt=lost)
    raised(ProviderBusyError, lambda: never.comfyui.submit(JOB))
    assert [path for path, _ in never.posts] == ["/prompt"]


def test_clients_pictures_are_uploaded_and_named_in_the_workflow() -> None:
    image = InputImage(PNG, "image/png", "https://ours.example/1.png")
    load_image = {"class_type": "LoadImage", "inputs": {"image": image.url}}
    server = Server()
    server.comfyui.submit(replace(JOB, input={**NODES, "10": load_image}, images=(image,)))
    (upload, content), (_, prompt) = server.posts
    assert upload == "/upload/image"
    assert re.findall(rb'filename="([^"]+)"', content) == [f"atelier-{ID}-0-1.png".encode()]
    assert json.loads(prompt)["prompt"]["10"]["inputs"] == {"image": "stored.png"}


def test_a_refusal_is_told_in_its_words() -> None:
    error = {"error": {"type": "x", "message": "Prompt outputs failed validation", "extra_info": {}}, "node_errors": {}}
    server = Server(prompt=httpx.Response(400, json=error))
    assert "Prompt outputs failed validation" in str(raised(ProviderRejectedError, lambda: server.comfyui.submit(JOB)))


def test_without_an_address_nothing_is_called() -> None:
    server = Server()
    for urls in ({}, {"comfyui": "http://me:secret@10.0.0.5"}):
        with pytest.raises(ProviderCredentialsError):
            ComfyUI(server.wire.client, urls).submit(JOB)
    assert server.wire.requests == []


# ---- Fetching


def fetch(**options: Any) -> Outcome:
    return Server(**options).comfyui.fetch(REF)


def test_saved_pictures_are_read_and_previews_are_not() -> None:
    preview = {"filename": "b.png", "subfolder": "", "type": "temp"}
    server = Server(history={UUID: {**DONE, "outputs": {"8": {"images": [preview]}, "9": {"images": [SAVED, SAVED]}}}})
    assert server.comfyui.fetch(REF) == Images((ProviderImage(PNG, "image/png"),) * 2)
    views = [str(request.url) for request in server.wire.requests if request.url.path == "/view"]
    assert views == ["http://10.0.0.5:8188/view?filename=a.png&subfolder=s&type=output"] * 2


@each("name", ["queue_running", "queue_pending"])
def test_a_job_runs_while_it_is_in_the_queue(name: str) -> None:
    assert fetch(queue=queued(name)) == Running()


def test_a_job_may_end_between_the_questions() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        if request.url.path == "/queue" or seen.count(request.url.path) < 2:
            return httpx.Response(200, json={})
        return httpx.Response(200, json={UUID: {**DONE, "outputs": {}}})

    assert "saved no picture" in str(ComfyUI(wire(answer).client, URLS).fetch(REF))


def failed(status: object, **more: Any) -> dict[str, Any]:
    return {UUID: {"status": status, **more}}


@each(
    ("history", "words"),
    [
        ({}, "no longer knows this job"),
        ({UUID: 7}, "no longer knows this job"),
        (failed({"status_str": "error", "messages": [["a", {"exception_message": "no memory"}]]}), "no memory"),
        (failed({"status_str": "error", "messages": [7, ["a"], ["b", 7]]}), "could not make the picture"),
        (failed(None), "could not make the picture"),
        ({UUID: {**DONE, "outputs": {"9": {"images": [7, {"type": "temp"}]}, "8": 7}}}, "saved no picture"),
        ({UUID: {**DONE, "outputs": []}}, "saved no picture"),
    ],
)  # fmt: skip
def test_a_job_failed(history: dict[str, Any], words: str) -> None:
    outcome = fetch(history=history)
    assert isinstance(outcome, Failed)
    assert words in outcome.message


@each("queue", [7, {"queue_running": 7}, {"queue_running": [7, [], [1]], "queue_pending": [[1, 2]]}])
def test_a_queue_of_any_shape_does_no_harm(queue: Any) -> None:
    assert isinstance(fetch(queue=queue), Failed)


# ---- Cancelling


def test_a_job_is_cancelled_or_else_taken_from_the_queue() -> None:
    new = wire(httpx.Response(200, json={"cancelled": True}))
    ComfyUI(new.client, URLS).cancel(REF)
    old = wire(httpx.Response(404), httpx.Response(200))
    ComfyUI(old.client, URLS).cancel(REF)
    assert new.asked == [("POST", f"http://10.0.0.5:8188/api/jobs/{UUID}/cancel")]
    assert [url.removeprefix("http://10.0.0.5:8188") for _, url in old.asked] == [f"/api/jobs/{UUID}/cancel", "/queue"]
    assert json.loads(old.requests[1].content) == {"delete": [UUID]}


# ---- The catalog


def route_text(text: str, paths: str = "input = { '6.inputs.text' = 'prompt' }, ignored = ['seed']") -> str:
    return SMALL.replace('{ name = "fal" }', f"{{ name = 'comfyui', workflow = '''{text}''', {paths} }}")


def test_a_workflow_is_filled_by_paths() -> None:
    (route,) = load(route_text(json.dumps(NODES))).model("m").routes
    sent = route.translate({"prompt": "a dog"})
    assert sent == filled(NODES, {"6.inputs.text": "a dog"})
    assert NODES["6"]["inputs"] == {"text": "a café", "clip": ["4", 1]}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "the workflow is no JSON"),
        ("[]", "not in the API format"),
        ("{}", "not in the API format"),
        ('{"nodes": []}', "not in the API format"),
        ('{"6": {"class_type": "A"}}', "not in the API format"),
        ('{"6": {"class_type": "A", "inputs": {"txt": ""}}}', "fields are such as '6.inputs.txt'"),
        ('{"7": {"class_type": "A", "inputs": {}}}', "has no '6.inputs.text'"),
    ],
)  # fmt: skip
def test_a_broken_workflow_is_said(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(route_text(text))
    assert fault in str(caught.value)


def test_a_path_that_is_none_is_said() -> None:
    for path in ("6", "6.text", "6.inputs", "a.b.c"):
        with pytest.raises(ValueError, match="the workflow has no"):
            workflow(json.dumps(NODES), [path])


def test_the_workflow_that_ships_takes_our_inputs() -> None:
    (route,) = (route for route in embedded().model("sdxl").routes if route.provider == "comfyui")
    sent = route.translate({"prompt": "a dog", "aspect_ratio": "2:3", "num_images": 2, "seed": 7})
    inputs: Callable[[str], Any] = lambda node: sent[node]["inputs"]  # noqa: E731
    assert (inputs("6")["text"], inputs("7")["text"], inputs("3")["seed"]) == ("a dog", "", 7)
    assert (inputs("5")["width"], inputs("5")["height"], inputs("5")["batch_size"]) == (832, 1248, 2)
