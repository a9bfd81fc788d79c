"""Clients that wait leave executions to the functions that work: the template's limits, and a simulation with them."""

import heapq
from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest

from tests.unit.test_template import FUNCTIONS, SOURCES, TEMPLATE

LIMITS: Mapping[str, Mapping[str, int]] = TEMPLATE["Mappings"]["Concurrency"]
UNRESERVED = 100
"""What Lambda leaves unreserved in every account."""
WORK = {"webhook": 0.1, "console": 0.2, "dispatch": 3.0, "ingest": 2.0, "notify": 0.1, "deliver": 1.0}
"""How many seconds a run takes."""
SECONDS = 120


def reserved(account: str) -> dict[str, int]:
    """Return how many executions each function has for itself."""
    return {
        name: LIMITS[account][name.capitalize()] for name in (*WORK, "reconcile") if LIMITS[account][name.capitalize()]
    }


def refused(limit: int, own: Mapping[str, int], waiting: tuple[float, float], rate: float) -> dict[str, float]:
    """Run clients that wait (so many a second, for so long) beside the pipeline; return the shares that Lambda refuses.

    `rate` is how many runs of each working function start a second. What is refused comes again on AWS, and not here.
    """
    chance, asked, denied, running = Random(7), Counter[str](), Counter[str](), Counter[str]()
    ends: list[tuple[float, str]] = []
    loads = {"generate": waiting, **{name: (rate, seconds) for name, seconds in WORK.items()}}
    arrivals = []
    for name, (each_second, _) in loads.items():
        at = 0.0
        while (at := at + chance.expovariate(each_second)) < SECONDS:
            arrivals.append((at, name))
    for at, name in sorted(arrivals):
        while ends and ends[0][0] <= at:
            running[heapq.heappop(ends)[1]] -= 1
        asked[name] += 1
        shared = sum(count for other, count in running.items() if other not in own)
        free = own[name] - running[name] if name in own else limit - sum(own.values()) - shared
        if free > 0:
            running[name] += 1
            heapq.heappush(ends, (at + loads[name][1], name))
        else:
            denied[name] += 1
    return {name: denied[name] / asked[name] for name in loads}


@pytest.mark.parametrize(("name", "kind", "properties"), [case for case in SOURCES if case.values[1] == "SQS"])
def test_a_queue_starts_no_more_than_its_share(
    name: str, kind: str, properties: Mapping[str, Mapping[str, object]]
) -> None:
    assert properties["ScalingConfig"]["MaximumConcurrency"] == {
        "Fn::FindInMap": ["Concurrency", {"Ref": "AccountConcurrency"}, "Sources"]
    }
    assert all(2 <= limits["Sources"] <= 1000 for limits in LIMITS.values()), "what SQS takes"
    assert all(
        limits["Sources"] <= limits[name.capitalize()] for limits in LIMITS.values() if limits[name.capitalize()]
    )


def test_what_works_is_reserved_where_an_account_can() -> None:
    for name in (*WORK, "reconcile"):
        condition, share, otherwise = FUNCTIONS[name]["ReservedConcurrentExecutions"]["Fn::If"]
        assert (condition, otherwise) == ("CanReserve", {"Ref": "AWS::NoValue"})
        assert share["Fn::FindInMap"] == ["Concurrency", {"Ref": "AccountConcurrency"}, name.capitalize()]
    assert "ReservedConcurrentExecutions" not in FUNCTIONS["generate"]
    for account in TEMPLATE["Parameters"]["AccountConcurrency"]["AllowedValues"]:
        assert not reserved(account) or sum(reserved(account).values()) <= int(account) - UNRESERVED
    assert not reserved("10")


def test_waiting_clients_leave_the_pipeline_its_executions() -> None:
    """200 clients a second that wait for 25 s want 5,000 executions."""
    flood = (200.0, 25.0)
    guarded = refused(1000, reserved("1000"), flood, rate=20)
    open_to_all = refused(1000, {}, flood, rate=20)
    assert guarded["generate"] > 0.5
    assert max(guarded[name] for name in WORK) < 0.001, guarded
    assert min(open_to_all[name] for name in WORK) > 0.5, open_to_all


def test_in_an_account_of_ten_only_a_short_wait_helps() -> None:
    """As docs/operations.md says: nothing can be reserved there, and two clients a second are too many to wait."""
    assert refused(10, {}, (2.0, 25.0), rate=0.2)["webhook"] > 0.5
    assert refused(10, {}, (2.0, 0.1), rate=0.2)["webhook"] < 0.01
