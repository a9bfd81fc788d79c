"""How often one may try to sign in: each attempt counts before it is looked at, and a right one is taken back."""

import ipaddress
from dataclasses import dataclass, replace

from atelier.clock import MINUTE
from atelier.errors import TooManyRequestsError

WINDOW = 15 * MINUTE
MAX_FAILURES = 10
"""Of one source, within the window."""
MAX_FAILURES_IN_ALL = 100
"""Of all sources together; whoever has many addresses is stopped by this."""
EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class SignInAttempts:
    """The failed attempts of one source since the window began."""

    source: str
    failures: int
    since: int
    version: int = 0

    def counted(self, limit: int, now: int) -> "SignInAttempts":
        """Count one more; TooManyRequestsError where there were `limit` within the window."""
        if now >= self.since + WINDOW:
            return SignInAttempts(self.source, 1, now, self.version + 1)
        if self.failures >= limit:
            seconds = -(-(self.since + WINDOW - now) // 1_000)
            message = f"Too many failed attempts to sign in; try again in {seconds} seconds."
            raise TooManyRequestsError(message, retry_after=seconds)
        return replace(self, failures=self.failures + 1, version=self.version + 1)

    def taken_back(self) -> "SignInAttempts":
        """Take back one that was right."""
        return replace(self, failures=max(self.failures - 1, 0), version=self.version + 1)


def source_of(address: str) -> str:
    """Name the source behind an address: itself, or the /64 network that one IPv6 customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
