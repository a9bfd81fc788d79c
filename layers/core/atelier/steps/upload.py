"""Upload: store a client's file, or let the client store it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from atelier.ports import UploadFiles
from atelier.upload import FORM_LIFETIME, Upload, UploadRequest, new_upload


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUpload:
    """Stores under keys that hold the user's id."""

    files: UploadFiles
    clock: Callable[[], int]

    def __call__(self, request: UploadRequest, user_id: str) -> Upload:
        """Return the new file: stored, or with the form by which its owner may store it."""
        upload = new_upload(request, user_id, self.clock())
        if request.content is None:
            form = self.files.form(upload.key, upload.content_type, upload.size, seconds=FORM_LIFETIME // 1_000)
            return replace(upload, form=form)
        self.files.put(upload.key, request.content, upload.content_type)
        return upload
