"""The whole way of a generation, by the real handlers, through moto's queues, stream and topic."""

import io
import json
from dataclasses import replace

import httpx
import pytest
from PIL import Image
from standardwebhooks import Webhook

from atelier.accounts.users import new_user
from atelier.adapters.aws import clients as clients
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.generations.model import Status
from atelier.generations.wait import Wait
from atelier.standard_webhooks import derive_secret
from functions.generate.app.dependencies import dependencies as generate_dependencies
from functions.generate.app.routes import generations as generate
from tests.integration.lambdas import Lambdas, event, request
from tests.integration.stack import Stack, aws
from tests.integration.world import BASE, RECEIVER, SKETCH, Internet, Studio, accept


def test_the_missions_request_is_accepted_at_once(lambdas: Lambdas, key: str) -> None:
    # given the mission's own example, as events/generate.json has it
    # when
    status, document = lambdas.ask(request("generate", authorization=key))
    # then
    assert status == 202
    assert document["status"] == "pending"
    assert document["_id"] == document["id"]
    assert document["model"] == "playground-v2"
    assert document["output"] is document["error"] is None


def test_a_key_may_come_with_the_scheme_bearer(lambdas: Lambdas, key: str) -> None:
    status, _ = lambdas.ask(request("generate", authorization=f"Bearer {key}"))
    assert status == 202


def test_a_webhook_tells_of_a_sketch_and_its_signature_holds(
    lambdas: Lambdas, key: str, accounts: AccountStore, stack: Stack, internet: Internet
) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    _, accepted = lambdas.ask(request("generate", authorization=key, body=SKETCH))
    # when
    answers = [*lambdas.make(), *lambdas.stream(), *lambdas.drain("deliver")]
    # then each ran once and nothing comes back
    assert answers == [{"batchItemFailures": []}] * 3
    (sent,) = internet.to(RECEIVER)
    (owner,) = {record["id"]["S"] for record in stack.rows("AccountsTable") if record["record"]["S"] == "user"}
    secret = derive_secret(stack.secret("SigningKeySecret"), owner)
    document = Webhook(secret).verify(sent.content, dict(sent.headers))
    folder = document["output"].removesuffix("/0.png")
    assert document == {
        "_id": accepted["id"],
        "status": "success",
        "output": f"{folder}/0.png",
        "model": "sketch",
        "type": "image",
        "payload": {"prompt": "a lighthouse", "width": 256, "height": 256},
        "error": None,
        "id": accepted["id"],
        "tool": "text-to-image",
        "thumbnail": f"{folder}/thumbnail.webp",
        "createdAt": accepted["createdAt"],
    }
    assert folder.startswith(f"{BASE}/files/outputs/{accepted['id']}/")


def test_another_users_secret_does_not_verify(lambdas: Lambdas, key: str, stack: Stack, internet: Internet) -> None:
    # given a webhook
    internet.hosts[RECEIVER] = accept
    lambdas.ask(request("generate", authorization=key, body=SKETCH))
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")
    (sent,) = internet.to(RECEIVER)
    # when
    other = new_user(email="other@example.com", name="other", now=0)
    secret = derive_secret(stack.secret("SigningKeySecret"), other.id)
    # then
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(secret).verify(sent.content, dict(sent.headers))


def test_the_webhooks_url_leads_to_the_stored_picture(lambdas: Lambdas, key: str, stack: Stack) -> None:
    # given a finished sketch
    _, accepted = lambdas.ask(request("generate", authorization=key, body=SKETCH))
    lambdas.make()
    path = f"/generations/{accepted['id']}"
    _, document = lambdas.ask(request("generate", method="GET", path=path, authorization=key, body=""))
    # when
    answers = [
        lambdas.invoke("generate", request("generate", method="GET", path=document[name].removeprefix(BASE)))
        for name in ("output", "thumbnail")
    ]
    # then
    for answer, name in zip(answers, ("0.png", "thumbnail.webp"), strict=True):
        assert answer["statusCode"] == 302
        link = httpx.URL(answer["multiValueHeaders"]["Location"][0])
        assert link.path.endswith(f"/{name}")
        stored = aws("s3").get_object(Bucket=stack.ref("FilesBucket"), Key=link.path[link.path.index("outputs/") :])
        assert Image.open(io.BytesIO(stored["Body"].read())).size == (256, 256)


def test_a_file_that_is_not_there_is_not_found(lambdas: Lambdas) -> None:
    status, document = lambdas.ask(request("generate", method="GET", path="/files/outputs/guess/0.png"))
    assert (status, document["message"]) == (404, "There is no such file; it may have expired.")


