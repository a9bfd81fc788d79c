"""The simulation of docs/scale.md: each remedy moves its limit tenfold, and 1,000 requests a second hold."""

import pytest

from benchmarks import page
from benchmarks.scale import (
    BEFORE,
    PAGE,
    REMEDIED,
    REMEDIES,
    TODAY,
    TRAFFIC,
    breaking_rates,
    recovery_hours,
    simulate,
    slots_for,
)
from tests.unit.test_template import TEMPLATE

HELD = (
    "gateway",
    "Lambda sandboxes",
    "due",
    "by-day",
    "user's balance",
    "table writes",
    "stream",
    "key's minute counter",
    "by-user",
    "by-user-status",
    "provider's slots",
    "webhook host's slots",
    "usage",
)


def test_each_remedy_moves_its_limit_tenfold() -> None:
    before, remedied = breaking_rates(BEFORE), breaking_rates(REMEDIED)
    assert before.keys() == remedied.keys() == REMEDIES.keys()
    assert {kind: remedied[kind] / rate for kind, rate in before.items() if remedied[kind] < 9.5 * rate} == {}


def test_with_the_remedies_a_thousand_requests_a_second_hold() -> None:
    assert {kind: used for kind, used in simulate(REMEDIED, 1_000).items() if used > 1} == {}
    assert recovery_hours(REMEDIED, 1_000) < 1


def test_what_this_code_has_remedied_holds_a_thousand() -> None:
    used = simulate(TODAY, 1_000)
    assert {kind: used[kind] for kind in HELD if used[kind] > 0.9} == {}
    assert recovery_hours(TODAY, 1_000) <= 1
    assert TODAY.stream_factor == TEMPLATE["Mappings"]["Concurrency"]["1000"]["Shard"]


def test_the_page_says_how_many_slots_the_operator_sets() -> None:
    text = (page.DOCS / PAGE).read_text(encoding="utf-8")
    assert f"`concurrency = {TODAY.concurrency}`" in text
    assert f"`CallsPerWebhookHost={TODAY.calls_per_host}`" in text


@pytest.mark.parametrize(("calls", "seconds", "slots"), [(500, 0.5, 500), (120, 0.25, 80), (10, 0.5, 20), (40, 1, 80)])
def test_slots_are_enough_for_their_calls_and_for_their_records(calls: float, seconds: float, slots: int) -> None:
    """500 calls of 0.5 s are 250 at once, half of 500; 120 of 0.25 s are 300 transactions a second on four records."""
    assert slots_for(calls, seconds) == slots


def test_executions_are_reserved_for_a_thousand_a_second() -> None:
    rate, limits = 1_000, TEMPLATE["Mappings"]["Concurrency"]["3000"]
    calls = {
        "Dispatch": rate * sum(TRAFFIC.providers) * TRAFFIC.seconds_of_submission,
        "Deliver": rate * TRAFFIC.webhook * TRAFFIC.seconds_of_delivery,
    }
    assert {name: limits[name] for name, busy in calls.items() if busy > 0.8 * limits[name]} == {}
    assert limits["Shard"] == TODAY.stream_factor


def test_a_limit_binds_at_the_same_rate_whatever_is_simulated() -> None:
    slow, fast = simulate(BEFORE, 10), simulate(BEFORE, 1_000)
    for kind in ("due", "by-day", "provider's slots"):
        assert fast[kind] == pytest.approx(100 * slow[kind])


def test_the_page_names_every_limit() -> None:
    tables = page.read(PAGE, "simulation")
    assert [kind for kind in REMEDIES if f"| {kind} |" not in tables] == []
