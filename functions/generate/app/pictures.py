"""Pictures that come within a request: stored as transient files, so that the request can name their URLs."""

from dataclasses import dataclass

from atelier.clock import now_ms
from atelier.errors import FieldError, InvalidImageError, InvalidRequestError
from atelier.images.file_urls import file_url
from atelier.images.image import EXTENSIONS, sniff
from atelier.images.mask import size_fault
from atelier.images.metadata_stripper import strip_private
from atelier.images.uploads import Upload, UploadRequest, new_upload

from .dependencies import base_url, dependencies


@dataclass(frozen=True, slots=True)
class Planned:
    """A picture with its place in the bucket, where it is stored once the request that names it is checked."""

    upload: Upload
    content: bytes

    @property
    def url(self) -> str:
        """Where it is to be."""
        return file_url(self.upload.key, base_url())

    def store(self) -> None:
        """Store it."""
        dependencies().files().put(self.upload.key, self.content, self.upload.content_type)


def plan(content: bytes, field: str, user_id: str) -> Planned:
    """Give a picture its place; InvalidRequestError, naming the field, where it cannot be used."""
    request = as_upload(content, field)
    try:
        stripped = strip_private(content)
    except InvalidImageError as exc:
        raise _unusable(field, f"The picture cannot be used: {exc}.") from exc
    return Planned(new_upload(request, user_id, now_ms()), stripped)


def check_mask(picture: bytes, mask: bytes | None) -> None:
    """Raise InvalidRequestError where a mask has not the size of its picture."""
    if mask and (fault := size_fault(picture, mask)):
        raise _unusable("mask", f"The mask cannot be used: {fault}.")


def as_upload(content: bytes, field: str, name: str | None = None) -> UploadRequest:
    """Take bytes for a file; InvalidRequestError, naming the field, where they are no picture."""
    kind = sniff(content)
    if kind is None:
        raise _unusable(field, f"Must be a picture of a kind that is read here: {', '.join(EXTENSIONS)}.")
    return UploadRequest(content_type=kind, size=len(content), name=name, transient=True, content=content)


def _unusable(field: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(f"{field}: {message}", [FieldError(field, message, "invalid")])
