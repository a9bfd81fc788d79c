"""The mission's request on the deployed stack."""

import io
import json
import time

import httpx
import pytest
from PIL import Image
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.deployment import MISSION, Account, eventually, open_account, row
from tools.receiver import Received, Receiver

FIELDS = {"_id", "status", "output", "model", "type", "payload", "error", "id", "tool", "thumbnail", "createdAt"}
DETAILS = {"outputs", "updatedAt", "attempts", "notes"}
"""What the API's own answers say beside."""


@pytest.fixture(scope="module")
def answer(alice: Account) -> httpx.Response:
    return alice.post(MISSION)


def test_a_waiting_client_gets_the_picture(answer: httpx.Response) -> None:
    document = answer.json()

    assert answer.status_code == 200
    assert document.keys() == FIELDS | DETAILS
    assert document["_id"] == document["id"]
    assert document["status"] == "success"
    assert document["payload"] == json.loads(MISSION)["input"]
    assert document["error"] is None


@pytest.mark.parametrize(("field", "kind", "least"), [("output", "PNG", 1024), ("thumbnail", "WEBP", 256)])
def test_its_files_need_no_credential(answer: httpx.Response, field: str, kind: str, least: int) -> None:
    fetched = httpx.get(answer.json()[field], follow_redirects=True, timeout=30)

    picture = Image.open(io.BytesIO(fetched.content))
    assert fetched.headers["content-type"] == f"image/{kind.lower()}"
    assert picture.format == kind
    assert min(picture.size) >= least


def test_the_picture_says_what_it_is(answer: httpx.Response) -> None:
    fetched = httpx.get(answer.json()["output"], follow_redirects=True, timeout=30)

    text = Image.open(io.BytesIO(fetched.content)).info
    assert text["Prompt"] == json.loads(MISSION)["input"]["prompt"]
    assert "not an AI model" in text["Software"]


def test_a_file_that_is_not_there_is_404(alice: Account) -> None:
    assert httpx.get(f"{alice.stack.api}/files/outputs/none/none/0.png", timeout=30).status_code == 404


def test_another_user_does_not_see_it(answer: httpx.Response, alice: Account) -> None:
    bob = open_account(alice.stack, "bob@example.com")

    assert bob.get(f"/generations/{answer.json()['id']}").status_code == 403


def test_prefer_decides_whether_to_wait(alice: Account) -> None:
    started = alice.post(MISSION, Prefer="respond-async")
    waited = alice.post(MISSION, Prefer="wait=20")

    assert (started.status_code, started.json()["status"]) == (202, "pending")
    assert started.headers["preference-applied"] == "respond-async"
    assert (waited.status_code, waited.headers["preference-applied"]) == (200, "wait=20")
    assert alice.finished(started.json()["id"])["status"] == "success"


def test_a_failed_generation_says_why(alice: Account) -> None:
    answer = alice.post({"model": "sketch", "input": {"prompt": "test:fail"}})

    assert answer.status_code == 200
    assert answer.json()["status"] == "error"
    assert "test:fail" in answer.json()["error"]
    assert answer.json()["output"] is None


@pytest.fixture(scope="module")
def received(alice: Account) -> Received:
    with Receiver() as receiver:
        accepted = alice.post(json.loads(MISSION) | {"webhook": receiver.url})
        assert accepted.status_code == 202
        return receiver.received.get(timeout=60)


class TestWebhook:
    """The same request with a webhook."""

    def test_holds_exactly_the_documents_fields(self, received: Received) -> None:
        document = json.loads(received.body)

        assert document.keys() == FIELDS
        assert document["status"] == "success"
        assert received.headers["X-Media-Id"] == document["_id"]
        assert received.headers["X-Webhook-Source"] == "artificial-studio"

    def test_is_verified_with_the_documented_secret(self, received: Received, alice: Account) -> None:
        verified = Webhook(alice.webhook_secret).verify(received.body, dict(received.headers))

        assert verified == json.loads(received.body)

    @pytest.mark.parametrize("change", ["byte", "timestamp", "secret", "signature"])
    def test_is_refused_when_tampered_with(self, received: Received, alice: Account, change: str) -> None:
        headers = {name.lower(): value for name, value in received.headers.items()}
        body, secret = received.body, alice.webhook_secret
        match change:
            case "byte":
                body = body.replace(b"success", b"succesS", 1)
            case "timestamp":
                headers["webhook-timestamp"] = str(int(time.time()) - 600)
            case "secret":
                secret = "whsec_" + "A" * 44
            case "signature":
                headers["webhook-signature"] = headers["webhook-signature"].swapcase()

        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)

    def test_is_recorded_as_delivered(self, received: Received, alice: Account) -> None:
        generation_id = json.loads(received.body)["id"]

        def delivered() -> bool | None:
            return row(alice.stack, generation_id, "delivery#success").get("status") == "delivered" or None

        assert eventually(delivered)


def test_a_failing_receiver_is_tried_again_with_same_id_and_body(alice: Account) -> None:
    answers = iter([500, 204])
    with Receiver(answer=lambda _: next(answers)) as receiver:
        alice.post(json.loads(MISSION) | {"webhook": receiver.url})
        first, second = receiver.received.get(timeout=60), receiver.received.get(timeout=60)

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert Webhook(alice.webhook_secret).verify(second.body, dict(second.headers))
