"""Providers on the operator's own machines: where they are, and who may call them."""

import base64
import re
from collections.abc import Mapping

from atelier.errors import ProviderCredentialsError

_ADDRESS = re.compile(r"https?://[^/@][^@]*")
"""A URL without user:password, which would be in a plain parameter."""


def address(provider: str, urls: Mapping[str, str]) -> str:
    """Return a provider's address; ProviderCredentialsError where the operator gave none, or one with a password."""
    found = _ADDRESS.fullmatch(urls.get(provider, ""))
    if found is None:
        raise ProviderCredentialsError(f"The provider {provider} has no plain http(s) URL; tell the operator.")
    return found[0].rstrip("/")


def authorization(key: str | None) -> dict[str, str]:
    """Make the header for a key that is user:password (HTTP Basic), or else a token (Bearer)."""
    if not key:
        return {}
    if ":" in key:
        return {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}
    return {"Authorization": f"Bearer {key}"}
