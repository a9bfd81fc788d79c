"""Accept, authenticate and wait."""

from dataclasses import replace
from datetime import date
from statistics import mean
from typing import Any

import pytest

from atelier.accounts.api_keys import ApiKey, mint_key
from atelier.accounts.authorization import Authenticate
from atelier.accounts.users import User
from atelier.catalog.model import Route, embedded
from atelier.errors import ForbiddenError, ModelUnavailableError, UnauthenticatedError, UnavailableError
from atelier.generations.accept import Accept, GenerationRequest
from atelier.generations.idempotency import Idempotency
from atelier.generations.model import RESEND_AFTER, Generation, Status
from atelier.generations.wait import Wait
from atelier.providers.registry import Setup
from tests.cases import each
from tests.unit.fakes import (
    NOW,
    Clock,
    InMemoryAcceptances,
    InMemoryApiKeys,
    InMemoryGenerations,
    InMemoryProviderKeys,
    InMemoryQueue,
    a_generation,
)

DIGEST_KEY = "digest key"
USER = User(id="user_1", email="a@b.example", name="A", created_at=NOW)
KEY, KEY_TEXT = mint_key(name="one", user=USER, test=True, digest_key=DIGEST_KEY, now=NOW)


def authenticate(keys: InMemoryApiKeys, authorization: str | None) -> ApiKey:
    return Authenticate(keys=keys, digest_key=lambda: DIGEST_KEY, clock=Clock())(authorization)


def a_request(model: str = "sketch", **values: Any) -> GenerationRequest:
    return GenerationRequest(
        model=embedded().model(model),
        input={"prompt": "a cat", **values},
        webhook="https://client.example/hook",
        webhook_events=(Status.PROCESSING, Status.SUCCESS),
    )


def accepting(
    generations: InMemoryGenerations, queue: InMemoryQueue, keys: InMemoryProviderKeys | None = None
) -> Accept:
    """Make the step, in a stack without keys unless some are given."""
    return Accept(
        acceptances=InMemoryAcceptances(generations),
        queue=queue,
        ingest_queue=queue,
        setup=Setup(keys or InMemoryProviderKeys(), urls={}),
        clock=Clock(),
    )


@pytest.mark.parametrize(
    "authorization", [KEY_TEXT, f"Bearer {KEY_TEXT}", f"  bearer  {KEY_TEXT} "], ids=["bare", "Bearer", "bearer"]
)
def test_a_known_key_lets_its_owner_in(authorization: str) -> None:
    assert authenticate(InMemoryApiKeys(KEY), authorization) == KEY


@each(
    "authorization",
    [None, "", "Bearer", "x" * 10_000, KEY_TEXT[:-1], KEY_TEXT[:-1] + "é", KEY_TEXT.swapcase(), f"Basic {KEY_TEXT}"],
    ids=["none", "empty", "a scheme alone", "long", "too short", "not ASCII", "the other case", "another scheme"],
)
def test_a_key_of_the_wrong_shape_costs_no_read(authorization: str | None) -> None:
    keys = InMemoryApiKeys(KEY)
    with pytest.raises(UnauthenticatedError):
        authenticate(keys, authorization)
    assert keys.reads == 0


def test_an_unknown_key_of_the_right_shape_costs_one_read() -> None:
    _, stranger = mint_key(name="two", user=USER, test=True, digest_key=DIGEST_KEY, now=NOW)
    keys = InMemoryApiKeys(KEY)
    with pytest.raises(UnauthenticatedError):
        authenticate(keys, stranger)
    assert keys.reads == 1


def test_accepting_writes_the_generation_and_then_sends_its_id() -> None:
    generations, queue = InMemoryGenerations(), InMemoryQueue()
    accepted = accepting(generations, queue)(a_request(), KEY, "correlation-9")

    assert generations.table.generations == {accepted.id: accepted}
    assert queue.sent == [(accepted.id, 0)]
    assert (accepted.status, accepted.model, accepted.tool, accepted.type) == (
        Status.PENDING,
        "sketch",
        "text-to-image",
        "image",
    )
    assert (accepted.user_id, accepted.key_id, accepted.test) == (KEY.user_id, KEY.id, True)
    assert (accepted.payload, accepted.webhook) == ({"prompt": "a cat"}, "https://client.example/hook")
    assert accepted.webhook_events == (Status.PROCESSING, Status.SUCCESS)
    assert (accepted.created_at, accepted.correlation_id) == (NOW, "correlation-9")


