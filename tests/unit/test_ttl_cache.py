"""The cache that secrets, catalogs and users' secret versions share."""

import time
from threading import Event

import pytest

from atelier.errors import UnavailableError
from atelier.ttl_cache import TtlCache


class Source:
    """What is read, a clock, and how often it was read."""

    def __init__(self) -> None:
        self.value, self.now, self.reads, self.away = "first", 100.0, 0, False
        self.heard: list[str] = []
        self.error: Exception = UnavailableError("away")
        self.gate = Event()
        self.gate.set()
        self.cache = TtlCache[str, str](
            self.read, seconds=60, retry=5, size=2, failed=lambda exc: self.heard.append(str(exc)), monotonic=self.clock
        )

    def clock(self) -> float:
        return self.now

    def read(self, key: str) -> str:
        self.reads += 1
        self.gate.wait(10)
        if self.away:
            raise self.error
        return f"{key}: {self.value}"


@pytest.fixture
def source() -> Source:
    return Source()


def test_a_value_is_read_once_in_its_time(source: Source) -> None:
    assert {source.cache.get("a") for _ in range(3)} == {"a: first"}
    source.value, source.now = "second", 159.9
    assert (source.cache.get("a"), source.reads) == ("a: first", 1)
    source.now = 160.0
    assert (source.cache.get("a"), source.reads) == ("a: second", 2)


def test_the_last_good_value_stays_during_an_outage(source: Source) -> None:
    source.cache.get("a")
    source.away, source.now = True, 200.0
    assert [source.cache.get("a") for _ in range(3)] == ["a: first"] * 3
    assert (source.reads, source.heard) == (2, ["away"])  # one try, not one a request
    source.now = 205.0
    assert (source.cache.get("a"), source.reads) == ("a: first", 3)
    source.away, source.value, source.now = False, "second", 210.0
    assert source.cache.get("a") == "a: second"


def test_without_a_good_value_the_error_is_raised(source: Source) -> None:
    source.away = True
    for _ in range(2):
        with pytest.raises(UnavailableError):
            source.cache.get("a")
    assert source.heard == []


def test_a_refresh_reads_anew_but_not_too_often(source: Source) -> None:
    source.cache.get("a")
    source.cache.refresh("a", least=5)
    assert (source.cache.get("a"), source.reads) == ("a: first", 1)
    source.now += 5
    source.cache.refresh("a", least=5)
    source.away = True
    assert (source.cache.get("a"), source.reads) == ("a: first", 2)  # and keeps the old one where that fails
    source.cache.refresh("never read")


def test_the_value_read_longest_ago_makes_room(source: Source) -> None:
    for key in ("a", "b", "c"):
        source.cache.get(key)
    source.cache.get("c")
    assert source.reads == 3
    source.cache.get("a")
    assert source.reads == 4


def test_nobody_waits_long_for_a_source_that_hangs(source: Source) -> None:
    source.cache.get("a")
    source.gate.clear()
    source.value, source.now = "second", 200.0
    began = time.monotonic()
    assert source.cache.get("a") == "a: first"
    assert 0.9 <= time.monotonic() - began <= 3.0
    # nor again, and no second reading begins
    source.now = 206.0
    began = time.monotonic()
    assert (source.cache.get("a"), source.reads) == ("a: first", 2)
    assert time.monotonic() - began <= 0.5
    assert source.heard == ["There was no answer within 1 s; the last one stays."] * 2
    # what it brings after all counts
    source.gate.set()
    source.now = 212.0
    for _ in range(200):
        if source.cache.get("a") == "a: second":
            break
        source.now += 6.0
        time.sleep(0.01)
    assert (source.cache.get("a"), source.reads) == ("a: second", 2)


def test_an_error_that_is_not_ours_is_raised_from_the_thread(source: Source) -> None:
    source.cache.get("a")
    source.now, source.away = 200.0, True
    source.error = ZeroDivisionError("a defect")
    with pytest.raises(ZeroDivisionError):
        source.cache.get("a")
