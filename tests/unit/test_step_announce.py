"""Announce."""

import pytest

from atelier.document import describe
from atelier.errors import ConflictError, UnavailableError
from atelier.generation import Generation, Status
from atelier.steps.announce import Announce
from tests.unit.fakes import BASE_URL, NOW, InMemoryGenerations, InMemoryTopic, a_generation

FINISHED = a_generation(status=Status.SUCCESS, version=3, outputs=("outputs/0.png",), finished_at=NOW, due_at=NOW + 1)


def announce(generation: Generation, topic: InMemoryTopic) -> InMemoryGenerations:
    generations = InMemoryGenerations()
    generations.add(generation)
    Announce(generations=generations, topic=topic, base_url=BASE_URL)(generation)
    return generations


def test_publishes_the_webhooks_document_and_whose_it_is() -> None:
    topic = InMemoryTopic()
    announce(FINISHED, topic)
    [(document, _)] = topic.published
    assert document == {**describe(FINISHED, BASE_URL), "userId": "user_1"}


@pytest.mark.parametrize(("webhook", "expected"), [("https://client.example/hook", "true"), (None, "false")])
@pytest.mark.parametrize("status", [Status.SUCCESS, Status.ERROR])
def test_attributes_can_be_filtered_on(status: Status, webhook: str | None, expected: str) -> None:
    topic = InMemoryTopic()
    announce(a_generation(status=status, webhook=webhook), topic)
    [(_, attributes)] = topic.published
    assert attributes == {
        "status": status.value,
        "model": "paid",
        "type": "image",
        "user_id": "user_1",
        "webhook": expected,
    }


def test_takes_the_generation_off_the_agenda_and_changes_nothing_else() -> None:
    generations = announce(FINISHED, InMemoryTopic())
    left = generations.get(FINISHED.id)
    assert left == a_generation(
        status=Status.SUCCESS, version=4, outputs=FINISHED.outputs, finished_at=NOW, due_at=None
    )
    assert list(generations.due(NOW * 2, 10)) == []
    assert generations.table.finished == []


def test_stays_on_the_agenda_while_the_topic_is_out_of_reach() -> None:
    generations = InMemoryGenerations()
    generations.add(FINISHED)
    with pytest.raises(UnavailableError):
        Announce(generations=generations, topic=InMemoryTopic(broken=True), base_url=BASE_URL)(FINISHED)
    assert generations.get(FINISHED.id) == FINISHED


def test_a_second_announcer_finds_that_it_was_late() -> None:
    topic = InMemoryTopic()
    generations = announce(FINISHED, topic)
    with pytest.raises(ConflictError):
        Announce(generations=generations, topic=topic, base_url=BASE_URL)(FINISHED)
