"""Announce and notify."""

from dataclasses import replace

import pytest

from atelier.errors import ConflictError, UnavailableError
from atelier.generations.model import FINAL, Generation, Moment, Status
from atelier.generations.serializer import announce
from atelier.webhooks.announce import Announce, Notify
from atelier.webhooks.events import deliveries_for, first_delivery
from tests.unit.fakes import (
    BASE_URL,
    NOW,
    InMemoryDeliveries,
    InMemoryGenerations,
    InMemoryQueue,
    InMemoryTopic,
    Table,
    a_generation,
)

WAY = (Moment(Status.PROCESSING, NOW, "studio"), Moment(Status.UPLOADING, NOW), Moment(Status.SUCCESS, NOW))
FINISHED = a_generation(status=Status.SUCCESS, version=3, finished_at=NOW, due_at=NOW + 1, timeline=WAY)
HOOK = str(FINISHED.webhook)


def step(topic: InMemoryTopic, *generations: Generation) -> Announce:
    """Make the step, with a table that holds the generations."""
    table = Table(generations={generation.id: generation for generation in generations})
    return Announce(deliveries=InMemoryDeliveries(table), topic=topic, base_url=BASE_URL)


def announced(generation: Generation, topic: InMemoryTopic) -> InMemoryGenerations:
    """Announce one generation, and return the table."""
    announcing = step(topic, generation)
    announcing(generation)
    assert isinstance(announcing.deliveries, InMemoryDeliveries)
    return InMemoryGenerations(announcing.deliveries.table)


def test_publishes_all_that_can_be_known_and_whose_it_is() -> None:
    topic = InMemoryTopic()
    announced(FINISHED, topic)
    [(document, _)] = topic.published
    assert document == announce(FINISHED, BASE_URL)
    assert document["userId"] == "user_1"


@pytest.mark.parametrize(
    ("webhook", "wanted", "expected"),
    [
        (HOOK, FINAL, "true"),
        (None, FINAL, "false"),
        (HOOK, (Status.SUCCESS,), "true"),
        (HOOK, (Status.ERROR,), "false"),
        (HOOK, (Status.PROCESSING,), "true"),  # its message may have been lost
        (None, (Status.PROCESSING,), "false"),
    ],
)
def test_attributes_can_be_filtered_on(webhook: str | None, wanted: tuple[Status, ...], expected: str) -> None:
    topic = InMemoryTopic()
    announced(replace(FINISHED, webhook=webhook, webhook_events=wanted), topic)
    [(_, attributes)] = topic.published
    assert attributes == {
        "status": "success",
        "model": "paid",
        "type": "image",
        "user_id": "user_1",
        "webhook": expected,
    }


def test_an_announced_generation_is_measured_once() -> None:
    measured: list[str] = []
    announcing = replace(
        step(InMemoryTopic(), FINISHED), measure=lambda items: measured.extend(item.name for item in items)
    )
    announcing(FINISHED)
    with pytest.raises(ConflictError):
        announcing(FINISHED)
    assert measured.count("Generations") == 1


def test_takes_the_generation_off_the_agenda_and_changes_no_more() -> None:
    generations = announced(FINISHED, InMemoryTopic())
    assert generations.get(FINISHED.id) == replace(FINISHED, version=4, due_at=None)
    assert generations.table.finished == []


@pytest.mark.parametrize("wanted", [FINAL, (Status.PROCESSING,), (Status.PENDING,), tuple(Status)], ids=str)
def test_its_deliveries_take_its_place_on_the_agenda(wanted: tuple[Status, ...]) -> None:
    """Also those of what was before the end: their messages may have been lost."""
    finished = replace(FINISHED, webhook_events=wanted)
    generations = announced(finished, InMemoryTopic())
    assert list(generations.table.deliveries.values()) == deliveries_for(finished, {}, BASE_URL)
    on_agenda = {(due.generation_id, due.kind) for due in generations.due(NOW * 2, 10)}
    assert on_agenda == {(FINISHED.id, "delivery")}


def test_a_delivery_that_was_quicker_is_left_as_it_is() -> None:
    announcing = step(InMemoryTopic(), FINISHED)
    started = first_delivery(FINISHED, HOOK, WAY[2], BASE_URL).started(NOW)
    announcing.deliveries.advance(None, started)
    announcing(FINISHED)
    generation, deliveries = announcing.deliveries.find(FINISHED.id)
    assert (generation.due_at, deliveries) == (None, {Status.SUCCESS: started})


@pytest.mark.parametrize("changes", [{"webhook": None}, {"webhook_events": (Status.ERROR,)}])
def test_who_wants_to_hear_nothing_of_it_gets_no_delivery(changes: dict[str, object]) -> None:
    finished = replace(FINISHED, **changes)  # type: ignore[arg-type]
    generations = announced(finished, InMemoryTopic())
    assert generations.table.deliveries == {}
    assert list(generations.due(NOW * 2, 10)) == []


def test_stays_on_the_agenda_while_the_topic_is_out_of_reach() -> None:
    announcing = step(InMemoryTopic(broken=True), FINISHED)
    with pytest.raises(UnavailableError):
        announcing(FINISHED)
    assert announcing.deliveries.find(FINISHED.id) == (FINISHED, {})


def test_a_second_announcer_finds_that_it_was_late() -> None:
    announcing = step(InMemoryTopic(), FINISHED)
    announcing(FINISHED)
    with pytest.raises(ConflictError):
        announcing(FINISHED)


# ---- Notify


def notified(generation: Generation) -> tuple[list[tuple[str, int]], int]:
    """Return what a change of status sent to the delivery queue, and how much it published."""
    topic, queue = InMemoryTopic(), InMemoryQueue()
    Notify(announce=step(topic, generation), queue=lambda: queue)(generation)
    return queue.sent, len(topic.published)


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.ERROR])
def test_the_end_is_announced_to_everybody(status: Status) -> None:
    assert notified(a_generation(status=status, webhook_events=tuple(Status))) == ([], 1)


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.UPLOADING])
def test_of_the_way_there_only_the_webhook_is_told_if_it_asked(status: Status) -> None:
    asked = a_generation(status=status, webhook_events=(status, Status.SUCCESS))
    assert notified(asked) == ([(asked.id, 0)], 0)
    others = tuple(event for event in Status if event is not status)
    assert notified(replace(asked, webhook_events=others)) == ([], 0)
    assert notified(replace(asked, webhook=None)) == ([], 0)


def test_no_queue_is_made_where_nobody_asked() -> None:
    def never() -> InMemoryQueue:
        raise AssertionError("a client costs every cold start")

    Notify(announce=step(InMemoryTopic(), FINISHED), queue=never)(FINISHED)
