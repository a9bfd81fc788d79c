"""Whatever dies, comes twice or meets another: one terminal state, one notification written, one paid call, no place
taken for ever.

A small world runs the real steps on the fakes. One step's run is killed before or after its n-th call, or another run
happens inside that call, for every n; then messages come again, reconcile runs twice, and everything is drained.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import pytest

from atelier.errors import (
    AtelierError,
    ConflictError,
    NotFoundError,
    NotPossibleError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderRejectedError,
)
from atelier.generations.cancel import Cancel
from atelier.generations.complete import Complete
from atelier.generations.dispatch import Dispatch, Workshop
from atelier.generations.ingest import Ingest
from atelier.generations.input_images import PrepareInputs, StoredInputs
from atelier.generations.model import (
    ANNOUNCE_AFTER,
    CLAIM_LEASE,
    FINAL,
    GRACE,
    POLL_EVERY,
    UPLOAD_LEASE,
    Generation,
    Status,
)
from atelier.generations.ports import take
from atelier.generations.provider_callback import ProviderCallback
from atelier.generations.reconcile import Reconcile
from atelier.images.download import Download
from atelier.outbound.circuit_breaker import CircuitBreaker
from atelier.outbound.http_client import HttpResponse
from atelier.providers.provider import (
    AsynchronousProvider,
    CallbackRequest,
    Images,
    ImageUrls,
    Provider,
    Rendered,
    Running,
    Submitted,
)
from atelier.webhooks.announce import Announce
from atelier.webhooks.deliver import Deliver
from atelier.webhooks.delivery import Announced, DeliveryStatus
from atelier.webhooks.events import deliveries_for
from tests.cases import each
from tests.unit.fakes import (
    BASE_URL,
    DEADLINE,
    NOW,
    PICTURE,
    RAW,
    Clock,
    InMemoryDeliveries,
    InMemoryFiles,
    InMemoryGenerations,
    InMemoryProviderKeys,
    InMemoryQueue,
    InMemoryTopic,
    Message,
    Scripted,
    ScriptedFetch,
    ScriptedHttp,
    ScriptedProvider,
    Table,
    a_catalog,
    a_generation,
    answer,
    convert,
    read_mask,
    sanitise,
    thumbnail,
)

URLS = ("https://cdn.example/1.png",)
LATER = 24 * 60_000
"""The dispatch queue's visibility timeout: longer than any lease and than the job's deadline."""
NEVER = 10**12
MAX_RECEIVES = 5
MOMENTS = (NOW + CLAIM_LEASE + 60_000, NOW + DEADLINE + GRACE + 120_000)
"""When reconcile runs: after the leases, and after the deadlines."""

Port = TypeVar("Port")


class Killed(BaseException):
    """The function died here; nobody catches this."""


class Faults:
    """Counts the calls of one run through all ports, and lets something happen at the n-th."""

    def __init__(self) -> None:
        self.calls = 0
        self.fired = False
        self._at: tuple[int, bool] | None = None
        self._event: Callable[[], None] = lambda: None

    def arm(self, n: int, *, after: bool, event: Callable[[], None]) -> None:
        """Let `event` happen before or after the n-th call from now on, once."""
        self.calls = 0
        self._at, self._event = (n, after), event

    def disarm(self) -> None:
        """Let nothing happen any more."""
        self._at = None

    def guard(self, port: Port) -> Port:
        """Wrap a port so that its calls count."""
        return cast("Port", _Guard(port, self))

    def around(self, call: Callable[[], Any]) -> Any:
        self.calls += 1
        before, after = ((self.calls, is_after) == self._at for is_after in (False, True))
        if before:
            self._happen()
        try:
            return call()
        finally:
            if after:
                self._happen()

    def _happen(self) -> None:
        self.disarm()
        self.fired = True
        self._event()


class _Guard:
    def __init__(self, port: Any, faults: Faults) -> None:
        self._port = port
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value
        return lambda *args, **options: self._faults.around(lambda: value(*args, **options))


def die() -> None:
    raise Killed


class World:
    """All steps on one table, their queues, and the stream; every port of theirs is guarded by `faults`."""

    def __init__(
        self,
        scene: "Scene",
        store: type[InMemoryGenerations],
        *,
        again: int,
        copies: int,
    ) -> None:
        self.scene = scene
        self.faults = Faults()
        self.clock = Clock()
        self.again = again
        self.table = Table()
        self.generations = store(self.table)
        self.queues = {name: InMemoryQueue(self.clock, copies=copies) for name in ("dispatch", "ingest", "delivery")}
        self.topic = InMemoryTopic(self.queues["delivery"])
        self.files = InMemoryFiles()
        self.receiver = ScriptedHttp(*scene.receiver)
        self.studio = ScriptedProvider("studio", submit=scene.submit, fetch=scene.fetch)
        self.other = ScriptedProvider("other", submit=scene.other, asynchronous=False, cancels=False)
        self.sketch = ScriptedProvider("sketch", submit=[Rendered((PICTURE,))], needs_key=False, charges=False)
        if scene.crowded:
            self.table.upstreams.breakers["provider:studio"] = CircuitBreaker(taken={0: NOW + CLAIM_LEASE})
        self.announced = 0
        self._wire()

    def _wire(self) -> None:
        guard, clock = self.faults.guard, self.clock
        generations, files, topic = guard(self.generations), guard(self.files), guard(self.topic)
        deliveries = guard(InMemoryDeliveries(self.table))
        dispatch_queue, ingest_queue, delivery_queue = (guard(queue) for queue in self.queues.values())
        known = (self.studio, self.other, self.sketch)
        providers: dict[str, AsynchronousProvider] = {provider.name: guard(provider) for provider in known}
        keys = guard(InMemoryProviderKeys({"studio": "the key", "other": "the other key"}))
        download = Download(guard(ScriptedHttp(answer(200, PICTURE.content))))
        finish = Complete(
            generations=generations, files=files, sanitise=sanitise, convert=convert, thumbnail=thumbnail, clock=clock
        )
        announce = Announce(deliveries=deliveries, topic=topic, base_url=BASE_URL)
        dispatch = Dispatch(
            generations=generations,
            queue=dispatch_queue,
            elsewhere=ingest_queue,
            ingest_queue=ingest_queue,
            providers=providers,
            gateways=lambda gateway: providers[gateway.name],
            keys=keys,
            ready=lambda route: True,
            catalog=lambda: replace(a_catalog(), concurrency={"studio": 1, "other": 1}),
            inputs=StoredInputs(files=files, base_url=BASE_URL),
            files=files,
            callback_base_url=BASE_URL,
            clock=clock,
            sleep=clock.sleep,
        )
        prepare = PrepareInputs(
            generations=generations,
            files=files,
            download=download,
            sanitise=sanitise,
            read_mask=read_mask,
            base_url=BASE_URL,
            clock=clock,
        )
        ingest = Ingest(
            generations=generations,
            files=files,
            workshop=replace(
                dispatch,
                queue=ingest_queue,
                elsewhere=dispatch_queue,
                workshop=Workshop(prepare=prepare, complete=finish),
            ),
            inputs=StoredInputs(files=files, base_url=BASE_URL),
            providers=providers,
            keys=keys,
            catalog=a_catalog,
            download=download,
            queue=ingest_queue,
            finish=finish,
            clock=clock,
        )
        deliver = Deliver(
            deliveries=deliveries,
            queue=lambda: delivery_queue,
            egress=guard(self.receiver),
            secrets=lambda _user_id, _now: ("whsec_c2lnbmluZyBrZXk=",),
            base_url=BASE_URL,
            source="artificial-studio",
            clock=clock,
        )
        self.callback = ProviderCallback(
            generations=generations, queue=ingest_queue, providers=providers, keys=lambda: keys
        )
        kinds = cast("dict[str, type[Provider]]", providers)
        self.cancel = Cancel(generations=generations, ingest_queue=ingest_queue, kinds=kinds, clock=clock)
        self.reconcile = Reconcile(
            generations=generations,
            schedule=generations,
            dispatch_queue=dispatch_queue,
            ingest_queue=ingest_queue,
            delivery_queue=delivery_queue,
            announce=announce,
            clock=clock,
        )
        self.announce = announce

        def attempt(message: Message) -> object:
            if announced := message.believed():
                with suppress(ConflictError):
                    return deliver.begin(announced.delivery)
            return deliver(*deliveries.find(message.generation_id))

        def read(message: Message) -> Callable[[], Generation]:
            return lambda: generations.get(message.generation_id)

        self.steps: dict[str, Callable[[Message], object]] = {
            "dispatch": lambda message: take(message.believed(), read(message), dispatch),
            "ingest": lambda message: take(message.believed(), read(message), ingest),
            "delivery": attempt,
        }

    # ---- One thing at a time

    def act(self) -> None:
        """Let the scene's step have one turn."""
        match self.scene.turn:
            case "stream":
                self.take_stream()
            case "reconcile":
                self.reconcile_once()
            case "cancel":
                self.give_up()
            case kind:
                self.take(kind)

    def take(self, kind: str) -> bool:
        """Run a queue's step on its next message, if there is one; an error brings the message back."""
        message = self.queues[kind].receive()
        if message is None:
            return False
        try:
            self.steps[kind](message)
        except (ConflictError, NotFoundError):
            pass
        except (AtelierError, Killed):
            self._come_again(kind, message)
        return True

    def take_stream(self) -> bool:
        """Announce the stream's next record, if there is one; an error brings it back at once, unless never."""
        number = self.announced
        if number >= len(self.table.finished):
            return False
        try:
            self.announce(self.table.finished[number])
        except ConflictError:
            pass
        except Killed:
            if self.again != NEVER:
                return True
        self.announced = max(self.announced, number + 1)
        return True

    def call_back(self) -> None:
        """Let the provider call back for the job that it was given."""
        request = CallbackRequest(headers={}, body=b"job-1", received_at=1)
        self.callback("studio", GENERATION.id, GENERATION.callback_token, request)

    def give_up(self) -> None:
        """Let the client cancel the generation; a run that dies, or comes too late, is not made up for."""
        with suppress(Killed, NotPossibleError):
            self.cancel(GENERATION.id)

    def reconcile_once(self) -> None:
        """Run reconcile; a run that dies is not made up for."""
        with suppress(Killed):
            list(self.reconcile())

    def _come_again(self, kind: str, message: Message) -> None:
        if message.receives < MAX_RECEIVES and self.again != NEVER:
            self.queues[kind].put_back(message, after=self.again)

    # ---- Everything

    def drain(self) -> None:
        """Work until nothing is left that can be done now."""
        while any([self.take_stream(), *map(self.take, self.queues)]):
            pass

    def settle(self) -> None:
        """Let everything come to rest, with the provider's callback (if any) and the scene's runs of reconcile."""
        self.drain()
        if self.scene.calls_back and self.studio.submitted:
            self.call_back()
            self.drain()
        for run in range(self.scene.runs):
            self.clock.now = max(MOMENTS[min(run, 1)], self.clock.now + CLAIM_LEASE + 60_000)
            self.drain()
            self.reconcile_once()
            self.drain()
        self.clock.now += CLAIM_LEASE
        self.drain()

    @property
    def generation(self) -> Generation:
        return self.table.generations[GENERATION.id]


