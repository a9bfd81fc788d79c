"""Dispatch: whose turn it is, and what becomes of each answer."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from atelier.catalog.model import Catalog, Route
from atelier.clock import MINUTE, SECOND
from atelier.errors import (
    ConflictError,
    FetchFailedError,
    FetchRefusedError,
    InvalidImageError,
    InvalidRequestError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
    ResultLostError,
    UnavailableError,
)
from atelier.generations.complete import Complete
from atelier.generations.dispatch import LONGEST_LOOK, STAGING, Dispatch, Workshop
from atelier.generations.ingest import Ingest
from atelier.generations.input_images import MAX_BYTES, PATIENCE, PrepareInputs, StoredInputs
from atelier.generations.model import (
    CLAIM_LEASE,
    DRAWN_LEASE,
    MAX_PENDING,
    MAX_TRIES,
    POLL_EVERY,
    RESEND_AFTER,
    UPLOAD_LEASE,
    Generation,
    ProviderAttempt,
    Status,
    StoredFile,
)
from atelier.images.download import Download
from atelier.images.image import EncodedImage
from atelier.images.ports import Sanitise
from atelier.outbound.circuit_breaker import FAILURES_TO_OPEN, PROBE_EVERY, CircuitBreaker, Release
from atelier.providers.provider import (
    DEFAULT_LIFETIME,
    Failed,
    Images,
    ImageUrls,
    InputImage,
    Job,
    Outcome,
    ProviderImage,
    Rendered,
    Running,
    Submitted,
)
from tests.cases import each
from tests.unit.fakes import (
    BASE_URL,
    DEADLINE,
    NOW,
    PICTURE,
    RAW,
    SMALL_PICTURE,
    Clock,
    InMemoryFiles,
    InMemoryGenerations,
    InMemoryProviderKeys,
    InMemoryQueue,
    Scripted,
    ScriptedHttp,
    ScriptedProvider,
    UnreachableFiles,
    a_catalog,
    a_generation,
    answer,
    convert,
    read_mask,
    sanitise,
    sanitised,
    thumbnail,
)

SET = {"studio": "old key", "other": "other's key"}
BUSY = ProviderBusyError("It is busy.")
STUDIO, OTHER = "provider:studio", "provider:other"


class Room:
    """The step and its fakes; "studio" and "other" cost money, "other" answers at once, "sketch" draws."""

    def __init__(
        self,
        generation: Generation | None = None,
        *,
        studio: Sequence[Scripted] = (Submitted("job-1"),),
        other: Sequence[Scripted] = (Images((RAW,)),),
        sketch: Sequence[Scripted] = (Rendered((PICTURE,)),),
        keys: InMemoryProviderKeys | None = None,
        queue: InMemoryQueue | None = None,
        egress: ScriptedHttp | None = None,
        sanitise: Sanitise = sanitise,
        catalog: Catalog | None = None,
    ) -> None:
        self.before = generation or a_generation()
        self.clock = Clock()
        self.generations = InMemoryGenerations()
        self.generations.add(self.before)
        self.upstreams = self.generations.table.upstreams
        self.queue = queue or InMemoryQueue(self.clock)
        self.ingest_queue = InMemoryQueue()
        self.studio = ScriptedProvider("studio", submit=studio)
        self.other = ScriptedProvider("other", submit=other, asynchronous=False, cancels=False)
        self.sketch = ScriptedProvider("sketch", submit=sketch, needs_key=False, charges=False)
        self.keys = keys or InMemoryProviderKeys(SET)
        self.files: InMemoryFiles = InMemoryFiles()
        self.naps: list[float] = []
        self.egress = egress or ScriptedHttp(answer(200, b"their picture"))
        self.handed, self.handed_back = InMemoryQueue(), InMemoryQueue()
        complete = Complete(
            generations=self.generations,
            files=self.files,
            sanitise=sanitise,
            convert=convert,
            thumbnail=thumbnail,
            clock=self.clock,
        )
        providers = {provider.name: provider for provider in (self.studio, self.other, self.sketch)}
        prepare = PrepareInputs(
            generations=self.generations,
            files=self.files,
            download=Download(self.egress),
            sanitise=sanitise,
            read_mask=read_mask,
            base_url=BASE_URL,
            clock=self.clock,
        )
        self.step = Dispatch(
            generations=self.generations,
            queue=self.queue,
            elsewhere=self.handed,
            ingest_queue=self.ingest_queue,
            providers=providers,
            gateways=lambda gateway: ScriptedProvider(gateway.name, submit=other, asynchronous=False, cancels=False),
            keys=self.keys,
            ready=lambda route: route.provider == "sketch" or self.keys.get(route.provider) is not None,
            catalog=lambda: catalog or a_catalog(),
            inputs=StoredInputs(files=self.files, base_url=BASE_URL),
            files=self.files,
            callback_base_url=BASE_URL,
            clock=self.clock,
            sleep=self.naps.append,
        )
        self.workshop = replace(
            self.step, elsewhere=self.handed_back, workshop=Workshop(prepare=prepare, complete=complete)
        )
        self.ingest = Ingest(
            generations=self.generations,
            files=self.files,
            workshop=self.workshop,
            inputs=StoredInputs(files=self.files, base_url=BASE_URL),
            providers=providers,
            keys=self.keys,
            catalog=lambda: catalog or a_catalog(),
            download=Download(self.egress),
            queue=self.ingest_queue,
            finish=complete,
            clock=self.clock,
        )

    @property
    def generation(self) -> Generation:
        return self.generations.table.generations[self.before.id]

    @property
    def calls(self) -> dict[str, int]:
        """How often each was asked."""
        return {each.name: len(each.submitted) for each in (self.studio, self.other, self.sketch) if each.submitted}

    @property
    def stored(self) -> dict[str, ProviderImage]:
        """What is in the bucket, but for what only waits for ingest."""
        return {key: item for key, item in self.files.objects.items() if not key.startswith(STAGING)}

    def run(self) -> Generation:
        """Run the step, in the one function and in the other as they hand it over, and ingest where bytes wait."""
        for step, elsewhere in ((self.step, self.handed), (self.workshop, self.handed_back)) * 2:
            elsewhere.sent.clear()
            step(self.generation)
            if not elsewhere.sent:
                break
        if any(source.startswith(STAGING) for source in self.generation.sources):
            self.ingest(self.generation)
        return self.generation


def shared(**changes: Any) -> Generation:
    """Make a generation that "studio" and "other" can take."""
    return a_generation(model="shared", **changes)


# ---- Whom to call


@each(
    ("model", "keys", "test", "expected"),
    [
        ("paid", SET, False, "studio"),
        ("paid", {}, False, "sketch"),
        ("paid", SET, True, "sketch"),
        ("paid-only", SET, True, "sketch"),
        ("free", SET, False, "sketch"),
        ("paid-only", SET, False, "studio"),
        ("shared", SET, False, "studio"),
        ("shared", {"other": "key"}, False, "other"),
    ],
)
def test_the_first_provider_that_can_take_it_is_called(
    model: str, keys: dict[str, str], test: bool, expected: str
) -> None:
    room = Room(a_generation(model=model, test=test), keys=InMemoryProviderKeys(keys))
    assert room.run().provider == expected
    assert room.calls == {expected: 1}


@pytest.mark.parametrize("model", ["paid", "paid-only"])
def test_a_key_set_since_is_found_before_drawing_or_giving_up(model: str) -> None:
    room = Room(a_generation(model=model, cost=4), keys=InMemoryProviderKeys({}, stored=SET))
    room.run()
    assert (len(room.studio.submitted), room.sketch.submitted, room.keys.refreshes) == (1, [], 1)


def test_a_drawing_accepted_is_drawn_without_a_look_at_the_keys() -> None:
    room = Room(a_generation(cost=0), keys=InMemoryProviderKeys({}, stored=SET))
    room.run()
    assert (room.studio.submitted, len(room.sketch.submitted), room.keys.refreshes) == ([], 1, 0)


def test_a_model_without_provider_fails_and_names_the_key_to_set() -> None:
    room = Room(a_generation(model="paid-only"), keys=InMemoryProviderKeys({}))
    failed = room.run()
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert "studio" in (failed.error or "")
    assert room.calls == {}


def test_a_model_that_ended_while_it_waited_fails_and_says_so() -> None:
    model = a_catalog().model("paid-only")
    over = replace(model, routes=tuple(replace(route, ends=date(2020, 1, 1)) for route in model.routes))
    room = Room(a_generation(model="paid-only"), catalog=Catalog({"paid-only": over}))
    room.step = replace(room.step, ready=lambda route: not route.has_ended(room.clock()))
    failed = room.run()
    assert (failed.status, failed.refunded, room.calls) == (Status.ERROR, True, {})
    assert (failed.error or "").startswith("paid-only ended at its providers on 2020-01-01; ")


def test_a_model_that_the_catalog_no_longer_has_fails() -> None:
    failed = Room(a_generation(model="gone")).run()
    assert failed.status is Status.ERROR
    assert "gone" in (failed.error or "")


def test_a_job_that_may_not_call_back_is_looked_at_soon() -> None:
    room = Room()
    room.run()
    assert room.ingest_queue.sent == []
    room = Room()
    room.studio.polled = True
    room.run()
    assert room.ingest_queue.sent == [(room.before.id, 3)]
    assert room.studio.submitted[0].id == room.before.id


def test_the_job_holds_model_input_callback_and_key() -> None:
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


@pytest.mark.parametrize(
    ("model", "keys", "committed", "deadline", "lease"),
    [
        ("paid", SET, True, DEADLINE, CLAIM_LEASE),
        ("shared", {"other": "key"}, True, CLAIM_LEASE, CLAIM_LEASE),
        ("free", SET, False, DEADLINE, DRAWN_LEASE),
    ],
    ids=["asynchronous", "synchronous: no longer than its worker", "drawn here"],
)
def test_the_call_is_written_down_before_it_is_made(
    model: str, keys: dict[str, str], committed: bool, deadline: int, lease: int
) -> None:
    seen: list[Generation] = []

    def look(job: Job) -> Outcome:
        seen.append(room.generation)
        return Failed("enough")

    room = Room(a_generation(model=model), studio=[look], other=[look], sketch=[look], keys=InMemoryProviderKeys(keys))
    room.run()
    [claimed] = seen
    assert (claimed.status, claimed.committed, claimed.tries) == (Status.PROCESSING, committed, 1)
    assert (claimed.deadline_at, claimed.due_at) == (NOW + deadline, NOW + lease)
    assert claimed.attempts == (ProviderAttempt(claimed.provider or "", claimed.attempts[0].model, NOW),)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_a_generation_that_is_further_already_is_let_be(status: Status) -> None:
    room = Room(a_generation(status=status))
    assert room.run() == room.before
    assert room.calls == {}


def test_only_one_of_two_workers_calls() -> None:
    room = Room()
    room.run()
    with pytest.raises(ConflictError):
        room.step(room.before)
    assert room.calls == {"studio": 1}


def test_a_second_message_in_a_long_call_makes_no_second_call() -> None:
    def answer_after_a_minute(job: Job) -> Outcome:
        before = (room.generation, room.generations.table.upstreams.taken(NOW))
        room.run()  # the second message
        assert (room.generation, room.generations.table.upstreams.taken(NOW)) == before
        room.clock.now += MINUTE
        return Images((RAW,))

    room = Room(shared(), keys=InMemoryProviderKeys({"other": "key"}), other=[answer_after_a_minute])
    assert room.run().status is Status.SUCCESS
    assert room.calls == {"other": 1}
    assert room.queue.sent == []


# ---- What becomes of an answer


def test_finished_is_cleaned_and_stored_at_once() -> None:
    room = Room(
        studio=[Images((RAW, RAW))],
        sanitise=sanitised(lambda content: content.replace(b"a", b"the")),
    )
    finished = room.run()
    clean = replace(PICTURE, content=b"the picture")
    folder = f"outputs/{finished.id}/{finished.file_token}"
    assert finished.status is Status.SUCCESS
    assert finished.outputs == tuple(
        StoredFile(f"{folder}/{number}.png", "image/png", 11, clean.sha256, 64, 48) for number in (0, 1)
    )
    assert finished.thumbnail == f"{folder}/thumbnail.webp"
    assert {key: (item.content, item.content_type) for key, item in room.stored.items()} == {
        f"{folder}/0.png": (b"the picture", "image/png"),
        f"{folder}/1.png": (b"the picture", "image/png"),
        f"{folder}/thumbnail.webp": (SMALL_PICTURE.content, "image/webp"),
    }
    assert room.generations.table.finished == [finished]


def test_what_is_drawn_here_is_stored_as_it_is() -> None:
    def refuse(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
        raise AssertionError("it is ours")

    room = Room(a_generation(model="free"), sanitise=refuse)
    [output] = room.run().outputs
    assert room.files.objects[output.key].content == PICTURE.content
    assert room.upstreams.breakers == {}


def test_bytes_that_are_no_picture_are_an_error_and_not_stored() -> None:
    def refuse(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
        raise InvalidImageError("it is no picture")

    room = Room(studio=[Images((RAW,))], sanitise=refuse)
    failed = room.run()
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert "it is no picture" in (failed.error or "")
    assert room.stored == {}


HANG = 17 * SECOND
"""How long a call to S3 takes that is never answered, with its repeats."""


def without_s3(answered: int, away: int) -> Room:
    """Make a room whose provider answers after `answered` and where S3 is away from then on for `away`."""
    room = Room(a_generation(model="at-once"))
    room.files = UnreachableFiles(room.clock, until=NOW + answered + away, hang=HANG)

    def later(job: Job) -> Outcome:
        room.clock.now = NOW + answered
        return Images((RAW,))

    room.other = ScriptedProvider("other", submit=[later], asynchronous=False, cancels=False)
    room.step = replace(
        room.step, files=room.files, providers={"other": room.other}, sleep=lambda seconds: room.clock.sleep(seconds)
    )
    return room


@each(("answered", "away"), [(20, 60), (20, 180), (100, 100), (145, 60)])
def test_s3_away_costs_no_image_that_was_paid_for(answered: int, away: int) -> None:
    """A worker gave up after 60 s; of 31 images that were paid for, 21 were lost."""
    room = without_s3(answered * SECOND, away * SECOND)
    stored = room.step(room.generation)
    assert (stored.status, len(stored.sources)) == (Status.UPLOADING, 1)
    assert room.clock.now - NOW <= 240 * SECOND
    assert room.ingest_queue.sent == [(stored.id, 0)]


class Unreachable(InMemoryGenerations):
    """A table that fails the writes after a claim until a time, before or after they take effect."""

    def __init__(self, room: Room, *, until: int, after: bool) -> None:
        super().__init__(room.generations.table)
        self._room, self._until, self._after = room, until, after

    def advance(self, before: Generation, after: Generation, release: Release | None = None) -> Generation:
        if before.status is Status.PROCESSING and self._room.clock() < self._until:
            self._room.clock.now += HANG
            if self._after:
                super().advance(before, after, release)
            raise UnavailableError("The table is out of reach; try again.")
        return super().advance(before, after, release)


@each("after", [False, True])
@each("model", ["paid", "at-once"])
def test_a_table_away_for_a_minute_costs_no_paid_job(model: str, after: bool) -> None:
    """A job's id, or where its images are, was lost with one write that failed."""
    room = Room(a_generation(model=model))
    room.step = replace(
        room.step, generations=Unreachable(room, until=NOW + MINUTE, after=after), sleep=room.clock.sleep
    )
    kept = room.step(room.generation)
    assert (kept.job_id, len(kept.sources)) == (("job-1", 0) if model == "paid" else (None, 1))
    assert room.generation == kept
    assert room.upstreams.taken(room.clock.now) == 0
    assert room.clock.now - NOW <= 240 * SECOND


