"""How documents and times are written as text."""

import json
from datetime import UTC, datetime
from typing import Any

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(document: Any) -> str:
    """Write a document as compact JSON."""
    return _compact.encode(document)


def timestamp(milliseconds: int) -> str:
    """Write a time as ISO 8601 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