GENERATION = a_generation()
SUBMITTED = a_generation(
    status=Status.PROCESSING,
    version=2,
    tries=1,
    provider="studio",
    committed=True,
    job_id="job-1",
    deadline_at=NOW + DEADLINE,
    due_at=NOW + POLL_EVERY,
)
UPLOADING = a_generation(
    status=Status.UPLOADING,
    version=3,
    tries=1,
    provider="studio",
    committed=True,
    job_id="job-1",
    sources=URLS,
    sources_until=NOW + DEADLINE,
    deadline_at=NOW + DEADLINE,
    due_at=NOW + UPLOAD_LEASE,
)


@dataclass(frozen=True)
class Scene:
    """Whose turn it is, on what, and how the world outside behaves.

    `lost` allows an error in the end: where the provider's answer may be lost and it never calls back. `crowded`: a
    worker that died has left its provider without a place.
    """

    name: str
    turn: str
    start: Generation
    submit: tuple[Scripted, ...] = (Submitted("job-1"),)
    fetch: tuple[ScriptedFetch, ...] = (ImageUrls(URLS),)
    other: tuple[Scripted, ...] = (Images((RAW,)),)
    crowded: bool = False
    calls_back: bool = True
    receiver: tuple[HttpResponse | Exception, ...] = (answer(200),)
    lost: bool = False
    most_submits: int = 1
    runs: int = 2

    def __str__(self) -> str:
        return self.name

    def world(
        self, store: type[InMemoryGenerations] = InMemoryGenerations, *, again: int = 0, copies: int = 1
    ) -> World:
        """Make a world in which the step's turn has come."""
        world = World(self, store, again=again, copies=copies)
        world.generations.add(self.start)
        if self.turn == "stream":
            world.table.finished.append(self.start)
        elif self.turn == "reconcile":
            world.clock.now = MOMENTS[0]
        elif self.turn == "cancel":
            pass
        else:
            world.queues[self.turn].send(self.start.id, known=self.known)
        if self.start is ANNOUNCED:  # which put its delivery on the agenda
            world.table.deliveries = {
                (item.generation_id, item.event): item for item in deliveries_for(ANNOUNCED, {}, BASE_URL)
            }
        return world

    @property
    def known(self) -> Generation | Announced:
        """What the message of the step's turn knows."""
        if self.turn == "delivery":
            return Announced(deliveries_for(self.start, {}, BASE_URL)[0], self.start.correlation_id)
        return self.start

    def calls(self) -> range:
        """Number the calls that the step makes when nothing goes wrong."""
        world = self.world()
        world.act()
        return range(1, world.faults.calls + 1)


