"""Three workers at once, in every order within a budget, with lost answers and deaths: what was promised holds.

The use cases and the stores are the real ones; only DynamoDB and the provider are simulated (tests/simulation). Each
condition on which the promises rest is taken out in turn, and the check must notice.

`make soak` gives each scene more schedules by chance, and all of two switches, and of one switch and one fault.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from atelier.adapters.dynamodb.circuit_breakers import CircuitBreakerTable
from atelier.clock import MINUTE
from atelier.errors import AtelierError
from atelier.generations.idempotency import CountedRequest
from atelier.generations.model import CLAIM_LEASE, POLL_EVERY, UPLOAD_LEASE, ProviderAttempt
from atelier.outbound.circuit_breaker import FAILURES_TO_OPEN, Health, Release, Upstream
from tests.cases import each
from tests.simulation.dynamodb import Fate, Removal
from tests.simulation.interleavings import Budget, Chooser, Interleaving, explore
from tests.simulation.world import ACCOUNTS, World, repeatable
from tests.soak import size
from tests.unit.fakes import DEADLINE, NOW

SCHEDULES = size(soak=5_000, test=5)
"""By chance, beside those that are always run."""
QUICK = (Budget(switches=1, faults=0), Budget(switches=0, faults=1))
ALL = (*QUICK, Budget(switches=2, faults=0), Budget(switches=1, faults=1))
BY_CHANCE = Budget(switches=6, faults=2)
MOST_SCHEDULES = 20_000
FIRST = f"{1:032x}"
Workers = Mapping[str, Callable[[], None]]


@dataclass(frozen=True)
class Scene:
    """What there is at first, and who works on it; `promise` is one that only this scene can break."""

    name: str
    workers: Callable[[World], Workers]
    promise: Callable[[World], Iterator[str]] = lambda _: iter(())
    slots: int = 4
    settles: bool = True

    def __str__(self) -> str:
        return self.name


@pytest.fixture(autouse=True)
def _repeatable() -> Iterator[None]:
    with repeatable():
        yield


def one_message_three_times(model: str, *, queue: str = "dispatch") -> Callable[[World], Workers]:
    def workers(world: World) -> Workers:
        world.add(model=model)
        take = {"dispatch": world.dispatch, "ingest": world.ingest}[queue]
        return {f"{queue} {number}": lambda: take(FIRST) for number in (1, 2, 3)}

    return workers


def a_callback_and_reconcile(world: World) -> Workers:
    world.open_account(10)
    world.add(cost=5)

    def call_back() -> None:
        world.call_back(FIRST)
        world.ingest(FIRST)

    return {
        "dispatch": lambda: world.dispatch(FIRST),
        "callback": call_back,
        "reconcile": lambda: world.reconcile(later=CLAIM_LEASE + MINUTE),
    }


def submitted(world: World) -> str:
    """Write a generation that costs and whose provider works on it; returns its job."""
    job_id = f"studio-{FIRST}-1"
    world.open_account(10)
    world.studio.paid[FIRST], world.studio.jobs[job_id] = 1, FIRST
    written = world.add(cost=5)
    claimed = written.claimed("studio", "studio/xl", committed=True, now=NOW, deadline=DEADLINE)
    world.generations.advance(written, claimed)
    world.generations.advance(claimed, claimed.submitted(job_id, NOW))
    return job_id


def two_ingests_and_the_deadline(world: World) -> Workers:
    submitted(world)
    return {
        "ingest 1": lambda: world.ingest(FIRST),
        "ingest 2": lambda: world.ingest(FIRST),
        "reconcile": lambda: world.reconcile(later=max(UPLOAD_LEASE, POLL_EVERY) + MINUTE),
    }


def callbacks_that_name_two_jobs(world: World) -> Workers:
    written = world.add()
    world.studio.jobs.update(one=FIRST, another=FIRST)
    world.generations.advance(
        written, written.claimed("studio", "studio/xl", committed=True, now=NOW, deadline=DEADLINE)
    )
    return {
        "callback": lambda: world.call_back(FIRST, job_id="one"),
        "wrong callback": lambda: world.call_back(FIRST, job_id="another"),
        "ingest": lambda: world.ingest(FIRST),
    }


def a_late_callback_of_the_provider_before(world: World) -> Workers:
    written = world.add(model="shared")
    world.studio.jobs["late"] = FIRST
    claimed = written.claimed("other", "other/xl", committed=True, now=NOW, deadline=DEADLINE)
    before = ProviderAttempt("studio", "studio/xl", NOW, NOW, "busy")
    world.generations.advance(written, replace(claimed, attempts=(before, *claimed.attempts)))
    return {
        "callback": lambda: world.call_back(FIRST, job_id="late"),
        "ingest": lambda: world.ingest(FIRST),
        "reconcile": lambda: world.reconcile(later=CLAIM_LEASE + MINUTE),
    }


def a_client_gives_up(world: World) -> Workers:
    world.open_account(10)
    world.add(cost=5)
    return {
        "dispatch": lambda: world.dispatch(FIRST),
        "cancel": lambda: world.cancel(FIRST),
        "reconcile": lambda: world.reconcile(later=CLAIM_LEASE + MINUTE),
    }


def a_request_three_times(world: World) -> Workers:
    world.open_account(20)
    return {f"accept {number}": partial(world.accept, number, cost=5, idempotency="once") for number in (1, 2, 3)}


def three_requests_and_credits_for_one(world: World) -> Workers:
    world.open_account(5)
    return {f"accept {number}": partial(world.accept, number, cost=5) for number in (1, 2, 3)}


def three_requests_where_two_are_allowed(world: World) -> Workers:
    return {f"accept {number}": partial(world.accept, number, limit=2) for number in (1, 2, 3)}


def three_generations(world: World) -> Workers:
    names = [world.add(number).id for number in (1, 2, 3)]
    return {f"dispatch {name[-1]}": partial(world.dispatch, name) for name in names}


def three_generations_and_a_provider_that_is_down(world: World) -> Workers:
    workers = three_generations(world)
    breakers = CircuitBreakerTable(world.generations._table)
    upstream = Upstream("provider:studio", 4, CLAIM_LEASE)
    for _ in range(FAILURES_TO_OPEN):
        breakers.release(Release(breakers.acquire(upstream, NOW, []), Health.FAILING, NOW), [])
    world.clock.now += MINUTE
    world.studio.answers = {f"{number:032x}": ["busy", "taken"] for number in (1, 2, 3)}
    return workers


def a_forged_callback(world: World) -> Workers:
    world.add()
    return {
        "dispatch": lambda: world.dispatch(FIRST),
        "forger": lambda: world.call_back(FIRST, job_id="forged", token="guessed"),
        "callback": lambda: world.call_back(FIRST),
    }


def announced_twice_and_delivered(world: World) -> Workers:
    world.add(model="free", webhook="https://client.example/hook")
    world.ingest(FIRST)
    world.seen.stream.clear()
    return {
        "notify": lambda: world.announce(FIRST),
        "reconcile": lambda: world.reconcile(later=2 * MINUTE),
        "deliver": lambda: world.deliver(FIRST),
    }


def delivered_three_times(world: World) -> Workers:
    world.add(model="free", webhook="https://client.example/hook")
    world.ingest(FIRST)
    world.seen.stream.clear()
    return {f"deliver {number}": lambda: world.deliver(FIRST) for number in (1, 2, 3)}


def an_announced_delivery_three_times(world: World) -> Workers:
    workers = delivered_three_times(world)
    world.announce(FIRST)
    return workers


def three_counted_reads(world: World) -> Workers:
    """One after the other: a repeat that another read overtakes counts twice, which is known."""

    def read() -> None:
        for _ in range(3):
            with suppress(AtelierError):
                world.accounts.count_read(world.key(requests_per_minute=10), NOW)

    return {"reads": read}


def a_provider_that_is_wrongly_busy(world: World) -> Workers:
    world.studio.answers[FIRST] = ["wrongly busy"]
    world.add()
    return {"dispatch": lambda: world.dispatch(FIRST), "callback": lambda: world.call_back(FIRST)}


def three_requests_and_a_budget_for_one(world: World) -> Workers:
    world.open_account(20)
    return {f"accept {number}": partial(world.accept, number, cost=5, budget=5) for number in (1, 2, 3)}


def two_requests_that_are_sent_again(world: World) -> Workers:
    for number in (1, 2):
        world.accept(number, counted=CountedRequest(0, "the same"))
    again = CountedRequest(1, "the same")
    return {f"again {number}": lambda: world.claim(again) for number in (1, 2)}


def a_picture_of_ones_own_each(world: World) -> Iterator[str]:
    if len(world.claimed) > len(set(world.claimed)):
        yield "two requests were given one generation"


def deleted_while_it_is_dispatched(world: World) -> Workers:
    written = world.add(model="free", webhook="https://client.example/hook")
    return {"ingest": lambda: world.ingest(FIRST), "erase": lambda: world.erase(written.id)}


def deleted_while_it_is_delivered(world: World) -> Workers:
    workers = delivered_three_times(world)
    return {"deliver 1": workers["deliver 1"], "erase": lambda: world.erase(FIRST)}


def a_rest_and_a_lost_answer(world: World) -> Workers:
    submitted(world)
    claimed = world.generations.get(FIRST)
    world.generations.advance(claimed, claimed.answer_lost("it was lost"))
    breakers, upstream = CircuitBreakerTable(world.generations._table), Upstream("provider:studio", 4, CLAIM_LEASE)
    slot = breakers.acquire(upstream, NOW, [])
    breakers.release(Release(slot, Health.FAILING, NOW, rest_until=NOW + 10 * MINUTE), [])
    return {"ingest": lambda: world.ingest(FIRST)}


def a_rest_is_kept(world: World) -> Iterator[str]:
    if not CircuitBreakerTable(world.generations._table).read("provider:studio").open:
        yield "the provider asked for a rest and has none"


def counted(world: World) -> int:
    return sum(int(row["used"]) for row in world.dynamodb.items(ACCOUNTS, "read"))


def at_most(what: str, found: int, most: int) -> Iterator[str]:
    if found > most:
        yield f"{found} {what}, and {most} is the most"


SCENES = (
    Scene("a message comes three times", one_message_three_times("paid")),
    Scene("a message comes three times, drawn here", one_message_three_times("free", queue="ingest")),
    Scene("a message comes three times, synchronous provider", one_message_three_times("at-once")),
    Scene("dispatch, callback, reconcile", a_callback_and_reconcile),
    Scene("ingest, ingest, deadline", two_ingests_and_the_deadline),
    Scene("dispatch, cancel, reconcile", a_client_gives_up),
    Scene("a request comes three times", a_request_three_times,
          lambda world: at_most("generations", len(world.rows("generation")), 1)),
    Scene("credits for one of three", three_requests_and_credits_for_one),
    Scene("two of three are allowed", three_requests_where_two_are_allowed,
          lambda world: at_most("generations", len(world.rows("generation")), 2)),
    Scene("one slot for three", three_generations,
          lambda world: at_most("calls", world.studio.most, 1), 1, settles=False),
    Scene("a probe for three", three_generations_and_a_provider_that_is_down,
          lambda world: at_most("probes", world.studio.calls, 1), settles=False),
    Scene("a forged callback", a_forged_callback),
    Scene("callbacks name two jobs", callbacks_that_name_two_jobs),
    Scene("a late callback", a_late_callback_of_the_provider_before),
    Scene("announced twice, delivered", announced_twice_and_delivered),
    Scene("delivered three times", delivered_three_times,
          lambda world: at_most("posts", len(world.receiver.requests), 1)),
    Scene(
        "an announced delivery three times",
        an_announced_delivery_three_times,
        lambda world: at_most("posts", len(world.receiver.requests), 1),
    ),
    Scene("a provider is wrongly busy", a_provider_that_is_wrongly_busy,
          lambda world: iter(world.seen.wrong), settles=False),
    Scene("a budget for one of three", three_requests_and_a_budget_for_one,
          lambda world: at_most("generations", len(world.rows("generation")), 1)),
    Scene("two requests are sent again", two_requests_that_are_sent_again, a_picture_of_ones_own_each),
    Scene("deleted while it is dispatched", deleted_while_it_is_dispatched),
    Scene("deleted while it is delivered", deleted_while_it_is_delivered),
    Scene("a rest and a lost answer", a_rest_and_a_lost_answer, a_rest_is_kept),
    Scene("three counted reads", three_counted_reads, lambda world: at_most("reads", counted(world), 3)),
)  # fmt: skip


def complaints(scene: Scene, chooser: Chooser, budget: Budget, **planted: Any) -> list[str]:
    """Run a scene by one schedule, let everything come to rest, and name the promises that were broken."""
    interleaving: list[Interleaving] = []
    world = World(lambda kind: interleaving[0].pause(kind) if interleaving else Fate.DONE, slots=scene.slots, **planted)
    workers = scene.workers(world)
    interleaving.append(Interleaving(chooser, budget))
    interleaving[0].run(workers)
    broken = list(scene.promise(world))
    if scene.settles:
        world.settle()
        broken += world.complaints()
    return [f"{promise}\n  after {interleaving[0].steps}" for promise in broken]


def schedules(scene: Scene, budgets: tuple[Budget, ...], count: int, **planted: Any) -> Iterator[list[str]]:
    """Run a scene by every schedule within each budget, and then by chance; name what each run broke."""
    for budget in budgets:
        broken: list[str] = []

        def run(chooser: Chooser, budget: Budget = budget, broken: list[str] = broken) -> None:
            broken[:] = complaints(scene, chooser, budget, **planted)

        for number, _ in enumerate(explore(run)):
            assert number < MOST_SCHEDULES
            yield broken
    for seed in range(count):
        yield complaints(scene, Chooser(chance=random.Random(seed)), BY_CHANCE, **planted)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_every_promise_holds_in_every_order(scene: Scene) -> None:
    for broken in schedules(scene, size(soak=ALL, test=QUICK), SCHEDULES):
        assert not broken, "\n".join(broken)


# ---- The check finds what is planted


@dataclass(frozen=True)
class Plant:
    """An error to plant: the scene that shows it, and the condition to remove or the answer to ignore."""

    what: str
    scene: str
    removal: Removal | None = None
    ignored: str | None = None

    def __str__(self) -> str:
        return self.what


THREE_TIMES, DRAWN = "a message comes three times", "a message comes three times, drawn here"
ABSENT = r"attribute_not_exists\(id\)"
PLANTS = (
    Plant("a generation's version", THREE_TIMES, Removal("/generation$", "version = :version", ":version = :version")),
    Plant("the token of a transaction that is repeated", THREE_TIMES, ignored="tokens"),
    Plant("the writer of a write that is repeated", DRAWN, ignored="shows"),
    Plant("an idempotency record's absence", "a request comes three times", Removal("/idempotency$", ABSENT)),
    Plant("enough credits", "credits for one of three", Removal("/user$", "balance >= :cost", ":cost = :cost")),
    Plant("a key's limit", "two of three are allowed", Removal("/create#", "used < :quota", ":quota = :quota")),
    Plant(
        "a counter's writer",
        "three counted reads",
        Removal("/read#", r" AND \(attribute_not_exists\(writer\) OR writer <> :writer\)"),
    ),
    Plant("a free slot", "one slot for three", Removal("^upstream#", r"OR slot_0 < :now", "OR :now = :now")),
    Plant("a closed breaker", "a probe for three", Removal("^upstream#", "failures < :most", ":most = :most")),
    Plant("a probe's time", "a probe for three", Removal("^upstream#", "probe_at < :now", ":now = :now")),
    Plant(
        "a job that is not known yet",
        "callbacks name two jobs",
        Removal("/generation$", r"if_not_exists\(#0, (:\d+)\)", r"\1"),
    ),
    Plant(
        "the provider whose turn it is",
        "a late callback",
        Removal("/generation$", "provider = :provider", ":provider = :provider"),
    ),
    Plant(
        "a delivery's version",
        "an announced delivery three times",
        Removal("/delivery#", "version = :version", ":version = :version"),
    ),
    Plant("a new delivery's absence", "delivered three times", Removal("/delivery#", ABSENT)),
    Plant(
        "no callback before it is given back",
        "a provider is wrongly busy",
        Removal("/generation$", r" AND attribute_not_exists\(job_id\)"),
    ),
    Plant(
        "the time of a record that is postponed",
        "announced twice, delivered",
        Removal("/generation$", "due_at = :due", ":due = :due"),
    ),
    Plant("a budget's rest", "a budget for one of three", Removal("/spent#", "<= :day_left", "<> :day_left")),
    Plant(
        "a request that nobody was given",
        "two requests are sent again",
        Removal("/request#", r" AND attribute_not_exists\(claimed_1\)"),
    ),
    Plant(
        "the end of a generation that is deleted",
        "deleted while it is dispatched",
        Removal("/generation$", "(?s)attribute_not_exists.*"),
    ),
    Plant(
        "the generation of a new delivery",
        "deleted while it is delivered",
        Removal("/generation$", r"^attribute_exists\(id\)$"),
    ),
    Plant(
        "a rest that a provider asked for",
        "a rest and a lost answer",
        Removal("^upstream#", "probe_at <= :soon", ":soon = :soon"),
    ),
)


@each("plant", PLANTS, ids=str)
def test_a_condition_that_is_taken_out_is_missed(plant: Plant) -> None:
    (scene,) = (scene for scene in SCENES if scene.name == plant.scene)
    ignored = {plant.ignored: False} if plant.ignored else {}
    missed = any(schedules(scene, ALL, 0, without=plant.removal, **ignored))
    if plant.removal:
        assert plant.removal.removed, "no write has this condition: name the one that took its place"
    assert missed
