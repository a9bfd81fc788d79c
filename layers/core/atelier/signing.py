"""Standard Webhooks signatures: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Pure: raw bytes and the clock go in. The signed message is `id.timestamp.body`, HMAC-SHA256, base64.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

from atelier.errors import InvalidSignatureError

SECRET_PREFIX = "whsec_"  # noqa: S105
TOLERANCE_SECONDS = 5 * 60


def derive_secret(signing_key: str, user_id: str, version: int = 1) -> str:
    """Make a version of a user's `whsec_` secret from the stack's signing key, so that no table holds it."""
    digest = hmac.digest(signing_key.encode(), f"webhook-secret:{user_id}:{version}".encode(), hashlib.sha256)
    return SECRET_PREFIX + base64.b64encode(digest).decode()


def sign(secrets: Iterable[str], *, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Make the three headers that let a receiver verify `body`; `timestamp` is in seconds.

    Each secret adds one signature, so that both the old and the new one hold during a rotation.
    """
    signatures = [f"v1,{_signature(secret, message_id, str(timestamp), body)}" for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(secrets: Iterable[str], *, headers: Mapping[str, str], body: bytes, now: int) -> None:
    """Check a webhook's headers (any case) against its raw body; `now` is in seconds.

    Raises InvalidSignatureError, and nothing else, for whatever is wrong with them.
    """
    values = {name.lower(): value for name, value in headers.items()}
    try:
        message_id = values["webhook-id"]
        timestamp = values["webhook-timestamp"]
        candidates = [
            signature
            for version, _, signature in (part.partition(",") for part in values["webhook-signature"].split())
            if version == "v1"
        ]
        fresh = timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp)) <= TOLERANCE_SECONDS
    except (KeyError, ValueError) as exc:
        raise InvalidSignatureError("webhook headers are missing or malformed") from exc
    if not fresh:
        raise InvalidSignatureError("webhook timestamp is not within five minutes of now")
    expected = [_signature(secret, message_id, timestamp, body).encode() for secret in secrets]
    matches = [
        hmac.compare_digest(candidate.encode(errors="replace"), signature)
        for candidate in candidates
        for signature in expected
    ]
    if not any(matches):
        raise InvalidSignatureError("no webhook signature matches")


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidSignatureError("webhook secret is not base64") from exc
    if not key:
        raise InvalidSignatureError("webhook secret is empty")
    message = f"{message_id}.{timestamp}.".encode(errors="replace") + body
    return base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
