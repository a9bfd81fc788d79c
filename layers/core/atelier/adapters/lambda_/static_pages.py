"""Pages: text files beside the function's code, and those of Swagger UI, which comes from a package."""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from atelier.adapters.lambda_.router import Response
from atelier.errors import NotFoundError

PAGE = "index.html"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: {images}; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",  # LICENSE
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served."""

    content: str
    content_type: str
    etag: str


class StaticFiles:
    """The files of some folders, each read at its first request; a name leads to one of these and nowhere else."""

    def __init__(self, *folders: Path) -> None:
        self._paths = {path.name: path for folder in folders for path in folder.glob("*") if path.suffix in TYPES}
        self._read: dict[str, StaticFile] = {}

    def get(self, name: str) -> StaticFile:
        """Return a file; NotFoundError where there is none of this name."""
        if name not in self._paths:
            raise NotFoundError(f"There is no file '{name}'.")
        if name not in self._read:
            self._read[name] = _read(self._paths[name])
        return self._read[name]


def swagger_ui() -> Path:
    """Return the folder with Swagger UI's files, which layers/swagger_ui brings; NotFoundError without that layer."""
    found = importlib.util.find_spec("drf_spectacular_sidecar")
    if found is None or not found.submodule_search_locations:
        raise NotFoundError("Swagger UI is not installed; read openapi.json instead.")
    return Path(found.submodule_search_locations[0], "static", "drf_spectacular_sidecar", "swagger-ui-dist")


def page(file: StaticFile, *, images: str = "") -> Response[str]:
    """Answer a page; what it may load, pictures from `images` too, and that nobody may frame it, is said here."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(images=images),
        "Referrer-Policy": "no-referrer",
    }
    return _text(file, headers)


def asset(file: StaticFile) -> Response[str]:
    """Answer one of a page's files, of which the browser may keep a copy and ask whether that is still good."""
    return _text(file, {"Cache-Control": "no-cache", "ETag": file.etag})


def _text(file: StaticFile, headers: dict[str, str]) -> Response[str]:
    return Response(status_code=200, content_type=file.content_type, headers=headers, body=file.content)


def _read(path: Path) -> StaticFile:
    content = path.read_text(encoding="utf-8")
    etag = f'"{hashlib.sha256(content.encode()).hexdigest()[:16]}"'
    return StaticFile(content, TYPES[path.suffix], etag)
