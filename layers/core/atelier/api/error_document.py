"""Errors as the API's own documents; a dialect writes them in another shape."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atelier.errors import RequestError


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """The response to an error: status, JSON, and headers beside those of every error."""

    status: int
    document: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


WriteError = Callable[[RequestError], ErrorDocument]


def describe_error(exc: RequestError) -> ErrorDocument:
    """Write `{"message", "errors"}`, where `errors` names the fields at fault."""
    document: dict[str, Any] = {"message": exc.message}
    if exc.errors:
        document["errors"] = [
            {"field": error.field, "message": error.message, "code": error.code} for error in exc.errors
        ]
    return ErrorDocument(exc.status, document)
