"""Everything that can go wrong, split by what the caller does about it.

AtelierError
├── RequestError              tell the client; nothing was done
│   ├── InvalidRequestError         400, with the fields at fault
│   ├── UnauthenticatedError        401
│   ├── ForbiddenError              403
│   ├── NotFoundError               404
│   │   └── UnknownRouteError           the path itself
│   ├── MethodNotAllowedError       405, with the methods that are
│   ├── NotPossibleError            409, what it stands at does not allow it
│   ├── PaymentRequiredError        402, not enough credits
│   │   └── BudgetExceededError         the key's or user's budget does not allow it
│   ├── PayloadTooLargeError        413
│   ├── UnsupportedMediaTypeError   415, with the types that are read
│   ├── IdempotencyMismatchError    422, the idempotency key stands for another request
│   ├── GenerationFailedError       424, it was accepted, and made no picture
│   │   └── UnsafeContentError          400, because a provider holds it to be unsafe
│   ├── TooManyRequestsError        429, with the seconds to wait
│   ├── InternalError               500, a defect of ours
│   └── UnavailableError            503, nothing was accepted: try again
│       ├── AcceptanceUnknownError      it may have been accepted: look first, or repeat it by its Idempotency-Key
│       ├── UnreadableRecordError       not by this release: a newer one wrote the record
│       ├── ModelUnavailableError       not before the operator sets up a provider
│       └── ContendedError              too many write the same records
├── ConflictError             another writer moved the record first: read again or let it be
│   └── RefusedWritesError          of the writes of a transaction, these
├── UpstreamUnavailableError      a provider or a webhook's host takes no more just now: come back then
├── ProviderError
│   ├── ProviderRejectedError       this input is refused: final
│   ├── ProviderCredentialsError    our account there is refused, by key or credit: read the key again, once
│   ├── ProviderBusyError           the job was not taken: the same call may be made again
│   ├── OutcomeUnknownError         the job may have been taken: never call again blindly
│   └── ResultLostError             the paid result could not be stored: it is lost
├── FetchError                a URL given by a client or a provider could not be used
│   ├── FetchRefusedError           our rules forbid it (address, scheme, size): final
│   └── FetchFailedError            the other side did not answer well: may be tried again
├── InvalidImageError         the bytes are not a picture that we keep: final
├── InvalidSignatureError     a webhook is not from who it says, or too old
└── ConfigurationError        the operator must mend something
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_FIELD_ERRORS = 50
MAX_MESSAGE_LENGTH = 500
UNSAFE = "holds the prompt, or the picture made of it, to be unsafe"
"""The words of a generation's error if a provider refuses its content."""


class AtelierError(Exception):
    """Root of all errors that Atelier raises on purpose."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field at fault: where it is, what is wrong with it, and a code that a program can act on."""

    field: str
    message: str
    code: str


class RequestError(AtelierError):
    """The client's request cannot be served; its message says why and what to do.

    What it repeats of the request is cut short, so that no answer outgrows what Lambda may return.
    """

    status = 400

    def __init__(self, message: str, errors: Sequence[FieldError] = ()) -> None:
        self.message = _shortened(message)
        super().__init__(self.message)
        self.errors = tuple(
            FieldError(_shortened(error.field), _shortened(error.message), error.code)
            for error in errors[:MAX_FIELD_ERRORS]
        )


class InvalidRequestError(RequestError):
    """The request is malformed, or a field is missing, unknown or invalid."""

    status = 400


class UnauthenticatedError(RequestError):
    """No key, or a key that is not valid."""

    status = 401


class ForbiddenError(RequestError):
    """The caller is known, but may not do this."""

    status = 403


class NotFoundError(RequestError):
    """The route, model or generation does not exist, or is not the caller's."""

    status = 404


class UnknownRouteError(NotFoundError):
    """Nothing is at this path."""


class MethodNotAllowedError(RequestError):
    """The path has other methods: those `allowed`."""

    status = 405

    def __init__(self, message: str, allowed: Sequence[str]) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class NotPossibleError(RequestError):
    """The record's state does not allow this; the message says why."""

    status = 409


class PayloadTooLargeError(RequestError):
    """The body is larger than the contract allows."""

    status = 413


class UnsupportedMediaTypeError(RequestError):
    """The body is of a type that is not read here; those `accepted` are."""

    status = 415

    def __init__(self, message: str, accepted: Sequence[str]) -> None:
        super().__init__(message)
        self.accepted = tuple(accepted)


