"""Two stacks: the second is the first one's Artificial Studio, over HTTP both ways."""

import json
from typing import Any

import httpx
import pytest

from tests.deployment import MISSION, Account, open_account, row, subscribed
from tools.local_stack import Deployed
from tools.receiver import Receiver


@pytest.fixture(scope="module")
def provider(stack: Deployed, upstream: Deployed) -> Account:
    """The stack's account at its upstream, whose key the stack now holds."""
    account = open_account(upstream, "stack@example.com")
    stack.client("secretsmanager").put_secret_value(
        SecretId=stack.outputs["ProviderKeysSecretArn"],
        SecretString=json.dumps({"artificial-studio": account.key}),
    )
    return account


@pytest.fixture(scope="module")
def fresh(stack: Deployed, provider: Account) -> None:
    """New sandboxes, which have not read the provider keys before they were set."""
    functions = stack.client("lambda")
    for name in ("DispatchFunction", "IngestFunction"):
        function = stack.resource(name)
        variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": variables | {"FRESH": "1"}}
        )
        version = functions.publish_version(FunctionName=function)["Version"]
        functions.update_alias(FunctionName=function, Name="live", FunctionVersion=version)


@pytest.mark.usefixtures("fresh")
def test_a_generation_goes_out_and_comes_back(alice: Account, provider: Account) -> None:
    with Receiver() as receiver, subscribed(alice.stack, "upstream") as everything:
        accepted = alice.post(json.loads(MISSION) | {"webhook": receiver.url}).json()
        finished = alice.finished(accepted["id"])
        webhook: dict[str, Any] = json.loads(receiver.received.get(timeout=60).body)
        notifications = everything.of(accepted["id"])

    stored = row(alice.stack, accepted["id"])
    theirs = provider.get(f"/generations/{stored['job_id']}").json()
    assert (stored["provider"], finished["status"]) == ("artificial-studio", "success")
    assert theirs["status"] == "success"
    assert theirs["output"] != finished["output"]
    assert finished["output"].startswith(alice.stack.api)
    picture = httpx.get(finished["output"], follow_redirects=True, timeout=30)
    assert picture.headers["content-type"] == "image/png"
    assert webhook == {name: finished[name] for name in webhook}
    assert len(notifications) == 1


@pytest.mark.usefixtures("fresh")
def test_repeated_and_forged_callbacks_change_nothing(alice: Account) -> None:
    with subscribed(alice.stack, "forged") as everything:
        mine, other = (alice.post(MISSION, Prefer="respond-async").json()["id"] for _ in range(2))
        tokens = {generation_id: row(alice.stack, generation_id)["callback_token"] for generation_id in (mine, other)}
        base = f"{alice.stack.api}/webhook/artificial-studio/{mine}"
        forged = {"_id": "ffffffffffffffffffffffff", "status": "success", "output": "https://example.com/x.png"}
        statuses = {
            "before": [httpx.post(f"{base}/{tokens[mine]}", json={}, timeout=30).status_code],
            "wrong": [httpx.post(f"{base}/{tokens[other]}", json=forged, timeout=30).status_code],
            "none": [httpx.post(base, json=forged, timeout=30).status_code],
        }
        finished = [alice.finished(generation_id) for generation_id in (mine, other)]
        after = [httpx.post(f"{base}/{tokens[mine]}", json=forged, timeout=30).status_code for _ in range(5)]
        messages = [json.loads(message["Body"])["id"] for message in everything.messages()]

    assert statuses["before"] == [200]
    assert statuses["wrong"] == [404]
    assert statuses["none"] == [404]
    assert after == [200] * 5
    assert [document["status"] for document in finished] == ["success", "success"]
    assert sorted(messages) == sorted([mine, other])
    assert alice.get(f"/generations/{mine}").json() == finished[0]


@pytest.mark.usefixtures("fresh")
def test_a_refusal_upstream_is_told_to_the_client(alice: Account) -> None:
    finished = alice.finished(alice.post({"model": "playground-v2", "input": {"prompt": "test:fail"}}).json()["id"])

    assert finished["status"] == "error"
    assert "test:fail" in finished["error"]


@pytest.mark.usefixtures("fresh")
def test_a_test_key_never_leaves_the_stack(alice: Account) -> None:
    tester = open_account(alice.stack, "alice@example.com", test=True)

    finished = tester.post(MISSION).json()

    assert finished["status"] == "success"
    assert row(alice.stack, finished["id"])["provider"] == "sketch"
