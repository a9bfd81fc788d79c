"""Compare this repository's pins with known vulnerabilities, in the format of https://ossf.github.io/osv-schema/.

    python -m tools.advisories            compares, without a network, and fails where a pin is affected (make check)
    python -m tools.advisories --update   asks https://api.osv.dev for all pinned packages (make advisories)

The list in advisories.json says from which day it is; what was found later is not in it.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_name("advisories.json")
REQUIREMENTS = ("requirements/*.txt", "layers/*/requirements.txt")
LOCKS = ("requirements/node/package-lock.json",)
OSV = "https://api.osv.dev/v1/query"
OLD_DAYS = 60
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """A version of a package, and the file that asks for it."""

    ecosystem: str
    name: str
    version: str
    file: str


def pins(root: Path = ROOT) -> list[Pin]:
    """List all pins of Python's and Node's packages."""
    found = {
        Pin("PyPI", canonicalize_name(name), version, str(path.relative_to(root)))
        for pattern in REQUIREMENTS
        for path in root.glob(pattern)
        for name, version in _PIN.findall(path.read_text(encoding="utf-8"))
    }
    for lock in LOCKS:
        packages = json.loads((root / lock).read_text(encoding="utf-8"))["packages"]
        found |= {
            Pin("npm", path.rpartition("node_modules/")[2], package["version"], lock)
            for path, package in packages.items()
            if path and "version" in package
        }
    return sorted(found)


def findings(pinned: Iterable[Pin], advisories: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Pin, Mapping[str, Any]]]:
    """List each pin beside the advisory that it is affected by."""
    by_package: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for advisory in advisories:
        if "withdrawn" not in advisory:
            for package in {_package(affected) for affected in advisory["affected"]}:
                by_package.setdefault(package, []).append(advisory)
    for pin in pinned:
        for advisory in by_package.get((pin.ecosystem, pin.name), ()):
            if any(
                _package(it) == (pin.ecosystem, pin.name) and _affects(it, pin.version) for it in advisory["affected"]
            ):
                yield pin, advisory


def _package(affected: Mapping[str, Any]) -> tuple[str, str]:
    ecosystem, name = affected["package"]["ecosystem"], affected["package"]["name"]
    return ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name


def _affects(affected: Mapping[str, Any], text: str) -> bool:
    if text in affected.get("versions", ()):
        return True
    try:
        version = Version(text)
        return any(
            _within(version, item["events"])
            for item in affected.get("ranges", ())
            if item["type"] in ("ECOSYSTEM", "SEMVER")
        )
    except InvalidVersion:
        return False  # of such a version only a list can tell


def _within(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    """Evaluate the events in the order of their versions, as the schema's own algorithm does."""
    inside = False
    for kind, at in sorted(
        ((kind, Version(text)) for event in events for kind, text in event.items()),
        key=lambda event: (event[1], event[0] != "introduced"),
    ):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def update(client: httpx.Client, pinned: Iterable[Pin], today: date) -> dict[str, Any]:
    """Fetch what is known of all pinned packages, of which what is needed to compare is kept."""
    kept: dict[str, dict[str, Any]] = {}
    for ecosystem, name in sorted({(pin.ecosystem, pin.name) for pin in pinned}):
        query: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": name}}
        while True:
            answer = client.post(OSV, json=query).raise_for_status().json()
            for record in answer.get("vulns", ()):
                fields = {key: record[key] for key in ("id", "aliases", "summary", "withdrawn") if key in record}
                affected = [
                    {key: item[key] for key in ("package", "ranges", "versions") if key in item}
                    for item in record.get("affected", ())
                    if "package" in item
                ]
                kept[record["id"]] = {**fields, "affected": affected}
            if not answer.get("next_page_token"):
                break
            query["page_token"] = answer["next_page_token"]
    return {"date": today.isoformat(), "source": OSV, "advisories": [kept[key] for key in sorted(kept)]}


def main(arguments: list[str], root: Path = ROOT) -> None:
    """Compare or update; SystemExit(1) where a pin is affected."""
    pinned, today = pins(root), datetime.now(UTC).date()
    if arguments == ["--update"]:
        with httpx.Client(timeout=30) as client:
            LIST.write_text(json.dumps(update(client, pinned, today), indent=1) + "\n", encoding="utf-8")
    known = json.loads(LIST.read_text(encoding="utf-8"))
    found = list(findings(pinned, known["advisories"]))
    for pin, advisory in found:
        print(f"{pin.file}: {pin.name} {pin.version}: {advisory['id']} {advisory.get('summary', '')}")
    since = date.fromisoformat(known["date"])
    print(f"{len(pinned)} pins, {len(found)} affected, by the {len(known['advisories'])} advisories known on {since}.")
    if (today - since).days > OLD_DAYS:
        print("The list is old: `make advisories` fetches a new one.")
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
