"""Structured logs: JSON, with the generation's id and a correlation id that follows it through every function.

Nothing of a key, a secret or a prompt is ever logged.
"""

from aws_lambda_powertools.logging import Logger

from atelier.generation import Generation

logger = Logger(service="atelier", utc=True)


def follow(generation: Generation) -> None:
    """Put the generation's ids into every log line from here on, and say where it stands."""
    logger.append_keys(
        generation_id=generation.id, correlation_id=generation.correlation_id, status=generation.status.value
    )


def forget() -> None:
    """Take them out again, so that a batch's next record is not taken for the same generation's."""
    logger.remove_keys(["generation_id", "correlation_id", "status"])