FINISHED = a_generation(status=Status.SUCCESS, version=4, finished_at=NOW, due_at=NOW + ANNOUNCE_AFTER)
ANNOUNCED = a_generation(status=Status.SUCCESS, version=5, finished_at=NOW, due_at=None)
FREE = a_generation(model="free")
SHARED = a_generation(model="shared")
AT_ONCE = a_generation(model="at-once")
WITH_PICTURES = a_generation(payload={"prompt": "as this", "image_urls": ["https://client.example/1.png"]})
IN_HAND = replace(UPLOADING, sources=(), sources_until=None)
CANCELLED = replace(SUBMITTED, cancelled_at=NOW)
DYING = {"deadline_at": NOW + DEADLINE, "tries": 1, "version": 2, "due_at": NOW + 60_000}

FREE_OF_CHARGE = Scene("dispatch to sketch", "dispatch", FREE)
ASYNCHRONOUS = Scene("dispatch, asynchronous", "dispatch", a_generation())
DISPATCH = [
    FREE_OF_CHARGE,
    ASYNCHRONOUS,
    Scene("dispatch, asynchronous, no callback", "dispatch", a_generation(), calls_back=False, lost=True),
    Scene("dispatch, finished at once", "dispatch", a_generation(), (Images((RAW,)),), calls_back=False, lost=True),
    Scene("dispatch, located", "dispatch", a_generation(), (ImageUrls(URLS),), calls_back=False, lost=True),
    Scene("dispatch, refused", "dispatch", a_generation(), (ProviderRejectedError("no"),), lost=True, calls_back=False),
    Scene(
        "dispatch, busy",
        "dispatch",
        a_generation(),
        (ProviderBusyError("busy"), Submitted("job-1")),
        calls_back=False,
        lost=True,
        most_submits=2,
        runs=4,
    ),
    Scene("dispatch, fallback", "dispatch", SHARED, (ProviderBusyError("busy"),), calls_back=False, lost=True),
    Scene("dispatch, synchronous", "dispatch", AT_ONCE, calls_back=False, lost=True),
    Scene(
        "dispatch, synchronous, answer lost",
        "dispatch",
        AT_ONCE,
        other=(OutcomeUnknownError("lost"),),
        calls_back=False,
        lost=True,
    ),
    Scene("dispatch, client's pictures", "dispatch", WITH_PICTURES, calls_back=False, lost=True),
    Scene("dispatch, no place", "dispatch", a_generation(), crowded=True, calls_back=False, lost=True),
]
TOLD = Scene("ingest, told", "ingest", replace(SUBMITTED, webhook_events=(Status.UPLOADING, *FINAL)))
"""Its webhook wants to hear that it is uploading, so that is written first."""
DRAWN = Scene("ingest, drawn", "ingest", FREE)
INGEST = [
    DRAWN,
    Scene("ingest, with pictures", "ingest", WITH_PICTURES),
    Scene("ingest", "ingest", SUBMITTED),
    Scene("ingest, bytes", "ingest", SUBMITTED, fetch=(Images((RAW,)),)),
    Scene("ingest, interrupted", "ingest", UPLOADING),
    Scene("ingest, interrupted with the bytes in hand", "ingest", IN_HAND, fetch=(Images((RAW,)),)),
    Scene("ingest, cancelled", "ingest", CANCELLED, fetch=(Running(),), lost=True),
    Scene("ingest, cancelled too late", "ingest", CANCELLED),
]
CANCEL = [
    Scene("cancel, pending", "cancel", FREE, lost=True),
    Scene("cancel, processing", "cancel", SUBMITTED, fetch=(Running(),), lost=True),
]
DELIVER = [
    Scene("deliver", "delivery", ANNOUNCED),
    Scene("deliver, refused once", "delivery", ANNOUNCED, receiver=(answer(500), answer(200))),
]
ANNOUNCE = [Scene("announce", "stream", FINISHED)]
RECONCILE = [
    Scene("reconcile, pending", "reconcile", FREE),
    Scene("reconcile, claimed", "reconcile", a_generation(**DYING, model="free", status=Status.PROCESSING)),
    Scene("reconcile, submitted", "reconcile", SUBMITTED),
    Scene("reconcile, uploading", "reconcile", UPLOADING),
    Scene("reconcile, uploading with the bytes in hand", "reconcile", IN_HAND, fetch=(Images((RAW,)),)),
    Scene("reconcile, cancelled", "reconcile", CANCELLED, fetch=(Running(),), lost=True),
    Scene("reconcile, finished", "reconcile", FINISHED),
    Scene(
        "reconcile, answer lost",
        "reconcile",
        a_generation(**DYING, status=Status.PROCESSING, committed=True),
        lost=True,
    ),
]
SCENES = DISPATCH + INGEST + CANCEL + DELIVER + ANNOUNCE + RECONCILE
STEPS = DISPATCH + INGEST + DELIVER + ANNOUNCE


