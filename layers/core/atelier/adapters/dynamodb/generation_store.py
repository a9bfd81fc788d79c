"""Generations in their table; deliveries.py has what stands beside them.

A generation's records share its id: `generation`, a `delivery#<event>` for each event that its webhook gets, and
an `attempt#<event>#<number>` for each attempt of those. Four indexes hold keys only: `by-user`, `by-user-status` and
`by-day` for lists, and the sparse `due`, which holds just what has something left to do.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from atelier.adapters.dynamodb.records import Record, RecordTable, Write, log_unreadable, plain
from atelier.encoding import encode
from atelier.errors import ConfigurationError, ConflictError, NotFoundError, RefusedWritesError, UnreadableRecordError
from atelier.generations.listing import ListRequest, Page
from atelier.generations.model import (
    FINAL,
    Generation,
    ListedGeneration,
    Moment,
    ProviderAttempt,
    Status,
    StoredFile,
    UnreadableGeneration,
    created_at,
)
from atelier.generations.ports import Due

if TYPE_CHECKING:
    from atelier.adapters.dynamodb.circuit_breakers import CircuitBreakerTable
    from atelier.adapters.dynamodb.settlement import Settlement
    from atelier.outbound.circuit_breaker import Release, Slot, Upstream


GENERATION = "generation"
DUE_SHARDS = 32
"""The sparse index is spread over this many partitions. Records of an earlier release are in the first four."""
DUE_KINDS = (GENERATION, "delivery")
ATTEMPT_AT = "attempt_at"
"""When a delivery's next attempt is due; `due_at`, by which the schedule is read, moves on when it is sent again."""
LIST_SHARDS = tuple(f"all#{shard}" for shard in range(16))
"""The partitions of `by-day` over which the list of everybody's generations is spread."""
MAX_DAYS_WALKED = 31
"""Earlier releases put each day into a partition; so many of those are looked at."""
FEW = 400
"""Where the table holds no more generations than that, one read finds all of them, whatever their partition is."""
MAX_KEY_READS = 10
"""Each reads a megabyte of keys."""
MAX_BATCHES, BATCH = 10, 100
"""A search looks at this many generations, at most, before it answers with what it has found."""
SMALL_BYTES = 8_192
"""A record of this size costs as much to read as an entry in each of two partitions of an index: a unit."""
DAY_MS = 86_400_000
_TEST = "#test"
_STATUSES = frozenset(Status)
_JSON_FIELDS = ("payload", "webhook_events", "inputs", "sources", "outputs", "timeline", "attempts")


