"""The template as CloudFormation gets it: translated by SAM, with conditions and parameters resolved.

SAM adds resources (versions, aliases, roles, permissions) that no check of template.yaml can see. samtranslator is in
the SAM CLI's virtual environment, so this runs there:

    .venv-sam/bin/python -m tools.translate RetentionDays=365 > translated.json
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def translated(**parameters: str) -> dict[str, Any]:
    """Translate template.yaml for these parameters in the SAM CLI's environment.

    Raises:
        TranslationError: If SAM refuses the template; the message is SAM's.
    """
    command = [str(ROOT / ".venv-sam" / "bin" / "python"), "-m", "tools.translate"]
    arguments = [f"{name}={value}" for name, value in parameters.items()]
    result = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    if result.returncode:
        raise TranslationError(result.stderr.strip()[-2000:])
    template: dict[str, Any] = json.loads(result.stdout)
    return template


def translate(template: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Translate a SAM template as CloudFormation's transform does.

    Code in local folders, which the transform refuses, is named by an example of the URL that `sam package` gives it.
    """
    from samtranslator.translator.transform import transform  # type: ignore[import-not-found]

    for resource in template["Resources"].values():
        for field in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][field] = f"s3://bucket/{resource['Properties'][field]}"
    values = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    result: dict[str, Any] = transform(template, {**values, **parameters}, managed_policy_loader=None)
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
    """Print the translated template for the parameters on the command line."""
    from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-not-found]

    os.environ["AWS_DEFAULT_REGION"] = PSEUDO["AWS::Region"]
    parameters = dict(argument.split("=", 1) for argument in sys.argv[1:])
    print(json.dumps(translate(yaml_parse((ROOT / "template.yaml").read_text()), parameters), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
