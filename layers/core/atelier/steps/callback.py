"""Callback: a provider says that a job has news."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from atelier.errors import NotFoundError
from atelier.generation import ID_PATTERN, Generation
from atelier.ports import Generations, Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Takes a callback for no more than a reason to ask the provider."""

    generations: Generations
    queue: Queue
    readers: Mapping[str, Callable[[str], str | None]]

    def __call__(self, provider: str, generation_id: str, token: str, body: str) -> Generation:
        """Record the job's id where it is news, and have the job fetched; returns the generation.

        NotFoundError where the provider, the generation or the token is wrong; which one is not said.
        """
        if provider not in self.readers or not ID_PATTERN.fullmatch(generation_id):
            raise NotFoundError("There is no such callback.")
        job_id = self.readers[provider](body)
        generation = self.generations.record_job(generation_id, callback_token=token, job_id=job_id)
        if not generation.status.final:
            self.queue.send(generation_id)
        return generation
