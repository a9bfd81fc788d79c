"""MiniStack with five mends.

Its importer of OpenAPI documents drops API Gateway's ANY method. It translates SAM templates without the values of the
parameters, from which SAM knows whether a function needs a new version. Over a restart it keeps how far a function has
read a table's stream, but not the stream: the function would miss as many records as were read before. A label that a
secret's new version gets stays on the old one too, and IAM does not see the label that a request names.

    .venv-local/bin/python -P tools/emulator.py
"""

import json
from contextvars import ContextVar
from typing import Any

from ministack.app import main  # type: ignore[import-not-found]
from ministack.core import iam_actions  # type: ignore[import-not-found]
from ministack.services import apigateway_v1, lambda_svc, secretsmanager  # type: ignore[import-not-found]
from ministack.services.cloudformation import changesets, engine, handlers  # type: ignore[import-not-found]
from samtranslator.translator import transform as sam  # type: ignore[import-not-found]

ANY = "x-amazon-apigateway-any-method"
import_path_item = apigateway_v1._import_path_item
lambda_state = lambda_svc.get_state
put_secret_value = secretsmanager._put_secret_value
request_tag_context = iam_actions.request_tag_context
apply_transforms, transform = engine._apply_transforms, sam.transform
parameters: ContextVar[dict[str, Any]] = ContextVar("parameters")


def import_path_item_with_any(api_id: str, path: str, path_item: dict[str, Any], *rest: Any) -> None:
    """Import a path, with ANY under the name that the emulator's router knows."""
    import_path_item(api_id, path, {"any" if name == ANY else name: item for name, item in path_item.items()}, *rest)


def apply_transforms_with_parameters(template: Any, provided: Any = None, previous: Any = None) -> Any:
    """Apply a template's transforms, and keep the parameters' values for SAM's."""
    token = parameters.set(engine._transform_parameters(template, provided, previous))
    try:
        return apply_transforms(template, provided, previous)
    finally:
        parameters.reset(token)


def transform_with_parameters(template: Any, _: Any, loader: Any) -> Any:
    """Translate a SAM template with the parameters' values, as AWS does; without a canary, for want of CodeDeploy."""
    return transform(template, {**parameters.get(), "Canary": "false"}, loader)


def lambda_state_from_the_streams_start() -> dict[str, Any]:
    """Keep what a restart needs, without positions in streams that begin anew."""
    return {**lambda_state(), "dynamodb_stream_positions": {}}


def put_secret_value_and_move_labels(data: dict[str, Any]) -> Any:
    """Store a version of a secret, and take its labels from the versions that had them."""
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    for version in (secret or {}).get("Versions", {}).values():
        labels = set(data.get("VersionStages", ())) - {"AWSCURRENT"}
        version["Stages"] = [label for label in version["Stages"] if label not in labels]
    return put_secret_value(data)


def request_context_with_labels(service: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
    """Make a request's condition keys, with the label of the secret's version that it names."""
    context: dict[str, Any] = request_tag_context(service, action, body, params)
    if service != "secretsmanager" or "VersionStage" not in (named := json.loads(body or b"{}")):
        return context
    return {**context, "secretsmanager:VersionStage": named["VersionStage"]}


apigateway_v1._OPENAPI_HTTP_METHODS.add("any")
apigateway_v1._import_path_item = import_path_item_with_any
changesets._apply_transforms = handlers._apply_transforms = apply_transforms_with_parameters
sam.transform = transform_with_parameters
secretsmanager._put_secret_value = put_secret_value_and_move_labels
iam_actions.request_tag_context = request_context_with_labels
lambda_svc.get_state = lambda_state_from_the_streams_start

if __name__ == "__main__":
    main()
