"""Clients' files: how they are read, named and stored."""

import base64
import json
from typing import Any

import pytest

from atelier.api.upload_request import MAX_BODY_BYTES, MAX_NAME_LENGTH, parse_upload
from atelier.errors import InvalidRequestError, PayloadTooLargeError, RequestError, UnsupportedMediaTypeError
from atelier.generations import input_images
from atelier.images.file_urls import FileUrls
from atelier.images.ports import UploadForm
from atelier.images.serializer import describe_upload
from atelier.images.uploads import FORM_LIFETIME, MAX_BYTES, StoreUpload, Upload, UploadRequest
from atelier.providers.provider import ProviderImage
from tests.cases import each
from tests.unit.fakes import BASE_URL, NOW, Clock, InMemoryFiles
from tests.unit.pictures import a_picture, write

PNG, JPEG, WEBP = (write(a_picture(), kind) for kind in ("PNG", "JPEG", "WEBP"))
ANNOUNCED: dict[str, Any] = {"name": "cat.png", "size": 12_345_678, "mimetype": "image/png"}


def parse(
    content: bytes, content_type: str | None = "image/png", name: str | None = "cat.png", **query: str
) -> UploadRequest:
    """Read bytes as API Gateway hands them over."""
    encoded = base64.b64encode(content).decode()
    return parse_upload(encoded, encoded=True, content_type=content_type, name=name, query=query)


def announce(**changes: Any) -> UploadRequest:
    """Read JSON as API Gateway hands it over."""
    document = {name: value for name, value in {**ANNOUNCED, **changes}.items() if value is not ...}
    return parse_upload(json.dumps(document), encoded=False, content_type="application/json", name=None, query={})


def refused(body: str | None, *, encoded: bool, content_type: str | None, **query: str) -> RequestError:
    """Return the error with which a body is refused."""
    with pytest.raises(RequestError) as caught:
        parse_upload(body, encoded=encoded, content_type=content_type, name=None, query=query)
    return caught.value


@each(("content", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
@each("said", ["image/png", "image/gif; charset=x", "application/octet-stream", "", None])
def test_a_picture_is_what_its_bytes_say(content: bytes, kind: str, said: str | None) -> None:
    assert parse(content, said) == UploadRequest(
        content_type=kind, size=len(content), name="cat.png", transient=False, content=content
    )


def test_a_form_has_it_in_its_field() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="dog.png"\r\n'
        b"Content-Type: text/plain\r\n\r\n" + PNG + b"\r\n--x--\r\n"
    )
    request = parse(body, "Multipart/Form-Data; boundary=x", transient="true")
    assert request == UploadRequest(
        content_type="image/png", size=len(PNG), name="dog.png", transient=True, content=PNG
    )


@pytest.mark.parametrize("content", [b"GIF89a", b"<svg/>", b"\x89PN", b"RIFF....WAVE"])
def test_what_is_no_picture_that_we_keep_is_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="image/png, image/jpeg, image/webp") as caught:
        parse(content)
    assert caught.value.accepted == ("image/png", "image/jpeg", "image/webp")


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded"])
def test_bytes_that_arrive_as_text_are_refused_with_what_helps(content_type: str | None) -> None:
    error = refused(WEBP.decode(errors="replace"), encoded=False, content_type=content_type)
    assert error.status == 415
    assert "Content-Type must be" in error.message


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "video/mp4"])
def test_bytes_of_another_declared_type_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="Content-Type must be one of image/png"):
        parse(PNG, content_type=content_type)


@pytest.mark.parametrize("body", ["not base64!", "aGk", "ä"])
def test_a_body_that_is_damaged_is_refused(body: str) -> None:
    assert refused(body, encoded=True, content_type="image/png").status == 400


@each("body", ["", None])
@each("content_type", ["image/png", "multipart/form-data; boundary=x", "application/json", None])
def test_an_empty_body_is_refused(body: str | None, content_type: str | None) -> None:
    assert refused(body, encoded=False, content_type=content_type).status == 400


def test_a_body_may_have_as_much_as_lambda_can_take() -> None:
    assert parse(PNG.ljust(MAX_BODY_BYTES)).size == MAX_BODY_BYTES
    event = base64.b64encode(bytes(MAX_BODY_BYTES))
    assert len(event) + 256 * 1024 < 6 * 1024 * 1024, "with room for the rest of the event"


@pytest.mark.parametrize(
    ("size", "encoded"), [(MAX_BODY_BYTES + 3, True), (7 * 1024**2, True), (11 * 1024**2, True), (11 * 1024**2, False)]
)
def test_a_body_with_more_is_refused_with_the_other_way(size: int, encoded: bool) -> None:
    body = base64.b64encode(bytes(size)).decode() if encoded else "x" * size
    error = refused(body, encoded=encoded, content_type="image/png")
    assert isinstance(error, PayloadTooLargeError)
    assert "4 MB" in error.message
    assert "JSON" in error.message


@pytest.mark.parametrize("value", ["", "yes", "1", "True"])
def test_transient_is_true_or_false(value: str) -> None:
    error = refused("aGk=", encoded=True, content_type="image/png", transient=value)
    assert [error.field for error in error.errors] == ["transient"]


