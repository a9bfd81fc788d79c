"""Forms that carry files, as RFC 7578 writes them."""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from atelier.providers.provider import InputImage


def form(
    fields: Mapping[str, Any], files: Iterable[tuple[str, InputImage]] = (), filename: str = ""
) -> tuple[str, bytes]:
    """Return a form's media type and its bytes; what is no text is written as in JSON, and None is left out.

    Files are numbered, or named `filename` with a number where there is one.
    """
    boundary = secrets.token_hex(16)
    parts = [_part(_field(name), _text(value)) for name, value in fields.items() if value is not None]
    for number, (name, image) in enumerate(files, start=1):
        named = f"{filename}-{number}" if filename else number
        filed = f"{named}.{image.content_type.partition('/')[2]}"
        head = f'{_field(name)}; filename="{filed}"\r\nContent-Type: {image.content_type}'
        parts.append(_part(head, image.content))
    line = f"--{boundary}".encode()
    return f"multipart/form-data; boundary={boundary}", b"".join(line + part for part in parts) + line + b"--\r\n"


def _field(name: str) -> str:
    """Write a name so that it cannot end its line or its quotes, as browsers do."""
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return f'Content-Disposition: form-data; name="{quoted}"'


def _part(head: str, content: bytes) -> bytes:
    return b"\r\n%b\r\n\r\n%b\r\n" % (head.encode(), content)


def _text(value: object) -> bytes:
    """Write a value without lone surrogates, which JSON can carry and UTF-8 cannot."""
    return (value if isinstance(value, str) else json.dumps(value)).encode(errors="replace")
