"""Lists of a client's generations: by cursor, which costs the same on every page, or by offset, which counts too."""

from dataclasses import dataclass
from typing import NamedTuple

from atelier.generations.model import ListedGeneration

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
MAX_OFFSET = 100_000


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
    """A part of a list, the newest first; `next_cursor` leads to the rest, `total` counts all where they are few."""

    generations: tuple[ListedGeneration, ...]
    next_cursor: str | None = None
    total: int | None = None
