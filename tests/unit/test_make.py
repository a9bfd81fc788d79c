"""The commands of the Makefile that have to work where little else does."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment import eventually
from tools.environment import make
from tools.local_stack import ROOT, free_port
from tools.stop import stop

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def run_make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with the repository's Makefile in a folder without environments."""
    shutil.copy(ROOT / "Makefile", folder)
    if not (folder / "tools").exists():
        shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "requirements", folder / "requirements")
        shutil.copy(ROOT / "pyproject.toml", folder)
        swagger = folder / "layers" / "swagger_ui"
        swagger.mkdir(parents=True)
        shutil.copy(ROOT / "layers" / "swagger_ui" / "requirements.txt", swagger)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def old_python(tmp_path: Path) -> Path:
    """A Python that is too old: it fails the check, and says its version."""
    script = tmp_path / "bin" / "python3"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.10.13" && exit\n'
        f'[ "$1" = -c ] && exit 1\nexec {sys.executable} "$@"\n'
    )
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("target", ["run", "test", "deploy"])
def test_an_old_python_is_one_clear_line(target: str, old_python: Path, tmp_path: Path) -> None:
    ran = run_make(tmp_path, target, f"PYTHON={old_python}")

    assert ran.returncode
    assert "needs Python 3.11, 3.12 or 3.13" in ran.stdout
    assert f"is Python 3.10.13. Install one of them and name it: make {target} PYTHON=" in ran.stdout
    assert not list(tmp_path.glob(".venv*"))


def test_stop_and_clean_need_no_environment(old_python: Path, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".local").mkdir()

    stopped = run_make(tmp_path, "stop", f"PYTHON={old_python}")
    cleaned = run_make(tmp_path, "clean", f"PYTHON={old_python}")

    assert (stopped.returncode, stopped.stdout) == (0, "The stack is not up.\n")
    assert cleaned.returncode == 0
    assert not (tmp_path / ".venv").exists()
    assert not (tmp_path / ".local").exists()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_stop_ends_the_emulator_and_forgets_a_dead_one(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "emulator.json"
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)], start_new_session=True, stderr=subprocess.DEVNULL
    )
    scratch = tmp_path / "emulator-scratch"
    scratch.mkdir()
    running = {"endpoint": f"http://127.0.0.1:{port}", "pid": server.pid, "scratch": str(scratch)}
    file.write_text(json.dumps(running))
    eventually(lambda: True if listens(port) else None)

    assert stop(file).startswith("The stack is down.")
    assert not file.exists()
    assert not scratch.exists()
    server.wait(timeout=10)

    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    file.write_text(json.dumps({"endpoint": f"http://127.0.0.1:{port}", "pid": bystander.pid}))
    assert stop(file) == "The stack is not up any more."
    assert bystander.poll() is None  # the number was another's by then
    bystander.kill()
    bystander.wait(timeout=10)
    assert stop(file) == "The stack is not up."


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-package @ file:///nowhere/no_such_package-1-py3-none-any.whl\n")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "rest").touch()  # of an earlier, interrupted one

    with pytest.raises(SystemExit, match="Cannot install"):
        make(tmp_path / "venv", requirements)

    assert f"Installing {requirements}" in capsys.readouterr().out
    assert not (tmp_path / "venv" / "rest").exists()


def test_a_tool_is_interrupted_while_its_imports_load(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "__main__.py", tmp_path / "tools")
    (tmp_path / "tools" / "slow.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "tools", "slow"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "loading\n"

    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=30)[0] == "\nInterrupted.\n"
    assert process.returncode == 130


def test_an_interrupted_environment_ends_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.environment", tmp_path / "venv", tmp_path / "requirements.txt"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    eventually(lambda: True if list((tmp_path / "venv").glob("lib/*/site-packages")) else None)  # ensurepip runs

    os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C
    said, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Interrupted; run make again" in said
    assert "Traceback" not in said