def test_what_cannot_be_stored_is_lost_once_and_refunded() -> None:
    room = without_s3(20 * SECOND, 300 * SECOND)
    with pytest.raises(ResultLostError):
        room.run()
    assert (room.generation.status, room.generation.refunded) == (Status.ERROR, True)
    assert "could not be stored" in (room.generation.error or "")
    assert room.clock.now - NOW <= 240 * SECOND
    assert room.upstreams.taken(room.clock.now) == 0
    assert room.run().status is Status.ERROR
    assert room.calls["other"] == 1


@pytest.mark.parametrize("model", ["paid", "free"])
def test_a_provider_that_finishes_without_a_picture_has_failed(model: str) -> None:
    failed = Room(a_generation(model=model), studio=[Images(())], sketch=[Rendered(())]).run()
    assert (failed.status, failed.error) == (Status.ERROR, "The provider finished without a picture.")


def test_notes_about_a_drawn_picture_are_kept() -> None:
    room = Room(a_generation(model="free"), sketch=[Rendered((PICTURE,), ("No sofa.",))])
    assert room.run().notes == ("No sofa.",)


def test_submitted_waits_for_its_callback() -> None:
    submitted = Room(studio=[Submitted("job-1")]).run()
    assert (submitted.status, submitted.job_id) == (Status.PROCESSING, "job-1")
    assert submitted.due_at == NOW + POLL_EVERY


