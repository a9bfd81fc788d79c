"""Everything that the client raises.

AtelierError
├── ApiError                  the API refused the request: `status`, `errors`
│   └── UnavailableError      no usable answer after all retries; the same request may succeed later
├── GenerationFailedError     the generation ended without a picture: `generation`
├── WaitTimeoutError          the generation has not ended yet: `generation`
└── WebhookVerificationError  the request is not a webhook of this user, or it is too old
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atelier_client.models import FieldError, Generation


class AtelierError(Exception):
    """Root of all errors that this package raises."""


class ApiError(AtelierError):
    """The API refused the request.

    `status` is the HTTP status, None where no answer came. `errors` names the fields at fault. `idempotency_key` is the
    key under which a generation was requested: repeat the call with it, and at most one generation is made and charged.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        errors: Sequence[FieldError] = (),
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.errors = tuple(errors)
        self.idempotency_key = idempotency_key


class UnavailableError(ApiError):
    """The API gave no usable answer, however often it was asked; the same request may succeed later."""


class GenerationFailedError(AtelierError):
    """The generation ended without a picture; its credits were returned."""

    def __init__(self, generation: Generation) -> None:
        super().__init__(f"The generation {generation.id} failed: {generation.error or generation.status}")
        self.generation = generation


class WaitTimeoutError(AtelierError):
    """The generation has not ended within the time given; it goes on, and `wait` may be called again."""

    def __init__(self, generation: Generation, seconds: float) -> None:
        super().__init__(f"The generation {generation.id} has not ended after {seconds:g} s: {generation.status}")
        self.generation = generation


class WebhookVerificationError(AtelierError):
    """The request is not a webhook signed with this secret, or it is too old."""
