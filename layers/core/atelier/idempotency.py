"""Idempotency keys: the same key, user and body give the same generation, and no second charge.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import hashlib
from dataclasses import dataclass

from atelier.errors import FieldError, InvalidRequestError

MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A client's key, and the digest of the request that it stands for."""

    key: str
    request_digest: str


def parse_idempotency(header: str | None, *, route: str, body: str) -> Idempotency | None:
    """Read an Idempotency-Key header, quoted or not; None where there is none."""
    if header is None:
        return None
    key = header.strip().removeprefix('"').removesuffix('"')
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable() or not key.isascii():
        message = f"Must be 1 to {MAX_KEY_LENGTH} printable ASCII characters."
        raise InvalidRequestError(f"Idempotency-Key: {message}", [FieldError("Idempotency-Key", message, "invalid")])
    return Idempotency(key, hashlib.sha256(f"{route}\n{body}".encode(errors="surrogatepass")).hexdigest())
