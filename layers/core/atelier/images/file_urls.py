"""A stack's own files, as clients name them: by their URLs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from atelier.errors import FetchRefusedError, FieldError, InvalidRequestError


def file_url(key: str, base_url: str) -> str:
    """Make the stable URL of a stored file."""
    return f"{base_url}/files/{key}"


FIELD = "image_urls"
UPLOADS, TRANSIENT = "uploads", "transient"
_KEY = re.compile(
    rf"(?P<folder>inputs|outputs|{UPLOADS}|{TRANSIENT})/(?P<owner>[\w-]+)/[\w-]+/[\w-]+\.[a-z]+", re.ASCII
)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class FileUrls:
    """What a user may use of what is stored here; `base_url` is where the API is reached, without a final slash."""

    base_url: str
    user_id: str

    def key(self, url: str) -> str | None:
        """Return the key of the file that a URL of this stack leads to, or None where it leads elsewhere.

        FetchRefusedError where it leads to no file, or to another user's.
        """
        base, here = _location(self.base_url), _location(url)
        if base is None or here is None or base[0] != here[0]:
            return None
        folder = f"{base[1]}/files/"
        if not here[1].startswith(folder):
            return None
        key = here[1].removeprefix(folder)
        match = _KEY.fullmatch(key)
        if match is None:
            raise FetchRefusedError("The URL leads to no file of this service.")
        if match["folder"] in (UPLOADS, TRANSIENT) and match["owner"] != self.user_id:
            raise FetchRefusedError("The URL leads to another user's file.")
        return key

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise InvalidRequestError where a client's input names files here that are none, or another user's."""
        faults = [(number, self._fault(url)) for number, url in enumerate(values.get(FIELD) or ())]
        errors = [FieldError(f"input.{FIELD}.{number}", fault, "invalid_url") for number, fault in faults if fault]
        if errors:
            raise InvalidRequestError(f"The request is not valid: {errors[0].field}: {errors[0].message}", errors)

    def _fault(self, url: str) -> str | None:
        try:
            self.key(url)
        except FetchRefusedError as exc:
            return str(exc)
        return None


def _location(url: str) -> tuple[tuple[str, str | None, int | None], str] | None:
    """Return where a URL leads, and its path, however they are spelt."""
    try:
        parts = urlsplit(url)
        return (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)), unquote(parts.path)
    except ValueError:
        return None
