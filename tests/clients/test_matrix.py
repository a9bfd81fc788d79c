"""Released clients of other services, unmodified, against the deployed stack; writes docs/clients.md's table.

Each client is a program of programs/ in an environment of its own, which runs all its scenarios at once.
"""

import json
import os
import re
import struct
import subprocess
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.deployment import Account, Simulators, account_with_key, administer
from tests.lossy_network import lossy_network
from tests.node import NODE
from tools.local_stack import ROOT, Deployed

PROGRAMS = Path(__file__).parent / "programs"
DOCUMENT = ROOT / "docs" / "clients.md"
SCENARIOS = (
    "generate", "n = 2", "url", "sizes", "edit, one", "edit, two", "mask", "stream", "list", "401", "bad parameter",
    "refused", "failed", "no credits", "rate limit", "65 s", "20 MB",
)  # fmt: skip
PYTHON, PYTHON_2, NPM = ".venv-clients", ".venv-clients-openai-2", ".node-clients"
CLIENTS = {
    "httpx, Atelier's own API": (PYTHON, "raw.py", "httpx"),
    "openai-python 3": (PYTHON, "openai_python.py", "openai"),
    "openai-python 2": (PYTHON_2, "openai_python.py", "openai"),
    "openai-node": (NPM, "clients.mjs", "openai"),
    "AI SDK openai": (NPM, "clients.mjs", "@ai-sdk/openai"),
    "AI SDK openai-compatible": (NPM, "clients.mjs", "@ai-sdk/openai-compatible"),
    "AI SDK replicate": (NPM, "clients.mjs", "@ai-sdk/replicate"),
    "litellm": (PYTHON, "litellm_python.py", "litellm"),
    "langchain-community": (PYTHON_2, "langchain_python.py", "langchain-community"),
    "replicate-python": (PYTHON, "replicate_python.py", "replicate"),
    "replicate-javascript": (NPM, "clients.mjs", "replicate"),
    "aiohttp": (PYTHON, "raw.py", "aiohttp"),
    "aiohttp, AUTOMATIC1111": (PYTHON, "raw.py", "aiohttp"),
    "requests": (PYTHON, "raw.py", "requests"),
    "axios": (NPM, "clients.mjs", "axios"),
    "node-fetch": (NPM, "clients.mjs", "node-fetch"),
    "curl": (PYTHON, "raw.py", None),
}
"""By name: the environment, the program, and the package."""
SLOW_SECONDS = 65
LONGEST = "65 s"
QUICK = tuple(scenario for scenario in SCENARIOS if scenario != LONGEST)
AT_ONCE = 4
"""So many clients run at the same time, beside those that wait for the longest."""
SIDE = 1_150
PAID, COST = "from-openai", 4
BEGIN, END = "<!-- written by tests/clients/test_matrix.py -->", "<!-- end -->"


def noise() -> bytes:
    """Make a picture that nothing can compress: four of them are 21 MB in base64."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    chance = Random(1)
    rows = b"".join(b"\0" + chance.randbytes(SIDE * 3) for _ in range(SIDE))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def an_account(stack: Deployed, name: str, credits: int | None = None, **limits: Any) -> Account:
    email = f"{name}@clients.example"
    fields = {} if credits is None else {"credits": credits}
    administer(stack, "POST", "/users", email=email, **fields).raise_for_status()
    return account_with_key(stack, email, **limits)


@pytest.fixture(scope="module")
def settings(stack: Deployed, upstream: Deployed) -> dict[str, Any]:
    """What every program is told."""
    account = an_account(stack, "matrix")
    limited = an_account(stack, "limited", requestsPerMinute=1)
    large = httpx.post(
        f"{stack.api}/files", content=noise(), timeout=60,
        headers={"Authorization": account.key, "Content-Type": "image/png"},
    ).raise_for_status()  # fmt: skip
    return {
        "base": stack.api,
        "upstream": upstream.api,
        "key": account.key,
        "limited": limited.key,
        "poor": an_account(upstream, "poor", 0).key,
        "rich": an_account(upstream, "rich", 1_000).key,
        "paid": PAID,
        "slow": {"model": PAID, "prompt": "a slow boat", "idempotency": "slow"},
        "large": {"picture": large.json()["url"], "size": [SIDE, SIDE], "idempotency": "large"},
    }


def start(name: str, settings: dict[str, Any], *scenarios: str) -> "subprocess.Popen[str]":
    environment, program, _ = CLIENTS[name]
    folder = ROOT / environment
    if not folder.is_dir():
        pytest.fail(f"{environment} is not there: run `make clients`")
    interpreter = NODE if environment == NPM else folder / "bin" / "python"
    return subprocess.Popen(
        [interpreter, PROGRAMS / program],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={
            "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "CLIENT_NAME": name,
            "CLIENT_SETTINGS": json.dumps(settings), "CLIENT_SCENARIOS": json.dumps(scenarios),
            "CLIENT_PACKAGES": str(ROOT / NPM / "node_modules"), "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
    )  # fmt: skip


def results(program: "subprocess.Popen[str]", seconds: float = 240) -> dict[str, str]:
    """Wait for a program, and return why each of its scenarios failed, "" where it did not."""
    try:
        said, errors = program.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        program.kill()
        return {"program": f"it did not end: {program.communicate()}"}
    if program.returncode:
        return {"program": (said + errors)[-2_000:]}
    found: dict[str, str] = json.loads(said.strip().splitlines()[-1])
    return found


def run(name: str, settings: dict[str, Any], *scenarios: str) -> dict[str, str]:
    """Run some of a client's scenarios."""
    return results(start(name, settings, *scenarios))


