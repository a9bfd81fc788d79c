"""What surrounds the handlers: Lambda and the event sources between them."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from botocore.model import OperationModel

from functions.console import app as console
from functions.console.app.dependencies import dependencies as console_dependencies
from functions.deliver import app as deliver
from functions.dispatch import app as dispatch
from functions.generate import app as generate
from functions.generate.app.dependencies import dependencies as generate_dependencies
from functions.ingest import app as ingest
from functions.notify import app as notify
from functions.reconcile import app as reconcile
from functions.webhook import app as webhook
from tests.integration.stack import ROOT, Stack, aws
from tests.integration.world import BASE

HANDLERS: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "console": console.handler,
    "deliver": deliver.handler,
    "dispatch": dispatch.handler,
    "generate": generate.handler,
    "ingest": ingest.handler,
    "notify": notify.handler,
    "reconcile": reconcile.handler,
    "webhook": webhook.handler,
}
FACTORIES = (
    console_dependencies,
    deliver.deliver,
    dispatch.dispatch,
    generate_dependencies,
    ingest.ingest,
    notify.notify,
    reconcile.measurements,
    reconcile.reconcile,
    reconcile.warn_of_budgets,
    webhook.callback,
)
QUEUES = {"dispatch": "DispatchQueue", "ingest": "IngestQueue", "deliver": "DeliveryQueue"}


@cache
def _event_text(name: str) -> str:
    return (ROOT / "events" / f"{name}.json").read_text(encoding="utf-8")


def event(name: str) -> dict[str, Any]:
    """One of events/*.json, the same that `sam local invoke -e` takes."""
    document: dict[str, Any] = json.loads(_event_text(name))
    return document


def request(
    name: str,
    *,
    method: str | None = None,
    path: str | None = None,
    authorization: str | None = None,
    body: str | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An API event, changed where something else is wanted; its own Authorization is a placeholder."""
    document = event(name)
    document["httpMethod"] = document["requestContext"]["httpMethod"] = method or document["httpMethod"]
    document["path"] = path or document["path"]
    if name == "webhook":
        document["pathParameters"] = dict(
            zip(("provider", "generation_id", "token"), document["path"].split("/")[2:], strict=True)
        )
    document["body"] = document["body"] if body is None else body
    document["queryStringParameters"] = query
    given = {"Authorization": authorization} if authorization is not None else {}
    merged = {**document["headers"], **given, **(headers or {})}
    document["headers"] = merged
    document["multiValueHeaders"] = {key: [item] for key, item in merged.items()}
    return document


def queue_event(function: str, *bodies: str) -> dict[str, Any]:
    """A queue's event, with a record for each body."""
    document = event(function)
    (record,) = document["Records"]
    document["Records"] = [
        {**copy.deepcopy(record), "messageId": f"message-{number}", "body": body} for number, body in enumerate(bodies)
    ]
    return document


def message(generation_id: str) -> str:
    return json.dumps({"id": generation_id})


@dataclass
class Calls:
    """The AWS calls that the functions make, as `service:Operation`."""

    made: list[str] = field(default_factory=list)

    def __call__(self, **sent: Any) -> None:
        model: OperationModel = sent["model"]
        self.made.append(f"{model.service_model.service_name}:{model.name}")

    def take(self) -> list[str]:
        made, self.made = self.made, []
        return made


@dataclass(frozen=True)
class Context:
    """What Lambda tells a handler about itself."""

    function_name: str
    function_version: str = "1"
    memory_limit_in_mb: int = 512
    aws_request_id: str = "52fdfc07-2182-454f-963f-5f0f9a621d72"
    timeout: int = 30

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}:live"

    def get_remaining_time_in_millis(self) -> int:
        return self.timeout * 1_000


class Lambdas:
    """Runs the handlers, each with the environment that the template gives it and nothing more."""

    def __init__(self, stack: Stack, monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
        self._stack = stack
        self._monkeypatch = monkeypatch
        self._calls = calls
        self._variables = {name for function in HANDLERS for name in stack.environment(_resource(function))}
        self._stream_position: str | None = None
        self.operations: dict[str, set[str]] = {}

    def invoke(self, function: str, document: dict[str, Any]) -> Any:
        for name in self._variables:
            self._monkeypatch.delenv(name, raising=False)
        for name, value in self._stack.environment(_resource(function)).items():
            self._monkeypatch.setenv(name, value)
        before = len(self._calls.made)
        context = Context(function, timeout=self._stack.setting(_resource(function), "Timeout"))
        answer = HANDLERS[function](document, context)
        self.operations.setdefault(function, set()).update(self._calls.made[before:])
        return answer

    def ask(self, document: dict[str, Any], function: str = "generate") -> tuple[int, Any]:
        """Answer an API event: the status and the parsed body."""
        answer = self.invoke(function, document)
        headers = answer.get("headers") or {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        assert headers["Content-Type"] == "application/json"
        return answer["statusCode"], json.loads(answer["body"])

    def drain(self, function: str) -> list[Any]:
        """Run a queue's function for each message that waits, one by one."""
        url = self._stack.ref(QUEUES[function])
        found = (
            aws("sqs")
            .receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
            )
            .get("Messages", [])
        )
        answers = []
        for item in found:
            document = queue_event(function, item["Body"])
            document["Records"][0] |= {
                "messageId": item["MessageId"],
                "attributes": item["Attributes"],
                "messageAttributes": {
                    name: {key[0].lower() + key[1:]: part for key, part in attribute.items()}
                    for name, attribute in item.get("MessageAttributes", {}).items()
                },
            }
            answers.append(self.invoke(function, document))
            aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=item["ReceiptHandle"])
        return answers

    def make(self) -> list[Any]:
        """Run ingest for what is prepared or drawn there, dispatch, and ingest for what dispatch brought."""
        return [*self.drain("ingest"), *self.drain("dispatch"), *self.drain("ingest")]

    def call_back(self, webhook: str, body: str = '{"_id": "job1", "status": "success"}') -> int:
        """Be the provider that calls back, and return the status of the answer."""
        status, _ = self.ask(request("webhook", path=webhook.removeprefix(BASE), body=body), "webhook")
        return status

    def waiting(self, queue: str) -> list[Any]:
        """The bodies in a queue."""
        found = aws("sqs").receive_message(QueueUrl=self._stack.ref(queue), MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(item["Body"]) for item in found.get("Messages", [])]

    def stream(self) -> list[Any]:
        """Run notify for the table's changes since the last time, those that the template's filter lets through."""
        answers = []
        for record in self._changes():
            document = event("notify")
            change = {**record["dynamodb"], "ApproximateCreationDateTime": 1_767_225_601}
            document["Records"][0].update(record, dynamodb=change)
            if any(_matches(pattern, document["Records"][0]) for pattern in self._stack.filters(*_STREAM)):
                answers.append(self.invoke("notify", document))
        return answers

    def _changes(self) -> list[dict[str, Any]]:
        streams = aws("dynamodbstreams")
        if self._stream_position is None:
            arn = aws("dynamodb").describe_table(TableName=self._stack.ref("GenerationsTable"))["Table"][
                "LatestStreamArn"
            ]
            (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
            self._stream_position = streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        found = streams.get_records(ShardIterator=self._stream_position)
        self._stream_position = found["NextShardIterator"]
        records: list[dict[str, Any]] = found["Records"]
        return records


_STREAM = ("NotifyFunction", "Finished")


def _matches(pattern: Any, value: Any) -> bool:
    """Tell whether an event source's filter lets a record through; it knows lists of exact values only."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(_matches(item, value.get(key)) for key, item in pattern.items())
    assert all(isinstance(item, str) for item in pattern)
    return value in pattern


def _resource(function: str) -> str:
    return f"{function.capitalize()}Function"
