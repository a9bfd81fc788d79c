"""Callback: a reason to ask the provider, and no more."""

import pytest

from atelier.errors import NotFoundError
from atelier.generation import Generation, Status
from atelier.steps.callback import Callback
from tests.unit.fakes import InMemoryGenerations, InMemoryQueue, ScriptedProvider, a_generation

PROCESSING = a_generation(status=Status.PROCESSING, provider="studio", committed=True, version=1)
TOKEN = PROCESSING.callback_token


class Room:
    """The step and its fakes."""

    def __init__(self, generation: Generation = PROCESSING) -> None:
        self.generations = InMemoryGenerations()
        self.generations.add(generation)
        self.queue = InMemoryQueue()
        readers = {"studio": ScriptedProvider.callback_job_id}
        self.step = Callback(generations=self.generations, queue=self.queue, readers=readers)

    @property
    def generation(self) -> Generation:
        return self.generations.table.generations[PROCESSING.id]


def test_the_right_token_records_the_job_and_has_it_fetched() -> None:
    room = Room()
    assert room.step("studio", PROCESSING.id, TOKEN, "job-1").job_id == "job-1"
    assert room.generation.job_id == "job-1"
    assert room.queue.sent == [(PROCESSING.id, 0)]


def test_a_callback_changes_no_status_and_lets_no_other_writer_lose() -> None:
    room = Room()
    room.step("studio", PROCESSING.id, TOKEN, "job-1")
    assert (room.generation.status, room.generation.version) == (PROCESSING.status, PROCESSING.version)


def test_a_callback_without_an_id_is_still_a_reason_to_ask() -> None:
    room = Room()
    room.step("studio", PROCESSING.id, TOKEN, "")
    assert room.generation.job_id is None
    assert room.queue.sent == [(PROCESSING.id, 0)]


@pytest.mark.parametrize(
    ("provider", "generation_id", "token"),
    [
        ("studio", PROCESSING.id, "wrong"),
        ("studio", PROCESSING.id, ""),
        ("nobody", PROCESSING.id, TOKEN),
        ("studio", "f" * 32, TOKEN),
        ("studio", "", TOKEN),
        ("studio", PROCESSING.id.upper() + "A", TOKEN),
        ("studio", PROCESSING.id + "\n", TOKEN),
        ("studio", "../" + PROCESSING.id, TOKEN),
        ("studio", "é" * 32, TOKEN),
    ],
)
def test_what_is_wrong_is_not_found_and_does_nothing(provider: str, generation_id: str, token: str) -> None:
    room = Room()
    with pytest.raises(NotFoundError):
        room.step(provider, generation_id, token, "job-1")
    assert (room.generation, room.queue.sent) == (PROCESSING, [])


@pytest.mark.parametrize(
    ("provider", "generation_id"),
    [("nobody", PROCESSING.id), ("studio", "A" * 32), ("studio", PROCESSING.id + "\n"), ("studio", "")],
)
def test_what_cannot_be_right_costs_no_read(provider: str, generation_id: str) -> None:
    room = Room()
    with pytest.raises(NotFoundError):
        room.step(provider, generation_id, TOKEN, "job-1")
    assert room.generations.reads == 0


def test_five_times_the_same_callback_is_one_job() -> None:
    room = Room()
    for _ in range(5):
        room.step("studio", PROCESSING.id, TOKEN, "job-1")
    assert room.generation.job_id == "job-1"
    assert room.queue.sent == [(PROCESSING.id, 0)] * 5


def test_a_later_callback_does_not_change_the_job() -> None:
    room = Room()
    room.step("studio", PROCESSING.id, TOKEN, "job-1")
    assert room.step("studio", PROCESSING.id, TOKEN, "job-2").job_id == "job-1"


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.ERROR])
def test_a_final_generation_is_not_asked_for_again(status: Status) -> None:
    room = Room(a_generation(status=status, job_id="job-1"))
    assert room.step("studio", PROCESSING.id, TOKEN, "job-1").status is status
    assert room.queue.sent == []
    assert room.generations.table.finished == []
