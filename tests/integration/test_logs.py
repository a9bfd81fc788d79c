"""What the functions log: JSON that can be followed, and nothing that must stay secret."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.clock import now_ms
from atelier.generations.model import Status
from atelier.standard_webhooks import derive_secret
from tests.integration.lambdas import Lambdas, event, message, queue_event, request
from tests.integration.samples import finished_example, generation
from tests.integration.stack import Stack, aws
from tests.integration.world import RECEIVER, Internet, Studio, accept

Logs = Callable[[], list[dict[str, Any]]]
SECRETS = ("DigestKeySecret", "SigningKeySecret", "ConsoleSecret")


def overdue(stack: Stack, generation_id: str, kind: str) -> None:
    """Let a record's time come."""
    aws("dynamodb").update_item(
        TableName=stack.ref("GenerationsTable"),
        Key={"id": {"S": generation_id}, "record": {"S": kind}},
        UpdateExpression="SET due_at = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )


def secrets(stack: Stack, studio: Studio, key: str, generations: GenerationStore, generation_id: str) -> list[str]:
    """Everything that no line may hold."""
    made = generations.get(generation_id)
    webhook_secret = derive_secret(stack.secret("SigningKeySecret"), made.user_id)
    return [
        key,
        key[21:-6],
        studio.key,
        *(stack.secret(name) for name in SECRETS),
        webhook_secret.removeprefix("whsec_"),
        made.callback_token,
        made.file_token,
        made.payload["prompt"],
    ]


def function(line: dict[str, Any]) -> str:
    return str(line["function_name"])


def test_a_generations_lines_can_be_followed_and_hold_no_secret(
    lambdas: Lambdas,
    key: str,
    studio: Studio,
    stack: Stack,
    internet: Internet,
    generations: GenerationStore,
    logs: Logs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # given a way through all functions: a provider that calls back, a receiver that is down at first
    internet.hosts[RECEIVER] = lambda _: httpx.Response(503)
    _, accepted = lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    studio.status = "success"
    lambdas.call_back(studio.webhook)
    lambdas.drain("ingest")
    # when the stream is late, so that reconcile announces
    overdue(stack, accepted["id"], "generation")
    lambdas.invoke("reconcile", event("reconcile"))
    lambdas.stream()
    lambdas.drain("deliver")
    # then
    lines = logs()
    assert {function(line) for line in lines} == {
        "generate", "dispatch", "webhook", "ingest", "reconcile", "notify", "deliver",
    }  # fmt: skip
    assert {line.get("generation_id") for line in lines} == {accepted["id"]}
    correlation = event("generate")["requestContext"]["requestId"]
    assert {line.get("correlation_id") for line in lines} == {correlation}
    assert {line["level"] for line in lines} == {"INFO"}
    printed = capsys.readouterr().out
    text = json.dumps(lines, ensure_ascii=False) + printed
    for secret in secrets(stack, studio, key, generations, accepted["id"]):
        assert secret not in text
    assert all("CloudWatchMetrics" in json.loads(line)["_aws"] for line in printed.splitlines())


def test_a_run_of_many_records_mixes_no_lines(
    lambdas: Lambdas, generations: GenerationStore, stack: Stack, logs: Logs, capsys: pytest.CaptureFixture[str]
) -> None:
    # given finished generations that were not announced, and pending ones whose message was lost
    now = now_ms()
    for status in 20 * (Status.SUCCESS, Status.PENDING):
        finished_at = now - 1 if status.final else None
        generations.add(generation(status=status, due_at=now - 1, created_at=now - 9, finished_at=finished_at))
    # when
    assert lambdas.invoke("reconcile", event("reconcile")) == {"overdue": 40}
    # then
    actions = Counter(line["action"] for line in logs() if function(line) == "reconcile")
    assert actions == {"announce": 20, "resend": 20}
    measured = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum("Generations" in line for line in measured) >= 20
    assert lambdas.invoke("reconcile", event("reconcile")) == {"overdue": 0}


def test_a_delivery_that_reconcile_sends_again_can_be_followed(
    lambdas: Lambdas, key: str, stack: Stack, internet: Internet, logs: Logs
) -> None:
    # given
    internet.hosts[RECEIVER] = lambda _: httpx.Response(503)
    _, accepted = lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")
    overdue(stack, accepted["id"], "delivery#success")
    # when
    lambdas.invoke("reconcile", event("reconcile"))
    # then
    (line,) = [line for line in logs() if function(line) == "reconcile"]
    assert (line["generation_id"], line["action"]) == (accepted["id"], "deliver")


def test_requests_refused_or_failed_leave_no_secret_in_the_logs(
    lambdas: Lambdas,
    key: str,
    studio: Studio,
    stack: Stack,
    internet: Internet,
    generations: GenerationStore,
    logs: Logs,
) -> None:
    # given
    prompt = "a prompt that nobody but its author may read"
    body = json.dumps({"model": "playground-v2", "input": {"prompt": prompt}, "webhook": f"https://{RECEIVER}/x"})
    _, accepted = lambdas.ask(request("generate", authorization=key, body=body))
    lambdas.make()
    hidden = secrets(stack, studio, key, generations, accepted["id"])
    # when everything goes wrong that can
    lambdas.ask(request("generate", authorization=key[:-1] + "!"))
    lambdas.ask(request("generate", authorization=key, body=f'{{"prompt": "{prompt}"'))
    lambdas.ask(request("generate", authorization=key, body=json.dumps({"model": prompt, "input": prompt})))
    lambdas.ask(request("generate", authorization=key, path=f"/{prompt}/{key}"))
    lambdas.call_back(studio.webhook[:-1] + "!")
    lambdas.call_back(studio.webhook, "{" + prompt)
    lambdas.ask(request("console", authorization=stack.secret("ConsoleSecret") + "x"), "console")
    internet.hosts["api.artificialstudio.ai"] = lambda asked: httpx.Response(500, content=asked.content)
    lambdas.invoke("ingest", queue_event("ingest", message(accepted["id"])))
    lambdas.invoke("ingest", queue_event("ingest", json.dumps({"prompt": prompt})))
    lambdas.ask(request("generate", authorization=key, body=body))
    lambdas.make()
    aws("sqs").delete_queue(QueueUrl=stack.ref("IngestQueue"))
    assert lambdas.call_back(studio.webhook) == 503
    aws("dynamodb").delete_table(TableName=stack.ref("GenerationsTable"))
    assert lambdas.ask(request("generate", authorization=key, body=body))[0] == 503
    lambdas.invoke("deliver", queue_event("deliver", message(accepted["id"])))
    # then
    lines = logs()
    assert {"ERROR", "WARNING", "INFO"} <= {line["level"] for line in lines}
    text = json.dumps(lines, ensure_ascii=False)
    for secret in hidden:
        assert secret not in text


def test_console_lines_hold_no_key(lambdas: Lambdas, stack: Stack, logs: Logs) -> None:
    # given
    owner = stack.secret("ConsoleSecret")
    # when
    _, created = lambdas.ask(request("console", authorization=owner), "console")
    path = f"/console/admin/keys/{created['id']}"
    lambdas.ask(request("console", method="DELETE", path=path, authorization=owner), "console")
    # then
    lines = logs()
    assert [line["message"] for line in lines] == ["API key created", "API key revoked"]
    assert {line["key_id"] for line in lines} == {created["id"]}
    text = json.dumps(lines)
    for secret in (created["key"], created["key"][21:-6], *(stack.secret(name) for name in SECRETS)):
        assert secret not in text


def test_a_lines_generation_is_its_own(lambdas: Lambdas, generations: GenerationStore, logs: Logs) -> None:
    # given a good change and, in the same batch, one that cannot be read
    generations.add(finished_example())
    document = event("notify")
    bad = event("notify")["Records"][0]
    bad["eventID"] = "bad"
    del bad["dynamodb"]["NewImage"]["status"]
    document["Records"].append(bad)
    # when
    lambdas.invoke("notify", document)
    # then
    (line,) = [line for line in logs() if line.get("record_id") == "bad"]
    assert line["message"] == "unexpected error"
    assert "generation_id" not in line


def test_a_line_about_a_deleted_generation_names_it(lambdas: Lambdas, logs: Logs) -> None:
    # when
    lambdas.invoke("dispatch", queue_event("dispatch", message("0" * 32)))
    # then
    (line,) = logs()
    assert (line["message"], line["generation_id"]) == ("nothing to do", "0" * 32)


def test_no_line_names_the_generation_of_the_invocation_before(lambdas: Lambdas, key: str, logs: Logs) -> None:
    # given
    lambdas.ask(request("generate", authorization=key))
    before = len(logs())
    # when
    lambdas.ask(request("generate", authorization="YOUR_API_KEY"))
    # then
    (line,) = logs()[before:]
    assert line["message"] == "request refused"
    assert "generation_id" not in line


def test_the_receivers_answer_is_logged(lambdas: Lambdas, key: str, internet: Internet, logs: Logs) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    lambdas.stream()
    # when
    lambdas.drain("deliver")
    # then
    (line,) = [line for line in logs() if function(line) == "deliver"]
    assert (line["delivery"], line["code"]) == ("delivered", 204)
