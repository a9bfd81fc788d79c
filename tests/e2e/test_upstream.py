"""Two stacks: the one behind is the Artificial Studio of the one in front, over HTTP both ways."""

import json
from typing import Any

import httpx
import pytest

from tests.deployment import MISSION, Account, open_account, row, set_provider_keys, subscribed
from tools.local_stack import Deployed, deploy_again
from tools.receiver import Receiver


@pytest.fixture(scope="module")
def provider(stack: Deployed) -> Account:
    """The front stack's account at `stack`."""
    return open_account(stack, "front@example.com")


@pytest.fixture(scope="module")
def front(stack: Deployed, provider: Account) -> Deployed:
    """A stack whose Artificial Studio is `stack`."""
    front = deploy_again(stack, "front", ProviderUrls=json.dumps({"artificial-studio": stack.api}))
    set_provider_keys(front, {"artificial-studio": provider.key})
    return front


@pytest.fixture(scope="module")
def client(front: Deployed) -> Account:
    """A client of the front stack."""
    return open_account(front, "client@example.com")


def test_a_generation_goes_out_and_comes_back(client: Account, provider: Account) -> None:
    with Receiver() as receiver, subscribed(client, "upstream") as everything:
        accepted = client.post(json.loads(MISSION) | {"webhook": receiver.url}).json()
        finished = client.finished(accepted["id"])
        webhook: dict[str, Any] = json.loads(receiver.received.get(timeout=60).body)
        notifications = everything.of(accepted["id"])

    stored = row(client.stack, accepted["id"])
    theirs = provider.get(f"/generations/{stored['job_id']}").json()
    assert (stored["provider"], finished["status"]) == ("artificial-studio", "success")
    assert theirs["status"] == "success"
    assert theirs["output"] != finished["output"]
    assert finished["output"].startswith(client.stack.api)
    picture = httpx.get(finished["output"], follow_redirects=True, timeout=30)
    assert picture.headers["content-type"] == "image/png"
    assert webhook == {name: finished[name] for name in webhook}
    assert len(notifications) == 1


def test_repeated_and_forged_callbacks_change_nothing(client: Account) -> None:
    with subscribed(client, "forged") as everything:
        mine, other = (client.post(MISSION, Prefer="respond-async").json()["id"] for _ in range(2))
        tokens = {generation_id: row(client.stack, generation_id)["callback_token"] for generation_id in (mine, other)}
        base = f"{client.stack.api}/webhook/artificial-studio/{mine}"
        forged = {"_id": "ffffffffffffffffffffffff", "status": "success", "output": "https://example.com/x.png"}
        statuses = {
            "before": [httpx.post(f"{base}/{tokens[mine]}", json={}, timeout=30).status_code],
            "wrong": [httpx.post(f"{base}/{tokens[other]}", json=forged, timeout=30).status_code],
            "none": [httpx.post(base, json=forged, timeout=30).status_code],
        }
        finished = [client.finished(generation_id) for generation_id in (mine, other)]
        after = [httpx.post(f"{base}/{tokens[mine]}", json=forged, timeout=30).status_code for _ in range(5)]
        messages = [json.loads(message["Body"])["id"] for message in everything.of(mine, other)]

    assert statuses["before"] == [200]
    assert statuses["wrong"] == [404]
    assert statuses["none"] == [404]
    assert after == [200] * 5
    assert [document["status"] for document in finished] == ["success", "success"]
    assert sorted(messages) == sorted([mine, other])
    assert client.get(f"/generations/{mine}").json() == finished[0]


def test_a_refusal_upstream_is_told_to_the_client(client: Account) -> None:
    finished = client.finished(client.post({"model": "playground-v2", "input": {"prompt": "test:fail"}}).json()["id"])

    assert finished["status"] == "error"
    assert "test:fail" in finished["error"]


def test_a_test_key_never_leaves_the_stack(client: Account) -> None:
    tester = open_account(client.stack, client.email, test=True)

    finished = tester.post(MISSION).json()

    assert finished["status"] == "success"
    assert row(client.stack, finished["id"])["provider"] == "sketch"
