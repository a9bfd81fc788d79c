"""Records in DynamoDB: written under a condition, and sure of who wrote.

The SDK repeats a call whose answer was lost, and then finds its own condition broken by its own first try. So each
write carries a fresh writer token; a failed condition on a record that holds this very token was our success.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from atelier.adapters.aws.clients import translated
from atelier.chance import chance
from atelier.errors import ConflictError, ContendedError, RefusedWritesError, UnavailableError
from atelier.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryOutputTypeDef


Item = TypeVar("Item")
Scalar = str | int | bool | None
Record = Mapping[str, Scalar]
"""A record's attributes; None means that the attribute is absent."""
Write = dict[str, Any]
"""One of DynamoDB's TransactItems."""
MAX_TRANSACTION_TRIES = 40
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
PAGE, MAX_PAGES = 1_000, 20


class RecordTable:
    """A table whose key is `id` and `record`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, record_id: str, kind: str) -> Record | None:
        """Read one record, consistently."""
        with translated("The table"):
            answer = self._client.get_item(TableName=self._table, Key=_key(record_id, kind), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def peek(self, record_id: str, kind: str, name: str) -> Record | None:
        """Read one attribute of a record, perhaps as it was a moment ago."""
        with translated("The table"):
            answer = self._client.get_item(
                TableName=self._table,
                Key=_key(record_id, kind),
                ProjectionExpression="#name",
                ExpressionAttributeNames={"#name": name},
            )
        return _plain(answer["Item"]) if "Item" in answer else None

    def get_first(self, record_id: str, prefix: str, *, limit: int) -> list[Record]:
        """Read the first records of one id whose kinds begin with `prefix`, consistently, in the order of these."""
        return self._get_all(record_id, prefix, limit=limit, forward=True)

    def get_all(self, record_id: str, prefix: str = "", *, limit: int = 1_000) -> list[Record]:
        """Read the records of one id whose kinds begin with `prefix`, consistently, the last kinds first."""
        return self._get_all(record_id, prefix, limit=limit, forward=False)

    def _get_all(self, record_id: str, prefix: str, *, limit: int, forward: bool) -> list[Record]:
        condition, names, values = "#id = :id", {"#id": "id"}, {":id": _value(record_id)}
        if prefix:
            condition += " AND begins_with(#r, :prefix)"
            names["#r"] = "record"
            values[":prefix"] = _value(prefix)
        with translated("The table"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ExpressionAttributeNames=names,
                ConsistentRead=True,
                ScanIndexForward=forward,
                Limit=limit,
            )
        return [_plain(item) for item in answer["Items"]]

    def get_partition(self, record_id: str, prefix: str = "") -> list[Record]:
        """Read all records of one id whose kinds begin with `prefix`, in the order of these."""
        condition, values = "#id = :id", {":id": _value(record_id)}
        names = {"#id": "id"}
        if prefix:
            condition += " AND begins_with(#r, :prefix)"
            names["#r"] = "record"
            values[":prefix"] = _value(prefix)
        pages = self._pages(
            KeyConditionExpression=condition, ExpressionAttributeNames=names, ExpressionAttributeValues=values,
            ConsistentRead=True,
        )  # fmt: skip
        return [record for page in pages for record in page]

    def query(
        self, index: str, partition: tuple[str, str], *, limit: int, before: tuple[str, Scalar] | None = None,
        descending: bool = False, kind: str | None = None,
    ) -> list[Record]:  # fmt: skip
        """Read keys from an index: one partition, at most `limit`, those whose sort key is below `before`.

        Where only records of a `kind` are wanted, MAX_PAGES of PAGE keys are looked at.
        """
        condition, names, values = "#p = :p", {"#p": partition[0]}, {":p": _value(partition[1])}
        if before:
            condition += " AND #s < :s"
            names["#s"] = before[0]
            values[":s"] = _value(before[1])
        filtered = {}
        if kind is not None:
            filtered["FilterExpression"] = "begins_with(#r, :r)"
            names["#r"], values[":r"] = "record", _value(kind)
        pages = self._pages(
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            Limit=limit if kind is None else PAGE,
            ScanIndexForward=not descending,
            **filtered,
        )
        found: list[Record] = []
        for page in islice(pages, None if kind is None else MAX_PAGES):
            found += page
            if len(found) >= limit:
                break
        return found[:limit]

    def glance(self, index: str, limit: int) -> tuple[list[Record], bool]:
        """Read at most `limit` keys of an index, from anywhere in it, and tell whether these are all: one read."""
        with translated("The table"):
            answer = self._client.scan(TableName=self._table, IndexName=index, Limit=limit)
        return [_plain(item) for item in answer["Items"]], "LastEvaluatedKey" not in answer

    def holds(self, index: str, partition: tuple[str, str], sort: tuple[str, Scalar]) -> bool:
        """Tell whether an index has an entry with these keys, perhaps as it was a moment ago."""
        with translated("The table"):
            answer = self._client.query(
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression="#p = :p AND #s = :s",
                ProjectionExpression="#s",
                ExpressionAttributeNames={"#p": partition[0], "#s": sort[0]},
                ExpressionAttributeValues={":p": _value(partition[1]), ":s": _value(sort[1])},
            )
        return bool(answer["Items"])

    def query_ids(
        self, index: str, partition: tuple[str, str], *, least: int, max_reads: int, descending: bool = False
    ) -> tuple[list[Record], bool]:
        """Read the ids of one partition of an index, and tell whether they are all.

        One read brings a megabyte of them; more are made, at most so many, until there are `least`.
        """
        answers = self._answers(
            IndexName=index,
            KeyConditionExpression="#p = :p",
            ProjectionExpression="#id",
            ExpressionAttributeNames={"#p": partition[0], "#id": "id"},
            ExpressionAttributeValues={":p": _value(partition[1])},
            ScanIndexForward=not descending,
        )
        found: list[Record] = []
        for answer in islice(answers, max_reads):
            found += map(_plain, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return found, True
            if len(found) >= least:
                break
        return found, False

    def walk(
        self, index: str, partition: tuple[str, str], *, sort: tuple[str, Scalar] | None = None,
        after: Record | None = None,
    ) -> Iterator[list[Record]]:  # fmt: skip
        """Read keys from one partition of an index, the last ones first, a page of at most PAGE after the other.

        `sort` is the sort key that all of them have; `after` holds the keys of a record: what comes behind it.
        """
        condition, names, values = "#p = :p", {"#p": partition[0]}, {":p": _value(partition[1])}
        if sort:
            condition += " AND #s = :s"
            names["#s"], values[":s"] = sort[0], _value(sort[1])
        start = {"ExclusiveStartKey": {name: _value(value) for name, value in after.items()}} if after else {}
        yield from self._pages(
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            Limit=PAGE,
            **start,
        )

    def _pages(self, **query: Any) -> Iterator[list[Record]]:
        """Read one page after another, as far as somebody takes them."""
        return ([_plain(item) for item in answer["Items"]] for answer in self._answers(**query))

    def _answers(self, **query: Any) -> "Iterator[QueryOutputTypeDef]":
        while True:
            with translated("The table"):
                answer = self._client.query(TableName=self._table, **query)
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def get_many(self, keys: list[tuple[str, str]], *, consistent: bool = False) -> list[Record]:
        """Read at most 100 records by their keys, in the order of the keys; those that are gone are left out."""
        if not keys:
            return []
        wanted = {self._table: {"Keys": [_key(*key) for key in keys], "ConsistentRead": consistent}}
        found: dict[tuple[Scalar, Scalar], Record] = {}
        for _ in range(5):
            with translated("The table"):
                answer = self._client.batch_get_item(RequestItems=wanted)  # type: ignore[arg-type]
            for item in map(_plain, answer["Responses"].get(self._table, [])):
                found[item["id"], item["record"]] = item
            wanted = answer.get("UnprocessedKeys", {})  # type: ignore[assignment]
            if not wanted:
                return [found[key] for key in keys if key in found]
        raise UnavailableError("The table is busy; try again.")

    def insert(self, record: Record) -> None:
        """Write a new record; ConflictError where its key is taken."""
        writer = secrets.token_hex(8)
        try:
            with translated("The table"):
                self._client.put_item(
                    **self.insertion({**record, "writer": writer})["Put"],
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except UnavailableError as exc:
            _ours(exc, writer)

    def replace(self, before: Record, after: Record, *, absent: str | None = None) -> None:
        """Write what differs, if the record still has the version of `before`; else ConflictError.

        So it is where the attribute `absent` is there meanwhile.
        """
        writer = secrets.token_hex(8)
        self._update(self.replacement(before, {**after, "writer": writer}, absent=absent), writer)

    def update(self, key: tuple[str, str], changes: Record, *, condition: str, values: Record) -> Record:
        """Set (or, where None, remove) attributes if `condition` holds, and return the record; else ConflictError."""
        return self._update(self.change(key, changes, condition=condition, values=values), None)

    def default(self, key: tuple[str, str], attribute: tuple[str, Scalar], *, condition: str, values: Record) -> Record:
        """Set an attribute that is not there yet if `condition` holds, and return the record; else ConflictError."""
        expression = _Expression(values)
        name, value = expression.name(attribute[0]), expression.value(attribute[1])
        update = f"SET {name} = if_not_exists({name}, {value})"
        return self._update(self._changed(key, update, condition, expression), None)

    def add(
        self, key: tuple[str, str], amounts: Mapping[str, int], changes: Record, *, condition: str, values: Record
    ) -> Record:
        """Add to numbers and set attributes if `condition` holds, and return the record; else ConflictError.

        Counts once though the SDK may repeat the call: the writer token of the last one is part of the condition.
        A repeat that another writer overtook counts twice: a limit then refuses too early, and never too late.
        """
        writer = secrets.token_hex(8)
        write = self.addition(
            key,
            amounts,
            {**changes, "writer": writer},
            condition=f"({condition}) AND (attribute_not_exists(writer) OR writer <> :writer)",
            values={**values, ":writer": writer},
        )
        return self._update(write, writer)

    def insertion(self, record: Record) -> Write:
        """Make a write of a new record, for a transaction."""
        item = {name: _value(value) for name, value in record.items() if value is not None}
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(id)"}}

    def deletion(self, key: tuple[str, str]) -> Write:
        """Make the write, for a transaction, that deletes a record if there is one."""
        return {"Delete": {"TableName": self._table, "Key": _key(*key)}}

    def presence(self, key: tuple[str, str]) -> Write:
        """Make a check that a record is there, for a transaction."""
        condition = "attribute_exists(id)"
        return {"ConditionCheck": {"TableName": self._table, "Key": _key(*key), "ConditionExpression": condition}}

    def requirement(self, key: tuple[str, str], condition: str, values: Record) -> Write:
        """Make a check of a condition on a record, for a transaction."""
        expression = _Expression(values)
        check = {"TableName": self._table, "Key": _key(*key), "ConditionExpression": condition}
        return {"ConditionCheck": {**check, "ExpressionAttributeValues": expression.values}}

    def replacement(self, before: Record, after: Record, *, absent: str | None = None) -> Write:
        """Make a write of what differs, on the condition of the version of `before`, for a transaction.

        The attribute `absent` must not be there.
        """
        changes = {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}
        return self.change(
            (str(before["id"]), str(before["record"])),
            changes,
            condition=f"version = :version AND attribute_not_exists({absent})" if absent else "version = :version",
            values={":version": before["version"]},
        )

    def change(self, key: tuple[str, str], changes: Record, *, condition: str, values: Record) -> Write:
        """Make a write that sets (or, where None, removes) attributes if `condition` holds, for a transaction."""
        return self.addition(key, {}, changes, condition=condition, values=values)

    def addition(
        self, key: tuple[str, str], amounts: Mapping[str, int], changes: Record, *, condition: str, values: Record
    ) -> Write:
        """Make a write that adds to numbers and sets attributes if `condition` holds, for a transaction.

        A transaction's own token keeps it from counting twice.
        """
        expression = _Expression(values)
        sets = [f"{expression.name(n)} = {expression.value(v)}" for n, v in changes.items() if v is not None]
        removes = [expression.name(name) for name, value in changes.items() if value is None]
        adds = [f"{expression.name(name)} {expression.value(amount)}" for name, amount in amounts.items()]
        clauses = {"SET": sets, "REMOVE": removes, "ADD": adds}
        update = " ".join(f"{verb} {', '.join(terms)}" for verb, terms in clauses.items() if terms)
        return self._changed(key, update, condition, expression)

    def _changed(self, key: tuple[str, str], update: str, condition: str, expression: "_Expression") -> Write:
        change = {
            "TableName": self._table,
            "Key": _key(*key),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": expression.names,
            "ExpressionAttributeValues": expression.values,
        }
        return {"Update": {name: value for name, value in change.items() if value != {}}}  # DynamoDB wants none empty

    def transact(self, writes: Sequence[Write], *, tries: int = MAX_TRANSACTION_TRIES) -> None:
        """Make all writes, of this table or others, or none; RefusedWritesError says whose conditions did not hold.

        ContendedError where others wrote the same records at every one of so many tries. Any other UnavailableError
        leaves it unknown whether they were made.
        """
        token = secrets.token_hex(16)
        pause = FIRST_PAUSE_SECONDS
        for _ in range(tries):
            try:
                with translated("The table"):
                    items: Any = list(writes)
                    self._client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            except UnavailableError as exc:
                reasons = _reasons(exc)
                refused = {number for number, code in enumerate(reasons) if code == "ConditionalCheckFailed"}
                if refused:
                    raise RefusedWritesError(refused) from exc
                if "TransactionConflict" not in reasons:
                    raise
            else:
                return
            time.sleep(chance.uniform(pause / 2, pause))
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        raise ContendedError("The table is busy; try again.")

    def _update(self, write: Write, writer: str | None) -> Record:
        try:
            with translated("The table"):
                answer = self._client.update_item(
                    **write["Update"], ReturnValues="ALL_NEW", ReturnValuesOnConditionCheckFailure="ALL_OLD"
                )
        except UnavailableError as exc:
            return _ours(exc, writer)
        return _plain(answer["Attributes"])


class _Expression:
    """Gathers the placeholders of an expression, beside the values that its condition brings along."""

    def __init__(self, values: Record) -> None:
        self.names: dict[str, str] = {}
        self.values = {placeholder: _value(value) for placeholder, value in values.items() if value is not None}

    def name(self, attribute: str) -> str:
        placeholder = f"#{len(self.names)}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, value: Scalar) -> str:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = _value(value)
        return placeholder


def _reasons(exc: UnavailableError) -> list[str]:
    """List why each write of a cancelled transaction was not made; empty where it was no cancelled transaction."""
    cause = exc.__cause__
    if not isinstance(cause, ClientError):
        return []
    if cause.response["Error"]["Code"] in ("TransactionInProgressException", "TransactionConflictException"):
        return ["TransactionConflict"]
    found: Any = cause.response.get("CancellationReasons", [])
    return [reason.get("Code", "None") for reason in found]


def _ours(exc: UnavailableError, writer: str | None) -> Record:
    """Return the record that a repeated call of ours has written already; ConflictError where it was another's."""
    cause = exc.__cause__
    if not isinstance(cause, ClientError) or cause.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise exc
    found: Any = cause.response.get("Item", {})
    record = _plain(found)
    if writer is None or record.get("writer") != writer:
        raise ConflictError("the record was changed by another writer") from cause
    return record


def readable(records: Iterable[Record], read: Callable[[Record], Item]) -> list[Item]:
    """Read the records of a list; those that this release cannot read, as a newer one's, are logged and left out."""
    found = []
    for record in records:
        try:
            found.append(read(record))
        except (KeyError, TypeError, ValueError) as exc:
            log_unreadable(str(record["id"]), str(record["record"]), repr(exc))
    return found


@lru_cache
def log_unreadable(record_id: str, kind: str, cause: str) -> None:
    """Log that a record cannot be read, once a sandbox."""
    logger.error("a record cannot be read", unreadable_id=record_id, kind=kind, cause=cause)


def _key(record_id: str, kind: str) -> "dict[str, AttributeValueTypeDef]":
    return {"id": {"S": record_id}, "record": {"S": kind}}


def _value(value: Scalar) -> "AttributeValueTypeDef":
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _plain(item: Mapping[str, Any]) -> Record:
    return {name: plain(value) for name, value in item.items()}


def plain(value: Mapping[str, Any]) -> Scalar:
    """Read one attribute as DynamoDB and its streams write it."""
    (kind, content), = value.items()  # fmt: skip
    return int(content) if kind == "N" else content
