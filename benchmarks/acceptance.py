"""Measures two ways to accept a generation: reading its key, and a remembered key that the transaction checks.

The first table runs the real handler, warm and in turns, against an emulation of AWS in another process that answers
after CALL_MS. The second simulates one key's requests that meet: DynamoDB refuses a transaction while another one holds
an item of it, also where both only check it, and `RecordTable.transact` tries again.

    .venv/bin/python -m benchmarks.acceptance [--rounds 20] [--write]         --write: into docs/performance.md
"""

import argparse
import hashlib
import heapq
import json
import math
import os
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from atelier.adapters.aws import clients
from atelier.adapters.dynamodb import records
from atelier.adapters.dynamodb.acceptance_store import AcceptanceStore
from atelier.adapters.dynamodb.account_store import KEY, AccountStore
from atelier.adapters.dynamodb.records import RecordTable, Write
from atelier.logging import logger
from atelier.ttl_cache import TtlCache
from benchmarks import costs, page
from functions.generate.app.dependencies import dependencies
from tests.integration.lambdas import HANDLERS, Context, request
from tests.integration.stack import aws

READ, REMEMBERED = "reads its key", "remembers its key"
CALL_MS = 4.0
LOCK_MS = 5.0, 10.0
"""For how long a transaction holds its items."""
AT_ONCE = 1, 8, 32, 64
REQUESTS = 200
"""So many does each client make, one after the other."""
SPREAD = 16
"""Over so many records a key's check may be spread."""
REMEMBERED_SECONDS = 10.0


# ---- The real handler, warm


class CheckedTable(RecordTable):
    """The accounts table, in whose transactions a remembered key is checked."""

    check: Write | None = None

    def transact(self, writes: Any, **more: Any) -> None:
        """Make all writes if the key's record is still the one that is remembered."""
        super().transact([*writes, self.check] if self.check else writes, **more)


def remember_keys() -> None:
    """Let generate remember keys; its own records have no version, so a condition of the same kind is checked."""
    deps = dependencies()
    table = CheckedTable(clients.client("dynamodb", brief=True), deps.settings.accounts_table)
    accounts = AccountStore(table)
    keys = TtlCache(accounts.get, seconds=REMEMBERED_SECONDS)

    class Remembered:
        def get(self, key_id: str) -> Any:
            check = {
                "TableName": deps.settings.accounts_table,
                "Key": {"id": {"S": key_id}, "record": {"S": KEY}},
                "ConditionExpression": "version = :version AND attribute_not_exists(revoked_at)",
                "ExpressionAttributeValues": {":version": {"N": "1"}},
            }
            table.check = {"ConditionCheck": check}
            return keys.get(key_id)

    object.__setattr__(deps.authenticate, "keys", Remembered())
    object.__setattr__(deps.accept, "acceptances", AcceptanceStore(table, accounts, deps.generations))


