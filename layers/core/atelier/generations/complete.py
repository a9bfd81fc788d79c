"""Finish: store the pictures of a generation and say that it succeeded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from atelier.errors import ConflictError, FetchRefusedError, InvalidImageError
from atelier.generations.model import Generation, Status, StoredFile
from atelier.generations.ports import Generations
from atelier.images.image import EncodedImage
from atelier.images.output import output_of
from atelier.images.ports import Convert, Files, Sanitise


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """Stores under keys that hold the generation's unguessable token, so that a repeated run overwrites its own."""

    generations: Generations
    files: Files
    sanitise: Sanitise
    convert: Convert
    thumbnail: Callable[[bytes], EncodedImage]
    clock: Callable[[], int]

    def __call__(
        self,
        generation: Generation,
        pictures: Iterable[bytes | EncodedImage],
        notes: tuple[str, ...] = (),
        *,
        sources: tuple[str, ...] = (),
        until: int | None = None,
        cost: int | None = None,
    ) -> Generation:
        """Store what a generation made, one picture at a time, so that no two are held in memory; return it finished.

        Bytes come from outside (from `sources`, which last `until` then) and are written anew; one that cannot be used
        (FetchRefusedError or InvalidImageError) fails it. `cost` is what the provider has just said that it charges.
        That a processing one is uploading now is written where its webhook wants to hear of it, else with its end.
        Raises ConflictError where another run finished it first.
        """
        begun = self.clock()

        def uploading(now: Generation) -> Generation:
            now = now.charged(cost)
            return now if now.status is Status.UPLOADING else now.uploading(begun, sources, until)

        if generation.status is Status.PROCESSING and generation.is_told(Status.UPLOADING):
            generation = self.generations.advance(generation, uploading(generation))
        try:
            outputs, thumbnail, said = self._store(generation, pictures)
        except (FetchRefusedError, InvalidImageError) as exc:
            message = f"The provider's result cannot be used: {exc}"
            return self._end(generation, lambda now: uploading(now).failed(message, self.clock()))
        if thumbnail is None:
            message = "The provider finished without a picture."
            return self._end(generation, lambda now: uploading(now).failed(message, self.clock()))
        return self._end(
            generation, lambda now: uploading(now).succeeded(outputs, thumbnail, self.clock(), notes + said)
        )

    def _store(
        self, generation: Generation, pictures: Iterable[bytes | EncodedImage]
    ) -> tuple[tuple[StoredFile, ...], str | None, tuple[str, ...]]:
        """Store pictures as their client wants them; return them, a thumbnail's key, and notes about how that went."""
        folder, wanted = f"outputs/{generation.id}/{generation.file_token}", output_of(generation.payload)
        outputs, thumbnail = [], None
        notes: dict[str, None] = {}
        for number, picture in enumerate(pictures):
            image = picture
            if isinstance(image, bytes):
                image = self.sanitise(image, with_thumbnail=not number)
            if wanted:
                image, said = self.convert(image, wanted)
                notes |= dict.fromkeys(said)
            outputs.append(store(self.files, f"{folder}/{number}", image))
            if thumbnail is None:
                small = image.thumbnail or self.thumbnail(image.content)
                thumbnail = store(self.files, f"{folder}/thumbnail", small).key
        return tuple(outputs), thumbnail, tuple(notes)

    def _end(self, generation: Generation, finish: Callable[[Generation], Generation]) -> Generation:
        """Write its end; once more where it was only rescheduled, or its job's id was saved, meanwhile."""
        try:
            return self.generations.advance(generation, _next(generation, finish))
        except ConflictError:
            fresh = self.generations.get(generation.id)
            if not generation.goes_on(fresh):
                raise
            return self.generations.advance(fresh, _next(fresh, finish))


def _next(generation: Generation, finish: Callable[[Generation], Generation]) -> Generation:
    """Make one change of what may be two."""
    return replace(finish(generation), version=generation.version + 1)


def store(files: Files, name: str, picture: EncodedImage) -> StoredFile:
    """Store a picture under `name` with the extension of its kind."""
    key = f"{name}.{picture.extension}"
    files.put(key, picture.content, picture.content_type)
    return StoredFile(key, picture.content_type, len(picture.content), picture.sha256, picture.width, picture.height)
