"""Finish: store the pictures of a generation and say that it succeeded."""

from collections.abc import Callable
from dataclasses import dataclass

from atelier.generation import Generation
from atelier.ports import Files, Generations
from atelier.providers import Image

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Stores under keys that hold the generation's unguessable token, so that a repeated run overwrites its own."""

    generations: Generations
    files: Files
    thumbnail: Callable[[bytes], Image]
    clock: Callable[[], int]

    def __call__(self, generation: Generation, images: tuple[Image, ...]) -> None:
        """Store what an uploading generation made; raises ConflictError where another run finished it first."""
        folder = f"outputs/{generation.id}/{generation.file_token}"
        keys = []
        for number, image in enumerate(images):
            key = f"{folder}/{number}.{EXTENSIONS[image.content_type]}"
            self.files.put(key, image.content, image.content_type)
            keys.append(key)
        small = self.thumbnail(images[0].content)
        thumbnail_key = f"{folder}/thumbnail.{EXTENSIONS[small.content_type]}"
        self.files.put(thumbnail_key, small.content, small.content_type)
        self.generations.advance(generation, generation.succeeded(tuple(keys), thumbnail_key, self.clock()))
