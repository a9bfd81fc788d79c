"""Inputs: a client's pictures, fetched and checked once, before any provider is asked."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from atelier.clock import MINUTE
from atelier.errors import (
    FetchError,
    FetchFailedError,
    FetchRefusedError,
    InvalidImageError,
    InvalidRequestError,
    NotFoundError,
)
from atelier.generations.complete import store
from atelier.generations.model import Generation, StoredFile
from atelier.generations.ports import Generations
from atelier.images.download import Download
from atelier.images.file_urls import FIELD, MASK, FileUrls, file_url
from atelier.images.image import EncodedImage, parse_data_url
from atelier.images.ports import Files, ReadMask, Sanitise
from atelier.images.uploads import incoming
from atelier.providers.provider import InputImage, InputImages

SECONDS = 30.0
"""For all of a generation's pictures together."""
MAX_BYTES = 20 * 1024 * 1024
PATIENCE = 2 * MINUTE
"""A picture that cannot be fetched for so long after the generation was accepted is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInputs:
    """A client's pictures once they are prepared."""

    files: Files
    base_url: str

    def __call__(self, generation: Generation) -> InputImages:
        """Read them."""
        images = tuple(
            InputImage(self.files.get(file.key), file.content_type, file_url(file.key, self.base_url))
            for file in generation.inputs
        )
        return InputImages(images[:-1], images[-1]) if images and generation.payload.get(MASK) else InputImages(images)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareInputs:
    """Stores them where providers can fetch them, under keys that hold the generation's unguessable token."""

    generations: Generations
    files: Files
    download: Download
    sanitise: Sanitise
    read_mask: ReadMask
    base_url: str
    clock: Callable[[], int]

    def __call__(self, generation: Generation) -> Generation:
        """Return a pending generation, which now knows its client's pictures; a mask is the last of them.

        InvalidRequestError where one cannot be used, FetchFailedError where it may be tried again.
        """
        deadline = self.download.deadline(SECONDS)
        folder = f"inputs/{generation.id}/{generation.file_token}"
        found: list[StoredFile] = []
        for number, (name, url) in enumerate(_pictures(generation.payload).items()):
            write = partial(self.read_mask, size=(found[0].width, found[0].height)) if name == MASK else self.sanitise
            image = self._image(generation, name, url, deadline, write)
            found.append(store(self.files, f"{folder}/{number}", image))
        return self.generations.advance(generation, generation.prepared(tuple(found)))

    def _image(
        self, generation: Generation, name: str, url: str, deadline: float, write: Callable[[bytes], EncodedImage]
    ) -> EncodedImage:
        """Fetch a picture and write it anew."""
        try:
            if url.startswith("data:"):
                return write(parse_data_url(url, max_bytes=MAX_BYTES))
            if key := FileUrls(self.base_url).key(url):
                return write(self._stored(key))
            return write(self.download(url, deadline=deadline, max_bytes=MAX_BYTES))
        except FetchFailedError as exc:
            if self.clock() < min(generation.created_at + PATIENCE, generation.pending_until):
                raise
            raise _unusable(name, exc) from exc
        except (FetchRefusedError, InvalidImageError) as exc:
            raise _unusable(name, exc) from exc

    def _stored(self, key: str) -> bytes:
        for place in (key, incoming(key)):
            with suppress(NotFoundError):
                return self.files.get(place)
        raise FetchRefusedError("There is no such file here; it may have expired.")


def _pictures(payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the URLs of a client's pictures by their place in its input."""
    urls = {f"{FIELD}.{number}": url for number, url in enumerate(payload.get(FIELD) or ())}
    return urls | ({MASK: payload[MASK]} if urls and payload.get(MASK) else {})


def _unusable(name: str, reason: FetchError | InvalidImageError) -> InvalidRequestError:
    return InvalidRequestError(f"The picture at {name} cannot be used: {reason}")
