"""Each provider's adapter against its simulator, over HTTP on 127.0.0.1, with every fault that the simulator has."""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TypeVar

import pytest

from atelier.adapters import ed25519
from atelier.adapters.http.client import client
from atelier.catalog.model import Model, embedded
from atelier.errors import (
    InvalidSignatureError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
)
from atelier.outbound.url_policy import OperatorPolicy
from atelier.providers.artificial_studio import ArtificialStudio
from atelier.providers.bfl import BlackForestLabs
from atelier.providers.fal import Fal
from atelier.providers.provider import (
    AsynchronousProvider,
    CallbackRequest,
    Failed,
    ImageUrls,
    Job,
    JobRef,
    Outcome,
    Running,
    Submitted,
)
from atelier.providers.replicate import Replicate
from tests.integration.refusals import REFUSALS, check_refusals
from tests.simulators.artificial_studio import ArtificialStudioSimulator
from tests.simulators.bfl import BlackForestLabsSimulator
from tests.simulators.fal import FalSimulator
from tests.simulators.faults import UNKNOWN, Answer, Callback, Course, Ending, Forgery, Timing, chance, scripted
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.server import Simulator
from tools.receiver import Received, Receiver

HTTP = client(OperatorPolicy())
TIMING = Timing(work=0.02, slow=0.05, delay=0.05, hang=0.05, again=(0.02, 0.05))
GENERATION = "0" * 31 + "1"
PATIENCE = 10.0
SIMULATORS = {
    simulator.name: simulator
    for simulator in (ArtificialStudioSimulator, ReplicateSimulator, FalSimulator, BlackForestLabsSimulator)
}
MODELS = {
    "artificial-studio": "playground-v2",
    "replicate": "someone/model",
    "fal": "fal-ai/flux/dev",
    "bfl": "flux-2-pro",
}
SIGNED = ("replicate", "fal")
EACH = pytest.mark.parametrize("name", SIMULATORS)

T = TypeVar("T")


def until(ask: Callable[[], T], good: Callable[[T], object]) -> T:
    """Ask again and again until the answer is good."""
    over = time.monotonic() + PATIENCE
    while not good(found := ask()):
        assert time.monotonic() < over, found
        time.sleep(0.005)
    return found


def adapter(simulator: Simulator) -> AsynchronousProvider:
    match simulator.name:
        case "replicate":
            return Replicate(HTTP, simulator.urls)
        case "fal":
            return Fal(HTTP, simulator.urls, ed25519.verify)
        case "bfl":
            return BlackForestLabs(HTTP, simulator.urls)
    return ArtificialStudio(HTTP, simulator.urls)


@dataclass
class SimulatorHarness:
    """A simulator, its adapter, and a receiver that takes callbacks as the webhook function does."""

    simulator: Simulator
    job: Job
    told: "queue.Queue[str | None]" = field(default_factory=queue.Queue)
    """The jobs' ids in the callbacks that were believed."""
    unwilling: int = 0
    """How many callbacks are still turned away although they are good."""
    kept: dict[str, str] = field(default_factory=dict)
    """By the provider's own id of a job, the id that it is kept by, which may say where it is polled."""

    def __post_init__(self) -> None:
        self.provider = adapter(self.simulator)

    def answer(self, received: Received) -> int:
        if f"/{GENERATION}/" not in received.path:
            return 404
        headers = {name.lower(): value for name, value in received.headers.items()}
        request = CallbackRequest(headers=headers, body=received.body, received_at=int(time.time()))
        try:
            job_id = self.provider.read_callback(request, lambda: self.simulator.key)
        except InvalidSignatureError:
            return 401
        if self.unwilling:
            self.unwilling -= 1
            return 503
        self.told.put(job_id)
        return 200

    def submit(self) -> str:
        outcome = self.provider.submit(self.job)
        assert isinstance(outcome, Submitted)
        job_id = outcome.job_id.partition(" ")[0]
        self.kept[job_id] = outcome.job_id
        return job_id

    def ref(self, job_id: str) -> JobRef:
        return JobRef(id=self.kept.get(job_id, job_id), model=self.job.model, input=self.job.input, key=self.job.key)

    def hear(self) -> str | None:
        return self.told.get(timeout=PATIENCE)

    def fetch(self, job_id: str) -> Outcome:
        """Ask until the job is done, also where the answer is that it may be asked again."""
        return until(lambda: self._fetch(job_id), lambda outcome: not isinstance(outcome, Running))

    def _fetch(self, job_id: str) -> Outcome:
        try:
            return self.provider.fetch(self.ref(job_id))
        except ProviderBusyError:
            return Running()


