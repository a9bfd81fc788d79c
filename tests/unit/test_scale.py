"""The simulation of docs/scale.md: each remedy moves its limit tenfold, and 1,000 requests a second hold."""

import pytest

from benchmarks import page
from benchmarks.scale import BEFORE, PAGE, REMEDIED, REMEDIES, TODAY, breaking_rates, recovery_hours, simulate
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


def test_a_limit_binds_at_the_same_rate_whatever_is_simulated() -> None:
    slow, fast = simulate(BEFORE, 10), simulate(BEFORE, 1_000)
    for kind in ("due", "by-day", "provider's slots"):
        assert fast[kind] == pytest.approx(100 * slow[kind])


def test_the_page_names_every_limit() -> None:
    tables = page.read(PAGE, "simulation")
    assert [kind for kind in REMEDIES if f"| {kind} |" not in tables] == []