class GenerationStore:
    """The Generations and Schedule ports, and lists for people."""

    def __init__(self, table: RecordTable, *, accounts: "Settlement | None" = None, retention_days: int = 90) -> None:
        self._table = table
        self._accounts = accounts
        self._retention_ms = retention_days * DAY_MS

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

    def status(self, generation_id: str) -> Status:
        """Read one's status alone, perhaps as it was a moment ago; NotFoundError where there is none."""
        record = self._table.peek(generation_id, GENERATION, "status")
        if record is None:
            raise NotFoundError(f"There is no generation '{generation_id}'.")
        try:
            return Status(str(record["status"]))
        except ValueError as exc:
            raise UnreadableRecordError(f"the generation '{generation_id}'") from exc

    def finished(self, generation: Generation) -> bool:
        """Tell whether one is finished, perhaps as it was a moment ago; NotFoundError where there is none.

        A read costs by the size of the whole record, so of a large one the index is read.
        """
        if len(encode(generation.payload)) <= SMALL_BYTES:
            return self.status(generation.id).final
        owner = world(generation.user_id, test=generation.test)
        return any(self._table.holds(*_partition(owner, status), ("id", generation.id)) for status in FINAL)

    def advance(self, before: Generation, after: Generation, release: "Release | None" = None) -> Generation:
        """Write `after` if the record is still `before`; else ConflictError. Releases the provider's slot in any case.

        It is not taken from a provider whose callback came meanwhile: the job is taken, and may cost. A generation that
        finishes is counted in the usage, and refunded where it is to be, in the same transaction.
        """
        given_back = after.status is Status.PENDING and before.status is Status.PROCESSING and before.job_id is None
        absent = "job_id" if given_back else None
        writes = [self._table.replacement(to_record(before), to_record(after), absent=absent)]
        if after.status.final and not before.status.final:
            if self._accounts is None:
                raise ConfigurationError("a store that finishes generations needs the accounts table")
            writes += self._accounts.settlement(after)
        if release:
            try:
                self._breakers().release(release, writes)
            except RefusedWritesError:
                self.release(release)
                raise
        elif len(writes) > 1:
            self._table.transact(writes)
        else:
            self._table.replace(to_record(before), to_record(after), absent=absent)
        return after

    def release(self, release: "Release") -> None:
        """Release a provider's slot."""
        self._breakers().release(release, [])

    def recovered(self, upstream: str, slots: int, now: int) -> None:
        """Close the breakers of a provider with so many slots, unless the provider asked for a longer rest."""
        self._breakers().close(upstream, slots, now)

    def acquire(self, before: Generation, after: Generation, upstream: "Upstream", now: int) -> "Slot":
        """Write `after` if the record is still `before`, and acquire a slot of its provider, both or neither.

        ConflictError or UpstreamUnavailableError.
        """
        return self._breakers().acquire(upstream, now, [self._table.replacement(to_record(before), to_record(after))])

    def _breakers(self) -> "CircuitBreakerTable":
        from atelier.adapters.dynamodb.circuit_breakers import (
            CircuitBreakerTable,  # for who calls providers, and for nobody's cold start else
        )

        return CircuitBreakerTable(self._table)

    def record_job(self, generation_id: str, *, provider: str, job_id: str) -> Generation:
        """Keep a job's id from a callback if that provider has the generation and none is known; return the generation.

        NotFoundError where there is none.
        """
        with suppress(ConflictError):  # another provider has it
            return from_record(
                self._table.default(
                    (generation_id, GENERATION),
                    ("job_id", job_id),
                    condition="provider = :provider",
                    values={":provider": provider},
                )
            )
        return self.get(generation_id)

    def due(self, now: int, limit: int) -> Iterable[Due]:
        """Name at most `limit` overdue records, the longest overdue first; a kind gets at least half of them.

        One read does where the schedule holds no more than a shard's part of the limit.
        """
        part = -(-limit // DUE_SHARDS)
        records, whole = self._table.glance("due", part)
        if whole:
            found = [due for due in map(_due, records) if due.due_at < now]
        else:
            found = [due for shard in range(DUE_SHARDS) for due in self._due(shard, now, part)]
        found.sort(key=lambda due: due.due_at)
        kinds = [[due for due in found if due.kind == kind] for kind in DUE_KINDS]
        half = limit // len(kinds)
        spare = sum(max(half - len(items), 0) for items in kinds)
        chosen = [due for items in kinds for due in items[: half + spare]]
        return sorted(chosen, key=lambda due: due.due_at)[:limit]

    def _due(self, shard: int, now: int, limit: int) -> list[Due]:
        """Name a shard's overdue records, at most `limit` of each kind; where there are fewer in all, one read does."""
        partition, before = ("due_shard", str(shard)), ("due_at", now)
        records = self._table.query("due", partition, before=before, limit=limit)
        if len(records) == limit:
            records = [
                record
                for kind in DUE_KINDS
                for record in self._table.query("due", partition, before=before, limit=limit, kind=kind)
            ]
        return list(map(_due, records))

    def postpone(self, due: Due, until: int) -> None:
        """Move a record on the schedule, whatever else it holds; ConflictError where it was moved meanwhile.

        A delivery is still due: it keeps that time for its attempt.
        """
        kept = {} if due.kind == GENERATION else {ATTEMPT_AT: due.due_at}
        key, changes = (due.generation_id, due.record), {"due_at": until, **kept}
        self._table.update(key, changes, condition="due_at = :due", values={":due": due.due_at})

    def search(
        self, *, limit: int, now: int, before: str | None = None, user_id: str | None = None,
        status: str | None = None, model: str | None = None, text: str | None = None, since: int = 0,
    ) -> tuple[list[ListedGeneration], str | None]:  # fmt: skip
        """List the newest that fit and are older than `before`, and after which id to go on where there may be more.

        `text` is a part of the prompt, in any case, or the beginning of an id.
        """
        found: list[ListedGeneration] = []
        size = BATCH if model or text or (status and not user_id) else limit
        for _ in range(MAX_BATCHES):
            if user_id:
                keys = self._keys_of_both_worlds(user_id, status, size, before)
            else:
                keys = self._latest_keys(size, now, before, oldest=since)
            for item in self._read(keys):
                if item.created_at < since:
                    return found, None
                if status in (None, item.status) and model in (None, item.model) and _holds(item, text):
                    found.append(item)
                if len(found) == limit:
                    return found, item.id
            if len(keys) < size:
                return found, None
            before = str(keys[-1]["id"])
        return found, before

    def in_progress(self, limit: int = 400) -> int:
        """Count the unfinished generations, up to about `limit`: each has a time at which it is looked at again."""
        records, _ = self._table.glance("due", limit)
        keys = [(str(record["id"]), GENERATION) for record in records if record["record"] == GENERATION]
        batches = (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
        found = [record for batch in batches for record in self._table.get_many(batch)]
        return sum(record["status"] not in FINAL for record in found)

    def page(self, user_id: str, wanted: ListRequest, *, test: bool = False) -> Page:
        """List a part of a user's generations, live or test ones, in two reads of the table.

        By offset a read brings the keys of 10,000 or so, and counts them where these are all. An offset beyond them
        costs a read for each 10,000 more, MAX_KEY_READS at most.
        """
        if wanted.cursor is None:
            keys, whole = self._table.query_ids(
                *_partition(world(user_id, test=test), wanted.status),
                least=wanted.offset + wanted.limit + 1, max_reads=MAX_KEY_READS, descending=True,
            )  # fmt: skip
            total, keys = len(keys) if whole else None, keys[wanted.offset :]
        else:
            owner = world(user_id, test=test)
            total, keys = None, self._keys_of(owner, wanted.status, wanted.limit + 1, wanted.cursor)
        shown = keys[: wanted.limit]
        found = [item for item in self._read(shown) if wanted.status in (None, item.status) and item.test == test]
        return Page(tuple(found), str(shown[-1]["id"]) if len(keys) > wanted.limit else None, total)

    def _keys_of_both_worlds(self, user_id: str, status: str | None, limit: int, before: str | None) -> list[Record]:
        live, test = (self._keys_of(world(user_id, test=test), status, limit, before) for test in (False, True))
        return _latest([*live, *test], limit)

    def _keys_of(self, owner: str, status: str | None, limit: int, before: str | None) -> list[Record]:
        return self._table.query(
            *_partition(owner, status),
            before=("id", before) if before else None,
            limit=limit,
            descending=True,
        )

    def _latest_keys(self, limit: int, now: int, before: str | None, oldest: int = 0) -> list[Record]:
        """Merge the newest keys of all shards with those of the days that reach as far back as they do."""
        records = self._newest(LIST_SHARDS, limit, before)
        if len(records) == limit:
            oldest = max(oldest, created_at(str(records[-1]["id"])))
        else:
            everybodys, whole = self._table.glance("by-day", FEW)
            if whole:
                return _latest([key for key in everybodys if before is None or str(key["id"]) < before], limit)
        start = min(int(before[:12], 16), now) if before else now
        by_day: list[Record] = []
        for age in range(MAX_DAYS_WALKED):
            day = datetime.fromtimestamp(start / 1_000, UTC) - timedelta(days=age)
            if len(by_day) >= limit or day.date() < datetime.fromtimestamp(oldest / 1_000, UTC).date():
                break
            by_day += self._newest([day.date().isoformat()], limit - len(by_day), before)
        return _latest([*records, *by_day], limit)

    def _newest(self, partitions: Iterable[str], limit: int, before: str | None) -> list[Record]:
        below = ("id", before) if before else None
        found = [
            self._table.query("by-day", ("created_day", partition), before=below, limit=limit, descending=True)
            for partition in partitions
        ]
        return _latest([record for records in found for record in records], limit)

    def _read(self, records: list[Record]) -> list[ListedGeneration]:
        keys = [(str(record["id"]), GENERATION) for record in records]
        return [_listed(record) for record in self._table.get_many(keys)]


def _due(record: Record) -> Due:
    name = str(record["record"])
    return Due(str(record["id"]), name.partition("#")[0], name, int(record["due_at"] or 0))


def _latest(records: list[Record], limit: int) -> list[Record]:
    """Return the newest of some records, the newest first: an id begins with its time."""
    return sorted(records, key=lambda record: str(record["id"]), reverse=True)[:limit]


def list_shard(generation_id: str) -> str:
    """Name the partition of `by-day` that holds a generation."""
    return LIST_SHARDS[int(generation_id[-1], 16)]


def _holds(generation: ListedGeneration, text: str | None) -> bool:
    """Tell whether a generation's prompt holds a text, or its id begins with it."""
    if not text:
        return True
    prompt = str(generation.payload.get("prompt", "")) if isinstance(generation, Generation) else ""
    return text.casefold() in prompt.casefold() or generation.id.startswith(text.lower())


def to_record(generation: Generation) -> Record:
    """Write a generation as a record; `midway` lets its changes through the stream's filter before its end."""
    fields = {name: getattr(generation, name) for name in Generation.__slots__}
    owner = world(generation.user_id, test=generation.test)
    return {
        **fields,
        **{name: encode(fields[name]) for name in _JSON_FIELDS},
        "notes": encode(generation.notes) if generation.notes else None,
        "status": generation.status.value,
        "record": GENERATION,
        "user_id": owner,
        "user_status": _user_status(owner, generation.status),
        "created_day": list_shard(generation.id),
        "midway": "yes" if generation.webhook and not set(generation.webhook_events) <= set(FINAL) else None,
        **due_fields(generation.id, generation.due_at),
    }


def from_record(record: Record) -> Generation:
    """Read a generation from its record; UnreadableRecordError where this release cannot.

    Of what a newer release has added, all is left out: attributes, parts of attempts and files, and moments and events
    of statuses that are not known here.
    """
    try:
        return _from_record(record)
    except (KeyError, TypeError, ValueError) as exc:
        raise UnreadableRecordError(f"the generation '{record['id']}'") from exc


def _from_record(record: Record) -> Generation:
    fields: dict[str, Any] = {name: record[name] for name in Generation.__slots__ if name in record}
    read = {name: json.loads(fields[name]) for name in _JSON_FIELDS}
    return Generation(
        **fields
        | {
            "user_id": str(fields["user_id"]).removesuffix(_TEST),
            "status": Status(fields["status"]),
            "payload": read["payload"],
            "webhook_events": tuple(Status(event) for event in read["webhook_events"] if event in _STATUSES),
            "sources": tuple(read["sources"]),
            "inputs": tuple(StoredFile(*_parts(item, StoredFile)) for item in read["inputs"]),
            "outputs": tuple(StoredFile(*_parts(item, StoredFile)) for item in read["outputs"]),
            "timeline": tuple(
                Moment(Status(status), *rest)
                for status, *rest in (_parts(item, Moment) for item in read["timeline"])
                if status in _STATUSES
            ),
            "notes": tuple(json.loads(fields.get("notes") or "[]")),
            "attempts": tuple(ProviderAttempt(*_parts(item, ProviderAttempt)) for item in read["attempts"]),
        }
    )


def _parts(item: Any, kind: type[NamedTuple]) -> list[Any]:
    """Return the parts of a tuple of this kind that are known here."""
    if not isinstance(item, list):
        raise TypeError(f"{kind.__name__} is no list")
    return item[: len(kind._fields)]


def _listed(record: Record) -> ListedGeneration:
    """Read a generation for a list, which one that cannot be read does not hold up."""
    try:
        return from_record(record)
    except UnreadableRecordError as exc:
        log_unreadable(str(record["id"]), GENERATION, repr(exc.__cause__))
        owner = str(record.get("user_id", ""))
        return UnreadableGeneration(
            id=str(record["id"]),
            user_id=owner.removesuffix(_TEST),
            key_id=str(record.get("key_id", "")),
            test=owner.endswith(_TEST),
            model=str(record.get("model", "")),
            status=str(record.get("status", "")),
            cost=int(record.get("cost") or 0),
        )


def from_stream(image: Mapping[str, Any]) -> Generation:
    """Read a generation from a stream record's image."""
    return _from_record({name: plain(value) for name, value in image.items()})


def world(user_id: str, *, test: bool) -> str:
    """Name what a user's live keys made, or the user's test keys: neither finds what the others made."""
    return f"{user_id}{_TEST}" if test else user_id


def _partition(owner: str, status: str | None) -> tuple[str, tuple[str, str]]:
    """Name the index, and the partition of it, that holds a user's generations of one world."""
    if status is None:
        return "by-user", ("user_id", owner)
    return "by-user-status", ("user_status", _user_status(owner, status))


def _user_status(owner: str, status: str) -> str:
    return f"{owner}#{status}"


def due_fields(record_id: str, due_at: int | None) -> Record:
    """Make the attributes that put a record on the schedule, or take it off."""
    shard = str(int(record_id[-2:], 16) % DUE_SHARDS) if due_at is not None else None
    return {"due_at": due_at, "due_shard": shard}
