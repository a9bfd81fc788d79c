"""The local stack over a stop: what was made, the keys and the URLs stay, and everything goes on."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.deployment import eventually, open_account
from tools.local_stack import ROOT, Deployed, deploy, deployed, free_port, healthy, start_emulator
from tools.receiver import Receiver

SMALL = {"model": "sketch", "input": {"prompt": "a boat", "width": 256, "height": 256}}


def test_a_stop_forgets_nothing(upstream: Deployed, tmp_path: Path) -> None:
    port, state, logs = free_port(), tmp_path / "state", tmp_path / "logs"
    emulator = start_emulator(port, logs / "first.log", state)
    try:
        before = open_account(deploy("kept", emulator.endpoint, logs / "deploy.log"), "keeper@example.com")
        made = before.finished(before.post(SMALL).raise_for_status().json()["id"])
        picture = httpx.get(made["output"], follow_redirects=True, timeout=60).content
    finally:
        emulator.stop()

    emulator = start_emulator(port, logs / "second.log", state)
    try:
        assert deployed("kept", emulator.endpoint).api == before.stack.api
        assert before.get(f"/generations/{made['id']}").json() == made
        assert httpx.get(made["output"], follow_redirects=True, timeout=60).content == picture
        with Receiver() as receiver:  # by the table's stream: reconcile would need two minutes
            again = before.post({**SMALL, "webhook": receiver.url}, Prefer="respond-async").raise_for_status().json()
            assert receiver.received.get(timeout=45).headers["X-Media-Id"] == again["id"]
    finally:
        emulator.stop()


@pytest.mark.parametrize("step", ["Starting the AWS emulator", "Building with sam build"])
def test_an_interrupted_run_leaves_no_emulator(step: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".venv-local", ".venv-sam", "functions", "layers", "template.yaml", "samconfig.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    state, port = tmp_path / ".local", free_port()
    state.mkdir()
    (state / "port").write_text(str(port))
    output = tmp_path / "output"
    with output.open("w") as out:
        run = subprocess.Popen(
            [sys.executable, "-m", "tools", "run"], cwd=tmp_path, stdout=out, stderr=out, start_new_session=True
        )
    eventually(lambda: True if step in output.read_text() else None)

    os.killpg(run.pid, signal.SIGINT)  # as a terminal's Ctrl-C

    assert run.wait(timeout=60) == 130
    said = output.read_text()
    assert "Interrupted; `make run` starts again." in said
    assert "Traceback" not in said
    assert not (state / "emulator.json").exists()
    assert not healthy(f"http://127.0.0.1:{port}")
