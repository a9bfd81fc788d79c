"""Structured logs: JSON, with the generation's id and a correlation id that follows it through every function.

No key, secret or prompt is ever logged.
"""

from typing import Protocol

from aws_lambda_powertools.logging import Logger

logger = Logger(service="atelier", utc=True)


class Traced(Protocol):
    """A record whose ids belong into the log."""

    @property
    def id(self) -> str:
        """The generation's id."""
        ...

    @property
    def correlation_id(self) -> str:
        """API Gateway's id of the request that made it."""
        ...

    @property
    def status(self) -> str:
        """The generation's status."""
        ...


def bind_context(generation: Traced) -> None:
    """Add a generation's ids and status to every log line from here on."""
    logger.append_keys(
        generation_id=generation.id, correlation_id=generation.correlation_id, status=str(generation.status)
    )


def clear_context() -> None:
    """Remove them, so that they do not appear in the log of a batch's next record."""
    logger.remove_keys(["generation_id", "correlation_id", "status"])