@pytest.mark.parametrize(("lifetime", "seconds"), [(None, DEFAULT_LIFETIME), (600, 600)])
def test_located_is_left_to_ingest(lifetime: int | None, seconds: int) -> None:
    room = Room(studio=[ImageUrls(("https://cdn.example/1.png",), lifetime)])
    located = room.run()
    assert (located.status, located.sources) == (Status.UPLOADING, ("https://cdn.example/1.png",))
    assert (located.sources_until, located.due_at) == (NOW + seconds * 1_000, NOW + UPLOAD_LEASE)
    assert room.ingest_queue.sent == [(located.id, 0)]


@pytest.mark.parametrize("answer", [Failed("no cats today"), ProviderRejectedError("no cats today")])
def test_a_refusal_is_final_quotes_the_provider_and_never_moves(answer: Failed | Exception) -> None:
    room = Room(shared(), studio=[answer])
    failed = room.run()
    assert (failed.status, failed.error, failed.refunded) == (Status.ERROR, "no cats today", True)
    assert failed.attempts == (ProviderAttempt("studio", "studio/xl", NOW, NOW, "no cats today"),)
    assert room.queue.sent == []
    assert room.calls == {"studio": 1}


# ---- Fallback


def test_a_passing_failure_moves_to_the_next_provider_at_once() -> None:
    room = Room(shared(), studio=[BUSY])
    requeued = room.run()
    assert (requeued.status, room.queue.sent) == (Status.PENDING, [(requeued.id, 0)])
    assert requeued.due_at == NOW + RESEND_AFTER
    room.clock.now += 7
    finished = room.run()
    assert finished.status is Status.SUCCESS
    assert finished.attempts == (
        ProviderAttempt("studio", "studio/xl", NOW, NOW, "It is busy."),
        ProviderAttempt("other", "other/xl", NOW + 7, NOW + 7),
    )


