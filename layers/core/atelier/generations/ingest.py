"""Ingest: ask a provider what became of a job, and bring its pictures home."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from atelier.catalog.model import Catalog
from atelier.clock import SECOND
from atelier.errors import (
    ConflictError,
    FetchFailedError,
    FetchRefusedError,
    NotFoundError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRejectedError,
    UnavailableError,
)
from atelier.generations.complete import Complete
from atelier.generations.dispatch import FIRST_LOOK, STAGING
from atelier.generations.input_images import StoredInputs
from atelier.generations.model import CANCELLED, POLL_EVERY, Generation, Status
from atelier.generations.ports import Generations, Queue
from atelier.images.download import Download
from atelier.images.ports import Files
from atelier.outbound.circuit_breaker import provider_upstream
from atelier.providers.ports import ProviderKeys
from atelier.providers.provider import AsynchronousProvider, Failed, Images, ImageUrls, JobRef, Outcome, Rendered

DOWNLOAD_SECONDS = 90.0
"""For all of a generation's pictures together."""
MAX_IMAGE_BYTES = 50 * 1024 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """Believes a provider only when it is asked itself; a callback is no more than a reason to ask.

    A pending generation is here for the `workshop`: its pictures are to be prepared, or drawn.
    """

    generations: Generations
    files: Files
    workshop: Callable[[Generation], Generation]
    inputs: StoredInputs
    providers: Mapping[str, AsynchronousProvider]
    keys: ProviderKeys
    catalog: Callable[[], Catalog]
    download: Download
    finish: Complete
    queue: Queue
    """Its own, for jobs whose end may not be told."""
    clock: Callable[[], int]

    def __call__(self, generation: Generation) -> None:
        """Take a generation as far as it goes here; does nothing if it is finished, or its provider was not asked yet.

        Raises ProviderBusyError or FetchFailedError where the same step should be tried again later, ConflictError
        where another worker took it.
        """
        if generation.status is Status.PENDING:
            self.workshop(generation)
        elif generation.status is Status.PROCESSING:
            self._ask(generation)
        elif generation.status is Status.UPLOADING and generation.sources:
            self._bring_home(generation, generation.sources, generation.sources_until or 0)
        elif generation.status is Status.UPLOADING and generation.job_id is not None:
            self._ask_again(generation)

    # ---- Asking

    def _ask(self, generation: Generation) -> None:
        if generation.cancelled_at is not None:
            with suppress(ProviderRejectedError):  # what became of the job is asked next
                self._call(generation, lambda provider, job: provider.cancel(job))
        outcome = self._fetch(generation)
        try:
            self._record(generation, outcome)
        except ConflictError:
            fresh = self.generations.get(generation.id)
            if fresh.status is not Status.PROCESSING or fresh.job_id != generation.job_id:
                raise
            self._record(fresh, outcome)  # dispatch saved the job's id meanwhile, which moved nothing

    def _record(self, generation: Generation, outcome: Outcome) -> None:
        now = self.clock()
        if generation.lost_answer and isinstance(outcome, ImageUrls | Images):
            name = generation.provider or ""
            self.generations.recovered(provider_upstream(name), self.catalog().concurrency_of(name), now)
        match outcome:
            case ImageUrls(urls):
                self._bring_home(generation, urls, outcome.until(now), outcome.cost)
            case Images() | Rendered():
                self._store(generation, outcome)
            case Failed(message, cost):
                self.generations.advance(generation, generation.charged(cost).timed_out(message, now))
            case _ if generation.cancelled_at is not None:
                self.generations.advance(generation, generation.timed_out(CANCELLED, now))
            case _ if now >= (generation.deadline_at or 0):
                self._give_up(generation, now)
            case _:
                self._look_again(generation, now)

    def _look_again(self, generation: Generation, now: int) -> None:
        """Come back soon to a job whose end may not be told, and the later the longer it runs; then reconcile does."""
        delay = max(FIRST_LOOK, (now - generation.status_at) // 4)
        if self.providers[generation.provider or ""].polled and delay < POLL_EVERY:
            with suppress(UnavailableError):  # reconcile asks, too
                self.queue.send(generation.id, delay=math.ceil(delay / SECOND))

    def _give_up(self, generation: Generation, now: int) -> None:
        """Fail what runs past its deadline, and stop it where that can be done."""
        with suppress(ProviderError):
            self._call(generation, lambda provider, job: provider.cancel(job))
        message = "The provider did not finish in time; try again."
        self.generations.advance(generation, generation.failed(message, now))

    def _ask_again(self, generation: Generation) -> None:
        """Fetch the pictures that a worker had in hand when it died."""
        match self._fetch(generation):
            case ImageUrls(urls) as located:
                self._bring_home(generation, urls, located.until(self.clock()), located.cost)
            case Images() | Rendered() as outcome:
                self._store(generation, outcome)
            case Failed(message, cost):
                self.generations.advance(generation, generation.charged(cost).failed(message, self.clock()))
            case _:
                raise ProviderBusyError("the provider takes a finished job for one that runs")

    def _fetch(self, generation: Generation) -> Outcome:
        try:
            return self._call(generation, lambda provider, job: provider.fetch(job))
        except ProviderRejectedError as exc:
            return Failed(str(exc))

    def _call(self, generation: Generation, call: Callable[[AsynchronousProvider, JobRef], T]) -> T:
        """Call the provider about a job; once more where our key was refused and a new one may have been set since."""
        if generation.job_id is None:
            raise ProviderBusyError("the job's id is not known yet")
        provider = self.providers[generation.provider or ""]
        try:
            return call(provider, self._ref(generation, generation.job_id, provider))
        except ProviderCredentialsError:
            self.keys.refresh()
        try:
            return call(provider, self._ref(generation, generation.job_id, provider))
        except ProviderCredentialsError as exc:
            raise ProviderBusyError(f"The provider {provider.name} refuses this stack's account.") from exc

    def _ref(self, generation: Generation, job_id: str, provider: AsynchronousProvider) -> JobRef:
        return JobRef(
            id=job_id,
            model=generation.attempts[-1].model if generation.attempts else generation.model,
            input=generation.payload,
            key=self.keys.get(provider.name) if provider.takes_key else None,
            tool=generation.tool,
            read_inputs=partial(self.inputs, generation),
        )

    # ---- Bringing pictures home

    def _bring_home(self, generation: Generation, urls: tuple[str, ...], until: int, cost: int | None = None) -> None:
        """Download and store; what cannot be downloaded is tried again `until` the provider deletes it.

        `cost` is what the provider has just said that it charges.
        """
        deadline = self.download.deadline(DOWNLOAD_SECONDS)
        contents = (self._content(url, deadline) for url in urls)
        try:
            self.finish(generation, contents, sources=urls, until=until, cost=cost)
        except FetchFailedError as exc:
            if self.clock() < until:
                if generation.status is Status.PROCESSING:
                    after = generation.charged(cost).uploading(self.clock(), urls, until)
                    self.generations.advance(generation, after)
                raise
            message = f"The provider's result could not be downloaded before it expired; the last time: {exc}"
            self.generations.advance(generation, generation.charged(cost).failed(message, self.clock()))

    def _content(self, url: str, deadline: float) -> bytes:
        """Download what waits at a provider, or read what a provider sent to dispatch."""
        if not url.startswith(STAGING):
            return self.download(url, deadline=deadline, max_bytes=MAX_IMAGE_BYTES)
        try:
            return self.files.get(url)
        except NotFoundError as exc:
            raise FetchRefusedError("It has expired.") from exc

    def _store(self, generation: Generation, outcome: Images | Rendered) -> None:
        match outcome:
            case Rendered(pictures, notes):
                self.finish(generation, pictures, notes)
            case Images(images, cost):
                self.finish(generation, (image.content for image in images), cost=cost)