class Aws(BaseHTTPRequestHandler):
    """Answers the calls of an acceptance after CALL_MS."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, key: Any, secrets: Any, *args: Any) -> None:
        self._key, self._secrets = key, secrets
        super().__init__(*args)

    def do_POST(self) -> None:
        """Answer a call by its name."""
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        match self.headers["X-Amz-Target"].partition(".")[2]:
            case "GetItem":
                answer = {"Item": self._key}
            case "GetSecretValue":
                answer = self._secrets[sent["SecretId"]]
            case "SendMessage":
                body = hashlib.md5(sent["MessageBody"].encode(), usedforsecurity=False)
                answer = {"MessageId": "message", "MD5OfMessageBody": body.hexdigest()}
            case _:
                answer = {}
        time.sleep(CALL_MS / 1_000)
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("x-amz-crc32", str(zlib.crc32(content)))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _serve(port: Any, key: Any, secrets: Any) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Aws, key, secrets))
    port.send(server.server_port)
    server.serve_forever()


@contextmanager
def generate() -> Iterator[Callable[[], None]]:
    """Yield what accepts a generation by the emulated AWS."""
    with costs.world() as world:
        environment = {k: str(v) for k, v in world.stack.environment("GenerateFunction").items()}
        key_id = world.key.split("_")[2][:12]
        table, key = environment["ACCOUNTS_TABLE"], {"id": {"S": key_id}, "record": {"S": KEY}}
        record = aws("dynamodb").get_item(TableName=table, Key=key)["Item"]
        record["last_used_at"] = {"N": str(int(time.time() * 1_000) + 3_600_000)}  # its use is noted
        secrets = {
            arn: {"SecretString": aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]}
            for arn in (environment["DIGEST_KEY_ARN"], environment["PROVIDER_KEYS_ARN"])
        }
        payload = {"model": "playground-v2", "input": {"prompt": costs.PROMPT}}
        event = request("generate", authorization=world.key, body=json.dumps(payload))
    context = get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there, record, secrets), daemon=True)
    server.start()
    with pytest.MonkeyPatch.context() as patch, Path(os.devnull).open("w", encoding="utf-8") as nothing:
        emulated = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{here.recv()}", "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none",
        }  # fmt: skip
        for name, value in {**environment, **emulated}.items():
            patch.setenv(name, value)
        handler: Any = logger.registered_handler
        before = handler.setStream(nothing)

        def accept() -> None:
            answer = HANDLERS["generate"](event, Context("generate"))
            if answer["statusCode"] != 202:
                raise RuntimeError(f"the generation was not accepted: {answer}")

        costs.clear_context()
        yield accept
        costs.clear_context()
        handler.setStream(before)
    server.terminate()
    server.join()


@dataclass(frozen=True, slots=True)
class Turn:
    """Requests one after the other: CPU milliseconds of each on average, and how long each took."""

    cpu: float
    times: list[float]


def measure(rounds: int, requests: int = 50) -> dict[str, Turn]:
    """Return the least CPU and the times of the fastest turn of each way: they take turns, on a machine with others."""
    turns: dict[str, list[Turn]] = {READ: [], REMEMBERED: []}
    with generate() as accept:
        for way in (READ, REMEMBERED) * rounds:
            dependencies.cache_clear()
            if way is REMEMBERED:
                remember_keys()
            for _ in range(10):
                accept()
            times = []
            start = time.process_time()
            for _ in range(requests):
                began = time.perf_counter()
                accept()
                times.append((time.perf_counter() - began) * 1_000)
            turns[way].append(Turn((time.process_time() - start) * 1_000 / requests, times))
    return {
        way: Turn(min(turn.cpu for turn in made), min((turn.times for turn in made), key=statistics.median))
        for way, made in turns.items()
    }


# ---- Requests that meet


@dataclass
class Meeting:
    """One key's clients, each of which sends a request as soon as the last one is answered."""

    shared: Callable[[random.Random], tuple[str, ...]]
    """The records that a request's transaction has in common with others."""
    checked: tuple[str, ...]
    """The records that tell whether the key is in force, all of which an edit or a revocation writes."""
    reads: bool
    cpu_ms: float
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    held: dict[str, float] = field(default_factory=dict)
    held_ms: dict[str, float] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    conflicts: int = 0
    refused: int = 0
    end: float = 0

    def run(self, clients_at_once: int) -> "Meeting":
        """Let so many clients make their requests."""
        steps = [(self.chance.random() * CALL_MS, number) for number in range(clients_at_once)]
        running = {number: self._client() for number in range(clients_at_once)}
        heapq.heapify(steps)
        for process in running.values():
            next(process)
        while steps:
            now, number = heapq.heappop(steps)
            try:
                heapq.heappush(steps, (now + running[number].send(now), number))
            except StopIteration:
                self.end = now
        return self

    @property
    def edit_conflicts(self) -> float:
        """How likely an edit of the key meets a transaction that holds one of its records, and is refused."""
        return 1 - math.prod(1 - self.held_ms.get(name, 0) / self.end for name in self.checked)

    def _client(self) -> Generator[float, float, None]:
        now = yield 0.0
        for _ in range(REQUESTS):
            began = now
            now = yield self.cpu_ms + (CALL_MS if self.reads else 0)
            wanted, pause = self.shared(self.chance), records.FIRST_PAUSE_SECONDS
            for _ in range(records.MAX_TRANSACTION_TRIES):
                if all(self.held.get(name, 0) <= now for name in wanted):
                    taken = self.chance.uniform(*LOCK_MS)
                    for name in wanted:
                        self.held[name] = now + taken
                        self.held_ms[name] = self.held_ms.get(name, 0) + taken
                    now = yield taken + CALL_MS
                    break
                self.conflicts += 1
                now = yield CALL_MS + self.chance.uniform(pause / 2, pause) * 1_000
                pause = min(pause * 1.5, records.LONGEST_PAUSE_SECONDS)
            else:
                self.refused += 1
                continue
            now = yield CALL_MS
            self.times.append(now - began)


