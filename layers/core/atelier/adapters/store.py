"""Generations and deliveries in their table.

A generation's records share its id: `generation`, and `delivery` once its webhook has been tried. Three indexes hold
keys only: `by-user` and `by-day` for lists, and the sparse `due`, which holds just what has something left to do.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from atelier.adapters.breakers import BreakerTable
from atelier.adapters.records import Record, RecordTable, Write, plain
from atelier.breaker import Leave, Peer, Place
from atelier.delivery import Attempt, Delivery, DeliveryStatus
from atelier.document import encode
from atelier.errors import ConfigurationError, ConflictError, NotFoundError
from atelier.generation import Generation, Moment, ProviderAttempt, Status, StoredFile
from atelier.ports import Due

if TYPE_CHECKING:
    from atelier.adapters.accounts import AccountStore

GENERATION, DELIVERY = "generation", "delivery"
DUE_SHARDS = 4
"""The sparse index is spread over this many partitions."""
MAX_DAYS_WALKED = 31
MAX_BATCHES, BATCH = 10, 100
"""A search looks at this many generations, at most, before it answers with what it has found."""
_DAY_MS = 86_400_000
_JSON_FIELDS = ("payload", "webhook_events", "sources", "outputs", "timeline", "attempts")


class GenerationStore:
    """The Generations and Agenda ports, and lists for people."""

    def __init__(self, table: RecordTable, *, accounts: "AccountStore | None" = None, retention_days: int = 90) -> None:
        self._table = table
        self._breakers = BreakerTable(table)
        self._accounts = accounts
        self._retention_ms = retention_days * _DAY_MS

    def add(self, generation: Generation) -> None:
        """Write a new generation, which expires after the retention, at no charge."""
        self._table.insert({**to_record(generation), "expires_at": self.expires_at(generation)})

    def insertion(self, generation: Generation) -> Write:
        """Make the write of a new generation, for a transaction."""
        return self._table.insertion({**to_record(generation), "expires_at": self.expires_at(generation)})

    def expires_at(self, generation: Generation) -> int:
        """Return when a generation expires, in seconds since the Unix epoch."""
        return (generation.created_at + self._retention_ms) // 1_000

    def get(self, generation_id: str) -> Generation:
        """Read one, consistently; NotFoundError where there is none."""
        record = self._table.get(generation_id, GENERATION)
        if record is None:
            raise NotFoundError(f"There is no generation '{generation_id}'.")
        return from_record(record)

    def advance(self, before: Generation, after: Generation, leave: Leave | None = None) -> Generation:
        """Write `after` if the record is still `before`, and leave the provider's place; else ConflictError.

        A generation that is refunded gets its credits back in the same transaction.
        """
        writes = [self._table.replacement(to_record(before), to_record(after))]
        if after.refunded and not before.refunded and after.cost:
            if self._accounts is None:
                raise ConfigurationError("who fails generations must be able to give credits back")
            writes += self._accounts.refund(after.user_id, after.id, after.cost, after.finished_at or 0)
        if leave:
            self._breakers.leave(leave, writes)
        elif len(writes) > 1:
            self._table.transact(writes)
        else:
            self._table.replace(to_record(before), to_record(after))
        return after

    def enter(self, before: Generation, after: Generation, peer: Peer, now: int) -> Place:
        """Write `after` if the record is still `before`, and take a place at its provider, both or neither.

        ConflictError or PeerUnavailableError.
        """
        return self._breakers.enter(peer, now, [self._table.replacement(to_record(before), to_record(after))])

    def record_job(self, generation_id: str, *, callback_token: str, job_id: str | None) -> Generation:
        """Keep a job's id from a callback where none is known, and return the generation.

        NotFoundError where id and token don't match.
        """
        condition = "callback_token = :token" + (" AND attribute_not_exists(job_id)" if job_id else "")
        try:
            return from_record(
                self._table.update(
                    (generation_id, GENERATION),
                    {"called_back": True, "job_id": job_id} if job_id else {"called_back": True},
                    condition=condition,
                    values={":token": callback_token},
                )
            )
        except ConflictError:
            generation = self.get(generation_id)
            if generation.callback_token != callback_token:
                raise NotFoundError("There is no such callback.") from None
            return generation

    def due(self, now: int, limit: int) -> Iterable[Due]:
        """Name at most `limit` overdue records."""
        for shard in range(DUE_SHARDS):
            for record in self._table.query(
                "due", ("due_shard", str(shard)), before=("due_at", now), limit=limit // DUE_SHARDS
            ):
                yield Due(str(record["id"]), str(record["record"]))

    def search(
        self, *, limit: int, now: int, before: str | None = None, user_id: str | None = None,
        status: str | None = None, model: str | None = None,
    ) -> tuple[list[Generation], str | None]:  # fmt: skip
        """List the newest that fit and are older than `before`, and after which id to go on where there may be more.

        Everybody's list looks a month back.
        """
        found: list[Generation] = []
        size = BATCH if status or model else limit
        for _ in range(MAX_BATCHES):
            keys = self._keys_of_user(user_id, size, before) if user_id else self._latest_keys(size, now, before)
            for item in self._read(keys):
                if status in (None, item.status.value) and model in (None, item.model):
                    found.append(item)
                if len(found) == limit:
                    return found, item.id
            if len(keys) < size:
                return found, None
            before = str(keys[-1]["id"])
        return found, before

    def since(self, start: int, *, now: int, limit: int) -> list[Generation]:
        """List everybody's generations since `start`, newest first, at most `limit`."""
        found: list[Generation] = []
        before = None
        while len(found) < limit:
            size = min(limit - len(found), BATCH)
            keys = self._latest_keys(size, now, before, oldest=start)
            found += self._read(keys)
            if len(keys) < size:
                break
            before = str(keys[-1]["id"])
        return [item for item in found if item.created_at >= start]

    def _keys_of_user(self, user_id: str, limit: int, before: str | None) -> list[Record]:
        return self._table.query(
            "by-user",
            ("user_id", user_id),
            before=("id", before) if before else None,
            limit=limit,
            descending=True,
        )

    def _latest_keys(self, limit: int, now: int, before: str | None, oldest: int = 0) -> list[Record]:
        start = min(int(before[:12], 16), now) if before else now
        records: list[Record] = []
        for age in range(MAX_DAYS_WALKED):
            if len(records) >= limit:
                break
            day = datetime.fromtimestamp(start / 1_000, UTC) - timedelta(days=age)
            if day.date() < datetime.fromtimestamp(oldest / 1_000, UTC).date():
                break
            records += self._table.query(
                "by-day", ("created_day", day.date().isoformat()),
                before=("id", before) if before else None, limit=limit - len(records), descending=True,
            )  # fmt: skip
        return records

    def _read(self, records: list[Record]) -> list[Generation]:
        keys = [(str(record["id"]), GENERATION) for record in records]
        return [from_record(record) for record in self._table.get_many(keys)]