def test_each_provider_has_a_turn_before_a_second_then_a_pause() -> None:
    room = Room(shared(), studio=[BUSY], other=[BUSY])
    while room.run().status is Status.PENDING:
        room.clock.now += PROBE_EVERY + 1
    assert [attempt.provider for attempt in room.generation.attempts] == ["studio", "other"] * 2 + ["studio"]
    assert [delay > 0 for _, delay in room.queue.sent] == [False, True, False, True]
    assert (room.generation.error or "").endswith("the last time: It is busy.")


def test_a_refused_account_moves_to_the_next_provider() -> None:
    room = Room(shared(), studio=[ProviderCredentialsError("no")])
    requeued = room.run()
    assert (requeued.status, room.queue.sent) == (Status.PENDING, [(requeued.id, 0)])
    assert "studio" in (requeued.attempts[0].reason or "")
    assert room.run().status is Status.SUCCESS
    assert room.upstreams.breakers[STUDIO].failures == 0


def test_an_open_breaker_moves_to_the_next_without_a_call() -> None:
    room = Room(shared())
    room.upstreams.breakers[STUDIO] = CircuitBreaker(FAILURES_TO_OPEN, NOW + 1)
    finished = room.run()
    assert (finished.status, finished.provider) == (Status.SUCCESS, "other")
    assert room.calls == {"other": 1}
    assert len(finished.attempts) == 1


def test_full_places_move_to_the_next_provider() -> None:
    room = Room(shared(), catalog=replace(a_catalog(), concurrency={"studio": 1}))
    room.upstreams.breakers[STUDIO] = CircuitBreaker(taken={0: NOW + CLAIM_LEASE})
    assert room.run().provider == "other"


def test_a_provider_out_of_reach_is_not_one_with_fewer_turns() -> None:
    room = Room(shared(), other=[BUSY])
    room.upstreams.breakers[STUDIO] = CircuitBreaker(FAILURES_TO_OPEN, NOW + 1)
    room.run()
    [(_, delay)] = room.queue.sent
    assert delay > 0


@pytest.mark.parametrize("last", [OutcomeUnknownError("lost"), Running()], ids=["lost", "without an id"])
def test_an_unknown_outcome_never_moves_to_another_provider(last: Running | Exception) -> None:
    room = Room(shared(), studio=[last])
    with pytest.raises(OutcomeUnknownError):
        room.run()
    assert (room.generation.status, room.generation.committed) == (Status.PROCESSING, True)
    assert room.generation.due_at == NOW + CLAIM_LEASE
    for _ in range(3):
        room.run()
    assert room.calls == {"studio": 1}
    assert room.queue.sent == []
    assert room.upstreams.taken(NOW) == 0


def test_an_unknown_outcome_never_told_is_an_error_and_refunded() -> None:
    room = Room(shared(), keys=InMemoryProviderKeys({"other": "key"}), other=[OutcomeUnknownError("It is lost.")])
    failed = room.run()
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert failed.error == "It is lost. Nothing is charged; try again."
    assert room.calls == {"other": 1}
    assert room.queue.sent == []
    assert room.upstreams.breakers[OTHER].failures == 1


