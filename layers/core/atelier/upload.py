"""Clients' files: pictures that they upload and then name in their inputs.

A file has no record. Its key says whose it is, and whoever knows its URL, which holds a secret, may fetch it.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atelier.document import file_url, timestamp
from atelier.errors import FieldError, InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError
from atelier.form import Form, one_of
from atelier.generation import MINUTE
from atelier.multipart import parse_file
from atelier.own_files import TRANSIENT, UPLOADS
from atelier.picture import EXTENSIONS, sniff
from atelier.ports import UploadForm
from atelier.request import parse_object

MAX_BYTES = 20 * 1024 * 1024
MAX_BODY_BYTES = 4 * 1024 * 1024
"""Lambda takes 6 MB, in which bytes stand as base64, a third longer."""
MAX_NAME_LENGTH = 200
FORM_LIFETIME = 15 * MINUTE
FIELD = "file"
JSON, FORM, BYTES = "application/json", "multipart/form-data", "application/octet-stream"


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


def parse_upload(
    body: str | None, *, encoded: bool, content_type: str | None, name: str | None, query: Mapping[str, str]
) -> UploadRequest:
    """Read a body as API Gateway hands it over, `encoded` in base64 where it came as bytes; raises RequestError.

    JSON announces a file; a form has it in its field `file`; any other type of bytes is taken for the file itself.
    """
    options = Form({key: query[key] for key in ("transient",) if key in query})
    transient = options.take("transient", one_of(("true", "false")), "true or false", default="false") == "true"
    options.check()
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == JSON:
        return _announced(body or "", transient)
    content = _decoded(body or "", encoded)
    if kind == FORM:
        part = parse_file(content_type or "", content, FIELD)
        content, name = part.content, part.name or name
    found = sniff(content)
    if found is None:
        message = f"The file is not a picture of a kind that is read here: {', '.join(EXTENSIONS)}."
        raise UnsupportedMediaTypeError(message, tuple(EXTENSIONS))
    return UploadRequest(
        content_type=found, size=len(content), name=_name(name or ""), transient=transient, content=content
    )


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


def _announced(body: str, transient: bool) -> UploadRequest:
    form = Form(parse_object(body), "name", "size", "mimetype", "transient")
    name = form.take("name", lambda it: (_name(it) or "") if isinstance(it, str) else None, "a text", default=None)
    size = form.take("size", _size, "its size in bytes, a whole number above zero")
    kind = form.take("mimetype", one_of(EXTENSIONS), f"one of {', '.join(EXTENSIONS)}", code="enum")
    briefly = form.take(
        "transient", lambda it: it if isinstance(it, bool) else None, "true or false", default=transient
    )
    form.check()
    if size > MAX_BYTES:
        raise PayloadTooLargeError(f"The file is larger than {MAX_BYTES // 1024**2} MB; send a smaller one.")
    return UploadRequest(content_type=kind, size=size, name=name or None, transient=briefly)


def _decoded(body: str, encoded: bool) -> bytes:
    if len(body) // 4 * 3 > MAX_BODY_BYTES + 2:
        raise PayloadTooLargeError(
            f"The body is larger than {MAX_BODY_BYTES // 1024**2} MB; POST the file's name, size and mimetype as JSON "
            f"instead, and upload it, up to {MAX_BYTES // 1024**2} MB, by the form that this answers."
        )
    if not body:
        raise _damaged("The body is empty; send the file.")
    if not encoded:
        accepted = (*EXTENSIONS, BYTES, FORM, JSON)
        message = f"The body did not arrive as bytes; its Content-Type must be one of {', '.join(accepted)}."
        raise UnsupportedMediaTypeError(message, accepted)
    try:
        return base64.b64decode(body, validate=True)
    except ValueError as exc:
        raise _damaged("The body did not arrive whole; send it again.") from exc


def _damaged(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, [FieldError("body", message, "invalid")])


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _name(text: str) -> str | None:
    """Return what can be shown of a name, if anything; it is only ever repeated, and leads nowhere."""
    return "".join(letter for letter in text if letter.isprintable())[:MAX_NAME_LENGTH] or None
