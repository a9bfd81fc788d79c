"""A client in another language, made from the API's description alone, sends the mission's request."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deployment import MISSION, Account
from tests.node import NODE, packages
from tools.local_stack import ROOT

COMPILER_OPTIONS = {
    "target": "es2022", "module": "commonjs", "moduleResolution": "node10", "lib": ["es2022", "dom", "dom.iterable"],
    "strict": True, "types": ["node"], "outDir": "out", "rootDir": ".", "skipLibCheck": True,
}  # fmt: skip


def node(*arguments: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program in Node; AssertionError with what it said where it fails."""
    ran = subprocess.run(
        [NODE, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def said(alice: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client's program says."""
    folder, installed = tmp_path_factory.mktemp("client"), packages()
    (folder / "node_modules").symlink_to(installed)
    (folder / "openapi.json").write_bytes(httpx.get(f"{alice.stack.api}/openapi.json", timeout=60).content)
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER_OPTIONS, "files": ["mission.ts"]}))
    shutil.copy(ROOT / "tests" / "e2e" / "client" / "mission.ts", folder)
    generator = installed / "@hey-api" / "openapi-ts" / "bin" / "run.js"
    node(generator, "-i", "openapi.json", "-o", "client", "-c", "@hey-api/client-fetch", "--no-log-file", cwd=folder)
    node(installed / "typescript" / "bin" / "tsc", cwd=folder)
    printed = node("out/mission.js", cwd=folder, API_KEY=alice.key, WEBHOOK_SECRET=alice.webhook_secret)
    document: dict[str, Any] = json.loads(printed)
    return document


def test_it_waits_for_the_picture(said: dict[str, Any]) -> None:
    assert said["waited"]["status"] == "success"
    assert said["waited"]["payload"] == json.loads(MISSION)["input"]
    assert httpx.get(said["waited"]["output"], follow_redirects=True, timeout=60).is_success
    assert said["read"] == said["waited"]


def test_it_is_told_by_a_webhook_that_it_can_verify(said: dict[str, Any]) -> None:
    assert said["told"]["status"] == "success"
    assert said["told"]["_id"] == said["told"]["id"] != said["waited"]["id"]


def test_it_is_told_what_is_wrong(said: dict[str, Any]) -> None:
    assert said["refused"]["errors"][0]["code"] == "unknown_model"
