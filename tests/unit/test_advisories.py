"""The scan of the pins finds what it should, and only that."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cases import each
from tools import advisories
from tools.advisories import LIST, Pin, findings, pins, update

KNOWN: list[dict[str, Any]] = json.loads(LIST.read_text(encoding="utf-8"))["advisories"]


def an_advisory(*events: dict[str, str], name: str = "Some_Package", kind: str = "ECOSYSTEM", **fields: Any) -> Any:
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": [{"type": kind, "events": list(events)}]}
    return {"id": "X-1", "affected": [affected], **fields}


def found(version: str, advisory: Any, name: str = "some-package", ecosystem: str = "PyPI") -> bool:
    return bool(list(findings([Pin(ecosystem, name, version, "f")], [advisory])))


def plant(root: Path, *lines: str) -> None:
    """Write a repository with these pins of Python's and one of Node's."""
    (root / "layers" / "core").mkdir(parents=True)
    (root / "layers" / "core" / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")
    (root / "requirements" / "node").mkdir(parents=True)
    lock = {"packages": {"": {"name": "x"}, "node_modules/a/node_modules/@b/c": {"version": "1.2.3"}}}
    (root / "requirements" / "node" / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    [
        "urllib3==2.4.0",
        "Pillow==10.1.0 ; python_version > '3'",
        "h11[x]==0.14.0",
        "idna==3.6 \\\n    --hash=sha256:0",
    ],
)
def test_a_planted_pin_that_is_vulnerable_fails(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, "certifi==2026.10.18", line)
    with pytest.raises(SystemExit) as failed:
        advisories.main([], tmp_path)
    assert failed.value.code == 1
    assert "layers/core/requirements.txt" in capsys.readouterr().out


def test_pins_that_are_not_vulnerable_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, "certifi==2026.10.18", "urllib3==2.5.0")
    advisories.main([], tmp_path)
    assert "3 pins, 0 affected" in capsys.readouterr().out


def test_our_own_pins_are_read_and_not_affected() -> None:
    found = pins()
    names = {(pin.ecosystem, pin.name) for pin in found}
    assert {("PyPI", "pillow"), ("PyPI", "httpx"), ("PyPI", "aws-lambda-powertools"), ("PyPI", "boto3")} <= names
    assert len({pin.file for pin in found}) >= 8
    assert [pin for pin in found if pin.ecosystem == "npm"]
    assert list(findings(found, KNOWN)) == []


def test_the_list_knows_packages_that_are_pinned() -> None:
    named = {item["package"]["name"] for advisory in KNOWN for item in advisory["affected"]}
    pinned = {pin.name for pin in pins()}
    assert len(named & pinned) >= 10
    assert all(item["ranges"] for advisory in KNOWN for item in advisory["affected"])


@each(
    ("version", "affected"),
    [
        ("0.9", False), ("1.0", True), ("1.9.9", True), ("2.0rc1", True), ("2.0", False), ("2.5", False),
        ("3.1", True), ("3.2", False),
    ],
)  # fmt: skip
def test_ranges_hold_their_beginning_and_not_their_fix(version: str, affected: bool) -> None:
    events = ({"introduced": "3.0"}, {"fixed": "3.2"}, {"introduced": "1.0"}, {"fixed": "2.0"})
    assert found(version, an_advisory(*events)) is affected


def test_the_last_affected_version_is_affected() -> None:
    advisory = an_advisory({"introduced": "0"}, {"last_affected": "2.0"})
    assert [found(version, advisory) for version in ("1", "2.0", "2.0.1")] == [True, True, False]


def test_what_is_withdrawn_or_of_another_package_affects_nothing() -> None:
    advisory = an_advisory({"introduced": "0"})
    assert found("1", advisory)
    assert not found("1", {**advisory, "withdrawn": "2026-01-01T00:00:00Z"})
    assert not found("1", advisory, name="some-other-package")
    assert not found("1", advisory, ecosystem="npm")
    assert not found("1", an_advisory({"introduced": "0"}, kind="GIT"))


def test_a_version_that_is_none_is_compared_by_name() -> None:
    advisory = an_advisory({"introduced": "0"})
    advisory["affected"][0]["versions"] = ["not-a-version"]
    assert found("not-a-version", advisory)
    assert not found("nor-this-one", advisory)


def test_a_new_list_holds_what_is_known_of_all_pins_page_by_page() -> None:
    asked = []

    def osv(request: httpx.Request) -> httpx.Response:
        query = json.loads(request.content)
        name, page = query["package"]["name"], query.get("page_token")
        asked.append((name, page))
        first = {"vulns": [{**an_advisory(name="a"), "details": "x"}], "next_page_token": "2"}
        second = {"vulns": [{**an_advisory(name="a"), "id": "X-2"}]}
        return httpx.Response(200, json={("a", None): first, ("a", "2"): second}.get((name, page), {}))

    with httpx.Client(transport=httpx.MockTransport(osv)) as client:
        document = update(client, [Pin("PyPI", "a", "1", "f"), Pin("npm", "b", "1", "f")], date(2026, 11, 26))
    assert sorted(asked, key=str) == [("a", "2"), ("a", None), ("b", None)]
    assert document["date"] == "2026-11-26"
    assert [advisory["id"] for advisory in document["advisories"]] == ["X-1", "X-2"]
    assert "details" not in document["advisories"][0]


def test_a_list_that_cannot_be_fetched_is_an_error() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(503))
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.HTTPStatusError):
        update(client, [Pin("PyPI", "a", "1", "f")], date(2026, 11, 26))
