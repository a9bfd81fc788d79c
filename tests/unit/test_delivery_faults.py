"""Many generations, and a fault between every two steps: each is delivered, or dead and visible.

A small world runs the real steps on the fakes, from the stream to the last attempt, four days of its clock long. Until
72 hours have passed, any call of any port may be the one at which the function dies, before or after it, or whose
answer is lost; messages come twice, or never, or fail five times and are given up. Some receivers are down as long.
"""

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, TypeVar, cast

import pytest

from atelier.clock import HOUR, MINUTE, SECOND
from atelier.errors import AtelierError, ConflictError, FetchFailedError, FetchRefusedError, UnavailableError
from atelier.generations.model import Generation, Status
from atelier.generations.ports import Queue
from atelier.generations.reconcile import Reconcile
from atelier.outbound import circuit_breaker
from atelier.outbound.http_client import HttpResponse
from atelier.webhooks import schedule as schedule_module
from atelier.webhooks.announce import Announce, Notify
from atelier.webhooks.deliver import Deliver
from atelier.webhooks.delivery import Announced, Attempt, Delivery, DeliveryStatus
from atelier.webhooks.events import events
from atelier.webhooks.schedule import SCHEDULE
from tests.soak import size
from tests.unit.fakes import (
    BASE_URL,
    NOW,
    Clock,
    InMemoryDeliveries,
    InMemoryGenerations,
    InMemoryTopic,
    Table,
    a_generation,
    answer,
)

GENERATIONS = size(soak=1_000, test=250)
HOSTS = 50
FAULTS_UNTIL = NOW + 72 * HOUR
CHANCE = 0.02
"""Of each kind of fault, at each call."""
MAX_RECEIVES = 5
VISIBILITY = 3 * MINUTE
RECONCILE_EVERY = 5 * MINUTE
Port = TypeVar("Port")


class Killed(BaseException):
    """The function died here; nobody catches this."""


@dataclass
class Chaos:
    """Lets calls of ports go wrong, and counts what went wrong where."""

    clock: Clock
    dice: random.Random
    happened: Counter[tuple[str, str]] = field(default_factory=Counter)

    def guard(self, port: Port) -> Port:
        """Wrap a port."""
        return cast("Port", _Guard(port, self))

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        self._maybe(name, "killed before", Killed())
        self._maybe(name, "out of reach", UnavailableError("out of reach"))
        result = call()
        self._maybe(name, "killed after", Killed())
        self._maybe(name, "answer lost", UnavailableError("answer lost"))
        return result

    def _maybe(self, name: str, what: str, error: BaseException) -> None:
        if self.clock.now < FAULTS_UNTIL and self.dice.random() < CHANCE:
            self.happened[name, what] += 1
            raise error


class _Guard:
    def __init__(self, port: Any, chaos: Chaos) -> None:
        self._port = port
        self._chaos = chaos

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        label = f"{type(self._port).__name__}.{name}"
        return lambda *args, **options: self._chaos.around(label, lambda: value(*args, **options))


DEAD_HOSTS = range(5)
"""They never take anything, each in its own way."""
DOWN_HOSTS = range(5, 10)
"""For 72 hours."""
TROUBLED_HOSTS = range(10, 25)


class Receivers:
    """The webhooks, on fifty hosts: what they took, and what they were sent, under each `webhook-id`."""

    def __init__(self, clock: Clock, dice: random.Random) -> None:
        self._clock = clock
        self._dice = dice
        self.taken: set[str] = set()
        self.bodies: dict[str, set[bytes]] = defaultdict(set)
        self.timestamps: dict[str, list[str]] = defaultdict(list)

    def send(self, *_: Any, **__: Any) -> HttpResponse:
        raise AssertionError("a webhook is posted")

    def post(
        self, url: str, *, headers: Mapping[str, str], content: bytes, timeout: float, keep_bytes: int
    ) -> HttpResponse:
        name = headers["webhook-id"]
        self.bodies[name].add(content)
        self.timestamps[name].append(headers["webhook-timestamp"])
        result = self._answer(int(url.split(".")[0].removeprefix("https://host")))
        if isinstance(result, Exception):
            raise result
        if result.status == 200:
            self.taken.add(name)
        return result

    def _answer(self, host: int) -> HttpResponse | Exception:
        match host:
            case 0:
                return answer(500, b"\xff" * 99_999)
            case 1:
                return answer(302, location="https://elsewhere.example/")
            case 2:
                return answer(410)
            case 3:
                return FetchRefusedError("The URL leads to an address that is not public.")
            case 4:
                self._clock.now += 10 * SECOND
                return FetchFailedError("There was no whole answer within 10 s.", sent=True)
            case _ if host in DOWN_HOSTS and self._clock.now < FAULTS_UNTIL:
                return answer(503)
            case _ if host in TROUBLED_HOSTS and self._dice.random() < 0.3:
                return answer(self._dice.choice((404, 429, 500)), retry_after=self._dice.choice(("", "600", "soon")))
            case _:
                return answer(200)


