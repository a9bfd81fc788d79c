"""Simulates what bounds the stack on AWS: quotas, hot partitions, and records that many transactions write.

Requests arrive by chance from users, keys, webhook hosts and providers of uneven size. Each loads the partitions
that it writes, as docs/architecture.md says; a resource breaks where its load passes its capacity. Load grows in
proportion to the rate, so the rate at which each resource breaks follows from its load at any rate.

All parameters are in AWS, TRAFFIC and the designs below: change them there, and run this again.

    .venv/bin/python benchmarks/scale.py [--write]         --write: put the tables into docs/scale.md
"""

import argparse
import math
import random
import sys
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from atelier.adapters.dynamodb.generation_store import DUE_SHARDS, LIST_SHARDS  # noqa: E402
from atelier.adapters.dynamodb.usage_store import SHARDS as USAGE_SHARDS  # noqa: E402
from atelier.generations.reconcile import MAX_PER_RUN  # noqa: E402
from atelier.outbound.circuit_breaker import SLOTS_PER_RECORD  # noqa: E402
from benchmarks import page  # noqa: E402

RATES = (10, 1_000, 10_000)
MOST_REQUESTS = 20_000
"""So many requests are drawn at each rate."""
PAGE = "scale.md"


# ---- Parameters


@dataclass(frozen=True)
class Aws:
    """What AWS gives, per second."""

    partition_writes: float = 1_000
    """Write units of one partition of a table or an index."""
    item_transactions: float = 100
    """Transactions on one item: one at a time, each of about 10 ms; those that meet are repeated."""
    table_writes: float = 40_000
    """Write units of a table by the account's default quota."""
    lambda_concurrency: float = 1_000
    """The account's default quota, in sandboxes."""
    first_shards: int = 4
    """Of a new on-demand table's stream; each partition has one, and partitions split as writes grow."""
    batch_seconds: float = 0.25
    """Time for a batch of stream records, of which only ends of generations pass the filter."""


@dataclass(frozen=True)
class Traffic:
    """Who asks for what."""

    users: int = 2_000
    skew: float = 1.0
    """Zipf's exponent: the first user sends about 12 % of all requests."""
    keys_per_user: int = 2
    limited_keys: float = 0.5
    charged: float = 0.8
    """Share of generations that cost credits, of users with and without a balance."""
    metered: float = 0.5
    webhook: float = 0.6
    shared_host: float = 0.2
    """Share of webhooks that lead to one host that many users share."""
    providers: tuple[float, ...] = (0.5, 0.25, 0.05)
    """Shares of generations; the rest is drawn in the stack."""
    seconds_in_lambda: float = 1.5
    """Of all functions together for a generation: accept, dispatch, ingest, notify, deliver."""
    seconds_of_submission: float = 0.5
    """A slot of a provider is taken for so long."""
    seconds_of_delivery: float = 0.25
    """A slot of a webhook host is taken for so long."""
    slots_used: float = 0.5
    """Of those of a busy upstream; so many calls meet a taken one first, and write once more."""
    record_used: float = 0.8
    """Of the transactions that a record takes."""


@dataclass(frozen=True)
class Design:
    """What the code and the template decide."""

    name: str
    gateway_rps: float
    due_shards: int
    day_shards: int
    concurrency: int
    """The busiest provider's, which the operator sets in the catalog."""
    calls_per_host: int
    """`CallsPerWebhookHost`, which the operator sets; half of it is a user's share."""
    usage_shards: int
    counter_shards: int
    balance_shards: int
    user_shards: int
    writes_balance_of_unmetered: bool
    stream_factor: int
    stream_batch: int
    reconciled_per_minute: float
    lambda_concurrency: float | None = None
    table_writes: float | None = None


AWS, TRAFFIC = Aws(), Traffic()


def slot_transactions(traffic: Traffic) -> float:
    """Return how many transactions a call makes on records of slots: it acquires one, at times twice, and releases."""
    return 2 + traffic.slots_used


def slots_for(calls: float, seconds: float) -> int:
    """Return how many slots so many calls a second need, so that neither slots nor their records run out."""
    slots = calls * seconds / TRAFFIC.slots_used
    records = max(
        slots / SLOTS_PER_RECORD, calls * slot_transactions(TRAFFIC) / (AWS.item_transactions * TRAFFIC.record_used)
    )
    return math.ceil(records) * SLOTS_PER_RECORD


def busiest_concurrency(rate: float) -> int:
    """Return the `concurrency` that the busiest provider needs."""
    return slots_for(rate * max(TRAFFIC.providers), TRAFFIC.seconds_of_submission)


def busiest_calls_per_host(rate: float) -> int:
    """Return what the busiest webhook host needs: that which many share, or the largest user's, who gets half."""
    largest = 1 / sum(1 / rank**TRAFFIC.skew for rank in range(1, TRAFFIC.users + 1))
    of_all, of_one = rate * TRAFFIC.webhook * TRAFFIC.shared_host, rate * TRAFFIC.webhook * largest
    return max(slots_for(of_all, TRAFFIC.seconds_of_delivery), 2 * slots_for(of_one, TRAFFIC.seconds_of_delivery))


