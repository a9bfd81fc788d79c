"""Works out what generations cost on AWS, and writes docs/costs.md.

The real handlers run over moto, put together as the template says. Each of their AWS calls is counted, with its
request units (metering.py); their CPU time is measured here, and what they wait for is taken from WAITS below. Memory,
architecture, snapshots, alarms and secrets are read from template.yaml, prices from prices.toml.

    make costs            or
    .venv/bin/python -m benchmarks.costs [--rounds 7]
"""

import argparse
import base64
import io
import json
import statistics
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from moto import mock_aws
from PIL import Image

from atelier.accounts.api_keys import mint_key
from atelier.accounts.users import new_user
from atelier.adapters.aws import clients
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.http import client as http
from atelier.adapters.http.client import HttpxClient
from atelier.generations.model import Generation, new_generation
from atelier.generations.wait import Wait
from benchmarks.metering import Item, Meter, MeteredLambdas, Run, in_order, size
from tests.integration.lambdas import FACTORIES, HANDLERS, event, request
from tests.integration.stack import REGION, Stack, set_provider_keys, template
from tests.integration.world import BASE, RECEIVER, Internet, Studio
from tests.integration.world import accept as take

ROOT = Path(__file__).resolve().parent.parent
PAGE, BEFORE = ROOT / "docs" / "costs.md", ROOT / "benchmarks" / "costs_before.json"
HOURS = 730
MINUTES = HOURS * 60
FULL_CPU_MB = 1_769
"""The memory at which Lambda gives a function one whole processor."""
PLATFORM_LOG_BYTES = 450
"""Lambda's own lines of an invocation: START, END, REPORT and its trace."""
IDLE_POLLS = 5 * 3
"""Receives a minute by which Lambda asks an empty queue: five pollers, each waiting for 20 s."""
TRACED = 0.05
"""The part of the invocations that X-Ray records where there are many; of few it is one a second."""
OPENAI, STUDIO, STUDIO_FILES = "api.openai.com", "api.artificialstudio.ai", "files.artificialstudio.ai"
WAITS = {  # milliseconds, where nobody is slow
    "dynamodb:GetItem": 4,
    "dynamodb:BatchGetItem": 5,
    "dynamodb:Query": 5,
    "dynamodb:Scan": 5,
    "dynamodb:PutItem": 6,
    "dynamodb:UpdateItem": 6,
    "dynamodb:TransactWriteItems": 15,
    "s3:PutObject": 60,
    "s3:GetObject": 40,
    "s3:HeadObject": 15,
    "s3:DeleteObject": 20,
    "sqs:SendMessage": 8,
    "sns:Publish": 20,
    RECEIVER: 200,
    STUDIO: 500,
    STUDIO_FILES: 300,
    OPENAI: 20_000,
}
MODELS = {"asynchronous provider": "playground-v2", "drawn here": "sketch", "synchronous provider": "gpt-image"}
IDLE = "a month in which nobody asks for anything"
TARGETS = {
    "asynchronous provider, webhook": (
        0.05,
        "$0.026 is gateway, bucket, queues, topic, logs and traces. Three quarters of Lambda's part is `ingest`, which"
        " waits for the provider's files with the memory of a whole processor, to store them soon. Most writes are in"
        " transactions, which cost twice: the generation, usage, slots, the webhook's records.",
    ),
    "drawn here, webhook": (
        0.05,
        "Most of Lambda's part is the drawing, which costs the same at any memory. The writes are limits, usage and the"
        " webhook's records.",
    ),
    "synchronous provider, webhook": (
        0.20,
        "`dispatch` waits 20 s for the provider with 512 MB. With 384 MB it would cost $0.18, but the largest answer"
        " takes 243 MB (measured, 60 MB of JSON), and a client's pictures come on top.",
    ),
    IDLE: (
        4.0,
        "The allowances hold three dashboards, the traces, and half of the requests that poll queues.",
    ),
}
"""The most that a line should cost, and the reason if it costs more."""
WORK_SECONDS = {"drawn here": 3, "asynchronous provider": 10, "synchronous provider": 22}
"""For how long a client waits that waits for its picture."""
PROMPT = "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"

Usage = dict[str, float]
"""How much is used of what has a price, by its name in prices.toml."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs, in dollars, and how many of them are free each month."""

    price: float
    name: str
    allowance: float = 0


