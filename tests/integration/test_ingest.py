"""Results from hostile places, through the real function, client, decoder and bucket: nothing of them is stored raw."""

import io
import os
import zipfile
from collections.abc import Callable, Iterator

import httpx
import pytest
from PIL import Image

from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.generations.ingest import MAX_IMAGE_BYTES
from atelier.generations.model import Generation, Status
from tests.integration.lambdas import Lambdas, message, queue_event
from tests.integration.samples import generation
from tests.integration.stack import Stack, aws
from tests.integration.world import Internet, picture
from tests.unit.pictures import png_of

SECRET = b"what nobody may find in the bucket"
HTML = b"<!doctype html><script>alert('" + SECRET + b"')</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>/*' + SECRET + b"*/</script></svg>"


def with_zip() -> bytes:
    """A picture that is an archive too."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("secret.txt", SECRET)
    return picture() + archive.getvalue()


def endless() -> Iterator[bytes]:
    """A picture that never ends."""
    yield picture()
    while True:
        yield SECRET * 2_000


REFUSED: dict[str, Callable[[], httpx.Response]] = {
    "a bomb": lambda: httpx.Response(200, content=png_of(60_000, 60_000, bytes(10_000_000))),
    "a truncated picture": lambda: httpx.Response(200, content=picture()[:-40]),
    "svg": lambda: httpx.Response(200, content=SVG, headers={"Content-Type": "image/png"}),
    "html": lambda: httpx.Response(200, content=HTML, headers={"Content-Type": "image/png"}),
    "json": lambda: httpx.Response(200, json={"error": SECRET.decode()}),
    "an endless body": lambda: httpx.Response(200, content=endless()),
}
CLEANED: dict[str, Callable[[], httpx.Response]] = {
    "a polyglot": lambda: httpx.Response(200, content=picture() + HTML, headers={"Content-Type": "text/html"}),
    "a png and zip": lambda: httpx.Response(200, content=with_zip()),
}
URL = "https://cdn.example/1.png"


@pytest.fixture
def ingested(
    lambdas: Lambdas, generations: GenerationStore, internet: Internet
) -> Callable[[Callable[[], httpx.Response]], Generation]:
    """Let a provider's result wait behind a URL, and ingest it."""

    def run(serve: Callable[[], httpx.Response]) -> Generation:
        internet.hosts["cdn.example"] = lambda _: serve()
        waiting = generation(
            status=Status.UPLOADING, provider="replicate", committed=True, job_id="1", sources=(URL,),
            sources_until=2**45,
        )  # fmt: skip
        generations.add(waiting)
        answer = lambdas.invoke("ingest", queue_event("ingest", message(waiting.id)))
        assert answer == {"batchItemFailures": []}
        return generations.get(waiting.id)

    return run


def stored(stack: Stack) -> dict[str, tuple[str, bytes]]:
    """All that is in the bucket: content types and bytes."""
    bucket = stack.ref("FilesBucket")
    keys = [item["Key"] for item in aws("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]
    found = {key: aws("s3").get_object(Bucket=bucket, Key=key) for key in keys}
    return {key: (item["ContentType"], item["Body"].read()) for key, item in found.items()}


@pytest.mark.parametrize("name", REFUSED)
def test_no_whole_picture_fails_the_generation_and_stores_none(
    name: str, ingested: Callable[[Callable[[], httpx.Response]], Generation], stack: Stack
) -> None:
    failed = ingested(REFUSED[name])
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert (failed.error or "").startswith("The provider's result cannot be used: ")
    assert stored(stack) == {}


@pytest.mark.parametrize("name", CLEANED)
def test_of_what_is_a_picture_too_only_the_picture_is_stored(
    name: str, ingested: Callable[[Callable[[], httpx.Response]], Generation], stack: Stack
) -> None:
    finished = ingested(CLEANED[name])
    assert finished.status is Status.SUCCESS
    [output] = finished.outputs
    objects = stored(stack)
    assert set(objects) == {output.key, finished.thumbnail}
    for kind, content in objects.values():
        assert SECRET not in content
        assert not zipfile.is_zipfile(io.BytesIO(content))
        opened = Image.open(io.BytesIO(content))
        opened.load()
        assert kind == Image.MIME[opened.format or ""]
    assert (output.width, output.height, output.size) == (64, 48, len(objects[output.key][1]))


def test_a_picture_of_25_mb_is_stored(
    ingested: Callable[[Callable[[], httpx.Response]], Generation], stack: Stack
) -> None:
    written = io.BytesIO()
    Image.frombytes("RGB", (2_900, 2_900), os.urandom(2_900 * 2_900 * 3)).save(written, "PNG", compress_level=0)
    content = written.getvalue()
    assert 25_000_000 < len(content) < MAX_IMAGE_BYTES
    finished = ingested(lambda: httpx.Response(200, content=content))
    assert finished.status is Status.SUCCESS
    [output] = finished.outputs
    assert (output.width, output.height) == (2_900, 2_900)
    assert stored(stack)[output.key][0] == "image/png"
