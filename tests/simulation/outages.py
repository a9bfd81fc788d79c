"""Days without a provider or a receiver, in simulated time: the real use cases on stores in memory."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from atelier.clock import MINUTE, SECOND
from atelier.errors import AtelierError, ConflictError, FetchFailedError, OutcomeUnknownError, ProviderBusyError
from atelier.generations.complete import Complete
from atelier.generations.dispatch import Dispatch
from atelier.generations.ingest import Ingest
from atelier.generations.input_images import StoredInputs
from atelier.generations.model import Generation, Status, new_id
from atelier.generations.reconcile import Reconcile
from atelier.images.download import Download
from atelier.outbound.http_client import HttpResponse
from atelier.providers.provider import ImageUrls, Job, Outcome, Submitted
from atelier.webhooks.announce import Announce
from atelier.webhooks.deliver import Deliver
from atelier.webhooks.delivery import Delivery, DeliveryStatus
from tests.simulation.timeline import TimedQueue, Timeline
from tests.unit.fakes import (
    BASE_URL,
    DEADLINE,
    NOW,
    PICTURE,
    InMemoryDeliveries,
    InMemoryFiles,
    InMemoryGenerations,
    InMemoryProviderKeys,
    InMemoryTopic,
    ScriptedHttp,
    ScriptedProvider,
    a_catalog,
    a_generation,
    answer,
    convert,
    sanitise,
    thumbnail,
)

HANG = 10 * SECOND
"""How long an attempt takes that nobody answers."""


# ---- A receiver's host is down


@dataclass
class Host:
    """A webhook's host, which takes no connection before `up_at`; remembers the attempts of each generation."""

    timeline: Timeline
    up_at: int
    attempts: dict[str, list[int]] = field(default_factory=dict)

    def post(self, url: str, *, headers: Any, content: bytes, timeout: float, keep_bytes: int) -> HttpResponse:
        """Take a webhook, or let it hang."""
        self.attempts.setdefault(headers["X-Media-Id"], []).append(self.timeline())
        if self.timeline() >= self.up_at:
            self.timeline.sleep(SECOND // 10)
            return answer(200)
        self.timeline.sleep(HANG)
        raise FetchFailedError("It did not answer.", sent=True)


class Webhooks:
    """Deliveries of one user to one host, one a second, with reconcile each minute."""

    def __init__(self, count: int, *, down: int) -> None:
        self.timeline = timeline = Timeline()
        self.generations = InMemoryGenerations()
        self.deliveries = InMemoryDeliveries(self.generations.table)
        self.host = Host(timeline, NOW + down)
        self.runs: Counter[str] = Counter()
        self.ended: dict[str, int] = {}
        self.queue = TimedQueue(timeline, self._take, workers=90)
        egress: Any = self.host
        self._deliver = Deliver(
            deliveries=self.deliveries, queue=lambda: self.queue, egress=egress, base_url=BASE_URL, source="atelier",
            secrets=lambda *_: ("whsec_c2lnbmluZyBrZXk=",), clock=timeline,
        )  # fmt: skip
        self._reconcile = Reconcile(
            generations=self.generations, schedule=self.generations, dispatch_queue=self.queue,
            ingest_queue=self.queue, delivery_queue=self.queue, clock=timeline,
            announce=Announce(deliveries=self.deliveries, topic=InMemoryTopic(), base_url=BASE_URL),
        )  # fmt: skip
        for number in range(count):
            at = NOW + number * SECOND
            made = a_generation(id=new_id(at), status=Status.SUCCESS, due_at=None, created_at=at, finished_at=at)
            self.generations.table.generations[made.id] = made
            timeline.at(at, lambda made=made: self.queue.send(made.id))  # type: ignore[misc]
        timeline.at(NOW + MINUTE, self._minute)

    def _take(self, generation_id: str) -> bool:
        self.runs[generation_id] += 1
        try:
            handled = self._deliver(*self.deliveries.find(generation_id))
        except ConflictError:
            return True
        if handled and handled.delivery.status is not DeliveryStatus.PENDING:
            self.ended[generation_id] = self.timeline() - int(generation_id[:12], 16)
        return True

    def _minute(self) -> None:
        for _ in self._reconcile():
            pass
        self.timeline.at(self.timeline() + MINUTE, self._minute)

    @property
    def all(self) -> list[Delivery]:
        return list(self.generations.table.deliveries.values())


# ---- A provider is down, or hangs


class Outage:
    """A provider in simulated time: before `up_at` it refuses at once, or takes jobs and never answers.

    It calls back for each job after `work`, however it answered. `called` counts calls that may cost.
    """

    def __init__(self, timeline: Timeline, *, up_at: int, hangs: bool, work: int) -> None:
        self.called = self.checked = 0
        self.call_back: Callable[[str], None] = lambda _: None
        self._timeline = timeline
        self._up_at = up_at
        self._hangs = hangs
        self._work = work

    def submit(self, job: Job) -> Outcome:
        """Take a job, or not."""
        self.called += 1
        down = self._timeline() < self._up_at
        if down and not self._hangs:
            self._timeline.sleep(SECOND // 5)
            raise ProviderBusyError("The provider studio is busy.")
        generation_id = job.callback_url.split("/")[-2]
        self._timeline.at(self._timeline() + self._work, lambda: self.call_back(generation_id))
        self._timeline.sleep(30 * SECOND if down else SECOND)
        if down:
            raise OutcomeUnknownError("The provider studio did not answer.")
        return Submitted(f"job-{generation_id}")

    def check(self, key: str | None) -> None:
        """Answer the free call, where it hangs too; it is a frontend's, and the jobs' own part that hangs."""
        self.checked += 1
        self._timeline.sleep(SECOND // 5)
        if self._timeline() < self._up_at and not self._hangs:
            raise ProviderBusyError("The provider studio is busy.")


class Generating:
    """Generations that were all accepted at once, with reconcile each minute."""

    def __init__(
        self, count: int, *, down: int, hangs: bool, model: str = "paid-only", work: int = 20 * SECOND
    ) -> None:
        self.timeline = timeline = Timeline()
        self.generations = generations = InMemoryGenerations()
        self.runs: Counter[str] = Counter()
        self.outage = Outage(timeline, up_at=NOW + down, hangs=hangs, work=work)
        studio = ScriptedProvider("studio", fetch=[ImageUrls(("https://cdn.example/1.png",))])
        studio.submit, studio.check = self.outage.submit, self.outage.check  # type: ignore[method-assign]
        self.outage.call_back = self._call_back
        other = ScriptedProvider("other", submit=[ImageUrls(("https://cdn.example/2.png",))])
        files, keys = InMemoryFiles(), InMemoryProviderKeys({"studio": "key", "other": "key"})
        inputs = StoredInputs(files=files, base_url=BASE_URL)
        self.queue = TimedQueue(timeline, self._dispatch, workers=90)
        self.ingest_queue = TimedQueue(timeline, self._ingest, workers=90)
        named = {"studio": studio, "other": other}
        self._step = Dispatch(
            generations=generations, queue=self.queue, elsewhere=self.ingest_queue, ingest_queue=self.ingest_queue,
            providers=named, keys=keys, ready=lambda route: route.provider in named,
            catalog=a_catalog, inputs=inputs, files=files,
            callback_base_url=BASE_URL, gateways=lambda gateway: studio, clock=timeline,
        )  # fmt: skip
        self._bring_home = Ingest(
            generations=generations, files=files, workshop=lambda pending: pending, providers=named,
            keys=keys, catalog=a_catalog, inputs=inputs,
            download=Download(ScriptedHttp(answer(200, PICTURE.content))), clock=timeline,
            queue=self.ingest_queue,
            finish=Complete(
                generations=generations, files=files, sanitise=sanitise, convert=convert, thumbnail=thumbnail,
                clock=timeline,
            ),
        )  # fmt: skip
        self._reconcile = Reconcile(
            generations=generations, schedule=generations, dispatch_queue=self.queue, ingest_queue=self.ingest_queue,
            delivery_queue=self.queue, announce=lambda done: None, clock=timeline,
        )  # fmt: skip
        for number in range(count):
            made = a_generation(id=new_id(NOW + number), model=model, claim_by=NOW + DEADLINE, webhook=None)
            generations.add(made)
            self.queue.send(made.id)
        timeline.at(NOW + MINUTE, self._minute)

    def _dispatch(self, generation_id: str) -> bool:
        self.runs[generation_id] += 1
        return self._done(lambda: self._step(self.generations.get(generation_id)))

    def _ingest(self, generation_id: str) -> bool:
        return self._done(lambda: self._bring_home(self.generations.get(generation_id)))

    def _done(self, step: Callable[[], object]) -> bool:
        try:
            step()
        except ConflictError:
            return True
        except AtelierError:
            return False
        return True

    def _call_back(self, generation_id: str) -> None:
        self.generations.record_job(generation_id, provider="studio", job_id=f"job-{generation_id}")
        self.ingest_queue.send(generation_id)

    def _minute(self) -> None:
        for _ in self._reconcile():
            pass
        self.timeline.at(self.timeline() + MINUTE, self._minute)

    def run(self, minutes: int) -> None:
        self.timeline.run(NOW + minutes * MINUTE)

    @property
    def all(self) -> list[Generation]:
        return list(self.generations.table.generations.values())

    def statuses(self) -> Counter[Status]:
        return Counter(item.status for item in self.all)

    def waited(self) -> list[int]:
        return sorted((item.finished_at or 0) - item.created_at for item in self.all if item.finished_at)
