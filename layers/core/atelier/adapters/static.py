"""The console's page: text files that stand beside the function's code."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from atelier.errors import NotFoundError

PAGE = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served."""

    content: str
    content_type: str
    etag: str


class StaticFiles:
    """The files of a folder, all of them read at once; a name leads to one of these and nowhere else."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: _read(path) for path in sorted(folder.glob("*")) if path.suffix in TYPES}

    def get(self, name: str) -> StaticFile:
        """Return a file; NotFoundError where there is none of this name."""
        try:
            return self._files[name]
        except KeyError:
            raise NotFoundError(f"There is no file '{name}'.") from None


def _read(path: Path) -> StaticFile:
    content = path.read_text(encoding="utf-8")
    etag = f'"{hashlib.sha256(content.encode()).hexdigest()[:16]}"'
    return StaticFile(content, TYPES[path.suffix], etag)
