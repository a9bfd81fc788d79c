"""What the functions log on the deployed stack."""

import json
from functools import partial
from typing import Any

from atelier.clock import now_ms
from tests.deployment import Account, eventually
from tools.receiver import Receiver

PROMPT = "a very particular prompt about a heron"
FUNCTIONS = ("Generate", "Ingest", "Notify", "Deliver")


def lines(account: Account, since: int) -> list[str]:
    """Read what the functions logged since a time, in milliseconds; the emulator answers 10,000 lines at most."""
    logs, group = account.stack.client("logs"), account.stack.resource("FunctionLogs")
    found: list[str] = []
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
        found += [event["message"] for event in page["events"]]
    return [line for line in found if not line.startswith(("START ", "END ", "REPORT "))]


def test_one_correlation_id_runs_through_all_and_no_secret_does(alice: Account) -> None:
    since = now_ms()
    with Receiver() as receiver:
        generation = alice.post({"model": "sketch", "input": {"prompt": PROMPT}, "webhook": receiver.url}).json()
        receiver.received.get(timeout=60)

    def entries(function: str) -> list[dict[str, Any]] | None:
        parsed = [json.loads(line) for line in lines(alice, since)]
        mine = [entry for entry in parsed if entry.get("generation_id") == generation["id"]]
        return [entry for entry in mine if f"{function}Function" in entry["function_name"]] or None

    followed = [eventually(partial(entries, function)) for function in FUNCTIONS]
    correlation_ids = {entry["correlation_id"] for found in followed for entry in found}
    assert len(correlation_ids) == 1
    everything = "\n".join(lines(alice, since))
    secrets = (alice.key, alice.webhook_secret, alice.stack.secret("ConsoleSecretArn"))
    assert PROMPT not in everything
    assert not [secret for secret in secrets if secret in everything]
