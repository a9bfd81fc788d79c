"""A dialect's answer to a call that blocks until its generation is finished.

Such a call is a chain of redirects: each waits as long as the gateway allows, and the last one answers. What a client
asked for about the answer's shape is in the URLs of the chain, so that nothing of it is stored.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from atelier.generations.model import Generation

MAX_INLINE_BYTES = 4_000_000
"""Lambda answers 6 MB, headers and JSON's escapes included; what is larger is stored, and fetched from there."""

ReadFile = Callable[[str], Iterable[bytes]]
"""Reads a stored file in pieces, so that no large one is held in memory."""


@dataclass(frozen=True, slots=True)
class ReplyBody:
    """A finished answer: its media type, about how many bytes it has, and those, piece by piece."""

    content_type: str
    size: int
    pieces: Iterable[bytes]


class Reply(Protocol):
    """The shape of one call's answer, in a dialect."""

    def query(self) -> Mapping[str, str]:
        """Write it as the query of the chain's URLs; `as` names the dialect."""
        ...

    def pending(self, generation: Generation, base_url: str) -> dict[str, Any]:
        """Describe a generation that is not finished, for clients that do not follow redirects."""
        ...

    def finished(self, generation: Generation, base_url: str, read: ReadFile) -> ReplyBody:
        """Write the answer of a finished one; raises the RequestError that says why it has no picture."""
        ...
