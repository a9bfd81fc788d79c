"""The examples of docs/api.md, run as they stand there but for the host, the key and the webhook's address."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.deployment import MISSION, Account, account_with_key, eventually
from tests.node import NODE, packages
from tools.local_stack import ROOT, Deployed, free_port
from tools.receiver import Receiver

EXAMPLES = ROOT / "docs" / "examples"
RUNNERS = {".js": [str(NODE)], ".mjs": [str(NODE)], ".sh": ["sh"], ".py": [sys.executable]}


def run(name: str, alice: Account, folder: Path, webhook: str = "") -> str:
    """Run an example in a folder, and return what it prints."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for placeholder, value in (
        ("https://HOST/api", alice.stack.api),
        ("YOUR_API_KEY", alice.key),
        ("https://your-server.com/api/webhook", webhook),
    ):
        text = text.replace(placeholder, value)
    program = folder / name
    program.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [*RUNNERS[program.suffix], program], cwd=folder, capture_output=True, text=True, timeout=120, env={**os.environ}
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    "name", ["generate.js", "generate.mjs", "generate.sh", "generate_requests.py", "generate_httpx.py"]
)
def test_an_example_is_told_of_its_picture(name: str, alice: Account, tmp_path: Path) -> None:
    with Receiver() as receiver:
        printed = run(name, alice, tmp_path, receiver.url)
        told = json.loads(receiver.received.get(timeout=60).body)

    assert told["status"] == "success"
    assert told["payload"] == json.loads(MISSION)["input"]
    assert told["id"] in printed


def test_each_tool_is_tried(stack: Deployed, tmp_path: Path) -> None:
    editor = account_with_key(stack, "tools@example.com", test=True)
    picture = Image.new("RGB", (120, 90), "white")
    picture.paste("navy", (40, 30, 80, 60))
    picture.save(tmp_path / "picture.png")
    Image.new("L", picture.size, 255).save(tmp_path / "mask.png")
    environment = {**os.environ, "API": stack.api, "API_KEY": editor.key}
    subprocess.run(["sh", EXAMPLES / "tools.sh"], cwd=tmp_path, env=environment, check=True, timeout=120)

    sizes = {path.stem: Image.open(path).size for path in tmp_path.glob("*.png")}
    assert sizes == {
        **dict.fromkeys(("picture", "mask", "edit-image", "inpaint", "remove-background", "erase"), (120, 90)),
        "outpaint": (320, 90),
        "upscale": (480, 360),
    }


def test_an_example_waits_for_its_picture(alice: Account, tmp_path: Path) -> None:
    run("wait.py", alice, tmp_path)

    assert Image.open(tmp_path / "picture.png").size == (512, 512)