# ---- What is run -----------------------------------------------------------------------------------------------------


class World:
    """The stack in moto, and everybody around it: a receiver and two providers, with pictures of one megapixel."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.stack = Stack(WaitSeconds="0")
        self.internet = Internet()
        self.studio = Studio()
        self.picture = photograph()
        answer = json.dumps({"data": [{"b64_json": base64.b64encode(self.picture).decode()}]})
        self.internet.hosts = {
            RECEIVER: take,
            STUDIO: self.studio,
            STUDIO_FILES: lambda _: httpx.Response(200, content=self.picture),
            OPENAI: lambda _: httpx.Response(200, text=answer),
        }
        patch.setattr(http, "client", lambda policy: HttpxClient(httpx.MockTransport(self.internet), policy))
        keys = {"artificial-studio": self.studio.key, "openai": "key"}
        set_provider_keys(self.stack.ref("ProviderKeysSecret"), keys)
        self.key = self._mint()
        clients._session.cache_clear()
        clients.client.cache_clear()  # type: ignore[attr-defined]
        meter = Meter()
        meter.attach(patch)
        self.lambdas = MeteredLambdas(self.stack, patch, meter, self.internet.requests)

    def _mint(self) -> str:
        accounts = AccountStore(RecordTable(clients.client("dynamodb"), self.stack.ref("AccountsTable")))
        user = new_user(email="client@example.com", name="client", now=0)
        digest_key = self.stack.secret("DigestKeySecret")
        record, key = mint_key(name="test", user=user, test=False, digest_key=digest_key, now=0)
        accounts.add_user(user)
        accounts.add_key(record)
        return key

    def generation(self, model: str, *, webhook: bool) -> list[Run]:
        """Take one generation its whole way, and return the runs of the functions in their order."""
        self.studio.status = "processing"
        body: dict[str, Any] = {"model": model, "input": {"prompt": PROMPT}}
        if webhook:
            body["webhook"] = f"https://{RECEIVER}/api/webhook"
        status, _ = self.lambdas.ask(request("generate", authorization=self.key, body=json.dumps(body)))
        if status != 202:
            raise RuntimeError(f"the generation was not accepted: {status}")
        self.lambdas.make()
        if model == "playground-v2":
            self.studio.status = "success"
            self.lambdas.call_back(self.studio.webhook)
        self.lambdas.drain("ingest")
        self.lambdas.stream()
        self.lambdas.drain("deliver")
        rows = self.stack.rows("GenerationsTable")
        if any(item["status"]["S"] != "success" for item in rows if item["record"]["S"] == "generation"):
            raise RuntimeError("the generation did not succeed")
        return self.lambdas.take()

    def fetch(self) -> list[Run]:
        """Fetch the newest picture by its stable URL."""
        path = request("generate", method="GET", path="/generations", authorization=self.key, body="")
        _, listed = self.lambdas.ask(path)
        url = listed["data"][0]["output"].removeprefix(BASE)
        self.lambdas.take()
        self.lambdas.invoke("generate", request("generate", method="GET", path=url))
        return self.lambdas.take()

    def tick(self) -> list[Run]:
        """Run the schedule once, with nothing to do."""
        self.lambdas.invoke("reconcile", event("reconcile"))
        return self.lambdas.take()


@contextmanager
def world() -> Iterator[World]:
    """Make the stack in moto, and leave nothing of it behind."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_REGION", REGION)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.delenv("AWS_PROFILE", raising=False)
        clear_context()
        yield World(patch)
        clear_context()


def clear_context() -> None:
    """Make every sandbox cold, and the clients anew."""
    for factory in FACTORIES:
        factory.cache_clear()
    clients._session.cache_clear()
    clients.client.cache_clear()  # type: ignore[attr-defined]


@cache
def photograph() -> bytes:
    """Paint a picture of 1024 x 1024 that compresses as badly as a photograph."""
    side = 1_024
    gradient = Image.linear_gradient("L").resize((side, side))
    bands = [Image.blend(gradient.rotate(90 * turn), Image.effect_noise((side, side), 24), 0.3) for turn in range(3)]
    written = io.BytesIO()
    Image.merge("RGB", bands).save(written, "PNG")
    return written.getvalue()


