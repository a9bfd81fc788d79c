"""Which addresses and URLs Atelier will talk to on a client's or a provider's word.

Sources of the deny lists: the IANA special-purpose address registries for IPv4 (RFC 6890) and IPv6. IPv6 must be
global unicast (2000::/3), none of the blocks in it that are special or embed an IPv4 address (Teredo, 6to4), and no
ISATAP address (RFC 5214), which embeds one in any block. The other forms that embed one are not in 2000::/3.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from atelier.errors import FetchRefusedError

MAX_URL_LENGTH = 2_048
DEFAULT_PORTS = frozenset({443, 8443})
_AUTHORITY = re.compile(r"(\[[0-9a-f.]*:[0-9a-f:.]*\]|[0-9a-z._-]+)(:[0-9]*)?", re.IGNORECASE)
"""Hosts that urlsplit and httpx read alike; urlsplit ignores text around an IPv6 address's brackets."""

_DENIED_V4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_LOOPBACK_V4, _LOOPBACK_V6 = ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Address("::1")
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_DENIED_V6 = tuple(
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_ISATAP, _ISATAP_MASK = 0x0000_5EFE, 0xFDFF_FFFF
"""The bytes before the IPv4 address, except the bit that marks public or private IPv4."""


class OperatorPolicy:
    """For URLs that the operator configured: any http or https URL at any address."""

    def check_url(self, url: str) -> SplitResult:
        """Return the URL's parts."""
        try:
            parts = urlsplit(url)
        except ValueError as exc:
            raise FetchRefusedError("The URL cannot be parsed.") from exc
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise FetchRefusedError("The URL must start with https:// or http:// and name a host.")
        return parts

    def check_address(self, text: str) -> None:
        """Accept any address."""


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """The rules for URLs; `allow_loopback`, for the local stack, also allows http and any port on loopback."""

    allow_loopback: bool = False
    ports: frozenset[int] = DEFAULT_PORTS

    def check_url(self, url: str) -> SplitResult:
        """Return the parts of a URL that may be tried; FetchRefusedError says why one may not."""
        if len(url) > MAX_URL_LENGTH or not url.isascii() or any(c <= " " or c in '\\"<>^`{|}\x7f' for c in url):
            raise FetchRefusedError(f"The URL must be at most {MAX_URL_LENGTH} plain ASCII characters without spaces.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise FetchRefusedError("The URL cannot be parsed.") from exc
        host = parts.hostname
        if parts.scheme not in ("https", "http") or not host:
            raise FetchRefusedError("The URL must start with https:// and name a host.")
        if not _AUTHORITY.fullmatch(parts.netloc):
            raise FetchRefusedError("The URL's host must be a plain name or address, without a user name or password.")
        address = _literal(host)
        if self.allow_loopback and (host == "localhost" or (address is not None and _is_loopback(address))):
            return parts
        if parts.scheme != "https":
            raise FetchRefusedError("The URL must start with https://.")
        if (443 if port is None else port) not in self.ports:
            raise FetchRefusedError(f"The URL's port must be {' or '.join(map(str, sorted(self.ports)))}.")
        if address is not None:
            self.check_address(host)
        elif "." not in host.rstrip(".") or _looks_numeric(host):
            raise FetchRefusedError("The URL must name a public host.")
        return parts

    def check_address(self, text: str) -> None:
        """Raise FetchRefusedError unless the address is public (or loopback, where that is allowed)."""
        address = _literal(text)
        if address is None or not (_is_public(address) or (self.allow_loopback and _is_loopback(address))):
            raise FetchRefusedError("The URL leads to an address that is not public.")


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _looks_numeric(host: str) -> bool:
    """Tell hosts such as 127.1 or 0x7f.1, which some resolvers read as IPv4, from names."""
    last = host.rstrip(".").rsplit(".", 1)[-1]
    return last.isdigit() or last.lower().startswith("0x")


def _is_loopback(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell the plain loopback addresses; Python 3.13's own `is_loopback` counts IPv4-mapped ones too."""
    return address in _LOOPBACK_V4 if isinstance(address, ipaddress.IPv4Address) else address == _LOOPBACK_V6


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in _DENIED_V4)
    if address.scope_id or int(address) >> 32 & _ISATAP_MASK == _ISATAP:
        return False
    return address in _GLOBAL_V6 and not any(address in block for block in _DENIED_V6)