class Fussy(Route):
    """A route whose provider cannot be told of."""

    def translate(self, payload: Any, images: tuple[str, ...] = (), mask: str | None = None) -> dict[str, Any]:
        raise InvalidRequestError("It knows no such shape.")


def fussy(*names: str) -> Catalog:
    """Make a catalog in which these cannot be told what is asked for."""
    catalog = a_catalog()
    model = catalog.models["shared"]
    routes = tuple(Fussy(route.provider, route.model) if route.provider in names else route for route in model.routes)
    return replace(catalog, models={"shared": replace(model, routes=routes)})


def test_who_cannot_be_told_what_is_asked_for_is_left_out() -> None:
    assert Room(shared(), catalog=fussy("studio")).run().provider == "other"


def test_what_nobody_can_be_told_is_an_error_that_says_why() -> None:
    room = Room(shared(), catalog=fussy("studio", "other"))
    failed = room.run()
    assert (failed.status, failed.error) == (Status.ERROR, "It knows no such shape.")
    assert room.calls == {}


# ---- Busy


@pytest.mark.parametrize(
    ("tries", "retry_after", "least", "most"),
    [(0, None, 2, 6), (1, None, 4, 12), (3, None, 16, 48), (0, 1.0, 2, 6), (0, 120.0, 120, 120)],
)
def test_busy_is_tried_again_later(tries: int, retry_after: float | None, least: int, most: int) -> None:
    room = Room(a_generation(tries=tries), studio=[ProviderBusyError("busy", retry_after=retry_after)])
    requeued = room.run()
    [(sent, delay)] = room.queue.sent
    assert sent == requeued.id
    assert least <= delay <= most
    assert (requeued.status, requeued.tries) == (Status.PENDING, tries + 1)
    assert (requeued.provider, requeued.committed, requeued.job_id) == (None, False, None)
    assert (delay - 1) * 1_000 < (requeued.due_at or 0) - NOW - RESEND_AFTER <= delay * 1_000


def test_two_that_are_busy_do_not_come_back_together() -> None:
    delays = set()
    for _ in range(20):
        room = Room(a_generation(tries=4 - 1), studio=[BUSY])
        room.run()
        delays.add(room.queue.sent[0][1])
    assert len(delays) > 1


@pytest.mark.parametrize(("retry_after", "minutes"), [(1_200.0, 20), (86_400.0, 60), (float("inf"), 60)])
def test_a_wait_too_long_for_the_queue_is_left_to_reconcile(retry_after: float, minutes: int) -> None:
    room = Room(studio=[ProviderBusyError("busy", retry_after=retry_after)])
    requeued = room.run()
    assert room.queue.sent == []
    assert requeued.due_at == NOW + minutes * MINUTE + RESEND_AFTER


def test_nobody_asks_before_the_time_that_a_provider_named() -> None:
    room = Room(shared(), studio=[ProviderBusyError("busy", retry_after=120.0), Submitted("job-2")])
    room.run()
    second = shared(id="f" * 32)
    room.generations.add(second)
    room.step(second)
    assert room.generations.get(second.id).provider == "other"
    room.clock.now += 120_001
    third = shared(id="e" * 32)
    room.generations.add(third)
    room.step(third)
    assert room.generations.get(third.id).provider == "studio"


def test_busy_is_given_up_after_the_last_try() -> None:
    room = Room(studio=[BUSY])
    statuses = []
    for _ in range(MAX_TRIES):
        statuses.append(room.run().status)
        room.clock.now += PROBE_EVERY + 1
    assert statuses == [Status.PENDING] * (MAX_TRIES - 1) + [Status.ERROR]
    assert room.calls == {"studio": MAX_TRIES}
    assert len(room.queue.sent) == MAX_TRIES - 1
    assert room.generation.error == "It was offered 5 times, and no provider took it; the last time: It is busy."
    assert room.generation.refunded


def test_a_released_generation_survives_the_loss_of_its_message() -> None:
    room = Room(studio=[BUSY], queue=InMemoryQueue(broken=True))
    with pytest.raises(UnavailableError):
        room.run()
    assert room.generation.status is Status.PENDING
    assert room.generation.due_at is not None


# ---- Places


@each(
    ("answer", "failures"),
    [
        (Submitted("job-1"), 0),
        (Images((RAW,)), 0),
        (ImageUrls(("https://cdn.example/1.png",)), 0),
        (Failed("no"), 0),
        (ProviderRejectedError("no"), 0),
        (ProviderCredentialsError("no"), 2),
        (BUSY, 3),
        (OutcomeUnknownError("lost"), 3),
    ],
)
def test_a_place_is_taken_for_the_call_and_left_with_its_outcome(answer: Outcome | Exception, failures: int) -> None:
    taken = []

    def look(job: Job) -> Outcome:
        taken.append(room.upstreams.taken(NOW))
        if isinstance(answer, Exception):
            raise answer
        return answer

    room = Room(studio=[look])
    room.upstreams.breakers[STUDIO] = CircuitBreaker(failures=2)
    with contextlib.suppress(OutcomeUnknownError):
        room.run()
    assert set(taken) == {1}
    assert room.upstreams.taken(NOW) == 0
    assert room.upstreams.breakers[STUDIO].failures == failures


