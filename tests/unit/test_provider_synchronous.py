"""What the synchronous providers have in common, where a call goes out and where none ever comes in."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import httpx
import pytest

from atelier.errors import OutcomeUnknownError, ProviderError, ProviderRejectedError
from atelier.outbound.http_client import HttpClient
from atelier.providers.automatic1111 import Automatic1111
from atelier.providers.bedrock import Bedrock
from atelier.providers.gemini import Gemini
from atelier.providers.ideogram import Ideogram
from atelier.providers.openai import OpenAI
from atelier.providers.provider import InputImage, Job, Provider
from atelier.providers.registry import KINDS
from atelier.providers.stability import Stability
from atelier.providers.synchronous import MAX_ANSWER_BYTES
from tests.cases import each
from tests.unit.asynchronous import NO_ANSWER, raised, wire
from tests.unit.fakes import ScriptedHttp, answer

JOB = Job(model="model", input={"prompt": "a café"}, callback_url="", key="the key")
URLS = {"automatic1111": "http://10.0.0.5:7860", "comfyui": "http://10.0.0.5:8188"}
PAID: list[Callable[[HttpClient, Mapping[str, str]], Provider]] = [OpenAI, Gemini, Ideogram, Stability]


PICTURE = InputImage(b"\x89PNG\r\n\x1a\n", "image/png", "https://atelier.example/1.png")


class NoModels:
    """The ModelInvoker port of whom nothing is asked."""

    def invoke(self, model: str, body: bytes) -> bytes:
        raise AssertionError("there is nothing to invoke")


def all_of_them() -> list[Provider]:
    http = wire(httpx.Response(500)).client
    several: list[Provider] = [OpenAI(http, {}), Gemini(http, {})]
    return [*several, Ideogram(http, {}), Stability(http, {}), Automatic1111(http, URLS), Bedrock(NoModels())]


def test_they_say_what_they_are() -> None:
    found = {it.name: (it.needs_key, it.charges, it.asynchronous, it.cancels) for it in all_of_them()}
    assert found == {
        "openai": (True, True, False, False),
        "gemini": (True, True, False, False),
        "ideogram": (True, True, False, False),
        "stability": (True, True, False, False),
        "automatic1111": (False, False, False, False),
        "bedrock": (False, True, False, False),
    }
    assert all("prompt" in provider.inputs for provider in all_of_them())


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
@pytest.mark.parametrize("method", ["fetch", "cancel", "read_callback"])
def test_only_asynchronous_ones_have_jobs_and_call_back(kind: type[Provider], method: str) -> None:
    assert hasattr(kind, method) == kind.asynchronous


@pytest.mark.parametrize("provider", all_of_them()[2:], ids=lambda provider: provider.name)
def test_most_take_one_picture_and_drop_none_in_silence(provider: Provider) -> None:
    job = replace(JOB, images=(PICTURE, PICTURE))
    assert "one picture" in str(raised(ProviderRejectedError, lambda: provider.submit(job)))


@each("make", PAID)
@each(("failure", "kind"), NO_ANSWER)
def test_a_paid_call_may_be_made_again_only_if_it_was_never_sent(
    make: Callable[[HttpClient, Mapping[str, str]], Provider],
    failure: type[httpx.TransportError],
    kind: type[ProviderError],
) -> None:
    raised(kind, lambda: make(wire(failure).client, {}).submit(JOB))


@pytest.mark.parametrize("make", [*PAID, Automatic1111])
def test_they_wait_for_minutes_and_read_only_some_pictures(
    make: Callable[[HttpClient, Mapping[str, str]], Provider],
) -> None:
    http = ScriptedHttp(answer(500))
    with pytest.raises(ProviderError):
        make(http, URLS).submit(JOB)
    [request] = http.requests
    assert (request.timeout, request.max_bytes) == (150, MAX_ANSWER_BYTES)


def test_an_answer_that_is_too_large_is_an_unknown_outcome() -> None:
    huge = httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1))
    raised(OutcomeUnknownError, lambda: OpenAI(wire(huge).client, {}).submit(JOB))
