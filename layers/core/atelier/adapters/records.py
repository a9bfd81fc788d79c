"""Records in DynamoDB: written under a condition, and sure of who wrote.

The SDK repeats a call whose answer was lost, and then finds its own condition broken by its own first try. So each
write carries a fresh writer token; a failed condition on a record that holds this very token was our success.
"""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from atelier.adapters.aws import translated
from atelier.errors import ConflictError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Scalar = str | int | bool | None
Record = Mapping[str, Scalar]
"""A record's attributes; None means that the attribute is absent."""


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

    def get_all(self, record_id: str) -> list[Record]:
        """Read all records of one id, consistently."""
        with translated("The table"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="id = :id",
                ExpressionAttributeValues={":id": {"S": record_id}},
                ConsistentRead=True,
            )
        return [_plain(item) for item in answer["Items"]]

    def query(
        self, index: str, partition: tuple[str, str], *, limit: int, before: tuple[str, Scalar] | None = None,
        descending: bool = False,
    ) -> list[Record]:  # fmt: skip
        """Read keys from an index: one partition, at most `limit`, those whose sort key is below `before`."""
        condition, names, values = "#p = :p", {"#p": partition[0]}, {":p": _value(partition[1])}
        if before:
            condition += " AND #s < :s"
            names["#s"] = before[0]
            values[":s"] = _value(before[1])
        with translated("The table"):
            answer = self._client.query(
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                Limit=limit,
                ScanIndexForward=not descending,
            )
        return [_plain(item) for item in answer["Items"]]

    def get_many(self, keys: list[tuple[str, str]]) -> list[Record]:
        """Read at most 100 records by their keys, in the order of the keys; those that are gone are left out."""
        if not keys:
            return []
        wanted = {self._table: {"Keys": [_key(*key) for key in keys]}}
        found: dict[tuple[Scalar, Scalar], Record] = {}
        for _ in range(5):
            with translated("The table"):
                answer = self._client.batch_get_item(RequestItems=wanted)  # type: ignore[arg-type]
            for item in map(_plain, answer["Responses"].get(self._table, [])):
                found[item["id"], item["record"]] = item
            wanted = answer.get("UnprocessedKeys", {})  # type: ignore[assignment]
            if not wanted:
                break
        return [found[key] for key in keys if key in found]

    def insert(self, record: Record) -> None:
        """Write a new record; ConflictError where its key is taken."""
        writer = secrets.token_hex(8)
        item = {name: _value(value) for name, value in record.items() if value is not None}
        try:
            with translated("The table"):
                self._client.put_item(
                    TableName=self._table,
                    Item={**item, "writer": _value(writer)},
                    ConditionExpression="attribute_not_exists(id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except UnavailableError as exc:
            _ours(exc, writer)

    def replace(self, before: Record, after: Record) -> None:
        """Write what differs, if the record still has the version of `before`; else ConflictError."""
        writer = secrets.token_hex(8)
        changes = {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}
        self.update(
            (str(before["id"]), str(before["record"])),
            {**changes, "writer": writer},
            condition="version = :version",
            values={":version": before["version"]},
            writer=writer,
        )

    def update(
        self,
        key: tuple[str, str],
        changes: Record,
        *,
        condition: str,
        values: Record,
        writer: str | None = None,
    ) -> Record:
        """Set (or, where None, remove) attributes if `condition` holds, and return the record; else ConflictError."""
        names = {f"#{number}": name for number, name in enumerate(changes)}
        sets = [f"{n} = :{n[1:]}" for n, name in names.items() if changes[name] is not None]
        removes = [n for n, name in names.items() if changes[name] is None]
        expression = "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(removes) if removes else "")
        new_values = {f":{n[1:]}": changes[name] for n, name in names.items() if changes[name] is not None}
        try:
            with translated("The table"):
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=_key(*key),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues={name: _value(value) for name, value in {**new_values, **values}.items()},
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except UnavailableError as exc:
            return _ours(exc, writer)
        return _plain(answer["Attributes"])


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
