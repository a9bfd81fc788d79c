"""Which providers a stack can use, by what the operator has set up."""

from datetime import UTC, date, datetime

import pytest

from atelier.catalog.model import Route
from atelier.providers.registry import KINDS, Setup
from tests.unit.fakes import InMemoryProviderKeys

ARN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-canvas-v1:0"
MODEL = "amazon.nova-canvas-v1:0"
NOTHING = Setup(InMemoryProviderKeys(), {})
KEYS = Setup(InMemoryProviderKeys(dict.fromkeys(KINDS, "the key")), {})
ADDRESSES = Setup(InMemoryProviderKeys(), dict.fromkeys(KINDS, "http://10.0.0.5:7860"))
MODELS = Setup(InMemoryProviderKeys(), {}, (ARN,))


@pytest.mark.parametrize(
    ("setup", "usable"),
    [
        (NOTHING, {"sketch"}),
        (KEYS, {"sketch", "artificial-studio", "replicate", "fal", "bfl", "openai", "gemini", "ideogram", "stability"}),
        (ADDRESSES, {"sketch", "automatic1111", "comfyui"}),
        (MODELS, {"sketch", "bedrock"}),
    ],
    ids=["nothing", "keys", "addresses", "models"],
)
def test_a_provider_is_usable_with_what_it_needs(setup: Setup, usable: set[str]) -> None:
    assert {name for name in KINDS if setup.ready(Route(name, MODEL))} == usable


@pytest.mark.parametrize(("ends", "usable"), [(date(2026, 11, 25), False), (date(2026, 11, 26), True), (None, True)])
def test_a_model_that_has_ended_there_is_not_usable(ends: date | None, usable: bool) -> None:
    midnight = int(datetime(2026, 11, 26, tzinfo=UTC).timestamp() * 1_000)
    setup = Setup(InMemoryProviderKeys({"fal": "k"}), {}, clock=lambda: midnight)
    assert setup.ready(Route("fal", MODEL, ends=ends)) is usable


def test_other_models_and_unknown_providers_are_not_usable() -> None:
    assert not MODELS.ready(Route("bedrock", "stability.sd3-5-large-v1:0"))
    assert not KEYS.ready(Route("unheard-of", MODEL))