def test_five_failures_open_the_breaker_and_one_probe_closes_it() -> None:
    room = Room(studio=[*[BUSY] * FAILURES_TO_OPEN, Submitted("job-1")])
    names = [f"{number:032x}" for number in range(FAILURES_TO_OPEN + 3)]
    for name in names:
        if name != room.before.id:
            room.generations.add(a_generation(id=name))
        room.step(room.generations.get(name))
    assert room.calls == {"studio": FAILURES_TO_OPEN}
    room.clock.now += PROBE_EVERY + 1
    for name in names[-3:-1]:
        room.step(room.generations.get(name))
    assert room.calls == {"studio": FAILURES_TO_OPEN + 2}
    assert room.upstreams.breakers[STUDIO] == CircuitBreaker()


@pytest.mark.parametrize(
    "breaker", [CircuitBreaker(taken={0: NOW + 1}), CircuitBreaker(FAILURES_TO_OPEN, NOW + 20_000)]
)
def test_without_any_place_it_looks_again_and_records_no_more(breaker: CircuitBreaker) -> None:
    room = Room(a_generation(model="paid-only"), catalog=replace(a_catalog(), concurrency={"studio": 1}))
    room.upstreams.breakers[STUDIO] = breaker
    waiting = room.run()
    [(sent, delay)] = room.queue.sent
    least = 20 if breaker.open else 2
    assert sent == waiting.id
    assert least <= delay <= least * 1.5 + 1
    assert (waiting.status, waiting.tries, waiting.attempts) == (Status.PENDING, 0, ())
    assert (waiting.due_at or 0) >= NOW + delay * 1_000 + RESEND_AFTER - 1_000
    assert room.calls == {}


@pytest.mark.parametrize("minutes", [1, 60, 23 * 60])
def test_who_has_waited_long_looks_less_often_but_often_enough(minutes: int) -> None:
    room = Room(catalog=replace(a_catalog(), concurrency={"studio": 1}))
    room.clock.now += minutes * MINUTE
    room.upstreams.breakers[STUDIO] = CircuitBreaker(taken={0: room.clock.now + 1})
    room.run()
    [(_, delay)] = room.queue.sent
    assert 15 <= delay <= LONGEST_LOOK / 1_000 * 1.5 + 1


def test_who_finds_no_place_for_a_day_is_given_up() -> None:
    room = Room(catalog=replace(a_catalog(), concurrency={"studio": 1}))
    room.clock.now += MAX_PENDING
    room.upstreams.breakers[STUDIO] = CircuitBreaker(taken={0: room.clock.now + 1})
    failed = room.run()
    assert (failed.status, failed.refunded) == (Status.ERROR, True)


def test_a_place_left_by_a_dead_worker_is_free_after_its_lease() -> None:
    room = Room(catalog=replace(a_catalog(), concurrency={"studio": 1}))
    room.upstreams.breakers[STUDIO] = CircuitBreaker(taken={0: NOW + CLAIM_LEASE})
    assert room.run().status is Status.PENDING
    room.clock.now += CLAIM_LEASE + 1
    assert room.run().status is Status.PROCESSING


def test_a_place_is_left_though_another_moved_the_generation() -> None:
    def overtaken(job: Job) -> Outcome:
        room.generations.table.write(replace(room.generation, version=9, status=Status.ERROR))
        return Submitted("job-1")

    room = Room(studio=[overtaken])
    with pytest.raises(ConflictError):
        room.run()
    assert room.upstreams.taken(NOW) == 0


# ---- A refused key


def test_a_refused_key_is_read_anew_and_tried_once_more() -> None:
    keys = InMemoryProviderKeys(SET, stored={"studio": "new key"})
    room = Room(studio=[ProviderCredentialsError("no"), Submitted("job-1")], keys=keys)
    assert room.run().job_id == "job-1"
    assert [job.key for job in room.studio.submitted] == ["old key", "new key"]
    assert keys.refreshes == 1


def test_a_key_refused_twice_by_the_only_provider_is_final() -> None:
    room = Room(a_generation(model="paid-only"), studio=[ProviderCredentialsError("no")])
    failed = room.run()
    assert failed.status is Status.ERROR
    assert "studio" in (failed.error or "")
    assert "key" in (failed.error or "")
    assert len(room.studio.submitted) == 2


# ---- The client's pictures

URLS = ("https://a.example/1.png", "https://a.example/2.png")
WITH_PICTURES = a_generation(payload={"prompt": "as these", "image_urls": list(URLS)})
DATA_URL = "data:image/png;base64,iVBORw0KGgo="
FOLDER = f"inputs/{WITH_PICTURES.id}/{WITH_PICTURES.file_token}"


def stored(number: int, content: bytes = b"their picture") -> StoredFile:
    picture = replace(PICTURE, content=content)
    return StoredFile(f"{FOLDER}/{number}.png", "image/png", len(content), picture.sha256, 64, 48)


def test_a_clients_pictures_are_stored_before_anybody_is_asked() -> None:
    def look(job: Job) -> Outcome:
        assert room.generation.inputs == (stored(0), stored(1))
        return Submitted("job-1")

    room = Room(WITH_PICTURES, studio=[look])
    room.run()
    assert [(request.method, request.url, request.max_bytes) for request in room.egress.requests] == [
        ("GET", url, MAX_BYTES) for url in URLS
    ]
    [job] = room.studio.submitted
    assert job.images == tuple(
        InputImage(b"their picture", "image/png", f"{BASE_URL}/files/{FOLDER}/{number}.png") for number in (0, 1)
    )
    assert job.input["image_urls"] == [image.url for image in job.images]
    assert set(room.stored) == {f"{FOLDER}/0.png", f"{FOLDER}/1.png"}


