"""Each synchronous provider against its simulator, over HTTP on 127.0.0.1: one contract for all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from atelier.adapters.http.client import client
from atelier.catalog.model import embedded
from atelier.errors import (
    FetchRefusedError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderRejectedError,
)
from atelier.images.image import size_of
from atelier.images.mask import write_mask
from atelier.outbound.url_policy import OperatorPolicy, UrlPolicy
from atelier.providers.provider import Failed, Images, ImageUrls, InputImage, Job, Outcome, Provider
from atelier.providers.registry import Gateways, keyed, synchronous
from tests.integration.refusals import REFUSALS, check_refusals
from tests.simulators.faults import UNKNOWN, Course, Ending, Timing, scripted
from tests.simulators.gateways import GATEWAYS
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.ideogram import IdeogramSimulator
from tests.simulators.server import png
from tests.simulators.synchronous import SynchronousSimulator
from tests.unit.test_provider_synchronous import NoModels

HTTP = client(OperatorPolicy())
TIMING = Timing(work=0.02, hang=0.05)
CATALOG = embedded()
SIMULATORS = {simulator.name: simulator for simulator in (*GATEWAYS, GeminiSimulator, IdeogramSimulator)}
TOLD = {"xai": 20_000, "openrouter": 40_000, "recraft": 40_000}
"""What a picture costs there, in millionths of a US dollar; the others do not say."""
NO_PICTURES = ("recraft",)
"""Their first models take no pictures of clients."""
PICTURE = InputImage(png("theirs"), "image/png", "https://atelier.example/1.png")
SERVED = [
    (route.provider, slug)
    for slug, model in CATALOG.models.items()
    for route in model.routes
    if route.provider in SIMULATORS
]
WIDTH, HEIGHT = size_of(PICTURE.content) or (0, 0)
MASK = InputImage(write_mask(WIDTH, HEIGHT, bytes(n % 256 for n in range(WIDTH * HEIGHT))), "image/png", "")
"""A mask of all greys."""
EACH = pytest.mark.parametrize("name", SIMULATORS)


@dataclass
class SynchronousHarness:
    """A simulator, and the provider that the stack makes of its catalog for it."""

    simulator: SynchronousSimulator
    provider: Provider
    job: Job

    def submit(self) -> Outcome:
        return self.provider.submit(self.job)


def job_of(name: str) -> Job:
    """Make the job of the catalog's first model that a provider serves, for two pictures where it makes so many."""
    routes = [route for model in CATALOG.models.values() for route in model.routes if route.provider == name]
    given = {"prompt": "a café", "num_images": 2}
    return Job(model=routes[0].model, input=routes[0].translate(given), callback_url="", key="simulator-key")


def provider_of(name: str, simulator: SynchronousSimulator) -> Provider:
    if name not in CATALOG.gateways:
        return synchronous(HTTP, urls=simulator.urls, models=NoModels())[name]
    return Gateways(HTTP, client(UrlPolicy()), simulator.urls)(CATALOG.gateways[name])


@contextmanager
def room(name: str, *courses: Course) -> Iterator[SynchronousHarness]:
    with SIMULATORS[name](faults=scripted(*courses), timing=TIMING) as simulator:
        yield SynchronousHarness(simulator, provider_of(name, simulator), job_of(name))
    assert simulator.errors == []


@EACH
def test_pictures_come_in_the_answer_with_what_they_cost(name: str) -> None:
    with room(name) as there:
        outcome = there.submit()
        assert isinstance(outcome, Images | ImageUrls)
        made = outcome.images if isinstance(outcome, Images) else outcome.urls
        [job] = there.simulator.jobs.values()
        assert len(made) == there.simulator.wanted(job)
        assert outcome.cost == (TOLD[name] * len(made) if name in TOLD else None)
        assert there.simulator.submissions.total() == 1


@pytest.mark.parametrize("name", [name for name in SIMULATORS if name not in NO_PICTURES])
def test_clients_pictures_go_in_the_providers_form(name: str) -> None:
    with room(name) as there:
        there.job = replace(there.job, images=(PICTURE,))
        assert isinstance(there.submit(), Images | ImageUrls)


@pytest.mark.parametrize(("name", "slug"), SERVED)
def test_each_model_that_ships_is_asked_for_as_it_should_be(name: str, slug: str) -> None:
    (route,) = (route for route in CATALOG.model(slug).routes if route.provider == name)
    described = CATALOG.model(slug).input
    given_pictures = (PICTURE,) if "image_urls" in described["required"] else ()
    mask = MASK if "mask_url" in described["required"] else None
    with room(name) as there:
        for ratio in described["properties"].get("aspect_ratio", {"enum": [None]})["enum"]:
            given = {"prompt": "a café", "aspect_ratio": ratio}
            there.job = Job(
                model=route.model,
                input=route.translate(given),
                callback_url="",
                key="simulator-key",
                images=given_pictures,
                mask=mask,
            )
            assert isinstance(there.submit(), Images | ImageUrls), ratio
        if "image_urls" in route.attached:
            there.job = replace(there.job, images=(PICTURE,))
            assert isinstance(there.submit(), Images | ImageUrls)


@EACH
def test_a_wrong_key_is_the_accounts_affair(name: str) -> None:
    with room(name) as there:
        there.provider.check("simulator-key")
        with pytest.raises(ProviderCredentialsError):
            there.provider.check("another key")
        there.job = replace(there.job, key="another key")
        with pytest.raises(ProviderCredentialsError):
            there.submit()
        assert there.simulator.jobs == {}


@EACH
def test_a_refused_call_may_be_made_again_or_never(name: str) -> None:
    with room(name, *(Course(answer=answer) for answer in REFUSALS)) as there:
        check_refusals(there.submit)
        there.submit()
        assert there.simulator.repeated == []


@EACH
def test_a_lost_answer_is_an_unknown_outcome(name: str) -> None:
    with room(name, *(Course(answer=answer) for answer in UNKNOWN)) as there:
        for _ in UNKNOWN:
            with pytest.raises(OutcomeUnknownError):
                there.submit()


@EACH
def test_what_the_filter_takes_out_is_unsafe(name: str) -> None:
    with room(name, Course(ending=Ending.UNSAFE)) as there, pytest.raises(ProviderRejectedError, match="to be unsafe"):
        there.submit()


@EACH
def test_an_answer_without_a_picture_is_never_asked_again(name: str) -> None:
    with room(name, Course(ending=Ending.FAILURE)) as there:
        if name == "gemini":
            assert isinstance(there.submit(), Failed)  # it was billed
            return
        with pytest.raises(OutcomeUnknownError, match="not asked again"):
            there.submit()


@pytest.mark.parametrize("name", CATALOG.gateways)
def test_a_gateway_needs_no_code_and_its_key_is_set_like_others(name: str) -> None:
    assert keyed(name, CATALOG).inputs == CATALOG.gateways[name].inputs
    assert any(route.gateway for model in CATALOG.models.values() for route in model.routes if route.provider == name)


def test_a_catalogs_address_must_be_public() -> None:
    with SIMULATORS["xai"](timing=TIMING) as simulator:
        gateway = replace(CATALOG.gateways["xai"], url=simulator.urls["xai"])
        with pytest.raises(ProviderBusyError) as caught:
            Gateways(HTTP, client(UrlPolicy()), {})(gateway).check("simulator-key")
        assert isinstance(caught.value.__cause__, FetchRefusedError)
        Gateways(HTTP, client(UrlPolicy()), simulator.urls)(gateway).check("simulator-key")
