"""Reads what the owner asks of the console, or says what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from atelier.errors import FieldError, InvalidRequestError
from atelier.generation import ID_PATTERN, Status
from atelier.request import parse_object

MAX_NAME_LENGTH = 200
MAX_EMAIL_LENGTH = 254
MAX_LIMIT = 100
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A valid request for a new API key."""

    name: str
    email: str
    test: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: `cursor` is the id after which it goes on."""

    limit: int
    cursor: str | None
    status: str | None


def parse_key_request(body: str) -> KeyRequest:
    """Read `{"name", "user", "test"?}`; InvalidRequestError names the fields at fault."""
    document = parse_object(body)
    name, email, test = document.get("name"), document.get("user"), document.get("test", False)
    errors = [
        FieldError(field, f"'{field}' is not known here.", "unknown_field")
        for field in document
        if field not in ("name", "user", "test")
    ]
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME_LENGTH:
        errors.append(FieldError("name", f"Must be a name of at most {MAX_NAME_LENGTH} characters.", "invalid"))
    if not isinstance(email, str) or len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        errors.append(FieldError("user", "Must be an e-mail address.", "invalid"))
    if not isinstance(test, bool):
        errors.append(FieldError("test", "Must be true or false.", "type"))
    if errors:
        raise InvalidRequestError("The request is not valid: " + errors[0].message, errors)
    return KeyRequest(name=str(name).strip(), email=str(email).lower(), test=test)


def parse_page(query: Mapping[str, str]) -> Page:
    """Read `limit`, `cursor` and `status`; InvalidRequestError names the ones at fault."""
    limit, cursor, status = query.get("limit", "20"), query.get("cursor"), query.get("status")
    errors = []
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= MAX_LIMIT):
        errors.append(FieldError("limit", f"Must be a whole number from 1 to {MAX_LIMIT}.", "invalid"))
    if cursor is not None and not ID_PATTERN.fullmatch(cursor):
        errors.append(FieldError("cursor", "Must be a nextCursor of an earlier answer.", "invalid"))
    if status is not None and status not in tuple(Status):
        errors.append(FieldError("status", f"Must be one of {', '.join(Status)}.", "invalid"))
    if errors:
        raise InvalidRequestError("The request is not valid: " + errors[0].message, errors)
    return Page(limit=int(limit), cursor=cursor, status=status)