def test_an_example_uploads_a_picture(alice: Account, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")

    stored = json.loads(run("upload.sh", alice, tmp_path))

    assert (stored["mimetype"], stored["size"]) == ("image/png", (tmp_path / "picture.png").stat().st_size)


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages for the examples in JavaScript: Express, and the client as npm links it."""
    folder = tmp_path_factory.mktemp("node") / "node_modules"
    folder.mkdir()
    for package in packages().iterdir():
        (folder / package.name).symlink_to(package)
    (folder / "atelier-client").symlink_to(ROOT / "clients" / "javascript")
    return folder


def start(name: str, alice: Account, folder: Path, node_modules: Path) -> Popen[str]:
    """Start an example as it stands."""
    (folder / "node_modules").symlink_to(node_modules)
    shutil.copy(EXAMPLES / name, folder)
    environment = {
        "PATH": os.environ["PATH"], "API": alice.stack.api, "API_KEY": alice.key,
        "PYTHONPATH": str(ROOT / "clients" / "python" / "src"),
    }  # fmt: skip
    command = [*RUNNERS[Path(name).suffix], name]
    return Popen(command, cwd=folder, env=environment, stdout=PIPE, stderr=STDOUT, text=True)


@pytest.mark.parametrize("name", ["one_picture.py", "one_picture.mjs", "one_picture.sh"])
def test_one_picture(name: str, alice: Account, tmp_path: Path, node_modules: Path) -> None:
    ran = start(name, alice, tmp_path, node_modules)
    printed, _ = ran.communicate(timeout=120)

    assert ran.returncode == 0, printed
    assert Image.open(tmp_path / "picture.png").size == (512, 512)


@pytest.mark.parametrize("name", ["waiting.py", "waiting.mjs", "waiting.sh"])
def test_waiting(name: str, alice: Account, tmp_path: Path, node_modules: Path) -> None:
    ran = start(name, alice, tmp_path, node_modules)
    printed, _ = ran.communicate(timeout=120)

    assert ran.returncode == 0, printed
    assert "/files/outputs/" in printed


NEXT = """
import { createServer } from "node:http";
import { POST } from "./webhook_nextjs.mjs";
createServer(async (incoming, outgoing) => {
  const body = Buffer.concat(await incoming.toArray());
  const request = new Request("http://host/api/webhook", { method: "POST", headers: incoming.headers, body });
  const answer = await POST(request);
  outgoing.writeHead(answer.status).end(await answer.text());
}).listen(Number(process.env.PORT), "127.0.0.1");
"""
"""What Next.js does with a route handler: it gives it the web's Request, and sends the web's Response."""


@contextmanager
def receiving(name: str, alice: Account, folder: Path, node_modules: Path) -> Iterator[tuple[str, Popen[str]]]:
    """Run a receiver until it answers, and end it."""
    port = str(free_port())
    python = sys.executable
    options = {
        "webhook_fastapi.py": [python, "-m", "uvicorn", "--port", port, "--no-access-log", "webhook_fastapi:app"],
        "webhook_flask.py": [python, "-m", "flask", "--app", "webhook_flask", "run", "--port", port],
        "webhook_express.mjs": [str(NODE), "webhook_express.mjs"],
        "webhook_nextjs.mjs": [str(NODE), "server.mjs"],
    }[name]
    (folder / "server.mjs").write_text(NEXT)
    (folder / "node_modules").symlink_to(node_modules)
    shutil.copy(EXAMPLES / name, folder)
    environment = {
        "PATH": os.environ["PATH"], "PORT": port, "WEBHOOK_SECRET": alice.webhook_secret,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "clients" / "python" / "src"), str(folder)]),
    }  # fmt: skip
    url = f"http://127.0.0.1:{port}/webhook"
    with Popen(options, cwd=folder, env=environment, stdout=PIPE, stderr=STDOUT, text=True) as server:
        try:
            eventually(lambda: answers(url))
            yield url, server
        finally:
            server.terminate()


def answers(url: str) -> bool | None:
    """Tell that a server listens."""
    try:
        httpx.get(url, timeout=5)
    except httpx.HTTPError:
        return None
    return True


@pytest.mark.parametrize(
    "name", ["webhook_fastapi.py", "webhook_flask.py", "webhook_express.mjs", "webhook_nextjs.mjs"]
)
def test_a_webhook_is_received_and_verified(name: str, alice: Account, tmp_path: Path, node_modules: Path) -> None:
    with receiving(name, alice, tmp_path, node_modules) as (url, server):
        forged = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
        refused = httpx.post(url, json={"id": "x", "status": "success"}, headers=forged, timeout=30)
        made = alice.post({**json.loads(MISSION), "webhook": url}).json()["id"]
        assert server.stdout is not None
        line = next(line for line in server.stdout if line.startswith(made))

        def delivered() -> dict[str, Any] | None:
            (delivery,) = alice.get(f"/generations/{made}/deliveries").json()["data"]
            return delivery if delivery["attempts"] else None

        assert refused.status_code == 401
        assert line.split()[1] == "success"
        assert eventually(delivered)["attempts"][0]["statusCode"] == 204


def test_each_example_is_tried() -> None:
    kinds = {"one_picture", "waiting"}
    assert {path.name for path in EXAMPLES.iterdir()} == {
        *("generate.js", "generate.mjs", "generate.sh", "generate_requests.py", "generate_httpx.py"),
        *("upload.sh", "wait.py", "tools.sh"),
        *(f"{kind}.{suffix}" for kind in kinds for suffix in ("py", "mjs", "sh", "go")),
        *("webhook_fastapi.py", "webhook_flask.py", "webhook_express.mjs", "webhook_nextjs.mjs"),
    }  # fmt: skip


def test_the_guide_shows_the_examples_as_they_are() -> None:
    guide = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    others = {"generate.mjs", "generate_httpx.py"}

    assert {path.name for path in EXAMPLES.iterdir() if f"\n{path.read_text()}```\n" not in guide} == others
