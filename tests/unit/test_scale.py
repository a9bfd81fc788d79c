"""The simulation of docs/scale.md: each remedy moves its limit tenfold, and 1,000 requests a second hold."""

import pytest

from benchmarks import page
from benchmarks.scale import PAGE, REMEDIED, REMEDIES, TODAY, breaking_rates, recovery_hours, simulate


def test_each_remedy_moves_its_limit_tenfold() -> None:
    today, remedied = breaking_rates(TODAY), breaking_rates(REMEDIED)
    assert today.keys() == remedied.keys() == REMEDIES.keys()
    assert {kind: remedied[kind] / rate for kind, rate in today.items() if remedied[kind] < 9.5 * rate} == {}


def test_with_the_remedies_a_thousand_requests_a_second_hold() -> None:
    assert {kind: used for kind, used in simulate(REMEDIED, 1_000).items() if used > 1} == {}
    assert recovery_hours(REMEDIED, 1_000) < 1


def test_a_limit_binds_at_the_same_rate_whatever_is_simulated() -> None:
    slow, fast = simulate(TODAY, 10), simulate(TODAY, 1_000)
    for kind in ("due", "by-day", "provider's slots"):
        assert fast[kind] == pytest.approx(100 * slow[kind])


def test_the_page_names_every_limit() -> None:
    tables = page.read(PAGE, "simulation")
    assert [kind for kind in REMEDIES if f"| {kind} |" not in tables] == []