def looks(seconds: float) -> float:
    """Count the read units of a client that waits for so long."""
    now, read = [0.0], [0.0]

    class Store:
        def finished(self, generation: Generation) -> bool:
            read[0] += 0.5
            return generation.status.final

        def get(self, _: str) -> Generation:
            read[0] += 1
            return generation

    def sleep(pause: float) -> None:
        now[0] += pause

    generation = new_generation(
        user_id="user", key_id="key", test=False, model="sketch", tool="text-to-image", type="image", payload={},
        webhook=None, correlation_id="costs", now=0,
    )  # fmt: skip
    store: Any = Store()
    Wait(generations=store, sleep=sleep, monotonic=lambda: now[0])(generation, seconds)
    return read[0]


# ---- What it uses ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the page: so many times these runs, with a client that waits for so many seconds, and what else.

    `traced`: the part of its runs that X-Ray records.
    """

    title: str
    runs: tuple[Run, ...] = ()
    times: int = 1_000
    waits: int = 0
    traced: float = TRACED
    besides: Usage = field(default_factory=dict)

    def usage(self, stack: Stack, architecture: str) -> Usage:
        """Add up what it uses on an architecture."""
        used: Usage = defaultdict(float, self.besides)
        for run in self.runs:
            for name, amount in _usage(run, stack, architecture, self.traced).items():
                used[name] += amount * self.times
        if self.waits:
            memory = stack.setting("GenerateFunction", "MemorySize")
            used["dynamodb-read"] += looks(self.waits) * self.times
            used[f"lambda-gb-second-{architecture}"] += self.waits * memory / 1_024 * self.times
        return used


def _usage(run: Run, stack: Stack, architecture: str, traced: float) -> Usage:
    """Add up what one run uses, with what brought it about."""
    resource = f"{run.function.capitalize()}Function"
    memory = stack.setting(resource, "MemorySize")
    used: Usage = defaultdict(
        float,
        {
            "lambda-request": 1,
            f"lambda-gb-second-{architecture}": milliseconds(run, memory) / 1_000 * memory / 1_024,
            "dynamodb-write": run.writes,
            "dynamodb-read": run.reads,
            "sqs-request": run.calls.count("sqs:SendMessage"),
            "sns-publish": run.calls.count("sns:Publish"),
            "s3-put": run.calls.count("s3:PutObject"),
            "s3-get": sum(run.calls.count(f"s3:{name}") for name in ("GetObject", "HeadObject")),
            "logs-gb": (run.logged + PLATFORM_LOG_BYTES) / 1e9,
        },
    )
    if stack.setting(resource, "Tracing") == "Active":
        used["trace"] = traced
    sources = _sources(resource)
    used["api-request"] += "Api" in sources
    used["sqs-request"] += 2 * ("SQS" in sources)  # it is received, and deleted
    return used


def milliseconds(run: Run, memory: int) -> float:
    """Return how long a run takes: its work on its part of a processor, and what it waits for."""
    waits = sum(WAITS[name] for name in (*run.calls, *run.hosts))
    return run.cpu * max(1, FULL_CPU_MB / memory) + waits


def standing(stack: Stack) -> Usage:
    """Add up what a month costs in which nothing happens at all."""
    used: Usage = defaultdict(float)
    for name in HANDLERS:
        resource = f"{name.capitalize()}Function"
        used["sqs-request"] += _sources(resource).count("SQS") * IDLE_POLLS * MINUTES
        if (stack.setting(resource, "SnapStart") or {}).get("ApplyOn") == "PublishedVersions":
            used["lambda-snapshot-gb-second"] += stack.setting(resource, "MemorySize") / 1_024 * HOURS * 3_600
    used["alarm-month"] = stack.count("AWS::CloudWatch::Alarm")
    used["dashboard-month"] = stack.count("AWS::CloudWatch::Dashboard")
    used["secret-month"] = stack.count("AWS::SecretsManager::Secret")
    return used


def kept(stored: int, items: Sequence[Item]) -> Usage:
    """Add up what a generation's month in bucket and table takes, with 100 bytes for each of its index entries."""
    table = sum(size(item) + 100 for item in items) + 100 * 3
    return {"s3-gb-month": stored / 1e9, "dynamodb-gb-month": table / 1e9, "dynamodb-backup-gb-month": table / 1e9}


def _sources(resource: str) -> list[str]:
    return [source["Type"] for source in template()["Resources"][resource]["Properties"]["Events"].values()]


