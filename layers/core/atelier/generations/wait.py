"""Wait for a generation to finish."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from atelier.errors import UnavailableError
from atelier.generations.model import Generation
from atelier.generations.ports import Generations

FIRST_PAUSE_SECONDS = 0.1
SHORTEST_PAUSE_SECONDS = 0.08
LONGEST_PAUSE_SECONDS = 1.0
LATER = 1 / 11
"""The next look comes later by this part of the time that has passed: after a second of work a client learns of its
result 45 ms later on average, or 56 ms where each look takes 5 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Looks at a generation until it is finished."""

    generations: Generations
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, generation: Generation, seconds: float) -> Generation:
        """Return the generation once it is final, or as it is after `seconds`, or as it was if it cannot be read.

        Each look reads a small part of it, and the last one the whole. A look that fails is followed by the next.
        """
        start, finished = self.monotonic(), generation.status.final
        if finished or seconds <= 0:
            return generation
        while not finished and (left := start + seconds - self.monotonic()) > 0:
            passed = self.monotonic() - start
            pause = max(FIRST_PAUSE_SECONDS - passed, SHORTEST_PAUSE_SECONDS, passed * LATER)
            self.sleep(min(pause, LONGEST_PAUSE_SECONDS, left))
            with suppress(UnavailableError):
                finished = self.generations.finished(generation)
        try:
            return self.generations.get(generation.id)
        except UnavailableError:
            return generation  # it is accepted, and its id is worth more to the client than an error
