"""Dispatch: who is called, and what becomes of each answer."""

from collections.abc import Sequence

import pytest

from atelier.errors import (
    ConflictError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
    UnavailableError,
)
from atelier.generation import CLAIM_LEASE, MAX_TRIES, POLL_EVERY, RESEND_AFTER, UPLOAD_LEASE, Generation, Status
from atelier.providers import Failed, Finished, Job, Located, Outcome, Running, Submitted
from atelier.steps.dispatch import Dispatch
from atelier.steps.finish import Finish
from tests.unit.fakes import (
    BASE_URL,
    DEADLINE,
    NOW,
    PICTURE,
    SMALL_PICTURE,
    Clock,
    InMemoryFiles,
    InMemoryGenerations,
    InMemoryProviderKeys,
    InMemoryQueue,
    Scripted,
    ScriptedProvider,
    a_catalog,
    a_generation,
    thumbnail,
)

SET = {"studio": "old key"}


class Room:
    """The step and its fakes; "studio" costs money, "sketch" does not."""

    def __init__(
        self,
        generation: Generation | None = None,
        *,
        studio: Sequence[Scripted] = (Submitted("job-1"),),
        sketch: Sequence[Scripted] = (Finished((PICTURE,)),),
        keys: InMemoryProviderKeys | None = None,
        queue: InMemoryQueue | None = None,
    ) -> None:
        self.before = generation or a_generation()
        self.generations = InMemoryGenerations()
        self.generations.add(self.before)
        self.queue = queue or InMemoryQueue()
        self.ingest_queue = InMemoryQueue()
        self.studio = ScriptedProvider("studio", submit=studio)
        self.sketch = ScriptedProvider("sketch", submit=sketch, needs_key=False, charges=False)
        self.keys = keys or InMemoryProviderKeys(SET)
        self.files = InMemoryFiles()
        self.step = Dispatch(
            generations=self.generations,
            queue=self.queue,
            ingest_queue=self.ingest_queue,
            providers={"studio": self.studio, "sketch": self.sketch},
            keys=self.keys,
            catalog=a_catalog(),
            finish=Finish(generations=self.generations, files=self.files, thumbnail=thumbnail, clock=Clock()),
            callback_base_url=BASE_URL,
            clock=Clock(),
        )

    @property
    def generation(self) -> Generation:
        return self.generations.table.generations[self.before.id]

    def run(self) -> Generation:
        self.step(self.generation)
        return self.generation


# ---- Whom to call


@pytest.mark.parametrize(
    ("model", "keys", "test", "expected"),
    [
        ("paid", SET, False, "studio"),
        ("paid", {}, False, "sketch"),
        ("paid", SET, True, "sketch"),
        ("free", SET, False, "sketch"),
        ("paid-only", SET, False, "studio"),
    ],
)
def test_the_first_provider_that_can_take_it_is_called(
    model: str, keys: dict[str, str], test: bool, expected: str
) -> None:
    room = Room(a_generation(model=model, test=test), keys=InMemoryProviderKeys(keys))
    assert room.run().provider == expected
    called = {provider.name: len(provider.submitted) for provider in (room.studio, room.sketch)}
    assert called == {"studio": 0, "sketch": 0} | {expected: 1}


@pytest.mark.parametrize(("keys", "test"), [({}, False), (SET, True)])
def test_a_model_without_a_provider_fails_and_says_whose_key_to_set(keys: dict[str, str], test: bool) -> None:
    room = Room(a_generation(model="paid-only", test=test), keys=InMemoryProviderKeys(keys))
    failed = room.run()
    assert failed.status is Status.ERROR
    assert "studio" in (failed.error or "")
    assert room.studio.submitted == []


def test_a_model_that_the_catalog_no_longer_has_fails() -> None:
    failed = Room(a_generation(model="gone")).run()
    assert failed.status is Status.ERROR
    assert "gone" in (failed.error or "")


def test_the_job_holds_the_providers_model_the_input_the_callback_and_the_key() -> None:
    room = Room()
    room.run()
    callback = f"{BASE_URL}/webhook/studio/{room.before.id}/{room.before.callback_token}"
    assert room.studio.submitted == [
        Job(model="studio/xl", input=room.before.payload, callback_url=callback, key="old key")
    ]


def test_a_provider_without_a_key_gets_none() -> None:
    room = Room(a_generation(model="free"), keys=InMemoryProviderKeys({"sketch": "a key"}))
    room.run()
    assert room.sketch.submitted[0].key is None


@pytest.mark.parametrize(("model", "committed"), [("paid", True), ("free", False)])
def test_the_call_is_written_down_before_it_is_made(model: str, committed: bool) -> None:
    seen: list[Generation] = []

    def look(job: Job) -> Outcome:
        seen.append(room.generation)
        return Failed("enough")

    room = Room(a_generation(model=model), studio=[look], sketch=[look])
    room.run()
    [claimed] = seen
    assert (claimed.status, claimed.committed, claimed.tries) == (Status.PROCESSING, committed, 1)
    assert (claimed.deadline_at, claimed.due_at) == (NOW + DEADLINE, NOW + CLAIM_LEASE)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_a_generation_that_is_further_already_is_let_be(status: Status) -> None:
    room = Room(a_generation(status=status))
    assert room.run() == room.before
    assert room.studio.submitted == []


