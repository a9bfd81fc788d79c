"""Verification of webhooks: Standard Webhooks, symmetric signatures.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from typing import TYPE_CHECKING

from atelier_client.errors import WebhookVerificationError
from atelier_client.models import Generation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOLERANCE_S = 300


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str,
    *,
    tolerance: float = TOLERANCE_S,
    clock: Callable[[], float] = time.time,
) -> Generation:
    """Return the generation that a webhook reports; raise WebhookVerificationError where it cannot be trusted.

    `body` is the request's raw body, before any parser has touched it; names of headers match in any case. `tolerance`
    is in seconds. A webhook may come more than once: drop a `webhook-id` that you have seen.
    """
    content = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise WebhookVerificationError("The webhook-id or webhook-timestamp header is missing or malformed.")
    if abs(clock() - int(timestamp)) > tolerance:
        raise WebhookVerificationError("The webhook is too old, or this clock is wrong.")
    expected = hmac.digest(_key(secret), f"{message_id}.{timestamp}.".encode() + content, hashlib.sha256)
    signatures = (part.partition(",") for part in given.get("webhook-signature", "").split())
    if not any(version == "v1" and _equal(signature, expected) for version, _, signature in signatures):
        raise WebhookVerificationError("No signature of the webhook matches the secret.")
    try:
        return Generation.from_json(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise WebhookVerificationError("The webhook's body does not describe a generation.") from exc


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise WebhookVerificationError("The secret must be whsec_ and base64.") from exc
    if not key:
        raise WebhookVerificationError("The secret is empty.")
    return key


def _equal(signature: str, expected: bytes) -> bool:
    try:
        return hmac.compare_digest(base64.b64decode(signature, validate=True), expected)
    except (binascii.Error, ValueError):
        return False
