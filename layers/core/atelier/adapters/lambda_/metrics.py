"""Metrics in CloudWatch's embedded metric format: lines on stdout, which cost no call."""

from collections.abc import Iterable
from dataclasses import dataclass

from atelier.webhooks.measurements import Measurement


@dataclass(frozen=True, slots=True)
class EmbeddedMetrics:
    """Writes measurements into a namespace, which is the stack's name."""

    namespace: str

    def __call__(self, measurements: Iterable[Measurement]) -> None:
        """Print a line for each measurement; the first loads Powertools' metrics, which no cold start waits for."""
        from aws_lambda_powertools.metrics import MetricUnit, single_metric

        for name, unit, value, dimensions in measurements:
            with single_metric(
                name=name,
                unit=MetricUnit(unit),
                value=value,
                namespace=self.namespace,
                default_dimensions=dict(dimensions),
            ):
                pass