def test_a_lost_message_leaves_an_answered_pending_generation() -> None:
    generations = InMemoryGenerations()
    accepted = accepting(generations, InMemoryQueue(broken=True))(a_request(), KEY, "c")

    assert generations.get(accepted.id).status is Status.PENDING
    assert [due.generation_id for due in generations.due(NOW + RESEND_AFTER + 1, 10)] == [accepted.id]


def test_nothing_is_sent_where_nothing_was_written() -> None:
    class Broken(InMemoryGenerations):
        def add(self, generation: Generation) -> None:
            raise ConnectionError

    queue = InMemoryQueue()
    with pytest.raises(ConnectionError):
        accepting(Broken(), queue)(a_request(), KEY, "c")
    assert queue.sent == []


def test_the_same_idempotency_key_gives_the_same_generation() -> None:
    generations, queue = InMemoryGenerations(), InMemoryQueue()
    step = accepting(generations, queue)
    first, again = (step(a_request(), KEY, "c", Idempotency("key", "digest")) for _ in range(2))

    assert first == again
    assert len(generations.table.generations) == 1


def test_a_repeat_is_answered_after_the_providers_lost_keys() -> None:
    generations, keys = InMemoryGenerations(), {"fal": "k"}
    step = accepting(generations, InMemoryQueue(), InMemoryProviderKeys(keys))
    once = Idempotency("key", "digest")
    first = step(a_request("flux-dev"), PAYING, "c", once)
    keys.clear()
    assert step(a_request("flux-dev"), PAYING, "c", once) == first
    with pytest.raises(UnavailableError):
        step(a_request("flux-dev"), PAYING, "c", Idempotency("another", "digest"))
    assert len(generations.table.generations) == 1


def test_a_key_without_the_scope_writes_nothing() -> None:
    generations, queue = InMemoryGenerations(), InMemoryQueue()
    with pytest.raises(ForbiddenError):
        accepting(generations, queue)(a_request(), replace(KEY, scopes=("read",)), "c")
    assert generations.table.generations == {}
    assert queue.sent == []


PAYING = replace(KEY, test=False)


@pytest.mark.parametrize(
    ("key", "slug", "values", "keys", "cost"),
    [
        (KEY, "flux-dev", {"num_images": 4}, {}, 0),
        (PAYING, "flux-dev", {}, {"fal": "k"}, 3),
        (PAYING, "flux-dev", {"num_images": 4}, {"fal": "k"}, 12),
        (PAYING, "playground-v2", {}, {"artificial-studio": "k"}, 4),
        (PAYING, "playground-v2", {}, {}, 0),
        (PAYING, "sketch", {"num_images": 4}, {"fal": "k"}, 0),
    ],
)
def test_a_picture_costs_unless_it_is_drawn_here(
    key: ApiKey, slug: str, values: dict[str, Any], keys: dict[str, str], cost: int
) -> None:
    step = accepting(InMemoryGenerations(), InMemoryQueue(), InMemoryProviderKeys(keys))
    assert step(a_request(slug, **values), key, "c").cost == cost


@pytest.mark.parametrize(
    ("slug", "what"),
    [
        ("flux-dev", "the operator can: atelier providers set replicate (or fal)."),
        ("gpt-image", "the operator can: atelier providers set openai."),
        ("sdxl", "the operator can: atelier providers set replicate (or fal)."),
    ],
)
def test_a_model_that_nobody_here_can_make_is_unavailable(slug: str, what: str) -> None:
    generations, queue = InMemoryGenerations(), InMemoryQueue()
    with pytest.raises(UnavailableError) as caught:
        accepting(generations, queue)(a_request(slug), PAYING, "c")
    assert caught.value.message == f"No provider of {slug} is set up; {what}"
    assert (generations.table.generations, queue.sent) == ({}, [])


def test_a_model_of_owners_hardware_alone_says_where_to_read_on() -> None:
    model = replace(embedded().model("sdxl"), routes=(Route("automatic1111", "x"), Route("bedrock", "y")))
    with pytest.raises(UnavailableError, match=r"set up automatic1111 or bedrock \(docs/operations.md\)"):
        accepting(InMemoryGenerations(), InMemoryQueue())(replace(a_request(), model=model), PAYING, "c")


