"""Many generations over the provider simulators, each fault of which happens to some of them: 500 in `make soak`.

One call in five is refused or its answer lost, one job in five goes wrong, one callback in five comes late, early,
thrice or never, and to one job in five somebody else's callback comes. Artificial Studio and ComfyUI never call back at
all; Gemini, Ideogram and the gateways answer with the pictures, to calls that the tests know by their prompts.
"""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from itertools import chain
from typing import TypeVar

import pytest

from atelier.accounts.credits import LedgerEntry
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.generations.model import Generation, Status
from tests.deployment import Account, Simulators, account_with_key, administer, eventually
from tests.simulators.faults import UNKNOWN, Answer, Callback, Course, Ending, Forgery, Plan, chance, scripted
from tests.simulators.server import Call, Job, Post
from tests.soak import size
from tools.local_stack import Deployed

COUNT = size(soak=800, test=200)
CREDITS = 10 * COUNT
MODELS = (
    "from-replicate", "from-fal", "from-artificial-studio", "from-bfl", "from-comfyui", "from-gemini", "from-ideogram",
    "from-xai", "from-openrouter", "from-together", "from-recraft",
)  # fmt: skip
SHARE = size(soak=0.2, test=0.4)
CLIENTS = 16
SETTLED_SECONDS = size(soak=45, test=8)
"""After this nothing moves any more but what waits for a minute, or for five, to pass; for that the test does not."""
PATIENCE_SECONDS = 600

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
Kind = TypeVar("Kind", bound=Enum)


def faults(well: Kind) -> dict[Kind, float]:
    """Share out the faults of a kind."""
    others = [kind for kind in type(well) if kind is not well]
    return {kind: SHARE / len(others) for kind in others}


def plan(seed: int, callbacks: dict[Callback, float]) -> Plan:
    return chance(
        seed,
        answers=faults(Answer.TAKEN),
        endings=faults(Ending.SUCCESS),
        callbacks=callbacks,
        forged=SHARE,
        failed_polls=SHARE,
    )


class Books:
    """The stack's tables, as its owner reads them."""

    def __init__(self, stack: Deployed, user_id: str) -> None:
        self._client = stack.client("dynamodb")
        self._reconcile = partial(stack.client("lambda").invoke, FunctionName=stack.resource("ReconcileFunction"))
        self._table = stack.resource("GenerationsTable")
        self._generations = GenerationStore(RecordTable(self._client, self._table))
        self._accounts = AccountStore(RecordTable(self._client, stack.resource("AccountsTable")))
        self._user_id = user_id

    def generations(self) -> list[Generation]:
        """Read all of the user's."""
        found: list[Generation] = []
        before = None
        while True:
            batch, before = self._generations.search(user_id=self._user_id, limit=100, now=now(), before=before)
            found += [one for one in batch if isinstance(one, Generation)]
            if before is None:
                return found

    def ledger(self) -> list[LedgerEntry]:
        """Read the user's ledger."""
        return self._accounts.ledger(self._user_id, limit=10 * COUNT)

    def balance(self) -> int | None:
        """Read the user's balance."""
        return self._accounts.user(self._user_id).credits

    def reconcile(self) -> None:
        """Run reconcile now, beside its schedule."""
        assert "FunctionError" not in self._reconcile()

    def hurry(self, generation: Generation) -> None:
        """Let what it waits for, a poll or the end of a lease, be due at reconcile's next run."""
        with suppress(self._client.exceptions.ConditionalCheckFailedException):  # it has just moved on
            self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": generation.id}, "record": {"S": "generation"}},
                UpdateExpression="SET due_at = :now",
                ConditionExpression="version = :version",
                ExpressionAttributeValues={":now": {"N": str(now())}, ":version": {"N": str(generation.version)}},
            )