@dataclass
class Letter:
    """A message, or a record of the stream, and how often it was received."""

    content: Any
    receives: int = 0
    announced: Announced | None = None


class Mail:
    """The Queue port onto the world's calendar; some messages come twice, some never."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def send(self, generation_id: str, *, delay: int = 0, known: Any = None) -> None:
        copies = self._world.dice.choices((0, 1, 2), (3, 92, 5))[0]
        self._world.lost += copies == 0
        for _ in range(copies):
            self._world.plan(delay * SECOND, self._world.take_message, Letter(generation_id, announced=known))


class NoQueue:
    """The queues of the steps before the end, whose work nobody has left undone here."""

    def send(self, generation_id: str, *, delay: int = 0, known: Any = None) -> None:
        raise AssertionError("nothing is overdue before its end")


class World:
    """The steps, their queue and their stream, on a calendar."""

    def __init__(self, seed: int) -> None:
        self.dice, self.clock, self.table = random.Random(seed), Clock(), Table()
        self.chaos = Chaos(self.clock, self.dice)
        self.receivers = Receivers(self.clock, self.dice)
        self.generations = InMemoryGenerations(self.table)
        self.topic = InMemoryTopic(cast("Any", Mail(self)))
        self.lost = 0
        self._calendar: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._order = count()
        guard = self.chaos.guard
        mail: Queue = guard(Mail(self))
        generations, deliveries = guard(self.generations), guard(InMemoryDeliveries(self.table))
        announce = Announce(deliveries=deliveries, topic=guard(self.topic), base_url=BASE_URL)
        self._notify = Notify(announce=announce, queue=lambda: mail)
        self._find = deliveries.find
        self._deliver = Deliver(
            deliveries=deliveries,
            queue=lambda: mail,
            egress=guard(self.receivers),
            secrets=lambda _user_id, _now: ("whsec_c2lnbmluZyBrZXk=",),
            base_url=BASE_URL,
            source="artificial-studio",
            clock=self.clock,
        )
        self._reconcile = Reconcile(
            generations=generations,
            schedule=generations,
            dispatch_queue=NoQueue(),
            ingest_queue=NoQueue(),
            delivery_queue=mail,
            announce=announce,
            clock=self.clock,
        )

    def plan(self, wait: int, do: Callable[[Any], None], what: Any = None) -> None:
        """Write something into the calendar."""
        heapq.heappush(self._calendar, (self.clock.now + wait, next(self._order), do, what))

    def run(self) -> None:
        """Work until nothing is left that will ever be done."""
        self.plan(RECONCILE_EVERY, self.reconcile)
        while self._calendar:
            at, _, do, what = heapq.heappop(self._calendar)
            self.clock.now = max(self.clock.now, at)
            do(what)

    def live(self, generation: Generation) -> None:
        """Plan a generation's whole way."""
        fails, now = self.dice.random() < 0.2, self.clock
        steps: list[Callable[[Generation], Generation]] = [
            lambda it: it.claimed("studio", "xl", committed=True, now=now(), deadline=10 * MINUTE),
            lambda it: it.uploading(now()),
            lambda it: it.failed("no", now()) if fails else it.succeeded((), "outputs/t.webp", now()),
        ]

        def begin(_: None) -> None:
            self.generations.add(replace(generation, created_at=now(), due_at=now() + MINUTE))
            self._changed()

        def move(step: Callable[[Generation], Generation]) -> None:
            before = self.table.generations[generation.id]
            self.generations.advance(before, step(before))
            self._changed()

        start = self.dice.randrange(30 * MINUTE)
        self.plan(start, begin)
        for step in steps:
            start += self.dice.randrange(1, 15 * SECOND)
            self.plan(start, move, step)

    def _changed(self) -> None:
        self.plan(self.dice.randrange(1, SECOND), self.take_change, Letter(self.table.moved[-1]))

    def take_change(self, letter: Letter) -> None:
        """Run notify, as the stream does."""
        self._take(letter, lambda: self._notify(letter.content), self.take_change, SECOND)

    def take_message(self, letter: Letter) -> None:
        """Run deliver, as its queue does."""

        def attempt() -> object:
            if letter.announced and letter.receives == 1:
                with suppress(ConflictError):
                    return self._deliver.begin(letter.announced.delivery)
            return self._deliver(*self._find(letter.content))

        self._take(letter, attempt, self.take_message, VISIBILITY)

    def _take(self, letter: Letter, run: Callable[[], object], again: Callable[[Letter], None], wait: int) -> None:
        letter.receives += 1
        try:
            run()
        except ConflictError:
            return
        except (AtelierError, Killed):
            if letter.receives < MAX_RECEIVES:
                self.plan(wait, again, letter)
            else:
                self.lost += 1

    def reconcile(self, _: None) -> None:
        """Run reconcile as long as there is something that will be due."""
        with suppress(Killed, UnavailableError):
            list(self._reconcile())
        if self._calendar or self.schedule():
            self.plan(RECONCILE_EVERY, self.reconcile)

    def schedule(self) -> list[int]:
        """List when something will be due."""
        times = [item.due_at for item in self.table.generations.values()]
        times += [item.due_at for item in self.table.deliveries.values()]
        return [time for time in times if time is not None]