@contextmanager
def room(name: str, *courses: Course) -> Iterator[SimulatorHarness]:
    with SIMULATORS[name](faults=scripted(*courses), timing=TIMING) as simulator:
        job = Job(model=MODELS[name], input={"prompt": "a café", "num_images": 2}, callback_url="", key=simulator.key)
        found = SimulatorHarness(simulator, job)
        with Receiver(found.answer) as receiver:
            found.job = replace(job, callback_url=f"{receiver.url}/{name}/{GENERATION}/token")
            yield found
    assert simulator.errors == []
    assert simulator.lured == 0


@EACH
def test_a_job_goes_out_is_told_of_and_comes_back(name: str) -> None:
    with room(name) as there:
        job_id = there.submit()
        assert there.hear() == job_id
        outcome = there.fetch(job_id)
        assert isinstance(outcome, ImageUrls)
        pictures = [HTTP.send("GET", url, headers={}, timeout=5, max_bytes=10_000) for url in outcome.urls]
        assert {picture.body[:4] for picture in pictures} == {b"\x89PNG"}
        assert there.simulator.submissions == there.simulator.taken == {GENERATION: 1}


@EACH
def test_a_wrong_key_is_refused(name: str) -> None:
    with room(name) as there:
        there.job = replace(there.job, key="another key")
        with pytest.raises(ProviderCredentialsError):
            there.submit()
        assert there.simulator.jobs == {}


@EACH
def test_after_a_refusal_the_call_may_be_made_again(name: str) -> None:
    with room(name, *(Course(answer=answer) for answer in REFUSALS)) as there:
        check_refusals(there.submit)
        assert there.submit() == there.hear()
        assert there.simulator.submissions[GENERATION] == 4
        assert there.simulator.taken[GENERATION] == 1
        assert there.simulator.repeated == []


@EACH
@pytest.mark.parametrize("answer", UNKNOWN)
def test_a_callback_names_the_job_and_paying_twice_is_found_out(name: str, answer: Answer) -> None:
    with room(name, Course(answer=answer)) as there:
        with pytest.raises(OutcomeUnknownError):
            there.submit()
        job_id = there.hear()
        assert job_id is not None
        assert isinstance(there.fetch(job_id), ImageUrls)
        assert there.simulator.repeated == []
        there.submit()
        assert there.simulator.repeated == [GENERATION]


@EACH
@pytest.mark.parametrize(
    ("ending", "words"),
    [(Ending.FAILURE, "could not make the picture"), (Ending.UNSAFE, "to be unsafe"), (Ending.SLOW, None)],
)
def test_a_job_ends_as_planned(name: str, ending: Ending, words: str | None) -> None:
    with room(name, Course(ending=ending, failed_polls=1)) as there:
        outcome = there.fetch(there.submit())
        if words is None:
            assert isinstance(outcome, ImageUrls)
        else:
            assert isinstance(outcome, Failed)
            assert words in outcome.message


@EACH
def test_a_callback_may_come_first_or_thrice_or_late_or_never(name: str) -> None:
    with room(name, *(Course(callback=callback) for callback in Callback if callback is not Callback.ONCE)) as there:
        ids = {callback: there.submit() for callback in Callback if callback is not Callback.ONCE}
        told = [there.hear() for _ in range(5)]
        assert sorted(filter(None, told)) == sorted(
            [ids[Callback.REPEATED]] * 3 + [ids[Callback.DELAYED], ids[Callback.EARLY]]
        )
        assert isinstance(there.fetch(ids[Callback.DROPPED]), ImageUrls)


@EACH
def test_an_early_callback_comes_before_the_answer(name: str) -> None:
    with room(name, Course(callback=Callback.EARLY)) as there:
        job_id = there.submit()
        assert there.told.get_nowait() == job_id


@EACH
def test_a_callback_that_is_turned_away_comes_again(name: str) -> None:
    with room(name) as there:
        there.unwilling = 2
        job_id = there.submit()
        assert there.hear() == job_id
        until(lambda: [call.status for call in there.simulator.calls], lambda found: found == [503, 503, 200])


@EACH
def test_forged_callbacks_change_nothing(name: str) -> None:
    with room(name, Course(ending=Ending.NEVER, forgeries=tuple(Forgery))) as there:
        job_id = there.submit()
        calls = until(lambda: list(there.simulator.calls), lambda found: len(found) == len(Forgery))
        statuses = {call.forgery: call.status for call in calls}
        if name in SIGNED:
            assert statuses == dict.fromkeys(Forgery, 401) | {Forgery.GENERATION: 404}
            assert there.told.empty()
        else:
            assert statuses == dict.fromkeys(Forgery, 200) | {Forgery.GENERATION: 404}
            assert {there.hear() for _ in range(5)} == {None, job_id}
        assert there.provider.fetch(there.ref(job_id)) == Running()
        genuine = there.submit()
        assert there.hear() == genuine


