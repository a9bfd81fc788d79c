"""Measures what one bad receiver costs the others: 20 deliveries a second to 20 receivers, without and with a bad one.

The real step delivers, in threads in place of Lambda's sandboxes, with its table in MiniStack, a process of its own, as
the receivers are another. The bad receiver takes turns: it never answers, drips a byte a second, sends 200 MB of gzip,
or headers without end. A delivery's time runs from the moment at which it is due to its end. Both ways take turns, so
that whatever else the machine does falls upon both.

    .venv/bin/python benchmarks/deliveries.py [--rounds 3] [--seconds 10] [--rate 20]
"""

import argparse
import asyncio
import gzip
import multiprocessing
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from atelier.adapters.aws.queues import SqsQueue  # noqa: E402
from atelier.adapters.dynamodb.delivery_store import DeliveryStore  # noqa: E402
from atelier.adapters.dynamodb.generation_store import GenerationStore  # noqa: E402
from atelier.adapters.dynamodb.records import RecordTable  # noqa: E402
from atelier.adapters.http.client import client as http_client  # noqa: E402
from atelier.clock import now_ms  # noqa: E402
from atelier.generations.model import Moment, Status, new_generation  # noqa: E402
from atelier.outbound.url_policy import UrlPolicy  # noqa: E402
from atelier.standard_webhooks import derive_secret  # noqa: E402
from atelier.webhooks.deliver import Deliver  # noqa: E402
from atelier.webhooks.delivery import Attempt  # noqa: E402
from tools.local_stack import REGION, Emulator, free_port, start_emulator  # noqa: E402

RECEIVERS = 20
BAD = 0
THREADS = 64
WARM_UP = 40
BOMB_BYTES = 200 * 1024 * 1024
MAX_P95_RATIO, MAX_BAD_SECONDS, MAX_GROWTH_MB = 1.2, 10.5, 20.0


# ---- The receivers ---------------------------------------------------------------------------------------------------