WANTED = (
    (Status.SUCCESS, Status.ERROR), (Status.SUCCESS, Status.ERROR), (Status.SUCCESS, Status.ERROR),
    (Status.SUCCESS,), tuple(Status), (Status.PROCESSING,), (Status.PENDING, Status.UPLOADING),
)  # fmt: skip


@pytest.fixture(scope="module", params=[1, 2])
def world(request: pytest.FixtureRequest) -> World:
    """The world after all is over."""
    world = World(request.param)
    for number in range(GENERATIONS):
        host, wanted = number % HOSTS, WANTED[number % len(WANTED)]
        webhook = f"https://host{host}.example/hook"
        world.live(a_generation(id=f"{number:032x}", webhook=webhook, webhook_events=wanted))
    with pytest.MonkeyPatch.context() as patched:
        for module in (circuit_breaker, schedule_module):
            patched.setattr(module, "chance", random.Random(request.param))
        world.run()
    return world


def wanted(world: World) -> Iterator[tuple[int, Delivery | None]]:
    """List the host and the delivery of whatever a webhook wanted to know."""
    for generation in world.table.generations.values():
        for event in events(generation):
            host = int(generation.id, 16) % HOSTS
            yield host, world.table.deliveries.get((generation.id, event.status))


def attempts(world: World, delivery: Delivery) -> list[Attempt]:
    """List a delivery's attempts as its owner sees them."""
    numbers = range(1, delivery.attempts + 1)
    return [world.table.attempts[delivery.generation_id, delivery.event, number] for number in numbers]


def test_there_were_faults_at_every_call_of_every_port(world: World) -> None:
    kinds = {"killed before", "killed after", "out of reach", "answer lost"}
    calls = {
        "InMemoryDeliveries": {"find", "announced", "advance", "acquire"},
        "InMemoryGenerations": {"due"},
        "InMemoryTopic": {"publish"},
        "Mail": {"send"},
        "Receivers": {"post"},
    }
    expected = {(f"{port}.{name}", kind) for port, names in calls.items() for name in names for kind in kinds}
    assert set(world.chaos.happened) >= expected
    assert sum(world.chaos.happened.values()) > GENERATIONS
    assert world.lost > 0


def test_every_generation_is_delivered_or_dead_and_visible(world: World) -> None:
    found = list(wanted(world))
    assert len(found) > GENERATIONS
    for host, delivery in found:
        assert delivery
        taken = delivery.message_id in world.receivers.taken
        if host in DEAD_HOSTS:
            assert (delivery.status, taken) == (DeliveryStatus.DEAD, False)
            assert delivery.reason
            assert attempts(world, delivery)
        else:
            assert (delivery.status, taken) == (DeliveryStatus.DELIVERED, True)
            assert attempts(world, delivery)[-1].succeeded


def test_each_id_comes_with_one_body_and_no_timestamp_twice(world: World) -> None:
    assert {len(bodies) for bodies in world.receivers.bodies.values()} == {1}
    asked = {delivery.message_id for _, delivery in wanted(world) if delivery}
    assert set(world.receivers.bodies) <= asked
    for timestamps in world.receivers.timestamps.values():
        assert len(set(timestamps)) == len(timestamps)


def test_who_is_given_up_was_tried_for_75_hours(world: World) -> None:
    given_up = [
        delivery
        for host, delivery in wanted(world)
        if delivery and host in DEAD_HOSTS and "gone" not in str(delivery.reason)
    ]
    assert given_up
    for delivery in given_up:
        made = attempts(world, delivery)
        assert len(made) == len(SCHEDULE) + 1
        assert made[-1].at - made[0].at > 75 * HOUR


def test_every_attempt_is_recorded(world: World) -> None:
    """A worker that died may have sent nothing, but what was sent is recorded."""
    assert len(world.table.attempts) == sum(delivery.attempts for delivery in world.table.deliveries.values())
    for delivery in world.table.deliveries.values():
        assert len(world.receivers.timestamps[delivery.message_id]) <= delivery.attempts


def test_everything_was_announced_and_nothing_is_left_to_do(world: World) -> None:
    assert {document["id"] for document, _ in world.topic.published} == set(world.table.generations)
    assert len(world.table.generations) == GENERATIONS
    assert world.schedule() == []
    assert world.table.upstreams.taken(world.clock.now + HOUR) == 0
