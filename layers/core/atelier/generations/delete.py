"""Delete a finished generation."""

from dataclasses import dataclass

from atelier.errors import NotPossibleError
from atelier.generations.ports import Eraser, Generations
from atelier.images.ports import StoredFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Deletes whatever is kept of a finished generation: files first, so that what was interrupted can be repeated."""

    generations: Generations
    eraser: Eraser
    files: StoredFiles

    def __call__(self, generation_id: str) -> None:
        """Delete it; NotPossibleError where it is not finished."""
        generation = self.generations.get(generation_id)
        if not generation.status.final:
            raise NotPossibleError(f"The generation is {generation.status}; it can be deleted once it is finished.")
        for folder in ("inputs", "outputs", "answers"):
            self.files.delete_all(f"{folder}/{generation.id}/")
        self.eraser.erase(generation.id)
