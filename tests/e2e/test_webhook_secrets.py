"""A user's webhook secret is rotated, and both secrets sign for a day."""

from standardwebhooks import Webhook

from tests.deployment import account_with_key, administer
from tools.local_stack import Deployed
from tools.receiver import Receiver

SKETCH = {"model": "sketch", "input": {"prompt": "a boat"}}


def test_after_a_rotation_the_old_and_the_new_secret_verify(stack: Deployed) -> None:
    owner = account_with_key(stack, "rotates@example.com")
    path = f"/users/{owner.user_id}/webhook-secret/rotate"
    rotated = administer(stack, "POST", path).raise_for_status().json()
    with Receiver() as receiver:
        owner.post(SKETCH | {"webhook": receiver.url})
        received = receiver.received.get(timeout=60)

    assert [old["secret"] for old in rotated["retired"]] == [owner.webhook_secret]
    for secret in (rotated["secret"], owner.webhook_secret):
        assert Webhook(secret).verify(received.body, dict(received.headers))["status"] == "success"
