"""Dispatch: hand a pending generation to the least-tried provider with a free slot."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from atelier.catalog.gateway import Gateway
from atelier.catalog.model import SKETCH, Catalog, Model, Route, ended
from atelier.chance import chance
from atelier.clock import MINUTE, SECOND
from atelier.errors import (
    ConflictError,
    FetchFailedError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
    ResultLostError,
    UnavailableError,
    UpstreamUnavailableError,
)
from atelier.generations.complete import Complete
from atelier.generations.input_images import PrepareInputs, StoredInputs
from atelier.generations.model import (
    CLAIM_LEASE,
    MAX_TRIES,
    RESEND_AFTER,
    Generation,
    Status,
    drawn_lease,
)
from atelier.generations.ports import MAX_QUEUE_DELAY, Generations, Queue
from atelier.images.ports import Files
from atelier.outbound.circuit_breaker import Health, Release, Slot, Upstream, provider_upstream
from atelier.providers.ports import ProviderKeys
from atelier.providers.provider import (
    Failed,
    Images,
    ImageUrls,
    InputImages,
    Job,
    Outcome,
    Provider,
    ProviderImage,
    Rendered,
    Submitted,
)

FIRST_BACKOFF = 2 * SECOND
MAX_BACKOFF = 60 * MINUTE
"""No Retry-After is honoured for longer."""
STAGING = "staging/"
"""Where a provider's own bytes wait for ingest, which alone decodes them."""
STAGED = 24 * 60 * MINUTE
"""How long they wait there at most; the bucket deletes them a day later."""
STORE_UNTIL = 220 * SECOND
"""The time in a run after which storing what was paid for is given up: a run may take 240 s, and a try 17 s."""
STORE_EVERY_SECONDS = 2.0
FIRST_LOOK = 3 * SECOND
"""When a job is asked about for the first time, where its provider may not tell its end."""
LONGEST_LOOK = 30 * SECOND
"""How often a waiting generation looks for a free slot."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider that can take a generation, and the job as it would be asked for there."""

    provider: Provider
    job: Job
    price: int = 0

    @property
    def is_drawn(self) -> bool:
        """Tell whether it draws in this stack, and calls nobody."""
        return self.provider.name == SKETCH

    def times_tried(self, generation: Generation) -> int:
        """Count how often it was asked already."""
        own = (self.provider.name, self.job.model)
        return sum((attempt.provider, attempt.model) == own for attempt in generation.attempts)


