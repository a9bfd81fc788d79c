"""events/*.json: one for each function, as AWS sends it, and with no secret in it."""

import re
from dataclasses import replace

import pytest

from atelier.accounts.api_keys import KEY_PATTERN
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.generations.model import Status
from tests.integration.lambdas import HANDLERS, Lambdas, event
from tests.integration.samples import finished_example
from tests.integration.stack import ROOT


def test_each_function_has_an_event_and_is_tested_here() -> None:
    functions = {path.name for path in ROOT.glob("functions/*") if path.is_dir()}
    assert {path.stem for path in ROOT.glob("events/*.json")} == functions == set(HANDLERS)


@pytest.mark.parametrize("name", sorted(HANDLERS))
def test_no_event_holds_a_key(name: str) -> None:
    text = (ROOT / "events" / f"{name}.json").read_text(encoding="utf-8")
    assert not re.search(KEY_PATTERN, text)
    assert "whsec_" not in text


@pytest.mark.parametrize("name", ["generate", "console"])
def test_the_placeholder_for_a_key_is_refused(name: str, lambdas: Lambdas) -> None:
    status, document = lambdas.ask(event(name), name)
    assert (status, set(document)) == (401, {"message"})


def test_the_example_callback_belongs_to_the_example_generation(lambdas: Lambdas, generations: GenerationStore) -> None:
    # given
    waiting = replace(finished_example(), status=Status.PROCESSING, provider="artificial-studio")
    generations.add(waiting)
    # when
    status, document = lambdas.ask(event("webhook"), "webhook")
    # then
    assert (status, document) == (200, {"received": True})
    assert lambdas.waiting("IngestQueue") == [{"id": waiting.id}]
    assert generations.get(waiting.id).job_id == "6955b9000123456789abcdef"


def test_the_example_schedule_finds_nothing_overdue(lambdas: Lambdas) -> None:
    assert lambdas.invoke("reconcile", event("reconcile")) == {"overdue": 0}
