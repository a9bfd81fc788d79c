"""How often one may fail to sign in, by address. No number of addresses locks out one that has not failed."""

import ipaddress
from dataclasses import dataclass

from atelier.clock import MINUTE
from atelier.errors import TooManyRequestsError

WINDOW = 15 * MINUTE
MAX_FAILURES = 10
"""Of one source, within the window."""
MANY_FAILURES = 100
"""Failures of all sources together, within the window; beyond it sign-ins are slowed down."""
MAX_FAILURES_AMONG_MANY = 3
"""Of one source, while all sources together fail so often."""
EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class SignInAttempts:
    """The failed attempts of one source since the window began."""

    source: str
    failures: int
    since: int
    version: int = 0

    def counted(self, now: int) -> "SignInAttempts":
        """Count one more."""
        if not self.lasts(now):
            return SignInAttempts(self.source, 1, now, self.version + 1)
        return SignInAttempts(self.source, self.failures + 1, self.since, self.version + 1)

    def lasts(self, now: int) -> bool:
        """Tell whether the window is not over yet."""
        return now < self.since + WINDOW

    def check(self, everybody: "SignInAttempts", now: int) -> None:
        """Let a source try; TooManyRequestsError where it failed too often within the window."""
        crowded = everybody.lasts(now) and everybody.failures >= MANY_FAILURES
        if self.lasts(now) and self.failures >= (MAX_FAILURES_AMONG_MANY if crowded else MAX_FAILURES):
            seconds = -(-(self.since + WINDOW - now) // 1_000)
            message = f"Too many failed attempts to sign in; try again in {seconds} seconds."
            raise TooManyRequestsError(message, retry_after=seconds)


def source_of(address: str) -> str:
    """Name the source behind an address: itself, or the /64 network that one IPv6 customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
