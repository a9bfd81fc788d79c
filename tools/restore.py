"""Brings back what was lost from a stack's table or bucket; docs/operations.md has the steps.

    .venv/bin/python -m tools.restore table --stack atelier-prod --table AccountsTable --at 2026-11-25T12:00:00Z
    .venv/bin/python -m tools.restore files --stack atelier-prod --since 2026-11-25T12:00:00Z

`table` makes a copy of the table as it was at that time, by its continuous backup, and puts the records that the live
table lacks back into it; with --overwrite also those that differ. `files` undoes the deletions since that time.
"""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

WAIT_SECONDS, WAITS = 20, 360
"""A restore takes from twenty minutes to some hours."""


def restore_table(dynamodb: Any, live: str, at: datetime) -> str:
    """Make a copy of a table as it was, wait until it is there, and return its name."""
    restored = f"{live[:230]}-{at:%Y%m%dT%H%M%S}"
    dynamodb.restore_table_to_point_in_time(SourceTableName=live, TargetTableName=restored, RestoreDateTime=at)
    waiter = dynamodb.get_waiter("table_exists")
    waiter.wait(TableName=restored, WaiterConfig={"Delay": WAIT_SECONDS, "MaxAttempts": WAITS})
    return restored


def copy_records(dynamodb: Any, source: str, target: str, *, overwrite: bool = False) -> tuple[int, int]:
    """Put records of one table into another; returns how many were put, and how many were kept as they are.

    Keys charge from then on, also those of users who are not metered, which does no harm.
    """
    condition = {} if overwrite else {"ConditionExpression": "attribute_not_exists(id)"}
    put = kept = 0
    for page in dynamodb.get_paginator("scan").paginate(TableName=source, ConsistentRead=True):
        for record in page["Items"]:
            record.pop("user_unmetered", None)  # a key charges unless its user is known not to be metered still
            try:
                dynamodb.put_item(TableName=target, Item=record, **condition)
                put += 1
            except ClientError as exc:
                if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                kept += 1
    return put, kept


def restore_files(s3: Any, bucket: str, since: datetime, prefix: str = "") -> int:
    """Undo the deletions of files since a time; returns how many came back."""
    restored = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for marker in page.get("DeleteMarkers", []):
            if marker["IsLatest"] and marker["LastModified"] >= since:
                s3.delete_object(Bucket=bucket, Key=marker["Key"], VersionId=marker["VersionId"])
                restored += 1
    return restored


def main() -> int:
    """Look up the stack's resource, restore it, and say what was done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    table, files = commands.add_parser("table"), commands.add_parser("files")
    for command in (table, files):
        command.add_argument("--stack", required=True)
    table.add_argument("--table", required=True, choices=["AccountsTable", "GenerationsTable"])
    table.add_argument("--at", required=True, type=_time)
    table.add_argument("--overwrite", action="store_true")
    files.add_argument("--since", required=True, type=_time)
    files.add_argument("--prefix", default="")
    arguments = parser.parse_args()
    if arguments.command == "table":
        dynamodb, live = boto3.client("dynamodb"), _resource(arguments.stack, arguments.table)
        restored = restore_table(dynamodb, live, arguments.at)
        put, kept = copy_records(dynamodb, restored, live, overwrite=arguments.overwrite)
        print(f"Put {put} records into {live}, kept {kept}. Compare, then delete the copy: {restored}")
    else:
        bucket = _resource(arguments.stack, "FilesBucket")
        print(f"Restored {restore_files(boto3.client('s3'), bucket, arguments.since, arguments.prefix)} files.")
    return 0


def _resource(stack: str, logical_id: str) -> str:
    answer = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return str(answer["StackResourceDetail"]["PhysicalResourceId"])


def _time(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it is UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
