"""The template as CloudFormation gets it: translated by SAM, with conditions and parameters resolved.

SAM adds resources (versions, aliases, roles, permissions) that no check of template.yaml can see. samtranslator is in
the SAM CLI's virtual environment, so this runs there:

    .venv-sam/bin/python -m tools.translate RetentionDays=365 > translated.json
"""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PSEUDO: Mapping[str, Any] = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": None,
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/atelier/EXAMPLE",
    "AWS::StackName": "atelier",
    "AWS::URLSuffix": "amazonaws.com",
}
"""CloudFormation's own parameters, by example."""


class TranslationError(Exception):
    """SAM refuses the template."""


class Case(NamedTuple):
    """A deploy: its parameters, and the uploads that differ, such as {"CoreLayer": "2"}."""

    parameters: Mapping[str, str] = {}
    uploads: Mapping[str, str] = {}


def translated(**parameters: str) -> dict[str, Any]:
    """Translate template.yaml for these parameters in the SAM CLI's environment.

    Raises:
        TranslationError: If SAM refuses the template; the message is SAM's.
    """
    (template,) = translated_each([Case(parameters)])
    return template


def translated_each(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Translate template.yaml for each case, by one start of the SAM CLI's Python.

    Raises:
        TranslationError: If SAM refuses the template; the message is SAM's.
    """
    command = [str(ROOT / ".venv-sam" / "bin" / "python"), "-m", "tools.translate", "-"]
    result = subprocess.run(
        command, cwd=ROOT, input=json.dumps(cases), capture_output=True, text=True, timeout=300, check=False
    )
    if result.returncode:
        raise TranslationError(result.stderr.strip()[-2000:])
    templates: list[dict[str, Any]] = json.loads(result.stdout)
    return templates


def translate(template: dict[str, Any], case: Case) -> dict[str, Any]:
    """Translate a SAM template as CloudFormation's transform does.

    Code in local folders, which the transform refuses, is named by an example of the URL that `sam package` gives it.
    """
    from samtranslator.translator.transform import transform  # type: ignore[import-not-found]

    template = copy.deepcopy(template)
    for name, resource in template["Resources"].items():
        for field in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            upload = case.uploads.get(name, "1")
            resource["Properties"][field] = f"s3://bucket/{resource['Properties'][field]}/{upload}"
    values = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    result: dict[str, Any] = transform(template, {**values, **case.parameters}, managed_policy_loader=None)
    return result


def resolved(template: Mapping[str, Any], **parameters: str) -> dict[str, Any]:
    """Return a translated template as it is for these parameters: without conditions, with the parameters' values.

    References to resources stay.
    """
    values: dict[str, Any] = dict(PSEUDO)
    for name, parameter in template["Parameters"].items():
        value = str(parameters.get(name, parameter.get("Default", "")))
        values[name] = value.split(",") if parameter["Type"] == "CommaDelimitedList" else value
    conditions = template.get("Conditions", {})
    resources = {
        name: {
            key: _resolved(value, values, conditions) for key, value in resource.items() if key not in ("Condition",)
        }
        for name, resource in template["Resources"].items()
        if _holds({"Condition": resource["Condition"]} if "Condition" in resource else True, values, conditions)
    }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _resolved(node: Any, values: Mapping[str, Any], conditions: Mapping[str, Any]) -> Any:
    match node:
        case {"Fn::If": [condition, then, otherwise]}:
            holds = _holds({"Condition": condition}, values, conditions)
            return _resolved(then if holds else otherwise, values, conditions)
        case {"Ref": name} if name in values:
            return values[name]
        case {"Fn::Join": [separator, parts]}:
            parts = _resolved(parts, values, conditions)
            known = isinstance(parts, list) and all(isinstance(part, str) for part in parts)
            return separator.join(parts) if known else {"Fn::Join": [separator, parts]}
        case dict():
            items = {key: _resolved(value, values, conditions) for key, value in node.items()}
            return {key: value for key, value in items.items() if value is not None}
        case list():
            return [item for item in (_resolved(item, values, conditions) for item in node) if item is not None]
    return node


def _holds(node: Any, values: Mapping[str, Any], conditions: Mapping[str, Any]) -> bool:
    match node:
        case bool():
            return node
        case {"Condition": name}:
            return _holds(conditions[name], values, conditions)
        case {"Fn::Not": [inner]}:
            return not _holds(inner, values, conditions)
        case {"Fn::And": parts}:
            return all(_holds(part, values, conditions) for part in parts)
        case {"Fn::Or": parts}:
            return any(_holds(part, values, conditions) for part in parts)
        case {"Fn::Equals": [one, other]}:
            return bool(_resolved(one, values, conditions) == _resolved(other, values, conditions))
    raise ValueError(f"not a condition: {node!r}")


def main() -> int:
    """Print the template for the parameters on the command line, or a list of templates for the cases on stdin."""
    from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-not-found]

    os.environ["AWS_DEFAULT_REGION"] = PSEUDO["AWS::Region"]
    template = yaml_parse((ROOT / "template.yaml").read_text())
    if sys.argv[1:] == ["-"]:
        print(json.dumps([translate(template, Case(*case)) for case in json.load(sys.stdin)]))
    else:
        case = Case(dict(argument.split("=", 1) for argument in sys.argv[1:]))
        print(json.dumps(translate(template, case), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