BEFORE = Design(
    name="before", gateway_rps=200, due_shards=4, day_shards=1, concurrency=20, calls_per_host=20, usage_shards=1,
    counter_shards=1, balance_shards=1, user_shards=1, writes_balance_of_unmetered=True,
    stream_factor=1, stream_batch=10,
    reconciled_per_minute=400,
)  # fmt: skip
"""The code before anything was spread."""
TODAY = replace(
    BEFORE, name="today", gateway_rps=2_000, due_shards=DUE_SHARDS, day_shards=len(LIST_SHARDS),
    concurrency=busiest_concurrency(1_000), calls_per_host=busiest_calls_per_host(1_000), usage_shards=USAGE_SHARDS,
    writes_balance_of_unmetered=False, stream_factor=10, reconciled_per_minute=MAX_PER_RUN,
    lambda_concurrency=3_000, table_writes=80_000,
)  # fmt: skip
"""This code, in an account whose quotas were raised, with `RequestsPerSecond=2000` and slots for 1,000 rps."""
REMEDIED = replace(
    TODAY, name="on paper", gateway_rps=10_000, due_shards=64, day_shards=32,
    concurrency=busiest_concurrency(10_000), calls_per_host=busiest_calls_per_host(10_000), usage_shards=64,
    counter_shards=16, balance_shards=10, user_shards=16, writes_balance_of_unmetered=False, stream_factor=10,
    reconciled_per_minute=60_000, lambda_concurrency=15_000, table_writes=400_000,
)  # fmt: skip
REMEDIES: Mapping[str, str] = {
    "gateway": "raise the stage's throttle, and the account's 10,000 rps by a request to AWS",
    "Lambda sandboxes": "a quota request: concurrency in proportion to the rate",
    "provider's slots": "slots are spread over records: more of them, by the provider's `concurrency`",
    "webhook host's slots": "the same, by `CallsPerWebhookHost`",
    "usage": "more partitions of a month",
    "user's balance": "write no balance of unmetered users; split a large user's credits over records",
    "key's minute counter": "count in shards, each with its share of the limit",
    "by-user": "spread over a suffix of the key; lists merge the shards",
    "by-user-status": "spread over a suffix of the key; lists merge the shards",
    "by-day": "spread over a suffix of the key; lists merge the shards",
    "due": "more shards",
    "stream": "ParallelizationFactor 10",
    "table writes": "a quota request, and pre-warmed throughput",
}
DESIGNS = (BEFORE, TODAY, REMEDIED)
PASSED, LAST = ("pending", "processing", "uploading"), "success"
"""A generation's statuses; a user's generations of one status are a partition of the index by user and status."""


# ---- The simulation


@dataclass(frozen=True)
class Load:
    """What one request puts on one resource of a kind, where the kind's resources each have a capacity."""

    kind: str
    resource: str
    amount: float


class Population:
    """Draws requests."""

    def __init__(self, traffic: Traffic, seed: int = 7) -> None:
        self._traffic = traffic
        self._dice = random.Random(seed)
        self._users = list(accumulate(1 / rank**traffic.skew for rank in range(1, traffic.users + 1)))
        self._providers = list(accumulate(traffic.providers))

    def request(self, design: Design) -> Iterator[Load]:
        """Draw a request, and list what it loads on its way from acceptance to its webhook."""
        dice, traffic = self._dice, self._traffic
        user = bisect(self._users, dice.random() * self._users[-1])
        provider = bisect(self._providers, dice.random())
        paid = provider < len(self._providers)
        moves = 4 if paid else 3
        """Changes; each rewrites the entry of the index by due time: one goes, and another comes."""
        status_writes = 2 * len(PASSED) + 1
        yield Load("gateway", "", 1 + (0.8 if paid else 0))
        yield Load("Lambda sandboxes", "", traffic.seconds_in_lambda)
        yield Load("by-user", f"{user}/{dice.randrange(design.user_shards)}", 1)
        suffix = dice.randrange(design.user_shards)
        for status in PASSED:
            yield Load("by-user-status", f"{user}/{status}/{suffix}", 2)
        yield Load("by-user-status", f"{user}/{LAST}/{suffix}", 1)
        yield Load("by-day", str(dice.randrange(design.day_shards)), 1)
        yield Load("due", str(dice.randrange(design.due_shards)), 2 * (moves + 1))
        writes = 3.0 * (moves + 2) + 1 + status_writes + 2 * (moves + 1)
        key = dice.randrange(traffic.keys_per_user)
        shard = dice.randrange(USAGE_SHARDS)
        yield Load("usage", str(dice.randrange(design.usage_shards)), 2)
        yield Load("usage", f"{user}/{key}/{provider}/{shard}", AWS.partition_writes / AWS.item_transactions)
        if dice.random() < traffic.limited_keys:
            yield Load("key's minute counter", f"{user}/{key}/{dice.randrange(design.counter_shards)}", 1)
        metered = user % 2 if traffic.metered == 0.5 else dice.random() < traffic.metered
        if dice.random() < traffic.charged and (metered or design.writes_balance_of_unmetered):
            yield Load("user's balance", f"{user}/{dice.randrange(design.balance_shards)}", 1)
        of_slots = slot_transactions(traffic)
        if paid:
            yield Load("provider's slots", f"{provider}/{_record(dice, design.concurrency)}", of_slots)
        if dice.random() < traffic.webhook:
            host = "shared" if dice.random() < traffic.shared_host else str(user)
            yield Load("webhook host's slots", f"{host}/{_record(dice, design.calls_per_host)}", of_slots)
            yield Load("webhook host's slots", f"{host}#{user}/{_record(dice, design.calls_per_host // 2)}", of_slots)
            yield Load("due", str(dice.randrange(design.due_shards)), 4)
            writes += 12
        yield Load("table writes", "", writes)
        yield Load("stream", "", 1)


