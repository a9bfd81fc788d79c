"""Providers: who makes the pictures. One module each, behind one small Protocol.

To add one: a module here, a line in registry.py, its models in catalog.toml, and a test module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a provider is asked for: its own model name, the client's input, where to call back, and its key."""

    model: str
    input: Mapping[str, Any]
    callback_url: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as bytes, with its media type."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider took the job and calls back."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Running:
    """The job is not done yet."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The pictures themselves."""

    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """Where the pictures wait to be downloaded."""

    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider could not do it; the message is for the client."""

    message: str


Outcome = Submitted | Running | Finished | Located | Failed


class Provider(Protocol):
    """One provider. Methods raise the ProviderError that says what the caller may do next."""

    name: str
    needs_key: bool
    charges: bool
    """Whether a call may cost money, and so must not be repeated blindly."""

    def submit(self, job: Job) -> Outcome:
        """Ask for the pictures; never anything but one call that costs."""
        ...

    def fetch(self, job_id: str, job: Job) -> Outcome:
        """Ask what became of a job; may be repeated."""
        ...

    @staticmethod
    def callback_job_id(body: str) -> str | None:
        """Read the job's id out of a callback's body, where it has one."""
        ...
