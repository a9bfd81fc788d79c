"""Workers in simulated time: one that waits lets others run, and days pass in seconds.

A worker is a function that calls `Timeline.sleep` where a real one would wait; the clock moves only between workers.
"""

import heapq
from collections.abc import Callable
from itertools import count

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from atelier.clock import SECOND
from tests.unit.fakes import NOW


class Timeline:
    """A clock, in milliseconds, and what is to happen when."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now
        self._main = getcurrent()
        self._events: list[tuple[int, int, Callable[[], object]]] = []
        self._number = count()

    def __call__(self) -> int:
        return self.now

    def at(self, time: int, work: Callable[[], object]) -> None:
        """Begin some work at a time."""
        worker = greenlet(work)
        self._schedule(time, worker.switch)

    def sleep(self, duration: int) -> None:
        """Let others run for so long."""
        self._schedule(self.now + duration, getcurrent().switch)
        self._main.switch()

    def run(self, until: int) -> None:
        """Let everything happen until a time."""
        while self._events and self._events[0][0] <= until:
            self.now, _, resume = heapq.heappop(self._events)
            resume()
        self.now = until

    def _schedule(self, time: int, resume: Callable[[], object]) -> None:
        heapq.heappush(self._events, (max(time, self.now), next(self._number), resume))


class TimedQueue:
    """A queue, as its port is, whose messages `workers` take at most at once; one that fails comes again later.

    `runs` counts what was taken.
    """

    def __init__(
        self, timeline: Timeline, take: Callable[[str], object], *, workers: int, again_after: int = 270 * SECOND
    ) -> None:
        self.runs = 0
        self._timeline = timeline
        self._take = take
        self._free = workers
        self._again_after = again_after
        self._waiting: list[str] = []

    def send(self, generation_id: str, *, delay: int = 0, known: object = None) -> None:
        """Send an id, to be seen after `delay` seconds."""
        self._timeline.at(self._timeline.now + delay * SECOND, lambda: self._arrive(generation_id))

    def _arrive(self, generation_id: str) -> None:
        self._waiting.append(generation_id)
        while self._free and self._waiting:
            self._free -= 1
            self._work(self._waiting.pop(0))
            self._free += 1

    def _work(self, generation_id: str) -> None:
        self.runs += 1
        if self._take(generation_id) is False:
            self.send(generation_id, delay=self._again_after // SECOND)