def moments(scenes: list[Scene]) -> list[Any]:
    """List each scene with each of its calls, before and after it."""
    return [
        pytest.param(scene, n, after, id=f"{scene}, {'after' if after else 'before'} {n}")
        for scene in scenes
        for n in scene.calls()
        for after in (False, True)
    ]


def assert_at_rest(world: World) -> None:
    """One terminal state, one notification written, one paid call at most, nothing lost, and no place still taken."""
    scene, generation = world.scene, world.generation
    assert generation.status.final
    transitions = len(world.table.finished) if not scene.start.status.final or scene.turn == "stream" else 1
    assert transitions == 1
    assert len(world.studio.submitted) <= scene.most_submits
    assert len(world.other.submitted) <= 1
    assert world.table.upstreams.taken(world.clock.now) == 0

    assert generation.due_at is None
    assert world.topic.published or scene.start is ANNOUNCED
    delivery = world.table.deliveries[generation.id, generation.status]
    assert (delivery.status, delivery.due_at) == (DeliveryStatus.DELIVERED, None)
    assert world.receiver.requests
    assert len({request.content for request in world.receiver.requests}) == 1
    assert len({request.headers["webhook-id"] for request in world.receiver.requests}) == 1
    assert {output.key for output in generation.outputs if output.key not in world.files.objects} == set()