def measure(rounds: int) -> tuple[Stack, list[Line]]:
    """Run everything so often, and once more before that, since a warm sandbox is what counts."""

    def several(run: Callable[[], list[Run]]) -> tuple[Run, ...]:
        measured = [run() for _ in range(rounds + 1)][1:]
        return tuple(
            replace(same[-1], cpu=statistics.median(each.cpu for each in same)) for same in zip(*measured, strict=True)
        )

    with world() as there:
        lines = []
        for kind, model in MODELS.items():
            runs = several(partial(there.generation, model, webhook=True))
            lines.append(Line(title=f"{kind}, webhook", runs=runs))
        for kind, model in MODELS.items():
            runs = several(partial(there.generation, model, webhook=False))
            lines.append(Line(title=f"{kind}, waiting", runs=runs, waits=WORK_SECONDS[kind]))
        stored = sum(run.stored for run in lines[0].runs)
        fetched = {"s3-get": 1_000.0, "transfer-gb": stored * 1_000 / 1e9}
        lines.append(Line(title="a picture fetched", runs=several(there.fetch), besides=fetched))
        newest = max(item["id"]["S"] for item in there.stack.rows("GenerationsTable") if "callback_token" in item)
        items = [item for item in there.stack.rows("GenerationsTable") if item["id"]["S"] == newest]
        month = {name: amount * 1_000 for name, amount in kept(stored, items).items()}
        lines.append(Line(title="a picture kept for a month", besides=month))
        tick = several(there.tick)
        lines.append(Line(title=IDLE, runs=tick, times=MINUTES, traced=1, besides=standing(there.stack)))
        return there.stack, lines


# ---- What it costs ---------------------------------------------------------------------------------------------------


def prices() -> tuple[date, str, dict[str, Price]]:
    """Read the price list: its date, its region, and its prices."""
    document = tomllib.loads((ROOT / "benchmarks" / "prices.toml").read_text(encoding="utf-8"))
    day, region = document.pop("date"), document.pop("region")
    return day, region, {name: Price(**item) for name, item in document.items()}


def dollars(used: Usage, priced: Mapping[str, Price], *, only: str = "", allowances: bool = False) -> float:
    """Price what is used, or the part of it whose names begin so."""
    return sum(
        max(0, amount - (priced[name].allowance if allowances else 0)) * priced[name].price
        for name, amount in used.items()
        if name.startswith(only)
    )


# ---- The page --------------------------------------------------------------------------------------------------------

SERVICES = {
    "Lambda": "lambda",
    "DynamoDB": "dynamodb",
    "API Gateway": "api",
    "S3": "s3",
    "Transfer": "transfer",
    "SQS": "sqs",
    "SNS": "sns",
    "Logs": "logs",
    "Traces": "trace",
    "Secrets": "secret",
    "Alarms": "alarm",
    "Dashboards": "dashboard",
}
HEAD = """# What it costs

`make costs` writes this page. The real handlers run over an emulation of AWS, put together as `template.yaml` says.
Each AWS call is counted, with its request units; CPU time is measured; memory, snapshots, alarms and secrets are read
from the template. Prices are AWS's list prices in {region} of {date} (`benchmarks/prices.toml`), first tier, without
the allowances that every account has, without tax. Providers' own bills come on top.

## A thousand generations, and a month of nothing

In dollars. All lines are for a thousand, but the last.

"""


