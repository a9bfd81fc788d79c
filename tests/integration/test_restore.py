"""The restore steps of docs/operations.md, as far as moto runs them: it copies a table as it is now, not as it was."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools import restore

ROOT = Path(__file__).parents[2]
TABLE = "accounts"
NOW = datetime.now(UTC)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws: None) -> Any:
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "record", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "record")],
    )
    client.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for number in range(5):
        client.put_item(TableName=TABLE, Item=item(number, "before"))
    return client


def item(number: int, value: str) -> dict[str, Any]:
    return {"id": {"S": str(number)}, "record": {"S": "user"}, "value": {"S": value}}


def values(client: Any) -> dict[str, str]:
    return {found["id"]["S"]: found["value"]["S"] for found in client.scan(TableName=TABLE)["Items"]}


@pytest.mark.parametrize(("overwrite", "changed"), [(False, "after"), (True, "before")])
def test_lost_records_come_back_and_later_ones_stay(dynamodb: Any, overwrite: bool, changed: str) -> None:
    copy = restore.restore_table(dynamodb, TABLE, NOW)
    dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": "1"}, "record": {"S": "user"}})
    dynamodb.put_item(TableName=TABLE, Item=item(2, "after"))
    dynamodb.put_item(TableName=TABLE, Item=item(9, "after"))
    put, kept = restore.copy_records(dynamodb, copy, TABLE, overwrite=overwrite)
    assert (put, kept) == ((5, 0) if overwrite else (1, 4))
    assert values(dynamodb) == {
        "0": "before", "1": "before", "2": changed, "3": "before", "4": "before", "9": "after"
    }  # fmt: skip


def test_files_that_were_deleted_since_come_back(aws: None) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="files")
    s3.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
    for key in ("outputs/1/a.png", "outputs/2/b.png", "inputs/c.png"):
        s3.put_object(Bucket="files", Key=key, Body=key.encode())
    s3.delete_object(Bucket="files", Key="outputs/1/a.png")
    s3.delete_object(Bucket="files", Key="inputs/c.png")
    assert restore.restore_files(s3, "files", NOW + timedelta(hours=1)) == 0
    assert restore.restore_files(s3, "files", NOW - timedelta(minutes=1), "outputs/") == 1
    assert s3.get_object(Bucket="files", Key="outputs/1/a.png")["Body"].read() == b"outputs/1/a.png"
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="files")["Contents"]]
    assert keys == ["outputs/1/a.png", "outputs/2/b.png"]


def test_the_documented_commands_are_the_tools(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is run up to its first call of AWS."""
    commands = re.findall(r"-m tools\.restore (.*)", (ROOT / "docs" / "operations.md").read_text())
    assert len(commands) == 2

    class CalledError(Exception):
        pass

    def called(stack: str, logical_id: str) -> str:
        raise CalledError(stack, logical_id)

    monkeypatch.setattr(restore, "_resource", called)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for command in commands:
        monkeypatch.setattr("sys.argv", ["restore", *command.split()])
        with pytest.raises(CalledError):
            restore.main()
