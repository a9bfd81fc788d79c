"""Measurements: what is counted of generations and webhooks, as metrics with few dimensions.

Each combination of values is a metric that CloudWatch charges for in the hours in which it has data, so no dimension
holds an id, a user or a text.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from atelier.generations.model import CANCELLED, Generation, Status
from atelier.webhooks.delivery import Delivery

NOBODY = "none"
"""The provider of a generation that ended before any was asked."""


class Measurement(NamedTuple):
    """A metric's name, its CloudWatch unit, a value, and its dimensions."""

    name: str
    unit: str
    value: float
    dimensions: Mapping[str, str]


def of_generation(generation: Generation) -> Iterator[Measurement]:
    """Measure a finished generation: outcome, time to its result, credits, and attempts that failed at a provider."""
    provider = generation.provider or NOBODY
    outcome = "cancelled" if generation.error == CANCELLED else generation.status.value
    dimensions = {"provider": provider, "model": generation.model, "outcome": outcome}
    yield Measurement("Generations", "Count", 1, dimensions)
    if generation.status is Status.SUCCESS and generation.finished_at is not None:
        milliseconds = generation.finished_at - generation.created_at
        yield Measurement("TimeToResult", "Milliseconds", milliseconds, {"provider": provider})
    if generation.cost and not generation.refunded:
        yield Measurement("Credits", "Count", generation.cost, {})
    for attempt in generation.attempts:
        if attempt.reason and generation.error != CANCELLED:
            yield Measurement("ProviderErrors", "Count", 1, {"provider": attempt.provider})


def of_attempt(delivery: Delivery) -> Iterator[Measurement]:
    """Measure an attempt of a webhook by what it left: delivered, pending (it will be repeated) or dead."""
    yield Measurement("WebhookAttempts", "Count", 1, {"outcome": delivery.status.value})
