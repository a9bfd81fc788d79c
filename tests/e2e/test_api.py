"""The client API through the deployed gateway: every path and method reaches it, and so do headers."""

import json
from typing import Any

import httpx
import pytest

from tests.deployment import Account, eventually, open_account

RUN = {"tool": "text-to-image", "input": {"prompt": "a boat", "width": 256, "height": 256}}
UNKNOWN = "0" * 32


def ask(account: Account, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
    return httpx.request(
        method,
        account.stack.api + path,
        json=body,
        headers={"Authorization": account.key, **{name.replace("_", "-"): value for name, value in headers.items()}},
        timeout=60,
    )


def test_a_generation_is_run_listed_deleted_and_gone(alice: Account) -> None:
    # given a user of her own, so that her list is short
    carol = open_account(alice.stack, "carol@example.com")
    started = ask(carol, "POST", "/run", RUN)
    assert (started.status_code, set(started.json())) == (202, {"id", "status", "tool", "createdAt"})
    generation_id = started.json()["id"]
    document = carol.finished(generation_id)
    # when, then
    for query in ("", "?status=success", "?cursor=", "?cursor=&status=success"):
        listed = ask(carol, "GET", f"/generations{query}").json()
        assert listed["data"] == [document]
        assert (listed["pagination"]["hasMore"], listed["pagination"]["nextCursor"]) == (False, None)
    assert ask(carol, "GET", f"/generations/{generation_id}/deliveries").json() == {"data": []}
    assert ask(carol, "POST", f"/generations/{generation_id}/redeliver").status_code == 409
    assert ask(carol, "POST", f"/generations/{generation_id}/cancel").status_code == 409
    assert ask(alice, "DELETE", f"/generations/{generation_id}").status_code == 403
    assert ask(carol, "DELETE", f"/generations/{generation_id}").status_code == 204
    assert ask(carol, "GET", f"/generations/{generation_id}").status_code == 404
    assert httpx.get(document["output"], follow_redirects=True, timeout=30).status_code == 404
    assert ask(carol, "GET", "/generations").json()["pagination"]["total"] == 0


def test_a_generation_whose_provider_never_answers_is_cancelled(alice: Account) -> None:
    started = alice.post({"model": "sketch", "input": {"prompt": "test:never"}}, Prefer="respond-async").json()

    def cancelled() -> dict[str, Any] | None:
        ask(alice, "POST", f"/generations/{started['id']}/cancel")  # 409 while it is just being handed over
        document: dict[str, Any] = ask(alice, "GET", f"/generations/{started['id']}").json()
        return document if document["status"] == "error" else None

    assert eventually(cancelled)["error"] == "cancelled"


def test_the_account_is_the_callers(alice: Account) -> None:
    answer = ask(alice, "GET", "/account").json()
    assert (answer["id"], answer["email"]) == (alice.user_id, alice.email)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/", "GET"), ("/generate", "POST"), (f"/generations/{UNKNOWN}/", "DELETE"), ("/console/session", "POST")],
)
def test_what_a_path_does_not_allow_is_405_and_says_what_it_does(alice: Account, path: str, allowed: str) -> None:
    options = ask(alice, "OPTIONS", path)
    assert (options.status_code, options.content) == (204, b"")
    refused = ask(alice, "PATCH", path)
    assert (refused.status_code, refused.headers["Allow"]) == (405, options.headers["Allow"])
    assert allowed in refused.headers["Allow"].split(", ")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/nothing", "/a/b/c", "/webhook", "/webhook/x/y"])
def test_an_unknown_path_is_404(alice: Account, method: str, path: str) -> None:
    assert ask(alice, method, path).status_code == 404


def test_a_copy_that_is_still_good_is_not_sent_again(alice: Account) -> None:
    for path in ("/models", "/tools/text-to-image", "/generations"):
        first = ask(alice, "GET", path)
        again = ask(alice, "GET", path, If_None_Match=first.headers["ETag"])
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), path


def test_head_is_get_without_a_body(alice: Account) -> None:
    for path in ("/models", "/account", "/models/none"):
        got, head = ask(alice, "GET", path), ask(alice, "HEAD", path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers.get("ETag") == got.headers.get("ETag")


def test_another_media_type_is_415(alice: Account) -> None:
    answer = httpx.post(
        f"{alice.stack.api}/run",
        content=json.dumps(RUN),
        headers={"Authorization": alice.key, "Content-Type": "text/plain"},
        timeout=30,
    )
    assert (answer.status_code, answer.headers["Accept"]) == (415, "application/json")
