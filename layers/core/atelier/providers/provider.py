"""Providers: who makes the pictures. One module each, behind one small Protocol.

To add one: a module here, a line in registry.py, its models in catalog.toml, and a test module
(docs/adding-a-provider.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from atelier.images.image import EncodedImage

TEXT_TO_IMAGE, EDIT_IMAGE = GENERATING = ("text-to-image", "edit-image")
"""Tools that make a new picture, the second from given ones; each further tool works on a given picture."""
DEFAULT_LIFETIME = 3_600
"""For how many seconds a provider's result can be fetched, as far as is known: few keep one for less than an hour."""


@dataclass(frozen=True, slots=True)
class ProviderImage:
    """A picture as bytes, with its media type."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class InputImage:
    """A client's picture that was fetched and checked: its bytes, its media type, and where a provider can fetch it."""

    content: bytes
    content_type: str
    url: str


@dataclass(frozen=True, slots=True)
class InputImages:
    """A client's pictures, and the mask of the first: as large as that, and white where it is to be changed."""

    pictures: tuple[InputImage, ...] = ()
    mask: InputImage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request for images, as a provider gets it.

    `model` is the provider's own name for it, `input` is in the provider's own words (the catalog maps them), `images`
    are the client's, and `mask` says where the first of them is to be changed, `callback_url` is where the provider may
    tell us, `key` is ours there, `tool` is the slug of the kind of task. `id` is our own, 32 hex digits, the same at
    each try.
    """

    model: str
    input: Mapping[str, Any]
    callback_url: str
    key: str | None
    images: tuple[InputImage, ...] = ()
    mask: InputImage | None = None
    tool: str = TEXT_TO_IMAGE
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRef:
    """A job that a provider took, named so that the provider can be asked about it.

    `id` is the provider's own, `model` and `tool` are those of the Job, `input` is the client's, `key` is ours there,
    and `read_inputs` reads the client's pictures again.
    """

    id: str
    model: str
    input: Mapping[str, Any]
    key: str | None
    tool: str = TEXT_TO_IMAGE
    read_inputs: Callable[[], InputImages] = field(default=InputImages, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider took the job; it calls back, or can be asked. `cost`: see Images."""

    job_id: str
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """The job is not done yet."""


@dataclass(frozen=True, slots=True)
class Images:
    """The pictures themselves, as the provider sent them.

    `cost` is what it says that it charges for all of them, in millionths of a US dollar, None where it does not say.
    """

    images: tuple[ProviderImage, ...]
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """Pictures that this very stack drew, which are stored as they are, and notes about them for the client."""

    pictures: tuple[EncodedImage, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageUrls:
    """Where the pictures wait to be downloaded, and for how many seconds from now on, where the provider says so.

    `cost`: see Images.
    """

    urls: tuple[str, ...]
    lifetime: int | None = None
    cost: int | None = None

    def until(self, now: int) -> int:
        """Return when they are gone; all times are milliseconds since the Unix epoch."""
        return now + (DEFAULT_LIFETIME if self.lifetime is None else self.lifetime) * 1_000


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider could not do it; the message is for the client. `cost`: see Images."""

    message: str
    cost: int | None = None


Outcome = Submitted | Running | Images | Rendered | ImageUrls | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRequest:
    """A request to a callback URL: headers by lower-case name, the raw body, and its time (seconds, epoch)."""

    headers: Mapping[str, str]
    body: bytes
    received_at: int


class Provider(Protocol):
    """One provider. Methods raise the ProviderError that says what the caller may do next:

    ProviderRejectedError     the client's fault: final, and no other provider is asked
    ProviderCredentialsError  our account is refused: its key, its credit, or its right to the model
    ProviderBusyError         it passes (429, 5xx, no connection): this or another provider may be asked
    OutcomeUnknownError       the job may have been taken: nobody is asked again
    """

    name: str
    needs_key: bool
    """Whether it can be used only with a key."""
    takes_key: bool
    """Whether it is given one where the operator has set it."""
    needs_address: bool
    """Whether it can be used only at an address that the operator has given: it is self-hosted."""
    needs_listing: bool
    """Whether it serves only the models whose ARNs the operator has listed."""
    charges: bool
    """Whether a call may cost money, and so must not be repeated blindly."""
    asynchronous: bool
    """Whether it is an AsynchronousProvider."""
    cancels: bool
    """Whether a job can be stopped."""
    inputs: frozenset[str]
    """Names of the inputs that it takes; the catalog's mappings are checked against them."""

    def submit(self, job: Job) -> Outcome:
        """Ask for the pictures; never anything but one call that costs."""
        ...

    def check(self, key: str | None) -> None:
        """Make a call that costs nothing, to learn whether the provider can be reached and takes the key.

        ProviderCredentialsError, ProviderBusyError or ProviderRejectedError say why it cannot be used. A provider that
        takes no key makes no call.
        """
        ...


class AsynchronousProvider(Provider, Protocol):
    """A provider whose jobs go on after submit(): it can be asked for them, and most call back."""

    polled: bool
    """Whether a job is asked about every few seconds, since its end may not be told."""

    def fetch(self, job: JobRef) -> Outcome:
        """Ask what became of a job; may be repeated."""
        ...

    def cancel(self, job: JobRef) -> None:
        """Ask for a job to be stopped; repeating it, or coming too late, is no error."""
        ...

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Check that a callback is the provider's, as far as it can be, and read the job's id where it has one.

        `key` reads ours there, which takes a call that most don't need. InvalidSignatureError where it is not;
        ProviderBusyError where that cannot be told just now.
        """
        ...