def test_only_one_of_two_workers_calls() -> None:
    room = Room()
    room.run()
    with pytest.raises(ConflictError):
        room.step(room.before)
    assert len(room.studio.submitted) == 1


# ---- What becomes of an answer


def test_finished_is_stored_at_once() -> None:
    room = Room(studio=[Finished((PICTURE, PICTURE))])
    finished = room.run()
    folder = f"outputs/{finished.id}/{finished.file_token}"
    assert finished.status is Status.SUCCESS
    assert finished.outputs == (f"{folder}/0.png", f"{folder}/1.png")
    assert finished.thumbnail == f"{folder}/thumbnail.webp"
    assert room.files.objects == {
        f"{folder}/0.png": PICTURE,
        f"{folder}/1.png": PICTURE,
        f"{folder}/thumbnail.webp": SMALL_PICTURE,
    }
    assert room.generations.table.finished == [finished]


def test_submitted_waits_for_its_callback() -> None:
    submitted = Room(studio=[Submitted("job-1")]).run()
    assert (submitted.status, submitted.job_id) == (Status.PROCESSING, "job-1")
    assert submitted.due_at == NOW + POLL_EVERY


def test_located_is_left_to_ingest() -> None:
    room = Room(studio=[Located(("https://cdn.example/1.png",))])
    located = room.run()
    assert (located.status, located.sources) == (Status.UPLOADING, ("https://cdn.example/1.png",))
    assert located.due_at == NOW + UPLOAD_LEASE
    assert room.ingest_queue.sent == [(located.id, 0)]


@pytest.mark.parametrize("answer", [Failed("no cats today"), ProviderRejectedError("no cats today")])
def test_a_failure_is_final_and_says_what_the_provider_said(answer: Failed | Exception) -> None:
    room = Room(studio=[answer])
    failed = room.run()
    assert (failed.status, failed.error) == (Status.ERROR, "no cats today")
    assert room.queue.sent == []


# ---- Busy


@pytest.mark.parametrize(
    ("tries", "retry_after", "least", "most"),
    [
        (0, None, 2, 6),
        (1, None, 4, 12),
        (3, None, 16, 48),
        (0, 1.0, 2, 6),
        (0, 120.0, 120, 120),
        (0, 86_400.0, 900, 900),
        (0, float("inf"), 900, 900),
    ],
)
def test_busy_is_tried_again_later(tries: int, retry_after: float | None, least: int, most: int) -> None:
    room = Room(a_generation(tries=tries), studio=[ProviderBusyError("busy", retry_after=retry_after)])
    released = room.run()
    [(sent, delay)] = room.queue.sent
    assert sent == released.id
    assert least <= delay <= most
    assert (released.status, released.tries) == (Status.PENDING, tries + 1)
    assert (released.provider, released.committed, released.job_id) == (None, False, None)
    assert released.due_at == NOW + delay * 1_000 + RESEND_AFTER


def test_busy_is_given_up_after_the_last_try() -> None:
    room = Room(studio=[ProviderBusyError("busy")])
    statuses = [room.run().status for _ in range(MAX_TRIES)]
    assert statuses == [Status.PENDING] * (MAX_TRIES - 1) + [Status.ERROR]
    assert len(room.studio.submitted) == MAX_TRIES
    assert len(room.queue.sent) == MAX_TRIES - 1
    assert "busy" in (room.generation.error or "")


def test_a_released_generation_survives_the_loss_of_its_message() -> None:
    room = Room(studio=[ProviderBusyError("busy")], queue=InMemoryQueue(broken=True))
    with pytest.raises(UnavailableError):
        room.run()
    assert room.generation.status is Status.PENDING
    assert room.generation.due_at is not None


# ---- A refused key


def test_a_refused_key_is_read_anew_and_tried_once_more() -> None:
    keys = InMemoryProviderKeys(SET, stored={"studio": "new key"})
    room = Room(studio=[ProviderCredentialsError("no"), Submitted("job-1")], keys=keys)
    assert room.run().job_id == "job-1"
    assert [job.key for job in room.studio.submitted] == ["old key", "new key"]
    assert keys.refreshes == 1


def test_a_key_refused_twice_is_final_and_says_so() -> None:
    room = Room(studio=[ProviderCredentialsError("no")])
    failed = room.run()
    assert failed.status is Status.ERROR
    assert "studio" in (failed.error or "")
    assert "key" in (failed.error or "")
    assert len(room.studio.submitted) == 2


# ---- An answer that was lost


@pytest.mark.parametrize("answer", [OutcomeUnknownError("lost"), Running()], ids=["lost", "without an id"])
def test_an_unknown_outcome_stays_processing_and_is_never_submitted_again(answer: Running | Exception) -> None:
    room = Room(studio=[answer])
    with pytest.raises(OutcomeUnknownError):
        room.run()
    assert (room.generation.status, room.generation.committed) == (Status.PROCESSING, True)
    assert room.generation.due_at == NOW + CLAIM_LEASE

    for _ in range(3):
        room.run()
    assert len(room.studio.submitted) == 1
    assert room.queue.sent == []
