"""Runs workers in every order: one call at a time, as a schedule says.

A worker is a function that calls `Interleaving.pause` before each call to the world outside; there another worker may
run. A schedule is a list of choices, so that a run can be repeated; `explore` makes all schedules within a budget of
switches away from a worker that could go on, and of faults. Few of both find most errors of concurrency:
https://www.microsoft.com/en-us/research/publication/finding-and-reproducing-heisenbugs-in-concurrent-programs/
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from tests.simulation.dynamodb import Fate, Killed

FAULTS: Mapping[str, tuple[Fate, ...]] = {
    "read": (Fate.KILLED_BEFORE,),
    "write": (Fate.REPEATED, Fate.UNKNOWN, Fate.KILLED_BEFORE, Fate.KILLED_AFTER),
    "pay": (Fate.UNKNOWN, Fate.KILLED_BEFORE, Fate.KILLED_AFTER),
    "send": (Fate.KILLED_BEFORE,),
}
"""What may happen to each kind of call."""
MAX_STEPS = 2_000


@dataclass(frozen=True)
class Budget:
    """How many switches and faults a schedule may have."""

    switches: int
    faults: int


@dataclass
class Choice:
    """One of `count` ways to go on was taken."""

    taken: int
    count: int


@dataclass
class Chooser:
    """Repeats a schedule's beginning; after it the first way is taken, or any by chance."""

    beginning: Sequence[int] = ()
    chance: random.Random | None = None
    choices: list[Choice] = field(default_factory=list)

    def __call__(self, count: int) -> int:
        """Choose one of so many ways."""
        place = len(self.choices)
        if place < len(self.beginning):
            taken = self.beginning[place]
        elif self.chance and self.chance.random() < 0.5:
            taken = self.chance.randrange(count)
        else:
            taken = 0
        assert taken < count, "the same schedule led to another state: something is left to chance"
        self.choices.append(Choice(taken, count))
        return taken


def current_worker() -> object:
    """Return what tells one running worker from another."""
    worker: object = getcurrent()
    return worker


class Interleaving:
    """One run of some workers; `faults` counts the faults that happened, `steps` tells what was done."""

    def __init__(self, choose: Chooser, budget: Budget) -> None:
        self._choose = choose
        self._budget = budget
        self._main = getcurrent()
        self._pending: dict[greenlet, str] = {}
        self._names: dict[greenlet, str] = {}
        self.switches = 0
        self.faults = 0
        self.steps: list[str] = []

    def pause(self, kind: str) -> Fate:
        """Let others run before a call of this kind, and return what is to happen to it; nothing does outside a run."""
        worker = getcurrent()
        if worker not in self._pending:
            return Fate.DONE
        self._pending[worker] = kind
        fate: Fate = self._main.switch()
        return fate

    def run(self, workers: Mapping[str, Callable[[], None]]) -> None:
        """Run the workers to their ends."""
        for name, work in workers.items():
            worker = greenlet(_surviving(work))
            self._pending[worker], self._names[worker] = "start", name
        current: greenlet | None = None
        for _ in range(MAX_STEPS):
            if not self._pending:
                return
            current, fate = self._next(current)
            self.steps.append(f"{self._names[current]}: {self._pending[current]} {fate.name.lower()}")
            if self._pending[current] == "start":
                current.switch()
            else:
                current.switch(fate)
            if current.dead:
                del self._pending[current]
        raise AssertionError(f"no end after {MAX_STEPS} steps: {self.steps[-20:]}")

    def _next(self, current: greenlet | None) -> tuple[greenlet, Fate]:
        """Choose who goes on, and what happens to the call that it waits with."""
        goes_on = current if current in self._pending else None
        ways: list[tuple[greenlet, Fate, int, int]] = []
        for worker in sorted(self._pending, key=lambda one: one is not goes_on):
            switches = int(goes_on is not None and worker is not goes_on)
            if self.switches + switches > self._budget.switches:
                continue
            ways.append((worker, Fate.DONE, switches, 0))
            if self.faults < self._budget.faults:
                ways += [(worker, fate, switches, 1) for fate in FAULTS.get(self._pending[worker], ())]
        worker, fate, switches, faults = ways[self._choose(len(ways))]
        self.switches += switches
        self.faults += faults
        return worker, fate


def _surviving(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Killed:
            return

    return run


def explore(run: Callable[[Chooser], None]) -> Iterator[Chooser]:
    """Run once for each schedule, in depth-first order."""
    beginning: list[int] = []
    while True:
        chooser = Chooser(beginning)
        run(chooser)
        yield chooser
        choices = chooser.choices
        while choices and choices[-1].taken + 1 >= choices[-1].count:
            choices.pop()
        if not choices:
            return
        beginning = [choice.taken for choice in choices[:-1]] + [choices[-1].taken + 1]
