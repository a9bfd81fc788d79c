"""Schemathesis over the deployed stack: no server error, no answer that the API's description does not know."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deployment import Account, account_with_key
from tests.soak import size
from tools.local_stack import ROOT, Deployed
from tools.openapi.schemas import NOT_BLANK
from tools.receiver import Receiver

FUZZ = ROOT / "tests" / "e2e" / "fuzz"
CASES, EXAMPLES = size(soak=(2_000, 80), test=(250, 3))
"""At least so many cases, from so many examples of each operation."""

SEED = size(soak=[], test=["--seed", "1"])
"""A change is not refused for what chance found elsewhere: `make test` tries the same cases each time."""

SHORTER = size(
    soak="",
    test="""
[[operations]]
include-path-regex = "^/(v1|sdapi)/"
[operations.phases.coverage]
enabled = false
""",
)
"""In `make test` the other APIs have no coverage phase: the boundaries of their fields take two minutes."""

SELDOM = {"/generations/{id}/cancel", "/generations/{id}/redeliver", "/v1/waits/{id}"}
"""What succeeds only at the right moment."""


def both(*names: str) -> dict[str, Any]:
    """An object that has all of these fields, and none of them null."""
    return {"required": list(names), "properties": {name: {"not": {"type": "null"}} for name in names}}


def exact(described: dict[str, Any]) -> dict[str, Any]:
    """Put a model's own inputSchema into JSON Schema: nothing else is taken."""
    properties: dict[str, Any] = {}
    rules: list[dict[str, Any]] = []
    for name, field in described["properties"].items():
        required = name in described["required"]
        ours = {"excludes", "requires", "options", "optional", "label"}
        words = {word: value for word, value in field.items() if word not in ours}
        kind = "integer" if field["type"] == "int" else field["type"]
        properties[name] = {**words, "type": kind if required else [kind, "null"]}
        if not required and "enum" in field:
            properties[name]["enum"] = [*field["enum"], None]
        if field.get("minLength"):
            properties[name]["pattern"] = NOT_BLANK
        rules += [{"not": both(name, other)} for other in field.get("excludes", ())]
        rules += [{"anyOf": [{"not": both(name)}, both(other)]} for other in field.get("requires", ())]
    return {
        "type": "object",
        "required": described["required"],
        "properties": properties,
        "additionalProperties": False,
        "allOf": rules,
    }


