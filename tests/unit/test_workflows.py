"""The workflows of CI and CD, and the role that they deploy with."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint.decode  # type: ignore[import-untyped]
import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yaml")}
ROLES: dict[str, Any] = cfnlint.decode.decode(str(ROOT / ".github" / "deploy-role.yaml"))[0]["Resources"]


def triggers(name: str) -> Any:
    return WORKFLOWS[name][True]  # YAML 1.1 reads `on` so


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in WORKFLOWS[name]["jobs"].values():
        yield from job.get("steps", [])


def called(name: str) -> Iterator[str]:
    for job in WORKFLOWS[name]["jobs"].values():
        yield from filter(None, [job.get("uses"), *(step.get("uses") for step in job.get("steps", []))])


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_actions_are_pinned_and_workflows_exist(name: str) -> None:
    for use in called(name):
        if use.startswith("./"):
            assert (ROOT / use).is_file(), use
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", use), use


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_a_workflow_may_read_unless_a_job_needs_more(name: str) -> None:
    expected = {"contents": "read"} | ({"id-token": "write"} if name == "release" else {})
    assert WORKFLOWS[name]["permissions"] == expected


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_a_script_takes_names_from_variables(name: str) -> None:
    """An expression in a script would be text of it."""
    assert not [step["run"] for step in steps(name) if "${{" in step.get("run", "")]


def test_a_pull_request_runs_all_on_each_python_of_the_readme() -> None:
    assert "pull_request" in triggers("check")
    assert "pull_request_target" not in triggers("check")
    (job,) = WORKFLOWS["check"]["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test"]
    first, last = re.search(r"Python (3\.\d+) to (3\.\d+)", (ROOT / "README.md").read_text()).groups()  # type: ignore[union-attr]
    versions = job["strategy"]["matrix"]["python"]
    assert (versions[0], versions[-1]) == (first, last)


def test_prod_comes_after_staging_and_staging_after_the_tests() -> None:
    assert triggers("deploy") == {"push": {"branches": ["main"]}}
    jobs = WORKFLOWS["deploy"]["jobs"]
    assert jobs["staging"]["needs"] == "check"
    assert jobs["prod"]["needs"] == "staging"
    assert {name: job["with"]["environment"] for name, job in jobs.items() if "with" in job} == {
        "staging": "staging",
        "prod": "prod",
    }


def test_a_release_is_make_deploy_in_an_environment_of_samconfig() -> None:
    (job,) = WORKFLOWS["release"]["jobs"].values()
    assert job["environment"] == "${{ inputs.environment }}"
    (deploy,) = [step["run"] for step in steps("release") if "make " in step.get("run", "")]
    assert deploy.startswith('make deploy ENV="$ENVIRONMENT" DEPLOY_FLAGS=')
    assert "$(DEPLOY_FLAGS)" in (ROOT / "Makefile").read_text()
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for name in ("staging", "prod"):
        assert environments[name]["deploy"]["parameters"]["stack_name"] == f"atelier-{name}"


def test_only_the_environment_of_the_repository_may_deploy() -> None:
    (trust,) = ROLES["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    subject = "token.actions.githubusercontent.com:sub"
    assert set(trust["Condition"]) == {"StringEquals"}, "no wildcards"
    assert trust["Condition"]["StringEquals"][subject] == {"Fn::Sub": "repo:${Repository}:environment:${Environment}"}


def test_the_deploy_role_passes_only_cloudformations() -> None:
    (policy,) = ROLES["DeployRole"]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    passing = [statement for statement in statements if "iam:" in json.dumps(statement["Action"])]
    (statement,) = passing
    assert statement["Action"] == "iam:PassRole"
    assert statement["Resource"] == {"Fn::GetAtt": ["CloudFormationRole", "Arn"]}
    assert all(statement["Resource"] != "*" for statement in statements)
