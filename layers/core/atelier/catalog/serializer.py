"""Models and tools as JSON documents."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atelier.catalog.model import Model, Route, Tool


def describe_model(model: "Model", routes: tuple["Route", ...]) -> dict[str, Any]:
    """Make the contract's document of a model with these usable routes; `cost` is in credits."""
    return {
        "slug": model.slug,
        "name": model.name,
        "description": model.description,
        "tool": model.tool.slug,
        "type": model.tool.type,
        "available": bool(routes),
        "cost": model.price({}, routes),
        "costUnit": "image",
        "inputSchema": input_schema(model.input),
    }


def describe_tool(tool: "Tool") -> dict[str, Any]:
    """Make the contract's document of a tool as it is listed."""
    return {
        "slug": tool.slug,
        "name": tool.name,
        "description": tool.description,
        "type": tool.type,
        "outputType": tool.type,
    }


def tool_detail(tool: "Tool", models: list[dict[str, Any]]) -> dict[str, Any]:
    """Make the contract's document of a tool with its models."""
    return {**describe_tool(tool), "inputSchema": input_schema(tool.input), "models": models}


def input_schema(described: Mapping[str, Any]) -> dict[str, Any]:
    """Write the description of an input as the contract has it.

    There a whole number is an `int`, of which released clients make a field for numbers, and an enum has its options
    beside it.
    """
    properties = {name: _field(item) for name, item in described["properties"].items()}
    return {**described, "properties": properties}


def _field(item: Mapping[str, Any]) -> dict[str, Any]:
    options = [{"label": str(value), "value": value} for value in item.get("enum", ())]
    items = {"items": _field(item["items"])} if "items" in item else {}
    kind = "int" if item["type"] == "integer" else item["type"]
    return {**({"options": options} if options else {}), **item, **items, "type": kind}
