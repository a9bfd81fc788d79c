"""Writes botocore's service models with those operations alone that the adapters call.

botocore parses a service's whole model when it makes a client: 50 ms of CPU for DynamoDB's, of which we call eight
operations. Its loader reads these instead (atelier/adapters/aws/clients.py).

    python service_models.py ../core/atelier/adapters DESTINATION
"""

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.loaders import Loader

Json = dict[str, Any]
CALLED_BY_BOTOCORE = {"s3": {"HeadBucket", "CreateSession"}}
"""Where a bucket of the operator's is in another region, and where it is a directory bucket."""
PRESIGNED_POST = "CreateBucket"
"""The operation in whose name botocore signs a form."""
UNUSED = "operationContextParams"
"""By these botocore searches each call's tables for an endpoint of their account, which clients.py turns off."""
SHARED = ("endpoints", "partitions", "sdk-default-configuration", "_retry")
_CLIENT = re.compile(r"\b\w+Client\b")


class UnknownCallError(Exception):
    """The code calls an operation that the pinned botocore does not know."""


def called_operations(adapters: Path, loader: Loader) -> dict[str, set[str]]:
    """List the operations that the adapters' classes call on `self._client`, by service.

    The annotation of the constructor's client says which service it is. UnknownCallError names a call that is not in
    the service's model.
    """
    services = dict(_services(adapters / "aws" / "clients.py"))
    found = {service: set(CALLED_BY_BOTOCORE.get(service, ())) for service in services.values()}
    for path in sorted(adapters.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and (service := services.get(_client_type(node))):
                model = loader.load_service_model(service, "service-2")
                known = {xform_name(name): name for name in model["operations"]} | {
                    "generate_presigned_post": PRESIGNED_POST
                }
                for method in _calls(node):
                    if method not in known:
                        raise UnknownCallError(f"{path}: {service} has no operation {method}")
                    found[service].add(known[method])
    return found


def pruned(model: Mapping[str, Any], operations: set[str]) -> Json:
    """Return a service's model with these operations and the shapes that they refer to, without documentation.

    Its keys stay, since botocore reads them; UNUSED goes.
    """
    kept = {
        name: {key: value for key, value in model["operations"][name].items() if key != UNUSED}
        for name in sorted(operations)
    }
    shapes: Json = {}
    wanted = list(_shapes(kept))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _shapes(shapes[name])
    made: Json = _undocumented({**model, "operations": kept, "shapes": dict(sorted(shapes.items()))})
    return made


def write(adapters: Path, destination: Path) -> None:
    """Write the models in botocore's own layout: a folder a service, and what all services share."""
    loader = Loader()
    operations = called_operations(adapters, loader)
    for service, names in operations.items():
        folder = destination / service / loader.determine_latest_version(service, "service-2")
        _put(folder / "service-2.json", pruned(loader.load_service_model(service, "service-2"), names))
        _put(folder / "endpoint-rule-set-1.json", loader.load_service_model(service, "endpoint-rule-set-1"))
    for name in SHARED:
        _put(destination / f"{name}.json", loader.load_data(name))
    endpoints = loader.load_data("endpoints")
    partitions = [
        {**partition, "services": {name: item for name, item in partition["services"].items() if name in operations}}
        for partition in endpoints["partitions"]
    ]
    _put(destination / "endpoints.json", {**endpoints, "partitions": partitions})


def _services(clients: Path) -> Iterator[tuple[str, str]]:
    """Read the types of clients and the services' names off the overloads of `client()`."""
    for node in ast.walk(ast.parse(clients.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "client" and isinstance(node.returns, ast.Constant):
            annotation = ast.unparse(node.args.args[0].annotation or ast.Constant(None))
            yield str(node.returns.value), annotation.removeprefix("Literal['").removesuffix("']")


def _client_type(node: ast.ClassDef) -> str:
    """Name the type of the client that a class's constructor takes; nothing where it takes none."""
    for function in node.body:
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            for argument in function.args.args:
                if argument.arg == "client" and argument.annotation is not None:
                    found = _CLIENT.search(ast.unparse(argument.annotation))
                    return found[0] if found else ""
    return ""


def _calls(node: ast.ClassDef) -> Iterator[str]:
    """List the methods that a class calls on its client; of a presigned URL, the method that it stands for."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            if ast.unparse(call.func.value) not in ("self._client", "self._client()"):
                continue
            presigned = call.func.attr == "generate_presigned_url"
            yield ast.literal_eval(call.args[0]) if presigned else call.func.attr


def _shapes(value: Any) -> Iterator[str]:
    """List the shapes that a part of a model refers to."""
    match value:
        case {"shape": str(name), **others}:
            yield name
            yield from _shapes(list(others.values()))
        case dict():
            yield from _shapes(list(value.values()))
        case list():
            for item in value:
                yield from _shapes(item)


def _undocumented(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: "" if key == "documentation" and isinstance(item, str) else _undocumented(item)
                for key, item in value.items()
            }
        case list():
            return [_undocumented(item) for item in value]
        case _:
            return value


def _put(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