@dataclass(frozen=True, slots=True)
class ActiveAttempt:
    """A provider's attempt at a generation that is claimed for it, with a slot unless the image is drawn right here.

    `rest`: who else can take it and was not found to be out of reach just now. `alone`: nobody else can. `begun_at`:
    when the run began.
    """

    candidate: Candidate
    claimed: Generation
    slot: Slot | None
    rest: tuple[Candidate, ...]
    alone: bool
    begun_at: int

    @property
    def is_probe(self) -> bool:
        """Tell whether it finds out whether the provider is back, which counts as nobody's try."""
        return self.slot is not None and self.slot.probe

    @property
    def last(self) -> bool:
        """Tell whether the others had as many attempts."""
        return all(other.times_tried(self.claimed) >= self.candidate.times_tried(self.claimed) for other in self.rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The work on images, which needs a whole processor and is kept apart from calls to providers."""

    prepare: PrepareInputs
    complete: Complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Makes one call a run. One that may cost money is made once: if its outcome is unknown nobody is asked again.

    It runs in two functions. A small one calls providers; one with a `workshop` prepares clients' pictures, and draws.
    What the other can do is sent there (`elsewhere`); what must wait comes back to `queue`.
    """

    generations: Generations
    queue: Queue
    elsewhere: Queue
    ingest_queue: Queue
    providers: Mapping[str, Provider]
    gateways: Callable[[Gateway], Provider]
    """Makes the providers that the catalog describes."""
    keys: ProviderKeys
    ready: Callable[[Route], bool]
    catalog: Callable[[], Catalog]
    inputs: StoredInputs
    files: Files
    workshop: Workshop | None = None
    callback_base_url: str
    clock: Callable[[], int]
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, generation: Generation) -> Generation:
        """Take a pending generation one step on, and return it as it then is; return a later one unchanged.

        Raises ConflictError where another worker took it, OutcomeUnknownError where the answer of a provider that can
        still call back was lost (the generation then waits for that, or for its deadline).
        """
        if generation.status is not Status.PENDING:
            return generation
        arrived = generation
        try:
            catalog = self.catalog()
            model = catalog.model(generation.model, generation.tool)
            if generation.lacks_inputs:
                if self.workshop is None:
                    return self._hand_over(generation)
                generation = self.workshop.prepare(generation)
            candidates = self._candidates(model, generation, self.inputs(generation))
        except (NotFoundError, InvalidRequestError) as exc:
            return self.generations.advance(generation, generation.failed(str(exc), self.clock()))
        except FetchFailedError:
            return self._wait(generation, self.clock())
        if self.workshop is not None:
            drawn = [candidate for candidate in candidates if candidate.is_drawn]
            if not drawn or (generation is not arrived and not candidates[0].is_drawn):
                return self._hand_over(generation)
            candidates = drawn
        return self._dispatch(generation, candidates, model, catalog)

    def _dispatch(
        self, generation: Generation, candidates: list[Candidate], model: Model, catalog: Catalog
    ) -> Generation:
        begun_at, retry_at = self.clock(), []
        for number, candidate in enumerate(candidates):
            if candidate.is_drawn and self.workshop is None:
                return self._hand_over(generation)
            try:
                claimed, slot = self._claim(generation, candidate, model, catalog)
            except UpstreamUnavailableError as exc:
                retry_at.append(exc.retry_at)
                continue
            rest, alone = tuple(candidates[number + 1 :]), len(candidates) == 1
            return self._take(ActiveAttempt(candidate, claimed, slot, rest, alone=alone, begun_at=begun_at))
        return self._wait(generation, min(retry_at))

    # ---- Candidates

    def _candidates(self, model: Model, generation: Generation, images: InputImages) -> list[Candidate]:
        """List who can take it, those first who were asked least; raises if there is nobody."""
        candidates, refusals = [], []
        for route in self._routes(model, generation):
            try:
                candidates.append(self._candidate(route, generation, images))
            except InvalidRequestError as exc:
                refusals.append(exc)
        if candidates:
            return sorted(candidates, key=lambda candidate: candidate.times_tried(generation))
        if refusals:
            raise refusals[0]
        alive = [route for route in model.routes if not route.has_ended(self.clock())]
        if model.routes and not alive:
            raise NotFoundError(ended(model))
        names = ", ".join(route.provider for route in alive)
        raise NotFoundError(f"No provider of this model is set up; the operator can set a key for {names}.")

    def _routes(self, model: Model, generation: Generation) -> tuple[Route, ...]:
        """List the usable routes; read the keys again if a route that it was accepted for lacks one."""
        routes = model.usable(self.ready, test=generation.test)
        if routes and not (generation.cost and routes[0].provider == SKETCH):
            return routes
        self.keys.refresh()
        return model.usable(self.ready, test=generation.test)

    def _candidate(self, route: Route, generation: Generation, images: InputImages) -> Candidate:
        provider = self.providers.get(route.provider)
        if provider is None:
            if route.gateway is None:
                raise NotFoundError(f"There is no provider {route.provider}; tell the operator.")
            provider = self.gateways(route.gateway)
        callback = f"{self.callback_base_url}/webhook/{provider.name}/{generation.id}/{generation.callback_token}"
        job = Job(
            model=route.model_for(generation.payload),
            input=route.translate(
                generation.payload,
                tuple(image.url for image in images.pictures),
                images.mask.url if images.mask else None,
            ),
            callback_url=callback,
            id=generation.id,
            key=self._key(provider),
            images=images.pictures,
            mask=images.mask,
            tool=generation.tool,
        )
        return Candidate(provider, job, route.price_for(job.input, len(images.pictures)))

    def _claim(
        self, generation: Generation, candidate: Candidate, model: Model, catalog: Catalog
    ) -> tuple[Generation, Slot | None]:
        """Record which provider is about to be called, and acquire a slot; UpstreamUnavailableError where none is free.

        A synchronous provider has no longer than the worker that asks it.
        """
        provider, now = candidate.provider, self.clock()
        deadline = model.deadline if provider.asynchronous else min(model.deadline, CLAIM_LEASE)
        claimed = generation.claimed(
            provider.name, candidate.job.model, committed=provider.charges, now=now, deadline=deadline,
            price=candidate.price, lease=drawn_lease(generation.tries + 1) if candidate.is_drawn else CLAIM_LEASE,
        )  # fmt: skip
        if candidate.is_drawn:
            return self.generations.advance(generation, claimed), None
        upstream = Upstream(provider_upstream(provider.name), catalog.concurrency_of(provider.name), CLAIM_LEASE)
        return claimed, self.generations.acquire(generation, claimed, upstream, now)

    # ---- What becomes of it

    def _take(self, attempt: ActiveAttempt) -> Generation:
        name, claimed = attempt.candidate.provider.name, attempt.claimed
        try:
            outcome = self._submit(attempt)
        except ProviderBusyError as exc:
            return self._pass_on(attempt, str(exc), Health.FAILING, retry_after=exc.retry_after)
        except ProviderCredentialsError:
            reason = f"The provider {name} refuses this stack's account; ask the operator to look after its key."
            if attempt.alone:
                return self._end(attempt, claimed.failed(reason, self.clock()), Health.UNKNOWN, error=reason)
            return self._pass_on(attempt, reason, Health.UNKNOWN)
        except ProviderRejectedError as exc:
            return self._end(attempt, claimed.failed(str(exc), self.clock()))
        except OutcomeUnknownError as exc:
            return self._lose(attempt, exc)
        return self._record(attempt, outcome)

    def _submit(self, attempt: ActiveAttempt) -> Outcome:
        """Submit the job; once more where the key was refused and a new one may have been set since.

        A probe makes a call first that costs nothing and ends sooner.
        """
        candidate = attempt.candidate
        try:
            if attempt.is_probe:
                with suppress(ProviderRejectedError):  # it answers
                    candidate.provider.check(candidate.job.key)
            return candidate.provider.submit(candidate.job)
        except ProviderCredentialsError:
            self.keys.refresh()
            return candidate.provider.submit(replace(candidate.job, key=self._key(candidate.provider)))

    def _record(self, attempt: ActiveAttempt, outcome: Outcome) -> Generation:
        cost = outcome.cost if isinstance(outcome, Images | ImageUrls | Submitted | Failed) else None
        claimed, now = attempt.claimed.charged(cost), self.clock()
        match outcome:
            case Rendered(pictures, notes) if self.workshop:
                return self.workshop.complete(claimed, pictures, notes)
            case Images(()):
                return self._end(attempt, claimed.failed("The provider finished without a picture.", now))
            case Images(images):
                staged = self._stage(attempt, claimed, images)
                return self._bring_home(self._keep(attempt, claimed.uploading(self.clock(), staged, now + STAGED)))
            case Submitted(job_id):
                submitted = self._keep(attempt, claimed.submitted(job_id, now))
                if getattr(attempt.candidate.provider, "polled", False):
                    with suppress(UnavailableError):  # reconcile asks, too
                        self.ingest_queue.send(submitted.id, delay=FIRST_LOOK // SECOND)
                return submitted
            case ImageUrls(urls):
                return self._bring_home(self._keep(attempt, claimed.uploading(now, urls, outcome.until(now))))
            case Failed(message):
                return self._end(attempt, claimed.failed(message, now))
            case _:
                name = attempt.candidate.provider.name
                return self._lose(attempt, OutcomeUnknownError(f"The provider {name} took the job without naming it."))

    def _stage(self, attempt: ActiveAttempt, claimed: Generation, images: tuple[ProviderImage, ...]) -> tuple[str, ...]:
        """Store what a provider sent as it is, and keep trying: it is paid for, and nobody will send it again.

        Where the run's time is up first, the generation fails, and ResultLostError says that it was paid for.
        """
        until = attempt.begun_at + STORE_UNTIL
        folder = f"{STAGING}{claimed.id}/{claimed.file_token}"
        keys = []
        for number, image in enumerate(images):
            keys.append(f"{folder}/{number}")
            while True:
                try:
                    self.files.put(keys[-1], image.content, "application/octet-stream")
                except UnavailableError as exc:
                    if self.clock() >= until:
                        message = "The provider's images could not be stored in time. Nothing is charged; try again."
                        self._end(attempt, claimed.failed(message, self.clock()))
                        name = attempt.candidate.provider.name
                        raise ResultLostError(f"Images of the provider {name} were paid for and are lost.") from exc
                    self.sleep(STORE_EVERY_SECONDS)
                else:
                    break
        return tuple(keys)

    def _keep(self, attempt: ActiveAttempt, after: Generation) -> Generation:
        """Write where the images of a paid job are to be had, and keep trying: nobody else knows."""
        while True:
            try:
                return self._end(attempt, after)
            except UnavailableError:
                if self.clock() >= attempt.begun_at + STORE_UNTIL:
                    raise
            self.sleep(STORE_EVERY_SECONDS)
            with suppress(UnavailableError):
                fresh = self.generations.get(after.id)
                if fresh.version == after.version and (fresh.job_id, fresh.sources) == (after.job_id, after.sources):
                    return fresh  # a try whose answer was lost

    def _bring_home(self, uploading: Generation) -> Generation:
        self.ingest_queue.send(uploading.id, known=uploading)
        return uploading

    def _pass_on(
        self, attempt: ActiveAttempt, reason: str, health: Health, *, retry_after: float | None = None
    ) -> Generation:
        """Requeue it for a provider with fewer attempts, or wait before the next round."""
        claimed, now = attempt.claimed, self.clock()
        rest = min((retry_after or 0) * SECOND, MAX_BACKOFF)
        rest_until = now + int(rest) if rest else None
        counted = not attempt.is_probe
        if counted and claimed.tries >= MAX_TRIES:
            message = f"It was offered {claimed.tries} times, and no provider took it; the last time: {reason}"
            return self._end(attempt, claimed.failed(message, now), health, rest_until, error=reason)
        backoff = FIRST_BACKOFF * 2**claimed.tries * chance.uniform(0.5, 1.5)
        delay = int(max(rest, backoff)) if attempt.last else 0
        if delay and now + delay > claimed.pending_until:
            return self._end(attempt, claimed.failed(_too_late(claimed, reason), now), health, rest_until, error=reason)
        after = claimed.requeued(reason, now, delay, counted=counted)
        requeued = self._end(attempt, after, health, rest_until, error=reason)
        return self._send(requeued, delay)

    def _lose(self, attempt: ActiveAttempt, lost: OutcomeUnknownError) -> Generation:
        """Wait for a provider that may still call back, unless it has already; any other will never tell."""
        if attempt.candidate.provider.asynchronous:
            fresh = self.generations.get(attempt.claimed.id)
            if fresh.job_id is not None or fresh.status is not Status.PROCESSING:
                if attempt.slot:
                    self.generations.release(Release(attempt.slot, Health.HEALTHY, self.clock()))
                return fresh
            with suppress(ConflictError):  # a callback, or its client, came first
                self._end(attempt, attempt.claimed.answer_lost(str(lost)), Health.FAILING, error=str(lost))
            raise lost
        failed = attempt.claimed.failed(f"{lost} Nothing is charged; try again.", self.clock())
        return self._end(attempt, failed, Health.FAILING, error=str(lost))

    def _end(
        self,
        attempt: ActiveAttempt,
        after: Generation,
        health: Health = Health.HEALTHY,
        rest_until: int | None = None,
        error: str | None = None,
    ) -> Generation:
        """Write the result of an attempt, and release its slot."""
        release = Release(attempt.slot, health, self.clock(), rest_until, error) if attempt.slot else None
        return self.generations.advance(attempt.claimed, after, release)

    # ---- Waiting

    def _wait(self, generation: Generation, retry_at: int) -> Generation:
        """Look again when a slot may be free, and the less often the longer the generation has waited."""
        now = self.clock()
        age = now - generation.created_at
        if max(now, retry_at) >= generation.pending_until:
            reason = generation.attempts[-1].reason if generation.attempts else None
            return self.generations.advance(generation, generation.failed(_too_late(generation, reason), now))
        delay = int(max(FIRST_BACKOFF, retry_at - now, min(age / 4, LONGEST_LOOK)) * chance.uniform(1, 1.5))
        waiting = self.generations.advance(generation, generation.rescheduled(now + delay + RESEND_AFTER))
        return self._send(waiting, delay)

    def _hand_over(self, generation: Generation) -> Generation:
        """Let the other function take it."""
        self.elsewhere.send(generation.id, known=generation)
        return generation

    def _send(self, generation: Generation, delay: int) -> Generation:
        if delay <= MAX_QUEUE_DELAY:
            self.queue.send(generation.id, delay=math.ceil(delay / SECOND))
        return generation

    def _key(self, provider: Provider) -> str | None:
        return self.keys.get(provider.name) if provider.takes_key else None


def _too_late(generation: Generation, reason: str | None) -> str:
    """Say that no provider will take a generation in time, and why the last one did not."""
    seconds = (generation.pending_until - generation.created_at) // SECOND
    span = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    last = f"; the last time: {reason}" if reason else ""
    return f"No provider could take it within {span}{last or '.'} Try again later."