def meetings(cpu: dict[str, float]) -> Iterator[tuple[str, int, Meeting]]:
    """Let requests of one key meet, by each way."""

    parts = tuple(f"key#{number}" for number in range(SPREAD))
    ways: dict[str, tuple[str, Callable[[random.Random], tuple[str, ...]], tuple[str, ...]]] = {
        f"neither limit nor charge, {READ}": (READ, lambda _: (), ("key",)),
        f"neither, {REMEMBERED}": (REMEMBERED, lambda _: ("key",), ("key",)),
        f"neither, remembered, spread over {SPREAD} records": (
            REMEMBERED,
            lambda chance: (chance.choice(parts),),
            parts,
        ),
        f"a limit or a charge, {READ}": (READ, lambda _: ("counter",), ("key",)),
        f"a limit or a charge, {REMEMBERED}": (REMEMBERED, lambda _: ("counter", "key"), ("key",)),
    }
    for name, (way, shared, checked) in ways.items():
        for number in AT_ONCE:
            yield name, number, Meeting(shared, checked, reads=way is READ, cpu_ms=cpu[way]).run(number)


# ---- Printing


def percentile(times: list[float], part: float) -> float:
    """Return the time that so large a part of the requests does not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def ways(measured: dict[str, Turn]) -> str:
    """Write the table of the two ways; dollars are of what differs, the read, the check and the time in Lambda."""
    _, _, priced = costs.prices()
    lines = [
        f"| an acceptance that | calls | CPU ms | median ms, {CALL_MS:.0f} ms a call | 95 % within | read units "
        "| units of the check | dollars a thousand, of what differs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for way, turn in measured.items():
        read, check = (1, 0) if way is READ else (0, 2)
        seconds = (turn.cpu * costs.FULL_CPU_MB / 512 + (CALL_MS if way is READ else 0)) / 1_000
        used = {"dynamodb-read": read, "dynamodb-write": check, "lambda-gb-second-arm64": seconds / 2}
        spent = sum(1_000 * amount * priced[name].price for name, amount in used.items())
        median, most = percentile(turn.times, 0.5), percentile(turn.times, 0.95)
        lines.append(
            f"| {way} | {2 + read} | {turn.cpu:.2f} | {median:.1f} | {most:.1f} | {read} | {check} | {spent:.5f} |"
        )
    return "\n".join(lines)


def contention(found: list[tuple[str, int, Meeting]]) -> str:
    """Write the table of requests that meet."""
    lines = [
        "| one key, with | at once | requests a second | median ms | 95 % within | conflicts a request | answered 503 "
        "| an edit is refused |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, number, met in found:
        made = number * REQUESTS
        lines.append(
            f"| {name} | {number} | {made * 1_000 / met.end:.0f} | {percentile(met.times, 0.5):.0f} "
            f"| {percentile(met.times, 0.95):.0f} | {met.conflicts / made:.2f} | {met.refused / made:.2%} "
            f"| {met.edit_conflicts:.0%} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure both ways, and print the tables, or write them into docs/performance.md as well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    measured = measure(arguments.rounds)
    met = list(meetings({way: turn.cpu for way, turn in measured.items()}))
    found = f"{ways(measured)}\n\n{contention(met)}\n\n{page.machine()}"
    if arguments.write:
        page.put("performance.md", "acceptance", found)
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