@pytest.mark.parametrize("name", SIGNED)
def test_a_job_can_be_cancelled_until_it_is_done(name: str) -> None:
    with room(name, Course(ending=Ending.NEVER)) as there:
        endless, short = there.submit(), there.submit()
        assert isinstance(there.fetch(short), ImageUrls)
        for job_id in (endless, short, endless, "never-was"):
            there.provider.cancel(there.ref(job_id))
        assert isinstance(there.fetch(endless), Failed)
        assert isinstance(there.fetch(short), ImageUrls)


def test_a_cancellation_that_nobody_there_knows_harms_nobody() -> None:
    with room("artificial-studio") as there:
        job_id = there.submit()
        there.provider.cancel(there.ref(job_id))
        assert isinstance(there.fetch(job_id), ImageUrls)


@pytest.mark.parametrize("name", SIGNED)
def test_new_keys_are_noticed(name: str) -> None:
    with room(name) as there:
        assert isinstance(there.simulator, ReplicateSimulator | FalSimulator)
        assert there.submit() == there.hear()
        there.simulator.rotate()
        there.submit()
        until(lambda: {call.status for call in there.simulator.calls}, lambda found: found == {200, 401})
        there.provider = adapter(there.simulator)  # as it will be five minutes later
        job_id = there.submit()
        until(there.hear, lambda heard: heard == job_id)


@EACH
def test_closing_a_simulator_ends_its_threads(name: str) -> None:
    before = set(threading.enumerate())
    timing = Timing(work=60, delay=60, hang=60)
    courses = scripted(Course(answer=Answer.HANGING), Course(callback=Callback.DELAYED), Course(ending=Ending.NEVER))
    with SIMULATORS[name](faults=courses, timing=timing) as simulator:
        job = Job(model=MODELS[name], input={"prompt": "a"}, callback_url="http://127.0.0.1:1/x", key=simulator.key)

        def hang() -> None:
            with pytest.raises(OutcomeUnknownError):
                adapter(simulator).submit(job)

        hanging = threading.Thread(target=hang)
        hanging.start()
        until(lambda: simulator.submissions.total(), bool)
        for _ in range(2):
            adapter(simulator).submit(job)
    hanging.join(timeout=PATIENCE)
    until(lambda: set(threading.enumerate()) - before, lambda left: not left)


def test_chance_is_the_same_for_a_seed_and_leaves_the_last_tries() -> None:
    faults: dict[Answer, float] = {answer: 0.1 for answer in Answer if answer is not Answer.TAKEN}
    plan, same, other = (
        chance(seed, answers=faults, endings={Ending.NEVER: 0.5}, callbacks={Callback.DROPPED: 1.0}, forged=0.5)
        for seed in (7, 7, 8)
    )
    courses = [plan(number, 0) for number in range(500)]
    assert courses == [same(number, 0) for number in range(500)]
    assert courses != [other(number, 0) for number in range(500)]
    assert {course.answer for course in courses} == set(Answer)
    assert {course.callback for course in courses} == {Callback.DROPPED}
    assert 150 < sum(course.ending is Ending.NEVER for course in courses) < 350
    assert 150 < sum(bool(course.forgeries) for course in courses) < 350
    late = {plan(number, 2).answer for number in range(500)}
    assert late == {Answer.TAKEN, *UNKNOWN}


# ---- Models that ship


FLUX_2 = [model for slug, model in embedded().models.items() if re.fullmatch("flux-2-(pro|max|flex)", slug)]


@pytest.mark.parametrize("model", FLUX_2, ids=lambda model: model.slug)
def test_replicate_takes_each_shape_of_flux_2(model: Model) -> None:
    (route,) = (route for route in model.routes if route.provider == "replicate")
    shapes = [{"aspect_ratio": ratio} for ratio in model.input["properties"]["aspect_ratio"]["enum"]]
    shapes += [{"width": 256}, {"width": 2_048, "height": 2_048}, {"height": 1_001}]
    with room("replicate") as there:
        for shape, pictures in product(shapes, ((), ("https://ours.example/1", "https://ours.example/2"))):
            sent = route.translate({"prompt": "a café", **shape}, pictures)
            there.job = replace(there.job, model=route.model, input=sent)
            assert isinstance(there.fetch(there.submit()), ImageUrls), (shape, pictures)
        with pytest.raises(ProviderRejectedError, match="input_image"):
            there.provider.submit(replace(there.job, input={**sent, "input_image": "https://ours.example/1"}))
