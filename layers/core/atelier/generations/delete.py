"""Delete a finished generation."""

from dataclasses import dataclass

from atelier.errors import NotPossibleError, UnreadableRecordError
from atelier.generations.model import Status
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
        status = self._status(generation_id)
        if not status.final:
            raise NotPossibleError(f"The generation is {status}; it can be deleted once it is finished.")
        for folder in ("inputs", "outputs", "answers"):
            self.files.delete_all(f"{folder}/{generation_id}/")
        self.eraser.erase(generation_id)

    def _status(self, generation_id: str) -> Status:
        try:
            return self.generations.get(generation_id).status
        except UnreadableRecordError:
            return self.generations.status(generation_id)