class Receiver:
    """One receiver; a bad one answers in another bad way each time."""

    def __init__(self, *, bad: bool) -> None:
        self._bad = bad
        self._turn = 0
        self._gzip = gzip.compress(bytes(64 * 1024 * 1024)) if bad else b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            await reader.readexactly(length)
            if self._bad:
                ways = (self._hang, self._drip, self._bomb, self._endless)
                self._turn += 1
                await ways[self._turn % len(ways)](writer)
            else:
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _hang(self, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1_000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(1)

    async def _bomb(self, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {BOMB_BYTES}\r\n\r\n".encode())
        for _ in range(BOMB_BYTES // len(self._gzip) + 1):
            writer.write(self._gzip)
            await writer.drain()

    async def _endless(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 8_000 + b"\r\n")
            await writer.drain()


def serve(ports: Connection, count: int, *, bad: bool) -> None:
    """Run receivers of one kind until the process is ended."""

    async def run() -> None:
        servers = [await asyncio.start_server(Receiver(bad=bad), "127.0.0.1", 0) for _ in range(count)]
        ports.send([server.sockets[0].getsockname()[1] for server in servers])
        await asyncio.Event().wait()

    asyncio.run(run())


# ---- The deliveries --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """The step, and what it works on."""

    deliver: Deliver
    deliveries: DeliveryStore
    generations: GenerationStore


@dataclass(frozen=True)
class Result:
    """What a run of deliveries took: the good ones' seconds, the bad attempts, and how far the memory grew."""

    seconds: list[float]
    bad: list[Attempt]
    growth: float

    def __add__(self, other: "Result") -> "Result":
        return Result(self.seconds + other.seconds, self.bad + other.bad, max(self.growth, other.growth))


def make_bench(endpoint: str) -> Bench:
    """Make the table and the queue, and put the step together as the function does."""
    session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    config = Config(max_pool_connections=THREADS)
    dynamodb, sqs = (session.client(name, endpoint_url=endpoint, config=config) for name in ("dynamodb", "sqs"))
    names = {"id": "S", "record": "S", "due_shard": "S", "due_at": "N"}
    dynamodb.create_table(
        TableName="generations",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in names.items()],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "record", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due_shard", "KeyType": "HASH"}, {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )  # fmt: skip
    queue = SqsQueue(lambda: sqs, sqs.create_queue(QueueName="deliveries")["QueueUrl"])
    table = RecordTable(dynamodb, "generations")
    deliveries = DeliveryStore(table)
    step = Deliver(
        deliveries=deliveries,
        queue=lambda: queue,
        egress=http_client(UrlPolicy(allow_loopback=True)),
        secrets=lambda user_id, _: (derive_secret("signing key", user_id),),
        base_url="https://atelier.example/api",
        source="artificial-studio",
        clock=now_ms,
    )
    return Bench(step, deliveries, GenerationStore(table))


def finish_one(bench: Bench, webhook: str) -> str:
    """Write a finished generation that its webhook has not been told of, and return its id."""
    now = now_ms()
    pending = new_generation(
        user_id="user", key_id="key", test=False, model="sketch", tool="text-to-image", type="image",
        payload={"prompt": "a lighthouse"}, webhook=webhook, correlation_id="benchmark", now=now,
    )  # fmt: skip
    done = pending.failed("It is only a benchmark.", now)
    assert done.timeline == (Moment(Status.ERROR, now),)
    bench.generations.add(done.announced())
    return pending.id


def deliver_one(bench: Bench, generation_id: str, due: float) -> tuple[float, Attempt | None]:
    """Deliver, and return how long that took since it was due, and the attempt."""
    handled = bench.deliver(*bench.deliveries.find(generation_id))
    return time.perf_counter() - due, handled.attempt if handled else None


def run(bench: Bench, urls: list[str], *, seconds: float, rate: float) -> Result:
    """Deliver at a steady rate, to one receiver after the other; `urls[BAD]` may be the bad one."""
    ids = [finish_one(bench, urls[number % RECEIVERS]) for number in range(int(seconds * rate))]
    before = memory()
    peak, over = [before], threading.Event()
    watcher = threading.Thread(target=watch, args=(peak, over))
    watcher.start()
    done: list[Future[tuple[float, Attempt | None]]] = []
    with ThreadPoolExecutor(THREADS) as sandboxes:
        start = time.perf_counter()
        for number, generation_id in enumerate(ids):
            due = start + number / rate
            time.sleep(max(due - time.perf_counter(), 0))
            done.append(sandboxes.submit(deliver_one, bench, generation_id, due))
    over.set()
    watcher.join()
    results = [future.result() for future in done]
    good = [took for number, (took, _) in enumerate(results) if number % RECEIVERS != BAD]
    bad = [attempt for number, (_, attempt) in enumerate(results) if number % RECEIVERS == BAD and attempt]
    return Result(good, bad, peak[0] - before)


def watch(peak: list[float], over: threading.Event) -> None:
    """Keep the most memory that there was."""
    while not over.wait(0.05):
        peak[0] = max(peak[0], memory())


def memory() -> float:
    """Return this process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096 / 1024 / 1024


# ---- Side by side ----------------------------------------------------------------------------------------------------


def report(without: Result, bad: Result) -> bool:
    """Print both runs side by side, and return whether the bounds hold."""
    ways = {"without": without, "with a bad one": bad}
    p50 = {name: statistics.median(result.seconds) * 1_000 for name, result in ways.items()}
    p95 = {name: statistics.quantiles(result.seconds, n=20)[-1] * 1_000 for name, result in ways.items()}
    print(f"{'':34}" + "".join(f"{name:>16}" for name in ways))
    print(f"{'deliveries to good receivers':34}" + "".join(f"{len(result.seconds):16}" for result in ways.values()))
    print(f"{'  median, ms':34}" + "".join(f"{value:16.1f}" for value in p50.values()))
    print(f"{'  95th percentile, ms':34}" + "".join(f"{value:16.1f}" for value in p95.values()))
    print(f"{'memory grew by, MB':34}" + "".join(f"{result.growth:16.1f}" for result in ways.values()))
    longest = max(attempt.duration for attempt in bad.bad) / 1_000
    reasons = sorted({attempt.reason or f"answered {attempt.status_code}" for attempt in bad.bad})
    print(f"attempts at the bad receiver: {len(bad.bad)}, the longest {longest:.2f} s")
    for reason in reasons:
        print(f"  {reason}")
    ratio = p95["with a bad one"] / p95["without"]
    print(f"95th percentile {ratio:.2f}x (bound {MAX_P95_RATIO}x)")
    print(f"longest bad attempt {longest:.2f} s (bound {MAX_BAD_SECONDS} s)")
    print(f"memory +{bad.growth:.1f} MB (bound +{MAX_GROWTH_MB:.0f} MB)")
    return ratio <= MAX_P95_RATIO and longest <= MAX_BAD_SECONDS and bad.growth <= MAX_GROWTH_MB


def main() -> int:
    """Run both, and say whether the bounds hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=20)
    options = parser.parse_args()
    subprocess.run(["make", "--silent", ".venv-local/ready"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe(duplex=False)
    kinds = [processes.Process(target=serve, args=(theirs, count), kwargs={"bad": bad}, daemon=True)
             for count, bad in ((RECEIVERS, False), (options.rounds, True))]  # fmt: skip
    emulator: Emulator | None = None
    without, bad = Result([], [], 0), Result([], [], 0)
    try:
        addresses = []
        for kind in kinds:
            kind.start()
            addresses.append([f"http://127.0.0.1:{port}/webhook" for port in ours.recv()])
        good, worst = addresses
        emulator = start_emulator(free_port(), ROOT / ".local" / "deliveries.log")
        bench = make_bench(emulator.endpoint)
        run(bench, good, seconds=WARM_UP / options.rate, rate=options.rate)
        for one in worst:  # a new one each time, whose breaker is closed
            without += run(bench, good, seconds=options.seconds, rate=options.rate)
            bad += run(bench, [one, *good[1:]], seconds=options.seconds, rate=options.rate)
    finally:
        for kind in kinds:
            kind.terminate()
        if emulator:
            emulator.stop()
    return 0 if report(without, bad) else 1


if __name__ == "__main__":
    sys.exit(main())
