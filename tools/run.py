"""`make run`: the whole stack on this machine, with the README's request as a demonstration."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from queue import Empty
from typing import Any

import httpx
import standardwebhooks
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from tools.local_stack import (
    ROOT,
    Deployed,
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
from tools.stop import EMULATOR_FILE, stop

STATE = ROOT / ".local"
STACK_FILE = STATE / "stack.json"
PORT_FILE = STATE / "port"
KEPT = STATE / "emulator"
"""The state that the emulator keeps over a stop."""
STACK_NAME = "atelier-local"
PREFERRED_PORT = 4566
WEBHOOK_SECONDS = 60
EXAMPLE = {
    "model": "playground-v2",
    "input": {"prompt": "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"},
}
console = Console(highlight=False, soft_wrap=True)


def up() -> None:
    """Bring the stack up, or up to date, and show one generation on it."""
    started = time.monotonic()
    STATE.mkdir(exist_ok=True)
    with _emulator() as endpoint:
        with _step("Building with sam build"):
            build(STATE / "build.log")
        with _step("Deploying template.yaml with sam deploy"):
            stack = deploy(STACK_NAME, endpoint, STATE / "deploy.log")
        state = _account(stack)
        write_state(STACK_FILE, state)
        _demonstrate(stack, state)
    console.print(f"\n[bold]The stack is up[/] after {time.monotonic() - started:.0f} s. To use it from this shell:\n")
    console.print(f"export API={state['api']}\nexport API_KEY={state['api_key']}", markup=False)
    console.print(f"\nThe console: {state['console']}")
    console.print(f"    sign in with admin_secret from {STACK_FILE.relative_to(ROOT)}", markup=False)
    console.print("Try: .venv/bin/atelier generate 'a lighthouse by the sea at sunset' --out lighthouse.png")
    console.print("End: make stop (data and keys are kept)")


@contextmanager
def _emulator() -> Iterator[str]:
    """Have an emulator up; one that was started for this run ends with it if the run is interrupted."""
    if EMULATOR_FILE.exists():
        endpoint: str = json.loads(EMULATOR_FILE.read_text())["endpoint"]
        if healthy(endpoint):
            console.print(f"[bold cyan]>[/] The AWS emulator is up on {endpoint}")
            yield endpoint
            return
    port = _port()
    KEPT.mkdir(mode=0o700, exist_ok=True)
    with _step(f"Starting the AWS emulator on 127.0.0.1:{port}, with IAM enforced"):
        emulator = start_emulator(port, STATE / "emulator.log", KEPT)
    write_state(EMULATOR_FILE, asdict(emulator))
    PORT_FILE.write_text(f"{port}\n")
    try:
        yield emulator.endpoint
    except KeyboardInterrupt:
        console.print(f"\n{stop(EMULATOR_FILE)}", markup=False)
        raise


def _port() -> int:
    """Choose the port of the run before, so that URLs stay the same; another where it is taken."""
    port = int(PORT_FILE.read_text()) if PORT_FILE.exists() else PREFERRED_PORT
    if _is_free(port):
        return port
    console.print(f"Port {port} is taken: the stack gets another, and its URLs change.", markup=False)
    return free_port()


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
        with _step("Making the user you@example.com and an API key"):
            made = httpx.post(
                f"{stack.api}/console/admin/keys",
                headers={"Authorization": f"Bearer {admin_secret}"},
                json={"name": "make run", "user": "you@example.com"},
                timeout=60,
            ).raise_for_status()
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
            with _step("POST /api/generate, with a webhook"):
                answer = httpx.post(
                    f"{state['api']}/generate",
                    headers={"Authorization": state["api_key"]},
                    json={**EXAMPLE, "webhook": receiver.url},
                    timeout=60,
                ).raise_for_status()
                generation_id = answer.json()["id"]
                _shown(f"{answer.status_code} {answer.json()['status']}, id {generation_id}")
            with _step("Waiting for the webhook"):
                try:
                    received = receiver.received.get(timeout=WEBHOOK_SECONDS)
                except Empty:
                    raise LocalStackError("no webhook came within a minute; see the functions' logs") from None
                document = standardwebhooks.Webhook(state["webhook_secret"]).verify(
                    received.body, dict(received.headers)
                )
                _shown(f"signature verified with the user's secret, id {received.headers['webhook-id']}")
                _shown(f"status {document['status']}, output {document['output']}")
        with _step("SNS notification"):
            for message in sqs.receive_message(
                QueueUrl=queue, WaitTimeSeconds=10, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", []):
                attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
                _shown(", ".join(f"{name} {attributes[name]}" for name in ("status", "model", "type", "user_id")))
        with _step("Row in DynamoDB, object in S3"):
            row = client("dynamodb", stack.endpoint).get_item(
                TableName=stack.resource("GenerationsTable"),
                Key={"id": {"S": generation_id}, "record": {"S": "generation"}},
            )["Item"]
            _shown(f"{row['status']['S']} by {row['provider']['S']}: {json.loads(row['outputs']['S'])[0][0]}")
        with _step("Saving the picture"):
            picture = httpx.get(document["output"], follow_redirects=True, timeout=60).raise_for_status()
            path = STATE / "astronaut.png"
            path.write_bytes(picture.content)
            size = len(picture.content) // 1024
            _shown(f"{path.relative_to(ROOT)}, {size} KB {picture.headers['content-type']}")
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=queue)


@contextmanager
def _step(text: str) -> Iterator[None]:
    """Name a step, show that it is under way, and say how long it took."""
    started = time.monotonic()
    console.print(f"[bold cyan]>[/] {text}")
    columns = (SpinnerColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as progress:
        progress.add_task(text, total=None)
        yield
    if (seconds := time.monotonic() - started) >= 1:
        console.print(f"    {seconds:.0f} s", style="dim")


def _shown(text: str) -> None:
    console.print(f"    {text}", markup=False)


def main() -> int:
    """Bring the stack up; return the command's exit code."""
    os.chdir(ROOT)
    try:
        up()
    except (LocalStackError, httpx.HTTPError) as exc:
        console.print(f"error: {exc}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; `make run` starts again.", markup=False)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