@each(
    ("sent", "kept"),
    [
        ("cat.png", "cat.png"),
        ("C:\\fakepath\\貓 \u2603.png", "C:\\fakepath\\貓 \u2603.png"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\r\nb\x00c\u202egnp.exe\ud800", "abcgnp.exe"),
        ("x" * (MAX_NAME_LENGTH + 1), "x" * MAX_NAME_LENGTH),
        ("\n", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_is_kept_as_far_as_it_can_be_shown(sent: str | None, kept: str | None) -> None:
    assert parse(PNG, name=sent).name == kept


def test_a_larger_file_is_announced() -> None:
    expected = UploadRequest(content_type="image/png", size=12_345_678, name="cat.png", transient=False)
    assert announce() == expected
    assert announce(name=...).name is None
    assert announce(name=None).name is None
    assert announce(name="").name is None
    assert announce(transient=True).transient is True
    assert announce(size=MAX_BYTES).size == MAX_BYTES
    text = json.dumps(ANNOUNCED)
    kind = "application/json; charset=utf-8"
    query = {"transient": "true"}
    assert parse_upload(text, encoded=False, content_type=kind, name=None, query=query).transient is True


@each(
    ("changes", "field"),
    [
        ({"name": 7}, "name"),
        ({"size": ...}, "size"),
        ({"size": None}, "size"),
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"size": True}, "size"),
        ({"size": "7"}, "size"),
        ({"size": 7.5}, "size"),
        ({"mimetype": ...}, "mimetype"),
        ({"mimetype": "image/gif"}, "mimetype"),
        ({"mimetype": ["image/png"]}, "mimetype"),
        ({"transient": "true"}, "transient"),
        ({"key": "uploads/user_2/x"}, "key"),
    ],
)
def test_an_announcement_that_is_not_valid_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        announce(**changes)
    assert [error.field for error in caught.value.errors] == [field]


def test_a_file_that_is_too_large_for_anybody_is_refused() -> None:
    with pytest.raises(PayloadTooLargeError, match="20 MB"):
        announce(size=MAX_BYTES + 1)


def test_what_may_be_uploaded_may_be_used() -> None:
    assert MAX_BYTES == input_images.MAX_BYTES


def store(request: UploadRequest) -> tuple[Upload, InMemoryFiles]:
    """Store a file of user_1."""
    files = InMemoryFiles()
    return StoreUpload(files=files, clock=Clock())(request, "user_1"), files


def test_a_file_is_stored_as_its_owners() -> None:
    upload, files = store(parse(JPEG))
    assert files.objects == {upload.key: ProviderImage(JPEG, "image/jpeg")}
    assert upload.key.startswith(f"uploads/user_1/{upload.id}/")
    assert upload.key.endswith(".jpg")
    document = describe_upload(upload, BASE_URL)
    assert document == {
        "id": upload.id,
        "url": f"{BASE_URL}/files/{upload.key}",
        "type": "image",
        "mimetype": "image/jpeg",
        "size": len(JPEG),
        "originalName": "cat.png",
        "createdAt": "2027-01-15T08:00:00.000Z",
    }
    assert FileUrls(BASE_URL).key(document["url"]) == upload.key


def test_a_transient_file_is_where_files_are_forgotten_soon() -> None:
    upload, files = store(parse(PNG, transient="true"))
    assert upload.key.startswith(f"transient/user_1/{upload.id}/")
    assert list(files.objects) == [upload.key]
    assert FileUrls(BASE_URL).key(describe_upload(upload, BASE_URL)["url"]) == upload.key


def test_no_two_files_have_the_same_key() -> None:
    request = parse(PNG)
    first, second = store(request)[0], store(request)[0]
    assert first.id != second.id
    assert first.key.rpartition("/")[2] != second.key.rpartition("/")[2]


def test_an_announced_file_gets_a_form_for_just_that() -> None:
    upload, files = store(announce(mimetype="image/webp"))
    fields = {"key": f"incoming/{upload.key}", "Content-Type": "image/webp", "size": "12345678", "seconds": "900"}
    assert files.objects == {}
    assert upload.form == UploadForm("https://bucket.example/", fields)
    document = describe_upload(upload, BASE_URL)
    assert document["upload"] == {"url": "https://bucket.example/", "fields": fields}
    assert document["expiresAt"] == "2027-01-15T08:15:00.000Z"
    assert FORM_LIFETIME == 900_000
    assert upload.created_at == NOW


HTML = b"<html><script>alert(1)</script></html>"


@each("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_is_stored_without_what_follows_the_picture(kind: str) -> None:
    picture = write(a_picture(), kind)
    upload, files = store(parse(picture + HTML))
    assert (upload.size, files.objects[upload.key].content) == (len(picture), picture)


def test_a_file_that_is_no_whole_picture_is_refused_not_stored() -> None:
    files = InMemoryFiles()
    step = StoreUpload(files=files, clock=Clock())
    for content in (b"\x89PNG\r\n\x1a\n" + HTML, PNG[:-20], b"\xff\xd8\xff" + HTML, WEBP[:40]):
        with pytest.raises(InvalidRequestError, match="cannot be used"):
            step(parse(content), "user_1")
    assert files.objects == {}


def test_a_form_upload_is_published_without_trailing_bytes() -> None:
    files = InMemoryFiles()
    step = StoreUpload(files=files, clock=Clock())
    upload = step(announce(), "user_1")
    assert not step.publish(upload.key)
    files.put(f"incoming/{upload.key}", b"\x89PNG\r\n\x1a\n" + HTML, "image/png")
    assert not step.publish(upload.key)
    assert upload.key not in files.objects
    files.put(f"incoming/{upload.key}", JPEG + HTML, "text/html")
    assert step.publish(upload.key)
    assert files.objects[upload.key] == ProviderImage(JPEG, "image/jpeg")