@dataclass(frozen=True)
class Crowd:
    """What was accepted, and what became of it."""

    accepted: Counter[str]
    generations: list[Generation]
    books: Books
    posts: list[Post]
    jobs: dict[str, list[Job]]
    calls: list[Call]
    """Callbacks about those jobs."""

    @property
    def courses(self) -> list[Course]:
        """List how the jobs were to go."""
        return [job.course for job in chain.from_iterable(self.jobs.values())]

    @property
    def deliveries_for(self) -> set[str]:
        """Name the jobs of which a callback was taken; one that nobody signs may be anybody's, if it is whole."""
        whole = [call for call in self.calls if call.forgery is not Forgery.TRUNCATED]
        return {call.job_id for call in whole if call.status and call.status < 300}

    def with_status(self, status: Status) -> list[Generation]:
        """Pick those that ended so."""
        return [generation for generation in self.generations if generation.status is status]


@pytest.fixture(scope="module")
def crowd(upstream: Deployed, simulators: Simulators) -> Crowd:
    """Ask for all of them from sixteen clients, and wait until all are over."""
    user = administer(upstream, "POST", "/users", email="crowd@example.com", credits=CREDITS).raise_for_status().json()
    client = account_with_key(upstream, "crowd@example.com")
    books = Books(upstream, user["id"])
    often = faults(Callback.ONCE)
    mute = (simulators.artificial_studio, simulators.comfyui, *simulators.synchronous)
    everyone = (*simulators.asynchronous, *simulators.synchronous)
    for seed, simulator in enumerate(everyone):
        simulator.faults = plan(seed, {Callback.DROPPED: 1.0} if simulator in mute else often)

    with ThreadPoolExecutor(CLIENTS) as clients:
        accepted = Counter(clients.map(lambda number: ask(client, number), range(COUNT)))
    settled = time.monotonic() + SETTLED_SECONDS

    def over() -> list[Generation] | None:
        found = books.generations()
        left = [generation for generation in found if not generation.status.final]
        if time.monotonic() > settled:
            for generation in left:
                if (generation.due_at or 0) > now():
                    books.hurry(generation)
            books.reconcile()
        time.sleep(2)
        return found if found and not left else None

    generations = eventually(over, PATIENCE_SECONDS)
    for simulator in everyone:
        simulator.faults = scripted()
    named = {prompt_of(generation): generation.id for generation in generations}
    jobs: dict[str, list[Job]] = {}
    for job in chain.from_iterable(simulator.jobs.values() for simulator in everyone):
        job.generation_id = named.get(job.generation_id, job.generation_id)
        if job.generation_id in accepted:
            jobs.setdefault(job.generation_id, []).append(job)
    all_posts = [
        replace(post, generation_id=named.get(post.generation_id, post.generation_id))
        for simulator in everyone
        for post in simulator.posts
    ]
    posts = [post for post in all_posts if post.generation_id in accepted]
    calls = [
        call for simulator in simulators.asynchronous for call in simulator.calls if call.generation_id in accepted
    ]
    return Crowd(accepted, generations, books, sorted(posts, key=lambda post: post.at), jobs, calls)


def prompt_of(generation: Generation) -> str:
    return str(generation.payload["prompt"])


def now() -> int:
    return time.time_ns() // 1_000_000


def ask(client: Account, number: int) -> str:
    body = {"model": MODELS[number % len(MODELS)], "input": {"prompt": f"lighthouse {number}"}}
    answer = client.post(body, Prefer="respond-async")
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_none_is_lost_and_all_are_over(crowd: Crowd) -> None:
    assert len(crowd.generations) == COUNT
    assert Counter(generation.id for generation in crowd.generations) == crowd.accepted


def test_no_paid_call_is_repeated_after_an_unknown_outcome(crowd: Crowd, simulators: Simulators) -> None:
    answers: dict[str, list[Answer]] = {}
    for post in crowd.posts:
        answers.setdefault(post.generation_id, []).append(post.answer)

    repeated = {name: given for name, given in answers.items() if set(given[:-1]) & set(UNKNOWN)}
    assert repeated == {}
    assert [one.repeated for one in (*simulators.asynchronous, *simulators.synchronous)] == [[]] * 11
    assert simulators.comfyui.doubled == []
    assert {name: len(jobs) for name, jobs in crowd.jobs.items() if len(jobs) > 1} == {}