def narrowed(stack: Deployed) -> dict[str, Any]:
    """Take the served description, for one model only, of which the API itself says what exactly it takes."""
    document: dict[str, Any] = httpx.get(f"{stack.api}/openapi.json", timeout=60).raise_for_status().json()
    sketch = httpx.get(f"{stack.api}/models/sketch", timeout=60).raise_for_status().json()
    shapes = document["components"]["schemas"]
    known = set(shapes["Input"]["properties"])
    shapes["Input"] = exact(sketch["inputSchema"])
    shapes["GenerateRequest"]["properties"]["model"] = {"type": "string", "enum": ["sketch"]}
    shapes["RunRequest"]["properties"]["tool"] = {"type": "string", "enum": [sketch["tool"]]}
    bodies = document["paths"]["/run"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for name in [name for name, body in bodies.items() if body["value"]["tool"] != sketch["tool"]]:
        del bodies[name]
    _narrow_other_apis(document, shapes, sketch["inputSchema"], known)
    return document


def _narrow_other_apis(
    document: dict[str, Any], shapes: dict[str, Any], described: dict[str, Any], known: set[str]
) -> None:
    """Name the model in the words of OpenAI, Replicate and AUTOMATIC1111, and leave out what it has no place for.

    `known` has the inputs of all models.
    """
    inputs = exact(described)
    one = {"type": "string", "enum": ["sketch"]}
    shapes["ReplicateInput"] = {**inputs, "additionalProperties": True}
    needs = [rule for rule in inputs["allOf"] if "anyOf" in rule]
    shapes["ReplicateInput"]["allOf"] = needs  # a shape may stand beside a size, which is then passed over
    shapes["ReplicateInput"]["properties"] = {**inputs["properties"], "width": {}, "height": {}}
    for name in ("OpenAIImageRequest", "OpenAIEditRequest", "OpenAIEditForm"):
        fields = shapes[name]["properties"]
        for field in (fields.keys() & known) - inputs["properties"].keys():
            del fields[field]
        fields |= {field: inputs["properties"][field] for field in fields.keys() & inputs["properties"].keys()}
        fields["model"] = one
        shapes[name]["required"] = [*shapes[name]["required"], "model"]
    shapes["OpenAIEditForm"]["additionalProperties"] = False
    for name in ("TextToImageRequest", "ImageToImageRequest"):
        shapes[name]["properties"]["prompt"] = inputs["properties"]["prompt"]
        shapes[name]["properties"]["seed"]["maximum"] = described["properties"]["seed"]["maximum"]
    shapes["PredictionRequest"]["properties"]["version"] = {"type": "string", "enum": ["atelier/sketch"]}
    for path, item in document["paths"].items():
        for parameter in item.get("parameters", []) + item.get("get", {}).get("parameters", []):
            if path.startswith("/v1/") and parameter.get("name") in ("name", "slug") and "folder" not in path:
                parameter |= {"schema": {"type": "string", "enum": ["sketch"]}, "example": "sketch"}


def identities(stack: Deployed) -> dict[str, Any]:
    """Describe two users, neither of whom may read what is the other's (Web Fuzzing Commons)."""
    keys = {name: account_with_key(stack, f"{name}@example.com").key for name in ("fuzz", "other")}
    return {
        "auth": [
            {"name": name, "fixedHeaders": [{"name": "Authorization", "value": key}]} for name, key in keys.items()
        ]
    }


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_the_api_is_as_it_is_described(stack: Deployed, alice: Account, tmp_path: Path) -> None:
    document = narrowed(stack)
    (tmp_path / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    settings = (FUZZ / "schemathesis.toml").read_text(encoding="utf-8") + SHORTER
    (tmp_path / "schemathesis.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "users.json").write_text(json.dumps(identities(stack)), encoding="utf-8")
    picture = str(alice.finished(alice.post({"model": "sketch", "input": {"prompt": "a boat"}}).json()["id"])["output"])
    with Receiver() as receiver:
        ran = subprocess.run(
            [
                ROOT / ".venv" / "bin" / "st", "--config-file", "schemathesis.toml",
                "run", "openapi.json", "--url", stack.api, "--auth-wfc", "users.json",
                "--checks", "all", "--mode", "all", "--max-examples", str(EXAMPLES),
                "--request-timeout", "60", "--max-redirects", "0", "--continue-on-failure", "--no-color",
                "--report", "har", "--report-har-path", "calls.har", *SEED,
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=3_600,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.e2e.fuzz.hooks",
                 "FUZZ_RECEIVER": receiver.url, "FUZZ_FILE": picture.partition("/files/")[2]},
        )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-90_000:] + ran.stderr
    generated = re.search(r"(\d+) generated", ran.stdout)
    assert generated, ran.stdout
    assert int(generated[1]) >= CASES
    assert set(document["paths"]) - succeeded(document, stack.api, tmp_path / "calls.har") <= SELDOM


def succeeded(document: dict[str, Any], base: str, har: Path) -> set[str]:
    """Return the paths of the description at which a call was not refused."""
    patterns = {path: re.compile(re.sub(r"\{\w+\}", "[^/?]+", path) + r"(\?.*)?") for path in document["paths"]}
    entries = json.loads(har.read_text(encoding="utf-8"))["log"]["entries"]
    reached = {entry["request"]["url"] for entry in entries if entry["response"]["status"] in (200, 201, 202, 302)}
    calls = {url.removeprefix(base) for url in reached}
    return {path for path, pattern in patterns.items() if any(pattern.fullmatch(call) for call in calls)}