class DeliveryStore:
    """The Deliveries port; a delivery, whose body holds the prompt, expires as its generation does."""

    def __init__(self, table: RecordTable, *, retention_days: int = 90) -> None:
        self._table = table
        self._retention_ms = retention_days * _DAY_MS

    def find(self, generation_id: str) -> tuple[Generation, Delivery | None]:
        """Read a generation and its delivery, consistently; NotFoundError where there is no generation."""
        records = {record["record"]: record for record in self._table.get_all(generation_id)}
        if GENERATION not in records:
            raise NotFoundError(f"There is no generation '{generation_id}'.")
        delivery = records.get(DELIVERY)
        return from_record(records[GENERATION]), _delivery(delivery) if delivery else None

    def advance(self, before: Delivery | None, after: Delivery) -> Delivery:
        """Write `after` if the record is still `before` (None: there was none); else ConflictError."""
        if before is None:
            expires = (after.created_at + self._retention_ms) // 1_000
            self._table.insert({**_delivery_record(after), "expires_at": expires})
        else:
            self._table.replace(_delivery_record(before), _delivery_record(after))
        return after


def to_record(generation: Generation) -> Record:
    """Write a generation as a record."""
    fields = {name: getattr(generation, name) for name in Generation.__slots__}
    return {
        **fields,
        **{name: encode(fields[name]) for name in _JSON_FIELDS},
        "status": generation.status.value,
        "record": GENERATION,
        "created_day": datetime.fromtimestamp(generation.created_at / 1_000, UTC).date().isoformat(),
        **_due(generation.id, generation.due_at),
    }


def from_record(record: Record) -> Generation:
    """Read a generation from its record."""
    fields: dict[str, Any] = {name: record[name] for name in Generation.__slots__ if name in record}
    read = {name: json.loads(fields[name]) for name in _JSON_FIELDS}
    return Generation(
        **fields
        | {
            "status": Status(fields["status"]),
            "payload": read["payload"],
            "webhook_events": tuple(map(Status, read["webhook_events"])),
            "sources": tuple(read["sources"]),
            "outputs": tuple(StoredFile(*output) for output in read["outputs"]),
            "timeline": tuple(Moment(Status(status), at, provider) for status, at, provider in read["timeline"]),
            "attempts": tuple(ProviderAttempt(*attempt) for attempt in read["attempts"]),
        }
    )


def from_stream(image: Mapping[str, Any]) -> Generation:
    """Read a generation from a stream record's image."""
    return from_record({name: plain(value) for name, value in image.items()})


def _delivery_record(delivery: Delivery) -> Record:
    return {
        "id": delivery.generation_id,
        "record": DELIVERY,
        "owner": delivery.user_id,
        "url": delivery.url,
        "body": delivery.body,
        "created_at": delivery.created_at,
        "status": delivery.status.value,
        "version": delivery.version,
        "tries": delivery.tries,
        "attempts": json.dumps([asdict(attempt) for attempt in delivery.attempts]),
        **_due(delivery.generation_id, delivery.due_at),
    }


def _delivery(record: Record) -> Delivery:
    fields: dict[str, Any] = dict(record)
    return Delivery(
        generation_id=fields["id"],
        user_id=fields["owner"],
        url=fields["url"],
        body=fields["body"],
        created_at=fields["created_at"],
        status=DeliveryStatus(fields["status"]),
        version=fields["version"],
        tries=fields["tries"],
        attempts=tuple(Attempt(**attempt) for attempt in json.loads(fields["attempts"])),
        due_at=fields.get("due_at"),
    )


def _due(record_id: str, due_at: int | None) -> Record:
    shard = str(int(record_id[-1], 16) % DUE_SHARDS) if due_at is not None else None
    return {"due_at": due_at, "due_shard": shard}
