"""Releases: what a second deploy changes for clients, how it is undone, and with which parameters `make` deploys."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import httpx
import pytest

from tools.local_stack import BUILT, CREDENTIALS, ROOT, Deployed, Emulator, client, deploy

ORIGIN, OTHER_ORIGIN = "https://app.example", "https://other.example"
ENVIRONMENTS = tomllib.loads((ROOT / "samconfig.toml").read_text())


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, path
    path.write_text(text.replace(old, new, 1))


def versions(stack: Deployed) -> tuple[str, list[str]]:
    """Return the version that clients call, and all that there are."""
    name, functions = stack.resource("GenerateFunction"), stack.client("lambda")
    live = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    found = functions.list_versions_by_function(FunctionName=name)["Versions"]
    return live, [item["Version"] for item in found if item["Version"] != "$LATEST"]


def seen(stack: Deployed) -> dict[str, str | None]:
    """Return what a client sees of the core layer, of generate's own code, and of a parameter."""
    models = httpx.get(f"{stack.api}/models", headers={"Origin": ORIGIN}, timeout=60).raise_for_status()
    document = httpx.get(f"{stack.api}/openapi.json", timeout=60).raise_for_status().json()
    return {
        "layer": next(item["name"] for item in models.json()["data"] if item["slug"] == "sketch"),
        "function": document["info"]["title"],
        "parameter": models.headers.get("Access-Control-Allow-Origin"),
    }


@pytest.mark.timeout(900)  # five deploys
def test_a_release_reaches_clients_and_redeploying_undoes_it(
    emulator: Emulator, stack: Deployed, logs: Path, tmp_path: Path
) -> None:
    before = Path(shutil.copytree(BUILT, tmp_path / "before"))
    after = Path(shutil.copytree(BUILT, tmp_path / "after"))
    (catalog,) = (path for path in (after / "CoreLayer").rglob("*.toml") if "[models.sketch]" in path.read_text())
    edit(catalog, 'name = "Sketch"', 'name = "Sketch, released"')
    edit(after / "GenerateFunction" / "openapi.json", '"title": "Atelier"', '"title": "Atelier, released"')

    def release(built: Path, **parameters: str) -> Deployed:
        return deploy("released", emulator.endpoint, logs / "released.log", built=built, **parameters)

    released = release(before)
    old = {"layer": "Sketch", "function": "Atelier", "parameter": None}
    assert (seen(released), versions(released)) == (old, ("1", ["1"]))
    release(before)
    assert versions(released) == ("1", ["1"]), "nothing changed, so there is nothing to release"
    release(after, CorsOrigins=ORIGIN)
    new = {"layer": "Sketch, released", "function": "Atelier, released", "parameter": ORIGIN}
    assert (seen(released), versions(released)) == (new, ("2", ["2"]))
    release(after, CorsOrigins=OTHER_ORIGIN)
    assert (seen(released), versions(released)) == ({**new, "parameter": None}, ("3", ["3"]))
    release(before, CorsOrigins=OTHER_ORIGIN)
    assert (seen(released), versions(released)) == (old, ("4", ["4"]))


@pytest.mark.parametrize(("environment", "retention"), [("default", "90"), ("staging", "7"), ("prod", "365")])
def test_make_deploy_gives_each_environment_its_parameters(
    emulator: Emulator, stack: Deployed, environment: str, retention: str
) -> None:
    """By a change set that is not executed; `--old-file build` takes the build that there is."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    made = subprocess.run(
        ["make", "--old-file", "build", "deploy", f"ENV={environment}", "DEPLOY_FLAGS=--no-execute-changeset"],
        cwd=ROOT,
        env={**inherited, **CREDENTIALS, "AWS_ENDPOINT_URL": emulator.endpoint, "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    name = ENVIRONMENTS[environment]["deploy"]["parameters"]["stack_name"]
    cloudformation = client("cloudformation", emulator.endpoint)
    (summary,) = cloudformation.list_change_sets(StackName=name)["Summaries"]
    change_set = cloudformation.describe_change_set(ChangeSetName=summary["ChangeSetId"])
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in change_set["Parameters"]}
    assert parameters["RetentionDays"] == retention
    written = ENVIRONMENTS[environment].get("global", {}).get("parameters", {}).get("parameter_overrides", [])
    assert {key: parameters[key] for key in (item.partition("=")[0] for item in written)} == dict(
        item.split("=", 1) for item in written
    )
