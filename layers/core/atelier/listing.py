"""Lists of a client's generations: by cursor, which costs the same on every page, or by offset, which also counts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from atelier.form import Form, digits, matching, one_of
from atelier.generation import ID_PATTERN, Generation, Status

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
MAX_OFFSET = 100_000
MAX_QUERY_LENGTH = 200
_CURSOR = re.compile(f"({ID_PATTERN.pattern})?")


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which part of a list: what comes after the id `cursor`, from the newest on where it is empty, or after `offset`.

    `cursor` is None where the client goes by offset.
    """

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cursor: str | None = None
    status: str | None = None


class Page(NamedTuple):
    """A part of a list, the newest first; `next_cursor` leads to the rest, `total` counts all where that was asked."""

    generations: tuple[Generation, ...]
    next_cursor: str | None = None
    total: int | None = None


def parse_list(query: Mapping[str, str]) -> ListRequest:
    """Read `limit`, `offset`, `cursor` and `status`; InvalidRequestError names the ones at fault."""
    form = Form(query)
    limit = form.take("limit", digits(1, MAX_LIMIT), f"a whole number from 1 to {MAX_LIMIT}", default=DEFAULT_LIMIT)
    status = form.take("status", one_of(tuple(Status)), f"one of {', '.join(Status)}", default=None)
    words = "the nextCursor of an earlier answer, or empty for the first page"
    cursor = form.take("cursor", matching(_CURSOR), words, default=None)
    offset = 0
    if "cursor" in query:
        form.take("offset", lambda _: None, "left out where there is a cursor", default=0, code="conflict")
    else:
        words = f"a whole number from 0 to {MAX_OFFSET}; a cursor leads further"
        offset = form.take("offset", digits(0, MAX_OFFSET), words, default=0)
    form.check()
    return ListRequest(limit=limit, offset=offset, cursor=cursor, status=status)


def parse_search(query: Mapping[str, str]) -> str:
    """Read `q`; InvalidRequestError where it is missing, empty or too long."""
    form = Form(query)
    text: str = form.take(
        "q",
        lambda value: value if value.strip() and len(value) <= MAX_QUERY_LENGTH else None,
        f"words to look for, at most {MAX_QUERY_LENGTH} characters",
    )
    form.check()
    return text
