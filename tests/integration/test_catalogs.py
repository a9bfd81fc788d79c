"""Which models a stack offers: by its keys, and by a catalog of the operator's own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from atelier.adapters.aws.catalog_object import StoredCatalog, catalog_source
from atelier.catalog.model import EMBEDDED, OUTPUT, embedded
from atelier.errors import UnavailableError
from functions.generate.app.dependencies import dependencies as generate_dependencies
from tests.integration.lambdas import Calls, Lambdas, request
from tests.integration.stack import Stack, aws, set_provider_keys
from tests.integration.world import Studio

TEXT = EMBEDDED.read_text(encoding="utf-8")
BUCKET, KEY = "owners-bucket", "atelier/catalog.toml"
SECRET_READ = "secretsmanager:GetSecretValue"


def models(lambdas: Lambdas) -> dict[str, Any]:
    """Ask what there is, as anybody may."""
    status, document = lambdas.ask(request("generate", method="GET", path="/models", body=""))
    assert status == 200
    return {model["slug"]: model for model in document["data"]}


def asked(model: str, **values: Any) -> str:
    return json.dumps({"model": model, "input": {"prompt": "a boat", **values}})


def set_key(stack: Stack, **keys: str) -> None:
    set_provider_keys(stack.ref("ProviderKeysSecret"), keys)


# ---- Availability ----------------------------------------------------------------------------------------------------


def test_a_stack_without_keys_offers_what_it_draws_itself(lambdas: Lambdas) -> None:
    found = models(lambdas)
    assert {slug for slug, model in found.items() if model["available"]} == {"sketch", "playground-v2"}
    assert (found["playground-v2"]["cost"], found["flux-dev"]["cost"], found["sketch"]["cost"]) == (0, 3, 0)
    assert all(model["costUnit"] == "image" for model in found.values())


def test_models_that_are_not_available_are_listed_last(lambdas: Lambdas) -> None:
    available = [model["available"] for model in models(lambdas).values()]
    assert available == sorted(available, reverse=True)
    assert {True, False} == set(available)


def test_a_key_makes_models_available(lambdas: Lambdas, stack: Stack) -> None:
    set_key(stack, fal="k")
    found = models(lambdas)
    assert found["flux-dev"]["available"]
    assert not found["gpt-image"]["available"]


def test_a_model_says_what_it_takes(lambdas: Lambdas) -> None:
    schema = models(lambdas)["flux-pro"]["inputSchema"]
    assert (schema["type"], schema["required"]) == ("object", ["prompt"])
    own = [name for name in schema["properties"] if name not in OUTPUT]
    assert own == ["prompt", "aspect_ratio", "width", "height", "seed"]
    assert schema["properties"]["width"]["maximum"] == 1440
    ratio = schema["properties"]["aspect_ratio"]
    assert ratio["default"] == "1:1"
    assert ratio["options"][1] == {"label": ratio["enum"][1], "value": ratio["enum"][1]}


def test_a_model_not_set_up_is_a_503_with_advice_and_no_write(
    lambdas: Lambdas, key: str, stack: Stack, calls: Calls
) -> None:
    event = request("generate", authorization=key, body=asked("flux-dev"))
    assert lambdas.invoke("generate", event)["multiValueHeaders"]["x-should-retry"] == ["false"]
    status, document = lambdas.ask(event)
    assert (status, stack.rows("GenerationsTable")) == (503, [])
    assert document["message"] == (
        "No provider of flux-dev is set up; the operator can: atelier providers set replicate (or fal)."
    )
    # and asking again costs no more than the digest key's and the provider keys' reads of before
    calls.take()
    assert lambdas.ask(request("generate", authorization=key, body=asked("flux-dev")))[0] == 503
    assert calls.take() == ["dynamodb:GetItem"]


def test_what_was_asked_for_in_vain_works_once_the_key_is_set(
    lambdas: Lambdas, key: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a sandbox that has learnt that there is no key
    monkeypatch.setattr("atelier.adapters.aws.secrets.LEAST_REFRESH_SECONDS", 0.0)
    assert lambdas.ask(request("generate", authorization=key, body=asked("flux-dev")))[0] == 503
    # when
    set_key(stack, fal="k")
    # then
    assert lambdas.ask(request("generate", authorization=key, body=asked("flux-dev")))[0] == 202


def test_a_repeat_is_answered_after_the_keys_are_gone(
    lambdas: Lambdas, key: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atelier.adapters.aws.secrets.LEAST_REFRESH_SECONDS", 0.0)
    set_key(stack, fal="k")
    once = {"Idempotency-Key": "order 7"}
    event = request("generate", authorization=key, body=asked("flux-dev"), headers=once)
    status, first = lambdas.ask(event)
    assert status == 202
    set_key(stack)
    generate_dependencies().setup.keys.refresh()
    assert lambdas.ask(request("generate", authorization=key, body=asked("flux-dev")))[0] == 503
    status, again = lambdas.ask(event)
    assert (status, again["id"]) == (202, first["id"])
    other = request("generate", authorization=key, body=asked("flux-dev", seed=7), headers=once)
    assert lambdas.ask(other)[0] == 422


def test_a_drawing_in_a_providers_stead_is_free(lambdas: Lambdas, key: str, stack: Stack) -> None:
    _, accepted = lambdas.ask(request("generate", authorization=key, body=asked("playground-v2")))
    (row,) = [row for row in stack.rows("GenerationsTable") if row["id"]["S"] == accepted["id"]]
    assert row["cost"]["N"] == "0"


def test_a_provider_with_a_key_costs(lambdas: Lambdas, key: str, stack: Stack, studio: Studio) -> None:
    _, accepted = lambdas.ask(request("generate", authorization=key, body=asked("playground-v2")))
    (row,) = [row for row in stack.rows("GenerationsTable") if row["id"]["S"] == accepted["id"]]
    assert row["cost"]["N"] == "4"


# ---- An owner's catalog ----------------------------------------------------------------------------------------------


class Clock:
    """A monotonic clock that a test sets."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def put(moto: None) -> Callable[[str], None]:
    """Put a catalog into the operator's bucket."""
    aws("s3").create_bucket(Bucket=BUCKET)
    return lambda text: aws("s3").put_object(Bucket=BUCKET, Key=KEY, Body=text.encode(errors="surrogateescape"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stored(put: Callable[[str], None], clock: Clock) -> StoredCatalog:
    return StoredCatalog(aws("s3"), f"{BUCKET}/{KEY}", monotonic=clock)


def test_the_catalog_that_ships_costs_no_call() -> None:
    assert catalog_source("embedded") is embedded


def test_a_changed_catalog_counts_after_a_minute(
    stored: StoredCatalog, put: Callable[[str], None], clock: Clock
) -> None:
    put(TEXT)
    assert stored().model("flux-dev").cost == 3
    put(TEXT.replace("cost = 3", "cost = 30"))
    clock.now += 59
    before = stored().model("flux-dev").cost
    clock.now += 1
    assert (before, stored().model("flux-dev").cost) == (3, 30)


@pytest.mark.parametrize("broken", ["not toml [", TEXT.replace("cost = 3", ""), "\udcff", None])
def test_a_catalog_that_cannot_be_used_leaves_the_last_good_one(
    stored: StoredCatalog,
    put: Callable[[str], None],
    clock: Clock,
    broken: str | None,
    logs: Callable[[], list[dict[str, Any]]],
) -> None:
    # given
    put(TEXT)
    good = stored()
    # when
    if broken is None:
        aws("s3").delete_object(Bucket=BUCKET, Key=KEY)
    else:
        put(broken)
    clock.now += 60
    # then
    assert [stored() for _ in range(3)] == [good] * 3
    (line,) = [line for line in logs() if line["level"] == "ERROR"]
    assert line["catalog"] == f"{BUCKET}/{KEY}"
    # and once it is mended it counts
    put(TEXT.replace("cost = 3", "cost = 30"))
    clock.now += 60
    assert stored().model("flux-dev").cost == 30


@pytest.mark.parametrize("broken", ["not toml [", None])
def test_without_a_good_catalog_a_503_says_who_can_help(
    stored: StoredCatalog, put: Callable[[str], None], broken: str | None
) -> None:
    if broken:
        put(broken)
    with pytest.raises(UnavailableError, match=f"{BUCKET}/{KEY} cannot be used; tell the stack's operator"):
        stored()
    put(TEXT)
    assert stored().model("sketch")


def test_a_stacks_own_catalog_is_what_all_its_functions_read(
    moto: None, lambdas: Lambdas, key: str, put: Callable[[str], None], stack: Stack
) -> None:
    # given a stack whose parameter names an object
    stack.change("CatalogObject", f"{BUCKET}/{KEY}")
    put(TEXT.replace("[models.sketch", "[models.drawing"))
    # when
    offered = models(lambdas)
    status, accepted = lambdas.ask(request("generate", authorization=key, body=asked("drawing", width=256, height=256)))
    lambdas.make()
    # then
    assert "drawing" in offered
    assert "sketch" not in offered
    assert status == 202
    _, done = lambdas.ask(
        request("generate", method="GET", path=f"/generations/{accepted['id']}", authorization=key, body="")
    )
    assert done["status"] == "success"


def test_a_model_is_not_called_after_its_last_day(
    lambdas: Lambdas, key: str, put: Callable[[str], None], stack: Stack, studio: Studio
) -> None:
    # given a catalog in which a provider's models have ended, one of which has no other provider
    stack.change("CatalogObject", f"{BUCKET}/{KEY}")
    over = 'name = "artificial-studio"\nends = 2020-01-31'
    text = TEXT.replace('name = "artificial-studio"', over)
    only = 'name = "Other"\ndescription = "Another."\ntool = "text-to-image"\ncost = 4\ndeadline = 600'
    put(f"{text}\n[models.other]\n{only}\n[[models.other.providers]]\n{over}\n")
    assert text != TEXT
    # then the one is drawn here instead, and the other is refused for good
    found = models(lambdas)
    assert (found["playground-v2"]["available"], found["other"]["available"]) == (True, False)
    _, accepted = lambdas.ask(request("generate", authorization=key, body=asked("playground-v2")))
    event = request("generate", authorization=key, body=asked("other"))
    refused = lambdas.invoke("generate", event)
    assert (refused["statusCode"], refused["multiValueHeaders"]["x-should-retry"]) == (503, ["false"])
    assert json.loads(refused["body"])["message"].startswith("other ended at its provider on 2020-01-31; ")
    lambdas.make()
    path = f"/generations/{accepted['id']}"
    _, done = lambdas.ask(request("generate", method="GET", path=path, authorization=key, body=""))
    assert (done["status"], studio.webhook) == ("success", "")