def test_a_mask_goes_apart_from_the_pictures_with_the_tool() -> None:
    masked = a_generation(tool="inpaint", payload={"prompt": "a", "image_urls": [URLS[0]], "mask_url": URLS[1]})
    room = Room(masked)
    room.run()
    [job] = room.studio.submitted
    picture = InputImage(b"their picture", "image/png", f"{BASE_URL}/files/{FOLDER}/0.png")
    assert job.images == (picture,)
    assert job.mask == replace(picture, url=f"{BASE_URL}/files/{FOLDER}/1.png")
    assert (job.input["image_urls"], job.input["mask_url"]) == ([picture.url], job.mask.url)
    assert job.tool == "inpaint"


def test_a_mask_of_another_size_is_an_error_that_names_it() -> None:
    def refuse(content: bytes, *, size: tuple[int, int]) -> EncodedImage:
        raise InvalidImageError(f"it has 1 x 1 pixels, and the picture {size[0]} x {size[1]}")

    room = Room(a_generation(payload={"prompt": "a", "image_urls": [URLS[0]], "mask_url": URLS[1]}))
    workshop = room.workshop.workshop
    assert workshop
    prepare = replace(workshop.prepare, read_mask=refuse)
    failed = replace(room.workshop, workshop=replace(workshop, prepare=prepare))(room.before)
    assert failed.error == "The picture at mask_url cannot be used: it has 1 x 1 pixels, and the picture 64 x 48"
    assert room.calls == {}


def test_they_are_fetched_once_for_all_attempts() -> None:
    room = Room(replace(WITH_PICTURES, model="shared"), studio=[BUSY])
    room.run()
    room.run()
    assert room.generation.status is Status.SUCCESS
    assert len(room.egress.requests) == 2
    assert room.other.submitted[0].images == room.studio.submitted[0].images


def test_a_data_url_is_a_picture_too() -> None:
    room = Room(a_generation(payload={"prompt": "as this", "image_urls": [DATA_URL]}))
    room.run()
    [job] = room.studio.submitted
    assert job.images[0].content == b"\x89PNG\r\n\x1a\n"
    assert job.images[0].url == f"{BASE_URL}/files/{FOLDER}/0.png"
    assert room.egress.requests == []


def test_a_file_of_ours_is_read_where_it_is_stored() -> None:
    keys = ("uploads/user_1/file_1/token.png", "outputs/0123/token/0.png")
    room = Room(a_generation(payload={"image_urls": [f"{BASE_URL}/files/{key}" for key in keys]}))
    for key in keys:
        room.files.put(key, key.encode(), "image/png")
    room.run()
    [job] = room.studio.submitted
    assert [image.content for image in job.images] == [key.encode() for key in keys]
    assert [image.url for image in job.images] == [f"{BASE_URL}/files/{FOLDER}/{number}.png" for number in (0, 1)]
    assert room.egress.requests == []


@pytest.mark.parametrize(
    ("url", "said", "reason"),
    [
        (URLS[0], FetchRefusedError("The URL leads to an address that is not public."), "not public"),
        ("data:text/html;base64,aaaa", None, "data:image/png"),
        (f"{BASE_URL}/files/uploads/user_1/file_1/token.png", None, "expired"),
    ],
)
def test_an_unusable_picture_is_an_error_that_names_it(url: str, said: Exception | None, reason: str) -> None:
    generation = a_generation(payload={"prompt": "as these", "image_urls": [DATA_URL, url]})
    room = Room(generation, egress=ScriptedHttp(said or answer(200)))
    failed = room.run()
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert "image_urls.1" in (failed.error or "")
    assert reason in (failed.error or "")
    assert room.calls == {}


