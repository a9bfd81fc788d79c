"""Ingest: ask a provider what became of a job, and bring its pictures home."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from atelier.errors import (
    ConflictError,
    FetchFailedError,
    FetchRefusedError,
    InvalidImageError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
)
from atelier.generation import Generation, Status
from atelier.ports import Generations, HttpClient, ProviderKeys
from atelier.providers import Failed, Finished, Image, Job, Located, Outcome, Provider
from atelier.steps.finish import Finish

DOWNLOAD_TIMEOUT_SECONDS = 45.0
MAX_IMAGE_BYTES = 50 * 1024 * 1024
MAX_REDIRECTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """Believes a provider only when it is asked itself; a callback is no more than a reason to ask."""

    generations: Generations
    providers: Mapping[str, Provider]
    keys: ProviderKeys
    egress: HttpClient
    sanitise: Callable[[bytes], Image]
    finish: Finish
    clock: Callable[[], int]

    def __call__(self, generation: Generation) -> None:
        """Take a submitted generation as far as it goes; does nothing if it is finished or not submitted.

        Raises ProviderBusyError or FetchFailedError where the same step should be tried again later, ConflictError
        where another worker took it.
        """
        if generation.status is Status.PROCESSING:
            self._ask(generation)
        elif generation.status is Status.UPLOADING and generation.sources:
            self._bring_home(generation)

    def _ask(self, generation: Generation) -> None:
        if generation.job_id is None:
            raise ProviderBusyError("the job's id is not known yet")
        outcome = self._fetch(generation, generation.job_id)
        try:
            self._record(generation, outcome)
        except ConflictError:
            fresh = self.generations.get(generation.id)
            if fresh.status is not Status.PROCESSING or fresh.job_id != generation.job_id:
                raise
            self._record(fresh, outcome)  # dispatch saved the job's id meanwhile, which moved nothing

    def _record(self, generation: Generation, outcome: Outcome) -> None:
        match outcome:
            case Located(urls):
                uploading = self.generations.advance(generation, generation.uploading(self.clock(), urls))
                self._bring_home(uploading)
            case Finished(images):
                uploading = self.generations.advance(generation, generation.uploading(self.clock()))
                self.finish(uploading, images)
            case Failed(message):
                self.generations.advance(generation, generation.failed(message, self.clock()))
            case _ if generation.deadline_at is not None and self.clock() >= generation.deadline_at:
                message = "The provider did not finish in time; try again."
                self.generations.advance(generation, generation.failed(message, self.clock()))

    def _fetch(self, generation: Generation, job_id: str) -> Outcome:
        provider = self.providers[generation.provider or ""]
        try:
            return provider.fetch(job_id, self._job(generation, provider))
        except ProviderCredentialsError:
            self.keys.refresh()
        except ProviderRejectedError as exc:
            return Failed(str(exc))
        try:
            return provider.fetch(job_id, self._job(generation, provider))
        except ProviderRejectedError as exc:
            return Failed(str(exc))
        except ProviderCredentialsError as exc:
            raise ProviderBusyError(f"{provider.name} refuses this stack's key") from exc

    def _job(self, generation: Generation, provider: Provider) -> Job:
        return Job(
            model=generation.model,
            input=generation.payload,
            callback_url="",
            key=self.keys.get(provider.name) if provider.needs_key else None,
        )

    def _bring_home(self, generation: Generation) -> None:
        try:
            images = tuple(self.sanitise(self._download(url)) for url in generation.sources)
        except (FetchRefusedError, InvalidImageError) as exc:
            message = f"The provider's result cannot be used: {exc}"
            self.generations.advance(generation, generation.failed(message, self.clock()))
            return
        self.finish(generation, images)

    def _download(self, url: str) -> bytes:
        """Download a picture; each redirect is a new URL, checked like the first."""
        for _ in range(1 + MAX_REDIRECTS):
            response = self.egress.send(
                "GET",
                url,
                headers={"Accept": "image/*"},
                timeout=DOWNLOAD_TIMEOUT_SECONDS,
                max_bytes=MAX_IMAGE_BYTES,
            )
            if response.status in (301, 302, 303, 307, 308) and "location" in response.headers:
                url = _join(url, response.headers["location"])
            elif response.status == 200:
                return response.body
            else:
                raise FetchFailedError(f"the result's URL answered {response.status}", sent=True)
        raise FetchRefusedError("The result's URL redirects too often.")


def _join(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as exc:
        raise FetchRefusedError("The result's URL redirects to one that cannot be parsed.") from exc
