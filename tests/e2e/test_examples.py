"""The examples of docs/api.md, run as they stand there but for the host, the key and the webhook's address."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.deployment import MISSION, Account
from tests.node import NODE
from tools.local_stack import ROOT
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
    assert name == "generate.js" or told["id"] in printed


def test_an_example_waits_for_its_picture(alice: Account, tmp_path: Path) -> None:
    run("wait.py", alice, tmp_path)

    assert Image.open(tmp_path / "picture.png").size == (512, 512)


def test_an_example_uploads_a_picture(alice: Account, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")

    stored = json.loads(run("upload.sh", alice, tmp_path))

    assert (stored["mimetype"], stored["size"]) == ("image/png", (tmp_path / "picture.png").stat().st_size)


def test_each_example_is_tried() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {
        *("generate.js", "generate.mjs", "generate.sh", "generate_requests.py", "generate_httpx.py"),
        *("upload.sh", "wait.py"),
    }  # fmt: skip
