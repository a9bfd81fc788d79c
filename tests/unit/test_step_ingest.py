"""Ingest: what a provider says became of a job, and bringing pictures home from hostile places."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from atelier.adapters.http.client import HttpxClient
from atelier.clock import MINUTE, SECOND
from atelier.errors import (
    ConflictError,
    FetchFailedError,
    FetchRefusedError,
    InvalidImageError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
    UnavailableError,
)
from atelier.generations.complete import Complete
from atelier.generations.ingest import DOWNLOAD_SECONDS, MAX_IMAGE_BYTES, Ingest
from atelier.generations.input_images import StoredInputs
from atelier.generations.model import UPLOAD_LEASE, Generation, ProviderAttempt, Status
from atelier.images.download import MAX_REDIRECTS, Download
from atelier.images.image import EncodedImage
from atelier.images.ports import Sanitise
from atelier.outbound.circuit_breaker import FAILURES_TO_OPEN, PROBE_EVERY, CircuitBreaker
from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.outbound.url_policy import UrlPolicy
from atelier.providers.provider import DEFAULT_LIFETIME, Failed, Images, ImageUrls, JobRef, Outcome, Rendered, Running
from tests.cases import each
from tests.unit.fakes import (
    BASE_URL,
    NOW,
    PICTURE,
    RAW,
    SMALL_PICTURE,
    Clock,
    InMemoryFiles,
    InMemoryGenerations,
    InMemoryProviderKeys,
    InMemoryQueue,
    ScriptedFetch,
    ScriptedHttp,
    ScriptedProvider,
    UnreachableFiles,
    a_catalog,
    a_generation,
    answer,
    convert,
    sanitise,
    sanitised,
    thumbnail,
)

URL = "https://cdn.example/a/1.png"
SUBMITTED = a_generation(
    status=Status.PROCESSING,
    version=2,
    provider="studio",
    committed=True,
    job_id="job-1",
    deadline_at=NOW + 60_000,
    due_at=NOW + 1,
    attempts=(ProviderAttempt("studio", "studio/xl", NOW),),
)
EXPIRY = NOW + 600_000
UPLOADING = a_generation(
    status=Status.UPLOADING,
    version=3,
    provider="studio",
    committed=True,
    job_id="job-1",
    sources=(URL,),
    sources_until=EXPIRY,
)
IN_HAND = replace(UPLOADING, sources=(), sources_until=None)
"""A worker died with the pictures in hand."""


class Room:
    """The step and its fakes."""

    def __init__(
        self,
        before: Generation = SUBMITTED,
        *,
        fetch: Sequence[ScriptedFetch] = (ImageUrls((URL,)),),
        egress: HttpClient | None = None,
        cancel: Exception | None = None,
        keys: InMemoryProviderKeys | None = None,
        sanitise: Sanitise = sanitise,
    ) -> None:
        self.clock = Clock()
        self.generations = InMemoryGenerations()
        self.generations.add(before)
        self.provider = ScriptedProvider("studio", fetch=fetch, cancel=cancel)
        self.keys = keys or InMemoryProviderKeys({"studio": "old key"})
        self.files: InMemoryFiles = InMemoryFiles()
        self.queue = InMemoryQueue()
        self.step = Ingest(
            generations=self.generations,
            files=self.files,
            workshop=lambda pending: pending,
            inputs=StoredInputs(files=self.files, base_url=BASE_URL),
            providers={"studio": self.provider},
            keys=self.keys,
            catalog=a_catalog,
            download=Download(egress or ScriptedHttp(answer(200, PICTURE.content))),
            queue=self.queue,
            finish=Complete(
                generations=self.generations,
                files=self.files,
                sanitise=sanitise,
                convert=convert,
                thumbnail=thumbnail,
                clock=self.clock,
            ),
            clock=self.clock,
        )

    @property
    def generation(self) -> Generation:
        return self.generations.table.generations[SUBMITTED.id]

    def run(self) -> Generation:
        self.step(self.generation)
        return self.generation


# ---- What the provider charges


@each("before", [SUBMITTED, IN_HAND], ids=["asked", "asked again"])
@each("earlier", [None, 30_000], ids=["told for the first time", "told otherwise with the job"])
@each(
    ("outcome", "cost"),
    [
        (ImageUrls((URL,), cost=41_234), 41_234),
        (Images((RAW,), 0), 0),
        (Failed("No.", 5_000), 5_000),
    ],
)
def test_a_cost_told_with_the_result_is_kept(
    before: Generation, earlier: int | None, outcome: Outcome, cost: int
) -> None:
    room = Room(replace(before, provider_cost=earlier), fetch=[outcome])
    assert room.run().status.final
    assert room.generation.provider_cost == cost


def test_a_cost_told_with_the_job_outlives_a_mute_result() -> None:
    for outcome in (ImageUrls((URL,)), Failed("No.")):
        assert Room(replace(SUBMITTED, provider_cost=30_000), fetch=[outcome]).run().provider_cost == 30_000


def test_a_told_cost_survives_a_download_that_is_tried_again() -> None:
    egress = ScriptedHttp(FetchFailedError("no answer", sent=True), answer(200, PICTURE.content))
    room = Room(fetch=[ImageUrls((URL,), cost=7)], egress=egress)
    with pytest.raises(FetchFailedError):
        room.run()
    assert (room.generation.status, room.generation.provider_cost) == (Status.UPLOADING, 7)
    assert (room.run().status, room.generation.provider_cost) == (Status.SUCCESS, 7)


def test_a_told_cost_is_kept_by_a_record_that_moved_on() -> None:
    room = Room(fetch=[ImageUrls((URL,), cost=7)])
    room.generations.advance(SUBMITTED, SUBMITTED.rescheduled(NOW + 5))
    room.step(SUBMITTED)
    assert (room.generation.status, room.generation.provider_cost) == (Status.SUCCESS, 7)


# ---- Writing as the client wants


@each(
    ("wanted", "kind", "notes"),
    [
        ({}, "image/png", ()),
        ({"output_format": "webp"}, "image/webp", ("as webp",)),
        ({"output_format": "jpeg", "quality": "low"}, "image/jpeg", ("as jpeg",)),
    ],
)
def test_a_picture_is_stored_as_its_client_wants(wanted: dict[str, str], kind: str, notes: tuple[str, ...]) -> None:
    done = Room(before=replace(SUBMITTED, payload={"prompt": "a", **wanted}), fetch=[ImageUrls((URL, URL))]).run()
    assert done.status is Status.SUCCESS
    assert {output.content_type for output in done.outputs} == {kind}
    assert done.notes == notes


# ---- Asking


def test_the_provider_is_asked_for_the_job_with_its_key() -> None:
    room = Room(fetch=[Running()])
    room.run()
    [job] = room.provider.fetched
    assert (job.id, job.model, job.key, job.input) == ("job-1", "studio/xl", "old key", SUBMITTED.payload)


def test_a_running_job_is_left_running() -> None:
    assert Room(fetch=[Running()]).run() == SUBMITTED


@pytest.mark.parametrize(("after", "delay"), [(0, 3), (8_000, 3), (20_000, 5), (40_000, 10), (50_001, 13)])
def test_a_job_that_may_not_call_back_is_asked_for_soon(after: int, delay: int) -> None:
    room = Room(fetch=[Running()])
    room.clock.now = NOW + after
    assert room.run() == SUBMITTED
    assert room.queue.sent == []
    room.provider.polled = True
    assert room.run() == SUBMITTED
    assert room.queue.sent == [(SUBMITTED.id, delay)]


def test_after_minutes_only_reconcile_asks() -> None:
    room = Room(replace(SUBMITTED, deadline_at=NOW + 900_000), fetch=[Running()])
    room.provider.polled = True
    room.clock.now = NOW + 240_000
    room.run()
    assert room.queue.sent == []


@pytest.mark.parametrize(("late", "status"), [(-1, Status.PROCESSING), (0, Status.ERROR), (1, Status.ERROR)])
def test_a_job_past_its_deadline_is_stopped_and_refunded(late: int, status: Status) -> None:
    room = Room(fetch=[Running()])
    room.clock.now = NOW + 60_000 + late
    ended = room.run()
    assert (ended.status, ended.refunded) == (status, status is Status.ERROR)
    assert len(room.provider.cancelled) == (status is Status.ERROR)


@pytest.mark.parametrize(
    "trouble", [ProviderBusyError("down"), ProviderRejectedError("over"), ProviderCredentialsError("no")]
)
def test_a_job_past_its_deadline_fails_though_it_is_not_stopped(trouble: Exception) -> None:
    room = Room(fetch=[Running()], cancel=trouble)
    room.clock.now = NOW + 60_000
    failed = room.run()
    assert (failed.status, failed.error) == (Status.ERROR, "The provider did not finish in time; try again.")


def test_a_result_is_taken_even_after_the_deadline() -> None:
    room = Room()
    room.clock.now = NOW + 120_000
    assert room.run().status is Status.SUCCESS


@pytest.mark.parametrize("outcome", [Images((RAW,)), Rendered((PICTURE,))])
def test_finished_is_stored(outcome: Outcome) -> None:
    room = Room(fetch=[outcome])
    [output] = room.run().outputs
    assert room.files.objects[output.key].content == PICTURE.content


def test_notes_about_a_drawn_picture_are_kept() -> None:
    assert Room(fetch=[Rendered((PICTURE,), ("No sofa.",))]).run().notes == ("No sofa.",)


def test_finished_is_cleaned() -> None:
    room = Room(fetch=[Images((RAW,))], sanitise=sanitised(lambda _: b"clean"))
    [output] = room.run().outputs
    assert room.files.objects[output.key].content == b"clean"


@pytest.mark.parametrize("said", [Failed("no cats"), ProviderRejectedError("no cats")])
def test_a_failure_is_final(said: Failed | Exception) -> None:
    failed = Room(fetch=[said]).run()
    assert (failed.status, failed.error) == (Status.ERROR, "no cats")


def test_busy_comes_again() -> None:
    room = Room(fetch=[ProviderBusyError("busy")])
    with pytest.raises(ProviderBusyError):
        room.run()
    assert room.generation == SUBMITTED


def test_a_job_without_a_known_id_comes_again() -> None:
    room = Room(a_generation(status=Status.PROCESSING, provider="studio", committed=True))
    with pytest.raises(ProviderBusyError):
        room.run()
    assert room.provider.fetched == []


@pytest.mark.parametrize(
    "before",
    [
        a_generation(),
        a_generation(status=Status.SUCCESS),
        a_generation(status=Status.ERROR),
        a_generation(status=Status.UPLOADING, provider="other", committed=True),
    ],
    ids=["pending", "success", "error", "uploading by dispatch"],
)
def test_a_generation_that_is_not_ours_to_take_is_let_be(before: Generation) -> None:
    egress = ScriptedHttp(answer())
    room = Room(before, egress=egress)
    assert room.run() == before
    assert (room.provider.fetched, egress.requests) == ([], [])


# ---- Another writer meanwhile


def fetching_while(room: Room, after: Generation) -> ScriptedProvider:
    """Let the record become `after` while the provider is asked."""

    def fetch(job: JobRef) -> Outcome:
        room.generations.table.write(after)
        return ImageUrls((URL,))

    room.provider = ScriptedProvider("studio", fetch=[fetch])
    return room.provider


@pytest.mark.parametrize(
    ("after", "status", "finished"),
    [
        (SUBMITTED.submitted("job-1", NOW), Status.SUCCESS, 1),
        (SUBMITTED.rescheduled(NOW + 1), Status.SUCCESS, 1),
        (SUBMITTED.uploading(NOW, (URL,)), Status.UPLOADING, 0),
        (SUBMITTED.failed("too late", NOW), Status.ERROR, 1),
        (SUBMITTED.requeued("busy", NOW), Status.PENDING, 0),
    ],
    ids=["dispatch saved the job", "reconcile looked", "another ingest", "failed", "released"],
)
def test_an_outcome_counts_only_while_processing(after: Generation, status: Status, finished: int) -> None:
    room = Room()
    step = replace(room.step, providers={"studio": fetching_while(room, after)})
    with contextlib.nullcontext() if status is Status.SUCCESS else pytest.raises(ConflictError):
        step(SUBMITTED)
    assert room.generation.status is status
    assert len(room.generations.table.finished) == finished


# ---- A refused key


def test_a_refused_key_is_read_anew_and_tried_once_more() -> None:
    keys = InMemoryProviderKeys({"studio": "old key"}, stored={"studio": "new key"})
    room = Room(fetch=[ProviderCredentialsError("no"), Images((RAW,))], keys=keys)
    assert room.run().status is Status.SUCCESS
    assert [job.key for job in room.provider.fetched] == ["old key", "new key"]


def test_a_key_refused_twice_comes_again_as_the_job_may_be_paid() -> None:
    room = Room(fetch=[ProviderCredentialsError("no")])
    with pytest.raises(ProviderBusyError):
        room.run()
    assert room.generation == SUBMITTED
    assert len(room.provider.fetched) == 2


def test_a_job_refused_to_the_new_key_fails() -> None:
    failed = Room(fetch=[ProviderCredentialsError("no"), ProviderRejectedError("no cats")]).run()
    assert (failed.status, failed.error) == (Status.ERROR, "no cats")


# ---- Bringing pictures home


def test_located_pictures_are_downloaded_cleaned_and_stored() -> None:
    egress = ScriptedHttp(answer(200, b"dirty 0"), answer(200, b"dirty 1"))
    urls = (URL, "https://cdn.example/2.jpg")
    room = Room(
        fetch=[ImageUrls(urls)],
        egress=egress,
        sanitise=sanitised(lambda content: content.replace(b"dirty", b"clean"), "image/jpeg"),
    )
    finished = room.run()
    folder = f"outputs/{finished.id}/{finished.file_token}"
    assert [(request.method, request.url) for request in egress.requests] == [("GET", url) for url in urls]
    assert {request.max_bytes for request in egress.requests} == {MAX_IMAGE_BYTES}
    assert (finished.status, finished.sources) == (Status.SUCCESS, urls)
    assert {key: (item.content, item.content_type) for key, item in room.files.objects.items()} == {
        f"{folder}/0.jpg": (b"clean 0", "image/jpeg"),
        f"{folder}/1.jpg": (b"clean 1", "image/jpeg"),
        f"{folder}/thumbnail.webp": (SMALL_PICTURE.content, "image/webp"),
    }
    assert [(output.key, output.width, output.height, output.size) for output in finished.outputs] == [
        (f"{folder}/0.jpg", 64, 48, 7),
        (f"{folder}/1.jpg", 64, 48, 7),
    ]


def test_one_picture_at_a_time_is_held_in_memory() -> None:
    happened: list[str] = []

    class Files(InMemoryFiles):
        def put(self, key: str, content: bytes, content_type: str) -> None:
            happened.append(f"stored {content.decode()}")

    def clean(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
        happened.append(f"cleaned {content.decode()}")
        return replace(PICTURE, content=content)

    room = Room(
        fetch=[ImageUrls((URL, URL))], egress=ScriptedHttp(answer(200, b"1"), answer(200, b"2")), sanitise=clean
    )
    room.step = replace(room.step, finish=replace(room.step.finish, files=Files()))
    room.run()
    assert happened == ["cleaned 1", "stored 1", "stored a small picture", "cleaned 2", "stored 2"]


def test_all_downloads_together_have_one_deadline() -> None:
    egress = ScriptedHttp(answer(200, b"a picture"))
    times = iter([0.0, 10.0, 85.0, 91.0])
    room = Room(fetch=[ImageUrls((URL, URL, URL))])
    room.step = replace(room.step, download=Download(egress, lambda: next(times)))
    with pytest.raises(FetchFailedError, match="no time left"):
        room.run()
    assert [request.timeout for request in egress.requests] == [DOWNLOAD_SECONDS - 10, DOWNLOAD_SECONDS - 85]


def test_the_key_is_not_sent_to_where_the_picture_waits() -> None:
    egress = ScriptedHttp(answer(200, b"a picture"))
    Room(egress=egress).run()
    assert egress.requests[0].headers == {"Accept": "image/*"}


def test_an_interrupted_upload_resumes_without_asking_provider() -> None:
    room = Room(UPLOADING)
    assert room.run().status is Status.SUCCESS
    assert room.provider.fetched == []


def test_only_one_of_two_workers_finishes() -> None:
    room = Room(UPLOADING)
    room.run()
    with pytest.raises(ConflictError):
        room.step(UPLOADING)
    assert len(room.generations.table.finished) == 1


@each("status", [301, 302, 303, 307, 308])
@each(
    ("location", "target"),
    [
        ("https://other.example/2.png", "https://other.example/2.png"),
        ("/2.png", "https://cdn.example/2.png"),
        ("2.png", "https://cdn.example/a/2.png"),
        ("//other.example/2.png", "https://other.example/2.png"),
    ],
)
def test_a_redirect_is_a_new_request(status: int, location: str, target: str) -> None:
    egress = ScriptedHttp(answer(status, location=location), answer(200, b"a picture"))
    assert Room(egress=egress).run().status is Status.SUCCESS
    assert [request.url for request in egress.requests] == [URL, target]


@pytest.mark.parametrize(("redirects", "status"), [(MAX_REDIRECTS, Status.SUCCESS), (MAX_REDIRECTS + 1, Status.ERROR)])
def test_redirects_are_counted(redirects: int, status: Status) -> None:
    egress = ScriptedHttp(*[answer(302, location=URL)] * redirects, answer(200, b"a picture"))
    assert Room(egress=egress).run().status is status
    assert len(egress.requests) == MAX_REDIRECTS + 1


@each(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "http://cdn.example/",
        "https://cdn.example:22/",
        "https://user:pass@cdn.example/",
        "file:///etc/passwd",
        "https://[::1/",
        "https://[v1.a.b]/",
        "",
        "é",
    ],
)
def test_each_redirect_is_checked_like_the_first_url(location: str) -> None:
    visited: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        visited.append(str(request.url))
        return httpx.Response(302, headers=[(b"Location", location.encode())])

    room = Room(egress=HttpxClient(httpx.MockTransport(serve), UrlPolicy()))
    failed = room.run()
    assert failed.status is Status.ERROR
    assert "cannot be used" in (failed.error or "")
    assert set(visited) == {URL}


@pytest.mark.parametrize("url", ["http://cdn.example/1.png", "https://10.0.0.1/1.png", "javascript:alert(1)", ""])
def test_a_picture_in_a_forbidden_place_is_an_error(url: str) -> None:
    egress = HttpxClient(httpx.MockTransport(lambda _: httpx.Response(200, content=b"a picture")), UrlPolicy())
    assert Room(fetch=[ImageUrls((url,))], egress=egress).run().status is Status.ERROR


@pytest.mark.parametrize(
    "said",
    [
        answer(404),
        answer(500),
        answer(204),
        answer(302),
        answer(304, location=URL),
        FetchFailedError("slow", sent=True),
        FetchFailedError("down", sent=False),
    ],
)
def test_a_bad_answer_comes_again_and_then_succeeds(said: HttpResponse | Exception) -> None:
    room = Room(egress=ScriptedHttp(said, answer(200, b"a picture")))
    with pytest.raises(FetchFailedError):
        room.run()
    assert (room.generation.status, room.generation.sources) == (Status.UPLOADING, (URL,))
    assert room.generation.sources_until == NOW + DEFAULT_LIFETIME * 1_000
    assert room.generation.due_at == NOW + UPLOAD_LEASE
    assert room.run().status is Status.SUCCESS
    assert len(room.provider.fetched) == 1


@each(
    ("breaker", "is_open"),
    [
        (CircuitBreaker(FAILURES_TO_OPEN, NOW + PROBE_EVERY), False),
        (CircuitBreaker(FAILURES_TO_OPEN, NOW + PROBE_EVERY + 1), True),
    ],
)
def test_a_callback_closes_the_breaker_of_a_hung_provider(breaker: CircuitBreaker, is_open: bool) -> None:
    """A provider that hung and called back got one probe in 30 s; a rest that it asked for still counts."""
    lost = replace(SUBMITTED, attempts=(ProviderAttempt("studio", "studio/xl", NOW, reason="It hung."),))
    room = Room(lost)
    breakers = room.generations.table.upstreams.breakers
    breakers["provider:studio"] = breaker
    assert room.run().status is Status.SUCCESS
    assert breakers["provider:studio"].open is is_open


def test_s3_away_for_a_minute_costs_no_image() -> None:
    """A job is asked about again, each minute by reconcile, and its image is downloaded again."""
    room = Room()
    room.files = UnreachableFiles(room.clock, until=NOW + MINUTE, hang=30 * SECOND)
    room.step = replace(room.step, files=room.files, finish=replace(room.step.finish, files=room.files))
    for _ in range(2):
        with pytest.raises(UnavailableError):
            room.run()
        assert room.generation.status is Status.PROCESSING
    assert room.run().status is Status.SUCCESS


def test_an_answer_that_is_too_large_is_final() -> None:
    failed = Room(egress=ScriptedHttp(FetchRefusedError("The answer is larger than 1 KB."))).run()
    assert (failed.status, failed.error) == (
        Status.ERROR,
        "The provider's result cannot be used: The answer is larger than 1 KB.",
    )


def test_what_is_no_picture_is_final_and_nothing_of_it_is_stored() -> None:
    def refuse(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
        if content == b"no picture":
            raise InvalidImageError("it is no picture")
        return PICTURE

    egress = ScriptedHttp(answer(200, b"a picture"), answer(200, b"no picture"))
    room = Room(fetch=[ImageUrls((URL, URL))], egress=egress, sanitise=refuse)
    failed = room.run()
    assert (failed.status, failed.refunded, failed.outputs) == (Status.ERROR, True, ())
    assert "no picture" in (failed.error or "")
    assert b"no picture" not in {item.content for item in room.files.objects.values()}


def test_a_download_is_tried_until_the_provider_deletes_it() -> None:
    room = Room(UPLOADING, egress=ScriptedHttp(answer(503)))
    room.clock.now = EXPIRY - 1
    with pytest.raises(FetchFailedError):
        room.run()
    room.clock.now = EXPIRY
    failed = room.run()
    assert (failed.status, failed.refunded) == (Status.ERROR, True)
    assert failed.error == (
        "The provider's result could not be downloaded before it expired; the last time: The URL answered 503."
    )


# ---- Pictures that a worker had in hand when it died


@pytest.mark.parametrize("outcome", [Images((RAW,)), Rendered((PICTURE,)), ImageUrls((URL,))])
def test_lost_pictures_are_asked_for_again(outcome: Outcome) -> None:
    room = Room(IN_HAND, fetch=[outcome])
    assert room.run().status is Status.SUCCESS
    assert [job.id for job in room.provider.fetched] == ["job-1"]


def test_lost_pictures_no_longer_at_the_provider_are_an_error() -> None:
    failed = Room(IN_HAND, fetch=[Failed("It is gone.")]).run()
    assert (failed.status, failed.error, failed.refunded) == (Status.ERROR, "It is gone.", True)


def test_lost_pictures_whose_urls_do_not_answer_come_again() -> None:
    room = Room(IN_HAND, fetch=[ImageUrls((URL,))], egress=ScriptedHttp(answer(503)))
    with pytest.raises(FetchFailedError):
        room.run()
    assert room.generation == IN_HAND


def test_a_finished_job_that_is_said_to_run_again_comes_again() -> None:
    with pytest.raises(ProviderBusyError):
        Room(IN_HAND, fetch=[Running()]).run()


# ---- What its client gave up

CANCELLED = replace(SUBMITTED, cancelled_at=NOW)


def test_a_cancelled_job_is_stopped_and_costs_its_possible_price() -> None:
    room = Room(CANCELLED, fetch=[Running()])
    ended = room.run()
    [job] = room.provider.cancelled
    assert (job.id, job.model, job.key) == ("job-1", "studio/xl", "old key")
    assert (ended.status, ended.error, ended.refunded) == (Status.ERROR, "cancelled", False)


def test_a_cancelled_job_at_a_free_provider_is_refunded() -> None:
    ended = Room(replace(CANCELLED, committed=False), fetch=[Failed("It was stopped.")]).run()
    assert (ended.error, ended.refunded) == ("cancelled", True)


@pytest.mark.parametrize("outcome", [Images((RAW,)), ImageUrls((URL,))])
@pytest.mark.parametrize("trouble", [None, ProviderRejectedError("It is over.")])
def test_a_result_that_was_there_first_is_kept(outcome: Outcome, trouble: Exception | None) -> None:
    assert Room(CANCELLED, fetch=[outcome], cancel=trouble).run().status is Status.SUCCESS


def test_a_cancelled_job_of_an_unreachable_provider_comes_again() -> None:
    room = Room(CANCELLED, cancel=ProviderBusyError("down"))
    with pytest.raises(ProviderBusyError):
        room.run()
    assert room.generation == CANCELLED


def test_a_job_that_nobody_gave_up_is_not_stopped() -> None:
    room = Room(fetch=[Running()])
    room.run()
    assert room.provider.cancelled == []