class PaymentRequiredError(RequestError):
    """The user has not enough credits for what is asked."""

    status = 402


class BudgetExceededError(PaymentRequiredError):
    """A budget of the key or its user does not allow the charge."""


class IdempotencyMismatchError(RequestError):
    """The idempotency key was used before, for another request."""

    status = 422


class GenerationFailedError(RequestError):
    """An accepted generation ended without a picture; sending the request again buys another one.

    No client repeats a request by itself after this status.
    """

    status = 424


class UnsafeContentError(GenerationFailedError):
    """An accepted generation was refused as unsafe: the prompt, its pictures, or the result."""

    status = 400


class InternalError(RequestError):
    """Something went wrong that the client cannot mend."""

    status = 500

    def __init__(self) -> None:
        super().__init__("Something went wrong here; try again, and tell the operator if it lasts.")


class TooManyRequestsError(RequestError):
    """A limit is used up; `retry_after` is in seconds, `quota` the limit a minute where there is one."""

    status = 429

    def __init__(self, message: str, *, retry_after: int, quota: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.quota = quota


class UnavailableError(RequestError):
    """The service cannot answer now; nothing was accepted, and the same request may be made again.

    The adapters raise it for any call that has no answer, of which some may have had their effect all the same: where
    that costs money, their callers look before they let it pass.
    """

    status = 503


class AcceptanceUnknownError(UnavailableError):
    """A generation may have been accepted, and charged: its write had no answer, and it cannot be looked for now.

    `repeatable` says that the same request, sent again, would be recognized.
    """

    def __init__(self, generation_id: str, *, repeatable: bool) -> None:
        next_step = (
            "Send the same request again: it is recognized, and charged once."
            if repeatable
            else f"Look for /generations/{generation_id} before you send the request again: another one is charged."
        )
        super().__init__(f"The generation {generation_id} may have been accepted. {next_step}")
        self.repeatable = repeatable


class UnreadableRecordError(UnavailableError):
    """A record is not as this release writes it, as after a rollback; nothing of it is changed."""

    def __init__(self, record_id: str) -> None:
        super().__init__(f"This release cannot read {record_id}, which a newer one may have written; try again later.")


class ModelUnavailableError(UnavailableError):
    """No provider of the model is set up; the same request fails until the operator sets one up."""


class ContendedError(UnavailableError):
    """Others wrote the same records at every try; nothing was written."""


class ConflictError(AtelierError):
    """The record was no longer in the state that the change started from."""


class RefusedWritesError(ConflictError):
    """A transaction was not made; `refused` holds the numbers of the writes whose conditions did not hold."""

    def __init__(self, refused: set[int]) -> None:
        super().__init__("the transaction's conditions do not hold")
        self.refused = refused


class UpstreamUnavailableError(AtelierError):
    """An upstream's slots are taken, or its breaker is open (`down`); `retry_at` is in milliseconds since the epoch."""

    def __init__(self, message: str, *, retry_at: int, down: bool = False) -> None:
        super().__init__(message)
        self.retry_at = retry_at
        self.down = down


class ProviderError(AtelierError):
    """A provider did not do what it was asked."""


class ProviderRejectedError(ProviderError):
    """The provider refuses this request for good; the message may be shown to the client."""


class ProviderCredentialsError(ProviderError):
    """The provider refuses this stack's account: its key, its credit, or its right to the model."""


class ProviderBusyError(ProviderError):
    """The provider did not take the job; the same call may be made again later.

    `retry_after` is in seconds, where the provider said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknownError(ProviderError):
    """The provider may have taken the job, and may charge for it; its answer was lost."""


class ResultLostError(ProviderError):
    """A provider's paid images were in hand, and could not be stored; an alarm counts these."""


class FetchError(AtelierError):
    """A URL on a client's or a provider's word could not be used."""


class FetchRefusedError(FetchError):
    """Our own rules forbid this URL or this answer."""


class FetchFailedError(FetchError):
    """The other side could not be reached or did not answer in time.

    `sent` tells whether the request may have reached it.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class InvalidImageError(AtelierError):
    """The bytes are not a picture of a kind and size that we keep."""


class InvalidSignatureError(AtelierError):
    """A webhook's signature, timestamp or headers are wrong."""


class ConfigurationError(AtelierError):
    """The stack is set up wrongly; the message names what to set."""


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE_LENGTH else text[: MAX_MESSAGE_LENGTH - 1] + "…"