def test_all_that_a_provider_made_and_told_of_arrived(crowd: Crowd, simulators: Simulators) -> None:
    well = [
        job for job in chain.from_iterable(crowd.jobs.values()) if job.course.ending in (Ending.SUCCESS, Ending.SLOW)
    ]
    made = {job.generation_id for job in well}
    free = {job.generation_id for job in simulators.comfyui.jobs.values()}  # and asked for, where the answer was lost
    told = crowd.deliveries_for
    known = {
        job.generation_id
        for job in well
        if job.course.answer is Answer.TAKEN or job.id in told or job.generation_id in free
    }
    arrived = {generation.id for generation in crowd.with_status(Status.SUCCESS)}

    assert known - arrived == set()
    assert arrived - made == set()


def test_every_picture_is_there(crowd: Crowd, upstream: Deployed) -> None:
    pages = (
        upstream.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=upstream.outputs["FilesBucket"], Prefix="outputs/")
    )
    stored = {item["Key"] for page in pages for item in page.get("Contents", [])}
    made = crowd.with_status(Status.SUCCESS)

    assert len(made) > COUNT / size(soak=2, test=4)
    assert {output.key for generation in made for output in generation.outputs} <= stored
    assert all(generation.outputs for generation in made)


def test_each_is_charged_once_and_what_failed_is_given_back_once(crowd: Crowd) -> None:
    ledger = crowd.books.ledger()
    costs = {generation.id: generation.cost for generation in crowd.generations}
    failed = {generation.id for generation in crowd.with_status(Status.ERROR)}

    assert amounts(ledger, "charge") == sorted((name, -cost) for name, cost in costs.items())
    assert amounts(ledger, "refund") == sorted((name, costs[name]) for name in failed)
    paid = sum(generation.cost for generation in crowd.with_status(Status.SUCCESS))
    assert crowd.books.balance() == sum(entry.amount for entry in ledger) == CREDITS - paid


def amounts(ledger: list[LedgerEntry], kind: str) -> list[tuple[str | None, int]]:
    """List who was charged or given what."""
    return sorted((str(entry.generation_id), entry.amount) for entry in ledger if entry.kind == kind)


def test_nothing_forged_was_believed(crowd: Crowd, simulators: Simulators) -> None:
    signed = {job.id for simulator in (simulators.replicate, simulators.fal) for job in simulator.jobs.values()}
    answered = {call.status for call in crowd.calls if call.forgery and call.status and call.job_id in signed}

    assert answered == {401, 404}
    assert [simulator.lured for simulator in simulators.asynchronous] == [0] * 5


def test_each_kind_of_fault_has_happened(crowd: Crowd, simulators: Simulators) -> None:
    courses = crowd.courses
    never = {job.id for job in simulators.artificial_studio.jobs.values()}

    assert {post.answer for post in crowd.posts} == set(Answer)
    assert {course.ending for course in courses} == set(Ending)
    assert {course.callback for course in courses} == set(Callback)
    assert {forgery for course in courses for forgery in course.forgeries} == set(Forgery)
    assert not [call for call in crowd.calls if call.job_id in never and not call.forgery]
    assert [one.errors for one in (*simulators.asynchronous, *simulators.synchronous)] == [[]] * 11


def test_what_providers_charged_is_kept_and_counted(crowd: Crowd, simulators: Simulators) -> None:
    told = {
        simulators.bfl.name: 30_000,
        simulators.xai.name: simulators.xai.ticks // 10_000,
        simulators.openrouter.name: 40_000,
    }
    synchronous = {simulator.name for simulator in simulators.synchronous}
    prices = {"gemini": 33_600, "ideogram": 60_000, "together": 2_700, "recraft": 40_000}
    for generation in crowd.with_status(Status.SUCCESS):
        job = crowd.jobs[generation.id][0]
        if generation.provider in told and (job.course.answer is Answer.TAKEN or generation.provider in synchronous):
            assert generation.provider_cost == told[generation.provider], generation
        elif generation.provider not in told:
            assert generation.provider_cost is None
            assert generation.provider_price == prices.get(generation.provider or "", 0)
