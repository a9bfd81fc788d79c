"""Fields that a client or the operator fills in: each is read by a function, and whatever is wrong is said at once."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from atelier.errors import FieldError, InvalidRequestError

_REQUIRED = object()


class FieldReader:
    """Takes fields out of a document and gathers what is wrong with them."""

    def __init__(self, document: Mapping[str, Any], *known: str) -> None:
        self._document = document
        self._errors = [
            FieldError(field, f"'{field}' is not known here.", "unknown_field")
            for field in document
            if known and field not in known
        ]

    def read(
        self, name: str, read: Callable[[Any], Any], words: str, *, default: Any = _REQUIRED, code: str = "invalid"
    ) -> Any:
        """Return what `read` makes of a field; where it makes None of it, the field must be what `words` say."""
        value = self._document.get(name, default)
        if value is default and default is not _REQUIRED:
            return default
        result = None if value is _REQUIRED else read(value)
        if result is None:
            self._errors.append(FieldError(name, f"Must be {words}.", code))
        return result

    def check(self) -> None:
        """Raise InvalidRequestError where anything was wrong."""
        if self._errors:
            raise InvalidRequestError(f"The request is not valid: {summary(self._errors)}", self._errors)


def summary(errors: list[FieldError]) -> str:
    """Say in one line what is wrong."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{first.field}: {first.message}{more}"


def digits(least: int, most: int) -> Callable[[str], int | None]:
    """Read a whole number within these bounds from its digits."""

    def read(value: str) -> int | None:
        valid = value.isascii() and value.isdigit() and len(value) <= len(str(most))
        return int(value) if valid and least <= int(value) <= most else None

    return read


def matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    """Read a text that matches as a whole."""
    return lambda value: value if pattern.fullmatch(value) else None


def one_of(known: Collection[str]) -> Callable[[Any], str | None]:
    """Read one of these texts."""
    return lambda value: value if isinstance(value, str) and value in known else None
