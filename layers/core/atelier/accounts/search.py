"""Lists of users and keys, in parts."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
MAX_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Search:
    """Which part of a list: what goes on at an earlier part's `cursor`, and holds `text`, in small letters."""

    limit: int = MAX_LIMIT
    cursor: str | None = None
    text: str = ""


class Found(NamedTuple, Generic[T]):
    """A part of a list, and where to go on where there may be more."""

    items: list[T]
    cursor: str | None = None
