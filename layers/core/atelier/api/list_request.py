"""Read the queries of lists and of the search."""

import re
from collections.abc import Mapping

from atelier.api.fields import FieldReader, digits, matching, one_of
from atelier.generations.listing import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, ListRequest
from atelier.generations.model import ID_PATTERN, Status

MAX_QUERY_LENGTH = 200
_CURSOR = re.compile(f"({ID_PATTERN.pattern})?")


def parse_list(query: Mapping[str, str]) -> ListRequest:
    """Read `limit`, `offset`, `cursor` and `status`; InvalidRequestError names the ones at fault."""
    fields = FieldReader(query)
    limit = fields.read("limit", digits(1, MAX_LIMIT), f"a whole number from 1 to {MAX_LIMIT}", default=DEFAULT_LIMIT)
    status = fields.read("status", one_of(tuple(Status)), f"one of {', '.join(Status)}", default=None)
    words = "the nextCursor of an earlier answer, or empty for the first page"
    cursor = fields.read("cursor", matching(_CURSOR), words, default=None)
    offset = 0
    if "cursor" in query:
        fields.read("offset", lambda _: None, "left out where there is a cursor", default=0, code="conflict")
    else:
        words = f"a whole number from 0 to {MAX_OFFSET}; a cursor leads further"
        offset = fields.read("offset", digits(0, MAX_OFFSET), words, default=0)
    fields.check()
    return ListRequest(limit=limit, offset=offset, cursor=cursor, status=status)


def parse_search(query: Mapping[str, str]) -> str:
    """Read `q`; InvalidRequestError where it is missing, empty or too long."""
    fields = FieldReader(query)
    text: str = fields.read(
        "q",
        lambda value: value if value.strip() and len(value) <= MAX_QUERY_LENGTH else None,
        f"words to look for, at most {MAX_QUERY_LENGTH} characters",
    )
    fields.check()
    return text
