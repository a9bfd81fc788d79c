"""Counts what the functions consume of AWS while they run over moto, and times their own code without moto's.

Write and read request units follow from the items, as DynamoDB counts them: a write costs the larger of the item before
and after it, in KB rounded up, twice that in a transaction; each index whose entry comes, goes or moves costs a write
more (two where it moves), in a transaction too. A refused write costs the same; a check in a transaction is charged as
a write.
"""

import io
import json
import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from atelier.adapters.aws import clients
from atelier.logging import logger
from tests.integration.lambdas import Calls, Lambdas
from tests.integration.stack import Stack, aws, template

KB = 1_024
Item = Mapping[str, Mapping[str, Any]]
Key = tuple[str, str, str]
"""A table, an item's `id` and its `record`."""
_WRITES = ("Put", "Update", "Delete", "ConditionCheck")


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation: its AWS calls in order, its request units, and its own CPU time in milliseconds.

    `hosts`: whom it called over HTTP. `stored`: bytes put into the bucket. `logged`: bytes of its log lines.
    """

    function: str
    calls: tuple[str, ...]
    writes: int
    reads: float
    hosts: tuple[str, ...]
    stored: int
    logged: int
    cpu: float


@dataclass
class Meter:
    """Hears of each call of the functions' clients, before and after it is made."""

    calls: list[str] = field(default_factory=list)
    writes: int = 0
    reads: float = 0
    stored: int = 0
    excluded: float = 0
    """CPU seconds that were moto's or the meter's own."""
    _before: dict[Key, Item] = field(default_factory=dict)
    _sent: Any = None
    _depth: int = 0

    def attach(self, patch: pytest.MonkeyPatch) -> None:
        """Begin to hear of calls, and of the time that moto takes."""
        session: Any = clients._session()
        session.register("before-call", self.before)
        session.register("after-call", self.after)
        real = BotocoreStubber.__call__

        def timed(stubber: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
            with self.excluding():
                return real(stubber, *args, **kwargs)

        patch.setattr(BotocoreStubber, "__call__", timed)

    @contextmanager
    def excluding(self) -> Iterator[None]:
        """Take what runs within for somebody else's time."""
        start, self._depth = time.process_time(), self._depth + 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.excluded += time.process_time() - start

    def before(self, *, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        """Note a call, and the items that it is about to write."""
        with self.excluding():
            service = model.service_model.service_name
            self.calls.append(f"{service}:{model.name}")
            if service == "dynamodb":
                self._sent = json.loads(params["body"])
                self._before = {key: _read(key) for _, key in _written(model.name, self._sent)}
            elif model.name == "PutObject":
                self.stored += _length(params["body"])

    def after(self, *, model: Any, parsed: Mapping[str, Any], **_: Any) -> None:
        """Count the request units of a call that was made."""
        if model.service_model.service_name != "dynamodb":
            return
        with self.excluding():
            twice = 2 if model.name == "TransactWriteItems" else 1
            for action, key in _written(model.name, self._sent):
                old = self._before[key]
                new = _read(key) if action != "ConditionCheck" and "Error" not in parsed else old
                self.writes += twice * max(1, math.ceil(max(size(old), size(new)) / KB))
                self.writes += index_writes(key[0], old, new)
            self.reads += _read_units(model.name, self._sent, parsed)


class MeteredLambdas(Lambdas):
    """Runs the handlers, and keeps what each run consumed."""

    def __init__(self, stack: Stack, patch: Any, meter: Meter, hosts: list[Any]) -> None:
        super().__init__(stack, patch, Calls())
        self.runs: list[Run] = []
        self._meter = meter
        self._hosts = hosts

    def invoke(self, function: str, document: dict[str, Any]) -> Any:
        """Run a handler."""
        meter, log = self._meter, io.StringIO()
        meter.calls, meter.writes, meter.reads, meter.stored, meter.excluded = [], 0, 0, 0, 0
        called = len(self._hosts)
        handler = logger.registered_handler
        if not isinstance(handler, logging.StreamHandler):
            raise TypeError("the logger writes to no stream")
        stream, start = handler.setStream(log), time.process_time()
        try:
            answer = super().invoke(function, document)
        finally:
            cpu = time.process_time() - start - meter.excluded
            handler.setStream(stream)
        hosts = tuple(request.url.host for request in self._hosts[called:])
        logged = len(log.getvalue().encode())
        self.runs.append(
            Run(function, tuple(meter.calls), meter.writes, meter.reads, hosts, meter.stored, logged, cpu * 1_000)
        )
        return answer

    def take(self) -> list[Run]:
        """Return the runs since the last time."""
        runs, self.runs = self.runs, []
        return runs


def size(item: Item) -> int:
    """Return an item's size in bytes, as DynamoDB counts it; 0 for none."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    (kind, content), = value.items()  # fmt: skip
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return math.ceil(len(content.lstrip("-").strip("0")) / 2) + 1
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(part) for part in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(part) for name, part in content.items())
        case _:
            raise ValueError(f"an attribute of type {kind}: say here how large it is")


def _length(body: Any) -> int:
    """Return the length of a body, which may be a stream."""
    if isinstance(body, bytes):
        return len(body)
    start = body.tell()
    content = body.read()
    body.seek(start)
    return len(content)


def _written(operation: str, sent: Mapping[str, Any]) -> list[tuple[str, Key]]:
    """List what a call writes or checks, and how."""
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            parts = [(operation.removesuffix("Item"), sent)]
        case "TransactWriteItems":
            parts = [(action, item[action]) for item in sent["TransactItems"] for action in _WRITES if action in item]
        case "BatchWriteItem":
            raise ValueError("the meter does not know batches of writes; teach it")
        case _:
            parts = []
    return [(action, _key(part)) for action, part in parts]


def _key(part: Mapping[str, Any]) -> Key:
    key = part.get("Key") or part["Item"]
    return part["TableName"], key["id"]["S"], key["record"]["S"]


def _read(key: Key) -> Item:
    table, record_id, record = key
    found = aws("dynamodb").get_item(TableName=table, Key={"id": {"S": record_id}, "record": {"S": record}})
    item: Item = found.get("Item", {})
    return item


def index_writes(table: str, old: Item, new: Item) -> int:
    """Count the writes of a table's indexes, which hold keys only."""
    writes = 0
    for index in template()["Resources"][table]["Properties"].get("GlobalSecondaryIndexes", []):
        if index["Projection"]["ProjectionType"] != "KEYS_ONLY":
            raise ValueError("the meter knows indexes of keys only; teach it")
        names = [part["AttributeName"] for part in index["KeySchema"]]
        was, becomes = ([item[name] for name in names if name in item] for item in (old, new))
        entries = [entry for entry in (was, becomes) if len(entry) == len(names)]
        writes += len(entries) if was != becomes else 0
    return writes


def _read_units(operation: str, sent: Mapping[str, Any], parsed: Mapping[str, Any]) -> float:
    match operation:
        case "GetItem":
            return _units(size(parsed.get("Item", {})), consistent=sent.get("ConsistentRead", False))
        case "Query" | "Scan":
            items = parsed.get("Items", [])
            return _units(sum(map(size, items)), consistent=sent.get("ConsistentRead", False))
        case "BatchGetItem":
            units = 0.0
            for table, wanted in sent["RequestItems"].items():
                found = parsed.get("Responses", {}).get(table, [])
                sizes = [*map(size, found), *[0] * (len(wanted["Keys"]) - len(found))]
                units += sum(_units(each, consistent=wanted.get("ConsistentRead", False)) for each in sizes)
            return units
        case _:
            return 0


def _units(read: int, *, consistent: bool) -> float:
    return max(1, math.ceil(read / (4 * KB))) * (1 if consistent else 0.5)


def in_order(calls: tuple[str, ...]) -> str:
    """Write calls in their order, several of one kind in a row as one."""
    groups = [(name.partition(":")[2], len(list(group))) for name, group in groupby(calls)]
    return ", ".join(name + (f" x {number}" if number > 1 else "") for name, number in groups)