def test_a_model_that_has_ended_everywhere_names_what_to_do() -> None:
    over = (Route("fal", "x", ends=date(2020, 1, 31)), Route("replicate", "y", ends=date(2020, 2, 29)))
    request = replace(a_request("flux-dev"), model=replace(embedded().model("flux-dev"), routes=over))
    step = accepting(InMemoryGenerations(), InMemoryQueue(), InMemoryProviderKeys({"fal": "k"}))
    with pytest.raises(ModelUnavailableError) as caught:
        step(request, PAYING, "c")
    assert caught.value.message == (
        "flux-dev ended at its providers on 2020-02-29; ask for another model of GET /models, or tell the operator, "
        "who can name its successor in the catalog."
    )
    # and where one goes on, the advice is about that one
    goes_on = replace(request.model, routes=(over[0], Route("replicate", "y")))
    with pytest.raises(ModelUnavailableError, match=r"can: atelier providers set replicate\.$"):
        step(replace(request, model=goes_on), PAYING, "c")


def test_a_key_that_was_just_set_counts_at_once() -> None:
    keys = InMemoryProviderKeys({}, stored={"fal": "k"})
    step = accepting(InMemoryGenerations(), InMemoryQueue(), keys)
    assert step(a_request("flux-dev"), PAYING, "c").cost == 3
    step(a_request("flux-dev"), PAYING, "c")
    assert keys.refreshes == 1


class Timer:
    """A monotonic clock that only sleeping moves; the generation finishes at `finishes_at`."""

    def __init__(self, generations: InMemoryGenerations, finishes_at: float = float("inf")) -> None:
        self.now = 0.0
        self.naps: list[float] = []
        self._generations = generations
        self._finishes_at = finishes_at

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
        if self.now >= self._finishes_at:
            self._generations.table.write(a_generation(status=Status.SUCCESS))

    def monotonic(self) -> float:
        return self.now


def wait(generation: Generation, seconds: float, finishes_at: float = float("inf")) -> tuple[Generation, Timer]:
    generations = InMemoryGenerations()
    generations.add(generation)
    timer = Timer(generations, finishes_at)
    waiting = Wait(generations=generations, sleep=timer.sleep, monotonic=timer.monotonic)
    return waiting(generation, seconds), timer


def test_waiting_ends_soon_after_the_generation_is_final() -> None:
    generation, timer = wait(a_generation(), 25, finishes_at=3.0)
    assert generation.status is Status.SUCCESS
    assert 3.0 <= timer.now <= 4.0


@pytest.mark.parametrize("work", [0.05, 0.3, 1.0, 4.0, 12.0])
def test_a_result_is_seen_within_an_eighth_of_the_time_it_took(work: float) -> None:
    _, timer = wait(a_generation(), 25, finishes_at=work)
    assert timer.now - work <= max(0.1, min(work / 8, 1.0))


def test_a_second_of_work_is_seen_60_ms_later_on_average() -> None:
    works = [0.9 + each / 100 for each in range(21)]
    assert mean(wait(a_generation(), 25, finishes_at=work)[1].now - work for work in works) <= 0.06


def test_a_whole_wait_costs_no_more_than_28_strong_reads_would() -> None:
    _, timer = wait(a_generation(), 25)
    assert len(timer.naps) / 2 + 1 <= 28  # a look may be a moment late, and costs half


@pytest.mark.parametrize("seconds", [0.1, 1, 25])
def test_waiting_ends_at_its_limit(seconds: float) -> None:
    generation, timer = wait(a_generation(), seconds)
    assert generation.status is Status.PENDING
    assert timer.now == pytest.approx(seconds)
    assert max(timer.naps) <= 1.0


@pytest.mark.parametrize(
    ("generation", "seconds"), [(a_generation(), 0), (a_generation(status=Status.ERROR), 25)], ids=["no time", "final"]
)
def test_there_is_nothing_to_wait_for(generation: Generation, seconds: float) -> None:
    found, timer = wait(generation, seconds)
    assert (found, timer.naps) == (generation, [])


def test_waiting_outlasts_a_table_that_cannot_be_read() -> None:
    class Unreadable(InMemoryGenerations):
        def get(self, generation_id: str) -> Generation:
            raise UnavailableError("The table is out of reach; try again.")

    accepted = a_generation()
    timer = Timer(InMemoryGenerations())

    assert Wait(generations=Unreadable(), sleep=timer.sleep, monotonic=timer.monotonic)(accepted, 5) == accepted


def test_a_look_that_fails_does_not_end_the_wait() -> None:
    class Flaky(InMemoryGenerations):
        looks = 0

        def finished(self, generation: Generation) -> bool:
            self.looks += 1
            if self.looks < 5:
                raise UnavailableError("The table is out of reach; try again.")
            return super().finished(generation)

    generations = Flaky()
    generations.add(a_generation())
    timer = Timer(generations, finishes_at=3.0)
    waiting = Wait(generations=generations, sleep=timer.sleep, monotonic=timer.monotonic)
    assert waiting(a_generation(), 25).status is Status.SUCCESS
