"""Standard Webhooks signatures: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Pure: raw bytes and the clock go in. The signed message is `id.timestamp.body`; `v1` is its HMAC-SHA256 with a secret
that the receiver shares, in base64.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

from atelier.errors import InvalidSignatureError

SECRET_PREFIX = "whsec_"  # noqa: S105
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE_SECONDS = 5 * 60
MAX_TIMESTAMP_LENGTH = 20


def derive_secret(signing_key: str, user_id: str, version: int = 1) -> str:
    """Make a version of a user's `whsec_` secret from the stack's signing key, so that no table holds it."""
    digest = hmac.digest(signing_key.encode(), f"webhook-secret:{user_id}:{version}".encode(), hashlib.sha256)
    return SECRET_PREFIX + base64.b64encode(digest).decode()


def sign(
    secrets: Iterable[str],
    *,
    message_id: str,
    timestamp: int,
    body: bytes,
) -> Mapping[str, str]:
    """Make the three headers that let a receiver verify `body`; `timestamp` is in seconds.

    Each secret adds one signature, so that both the old and the new one hold during a rotation. Raises
    InvalidSignatureError for a malformed secret.
    """
    message = _message(message_id, str(timestamp), body)
    signatures = [f"v1,{_signature(secret, message)}" for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(secrets: Iterable[str], *, headers: Mapping[str, str], body: bytes, now: int) -> None:
    """Check a webhook's headers (any case) against its raw body by a shared secret; `now` is in seconds.

    Raises InvalidSignatureError, and nothing else, for whatever is wrong with them.
    """
    message_id, timestamp, signatures = (_header(headers, name) for name in HEADERS)
    if not _fresh(timestamp, now):
        raise InvalidSignatureError("webhook timestamp is not within five minutes of now")
    message = _message(message_id, timestamp, body)
    expected = [_signature(secret, message).encode() for secret in secrets]
    candidates = [part.removeprefix("v1,").encode() for part in signatures.split(" ") if part.startswith("v1,")]
    matches = [hmac.compare_digest(candidate, signature) for candidate in candidates for signature in expected]
    if not any(matches):
        raise InvalidSignatureError("no webhook signature matches")


def _header(headers: Mapping[str, str], wanted: str) -> str:
    try:
        (value,) = (value for name, value in headers.items() if name.lower() == wanted)
        value.encode()  # which a lone surrogate does not stand
    except ValueError as exc:
        raise InvalidSignatureError(f"webhook header {wanted} is missing, repeated or malformed") from exc
    if not value:
        raise InvalidSignatureError(f"webhook header {wanted} is empty")
    return value


def _fresh(timestamp: str, now: int) -> bool:
    digits = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MAX_TIMESTAMP_LENGTH
    return digits and abs(now - int(timestamp)) <= TOLERANCE_SECONDS


def _message(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body


def _signature(secret: str, message: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError as exc:
        raise InvalidSignatureError("webhook secret is not base64") from exc
    if not key:
        raise InvalidSignatureError("webhook secret is empty")
    return base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