def page(stack: Stack, lines: Sequence[Line], before: Mapping[str, Mapping[str, float]]) -> str:
    """Write docs/costs.md."""
    day, region, priced = prices()
    text = HEAD.format(region=region, date=day)
    own = stack.setting("GenerateFunction", "Architectures")[0]
    other = "x86_64" if own == "arm64" else "arm64"
    text += table(
        ["", f"{own} (deployed)", other, *(["before"] if before else [])],
        [
            [line.title]
            + [money(dollars(line.usage(stack, arch), priced)) for arch in (own, other)]
            + ([money(before["totals"][line.title])] if before else [])
            for line in lines
        ],
    )
    text += "\n## Targets\n\n"
    text += table(
        ["", "target", "now", "before", "why not less"],
        [
            [title, f"{most:.2f}", now(line, stack, own, priced), money(before["totals"][title]), why]
            for title, (most, why) in TARGETS.items()
            for line in lines
            if line.title == title
        ],
    )
    text += "\n## By service\n\n"
    text += table(
        ["", *SERVICES],
        [[line.title, *(money(dollars(line.usage(stack, own), priced, only=name)) for name in SERVICES.values())]
         for line in lines],
    )  # fmt: skip
    text += "\n## A month in which nobody asks for anything\n\n"
    idle = lines[-1].usage(stack, own)
    text += table(
        ["", "amount", "dollars"],
        [[priced[name].name, f"{amount:,.0f}" if amount >= 10 else f"{amount:,.3g}", money(priced[name].price * amount)]
         for name, amount in sorted(idle.items(), key=lambda item: -priced[item[0]].price * item[1]) if amount],
    )  # fmt: skip
    text += f"\nWith every account's monthly allowances: ${dollars(idle, priced, allowances=True):.2f}.\n"
    text += "\n## Calls\n\nOf a warm sandbox, in their order.\n"
    for line in lines:
        if not line.runs:
            continue
        text += f"\n### {line.title[0].upper()}{line.title[1:]}\n\n"
        text += table(
            ["function", "calls", "write units", "read units", "CPU ms", "ms billed at MB"],
            [row(run, stack) for run in line.runs],
        )
        number = sum(len(run.calls) for run in line.runs)
        text += f"\n{number} calls, {sum(run.writes for run in line.runs)} write units.\n"
    return text + foot()


def now(line: Line, stack: Stack, architecture: str, priced: Mapping[str, Price]) -> str:
    """Write what a line costs; for a month of nothing what is billed beyond the allowances of every account, too."""
    used = line.usage(stack, architecture)
    listed = money(dollars(used, priced))
    return (
        f"{listed}; {money(dollars(used, priced, allowances=True))} with the allowances"
        if line.title == IDLE
        else listed
    )


def row(run: Run, stack: Stack) -> list[str]:
    """Write one run as a row."""
    memory = stack.setting(f"{run.function.capitalize()}Function", "MemorySize")
    billed = f"{milliseconds(run, memory):,.0f} at {memory}"
    return [run.function, in_order(run.calls), str(run.writes), f"{run.reads:g}", f"{run.cpu:.0f}", billed]


def foot() -> str:
    """Write what was assumed and what was left out."""
    waits = ", ".join(f"{name} {ms:,}" for name, ms in WAITS.items())
    works = ", ".join(f"{kind} {seconds} s" for kind, seconds in WORK_SECONDS.items())
    return f"""
## Assumptions

- Below {FULL_CPU_MB:,} MB Lambda gives a function its part of a processor, and CPU time becomes as much longer.
- Waits, in milliseconds: {waits}.
- A client that waits does so for: {works}.
- Pictures have 1024 x 1024 pixels and the bytes of a photograph's PNG; the prompt is the README's.
- The user is not metered and has no budget. Another's request writes balance, ledger and spending as well: eight write
  units, $0.005 for a thousand.
- An index that holds keys costs a write where its entry comes or goes, two where it moves, in a transaction too; the
  table costs twice as much in a transaction. Lambda reads streams for nothing.
- Lambda asks an empty queue {IDLE_POLLS} times a minute.
- X-Ray records an invocation a second of each function and {TRACED:.0%} of the others; of the table above, the latter.
- Lambda's own log lines are {PLATFORM_LOG_BYTES} bytes an invocation.

Left out: cold starts (one of 512 MB that takes 0.6 s of CPU costs $0.00001), CloudWatch's metrics of our own, KMS (one
data key for five minutes of publishing), access logs and WAF, which are options.
"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))


def money(amount: float) -> str:
    """Write dollars to a tenth of a cent; nothing for nothing."""
    return f"{amount:.3f}" if amount >= 0.0005 else ("< 0.001" if amount else "")


def main() -> int:
    """Run everything, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep-as-before", action="store_true", help="later pages show these totals beside their own")
    options = parser.parse_args()
    stack, lines = measure(options.rounds)
    if options.keep_as_before:
        _, _, priced = prices()
        architecture = stack.setting("GenerateFunction", "Architectures")[0]
        totals = {line.title: round(dollars(line.usage(stack, architecture), priced), 4) for line in lines}
        BEFORE.write_text(json.dumps({"totals": totals}, indent=2) + "\n", encoding="utf-8")
    before = json.loads(BEFORE.read_text(encoding="utf-8")) if BEFORE.exists() else {}
    PAGE.write_text(page(stack, lines, before), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
