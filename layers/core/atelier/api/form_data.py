"""Forms that carry files, as clients send them (RFC 7578)."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from atelier.errors import FieldError, InvalidRequestError

MAX_PARTS = 64
MAX_HEADER_BYTES = 4 * 1024
MAX_BOUNDARY_LENGTH = 70


@dataclass(frozen=True, slots=True)
class FormPart:
    """A field of a form, its bytes as they are, and the file's name where it was sent with one."""

    field: str | None
    name: str | None
    content: bytes


def parse_form(content_type: str, body: bytes) -> Iterator[FormPart]:
    """Yield a form's fields in their order; raises InvalidRequestError where it is no form."""
    for part in _parts(body, _boundary(content_type)):
        head, end, content = part.partition(b"\r\n\r\n")
        if not end or len(head) > MAX_HEADER_BYTES:
            raise _broken("a part of it has no end of its headers")
        disposition = _disposition(head)
        field = disposition.get_param("name", header="Content-Disposition")
        yield FormPart(field if isinstance(field, str) else None, disposition.get_filename(), content)


def parse_file(content_type: str, body: bytes, field: str) -> FormPart:
    """Return the file in a form's field `field`; InvalidRequestError where there is none. Other fields are ignored."""
    for part in parse_form(content_type, body):
        if part.field == field:
            return part
    message = f"The form has no field '{field}'; send the file in it."
    raise InvalidRequestError(message, [FieldError(field, message, "required")])


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if not boundary or len(boundary) > MAX_BOUNDARY_LENGTH or not boundary.isascii():
        raise _broken("its Content-Type names no boundary")
    return boundary.encode()


def _parts(body: bytes, boundary: bytes) -> list[bytes]:
    """Split at the boundary's lines (RFC 2046, section 5.1.1), each part being its headers' lines and its content."""
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, MAX_PARTS + 1)
    ends = [number for number, part in enumerate(parts) if part.startswith(b"--")]
    if not ends:
        raise _broken(f"it has no end, or more than {MAX_PARTS} fields")
    found = []
    for part in parts[: ends[0]]:
        padding, _, rest = part.partition(b"\r\n")
        if padding.strip(b" \t"):
            raise _broken("its boundary is also within it")
        found.append(rest)
    return found


def _disposition(head: bytes) -> Message:
    """Read the one header that matters, with the standard library's knowledge of how its parameters are quoted."""
    found = Message()
    for line in head.decode(errors="replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            found["Content-Disposition"] = value.strip()
            break
    return found


def _broken(why: str) -> InvalidRequestError:
    message = f"The body is not a whole form: {why}."
    return InvalidRequestError(message, [FieldError("body", message, "invalid_form")])
