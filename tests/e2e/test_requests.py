"""Bad requests to the deployed stack: the contract's answers, and nothing written."""

import json
from typing import Any

import httpx
import pytest

from tests.deployment import MISSION, Account, administer, open_account

INPUT = {"prompt": "a boat"}
BAD = {
    "not JSON": ("{", 400, "body"),
    "not an object": ("[]", 400, "body"),
    "no model": ({"input": INPUT}, 400, "model"),
    "unknown model": ({"model": "none", "input": INPUT}, 404, "model"),
    "no input": ({"model": "sketch"}, 400, "input"),
    "no prompt": ({"model": "sketch", "input": {}}, 400, "input.prompt"),
    "empty prompt": ({"model": "sketch", "input": {"prompt": " "}}, 400, "input.prompt"),
    "long prompt": ({"model": "sketch", "input": {"prompt": "x" * 10_001}}, 400, "input.prompt"),
    "wrong type": ({"model": "sketch", "input": INPUT | {"seed": "seven"}}, 400, "input.seed"),
    "unknown field": ({"model": "sketch", "input": INPUT, "webhok": "https://example.com"}, 400, "webhok"),
    "webhook not https": ({"model": "sketch", "input": INPUT, "webhook": "http://example.com"}, 400, "webhook"),
    "webhook no URL": ({"model": "sketch", "input": INPUT, "webhook": "https://["}, 400, "webhook"),
    "lone surrogate": ('{"model": "sketch", "input": {"prompt": "\\ud800"}}', 400, "body"),
}


def count(account: Account) -> int:
    found = account.stack.client("dynamodb").scan(
        TableName=account.stack.resource("GenerationsTable"),
        Select="COUNT",
        FilterExpression="user_id = :user",
        ExpressionAttributeValues={":user": {"S": account.user_id}},
    )
    return int(found["Count"])


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body(alice: Account, name: str) -> None:
    body, status, field = BAD[name]
    before = count(alice)

    answer = alice.post(body)  # type: ignore[arg-type]

    document = answer.json()
    assert answer.status_code == status
    assert document.keys() == {"message", "errors"}
    assert field in [error["field"] for error in document["errors"]]
    assert all(error.keys() == {"field", "message", "code"} for error in document["errors"])
    assert count(alice) == before


def test_a_body_that_is_too_large(alice: Account) -> None:
    answer = alice.post({"model": "sketch", "input": INPUT, "padding": "x" * 256 * 1024})

    assert (answer.status_code, answer.json().keys()) == (413, {"message"})


def test_a_key_that_is_no_key(alice: Account) -> None:
    def status(headers: dict[str, str]) -> int:
        answer = httpx.post(f"{alice.stack.api}/generate", content=MISSION, headers=headers, timeout=30)
        assert ("message" in answer.json()) == (answer.status_code != 200)
        return answer.status_code

    stranger = alice.key[:-7] + ("0" if alice.key[-7] != "0" else "1") + alice.key[-6:]
    assert status({}) == 401
    assert status({"Authorization": ""}) == 401
    assert status({"Authorization": stranger}) == 401
    assert status({"Authorization": f"Basic {alice.key}"}) == 401
    assert status({"Authorization": f"Bearer {alice.key}"}) == 200


def test_a_revoked_key(alice: Account) -> None:
    account = open_account(alice.stack, "revoked@example.com")
    assert account.post(MISSION).status_code == 200

    revoked: dict[str, Any] = administer(alice.stack, "DELETE", f"/keys/{account.key_id}").json()

    assert revoked["revokedAt"]
    assert account.post(MISSION).status_code == 401


def test_the_console_wants_its_secret(alice: Account) -> None:
    answer = httpx.get(
        f"{alice.stack.api}/console/admin/keys", headers={"Authorization": f"Bearer {alice.key}"}, timeout=30
    )

    assert answer.status_code == 401
    assert json.loads(answer.text)["message"]