def spend_the_minute(settings: dict[str, Any], until: threading.Event) -> None:
    """Keep the limited key's minute used up, whenever the clients come to it: ask as soon as another one begins."""
    body = {"model": "sketch", "prompt": "a boat", "size": "256x256", "stream": False}
    while not until.is_set():
        httpx.post(
            f"{settings['base']}/v1/images/generations", json={**body, "n": "none"}, timeout=60,
            headers={"Authorization": settings["limited"]},
        )  # fmt: skip
        until.wait(60 - time.time() % 60)


@pytest.mark.timeout(420)
def test_every_client_works_unchanged(settings: dict[str, Any], simulators: Simulators) -> None:
    done = threading.Event()
    simulators.openai.hold()
    release = threading.Timer(SLOW_SECONDS, simulators.openai.release)
    release.start()
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(len(CLIENTS) + 1) as waiting, ThreadPoolExecutor(AT_ONCE) as threads:
            waiting.submit(spend_the_minute, settings, done)
            slow = {name: waiting.submit(run, name, settings, LONGEST) for name in CLIENTS}
            quick = {name: threads.submit(run, name, settings, *QUICK) for name in CLIENTS}
            found = {name: {**each.result(), **slow[name].result()} for name, each in quick.items()}
            done.set()
    finally:
        done.set()
        release.cancel()
        simulators.openai.release()
    seconds = time.monotonic() - began
    write(found)
    failed = [f"{name}: {scenario}: {why}" for name, each in found.items() for scenario, why in each.items() if why]
    assert not failed, f"after {seconds:.0f} s:\n" + "\n".join(failed)
    assert simulators.openai.submissions["a slow boat"] < len(CLIENTS)  # those that can name it share one


def version_of(name: str) -> str:
    environment, _, package = CLIENTS[name]
    if package is None:
        said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
        return said.split()[1]
    if environment == NPM:
        found = json.loads((ROOT / NPM / "node_modules" / package / "package.json").read_text())["version"]
        return str(found)
    (folder,) = (ROOT / environment / "lib").glob("python3*/site-packages")
    return next(it.version for it in distributions(path=[str(folder)]) if it.metadata["Name"].lower() == package)


def write(found: dict[str, dict[str, str]]) -> None:
    """Put the table into the document, which changes only where a version or a cell does."""
    lines = ["| | " + " | ".join(SCENARIOS) + " |", "|---|" + ":-:|" * len(SCENARIOS)]
    for name, cells in found.items():
        marks = [("✗" if cells[scenario] else "✓") if scenario in cells else "–" for scenario in SCENARIOS]
        lines.append(f"| {name} ({version_of(name)}) | " + " | ".join(marks) + " |")
    text = DOCUMENT.read_text(encoding="utf-8")
    table = "\n".join([BEGIN, "", *lines, "", END])
    written = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: table, text, flags=re.DOTALL)
    assert BEGIN in text
    if written != text:
        DOCUMENT.write_text(written, encoding="utf-8")


# ---- Dropped connections


@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("name", ["openai-python 3", "openai-python 2", "openai-node"])
def test_a_dropped_answer_is_not_paid_twice(
    name: str, calls: int, upstream: Deployed, settings: dict[str, Any], simulators: Simulators
) -> None:
    simulators.openai.release()
    account = an_account(upstream, f"dropped-{calls}-{name.replace(' ', '-')}", COST * 5)
    prompt = f"a boat for {calls} of {name}"
    with lossy_network(upstream.api, ["answer"] * calls, ["POST"]) as base:
        told = {"base": base, "key": account.key, "model": PAID, "prompt": prompt}
        running = [start(name, {**settings, "dropped": told}, "dropped") for _ in range(calls)]
        found = [results(program) for program in running]

    assert found == [{"dropped": ""}] * calls
    made = account.get("/generations").json()["data"]
    assert len(made) == calls
    assert simulators.openai.submissions[prompt] == calls
    ledger = administer(upstream, "GET", f"/users/{account.user_id}/ledger").json()["data"]
    assert [entry["amount"] for entry in ledger if entry["kind"] == "charge"] == [-COST] * calls
