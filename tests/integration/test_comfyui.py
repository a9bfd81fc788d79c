"""ComfyUI against its simulator, over HTTP on 127.0.0.1: each job is drawn once, whatever becomes of the answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from atelier.adapters.http.client import client
from atelier.catalog.model import embedded
from atelier.errors import ProviderBusyError, ProviderCredentialsError, ProviderError, ProviderRejectedError
from atelier.outbound.url_policy import OperatorPolicy
from atelier.providers.comfyui import ComfyUI
from atelier.providers.provider import Failed, Images, InputImage, Job, JobRef, Outcome, Running, Submitted
from tests.integration.test_simulators import TIMING, until
from tests.simulators.comfyui import ComfyUISimulator
from tests.simulators.faults import UNKNOWN, Answer, Course, Ending, scripted
from tests.simulators.server import State, png

HTTP = client(OperatorPolicy())
(ROUTE,) = (route for route in embedded().model("sdxl").routes if route.provider == "comfyui")
NODES = ROUTE.translate({"prompt": "a café"})
PICTURE = InputImage(png("theirs"), "image/png", "https://ours.example/1.png")
LOADED = {"class_type": "LoadImage", "inputs": {"image": PICTURE.url}}


class ComfyUIHarness:
    """A simulator and its provider, with a job for each generation."""

    def __init__(self, simulator: ComfyUISimulator) -> None:
        self.simulator = simulator
        self.provider = ComfyUI(HTTP, simulator.urls)

    def submit(self, number: int = 1, *, key: str = "simulator-key", images: tuple[InputImage, ...] = ()) -> str:
        nodes = {**NODES, "10": LOADED} if images else NODES
        job = Job(model="sdxl", input=nodes, callback_url="", key=key, images=images, id=f"{number:032x}")
        outcome = self.provider.submit(job)
        assert isinstance(outcome, Submitted)
        return outcome.job_id

    def fetch(self, job_id: str) -> Outcome:
        """Ask until the job is done, also where the answer is that it may be asked again."""

        def ask() -> Outcome:
            try:
                return self.provider.fetch(ref(job_id))
            except ProviderBusyError:
                return Running()

        return until(ask, lambda outcome: not isinstance(outcome, Running))


def ref(job_id: str) -> JobRef:
    return JobRef(id=job_id, model="sdxl", input={}, key="simulator-key")


@contextmanager
def room(*courses: Course, old: bool = False) -> Iterator[ComfyUIHarness]:
    with ComfyUISimulator(faults=scripted(*courses), timing=TIMING, old=old) as simulator:
        yield ComfyUIHarness(simulator)
    assert simulator.errors == []
    assert simulator.doubled == []
    assert simulator.repeated == []


def test_a_workflow_goes_out_and_its_pictures_come_back() -> None:
    with room() as there:
        outcome = there.fetch(there.submit())
        assert isinstance(outcome, Images)
        assert [image.content_type for image in outcome.images] == ["image/png"]


def test_a_clients_picture_is_uploaded_first() -> None:
    with room() as there:
        assert isinstance(there.fetch(there.submit(images=(PICTURE,))), Images)
        assert len(there.simulator.uploaded) == 1


@pytest.mark.parametrize("answer", UNKNOWN)
def test_a_lost_answer_is_found_again_and_drawn_once(answer: Answer) -> None:
    with room(Course(answer=answer)) as there:
        job_id = there.submit()
        assert there.submit() == job_id
        assert isinstance(there.fetch(job_id), Images)
        assert there.simulator.submissions.total() == len(there.simulator.jobs) == 1


def test_after_a_refusal_it_is_asked_for_again() -> None:
    refusals: dict[Answer, type[ProviderError]] = {
        Answer.BUSY: ProviderBusyError,
        Answer.UNAVAILABLE: ProviderBusyError,
        Answer.REFUSED: ProviderRejectedError,
    }
    with room(*(Course(answer=answer) for answer in refusals)) as there:
        for error in refusals.values():
            with pytest.raises(error):
                there.submit()
        assert isinstance(there.fetch(there.submit()), Images)


def test_a_wrong_key_is_refused() -> None:
    with room() as there:
        there.provider.check("simulator-key")
        calls: tuple[Callable[[], object], ...] = (
            lambda: there.submit(key="another"),
            lambda: there.provider.check("another"),
        )
        for call in calls:
            with pytest.raises(ProviderCredentialsError):
                call()
        assert there.simulator.jobs == {}


@pytest.mark.parametrize(
    ("ending", "words"),
    [(Ending.FAILURE, "CUDA out of memory"), (Ending.UNSAFE, "to be unsafe"), (Ending.SLOW, None)],
)
def test_a_job_ends_as_planned(ending: Ending, words: str | None) -> None:
    with room(Course(ending=ending, failed_polls=1)) as there:
        outcome = there.fetch(there.submit())
        if words is None:
            assert isinstance(outcome, Images)
        else:
            assert isinstance(outcome, Failed)
            assert words in outcome.message


@pytest.mark.parametrize("old", [False, True])
def test_a_cancelled_job_ends_and_others_go_on(old: bool) -> None:
    with room(Course(ending=Ending.NEVER), Course(ending=Ending.SLOW), old=old) as there:
        endless, other = there.submit(1), there.submit(2)
        for job_id in (endless, endless, "00000000-0000-0000-0000-00000000000f"):
            there.provider.cancel(ref(job_id))
        if not old:  # an old one stops only what waits
            assert isinstance(there.fetch(endless), Failed)
        assert isinstance(there.fetch(other), Images)


def test_a_running_job_of_an_old_server_goes_on() -> None:
    with room(Course(ending=Ending.SLOW), old=True) as there:
        job_id = there.submit()
        until(lambda: there.simulator.jobs[job_id].state, lambda state: state is State.RUNNING)
        there.provider.cancel(ref(job_id))
        assert isinstance(there.fetch(job_id), Images)
