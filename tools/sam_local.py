"""Readies `sam local` against the local stack: `.local/env.json` and `.local/events/`.

Each of events/*.json is written anew with the stack's API id, key and console secret, and with a generation made for it
that waits for just that event: nothing else of the stack works on it for an hour.

    .venv/bin/python -m tools.sam_local [--host host.docker.internal]

`--host` is the name or address under which a container reaches this machine.
"""

import argparse
import json
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx

from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.clock import HOUR, MINUTE, now_ms
from atelier.generations.model import Generation, Status, new_generation
from tools.local_stack import MACHINE, ROOT, Deployed, deployed, write_state
from tools.run import EXAMPLE, STACK_FILE, STACK_NAME, STATE

FUNCTIONS = ("Generate", "Webhook", "Dispatch", "Ingest", "Notify", "Deliver", "Reconcile", "Console")
EVENTS = ROOT / "events"
API_ID = "a1b2c3d4e5"
"""Of the API in the examples."""
JOB = "twice"
"""The id of the built-in provider's asynchronous jobs, which are done as soon as they are asked for."""
WEBHOOK = "http://127.0.0.1:8099/webhook"


def main() -> int:
    """Write both; the stack must be up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="host.docker.internal")
    host = parser.parse_args().host
    if not STACK_FILE.exists():
        print("The stack is not up; run `make run` first.", file=sys.stderr)
        return 1
    state = json.loads(STACK_FILE.read_text())
    stack = deployed(STACK_NAME, state["endpoint"])
    endpoint = f"http://{host}:{urlsplit(stack.endpoint).port}"
    write_state(STATE / "env.json", {f"{name}Function": _variables(stack, name, endpoint) for name in FUNCTIONS})
    generations = _generations(stack, state)
    (STATE / "events").mkdir(exist_ok=True)
    for source in sorted(EVENTS.glob("*.json")):
        write_state(STATE / "events" / source.name, _event(source.stem, source.read_text(), stack, state, generations))
    print(f"Wrote {STATE.name}/env.json and {STATE.name}/events/ for these generations:")
    for name, generation in generations.items():
        print(f"  {name:8} {generation.id} {generation.status}")
    parameters = " ".join(f"{name}={value}" for name, value in {**MACHINE, "LocalEndpoint": stack.endpoint}.items())
    print("Parameters of this stack for `sam local`:")
    print(f"  --parameter-overrides {parameters}")
    return 0


def _variables(stack: Deployed, name: str, endpoint: str) -> dict[str, str]:
    configuration = stack.client("lambda").get_function_configuration(FunctionName=stack.resource(f"{name}Function"))
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    public_url = variables["PUBLIC_URL"].format(api_id=stack.outputs["ApiId"])  # `sam local` has an id of its own
    return variables | {"AWS_ENDPOINT_URL": endpoint, "PUBLIC_URL": public_url}


def _generations(stack: Deployed, state: dict[str, Any]) -> dict[str, Generation]:
    """Write a generation for each event that names one, in the state in which that event finds it."""
    store = GenerationStore(RecordTable(stack.client("dynamodb"), stack.resource("GenerationsTable")))
    made = httpx.post(f"{state['api']}/generate", headers={"Authorization": state["api_key"]}, json=EXAMPLE, timeout=60)
    finished = store.get(made.raise_for_status().json()["id"])
    now = now_ms()

    def pending(webhook: str | None = None) -> Generation:
        return new_generation(
            user_id=finished.user_id, key_id=finished.key_id, test=finished.test, model=finished.model,
            tool=finished.tool, type=finished.type, payload=finished.payload, webhook=webhook,
            correlation_id="sam-local", now=now,
        )  # fmt: skip

    def claimed(webhook: str | None = None) -> Generation:
        return pending(webhook).claimed("sketch", "sketch", committed=False, now=now, deadline=10 * MINUTE)

    def ended(webhook: str | None = None) -> Generation:
        return claimed(webhook).uploading(now).succeeded(finished.outputs, finished.thumbnail or "", now)

    generations = {
        "dispatch": pending(),
        "webhook": claimed(),
        "ingest": claimed().submitted(JOB, now),
        "notify": ended(),
        "deliver": ended(WEBHOOK),
    }
    for name, generation in generations.items():
        generations[name] = replace(generation, due_at=now + HOUR)
        store.add(generations[name])
    return generations


def _event(
    name: str, text: str, stack: Deployed, state: dict[str, Any], generations: dict[str, Generation]
) -> dict[str, Any]:
    """Return an example event with what it names on this stack."""
    values = {"YOUR_API_KEY": state["api_key"], "YOUR_CONSOLE_SECRET": state["admin_secret"]}
    values[API_ID] = stack.outputs["ApiId"]
    for example, value in values.items():
        text = text.replace(example, json.dumps(value)[1:-1])
    event: dict[str, Any] = json.loads(text)
    if name not in generations:
        return event
    generation = generations[name]
    if name == "webhook":
        names = {"provider": "sketch", "generation_id": generation.id, "token": generation.callback_token}
        path = f"/webhook/{'/'.join(names.values())}"
        context = event["requestContext"] | {"path": f"/api{path}"}
        return event | {
            "path": path, "pathParameters": names, "requestContext": context, "body": json.dumps({"id": JOB}),
        }  # fmt: skip
    (record,) = event["Records"]
    if name == "notify":
        image = _image(stack, generation.id)
        keys = {key: image[key] for key in ("id", "record")}
        before = image | {"status": {"S": Status.UPLOADING.value}}
        record["dynamodb"] |= {"Keys": keys, "NewImage": image, "OldImage": before}
    else:
        record["body"] = json.dumps({"id": generation.id})
    return event


def _image(stack: Deployed, generation_id: str) -> dict[str, Any]:
    """Read a generation's record as a stream has it."""
    key = {"id": {"S": generation_id}, "record": {"S": "generation"}}
    answer = stack.client("dynamodb").get_item(TableName=stack.resource("GenerationsTable"), Key=key)
    image: dict[str, Any] = answer["Item"]
    return image


if __name__ == "__main__":
    sys.exit(main())
