"""Finish: store the pictures of a generation and say that it succeeded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from atelier.errors import FetchRefusedError, InvalidImageError
from atelier.generations.model import Generation, StoredFile
from atelier.generations.ports import Generations
from atelier.images.image import EncodedImage
from atelier.images.ports import Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """Stores under keys that hold the generation's unguessable token, so that a repeated run overwrites its own."""

    generations: Generations
    files: Files
    thumbnail: Callable[[bytes], EncodedImage]
    clock: Callable[[], int]

    def __call__(
        self, generation: Generation, pictures: Iterable[EncodedImage], notes: tuple[str, ...] = ()
    ) -> Generation:
        """Store what an uploading generation made, one picture at a time, so that no two are held in memory.

        Returns it finished; a picture that cannot be used (FetchRefusedError or InvalidImageError) fails it. Raises
        ConflictError where another run finished it first.
        """
        try:
            outputs, thumbnail = self._store(generation, pictures)
        except (FetchRefusedError, InvalidImageError) as exc:
            return self._fail(generation, f"The provider's result cannot be used: {exc}")
        if thumbnail is None:
            return self._fail(generation, "The provider finished without a picture.")
        return self.generations.advance(generation, generation.succeeded(outputs, thumbnail, self.clock(), notes))

    def _store(
        self, generation: Generation, pictures: Iterable[EncodedImage]
    ) -> tuple[tuple[StoredFile, ...], str | None]:
        folder = f"outputs/{generation.id}/{generation.file_token}"
        outputs, thumbnail = [], None
        for number, picture in enumerate(pictures):
            outputs.append(store(self.files, f"{folder}/{number}", picture))
            if thumbnail is None:
                thumbnail = store(self.files, f"{folder}/thumbnail", self.thumbnail(picture.content)).key
        return tuple(outputs), thumbnail

    def _fail(self, generation: Generation, message: str) -> Generation:
        return self.generations.advance(generation, generation.failed(message, self.clock()))


def store(files: Files, name: str, picture: EncodedImage) -> StoredFile:
    """Store a picture under `name` with the extension of its kind."""
    key = f"{name}.{picture.extension}"
    files.put(key, picture.content, picture.content_type)
    return StoredFile(key, picture.content_type, len(picture.content), picture.sha256, picture.width, picture.height)
