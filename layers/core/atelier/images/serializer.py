"""Uploaded files as JSON documents."""

from typing import Any

from atelier.encoding import timestamp
from atelier.images.file_urls import file_url
from atelier.images.uploads import FORM_LIFETIME, Upload


def describe_upload(upload: Upload, base_url: str) -> dict[str, Any]:
    """Make the contract's document of a file, with all fields of both of its shapes."""
    document = {
        "id": upload.id,
        "url": file_url(upload.key, base_url),
        "type": "image",
        "mimetype": upload.content_type,
        "size": upload.size,
        "originalName": upload.name,
        "createdAt": timestamp(upload.created_at),
    }
    if upload.form is not None:
        document["upload"] = {"url": upload.form.url, "fields": dict(upload.form.fields)}
        document["expiresAt"] = timestamp(upload.created_at + FORM_LIFETIME)
    return document
