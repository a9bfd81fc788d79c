"""Wait for a generation to finish."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from atelier.errors import UnavailableError
from atelier.generations.model import Generation
from atelier.generations.ports import Generations

FIRST_PAUSE_SECONDS = 0.1
SHORTEST_PAUSE_SECONDS = 0.025
LONGEST_PAUSE_SECONDS = 1.0
LATER = 1 / 8
"""The next look comes later by this part of the time that has passed: a client learns of its result no later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Looks at a generation until it is finished."""

    generations: Generations
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, generation: Generation, seconds: float) -> Generation:
        """Return the generation once it is final, or as it is after `seconds`, or as it was where reading fails.

        Each look reads its status alone, and the last one the whole.
        """
        start, status = self.monotonic(), generation.status
        if status.final or seconds <= 0:
            return generation
        try:
            while not status.final and (left := start + seconds - self.monotonic()) > 0:
                passed = self.monotonic() - start
                pause = max(FIRST_PAUSE_SECONDS - passed, SHORTEST_PAUSE_SECONDS, passed * LATER)
                self.sleep(min(pause, LONGEST_PAUSE_SECONDS, left))
                status = self.generations.status(generation.id)
            return self.generations.get(generation.id)
        except UnavailableError:
            return generation  # it is accepted, and its id is worth more to the client than an error