def _record(dice: random.Random, slots: int) -> int:
    """Draw the record of any one of an upstream's slots."""
    return dice.randrange(slots) // SLOTS_PER_RECORD


def capacities(design: Design, rate: float) -> Mapping[str, float]:
    """Return what one resource of each kind takes in a second."""
    writes = design.table_writes or AWS.table_writes
    shards = max(AWS.first_shards, math.ceil(rate * 40 / AWS.partition_writes))
    return {
        "gateway": design.gateway_rps,
        "Lambda sandboxes": design.lambda_concurrency or AWS.lambda_concurrency,
        "provider's slots": AWS.item_transactions,
        "webhook host's slots": AWS.item_transactions,
        "user's balance": AWS.item_transactions,
        "key's minute counter": AWS.item_transactions,
        "usage": AWS.partition_writes,
        "by-user": AWS.partition_writes,
        "by-user-status": AWS.partition_writes,
        "by-day": AWS.partition_writes,
        "due": AWS.partition_writes,
        "table writes": writes,
        "stream": shards * design.stream_factor * design.stream_batch / AWS.batch_seconds,
    }


def simulate(design: Design, rate: float) -> dict[str, float]:
    """Return how far the busiest resource of each kind is used at a rate: 1 is its capacity."""
    seconds, limits = MOST_REQUESTS / rate, capacities(design, rate)
    return {kind: load / seconds / limits[kind] for kind, load in busiest(design).items()}


@cache
def busiest(design: Design) -> Mapping[str, float]:
    """Draw the requests, and return the load of the busiest resource of each kind."""
    population = Population(TRAFFIC)
    loads: dict[str, Counter[str]] = {}
    for _ in range(MOST_REQUESTS):
        for load in population.request(design):
            loads.setdefault(load.kind, Counter())[load.resource] += load.amount  # type: ignore[assignment]
    return {kind: max(used.values()) for kind, used in loads.items()}


def recovery_hours(design: Design, rate: float, outage_minutes: float = 10) -> float:
    """Return how long reconcile takes to send again what an outage of the queue left."""
    return rate * 60 * outage_minutes / design.reconciled_per_minute / 60


def breaking_rates(design: Design) -> dict[str, float]:
    """Return the rate at which the busiest resource of each kind reaches its capacity, the lowest first."""
    rates = {kind: 1_000 / used for kind, used in simulate(design, 1_000).items()}
    return dict(sorted(rates.items(), key=lambda item: item[1]))


# ---- Printing


def tables() -> str:
    """Write the results as Markdown."""
    before, today, remedied = map(breaking_rates, DESIGNS)
    lines = ["| | broke at, rps | breaks at | on paper | | remedy |", "|---|---|---|---|---|---|"]
    for kind, rate in today.items():
        gain = f"x {remedied[kind] / before[kind]:.0f}"
        lines.append(
            f"| {kind} | {before[kind]:,.0f} | {rate:,.0f} | {remedied[kind]:,.0f} | {gain} | {REMEDIES[kind]} |"
        )
    lines += ["", "How far the busiest resource of each kind is used (1 is its capacity):", ""]
    heads = [f"{design.name}, {rate:,} rps" for design in DESIGNS for rate in RATES]
    lines += ["| | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    used = [simulate(design, rate) for design in DESIGNS for rate in RATES]
    for kind in today:
        cells = [f"**{one[kind]:.2f}**" if one[kind] > 1 else f"{one[kind]:.2f}" for one in used]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    hours = [recovery_hours(design, rate) for design in DESIGNS for rate in RATES]
    lines.append(
        "| hours to resend what 10 minutes without a queue left | " + " | ".join(f"{h:.1f}" for h in hours) + " |"
    )
    return "\n".join(lines)


def main() -> int:
    """Print the tables, or write them into docs/scale.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true")
    found = tables()
    if parser.parse_args().write:
        page.put(PAGE, "simulation", found)
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
