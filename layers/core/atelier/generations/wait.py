"""Wait for a generation to finish."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from atelier.errors import UnavailableError
from atelier.generations.model import Generation
from atelier.generations.ports import Generations

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Looks at a generation until it is finished."""

    generations: Generations
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, generation: Generation, seconds: float) -> Generation:
        """Return the generation once it is final, or as it was last seen after `seconds` or when reading fails."""
        until = self.monotonic() + seconds
        pause = FIRST_PAUSE_SECONDS
        while not generation.status.final and (left := until - self.monotonic()) > 0:
            self.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
            try:
                generation = self.generations.get(generation.id)
            except UnavailableError:
                return generation  # it is accepted, and its id is worth more to the client than an error
        return generation
