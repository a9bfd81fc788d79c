"""Callback: a reason to ask the provider, and no more."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from atelier.errors import (
    InvalidSignatureError,
    NotFoundError,
    ProviderBusyError,
    UnauthenticatedError,
    UnavailableError,
)
from atelier.generations.model import Generation, ProviderAttempt, Status
from atelier.generations.provider_callback import ProviderCallback
from atelier.providers.provider import CallbackRequest
from tests.cases import each
from tests.unit.fakes import (
    InMemoryGenerations,
    InMemoryProviderKeys,
    InMemoryQueue,
    ScriptedProvider,
    a_generation,
)

PROCESSING = a_generation(status=Status.PROCESSING, provider="studio", committed=True, version=1)
TOKEN = PROCESSING.callback_token


def called(job_id: str = "job-1") -> CallbackRequest:
    """Make a callback whose body is the job's id."""
    return CallbackRequest(headers={}, body=job_id.encode(), received_at=1)


class Signed(ScriptedProvider):
    """A provider whose callbacks are not what they should be, or needs our key to tell."""

    def __init__(self, trouble: Exception | None = None) -> None:
        super().__init__("studio")
        self.trouble = trouble
        self.seen: list[str | None] = []

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        if self.trouble:
            raise self.trouble
        self.seen.append(key())
        return "job-1"


class Room:
    """The step and its fakes."""

    def __init__(self, generation: Generation = PROCESSING, provider: ScriptedProvider | None = None) -> None:
        self.generations = InMemoryGenerations()
        self.generations.add(generation)
        self.queue = InMemoryQueue()
        self.keys_made = 0
        providers = {name: provider or ScriptedProvider(name) for name in ("studio", "other")}
        self.step = ProviderCallback(
            generations=self.generations, queue=self.queue, providers=providers, keys=self.keys
        )

    def keys(self) -> InMemoryProviderKeys:
        self.keys_made += 1
        return InMemoryProviderKeys({"studio": "the key"})

    @property
    def generation(self) -> Generation:
        return self.generations.table.generations[PROCESSING.id]


def test_the_right_token_records_the_job_and_has_it_fetched() -> None:
    room = Room()
    assert room.step("studio", PROCESSING.id, TOKEN, called()).job_id == "job-1"
    assert room.generation.job_id == "job-1"
    assert room.queue.sent == [(PROCESSING.id, 0)]


def test_a_callback_changes_no_status_and_fails_no_other_writer() -> None:
    room = Room()
    room.step("studio", PROCESSING.id, TOKEN, called())
    assert (room.generation.status, room.generation.version) == (PROCESSING.status, PROCESSING.version)


def test_a_callback_without_an_id_is_still_a_reason_to_ask() -> None:
    room = Room()
    room.step("studio", PROCESSING.id, TOKEN, called(""))
    assert room.generation.job_id is None
    assert room.queue.sent == [(PROCESSING.id, 0)]


@each(
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
        room.step(provider, generation_id, token, called())
    assert (room.generation, room.queue.sent) == (PROCESSING, [])


@pytest.mark.parametrize(
    ("provider", "generation_id"),
    [("nobody", PROCESSING.id), ("studio", "A" * 32), ("studio", PROCESSING.id + "\n"), ("studio", "")],
)
def test_what_cannot_be_right_costs_no_read(provider: str, generation_id: str) -> None:
    room = Room()
    with pytest.raises(NotFoundError):
        room.step(provider, generation_id, TOKEN, called())
    assert room.generations.reads == 0


def test_five_times_the_same_callback_is_one_job() -> None:
    room = Room()
    for _ in range(5):
        room.step("studio", PROCESSING.id, TOKEN, called())
    assert room.generation.job_id == "job-1"
    assert room.queue.sent == [(PROCESSING.id, 0)] * 5


def test_a_later_callback_does_not_change_the_job() -> None:
    room = Room()
    room.step("studio", PROCESSING.id, TOKEN, called())
    assert room.step("studio", PROCESSING.id, TOKEN, called("job-2")).job_id == "job-1"


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.ERROR])
def test_a_final_generation_is_not_asked_for_again(status: Status) -> None:
    room = Room(a_generation(status=status, job_id="job-1", provider="studio"))
    assert room.step("studio", PROCESSING.id, TOKEN, called()).status is status
    assert room.queue.sent == []
    assert room.generations.table.finished == []


def test_a_provider_that_was_never_asked_is_refused() -> None:
    room = Room()
    with pytest.raises(NotFoundError):
        room.step("other", PROCESSING.id, TOKEN, called("a job of its own"))
    assert (room.generation, room.queue.sent) == (PROCESSING, [])


def test_a_provider_whose_turn_is_over_names_no_job() -> None:
    passed_on = replace(PROCESSING, attempts=(ProviderAttempt("other", "m", 1, 2, "busy"),))
    room = Room(passed_on)
    room.step("other", PROCESSING.id, TOKEN, called("a job of its own"))
    assert (room.generation, room.queue.sent) == (passed_on, [])


# ---- Signatures


@pytest.mark.parametrize(
    ("trouble", "status"), [(InvalidSignatureError("no"), 401), (ProviderBusyError("its keys are out of reach"), 503)]
)
def test_a_callback_not_signed_by_the_provider_changes_nothing(trouble: Exception, status: int) -> None:
    room = Room(provider=Signed(trouble))
    with pytest.raises((UnauthenticatedError, UnavailableError)) as raised:
        room.step("studio", PROCESSING.id, TOKEN, called())
    assert raised.value.status == status
    assert (room.generation, room.queue.sent) == (PROCESSING, [])


@pytest.mark.parametrize(("provider", "token"), [("studio", "wrong"), ("studio", "\u00e9"), ("other", TOKEN)])
def test_a_forged_callback_reaches_no_key_endpoint(provider: str, token: str) -> None:
    signed = Signed(ProviderBusyError("its keys are out of reach"))
    room = Room(provider=signed)
    with pytest.raises(NotFoundError):
        room.step(provider, PROCESSING.id, token, called())
    assert (signed.seen, room.keys_made) == ([], 0)


def test_our_key_is_read_only_for_a_provider_that_needs_it() -> None:
    signed, unsigned = Room(provider=Signed()), Room()
    for room in (signed, unsigned):
        room.step("studio", PROCESSING.id, TOKEN, called())
    assert (signed.keys_made, unsigned.keys_made) == (1, 0)
    provider = signed.step.providers["studio"]
    assert isinstance(provider, Signed)
    assert provider.seen == ["the key"]
