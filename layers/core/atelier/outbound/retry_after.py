"""The Retry-After header (RFC 9110, section 10.2.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from atelier.clock import SECOND

MAX_DIGITS = 9


def retry_after(headers: Mapping[str, str], now: int | None = None) -> int | None:
    """Return how many milliseconds an answer asks to wait; None where it does not say.

    `headers` have lower-case names. A date counts from `now`, or else from the answer's own Date.
    """
    header = headers.get("retry-after", "")
    if header.isascii() and header.isdigit():
        return int(header) * SECOND if len(header) <= MAX_DIGITS else None
    until = _milliseconds(header)
    start = _milliseconds(headers.get("date", "")) if now is None else now
    return None if until is None or start is None else max(until - start, 0)


def _milliseconds(header: str) -> int | None:
    """Read an HTTP date, which is in UTC."""
    try:
        date: datetime = parsedate_to_datetime(header)
        return int(date.replace(tzinfo=date.tzinfo or UTC).timestamp() * 1_000)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