def test_a_picture_that_is_none_is_an_error() -> None:
    def refuse(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
        raise InvalidImageError("it is no picture")

    failed = Room(WITH_PICTURES, sanitise=refuse).run()
    assert failed.error == "The picture at image_urls.0 cannot be used: it is no picture"


def test_a_picture_not_fetched_now_is_tried_again_for_a_while() -> None:
    room = Room(WITH_PICTURES, egress=ScriptedHttp(FetchFailedError("The host is down.", sent=False)))
    waiting = room.run()
    assert (waiting.status, waiting.tries) == (Status.PENDING, 0)
    [(_, delay)] = room.queue.sent
    assert delay >= 2
    room.clock.now = NOW + PATIENCE
    failed = room.run()
    assert failed.error == "The picture at image_urls.0 cannot be used: The host is down."
    assert room.calls == {}


def test_all_downloads_together_have_one_deadline() -> None:
    room = Room(WITH_PICTURES)
    times = iter([0.0, 10.0, 25.0])
    workshop = room.workshop.workshop
    assert workshop
    prepare = replace(workshop.prepare, download=Download(room.egress, lambda: next(times)))
    replace(room.workshop, workshop=replace(workshop, prepare=prepare))(room.before)
    assert [request.timeout for request in room.egress.requests] == [20.0, 5.0]


# ---- Probes


def a_probe(generation: Generation | None = None, *, check: Exception | None = None, **script: Any) -> Room:
    """Make a room whose breaker is open, and where the time for a probe has come."""
    room = Room(generation or a_generation(model="paid"), **script)
    room.studio = ScriptedProvider("studio", submit=script.get("studio", [Submitted("job-1")]), check=check)
    room.step = replace(room.step, providers={**room.step.providers, "studio": room.studio})
    room.upstreams.breakers[STUDIO] = CircuitBreaker(FAILURES_TO_OPEN, NOW - 1)
    return room


def test_a_probe_begins_with_a_call_that_costs_nothing() -> None:
    """Each probe of a provider that hung cost a paid call, and its generation."""
    room = a_probe(check=ProviderBusyError("The provider studio could not be reached."))
    waiting = room.run()
    assert (waiting.status, room.studio.checks, room.studio.submitted) == (Status.PENDING, 1, [])
    assert room.upstreams.breakers[STUDIO].probe_at == NOW + PROBE_EVERY
    assert room.upstreams.taken(NOW) == 0


@each("check", [None, ProviderRejectedError("It answered 404 to a request for its account.")])
def test_a_provider_that_answers_gets_the_job_and_is_back(check: Exception | None) -> None:
    room = a_probe(check=check)
    assert room.run().job_id == "job-1"
    assert (room.studio.checks, len(room.studio.submitted)) == (1, 1)
    assert not room.upstreams.breakers[STUDIO].open


def test_a_provider_that_works_is_not_checked() -> None:
    room = Room()
    room.run()
    assert room.studio.checks == 0


@each("tries", [0, MAX_TRIES - 1])
def test_a_probe_counts_as_nobodys_try(tries: int) -> None:
    """A generation died of five unlucky probes in five minutes while others had had no turn."""
    room = a_probe(a_generation(model="paid", tries=tries), studio=[BUSY])
    waiting = room.run()
    assert (waiting.status, waiting.tries) == (Status.PENDING, tries)
    assert len(waiting.attempts) == 1


def test_who_has_another_provider_goes_there_from_a_probe() -> None:
    room = a_probe(shared(), check=BUSY)
    requeued = room.run()
    assert room.queue.sent == [(requeued.id, 0)]
    assert room.run().provider == "other"


# ---- Deadlines


def accepted(age: int, **changes: Any) -> Generation:
    """Make a generation of a model with ten minutes, accepted `age` ago."""
    return a_generation(created_at=NOW - age, claim_by=NOW - age + DEADLINE, **changes)


@each(("age", "left"), [(0, DEADLINE), (MINUTE, DEADLINE - MINUTE), (DEADLINE - 1, DEADLINE // 2)])
def test_the_deadline_counts_from_the_acceptance(age: int, left: int) -> None:
    """A provider that took a job has half of the deadline at least."""
    assert Room(accepted(age)).run().deadline_at == NOW + left


@each(
    ("age", "breaker"),
    [
        (DEADLINE, CircuitBreaker(taken={0: NOW + 1})),
        (DEADLINE + 1, CircuitBreaker(FAILURES_TO_OPEN, NOW + 1)),
        (0, CircuitBreaker(FAILURES_TO_OPEN, NOW + DEADLINE)),
    ],
)
def test_who_cannot_be_served_in_time_is_told_at_once(age: int, breaker: CircuitBreaker) -> None:
    """With a provider that was down for good, 500 waited for up to 24 h, and 16.6 h at the median."""
    room = Room(accepted(age, cost=4), catalog=replace(a_catalog(), concurrency={"studio": 1}))
    room.upstreams.breakers[STUDIO] = breaker
    failed = room.run()
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert failed.error == "No provider could take it within 10 min. Try again later."
    assert room.calls == {}


def test_another_provider_is_asked_though_it_is_late() -> None:
    room = Room(replace(shared(), created_at=NOW - DEADLINE - 1, claim_by=NOW - 1), studio=[BUSY])
    assert room.run().status is Status.PENDING
    assert room.run().provider == "other"


def test_a_rest_beyond_the_deadline_is_not_waited_for() -> None:
    failed = Room(accepted(0), studio=[ProviderBusyError("It is busy.", retry_after=601.0)]).run()
    assert failed.error == "No provider could take it within 10 min; the last time: It is busy. Try again later."


def test_a_deadline_of_seconds_is_told_in_seconds() -> None:
    room = Room(a_generation(created_at=NOW - 45_000, claim_by=NOW))
    room.upstreams.breakers[STUDIO] = CircuitBreaker(FAILURES_TO_OPEN, NOW + 1)
    assert "within 45 s." in (room.run().error or "")


# ---- A callback before the answer


def called_back(room: Room, *, then: Exception) -> Any:
    """Make a call that the provider answers so, after it has taken the job and called back."""

    def hang(job: Job) -> Outcome:
        room.generations.record_job(room.before.id, provider="studio", job_id="job-1")
        raise then

    return hang


def test_a_callback_wins_over_an_answer_that_never_comes() -> None:
    room = Room()
    room.studio = ScriptedProvider("studio", submit=[called_back(room, then=OutcomeUnknownError("It hung."))])
    room.step = replace(room.step, providers={**room.step.providers, "studio": room.studio})
    assert room.run().job_id == "job-1"
    assert not room.upstreams.breakers[STUDIO].failures
    assert room.upstreams.taken(NOW) == 0


def test_a_job_that_called_back_is_not_offered_to_another() -> None:
    """A provider that took the job and then said 503 was paid twice."""
    room = Room(shared())
    room.studio = ScriptedProvider("studio", submit=[called_back(room, then=BUSY)])
    room.step = replace(room.step, providers={**room.step.providers, "studio": room.studio})
    with pytest.raises(ConflictError):
        room.run()
    assert (room.generation.status, room.generation.job_id) == (Status.PROCESSING, "job-1")
    assert room.queue.sent == []
    assert room.upstreams.taken(NOW) == 0


def test_a_lost_answer_is_noted_for_its_callback() -> None:
    room = Room(studio=[OutcomeUnknownError("It hung.")])
    with pytest.raises(OutcomeUnknownError):
        room.run()
    assert room.generation.lost_answer
    assert room.upstreams.breakers[STUDIO].failures == 1
