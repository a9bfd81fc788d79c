"""Callbacks signed with Ed25519 by one of the keys of a JSON Web Key Set."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from atelier.errors import InvalidSignatureError
from atelier.providers.provider import CallbackRequest

TOLERANCE_SECONDS = 5 * 60

Verify = Callable[[bytes, bytes, bytes], bool]
"""Tells whether a raw Ed25519 public key's holder signed a message: key, message, signature."""


def signed(request: CallbackRequest, headers: str) -> tuple[bytes, bytes]:
    """Return a callback's signed message and its signature; `headers` is what the names of its headers begin with.

    The message has the request's id, the user's id and the timestamp of the headers, and the SHA-256 of the body, on a
    line each. InvalidSignatureError where a header is missing, or the timestamp is five minutes from now.
    """
    try:
        told = [request.headers[f"{headers}-{name}"] for name in ("request-id", "user-id", "timestamp")]
        signature = bytes.fromhex(request.headers[f"{headers}-signature"])
    except (KeyError, ValueError) as exc:
        raise InvalidSignatureError("the callback's headers are missing or malformed") from exc
    timestamp = told[-1]
    fresh = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    if not fresh or abs(request.received_at - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignatureError("the callback's timestamp is not within five minutes of now")
    message = "\n".join([*told, hashlib.sha256(request.body).hexdigest()])
    return message.encode(errors="replace"), signature


def public_keys(document: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Read the keys of a JSON Web Key Set (RFC 8037), without those that are no Ed25519 key."""
    found = document.get("keys")
    return tuple(key for item in (found if isinstance(found, list) else [found]) if (key := _public_key(item)))


def _public_key(item: object) -> bytes | None:
    """Read one key: its `x` is the raw key in base64url, without padding."""
    x = item.get("x") if isinstance(item, dict) else None
    if not isinstance(x, str):
        return None
    try:
        key = base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == 32 else None
