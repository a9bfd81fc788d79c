"""Clients' files: pictures that they upload and then name in their inputs.

A file has no record. Its key names its owner. Its URL holds a secret, and everybody who has the URL may fetch the file.
"""

import base64
from collections.abc import Mapping
from typing import Any

from atelier.api.fields import FieldReader, one_of
from atelier.api.form_data import parse_file
from atelier.api.json_body import parse_object
from atelier.errors import FieldError, InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError
from atelier.images.image import EXTENSIONS, sniff
from atelier.images.uploads import MAX_BYTES, UploadRequest

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Lambda takes 6 MB, in which bytes stand as base64, a third longer."""
MAX_NAME_LENGTH = 200
FIELD = "file"
JSON, FORM, BYTES = "application/json", "multipart/form-data", "application/octet-stream"


def parse_upload(
    body: str | None, *, encoded: bool, content_type: str | None, name: str | None, query: Mapping[str, str]
) -> UploadRequest:
    """Read a body as API Gateway hands it over, `encoded` in base64 where it came as bytes; raises RequestError.

    JSON announces a file; a form has it in its field `file`; an image, or bytes of no known type, is the file itself.
    """
    options = FieldReader({key: query[key] for key in ("transient",) if key in query})
    transient = options.read("transient", one_of(("true", "false")), "true or false", default="false") == "true"
    options.check()
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == JSON:
        text = _decoded(body, encoded).decode(errors="replace") if body and encoded else body
        return _announced(text or "", transient)
    if kind and kind not in (FORM, BYTES) and not kind.startswith("image/"):
        raise _unsupported("The body is not a file")
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


def _announced(body: str, transient: bool) -> UploadRequest:
    form = FieldReader(parse_object(body), "name", "size", "mimetype", "transient")
    name = form.read("name", lambda it: (_name(it) or "") if isinstance(it, str) else None, "a text", default=None)
    size = form.read("size", _size, "its size in bytes, a whole number above zero")
    kind = form.read("mimetype", one_of(EXTENSIONS), f"one of {', '.join(EXTENSIONS)}", code="enum")
    briefly = form.read(
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
        raise _unsupported("The body did not arrive as bytes")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError as exc:
        raise _damaged("The body did not arrive whole; send it again.") from exc


def _unsupported(fault: str) -> UnsupportedMediaTypeError:
    accepted = (*EXTENSIONS, BYTES, FORM, JSON)
    return UnsupportedMediaTypeError(f"{fault}; its Content-Type must be one of {', '.join(accepted)}.", accepted)


def _damaged(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, [FieldError("body", message, "invalid")])


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _name(text: str) -> str | None:
    """Return what can be shown of a name, if anything; it is only ever repeated, and leads nowhere."""
    return "".join(letter for letter in text if letter.isprintable())[:MAX_NAME_LENGTH] or None
