"""What is counted of generations and webhooks, and the lines that carry it."""

import json
from dataclasses import replace

import pytest

from atelier.adapters.lambda_.metrics import EmbeddedMetrics
from atelier.generations.model import CANCELLED, ProviderAttempt, Status
from atelier.webhooks.delivery import Delivery, DeliveryStatus
from atelier.webhooks.measurements import Measurement, of_attempt, of_generation
from tests.unit.fakes import a_generation

FINISHED = replace(
    a_generation(), status=Status.SUCCESS, provider="fal", model="flux", created_at=1_000, finished_at=3_500, cost=4
)


def measured(**changes: object) -> list[Measurement]:
    return list(of_generation(replace(FINISHED, **changes)))  # type: ignore[arg-type]


def test_a_success_is_counted_with_its_time_and_its_credits() -> None:
    assert measured() == [
        Measurement("Generations", "Count", 1, {"provider": "fal", "model": "flux", "outcome": "success"}),
        Measurement("TimeToResult", "Milliseconds", 2_500, {"provider": "fal"}),
        Measurement("Credits", "Count", 4, {}),
    ]


def test_each_failed_attempt_is_its_providers_error() -> None:
    attempts = (ProviderAttempt("replicate", "m", 1, 2, "busy"), ProviderAttempt("fal", "m", 3, 4))
    errors = [item for item in measured(attempts=attempts) if item.name == "ProviderErrors"]
    assert errors == [Measurement("ProviderErrors", "Count", 1, {"provider": "replicate"})]


def test_an_error_has_neither_time_nor_returned_credits() -> None:
    names = [item.name for item in measured(status=Status.ERROR, error="no", refunded=True, provider=None)]
    assert names == ["Generations"]
    assert measured(status=Status.ERROR, provider=None)[0].dimensions["provider"] == "none"


def test_a_cancelled_generation_is_no_providers_error() -> None:
    attempts = (ProviderAttempt("fal", "m", 1, 2, CANCELLED),)
    found = measured(status=Status.ERROR, error=CANCELLED, attempts=attempts, cost=0)
    assert [item.dimensions["outcome"] for item in found] == ["cancelled"]


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_a_webhook_attempt_is_counted_by_what_it_left(status: DeliveryStatus) -> None:
    delivery = Delivery(
        generation_id="1", user_id="u", event=Status.SUCCESS, url="https://a.example", body="", created_at=1,
        begun_at=1, status=status,
    )  # fmt: skip
    assert list(of_attempt(delivery)) == [Measurement("WebhookAttempts", "Count", 1, {"outcome": status.value})]


def test_a_measurement_is_a_line_in_the_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    EmbeddedMetrics("atelier-prod")(measured())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 3
    (directive,) = lines[0]["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "atelier-prod"
    assert directive["Dimensions"] == [["provider", "model", "outcome"]]
    assert lines[0]["Generations"] == [1.0]
    assert lines[2]["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
