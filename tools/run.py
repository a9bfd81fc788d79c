"""`make run` and `make stop`: the whole stack on this machine, with the mission's own request as a demonstration."""

import json
import os
import socket
import sys
import time
from queue import Empty
from typing import Any

import httpx
import standardwebhooks
from rich.console import Console

from tools.local_stack import (
    ROOT,
    Deployed,
    Emulator,
    LocalStackError,
    build,
    client,
    deploy,
    free_port,
    healthy,
    start_emulator,
    write_state,
)
from tools.receiver import Receiver

STATE = ROOT / ".local"
STACK_FILE = STATE / "stack.json"
EMULATOR_FILE = STATE / "emulator.json"
STACK_NAME = "atelier-local"
PREFERRED_PORT = 4566
EXAMPLE = {
    "model": "playground-v2",
    "input": {"prompt": "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"},
}
console = Console(highlight=False, soft_wrap=True)


def up() -> None:
    """Bring the stack up, or up to date, and show one generation on it."""
    started = time.monotonic()
    STATE.mkdir(exist_ok=True)
    endpoint = _emulator()
    _step("Building with sam build")
    build(STATE / "build.log")
    _step("Deploying template.yaml with sam deploy")
    stack = deploy(STACK_NAME, endpoint, STATE / "deploy.log")
    state = _account(stack)
    write_state(STACK_FILE, state)
    _demonstrate(stack, state)
    console.print(f"\n[bold]The stack is up[/] after {time.monotonic() - started:.0f} s:")
    for name in ("api", "console"):
        console.print(f"  {name:8} {state[name]}")
    console.print(f"  {'keys':8} in {STACK_FILE.relative_to(ROOT)}, which .venv/bin/atelier reads")
    console.print("Try: .venv/bin/atelier generate 'a lighthouse by the sea at sunset' --out lighthouse.png")
    console.print("End: make stop")


def down() -> None:
    """End the emulator, and with it the stack."""
    if not EMULATOR_FILE.exists():
        console.print("The stack is not up.")
        return
    emulator = json.loads(EMULATOR_FILE.read_text())
    if healthy(emulator["endpoint"]):
        Emulator(emulator["endpoint"], emulator["pid"]).stop()
    EMULATOR_FILE.unlink()
    STACK_FILE.unlink(missing_ok=True)
    console.print("The stack is down.")


def _emulator() -> str:
    if EMULATOR_FILE.exists():
        endpoint: str = json.loads(EMULATOR_FILE.read_text())["endpoint"]
        if healthy(endpoint):
            _step(f"AWS emulator is up on {endpoint}")
            return endpoint
    port = PREFERRED_PORT if _is_free(PREFERRED_PORT) else free_port()
    _step(f"Starting the AWS emulator on 127.0.0.1:{port}, with IAM enforced")
    emulator = start_emulator(port, STATE / "emulator.log")
    write_state(EMULATOR_FILE, {"endpoint": emulator.endpoint, "pid": emulator.pid})
    return emulator.endpoint


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _account(stack: Deployed) -> dict[str, Any]:
    """Make a user and a key, unless an earlier run's key still works here."""
    admin_secret = stack.secret("ConsoleSecretArn")
    known = json.loads(STACK_FILE.read_text()) if STACK_FILE.exists() else {}
    key, user_id = known.get("api_key"), known.get("user_id")
    probe = {"Authorization": str(key)}
    if not key or httpx.get(f"{stack.api}/generations/none", headers=probe, timeout=60).status_code != 404:
        _step("Making a user and an API key")
        made = httpx.post(
            f"{stack.api}/console/admin/keys",
            headers={"Authorization": f"Bearer {admin_secret}"},
            json={"name": "make run", "user": "you@example.com"},
            timeout=60,
        )
        made.raise_for_status()
        key, user_id = made.json()["key"], made.json()["userId"]
    secret = httpx.get(
        f"{stack.api}/console/admin/users/{user_id}/webhook-secret",
        headers={"Authorization": f"Bearer {admin_secret}"},
        timeout=60,
    )
    secret.raise_for_status()
    return {
        "endpoint": stack.endpoint,
        "api": stack.api,
        "console": f"{stack.api}/console",
        "admin_secret": admin_secret,
        "api_key": key,
        "user_id": user_id,
        "webhook_secret": secret.json()["secret"],
        "topic_arn": stack.outputs["TopicArn"],
        "files_bucket": stack.outputs["FilesBucket"],
    }


def _demonstrate(stack: Deployed, state: dict[str, Any]) -> None:
    """Send the mission's request, and show each thing that comes of it."""
    sns, sqs = client("sns", stack.endpoint), client("sqs", stack.endpoint)
    queue = sqs.create_queue(QueueName="atelier-demonstration")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": state["topic_arn"]}},
            }
        ]
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    subscription = sns.subscribe(
        TopicArn=state["topic_arn"], Protocol="sqs", Endpoint=queue_arn, ReturnSubscriptionArn=True,
        Attributes={"RawMessageDelivery": "true"},
    )["SubscriptionArn"]  # fmt: skip
    try:
        with Receiver() as receiver:
            _step("POST /api/generate, with a webhook")
            answer = httpx.post(
                f"{state['api']}/generate",
                headers={"Authorization": state["api_key"]},
                json={**EXAMPLE, "webhook": receiver.url},
                timeout=60,
            )
            answer.raise_for_status()
            generation_id = answer.json()["id"]
            _shown(f"{answer.status_code} {answer.json()['status']}, id {generation_id}")
            try:
                received = receiver.received.get(timeout=60)
            except Empty:
                raise LocalStackError("no webhook came within a minute; see the functions' logs") from None
        _step("Webhook received")
        document = standardwebhooks.Webhook(state["webhook_secret"]).verify(received.body, dict(received.headers))
        _shown(f"signature verified with the user's secret, id {received.headers['webhook-id']}")
        _shown(f"status {document['status']}, output {document['output']}")
        _step("SNS notification")
        for message in sqs.receive_message(
            QueueUrl=queue, WaitTimeSeconds=10, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", []):
            attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
            _shown(", ".join(f"{name} {attributes[name]}" for name in ("status", "model", "type", "user_id")))
        _step("Row in DynamoDB, object in S3")
        row = client("dynamodb", stack.endpoint).get_item(
            TableName=stack.resource("GenerationsTable"),
            Key={"id": {"S": generation_id}, "record": {"S": "generation"}},
        )["Item"]
        _shown(f"{row['status']['S']} by {row['provider']['S']}: {json.loads(row['outputs']['S'])[0][0]}")
        picture = httpx.get(document["output"], follow_redirects=True, timeout=60).raise_for_status()
        path = STATE / "astronaut.png"
        path.write_bytes(picture.content)
        _step("Picture saved")
        _shown(f"{path.relative_to(ROOT)}, {len(picture.content) // 1024} KB {picture.headers['content-type']}")
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=queue)


def _step(text: str) -> None:
    console.print(f"[bold cyan]>[/] {text}")


def _shown(text: str) -> None:
    console.print(f"    {text}", markup=False)


def main() -> int:
    """Run `up` or `down`."""
    os.chdir(ROOT)
    try:
        {"up": up, "down": down}[sys.argv[1]]()
    except (LocalStackError, httpx.HTTPError) as exc:
        console.print(f"error: {exc}", style="red", markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
