"""Callback: a provider says that a job has news."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from atelier.errors import (
    InvalidSignatureError,
    NotFoundError,
    ProviderBusyError,
    UnauthenticatedError,
    UnavailableError,
)
from atelier.generations.model import ID_PATTERN, Generation
from atelier.generations.ports import Generations, Queue
from atelier.providers.ports import ProviderKeys
from atelier.providers.provider import AsynchronousProvider, CallbackRequest

_UNKNOWN = "There is no such callback."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCallback:
    """Takes a callback, once its provider's signature is verified, for no more than a reason to ask."""

    generations: Generations
    queue: Queue
    providers: Mapping[str, AsynchronousProvider]
    keys: Callable[[], ProviderKeys]
    """Made only where a provider needs ours to verify its own."""

    def __call__(self, provider: str, generation_id: str, token: str, request: CallbackRequest) -> Generation:
        """Record the job's id where it is news, and have the job fetched; returns the generation.

        NotFoundError where the generation or the token is wrong, or the provider never had the generation;
        UnauthenticatedError where the signature is wrong, UnavailableError where that cannot be told just now. The
        token comes first: without it, a caller causes no request to the provider for its keys.
        """
        if provider not in self.providers or not ID_PATTERN.fullmatch(generation_id):
            raise NotFoundError(_UNKNOWN)
        known = self.generations.get(generation_id)
        asked = {known.provider, *(attempt.provider for attempt in known.attempts)}
        if provider not in asked or not hmac.compare_digest(token.encode(), known.callback_token.encode()):
            raise NotFoundError(_UNKNOWN)
        job_id = self._read(self.providers[provider], request)
        generation = known
        if job_id is not None and known.job_id is None:
            generation = self.generations.record_job(generation_id, provider=provider, job_id=job_id)
        if generation.provider == provider and not generation.status.final:
            self.queue.send(generation_id, known=generation)
        return generation

    def _read(self, provider: AsynchronousProvider, request: CallbackRequest) -> str | None:
        try:
            return provider.read_callback(request, lambda: self.keys().get(provider.name))
        except InvalidSignatureError as exc:
            raise UnauthenticatedError(f"The callback is not signed as {provider.name} signs.") from exc
        except ProviderBusyError as exc:
            raise UnavailableError("The signature cannot be verified just now; send it again.") from exc
