"""Cancel: end what a client gave up, as far as it still can be ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from atelier.errors import ConflictError, NotPossibleError, UnavailableError
from atelier.generations.model import CANCELLED, Generation, Status
from atelier.generations.ports import Generations, Queue
from atelier.providers.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Ends at once what no provider has, and has ingest stop what one works on.

    The credits come back unless a provider that charges was asked.
    """

    generations: Generations
    ingest_queue: Queue
    kinds: Mapping[str, type[Provider]]
    clock: Callable[[], int]

    def __call__(self, generation_id: str) -> Generation:
        """Return the generation as it then stands; NotPossibleError says why it goes on. It may be repeated."""
        generation = self.generations.get(generation_id)
        match generation.status:
            case Status.PENDING:
                return self._advance(generation, generation.failed(CANCELLED, self.clock()))
            case Status.PROCESSING:
                return self._stop(generation)
            case Status.ERROR if generation.error == CANCELLED:
                return generation
            case Status.UPLOADING:
                raise NotPossibleError("The generation's pictures are being stored already.")
            case status:
                raise NotPossibleError(f"The generation is over already: {status}.")

    def _stop(self, generation: Generation) -> Generation:
        kind = self.kinds.get(generation.provider or "")
        if kind is None or not kind.cancels:
            raise NotPossibleError(f"The provider {generation.provider} cannot stop what it has begun.")
        if generation.job_id is None:
            raise NotPossibleError("The generation is just being handed to its provider; try again in a moment.")
        if generation.cancelled_at is None:
            generation = self._advance(generation, generation.cancelled(self.clock()))
        try:
            self.ingest_queue.send(generation.id)
        except UnavailableError:
            return generation  # reconcile sends what is due
        return generation

    def _advance(self, before: Generation, after: Generation) -> Generation:
        try:
            return self.generations.advance(before, after)
        except ConflictError as exc:
            raise NotPossibleError("The generation has just moved on; look at it and try again.") from exc
