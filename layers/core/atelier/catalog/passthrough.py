"""Models by their providers' own names: what the operator allows of those that no entry of the catalog describes.

    [passthrough."replicate/black-forest-labs/*"]
    cost = 5            # credits a picture
    price = 0.04        # US dollars
    deadline = 600      # seconds, if it is another

A client then asks for `replicate/black-forest-labs/flux-krea-dev` with that model's own inputs. They are not checked,
but for `image_urls`, which are stored and passed on as our URLs. `cost` is multiplied by the number that the input
asks for, whatever the provider calls it; `costs` and `prices` have exceptions by input (price.py). A name of ComfyUI is
one of a `workflow`, and its inputs are the fields of its nodes, by their paths.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

COUNTS = frozenset({"num_images", "num_outputs", "number_of_images", "max_images", "batch_size", "n"})
"""What providers call the number of pictures."""
_NAME = re.compile(r"[0-9A-Za-z_-]{1,50}(/[0-9A-Za-z_][0-9A-Za-z._-]{0,99}){1,6}(:[0-9a-f]{64})?", re.ASCII)
_TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def find(patterns: Mapping[str, Any], slug: str) -> str | None:
    """Return the pattern that a model's name fits best: itself, or else the longest.

    A name becomes a part of a URL at the provider, so it has plain parts only.
    """
    if not _NAME.fullmatch(slug) or ".." in slug:
        return None
    fitting = [pattern for pattern in patterns if pattern == slug or fnmatchcase(slug, pattern)]
    return max(fitting, key=lambda pattern: (pattern == slug, len(pattern)), default=None)


def count(values: Mapping[str, Any]) -> int:
    """Return how many pictures a provider's own inputs ask for, also in the field of a node of a workflow."""
    named = [value for name, value in values.items() if name.rpartition(".")[2] in COUNTS]
    return max([1, *(_whole(value) for value in named)])


def described(workflow: Mapping[str, Any] | None, image_urls: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Describe an input that is the provider's own: any, or the fields of a workflow."""
    if workflow is not None:
        fields = [
            (f"{number}.inputs.{name}", value)
            for number, node in workflow.items()
            for name, value in node["inputs"].items()
            if type(value) in _TYPES
        ]
        properties = {path: {"type": _TYPES[type(value)], "label": path, "optional": True} for path, value in fields}
        return {"type": "object", "required": [], "properties": properties}
    pictures = {"image_urls": {**image_urls, "optional": True}} if image_urls else {}
    return {"type": "object", "required": [], "properties": pictures, "open": True}


def _whole(value: Any) -> int:
    """Read a number as a lenient provider does; what is none asks for nothing."""
    try:
        return 0 if isinstance(value, bool) else int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0
