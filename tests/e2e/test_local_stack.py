"""The local stack over a stop: what was made, the keys and the URLs stay, and everything goes on."""

from pathlib import Path

import httpx

from tests.deployment import open_account
from tools.local_stack import Deployed, deploy, deployed, free_port, start_emulator
from tools.receiver import Receiver

SMALL = {"model": "sketch", "input": {"prompt": "a boat", "width": 256, "height": 256}}


def test_a_stop_forgets_nothing(upstream: Deployed, tmp_path: Path) -> None:
    port, state, logs = free_port(), tmp_path / "state", tmp_path / "logs"
    emulator = start_emulator(port, logs / "first.log", state)
    try:
        before = open_account(deploy("kept", emulator.endpoint, logs / "deploy.log"), "keeper@example.com")
        made = before.finished(before.post(SMALL).raise_for_status().json()["id"])
        picture = httpx.get(made["output"], follow_redirects=True, timeout=60).content
    finally:
        emulator.stop()

    emulator = start_emulator(port, logs / "second.log", state)
    try:
        assert deployed("kept", emulator.endpoint).api == before.stack.api
        assert before.get(f"/generations/{made['id']}").json() == made
        assert httpx.get(made["output"], follow_redirects=True, timeout=60).content == picture
        with Receiver() as receiver:  # by the table's stream: reconcile would need two minutes
            again = before.post({**SMALL, "webhook": receiver.url}, Prefer="respond-async").raise_for_status().json()
            assert receiver.received.get(timeout=45).headers["X-Media-Id"] == again["id"]
    finally:
        emulator.stop()
