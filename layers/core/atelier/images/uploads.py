"""Files that clients upload and then name in their inputs.

A file has no record. Its key names its user, and anyone who knows its URL, which holds a secret, may fetch it. What a
client POSTs to the bucket arrives under another key, INCOMING, which no URL leads to: a file is stored under its own
key only without its metadata and without what follows the picture.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from atelier.clock import MINUTE
from atelier.errors import InvalidImageError, InvalidRequestError, NotFoundError
from atelier.images.file_urls import TRANSIENT, UPLOADS
from atelier.images.image import EXTENSIONS, sniff
from atelier.images.metadata_stripper import strip_private
from atelier.images.ports import UploadFiles, UploadForm

MAX_BYTES = 20 * 1024 * 1024
INCOMING = "incoming"
FORM_LIFETIME = 15 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRequest:
    """A file that a client sends; `content` is None where it will send it to the bucket itself. `size` is in bytes."""

    content_type: str
    size: int
    name: str | None
    transient: bool
    content: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A client's file, stored under `key`, or to be stored there by means of `form`."""

    id: str
    key: str
    content_type: str
    size: int
    name: str | None
    created_at: int
    form: UploadForm | None = None


def new_upload(request: UploadRequest, user_id: str, now: int) -> Upload:
    """Give a file its id and its key, which nobody can guess."""
    id_ = f"file_{secrets.token_hex(12)}"
    folder = f"{TRANSIENT if request.transient else UPLOADS}/{user_id}/{id_}"
    return Upload(
        id=id_,
        key=f"{folder}/{secrets.token_urlsafe(18)}.{EXTENSIONS[request.content_type]}",
        content_type=request.content_type,
        size=request.size,
        name=request.name,
        created_at=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUpload:
    """Stores under keys that hold the user's id."""

    files: UploadFiles
    clock: Callable[[], int]

    def __call__(self, request: UploadRequest, user_id: str) -> Upload:
        """Return the new file: stored, or with the form by which its owner may store it."""
        upload = new_upload(request, user_id, self.clock())
        if request.content is None:
            form = self.files.form(
                incoming(upload.key), upload.content_type, upload.size, seconds=FORM_LIFETIME // 1_000
            )
            return replace(upload, form=form)
        try:
            content = strip_private(request.content)
        except InvalidImageError as exc:
            raise InvalidRequestError(f"The file cannot be used: {exc}") from exc
        self.files.put(upload.key, content, upload.content_type)
        return replace(upload, size=len(content))

    def publish(self, key: str) -> bool:
        """Store what arrived by a form under its own key; tell whether there is a picture now."""
        try:
            content = strip_private(self.files.get(incoming(key)))
        except (NotFoundError, InvalidImageError):
            return False
        self.files.put(key, content, sniff(content) or "")
        return True


def incoming(key: str) -> str:
    """Return the key under which a client's file arrives by a form."""
    return f"{INCOMING}/{key}"
