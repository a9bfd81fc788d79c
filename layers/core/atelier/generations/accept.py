"""Accept: let a client in, write down what it asks for, and wait for the result where it wants to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from atelier.accounts.api_keys import ApiKey
from atelier.catalog.model import SKETCH, Model, Route, ended
from atelier.errors import ModelUnavailableError, UnavailableError
from atelier.generations.idempotency import CountedRequest, Idempotency
from atelier.generations.model import FINAL, Generation, Status, new_generation
from atelier.generations.ports import Acceptances, Queue
from atelier.providers.registry import KINDS, Setup


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A valid `POST /generate` or `POST /run`."""

    model: Model
    input: dict[str, Any]
    webhook: str | None
    webhook_events: tuple[Status, ...] = FINAL
    webhook_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Writes the generation first and sends its id second: from then on nothing is lost."""

    acceptances: Acceptances
    queue: Queue
    ingest_queue: Queue
    """Where pictures are prepared and drawn."""
    setup: Setup
    clock: Callable[[], int]

    def __call__(
        self,
        request: GenerationRequest,
        key: ApiKey,
        correlation_id: str,
        idempotency: Idempotency | None = None,
        counted: CountedRequest | None = None,
    ) -> Generation:
        """Return the new, pending generation, or the one that the same request made before.

        An idempotency key tells that for certain; a client's own count is asked where there is no such key.

        Raises the RequestError that says why the key may not have it, or that nobody here can make it.
        """
        key.require("generate", model=request.model.slug)
        now = self.clock()
        counted = None if idempotency else counted
        if counted and counted.number and (earlier := self.acceptances.claim(key, counted, now)):
            return earlier
        routes = self._routes(request.model, test=key.test)
        if not routes:
            if idempotency and (earlier := self.acceptances.find_earlier(key, idempotency, now)):
                return earlier
            raise ModelUnavailableError(_unavailable(request.model, self.setup.clock()))
        wanted = new_generation(
            user_id=key.user_id,
            key_id=key.id,
            test=key.test,
            model=request.model.slug,
            tool=request.model.tool.slug,
            type=request.model.tool.type,
            payload=request.input,
            webhook=request.webhook,
            webhook_events=request.webhook_events,
            webhook_format=request.webhook_format,
            correlation_id=correlation_id,
            cost=request.model.price(request.input, routes),
            charged=key.charged,
            now=now,
            deadline=request.model.deadline,
        )
        accepted = self.acceptances.write(wanted, key, idempotency, now, counted)
        if accepted.status is Status.PENDING:
            self._send(accepted, routes[0])
        return accepted

    def _routes(self, model: Model, *, test: bool) -> tuple[Route, ...]:
        """List the model's usable routes; before there are none, the keys are read anew: one may just have been set."""
        routes = model.usable(self.setup.ready, test=test)
        if not routes:
            self.setup.keys.refresh()
            routes = model.usable(self.setup.ready, test=test)
        return routes

    def _send(self, generation: Generation, route: Route) -> None:
        here = route.provider == SKETCH or generation.lacks_inputs
        try:
            (self.ingest_queue if here else self.queue).send(generation.id, known=generation)
        except UnavailableError:
            return  # reconcile sends what is pending too long


def _unavailable(model: Model, now: int) -> str:
    """Say why nobody here can make a model's images, and what to do."""
    alive = [route for route in model.routes if not route.has_ended(now)]
    if model.routes and not alive:
        return ended(model)
    return f"No provider of {model.slug} is set up; the operator can: {_advice(alive)}."


def _advice(routes: list[Route]) -> str:
    """Say what makes a model usable, shortly: a provider's key, or what docs/operations.md says of the others."""
    known = {route.provider: KINDS.get(route.provider) or route.gateway for route in routes}
    names = [name for name, kind in known.items() if kind]
    keyed = [name for name, kind in known.items() if kind and kind.needs_key]
    if not keyed:
        return f"set up {' or '.join(names) or 'another catalog'} (docs/operations.md)"
    first, *others = keyed
    return f"atelier providers set {first}" + (f" (or {', '.join(others)})" if others else "")
