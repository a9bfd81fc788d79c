"""Event-driven clients: a queue subscribed to the topic."""

import json

from tests.deployment import MISSION, Account, subscribed


def test_one_message_a_generation_with_attributes_to_filter_on(alice: Account) -> None:
    with (
        subscribed(alice, "everything") as everything,
        subscribed(alice, "errors", status=["error"]) as errors,
    ):
        success = alice.post(MISSION).json()
        error = alice.post({"model": "sketch", "input": {"prompt": "test:fail"}}).json()

        told = everything.of(success["id"], error["id"])
        filtered = errors.of(success["id"], error["id"], wait=1)

    messages = {json.loads(message["Body"])["id"]: message for message in told}
    assert len(told) == len(messages) == 2
    for document in (success, error):
        attributes = messages[document["id"]]["MessageAttributes"]
        assert {name: attributes[name]["StringValue"] for name in ("status", "model", "type", "user_id")} == {
            "status": document["status"],
            "model": document["model"],
            "type": "image",
            "user_id": alice.user_id,
        }
        assert json.loads(messages[document["id"]]["Body"]) == document | {"userId": alice.user_id}
    assert [json.loads(message["Body"])["id"] for message in filtered] == [error["id"]]


def test_messages_that_come_again_change_nothing(alice: Account) -> None:
    sqs = alice.stack.client("sqs")
    with subscribed(alice, "once") as everything:
        generation = alice.post(MISSION, Prefer="respond-async").json()
        for queue in ("DispatchQueue", "IngestQueue", "DeliveryQueue"):
            for _ in range(4):
                sqs.send_message(QueueUrl=alice.stack.resource(queue), MessageBody=json.dumps({"id": generation["id"]}))
        finished = alice.finished(generation["id"])

        assert len(everything.of(generation["id"])) == 1
    assert finished["status"] == "success"


def test_a_provider_that_answers_twice_before_its_job_is_saved(alice: Account) -> None:
    with subscribed(alice, "twice") as everything:
        finished = alice.finished(
            alice.post({"model": "sketch", "input": {"prompt": "test:twice a red kite"}}).json()["id"]
        )

        assert finished["status"] == "success"
        assert len(everything.of(finished["id"])) == 1
