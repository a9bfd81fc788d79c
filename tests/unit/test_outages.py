"""Days without a provider or a receiver, in simulated time: who waits how long, and what it costs."""

from statistics import median

import pytest

from atelier.clock import HOUR, MINUTE, SECOND
from atelier.generations.model import Status
from atelier.webhooks.delivery import DeliveryStatus
from atelier.webhooks.schedule import MAX_AGE, SCHEDULE
from tests.cases import each
from tests.simulation.outages import Generating, Webhooks
from tests.soak import size
from tests.unit.fakes import DEADLINE, NOW

PROMISED = sum(SCHEDULE)
BACKLOG = size(soak=1_500, test=150)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_backlog_at_a_dead_host_is_tried_for_75_to_96_hours() -> None:
    """With 1,500, some had 6 attempts, some ended after 69 h and the last after 167 h, with 890 runs each."""
    webhooks = Webhooks(BACKLOG, down=1_000 * HOUR)
    webhooks.timeline.run(NOW + MAX_AGE + HOUR)
    assert {item.status for item in webhooks.all} == {DeliveryStatus.DEAD}
    assert len(webhooks.ended) == len(webhooks.host.attempts) == BACKLOG
    assert min(webhooks.ended.values()) >= PROMISED
    assert max(webhooks.ended.values()) <= MAX_AGE + 10 * MINUTE
    assert webhooks.generations.table.lines == set()
    attempts = sorted(map(len, webhooks.host.attempts.values()))
    probes = PROMISED // (40 * SECOND)
    assert attempts[0] >= min(len(SCHEDULE), probes // BACKLOG) - 1
    assert median(attempts) - attempts[0] <= 2
    assert median(webhooks.runs.values()) <= 60
    assert max(webhooks.runs.values()) <= 100


@each("hours", [1, 20, 74])
def test_a_host_that_is_back_hears_of_all_soon(hours: int) -> None:
    """Each success wakes two that wait; what is not in line has its own time on the schedule, 24 h at most."""
    webhooks = Webhooks(100, down=hours * HOUR)
    webhooks.timeline.run(NOW + hours * HOUR + 15 * MINUTE)
    in_line = [item for item in webhooks.all if item.in_line]
    assert in_line == []
    webhooks.timeline.run(NOW + hours * HOUR + 25 * HOUR)
    assert {item.status for item in webhooks.all} == {DeliveryStatus.DELIVERED}


@each("count", [40, 500])
def test_nobody_waits_for_hours_behind_a_provider_that_is_down(count: int) -> None:
    """40 took 42 to 104 minutes to end, 500 took 16.6 h at the median, with 1,502 runs each."""
    room = Generating(count, down=1_000 * HOUR, hangs=False)
    room.run(12)
    assert room.statuses() == {Status.ERROR: count}
    assert max(room.waited()) <= DEADLINE + MINUTE
    assert max(item.tries for item in room.all) < 5
    assert max(room.runs.values()) <= 30
    assert room.outage.called <= 5 + 10
    assert room.outage.checked >= 10


@each("minutes", [1, 5, 8])
def test_a_provider_that_is_back_in_time_serves_all(minutes: int) -> None:
    room = Generating(40, down=minutes * MINUTE, hangs=False)
    room.run(minutes + 4)
    assert room.statuses() == {Status.SUCCESS: 40}


@each("work", [20, 50, 90])
def test_a_provider_that_hangs_and_calls_back_serves_all(work: int) -> None:
    """29 of 40 were done in 600 s, then one with each probe, and 8 ended as lost; it hangs for 30 s."""
    room = Generating(40, down=1_000 * HOUR, hangs=True, work=work * SECOND)
    room.run(9)
    assert room.statuses() == {Status.SUCCESS: 40}
    assert room.outage.called == 40
    assert median(room.waited()) <= work * SECOND + 3 * MINUTE


def test_who_has_another_provider_does_not_wait() -> None:
    room = Generating(100, down=1_000 * HOUR, hangs=False, model="shared")
    room.run(1)
    assert {item.provider for item in room.all} == {"other"}
    assert room.outage.called <= 10
