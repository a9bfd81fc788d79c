"""Dispatch: hand a pending generation to the first provider that can take it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from atelier.catalog import Catalog, Route
from atelier.errors import (
    NotFoundError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
)
from atelier.generation import MAX_TRIES, Generation, Status
from atelier.ports import Generations, ProviderKeys, Queue
from atelier.providers import Failed, Finished, Job, Located, Outcome, Provider, Running, Submitted
from atelier.steps.finish import Finish

MAX_DELAY_SECONDS = 900
FIRST_BACKOFF_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Calls providers. A call that may cost money is made once; if its outcome is unknown it is not repeated."""

    generations: Generations
    queue: Queue
    ingest_queue: Queue
    providers: Mapping[str, Provider]
    keys: ProviderKeys
    catalog: Catalog
    finish: Finish
    callback_base_url: str
    clock: Callable[[], int]

    def __call__(self, generation: Generation) -> None:
        """Take a pending generation one step on; does nothing if it is further already.

        Raises ConflictError where another worker took it, OutcomeUnknownError where the provider's answer was lost
        (the generation then waits for a callback, or for its deadline).
        """
        if generation.status is not Status.PENDING:
            return
        try:
            model = self.catalog.model(generation.model)
            provider, route = self._choose(model.routes, test=generation.test)
        except NotFoundError as exc:
            self.generations.advance(generation, generation.failed(str(exc), self.clock()))
            return
        claimed = self.generations.advance(
            generation,
            generation.claimed(provider.name, committed=provider.charges, now=self.clock(), deadline=model.deadline),
        )
        try:
            outcome = self._submit(provider, route, claimed)
        except ProviderBusyError as exc:
            self._retry(claimed, exc)
        except ProviderRejectedError as exc:
            self.generations.advance(claimed, claimed.failed(str(exc), self.clock()))
        except ProviderCredentialsError:
            message = f"The provider {provider.name} refuses this stack's key; ask the stack's owner to set it."
            self.generations.advance(claimed, claimed.failed(message, self.clock()))
        else:
            self._record(claimed, outcome)

    def _choose(self, routes: tuple[Route, ...], *, test: bool) -> tuple[Provider, Route]:
        for route in routes:
            provider = self.providers.get(route.provider)
            if provider and not (provider.needs_key and (test or self.keys.get(provider.name) is None)):
                return provider, route
        names = ", ".join(route.provider for route in routes)
        raise NotFoundError(f"No provider of this model is set up; the stack's owner can set a key for {names}.")

    def _submit(self, provider: Provider, route: Route, generation: Generation) -> Outcome:
        """Submit the job; once more where the key was refused and a new one may have been set since."""
        try:
            return provider.submit(self._job(provider, route, generation))
        except ProviderCredentialsError:
            self.keys.refresh()
            return provider.submit(self._job(provider, route, generation))

    def _job(self, provider: Provider, route: Route, generation: Generation) -> Job:
        return Job(
            model=route.model,
            input=generation.payload,
            callback_url=(
                f"{self.callback_base_url}/webhook/{provider.name}/{generation.id}/{generation.callback_token}"
            ),
            key=self.keys.get(provider.name) if provider.needs_key else None,
        )

    def _record(self, generation: Generation, outcome: Outcome) -> None:
        match outcome:
            case Finished(images):
                uploading = self.generations.advance(generation, generation.uploading(self.clock()))
                self.finish(uploading, images)
            case Submitted(job_id):
                self.generations.advance(generation, generation.submitted(job_id, self.clock()))
            case Located(urls):
                self.generations.advance(generation, generation.uploading(self.clock(), urls))
                self.ingest_queue.send(generation.id)
            case Failed(message):
                self.generations.advance(generation, generation.failed(message, self.clock()))
            case Running():
                raise OutcomeUnknownError("the provider took the job without naming it")

    def _retry(self, generation: Generation, busy: ProviderBusyError) -> None:
        if generation.tries >= MAX_TRIES:
            message = "The provider is busy or out of reach; try again later."
            self.generations.advance(generation, generation.failed(message, self.clock()))
            return
        backoff = FIRST_BACKOFF_SECONDS * 2**generation.tries * random.uniform(0.5, 1.5)
        delay = int(min(max(busy.retry_after or 0, backoff), MAX_DELAY_SECONDS))
        released = generation.released(self.clock(), delay * 1_000)
        self.generations.advance(generation, released)
        self.queue.send(generation.id, delay=delay)
