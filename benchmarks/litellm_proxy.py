"""A LiteLLM proxy with a Router of two deployments, without a database, as the benchmarks compare it."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.local_stack import free_port

ROOT = Path(__file__).resolve().parent.parent
BINARIES = ROOT / ".venv-benchmarks" / "bin"
KEY = "sk-benchmark"
MODEL = "picture"
STARTUP_SECONDS = 180


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    url: str
    pid: int


@contextmanager
def litellm_proxy(upstream: str, key: str, folder: Path) -> Iterator[Proxy]:
    """Run a proxy before an OpenAI API at `upstream`, which both deployments call."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"model": "openai/gpt-image-1", "api_base": upstream, "api_key": key}
    config = {
        "model_list": [{"model_name": MODEL, "litellm_params": settings, "model_info": {"id": name}} for name in "ab"],
        "general_settings": {"master_key": KEY},
    }
    path = folder / "litellm.json"  # JSON is YAML
    path.write_text(json.dumps(config), encoding="utf-8")
    port = free_port()
    with (folder / "litellm.log").open("w") as log:
        process = subprocess.Popen(
            [BINARIES / "litellm", "--config", path, "--host", "127.0.0.1", "--port", str(port)],
            env={
                "PATH": f"{BINARIES}:{os.environ['PATH']}",
                "HOME": str(folder),
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "LITELLM_TELEMETRY": "False",
                "NO_PROXY": "127.0.0.1",
            },
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield Proxy(url, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(STARTUP_SECONDS * 2):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/health/liveliness", timeout=2):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.5)
    raise RuntimeError("The LiteLLM proxy did not start; see litellm.log beside its configuration.")
