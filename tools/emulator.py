"""MiniStack with one mend: its importer of OpenAPI documents drops API Gateway's ANY method.

.venv-local/bin/python -P tools/emulator.py
"""

from typing import Any

from ministack.app import main  # type: ignore[import-not-found]
from ministack.services import apigateway_v1  # type: ignore[import-not-found]

ANY = "x-amazon-apigateway-any-method"
import_path_item = apigateway_v1._import_path_item


def import_path_item_with_any(api_id: str, path: str, path_item: dict[str, Any], *rest: Any) -> None:
    """Import a path, with ANY under the name that the emulator's router knows."""
    import_path_item(api_id, path, {"any" if name == ANY else name: item for name, item in path_item.items()}, *rest)


apigateway_v1._OPENAPI_HTTP_METHODS.add("any")
apigateway_v1._import_path_item = import_path_item_with_any

if __name__ == "__main__":
    main()
