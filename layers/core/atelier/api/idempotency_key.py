"""The Idempotency-Key header."""

import hashlib

from atelier.errors import FieldError, InvalidRequestError
from atelier.generations.idempotency import Idempotency

MAX_KEY_LENGTH = 255


def parse_idempotency(header: str | None, *, route: str, body: str) -> Idempotency | None:
    """Read an Idempotency-Key header, quoted or not; None where there is none."""
    if header is None:
        return None
    key = header.strip().removeprefix('"').removesuffix('"')
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable() or not key.isascii():
        message = f"Must be 1 to {MAX_KEY_LENGTH} printable ASCII characters."
        raise InvalidRequestError(f"Idempotency-Key: {message}", [FieldError("Idempotency-Key", message, "invalid")])
    return Idempotency(key, hashlib.sha256(f"{route}\n{body}".encode(errors="surrogatepass")).hexdigest())
