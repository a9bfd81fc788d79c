"""What the end-to-end tests share beside the deployment."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from atelier.generations.model import GRACE
from tests.deployment import Account, Simulators, eventually, once, open_account, row
from tools.local_stack import Deployed


@pytest.fixture(scope="session", autouse=True)
def unanswered(stack: Deployed, logs: Path) -> Account:
    """A client whose one generation waits for a provider that never answers, and whose deadline has passed.

    It is asked for before all else, so that the minute until reconcile's next run passes during other tests.
    """

    def make() -> dict[str, Any]:
        account = open_account(stack, "unanswered@example.com")
        body = {"model": "sketch", "input": {"prompt": "test:never"}}
        generation_id = account.post(body, Prefer="respond-async").raise_for_status().json()["id"]
        eventually(lambda: row(stack, generation_id).get("job_id"), seconds=60)
        stack.client("dynamodb").update_item(
            TableName=stack.resource("GenerationsTable"),
            Key={"id": {"S": generation_id}, "record": {"S": "generation"}},
            UpdateExpression="SET due_at = :past, deadline_at = :past",
            ExpressionAttributeValues={":past": {"N": str(time.time_ns() // 1_000_000 - GRACE)}},
        )
        return asdict(account)

    return Account(**{**once(logs, "unanswered", make), "stack": stack})


@pytest.fixture(autouse=True)
def rested(request: pytest.FixtureRequest) -> None:
    """No circuit breaker of `upstream` is open because of the test before."""
    if "upstream" in request.fixturenames:
        upstream: Deployed = request.getfixturevalue("upstream")
        simulators: Simulators = request.getfixturevalue("simulators")
        for simulator in simulators.asynchronous:
            upstream.client("dynamodb").delete_item(
                TableName=upstream.resource("GenerationsTable"),
                Key={"id": {"S": f"upstream#provider:{simulator.name}"}, "record": {"S": "upstream"}},
            )