def test_a_client_without_a_webhook_waits_for_its_picture(
    lambdas: Lambdas, key: str, generations: GenerationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a dispatch that runs while generate waits
    def sleep(_: float) -> None:
        lambdas.make()

    lambdas.ask(request("generate"))
    real = generate_dependencies()
    dependencies = replace(
        real, settings=replace(real.settings, wait_seconds=25), wait=Wait(generations=generations, sleep=sleep)
    )
    monkeypatch.setattr(generate, "dependencies", lambda: dependencies)
    body = json.loads(SKETCH)
    del body["webhook"]
    # when
    status, document = lambdas.ask(request("generate", authorization=key, body=json.dumps(body)))
    # then
    assert status == 200
    assert document["status"] == "success"
    assert document["output"]


def test_a_webhook_tells_of_a_failure(lambdas: Lambdas, key: str, internet: Internet) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    body = {**json.loads(SKETCH), "input": {"prompt": "test:fail"}}
    lambdas.ask(request("generate", authorization=key, body=json.dumps(body)))
    # when
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")
    # then
    (sent,) = internet.to(RECEIVER)
    document = json.loads(sent.content)
    assert (document["status"], document["output"]) == ("error", None)
    assert "test:fail" in document["error"]


def test_without_a_webhook_it_is_announced_but_not_delivered(lambdas: Lambdas, key: str, stack: Stack) -> None:
    # given
    body = json.loads(SKETCH)
    del body["webhook"]
    lambdas.ask(request("generate", authorization=key, body=json.dumps(body)))
    lambdas.make()
    # when
    answers = lambdas.stream()
    # then the subscription's filter keeps it from the queue
    assert answers == [{"batchItemFailures": []}]
    assert lambdas.waiting("DeliveryQueue") == []


def test_a_provider_that_calls_back(
    lambdas: Lambdas, key: str, studio: Studio, internet: Internet, generations: GenerationStore
) -> None:
    # given a job that the provider took
    internet.hosts[RECEIVER] = accept
    _, accepted = lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    assert generations.get(accepted["id"]).job_id == "job1"
    # when it is done
    studio.status = "success"
    status = lambdas.call_back(studio.webhook)
    lambdas.drain("ingest")
    lambdas.stream()
    lambdas.drain("deliver")
    # then
    assert status == 200
    (sent,) = internet.to(RECEIVER)
    document = json.loads(sent.content)
    assert document["status"] == "success"
    assert document["output"].startswith(f"{BASE}/files/outputs/{accepted['id']}/")


def test_a_callback_with_a_wrong_token_changes_nothing(
    lambdas: Lambdas, key: str, studio: Studio, generations: GenerationStore
) -> None:
    # given
    _, accepted = lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    before = generations.get(accepted["id"])
    # when
    status = lambdas.call_back(studio.webhook[:-1] + "!")
    # then
    assert status == 404
    assert generations.get(accepted["id"]) == before
    assert lambdas.waiting("IngestQueue") == []


def test_a_callback_that_comes_twice_stores_once(
    lambdas: Lambdas, key: str, studio: Studio, generations: GenerationStore, internet: Internet
) -> None:
    # given
    _, accepted = lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    studio.status = "success"
    # when
    statuses = [lambdas.call_back(studio.webhook), lambdas.call_back(studio.webhook)]
    lambdas.drain("ingest")
    # then
    assert statuses == [200, 200]
    assert len(internet.to("files.artificialstudio.ai")) == 1
    assert generations.get(accepted["id"]).status is Status.SUCCESS
    assert len(lambdas.stream()) == 1


def test_the_same_dispatch_message_twice_asks_the_provider_once(
    lambdas: Lambdas, key: str, studio: Studio, internet: Internet
) -> None:
    # given
    lambdas.ask(request("generate", authorization=key))
    (body,) = lambdas.waiting("DispatchQueue")
    clients.client("sqs").send_message(
        QueueUrl=generate_dependencies().settings.dispatch_queue_url, MessageBody=json.dumps(body)
    )
    # when
    answers = lambdas.make()
    # then
    assert answers == [{"batchItemFailures": []}] * 2
    assert len(internet.to("api.artificialstudio.ai")) == 1


def test_a_refused_webhook_is_tried_again_with_the_same_id(
    lambdas: Lambdas, key: str, internet: Internet, stack: Stack
) -> None:
    # given a receiver that is down
    internet.hosts[RECEIVER] = lambda _: httpx.Response(503)
    lambdas.ask(request("generate", authorization=key, body=SKETCH))
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")
    (row,) = [row for row in stack.rows("GenerationsTable") if row["record"]["S"] == "delivery#success"]
    assert (row["status"]["S"], row["tries"]["N"]) == ("pending", "1")
    # when it is up, and the time has come
    internet.hosts[RECEIVER] = accept
    aws("dynamodb").update_item(
        TableName=stack.ref("GenerationsTable"),
        Key={"id": row["id"], "record": row["record"]},
        UpdateExpression="SET due_at = :now",
        ExpressionAttributeValues={":now": {"N": "1"}},
    )
    assert lambdas.invoke("reconcile", event("reconcile")) == {"overdue": 1}
    lambdas.drain("deliver")
    # then
    first, second = internet.to(RECEIVER)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.content == second.content


def test_every_functions_calls_are_allowed_by_its_policy(
    lambdas: Lambdas, key: str, studio: Studio, internet: Internet, stack: Stack
) -> None:
    # given each function's part in a generation's way
    internet.hosts[RECEIVER] = accept
    lambdas.ask(request("generate", authorization=key))
    lambdas.make()
    studio.status = "success"
    lambdas.call_back(studio.webhook)
    lambdas.drain("ingest")
    lambdas.stream()
    lambdas.drain("deliver")
    # when
    called = {
        # a transaction needs the rights of what it does
        function: {name.replace(":Head", ":Get") for name in names if "Transact" not in name}
        for function, names in lambdas.operations.items()
    }
    # then
    for function, names in called.items():
        assert names <= stack.allowed_actions(f"{function.capitalize()}Function"), function
    assert len(called) == 6
