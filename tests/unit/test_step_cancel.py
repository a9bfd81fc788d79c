"""Cancel: what its client gave up, at each point of its way."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from atelier.errors import ConflictError, NotFoundError, NotPossibleError
from atelier.generations.cancel import Cancel
from atelier.generations.model import Generation, Status
from atelier.outbound.circuit_breaker import Release
from atelier.providers.artificial_studio import ArtificialStudio
from atelier.providers.openai import OpenAI
from atelier.providers.provider import Provider
from atelier.providers.replicate import Replicate
from tests.unit.fakes import NOW, Clock, InMemoryGenerations, InMemoryQueue, a_generation

KINDS: Mapping[str, type[Provider]] = {"replicate": Replicate, "openai": OpenAI, "artificial-studio": ArtificialStudio}
RUNNING = a_generation(status=Status.PROCESSING, provider="replicate", committed=True, job_id="job-1", version=2)


class Room:
    """The step and its fakes."""

    def __init__(
        self, before: Generation, *, queue: InMemoryQueue | None = None, store: InMemoryGenerations | None = None
    ) -> None:
        self.before = before
        self.generations = store or InMemoryGenerations()
        self.generations.add(before)
        self.queue = queue or InMemoryQueue()
        self.step = Cancel(generations=self.generations, ingest_queue=self.queue, kinds=KINDS, clock=Clock())

    def run(self) -> Generation:
        return self.step(self.before.id)

    @property
    def generation(self) -> Generation:
        return self.generations.table.generations[self.before.id]


def test_what_nobody_has_ends_at_once_and_is_refunded() -> None:
    room = Room(a_generation(cost=4))
    ended = room.run()
    assert ended == room.generation
    assert (ended.status, ended.error, ended.refunded) == (Status.ERROR, "cancelled", True)
    assert room.queue.sent == []


def test_a_providers_job_is_marked_and_stopped_by_ingest() -> None:
    room = Room(RUNNING)
    marked = room.run()
    assert (marked.status, marked.cancelled_at, marked.due_at) == (Status.PROCESSING, NOW, NOW)
    assert room.queue.sent == [(RUNNING.id, 0)]


def test_it_may_be_repeated() -> None:
    room = Room(RUNNING)
    first = room.run()
    assert room.run() == first
    pending = Room(a_generation())
    first = pending.run()
    assert pending.run() == first
    assert len(pending.generations.table.finished) == 1


def test_a_lost_message_is_left_to_reconcile() -> None:
    room = Room(RUNNING, queue=InMemoryQueue(broken=True))
    assert room.run().due_at == NOW


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"provider": "openai"}, "openai cannot stop"),
        ({"provider": "gone"}, "gone cannot stop"),
        ({"job_id": None}, "try again in a moment"),
        ({"status": Status.UPLOADING}, "being stored"),
        ({"status": Status.SUCCESS}, "success"),
        ({"status": Status.ERROR, "error": "no cats"}, "error"),
    ],
)
def test_what_cannot_be_stopped_goes_on_and_the_answer_says_why(changes: dict[str, Any], reason: str) -> None:
    room = Room(replace(RUNNING, **changes))
    with pytest.raises(NotPossibleError, match=reason):
        room.run()
    assert (room.generation, room.queue.sent) == (room.before, [])


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        Room(RUNNING).step("0" * 32)


class Overtaken(InMemoryGenerations):
    """Another worker is always faster."""

    def advance(self, before: Generation, after: Generation, release: Release | None = None) -> Generation:
        raise ConflictError("too late")


@pytest.mark.parametrize("before", [a_generation(), RUNNING])
def test_who_was_overtaken_is_told_to_look_again(before: Generation) -> None:
    with pytest.raises(NotPossibleError, match="moved on"):
        Room(before, store=Overtaken()).run()