# ---- Killed


def deaths() -> list[Any]:
    """List every place to die, with what becomes of the message."""
    fates = {0: "comes again at once", LATER: "comes again later", NEVER: "is lost"}
    return [
        pytest.param(*moment.values, again, id=f"{moment.id}, {fate}")
        for moment in moments(SCENES)
        for again, fate in fates.items()
    ]


@each(("scene", "n", "after", "again"), deaths())
def test_a_function_may_be_killed_between_any_two_of_its_calls(scene: Scene, n: int, after: bool, again: int) -> None:
    world = scene.world(again=again)
    world.faults.arm(n, after=after, event=die)
    world.act()
    assert world.faults.fired
    world.settle()

    assert_at_rest(world)
    if (world.studio.submitted and scene.calls_back) or not (scene.lost or scene is ASYNCHRONOUS):
        assert world.generation.status is Status.SUCCESS


@pytest.mark.parametrize("scene", [FREE_OF_CHARGE, ASYNCHRONOUS], ids=str)
def test_a_function_may_be_killed_again_and_again(scene: Scene) -> None:
    """Each run dies one call further on than the one before, and reconcile runs in between."""
    world = scene.world()
    for n in range(1, 15):
        world.faults.arm(n, after=False, event=die)
        world.act()
        world.faults.disarm()
        world.clock.now += CLAIM_LEASE + 60_000
        world.reconcile_once()
    world.settle()
    assert_at_rest(world)


