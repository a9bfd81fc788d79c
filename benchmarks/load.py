"""Measures how many requests a second the stack on this machine takes, and how those beyond that are answered.

Requests are sent at a fixed rate, whether or not earlier ones were answered, as many clients would send them. Each asks
for a small drawn picture and does not wait for it. One rate comes after another, each when the work of the one before
is done. The emulator is the limit here: the figures say how this code behaves on one machine, not what AWS takes
(docs/scale.md).

    make benchmark        or
    .venv/bin/python -m benchmarks.load [--seconds 10] [--write]
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core"), str(ROOT / "clients" / "python" / "src")]

from benchmarks import page  # noqa: E402
from tests.deployment import Account, administer, open_account  # noqa: E402
from tools.local_stack import Deployed, build, deploy, free_port, start_emulator  # noqa: E402

RATES = (5, 10, 20, 40)
REQUEST = {"model": "sketch", "input": {"prompt": "a boat", "width": 256, "height": 256}}
LONGEST = 600
"""Seconds after which work that is not done is counted as such."""


@dataclass
class Answers:
    """The answers to the requests of one rate, and the seconds that each took."""

    rate: int
    seconds: list[float]
    statuses: Counter[str]
    done_after: float = 0.0

    def row(self) -> str:
        """Write a line of the table."""
        told = ", ".join(f"{number} x {status}" for status, number in sorted(self.statuses.items()) if status != "202")
        spread = statistics.quantiles(self.seconds, n=20)
        cells = [self.rate, len(self.seconds), self.statuses["202"], told or "–"]
        cells += [f"{statistics.median(self.seconds):.2f}", f"{spread[-1]:.2f}", f"{self.done_after:.0f}"]
        return "| " + " | ".join(map(str, cells)) + " |"


@contextmanager
def deployed() -> Iterator[Deployed]:
    """Start an emulator with the stack in it, and end it."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder) / "build.log")
        emulator = start_emulator(free_port(), Path(folder) / "emulator.log")
        try:
            yield deploy("load", emulator.endpoint, Path(folder) / "deploy.log")
        finally:
            emulator.stop()


async def send(account: Account, rate: int, seconds: int) -> Answers:
    """Send requests at a rate, and count their answers by status and by whether they say when to try again."""
    found = Answers(rate, [], Counter())
    headers = {"Authorization": account.key, "Prefer": "respond-async"}

    async def ask(client: httpx.AsyncClient, at: float) -> None:
        await asyncio.sleep(at - time.monotonic())
        began = time.monotonic()
        try:
            answer = await client.post(f"{account.stack.api}/generate", json=REQUEST, headers=headers)
            later = " with Retry-After" if "Retry-After" in answer.headers else ""
            found.statuses[f"{answer.status_code}{later}"] += 1
        except httpx.HTTPError as exc:
            found.statuses[type(exc).__name__] += 1
        found.seconds.append(time.monotonic() - began)

    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None)) as client:
        start = time.monotonic()
        await asyncio.gather(*(ask(client, start + number / rate) for number in range(rate * seconds)))
    return found


def finished(stack: Deployed) -> float:
    """Return after how many seconds no generation is in progress any more; TimeoutError beyond the longest."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < LONGEST:
        if administer(stack, "GET", "/overview").raise_for_status().json()["inProgress"] == 0:
            return passed
        time.sleep(1)
    raise TimeoutError(f"generations are still in progress {LONGEST} s after the last request")


def measure(seconds: int) -> list[Answers]:
    """Send at one rate after another."""
    results = []
    with deployed() as stack:
        account = open_account(stack, "client@example.com")
        asyncio.run(send(account, 2, 5))  # so that sandboxes are there
        finished(stack)
        for rate in RATES:
            found = asyncio.run(send(account, rate, seconds))
            found.done_after = finished(stack)
            print("  " + found.row(), file=sys.stderr, flush=True)
            results.append(found)
    return results


def table(results: list[Answers]) -> str:
    """Write the table as Markdown."""
    head = (
        "requests a second",
        "sent",
        "accepted",
        "others were told",
        "median s",
        "95 % within s",
        "done after s",
    )
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *(found.row() for found in results)]
    return "\n".join([*lines, "", page.machine()])


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="for which each rate is kept up")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    subprocess.run(["make", "--silent", ".venv-sam/ready", ".venv-local/ready"], cwd=ROOT, check=True)
    found = table(measure(arguments.seconds))
    print(found)
    if arguments.write:
        page.put("performance.md", "load", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
