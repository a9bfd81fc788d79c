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


FIELD, MASK = "image_urls", "mask_url"
"""The inputs that hold pictures' URLs; a mask says where the first of the pictures is to be changed."""
UPLOADS, TRANSIENT = "uploads", "transient"
_KEY = re.compile(rf"(inputs|outputs|{UPLOADS}|{TRANSIENT})/[\w-]+/[\w-]+/[\w-]+\.[a-z]+", re.ASCII)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class FileUrls:
    """The URLs of this stack's files; `base_url` is where the API is reached, without a final slash.

    Anyone who knows a file's URL, which holds a secret, may fetch it, and so may use it.
    """

    base_url: str

    def key(self, url: str) -> str | None:
        """Return the key of the file that a URL of this stack leads to, or None where it leads elsewhere.

        FetchRefusedError where it leads to no file.
        """
        base, here = _location(self.base_url), _location(url)
        if base is None or here is None or base[0] != here[0]:
            return None
        folder = f"{base[1]}/files/"
        if not here[1].startswith(folder):
            return None
        key = here[1].removeprefix(folder)
        if not _KEY.fullmatch(key):
            raise FetchRefusedError("The URL leads to no file of this service.")
        return key

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise InvalidRequestError where a client's input names files here that are none."""
        named = {f"{FIELD}.{number}": url for number, url in enumerate(values.get(FIELD) or ())}
        if mask := values.get(MASK):
            named[MASK] = mask
        faults = {name: self._fault(url) for name, url in named.items()}
        errors = [FieldError(f"input.{name}", fault, "invalid_url") for name, fault in faults.items() if fault]
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
