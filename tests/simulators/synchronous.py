"""The base of the simulators of providers that answer with the pictures."""

import base64
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from tests.simulators.faults import Ending, Forgery
from tests.simulators.server import Job, Reply, Simulator, png


class SynchronousSimulator(Simulator):
    """A paid call is of the generation whose prompt it has, since it names no callback. `cost` is what it asks for."""

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address."""
        return {self.name: self.url}

    def answer(self, model: str, input: Mapping[str, Any], prompt: object) -> Reply | None:
        """Answer a paid call as planned."""
        return self.take(model, input, str(prompt))

    def receipt(self, job: Job) -> Reply:
        """Send the pictures, unless the plan is against it."""
        match job.course.ending:
            case Ending.UNSAFE:
                return self.unsafe(job)
            case Ending.FAILURE | Ending.NEVER:
                return self.failed(job)
        return self.success(job)

    @abstractmethod
    def success(self, job: Job) -> Reply:
        """Make the answer with the pictures."""

    @abstractmethod
    def unsafe(self, job: Job) -> Reply:
        """Make the answer of the provider's filter."""

    @abstractmethod
    def failed(self, job: Job) -> Reply:
        """Make an answer without a picture."""

    def drawn(self, job: Job) -> list[str]:
        """Draw a job's pictures, in base64."""
        return [base64.b64encode(png(f"{job.id} {number}")).decode() for number in range(self.wanted(job))]

    def wanted(self, job: Job) -> int:
        """Return how many pictures a call asks for."""
        return int(job.input.get("n") or job.input.get("num_images") or 1)

    def _tell(self, job: Job, again: tuple[float, ...]) -> None:
        """Call nobody back."""

    def _forge(self, job: Job, forgery: Forgery) -> None:
        """Call nobody back."""
