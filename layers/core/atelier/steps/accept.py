"""Accept: let a client in, write down what it asks for, and wait for the result where it wants to."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from atelier.account import ApiKey, authenticate, parse_key
from atelier.catalog import Model, Route
from atelier.errors import UnavailableError
from atelier.generation import Generation, Status, accept
from atelier.idempotency import Idempotency
from atelier.ports import Acceptances, ApiKeys, Generations, Queue
from atelier.providers.registry import KINDS, Setup
from atelier.request import GenerationRequest, parse_authorization

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """Finds out whose key it is. A key of the wrong shape costs no read."""

    keys: ApiKeys
    digest_key: Callable[[], str]
    clock: Callable[[], int]

    def __call__(self, authorization: str | None) -> ApiKey:
        """Return the record of the key in an Authorization header; UnauthenticatedError where it is not valid."""
        key = parse_key(parse_authorization(authorization))
        return authenticate(key, self.keys.get(key.id), self.digest_key(), self.clock())


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Writes the generation first and sends its id second: from then on nothing is lost."""

    acceptances: Acceptances
    queue: Queue
    setup: Setup
    clock: Callable[[], int]

    def __call__(
        self, request: GenerationRequest, key: ApiKey, correlation_id: str, idempotency: Idempotency | None = None
    ) -> Generation:
        """Return the new, pending generation, or the one that the same request made before.

        Raises the RequestError that says why the key may not have it, or that nobody here can make it.
        """
        key.require("generate", model=request.model.slug)
        routes = self._routes(request.model, test=key.test)
        now = self.clock()
        wanted = accept(
            user_id=key.user_id,
            key_id=key.id,
            test=key.test,
            model=request.model.slug,
            tool=request.model.tool.slug,
            type=request.model.tool.type,
            payload=request.input,
            webhook=request.webhook,
            webhook_events=request.webhook_events,
            correlation_id=correlation_id,
            cost=request.model.price(request.input, routes),
            now=now,
        )
        accepted = self.acceptances.accept(wanted, key, idempotency, now)
        if accepted.status is Status.PENDING:
            self._send(accepted)
        return accepted

    def _routes(self, model: Model, *, test: bool) -> tuple[Route, ...]:
        """List the model's usable routes; before there are none, the keys are read anew: one may just have been set."""
        routes = model.usable(self.setup.ready, test=test)
        if not routes:
            self.setup.keys.refresh()
            routes = model.usable(self.setup.ready, test=test)
        if not routes:
            raise UnavailableError(f"No provider of {model.slug} is set up; the stack's owner can: {_advice(model)}.")
        return routes

    def _send(self, generation: Generation) -> None:
        try:
            self.queue.send(generation.id)
        except UnavailableError:
            return  # reconcile sends what is pending too long


def _advice(model: Model) -> str:
    """Say what makes a model usable, shortly: a provider's key, or what docs/operations.md says of the others."""
    names = [route.provider for route in model.routes if route.provider in KINDS]
    keyed = [name for name in names if KINDS[name].needs_key]
    if not keyed:
        return f"set up {' or '.join(names) or 'another catalog'} (docs/operations.md)"
    first, *others = keyed
    return f"atelier providers set {first}" + (f" (or {', '.join(others)})" if others else "")


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
