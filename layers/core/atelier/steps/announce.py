"""Announce: tell the topic that a generation finished."""

from dataclasses import dataclass

from atelier.document import announce
from atelier.generation import Generation
from atelier.ports import Generations, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Publishes the same document as a webhook holds, and attributes to filter on."""

    generations: Generations
    topic: Topic
    base_url: str

    def __call__(self, generation: Generation) -> None:
        """Publish a finished generation, then take it off the agenda.

        At least once: a run that dies between the two is repeated, and subscribers know the message by its id.
        """
        self.topic.publish(
            announce(generation, self.base_url),
            {
                "status": generation.status.value,
                "model": generation.model,
                "type": generation.type,
                "user_id": generation.user_id,
                "webhook": "true" if generation.webhook else "false",
            },
        )
        self.generations.advance(generation, generation.announced())
