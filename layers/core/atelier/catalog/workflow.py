"""Workflows of ComfyUI, in its "API format": nodes by number, each with a class and inputs.

A route's `workflow` is one in JSON, and its `input` says which fields of which nodes our inputs go to:

    input = { "6.inputs.text" = "prompt", "5.inputs.width" = "width" }
"""

import copy
import json
from collections.abc import Collection, Mapping
from typing import Any


def workflow(text: str, paths: Collection[str]) -> dict[str, Any]:
    """Read a workflow; ValueError where it is none, or has no field at one of the `paths`."""
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise ValueError(f"the workflow is no JSON: {exc}") from exc
    if not isinstance(found, dict) or not found or not all(map(_is_node, found.values())):
        raise ValueError("the workflow is not in the API format: nodes by number, with 'class_type' and 'inputs'")
    for path in paths:
        node, inputs, name = path.split(".", 2) if path.count(".") > 1 else (path, "", "")
        if inputs != "inputs" or node not in found or name not in found[node]["inputs"]:
            raise ValueError(f"the workflow has no '{path}'; its fields are such as '{_example(found)}'")
    return found


def filled(nodes: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a workflow with `values` put into the fields at their paths."""
    made = copy.deepcopy(dict(nodes))
    for path, value in values.items():
        node, _, name = path.split(".", 2)
        made[node]["inputs"][name] = value
    return made


def named(nodes: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a workflow whose fields that are a key of `names` have its value."""

    def value(given: Any) -> Any:
        return names.get(given, given) if isinstance(given, str) else given

    return {
        number: {**node, "inputs": {name: value(given) for name, given in node["inputs"].items()}}
        for number, node in nodes.items()
    }


def _is_node(node: object) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _example(found: Mapping[str, Any]) -> str:
    return next(f"{node}.inputs.{name}" for node, item in found.items() for name in (*item["inputs"], "…"))
