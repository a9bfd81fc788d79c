"""The free call by which the operator learns whether a provider takes a key: one table for all providers."""

from collections.abc import Callable

import httpx
import pytest

from atelier.adapters import ed25519
from atelier.errors import ProviderBusyError, ProviderCredentialsError, ProviderError, ProviderRejectedError
from atelier.outbound.http_client import HttpClient
from atelier.providers.asynchronous import asynchronous
from atelier.providers.registry import KINDS, synchronous
from tests.unit.asynchronous import wire
from tests.unit.test_provider_synchronous import URLS, NoModels

KEY = "user:password"
CALLS = {
    "replicate": ("https://api.replicate.com/v1/account", f"Bearer {KEY}"),
    "artificial-studio": ("https://api.artificialstudio.ai/api/account", KEY),
    "fal": (
        "https://queue.fal.run/fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status",
        f"Key {KEY}",
    ),
    "bfl": ("https://api.bfl.ai/v1/credits", KEY),
    "comfyui": ("http://10.0.0.5:8188/system_stats", "Basic dXNlcjpwYXNzd29yZA=="),
    "gemini": ("https://generativelanguage.googleapis.com/v1beta/models", KEY),
    "ideogram": ("https://api.ideogram.ai/v1/ideogram-v3/generate", KEY),
    "openai": ("https://api.openai.com/v1/models", f"Bearer {KEY}"),
    "stability": ("https://api.stability.ai/v1/user/balance", f"Bearer {KEY}"),
    "automatic1111": ("http://10.0.0.5:7860/sdapi/v1/sd-models", "Basic dXNlcjpwYXNzd29yZA=="),
}

HEADERS = {"bfl": "x-key", "gemini": "x-goog-api-key", "ideogram": "Api-Key"}


def check(name: str, http: HttpClient) -> ProviderError | None:
    providers = {
        **asynchronous(http, urls=URLS, verify=ed25519.verify),
        **synchronous(http, urls=URLS, models=NoModels()),
    }
    try:
        providers[name].check(KEY)
    except ProviderError as error:
        return error
    return None


def test_each_provider_with_a_key_has_a_free_call() -> None:
    assert set(CALLS) == {name for name, kind in KINDS.items() if kind.takes_key}
    for name, (url, authorization) in CALLS.items():
        known = wire(httpx.Response(404 if name == "fal" else 200, json={}))

        assert check(name, known.client) is None

        (request,) = known.requests
        assert (request.method, str(request.url)) == ("GET", url), name
        assert request.headers[HEADERS.get(name, "Authorization")] == authorization, name


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: httpx.Response(401, json={}), ProviderCredentialsError),
        (lambda: httpx.Response(402, json={}), ProviderCredentialsError),
        (lambda: httpx.Response(403, json={}), ProviderCredentialsError),
        (lambda: httpx.Response(406, json={}), ProviderRejectedError),
        (lambda: httpx.Response(302, json={}), ProviderBusyError),
        (lambda: httpx.Response(429, json={}), ProviderBusyError),
        (lambda: httpx.Response(500, json={}), ProviderBusyError),
    ],
)
def test_other_answers_say_what_is_wrong(answer: Callable[[], httpx.Response], kind: type[ProviderError]) -> None:
    for name in CALLS:
        assert type(check(name, wire(answer()).client)) is kind, name


def test_a_provider_without_a_key_calls_nobody() -> None:
    for name in KINDS.keys() - CALLS.keys():
        known = wire(httpx.Response(500))
        assert check(name, known.client) is None
        assert known.requests == []
