"""Clients' files on a deployed stack: sent in all ways, fetched by URL, too large at any layer, and whose they are."""

import base64
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.deployment import Account, Simulators, account_with_key, administer
from tests.simulators.server import png
from tools.local_stack import Deployed

MEGABYTE = 1024**2
PICTURE = png("a client's")


@pytest.fixture(scope="module")
def painter(upstream: Deployed) -> Account:
    administer(upstream, "POST", "/users", email="painter@example.com", credits=100).raise_for_status()
    return account_with_key(upstream, "painter@example.com")


@pytest.fixture(scope="module")
def stranger(upstream: Deployed) -> Account:
    administer(upstream, "POST", "/users", email="stranger@example.com", credits=100).raise_for_status()
    return account_with_key(upstream, "stranger@example.com")


def send(account: Account, content: bytes, content_type: str = "image/png", query: str = "") -> httpx.Response:
    """POST bytes as the file itself."""
    return httpx.post(
        f"{account.stack.api}/files{query}",
        content=content,
        headers={"Authorization": account.key, "Content-Type": content_type, "X-Filename": "cat.png"},
        timeout=60,
    )


def announce(account: Account, size: int, mimetype: str = "image/png") -> httpx.Response:
    """Ask for a form."""
    document = {"name": "cat.png", "size": size, "mimetype": mimetype}
    return account.post(document, "/files", **{"Content-Type": "application/json"})


def fetched(url: str) -> httpx.Response:
    """GET a file as anybody."""
    return httpx.get(url, follow_redirects=True, timeout=30)


def test_a_file_sent_raw_comes_back_as_it_was(painter: Account) -> None:
    answer = send(painter, PICTURE, "image/jpeg")

    document = answer.json()
    found = fetched(document["url"])
    assert (answer.status_code, document["mimetype"], document["size"]) == (201, "image/png", len(PICTURE))
    assert document["originalName"] == "cat.png"
    assert document["url"].startswith(f"{painter.stack.api}/files/uploads/{painter.user_id}/")
    assert (found.status_code, found.headers["content-type"], found.content) == (200, "image/png", PICTURE)


def test_a_transient_one_too(painter: Account) -> None:
    document = send(painter, PICTURE, "application/octet-stream", "?transient=true").raise_for_status().json()

    assert document["url"].startswith(f"{painter.stack.api}/files/transient/{painter.user_id}/")
    assert fetched(document["url"]).content == PICTURE


def test_httpx_sends_a_form(painter: Account) -> None:
    answer = httpx.post(
        f"{painter.stack.api}/files",
        files={"file": ("cát.png", PICTURE, "image/png")},
        headers={"Authorization": painter.key},
        timeout=30,
    )

    document = answer.json()
    assert (answer.status_code, document["type"], document["originalName"]) == (201, "image", "cát.png")
    assert fetched(document["url"]).content == PICTURE


def test_curl_sends_a_form(painter: Account, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PICTURE)
    command = ["curl", "-sS", "-H", f"Authorization: {painter.key}", "-F", f"file=@{tmp_path}/cat.png"]
    written = subprocess.run([*command, f"{painter.stack.api}/files"], capture_output=True, check=True, timeout=60)

    document = httpx.Response(200, content=written.stdout).json()
    assert document["originalName"] == "cat.png"
    assert fetched(document["url"]).content == PICTURE


def test_four_megabytes_go_through_the_api(painter: Account) -> None:
    large = PICTURE.ljust(4 * MEGABYTE)

    document = send(painter, large).raise_for_status().json()

    assert fetched(document["url"]).content == PICTURE


def test_more_goes_to_the_bucket_by_a_form_for_nothing_else(painter: Account) -> None:
    large = PICTURE.ljust(12 * MEGABYTE)
    document = announce(painter, len(large)).raise_for_status().json()
    form = document["upload"]

    def post(content: bytes, **changes: str) -> int:
        files = {"file": ("cat.png", content)}
        return httpx.post(form["url"], data=form["fields"] | changes, files=files, timeout=60).status_code

    assert fetched(document["url"]).status_code == 404
    assert post(large[:-1]) == 400
    assert post(large + b".") == 400
    assert post(large, key=form["fields"]["key"].replace(painter.user_id, "user_2")) == 403
    assert post(large, **{"Content-Type": "text/html"}) == 403
    assert fetched(document["url"]).status_code == 404
    assert post(large) == 204
    found = fetched(document["url"])
    assert (found.status_code, found.headers["content-type"], found.content) == (200, "image/png", PICTURE)


def test_a_form_does_not_make_a_page_of_what_is_no_picture(painter: Account) -> None:
    page = b"<script>alert(1)</script>"
    document = announce(painter, len(page)).raise_for_status().json()
    form = document["upload"]

    stored = httpx.post(form["url"], data=form["fields"], files={"file": ("cat.png", page)}, timeout=30)

    assert stored.status_code == 204
    assert fetched(document["url"]).status_code == 404


@pytest.mark.parametrize("megabytes", [5, 7, 11, 25])
@pytest.mark.parametrize("content_type", ["image/png", "multipart/form-data; boundary=x", "text/plain"])
def test_too_large_a_body_is_said_to_be_that(painter: Account, megabytes: int, content_type: str) -> None:
    answer = send(painter, PICTURE.ljust(megabytes * MEGABYTE), content_type)

    assert answer.status_code in ((413, 415) if content_type == "text/plain" else (413,))
    assert answer.json()["message"]


@pytest.mark.parametrize("megabytes", [1, 7, 11])
def test_so_is_too_large_a_request(painter: Account, megabytes: int) -> None:
    inline = f"data:image/png;base64,{base64.b64encode(PICTURE.ljust(megabytes * MEGABYTE)).decode()}"

    answer = painter.post({"model": "from-replicate", "input": {"prompt": "as this", "image_urls": [inline]}})

    assert answer.status_code == 413
    assert "/files" in answer.json()["message"]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"GIF89a", "image/gif", 415),
        (PICTURE, "text/plain", 415),
        (PICTURE, "application/x-www-form-urlencoded", 415),
        (PICTURE, "application/json", 400),
        (PICTURE, "multipart/form-data", 400),
        (b"", "image/png", 400),
    ],
)
def test_what_is_no_file_is_refused(painter: Account, content: bytes, content_type: str, status: int) -> None:
    answer = send(painter, content, content_type)

    assert answer.status_code == status
    assert answer.json()["message"]


def test_who_has_its_url_works_from_it(painter: Account, stranger: Account, simulators: Simulators) -> None:
    url = send(painter, PICTURE).raise_for_status().json()["url"]
    wanted = {"model": "from-replicate", "input": {"prompt": "as this", "image_urls": [url]}}

    finished = painter.finished(painter.post(wanted, Prefer="respond-async").raise_for_status().json()["id"])
    shared = stranger.post(wanted, Prefer="respond-async")

    [job] = [job for job in simulators.replicate.jobs.values() if job.generation_id == finished["id"]]
    [told] = job.input["image_input"]
    assert finished["status"] == "success"
    assert told.startswith(f"{painter.stack.api}/files/inputs/{finished['id']}/")
    assert fetched(told).headers["content-type"] == "image/png"
    assert shared.status_code == 202


def test_nobody_sends_without_a_key(painter: Account) -> None:
    answer = httpx.post(
        f"{painter.stack.api}/files", content=PICTURE, headers={"Content-Type": "image/png"}, timeout=30
    )

    assert answer.status_code == 401
