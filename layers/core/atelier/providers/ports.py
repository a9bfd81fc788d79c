"""Ports of the providers room."""

from __future__ import annotations

from typing import Protocol


class ProviderKeys(Protocol):
    """The providers' keys."""

    def get(self, provider: str) -> str | None:
        """Return a provider's key, or None where it is not set."""
        ...

    def refresh(self) -> None:
        """Forget what is remembered, so that the next get() reads anew."""
        ...


class ModelAccess(Protocol):
    """What this account may do with the models of a cloud."""

    def check(self, model: str) -> None:
        """Ask whether a model may be invoked, and invoke nothing; raises a ProviderError that says what is missing."""
        ...


class ModelInvoker(Protocol):
    """The models of a cloud that are invoked by its own SDK."""

    def invoke(self, model: str, body: bytes) -> bytes:
        """Send a model a JSON document once, and return the one that it answers with; raises a ProviderError."""
        ...
