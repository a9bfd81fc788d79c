"""Clients' files: sent raw, in a form or straight to the bucket, fetched by URL, used by their owner."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from atelier.adapters.aws import clients as functions_aws
from atelier.adapters.aws.s3_files import S3Files
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.generations.model import Status
from tests.integration.client import Answer, Client, a_client
from tests.integration.lambdas import Calls, Lambdas, request
from tests.integration.stack import Stack, aws, set_provider_keys
from tests.integration.test_providers import KEYS, Replicate
from tests.integration.world import BASE, Internet, picture

AS_THESE = {"model": "nano-banana", "input": {"prompt": "as these"}}
ANNOUNCED = {"name": "cat.png", "size": 12_345_678, "mimetype": "image/png"}


@pytest.fixture
def ann(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "ann@example.com")


@pytest.fixture
def bob(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "bob@example.com")


@pytest.fixture
def replicate(stack: Stack, internet: Internet) -> Replicate:
    set_provider_keys(stack.ref("ProviderKeysSecret"), KEYS)
    internet.hosts["api.replicate.com"] = replicate = Replicate()
    return replicate


def send(client: Client, content: bytes, query: dict[str, str] | None = None, **headers: str) -> Answer:
    """Send bytes, which API Gateway encodes."""
    sent = {"Content-Type": "image/png", **{name.replace("_", "-"): item for name, item in headers.items()}}
    if client.key:
        sent["Authorization"] = client.key
    body = base64.b64encode(content).decode()
    event = request("generate", method="POST", path="/files", body=body, headers=sent, query=query)
    answer = client.lambdas.invoke("generate", {**event, "isBase64Encoded": True})
    return Answer(
        answer["statusCode"], {name: item[0] for name, item in answer["multiValueHeaders"].items()}, answer["body"]
    )


def objects(stack: Stack) -> dict[str, dict[str, Any]]:
    """Read the bucket."""
    bucket = stack.ref("FilesBucket")
    listed = aws("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"]: aws("s3").get_object(Bucket=bucket, Key=item["Key"]) for item in listed}


def put(stack: Stack, key: str, content: bytes) -> None:
    """Do what a form does."""
    aws("s3").put_object(Bucket=stack.ref("FilesBucket"), Key=key, Body=content, ContentType="image/png")


def path(url: str) -> str:
    """Return where a file of ours is in the API."""
    assert url.startswith(f"{BASE}/files/")
    return url.removeprefix(BASE)


# ---- Sending ---------------------------------------------------------------------------------------------------------


def test_a_file_is_stored_and_its_url_leads_to_it(ann: Client, stack: Stack, calls: Calls) -> None:
    # when
    answer = send(ann, picture(), X_Filename="cat.png", Content_Type="image/gif")
    made = calls.take()
    # then
    assert answer.status == 201
    document = answer.document
    assert (document["mimetype"], document["size"], document["originalName"], document["type"]) == (
        "image/png", len(picture()), "cat.png", "image",
    )  # fmt: skip
    assert set(document) == {"id", "url", "type", "mimetype", "size", "originalName", "createdAt"}
    assert answer.headers["Location"] == document["url"]
    [(key, stored)] = objects(stack).items()
    assert key.startswith(f"uploads/{ann.user_id}/{document['id']}/")
    assert (stored["Body"].read(), stored["ContentType"]) == (picture(), "image/png")
    assert [call for call in made if call.startswith("s3:")] == ["s3:PutObject"]
    # and anybody may fetch it who has the URL
    calls.take()
    link = Client(ann.lambdas)("GET", path(document["url"]))
    assert (link.status, link.headers["Cache-Control"]) == (302, "private, max-age=60")
    assert calls.take() == ["s3:GetObject"]
    there = urlsplit(link.headers["Location"])
    assert there.path.endswith(key)
    assert parse_qs(there.query)["response-content-type"] == ["image/png"]


def test_a_form_carries_one_too_and_a_transient_is_kept_apart(ann: Client, stack: Stack) -> None:
    # given
    form = httpx.Request("POST", BASE, files={"file": ("cát.png", picture(), "text/plain")})
    # when
    answer = send(ann, form.read(), {"transient": "true"}, Content_Type=form.headers["Content-Type"])
    # then
    assert (answer.status, answer.document["originalName"]) == (201, "cát.png")
    [(key, stored)] = objects(stack).items()
    assert key.startswith(f"transient/{ann.user_id}/{answer.document['id']}/")
    assert stored["Body"].read() == picture()
    assert Client(ann.lambdas)("GET", path(answer.document["url"])).status == 302


def test_a_larger_file_goes_to_the_bucket_by_a_form(ann: Client, stack: Stack) -> None:
    # when
    answer = ann("POST", "/files", ANNOUNCED)
    # then the form is for this key, type and size alone
    assert answer.status == 202
    document = answer.document
    fields = document["upload"]["fields"]
    policy = json.loads(base64.b64decode(fields["policy"]))
    bucket = stack.ref("FilesBucket")
    conditions = policy["conditions"]
    assert ["content-length-range", 12_345_678, 12_345_678] in conditions
    for condition in ({"bucket": bucket}, {"key": fields["key"]}, {"Content-Type": "image/png"}):
        assert condition in conditions
    assert set(fields) == {"key", "Content-Type", "policy"} | {name for name in fields if name.startswith("x-amz-")}
    assert bucket in document["upload"]["url"]
    arrives = fields["key"]
    assert arrives == f"incoming/{path(document['url']).removeprefix('/files/')}"
    assert arrives.startswith(f"incoming/uploads/{ann.user_id}/{document['id']}/")
    assert document["createdAt"] < document["expiresAt"]
    # and before it came there is nothing at its URL, nor when it is no picture
    assert ann("GET", path(document["url"])).status == 404
    for content in (b"<svg/>", b"\xff\xd8\xff and so on", picture()[:-9]):
        put(stack, arrives, content)
        assert ann("GET", path(document["url"])).status == 404
    assert ann("GET", f"/files/{arrives}").status == 404
    # when it is one, it is that picture alone, for good
    put(stack, arrives, picture() + b"<html>")
    link = ann("GET", path(document["url"]))
    assert parse_qs(urlsplit(link.headers["Location"]).query)["response-content-type"] == ["image/png"]
    put(stack, arrives, b"<html>")
    assert ann("GET", path(document["url"])).status == 302
    assert {key: stored["Body"].read() for key, stored in objects(stack).items()} == {
        arrives: b"<html>", arrives.removeprefix("incoming/"): picture(),
    }  # fmt: skip


def test_links_and_forms_lead_to_the_region_of_the_bucket(moto: None) -> None:
    client: Any = functions_aws._session().create_client(
        "s3", region_name="eu-west-1", config=functions_aws._OTHER_CONFIGS["s3"]
    )
    files = S3Files(lambda: client, "files")
    assert files.form("uploads/x", "image/png", 1, seconds=1).url == "https://files.s3.eu-west-1.amazonaws.com/"
    assert files.origin() == "https://files.s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"GIF89a", "image/gif", 415),
        (b"", "image/png", 400),
        (b"--x--", "multipart/form-data; boundary=x", 400),
        (bytes(5 * 1024**2), "image/png", 413),
        (bytes(11 * 1024**2), "multipart/form-data; boundary=x", 413),
    ],
    ids=str,
)
def test_what_cannot_be_taken_is_refused_and_nothing_stored(
    content: bytes, content_type: str, status: int, ann: Client, stack: Stack
) -> None:
    answer = send(ann, content, Content_Type=content_type)
    assert answer.status == status
    assert answer.document["message"]
    assert objects(stack) == {}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_bytes_that_became_text_are_refused(content_type: str | None, ann: Client) -> None:
    answer = ann("POST", "/files", "\ufffdPNG", Content_Type=content_type)
    assert (answer.status, answer.headers["Accept"]) == (
        415, "image/png, image/jpeg, image/webp, application/octet-stream, multipart/form-data, application/json",
    )  # fmt: skip


def test_a_body_with_damaged_base64_is_refused(ann: Client) -> None:
    event = request("generate", method="POST", path="/files", authorization=ann.key, body="not base64!")
    status, _ = ann.lambdas.ask(
        {**event, "isBase64Encoded": True, "headers": {**event["headers"], "Content-Type": "image/png"}}
    )
    assert status == 400


def test_a_key_must_be_valid_and_may_be_limited(
    ann: Client, lambdas: Lambdas, stack: Stack, accounts: AccountStore
) -> None:
    reader = a_client(lambdas, stack, accounts, "reader@example.com", scopes=("read",))
    busy = a_client(lambdas, stack, accounts, "busy@example.com", requests_per_minute=1)
    assert send(Client(lambdas), picture()).status == 401
    assert send(reader, picture()).status == 403
    assert objects(stack) == {}
    assert send(busy, picture()).status == 201
    limited = busy("POST", "/files", ANNOUNCED)
    assert limited.status == 429
    assert "Retry-After" in limited.headers


def test_no_name_and_no_byte_of_a_file_is_logged(ann: Client, logs: Any) -> None:
    send(ann, picture(), X_Filename="my-secret-cat.png")
    ann("POST", "/files", {**ANNOUNCED, "name": "my-secret-cat.png"})
    assert logs()
    assert "my-secret-cat" not in json.dumps(logs())


# ---- Using -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["raw", "transient", "form"])
def test_its_owner_uses_a_file_as_a_picture_to_work_from(
    way: str, ann: Client, replicate: Replicate, generations: GenerationStore, internet: Internet, stack: Stack
) -> None:
    # given
    if way == "form":
        document = ann("POST", "/files", ANNOUNCED).document
        put(stack, document["upload"]["fields"]["key"], picture())
    else:
        document = send(ann, picture(), {"transient": str(way == "transient").lower()}).document
    # when
    wanted = {**AS_THESE, "input": {"prompt": "as these", "image_urls": [document["url"]]}}
    asked = ann("POST", "/generate", wanted)
    ann.lambdas.make()
    # then it was read where it is stored, and written anew for the provider
    assert asked.status == 202
    generation = generations.get(asked.document["id"])
    assert generation.status is Status.PROCESSING
    assert replicate.input["image_input"] == [f"{BASE}/files/{file.key}" for file in generation.inputs]
    assert replicate.input["image_input"] != [document["url"]]
    assert {asked.url.host for asked in internet.requests} == {"api.replicate.com"}


@pytest.mark.parametrize("route", ["/generate", "/run"])
def test_a_url_of_this_service_that_is_no_file_is_refused(
    route: str, bob: Client, replicate: Replicate, stack: Stack
) -> None:
    # given
    own = send(bob, picture()).document["url"]
    values = {"prompt": "as these", "image_urls": [own, own.rpartition("/")[0], own.replace("uploads", "%69ncoming")]}
    named = {"/generate": {"model": "nano-banana"}, "/run": {"tool": "text-to-image"}}[route]
    body = {**named, "input": values if route == "/generate" else {**values, "model": "nano-banana"}}
    # when
    answer = bob("POST", route, body)
    # then
    assert answer.status == 400
    assert answer.faults == [("input.image_urls.1", "invalid_url"), ("input.image_urls.2", "invalid_url")]
    assert stack.rows("GenerationsTable") == []


@pytest.mark.parametrize("spelling", ["as given", "in another way"])
def test_whoever_knows_a_files_url_may_use_it(
    spelling: str, ann: Client, bob: Client, replicate: Replicate, generations: GenerationStore, internet: Internet
) -> None:
    url = send(ann, picture()).document["url"]
    url = url if spelling == "as given" else url.replace("uploads", "%75ploads")
    asked = bob("POST", "/generate", {**AS_THESE, "input": {"prompt": "as these", "image_urls": [url]}})
    bob.lambdas.make()
    assert [stored.content_type for stored in generations.get(asked.document["id"]).inputs] == ["image/png"]
    assert {request.url.host for request in internet.requests} == {"api.replicate.com"}


def test_a_file_that_never_came_is_an_error_that_names_it(
    ann: Client, replicate: Replicate, generations: GenerationStore
) -> None:
    # given a form that nobody used
    url = ann("POST", "/files", ANNOUNCED).document["url"]
    # when
    asked = ann("POST", "/generate", {**AS_THESE, "input": {"prompt": "as these", "image_urls": [url]}})
    ann.lambdas.make()
    # then
    failed = generations.get(asked.document["id"])
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert "image_urls.0" in (failed.error or "")
    assert replicate.input == {}


def test_two_users_files_stay_apart(ann: Client, bob: Client, stack: Stack) -> None:
    for client in (ann, bob):
        send(client, picture(), X_Filename="../../uploads/user_1/cat.png")
        client("POST", "/files", {**ANNOUNCED, "name": f"../{ann.user_id}/cat.png"})
    folders = sorted(key.rsplit("/", 2)[0] for key in objects(stack))
    assert folders == sorted(f"uploads/{client.user_id}" for client in (ann, bob))
