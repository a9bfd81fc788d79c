"""Before the snapshot from which `generate` starts: all is made, nothing is read; after it, chance and time are new."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cold_start import environment

ROOT = Path(__file__).parents[2]
PREPARED = """
import json, os, sys, types
opened, hooks = [], []
def note(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"):
        opened.append([event, repr(args)])
sys.addaudithook(note)
sys.modules["snapshot_restore_py"] = types.SimpleNamespace(register_after_restore=hooks.append)
sys.path[:0] = json.loads(sys.argv[1])
from functions.generate import app
from functions.generate.app.dependencies import dependencies
from atelier.adapters.aws import clients
made = dependencies()
"""
TOLD = """
import gc
from atelier.adapters.aws.late_credentials import LateCredentials
from atelier.ttl_cache import TtlCache
objects = gc.get_objects()
print(json.dumps({
    "opened": opened,
    "sockets": [target for fd in os.listdir("/proc/self/fd") if (target := read_link(fd)).startswith("socket:")],
    "clients": clients.client.cache_info().currsize,
    "dependencies": dependencies.cache_info().currsize,
    "credentials": [vars(each) for each in objects if type(each) is LateCredentials and "_found" in vars(each)],
    "cached": [list(each._entries) for each in objects if type(each) is TtlCache and each._entries],
    "late": sorted(name for name in sys.modules if name.startswith("functions.generate.app.routes.")),
    "hooks": [hook.__qualname__ for hook in hooks],
}, default=repr))
"""
READ_LINK = """
def read_link(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""
"""


def run(script: str, start: str = "snap-start") -> str:
    """Run a script after generate's preparation for a snapshot, where a call of AWS would find nobody."""
    variables = environment("generate") | {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "https://127.0.0.1:9",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials",
        "AWS_LAMBDA_INITIALIZATION_TYPE": start,
        "FILES_BUCKET": "files",
        "PATH": os.environ["PATH"],
    }
    paths = json.dumps([str(ROOT), str(ROOT / "layers" / "core")])
    command = [sys.executable, "-I", "-c", PREPARED + READ_LINK + script, paths]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1]


def test_a_snapshot_holds_no_secret_and_no_connection() -> None:
    """Nothing was read from anywhere, so no secret, key or credential can be in the process's memory."""
    told: dict[str, Any] = json.loads(run(TOLD))
    assert told["opened"] == []
    assert told["sockets"] == []
    assert told["credentials"] == []
    assert told["cached"] == []


def test_the_probe_sees_what_a_request_reads() -> None:
    """Listing models asks for the providers' keys: had the preparation done that, the test above would show it."""
    asking = """
from functions.generate.app.snapshot import Context
event = {"httpMethod": "GET", "path": "/models", "requestContext": {}}
assert app.app.resolve(event, Context())["statusCode"] == 503
"""
    told: dict[str, Any] = json.loads(run(asking + TOLD))
    assert any(event == "socket.connect" and "('127.0.0.1', 9)" in args for event, args in told["opened"])


def test_all_that_a_request_needs_is_in_the_snapshot() -> None:
    told: dict[str, Any] = json.loads(run(TOLD))
    assert told["dependencies"] == 1
    assert told["clients"] == 4
    assert {name.rpartition(".")[2] for name in told["late"]} >= {"openai_images", "replicate", "automatic1111"}


def test_other_starts_prepare_nothing() -> None:
    told: dict[str, Any] = json.loads(run("del made\n" + TOLD, start="on-demand"))
    assert told["clients"] == 2
    assert told["hooks"] == []


@pytest.mark.parametrize("count", [3])
def test_chance_and_time_are_new_after_a_restore(count: int) -> None:
    """The generator's state is that of the snapshot in each sandbox, until the runtime calls the hook."""
    script = f"""
import random, secrets
from atelier.chance import chance
from atelier.clock import now_ms
from atelier.generations.model import new_generation
assert [hook.__self__ is random._inst for hook in hooks] == [True]
state, drawn = random.getstate(), []
for _ in range({count}):
    random.setstate(state)
    for hook in hooks:
        hook()
    generation = new_generation(
        user_id="u", key_id="k", test=False, model="m", tool="t", type="image", payload={{}}, webhook=None,
        correlation_id="c", now=now_ms(),
    )
    drawn.append([random.random(), chance.random(), generation.id, generation.file_token])
    import time
    time.sleep(0.002)
print(json.dumps([[len(set(column)) for column in zip(*drawn)], abs(now_ms() - time.time() * 1000) < 50]))
"""
    assert json.loads(run(script)) == [[count] * 4, True]
