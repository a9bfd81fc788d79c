"""How requests of one key meet, as benchmarks/acceptance.py simulates it."""

from benchmarks.acceptance import LOCK_MS, REQUESTS, Meeting

NOTHING: tuple[str, ...] = ()


def meeting(*shared: str, checked: tuple[str, ...] = NOTHING) -> Meeting:
    return Meeting(lambda _: shared, checked, reads=False, cpu_ms=2.0)


def test_transactions_that_share_nothing_never_meet() -> None:
    met = meeting(checked=("key",)).run(32)
    assert (met.conflicts, met.refused, met.edit_conflicts) == (0, 0, 0)
    assert len(met.times) == 32 * REQUESTS


def test_one_client_meets_nobody_but_an_edit() -> None:
    met = meeting("key", checked=("key",)).run(1)
    assert met.conflicts == 0
    assert 0.2 < met.edit_conflicts < 0.6


def test_a_shared_record_takes_one_transaction_at_a_time() -> None:
    met = meeting("key").run(32)
    assert met.conflicts > 32 * REQUESTS
    assert len(met.times) + met.refused == 32 * REQUESTS
    assert met.end > 32 * REQUESTS * LOCK_MS[0]
