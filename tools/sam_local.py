"""Readies `sam local invoke` against the local stack: `.local/env.json` and `.local/events/`.

Each of events/*.json is written anew with the stack's API key, console secret and a generation's id in place of the
examples.

    .venv/bin/python -m tools.sam_local [--host host.docker.internal]

`--host` is the name or address under which a container reaches this machine.
"""

import argparse
import json
import sys
from urllib.parse import urlsplit

import httpx

from tools.local_stack import ROOT, Deployed, deployed, write_state
from tools.run import EXAMPLE, STACK_FILE, STACK_NAME, STATE

FUNCTIONS = ("Generate", "Webhook", "Dispatch", "Ingest", "Notify", "Deliver", "Reconcile", "Console")
EVENTS = ROOT / "events"


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
    variables = {f"{name}Function": _variables(stack, f"{name}Function", endpoint) for name in FUNCTIONS}
    write_state(STATE / "env.json", variables)
    made = httpx.post(f"{state['api']}/generate", headers={"Authorization": state["api_key"]}, json=EXAMPLE, timeout=60)
    generation_id = made.raise_for_status().json()["id"]
    row = stack.client("dynamodb").get_item(
        TableName=stack.resource("GenerationsTable"),
        Key={"id": {"S": generation_id}, "record": {"S": "generation"}},
    )["Item"]
    examples = json.loads((EVENTS / "webhook.json").read_text())["pathParameters"]
    texts = {
        "YOUR_API_KEY": state["api_key"],
        "YOUR_CONSOLE_SECRET": state["admin_secret"],
        examples["generation_id"]: generation_id,
        examples["token"]: row["callback_token"]["S"],
    }
    (STATE / "events").mkdir(exist_ok=True)
    for source in sorted(EVENTS.glob("*.json")):
        text = source.read_text()
        for example, value in texts.items():
            text = text.replace(example, json.dumps(value)[1:-1])
        write_state(STATE / "events" / source.name, json.loads(text))
    print(f"Wrote {STATE.name}/env.json and {STATE.name}/events/ for generation {generation_id}.")
    return 0


def _variables(stack: Deployed, logical_id: str, endpoint: str) -> dict[str, str]:
    configuration = stack.client("lambda").get_function_configuration(FunctionName=stack.resource(logical_id))
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    return variables | {"AWS_ENDPOINT_URL": endpoint}


if __name__ == "__main__":
    sys.exit(main())