# ---- Twice


@each("scene", STEPS, ids=str)
@each("copies", [2, 5])
def test_every_message_may_come_several_times_in_a_row(scene: Scene, copies: int) -> None:
    world = scene.world(copies=copies)
    world.settle()
    assert_at_rest(world)
    assert len(world.receiver.requests) == len(scene.receiver)


@each("scene", STEPS, ids=str)
def test_a_message_may_come_again_when_everything_is_over(scene: Scene) -> None:
    world = scene.world()
    world.settle()
    before = (world.generation, len(world.studio.submitted), len(world.receiver.requests))
    for queue in world.queues.values():
        queue.send(world.generation.id)
    world.drain()
    assert (world.generation, len(world.studio.submitted), len(world.receiver.requests)) == before
    assert_at_rest(world)


# ---- At once


def meet(scene: Scene, n: int, after: bool, store: type[InMemoryGenerations] = InMemoryGenerations) -> World:
    """Run a step on one message twice, the second run within the first one's n-th call."""
    world = scene.world(store, copies=2)
    world.faults.arm(n, after=after, event=world.act)
    world.act()
    world.settle()
    return world


@each(("scene", "n", "after"), moments(SCENES))
def test_two_runs_may_meet(scene: Scene, n: int, after: bool) -> None:
    world = meet(scene, n, after)
    assert_at_rest(world)
    assert len(world.receiver.requests) == len(scene.receiver)


@each(("scene", "n", "after"), moments([FREE_OF_CHARGE, ASYNCHRONOUS, *INGEST]))
def test_a_callback_may_meet_any_step(scene: Scene, n: int, after: bool) -> None:
    """The callback's own ingest runs to its end within the step's n-th call."""
    world = scene.world()

    def call_back() -> None:
        if world.studio.submitted or scene.start.provider:
            world.call_back()
            world.take("ingest")

    world.faults.arm(n, after=after, event=call_back)
    world.act()
    world.settle()
    assert_at_rest(world)
    assert scene.lost or world.generation.status is Status.SUCCESS


@each(("scene", "n", "after"), moments(STEPS))
def test_a_run_may_wake_up_after_its_lease_and_deadline(scene: Scene, n: int, after: bool) -> None:
    """Reconcile and all that follows from it happens within the step's n-th call."""
    world = scene.world()

    def sleep() -> None:
        for moment in MOMENTS:
            world.clock.now = moment
            world.reconcile_once()
            world.drain()

    world.faults.arm(n, after=after, event=sleep)
    world.act()
    world.settle()
    assert_at_rest(world)


@each(("scene", "n", "after"), moments([*DISPATCH, *INGEST]))
def test_a_client_may_give_up_at_any_moment(scene: Scene, n: int, after: bool) -> None:
    """The client cancels within the step's n-th call, and no answer of a provider is lost by it."""
    world = scene.world()
    world.faults.arm(n, after=after, event=world.give_up)
    world.act()
    world.settle()
    assert_at_rest(world)
    if world.generation.error != "cancelled" and not scene.lost:
        assert world.generation.status is Status.SUCCESS


# ---- Why it holds


class Unconditional(InMemoryGenerations):
    """A store that forgot its condition."""

    def condition(self, current: Generation, before: Generation) -> bool:
        return True


@pytest.mark.parametrize("scene", [DRAWN, TOLD], ids=str)
def test_without_the_condition_a_generation_finishes_twice(scene: Scene) -> None:
    def transitions(store: type[InMemoryGenerations]) -> set[int]:
        worlds = [meet(scene, n, after, store) for n in scene.calls() for after in (False, True)]
        return {len(world.table.finished) for world in worlds}

    assert transitions(InMemoryGenerations) == {1}
    assert 2 in transitions(Unconditional)


def test_without_the_condition_a_provider_is_paid_twice() -> None:
    def submits(store: type[InMemoryGenerations]) -> int:
        scene = ASYNCHRONOUS
        return max(len(meet(scene, n, False, store).studio.submitted) for n in scene.calls())

    assert submits(InMemoryGenerations) == 1
    assert submits(Unconditional) == 2
