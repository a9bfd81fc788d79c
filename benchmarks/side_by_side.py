"""Prints one table, measured in one run: Atelier, a reference handler, FastAPI with Mangum, and a LiteLLM proxy.

Two figures each, in milliseconds of CPU: a cold start, from a new process to the first request that it could take, and
a warm request that accepts a picture. The reference (REF) is a handler that only makes `boto3.client("dynamodb")`.
LiteLLM's warm request goes on to a provider that answers at once: a proxy has no way to accept and answer later.
docs/performance.md explains each line.

    make benchmark        or
    .venv/bin/python -m benchmarks.side_by_side [--rounds 9] [--write]
"""

import argparse
import base64
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from benchmarks import cold_start, costs, page, snapshot  # noqa: E402
from benchmarks.litellm_proxy import BINARIES, KEY, MODEL, litellm_proxy  # noqa: E402
from tests.simulators.server import Reply, Request, Simulator, png  # noqa: E402

WARM_REQUESTS = 60
FASTAPI, LITELLM = "FastAPI + Mangum", "LiteLLM proxy"
TARGETS = {
    "generate": 1.0, "console": 1.05, "dispatch": 1.1, "ingest": 1.1, "webhook": 0.85, "notify": 0.85, "deliver": 0.85,
    "reconcile": 0.85, snapshot.FIRST: 0.15,
}  # fmt: skip
"""The most that each may take of the reference's time."""
BEFORE = {
    "generate": 1.46, "console": 1.49, "dispatch": 1.67, "ingest": 1.58, "webhook": 1.09, "notify": 1.04,
    "deliver": 1.20, "reconcile": 1.07,
}  # fmt: skip
"""The same ratios on 2026-11-23, before service models were cut and imports delayed."""


class ImagesAtOnce(Simulator):
    """An OpenAI Images API that takes no time."""

    name = "openai"

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address."""
        return {self.name: self.url}

    def respond(self, request: Request) -> Reply | None:
        """Answer with a picture."""
        picture = base64.b64encode(png("picture")).decode()
        return Reply(200, {"created": 0, "data": [{"b64_json": picture}]})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"error": {"message": words}})


# ---- Cold


def cold(rounds: int) -> dict[str, list[float]]:
    """Time each subject's cold start, in turns."""
    python = BINARIES / "python"
    subjects = cold_start.subjects() | {
        FASTAPI: cold_start.Subject([ROOT], "import benchmarks.others.fastapi_mangum", {}, python),
        LITELLM: cold_start.Subject(
            [], "import litellm.proxy.proxy_server", {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}, python
        ),
    }
    return cold_start.measure(subjects, rounds)


# ---- Warm


def warm_atelier(rounds: int) -> float:
    """Return what generate takes to accept a picture, without the emulated AWS's part."""
    with costs.world() as world:
        runs = [world.generation("playground-v2", webhook=True) for _ in range(rounds + 1)][1:]
    return statistics.median(run.cpu for each in runs for run in each if run.function == "generate")


def warm_fastapi(count: int) -> float:
    """Return what a warm request takes there."""
    command = [str(BINARIES / "python"), "-m", "benchmarks.others.fastapi_mangum", str(count)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout)


def warm_litellm(count: int) -> float:
    """Return what the proxy's processes take for a request."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ImagesAtOnce() as images,
        litellm_proxy(f"{images.url}/v1", images.key, Path(folder)) as proxy,
        httpx.Client(base_url=proxy.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client,
    ):

        def ask(_: int) -> None:
            client.post("/v1/images/generations", json={"model": MODEL, "prompt": "a lighthouse"}).raise_for_status()

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(ask, range(count // 3)))
            before = _group_cpu(proxy.pid)
            list(threads.map(ask, range(count)))
            return (_group_cpu(proxy.pid) - before) / count


def _group_cpu(group: int) -> float:
    """Return the CPU milliseconds of a process group so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks * 1_000 / os.sysconf("SC_CLK_TCK")


# ---- Printing


def table(cold_times: Mapping[str, list[float]], warm: Mapping[str, float]) -> str:
    """Write the table as Markdown."""
    medians = {name: statistics.median(times) for name, times in cold_times.items()}
    lines = [
        "| | cold start, CPU ms | / REF | before | target | warm request, CPU ms | / LiteLLM |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, median in medians.items():
        label = {cold_start.REF: "REF"}.get(name, name if name in (FASTAPI, LITELLM) else f"Atelier {name}")
        cells = [f"{median:.0f}", f"{median / medians[cold_start.REF]:.2f}"]
        cells += [f"{ratios[name]:.2f}" if name in ratios else "" for ratios in (BEFORE, TARGETS)]
        cells += [f"{warm[name]:.1f}", f"{warm[name] / warm[LITELLM]:.2f}"] if name in warm else ["", ""]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def other(times: Mapping[str, list[float]]) -> str:
    """Write the table of what else generate takes, as Markdown."""
    lines = ["| Atelier generate | CPU ms | / REF | target |", "|---|---|---|---|"]
    for name, (median, ratio) in snapshot.compared(times).items():
        if name != cold_start.REF:
            target = f"{TARGETS[name]:.2f}" if name in TARGETS else ""
            lines.append(f"| {name} | {median:.1f} | {ratio:.2f} | {target} |")
    return "\n".join(lines)


def main() -> int:
    """Measure everything, and print the table, or write it into docs/performance.md as well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    subprocess.run(["make", "--silent", ".venv-benchmarks/ready"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    cold_start.make_ready()
    times = cold(arguments.rounds)
    warm = {
        "generate": warm_atelier(arguments.rounds),
        FASTAPI: warm_fastapi(WARM_REQUESTS * 4),
        LITELLM: warm_litellm(WARM_REQUESTS),
    }
    found = f"{table(times, warm)}\n\n{other(snapshot.measure(arguments.rounds))}\n\n{page.machine()}"
    if arguments.write:
        page.put("performance.md", "side by side", found)
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
