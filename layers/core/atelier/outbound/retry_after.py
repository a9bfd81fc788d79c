"""The Retry-After header (RFC 9110, section 10.2.3)."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from atelier.clock import SECOND


def read_retry_after(text: str, now: int) -> int:
    """Read a Retry-After header, seconds or a date (RFC 9110), as milliseconds from now; 0 where it says nothing."""
    try:
        if text.isascii() and text.isdigit():
            return int(text) * SECOND
        date = parsedate_to_datetime(text)
        return max(int(date.replace(tzinfo=date.tzinfo or UTC).timestamp() * 1_000) - now, 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
