"""Ports of the images room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from atelier.images.image import EncodedImage
    from atelier.images.output import Output


class Sanitise(Protocol):
    """Decoding and encoding of images."""

    def __call__(self, content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
        """Return the same image written anew, with a small one if wanted; InvalidImageError where it is none."""
        ...


class ReadMask(Protocol):
    """Decoding of masks."""

    def __call__(self, content: bytes, *, size: tuple[int, int]) -> EncodedImage:
        """Return a mask as images/mask.py writes it; InvalidImageError where it is none of this size."""
        ...


class Convert(Protocol):
    """Encoding of stored images in another way."""

    def __call__(self, image: EncodedImage, output: Output) -> tuple[EncodedImage, tuple[str, ...]]:
        """Return an image that this stack wrote as a client wants it, and notes for the client.

        It is the same object where there is nothing to change.
        """
        ...


class Files(Protocol):
    """The bucket."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object."""
        ...

    def get(self, key: str) -> bytes:
        """Read an object; NotFoundError where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a client may POST its file, with these fields before it."""

    url: str
    fields: Mapping[str, str]


class UploadFiles(Protocol):
    """The bucket, as far as clients' files need it."""

    def get(self, key: str) -> bytes:
        """Read an object; NotFoundError where there is none."""
        ...

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object."""
        ...

    def form(self, key: str, content_type: str, size: int, *, seconds: int) -> UploadForm:
        """Make a form by which its holder may store one object, of this type and size, for so long."""
        ...


class StoredFiles(Protocol):
    """The bucket, as far as deleting needs it."""

    def delete_all(self, prefix: str) -> None:
        """Delete all objects whose keys begin with `prefix`; there may be none."""
        ...
