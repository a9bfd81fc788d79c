"""A user's webhook secret is rotated, and the stack's public key is listed."""

from base64 import b64decode

import httpx
from standardwebhooks import Webhook

from atelier.adapters import ed25519
from tests.deployment import account_with_key, administer
from tools.local_stack import Deployed
from tools.receiver import Receiver

SKETCH = {"model": "sketch", "input": {"prompt": "a boat"}}


def test_after_a_rotation_old_and_new_secret_and_the_public_key_verify(stack: Deployed) -> None:
    owner = account_with_key(stack, "rotates@example.com")
    path = f"/users/{owner.user_id}/webhook-secret/rotate"
    rotated = administer(stack, "POST", path).raise_for_status().json()
    (public_key,) = httpx.get(f"{stack.api}/.well-known/webhook-keys", timeout=60).raise_for_status().json()["keys"]
    with Receiver() as receiver:
        owner.post(SKETCH | {"webhook": receiver.url})
        received = receiver.received.get(timeout=60)

    assert [old["secret"] for old in rotated["retired"]] == [owner.webhook_secret]
    for secret in (rotated["secret"], owner.webhook_secret):
        assert Webhook(secret).verify(received.body, dict(received.headers))["status"] == "success"
    message = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}.".encode() + received.body
    signature = b64decode(received.headers["webhook-signature"].partition("v1a,")[2])
    assert ed25519.verify(b64decode(public_key.removeprefix("whpk_")), message, signature)
