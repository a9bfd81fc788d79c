"""Deliveries on the template's own table: their records, their way through the handlers, and their end."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from atelier.accounts.users import new_user
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.delivery_store import MAX_ATTEMPTS_SHOWN, DeliveryStore
from atelier.adapters.dynamodb.generation_eraser import TableEraser
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.encoding import timestamp
from atelier.errors import ConflictError, NotFoundError, UpstreamUnavailableError
from atelier.generations.model import Generation, Moment, Status, new_id
from atelier.outbound.circuit_breaker import FAILURES_TO_OPEN, Health, Release, Upstream
from atelier.webhooks.delivery import Attempt, Delivery, DeliveryStatus
from atelier.webhooks.events import events, first_delivery
from atelier.webhooks.schedule import SCHEDULE
from tests.integration.lambdas import Calls, Lambdas, event, message, queue_event, request
from tests.integration.samples import ATTEMPTS, DAY, DELIVERIES, NOW, delivery, generation
from tests.integration.stack import Stack, aws, template
from tests.integration.world import RECEIVER, SKETCH, Internet, accept

quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOOK = f"https://{RECEIVER}/api/webhook"
UPSTREAM = Upstream(f"host:{RECEIVER}:443", slots=10, lease=60_000)
WAY = (Moment(Status.PROCESSING, NOW), Moment(Status.UPLOADING, NOW), Moment(Status.SUCCESS, NOW))
ALL = [status.value for status in Status]


@pytest.fixture
def deliveries(table: RecordTable) -> DeliveryStore:
    return DeliveryStore(table, retention_days=7)


@pytest.fixture
def finished(generations: GenerationStore, accounts: AccountStore) -> Generation:
    """A generation whose webhook has not been told yet."""
    user = new_user(email="client@example.com", name="client", now=NOW)
    accounts.add_user(user)
    made = generation(user_id=user.id, status=Status.SUCCESS, webhook=HOOK, finished_at=NOW, due_at=None, timeline=WAY)
    generations.add(made)
    return made


def rows(stack: Stack, kind: str) -> list[Mapping[str, Any]]:
    """The table's records whose kind begins so."""
    return [row for row in stack.rows("GenerationsTable") if row["record"]["S"].startswith(kind)]


def overdue(stack: Stack) -> None:
    """Let every delivery's time come."""
    for row in rows(stack, "delivery#"):
        if "due_at" in row:
            aws("dynamodb").update_item(
                TableName=stack.ref("GenerationsTable"),
                Key={"id": row["id"], "record": row["record"]},
                UpdateExpression="SET due_at = :past",
                ExpressionAttributeValues={":past": {"N": "1"}},
            )


# ---- The records


@given(written=DELIVERIES, then=DELIVERIES, attempt=ATTEMPTS)
@quick
def test_every_field_comes_back(
    generations: GenerationStore, deliveries: DeliveryStore, written: Delivery, then: Delivery, attempt: Attempt
) -> None:
    # given
    generations.add(generation(id=written.generation_id))
    # when
    deliveries.advance(None, written)
    # then
    assert deliveries.find(written.generation_id)[1] == {written.event: written}
    # and when each field that may change has changed
    after = replace(then, generation_id=written.generation_id, event=written.event, version=written.version + 1)
    deliveries.advance(written, after, attempt)
    assert deliveries.find(written.generation_id)[1] == {written.event: after}
    assert deliveries.history(written.generation_id)[1] == [(after, (attempt,))]


def test_a_generation_that_is_not_there_is_not_found(deliveries: DeliveryStore) -> None:
    for read in (deliveries.find, deliveries.history):
        with pytest.raises(NotFoundError):
            read("0" * 32)


def test_reading_what_is_due_reads_no_answers(deliveries: DeliveryStore, finished: Generation, calls: Calls) -> None:
    """They may be 16 KB each, and nothing but the console shows them."""
    current = delivery(finished)
    deliveries.advance(None, current)
    for number in range(1, 12):
        after = replace(current, version=number, attempts=number)
        deliveries.advance(current, after, Attempt(number=number, at=NOW, duration=1, answer="x" * 16_384))
        current = after
    calls.take()
    # when
    found = deliveries.find(finished.id)
    # then
    assert found == (finished, {Status.SUCCESS: current})
    assert calls.take() == ["dynamodb:BatchGetItem"]


def test_the_newest_attempts_are_shown(deliveries: DeliveryStore, finished: Generation) -> None:
    for status in (Status.ERROR, Status.SUCCESS):
        current = delivery(finished, event=status)
        deliveries.advance(None, current)
        for number in range(1, MAX_ATTEMPTS_SHOWN):
            after = replace(current, version=number)
            at = NOW + 2 * number + (status is Status.SUCCESS)
            deliveries.advance(current, after, Attempt(number=number, at=at, duration=1))
            current = after
    # when
    shown = {history.delivery.event: history.attempts for history in deliveries.history(finished.id)[1]}
    # then
    newest = list(range(MAX_ATTEMPTS_SHOWN // 2, MAX_ATTEMPTS_SHOWN))
    for attempts in shown.values():
        assert [attempt.number for attempt in attempts] == newest
        assert [attempt.at for attempt in attempts] == sorted(attempt.at for attempt in attempts)


def test_a_delivery_is_not_listed_as_a_generation(
    deliveries: DeliveryStore, generations: GenerationStore, finished: Generation
) -> None:
    deliveries.advance(None, delivery(finished))
    assert generations.search(user_id=finished.user_id, limit=9, now=NOW)[0] == [finished]
    assert generations.search(limit=9, now=NOW)[0] == [finished]


def test_pending_deliveries_are_on_the_agenda_and_others_not(
    deliveries: DeliveryStore, generations: GenerationStore, finished: Generation, stack: Stack
) -> None:
    pending = delivery(finished)
    deliveries.advance(None, pending)
    assert [(item.generation_id, item.kind) for item in generations.due(NOW + 1, 400)] == [(finished.id, "delivery")]
    deliveries.advance(pending, replace(pending, due_at=None, version=1))
    assert aws("dynamodb").scan(TableName=stack.ref("GenerationsTable"), IndexName="due")["Items"] == []


def test_of_two_workers_one_starts_and_the_other_takes_no_place(
    deliveries: DeliveryStore, finished: Generation, table: RecordTable
) -> None:
    fresh = delivery(finished)
    started = fresh.started(NOW)
    deliveries.acquire(None, started, UPSTREAM, NOW)
    for before in (None, fresh):
        with pytest.raises(ConflictError):
            deliveries.acquire(before, started, UPSTREAM, NOW)
    failed = started.finished(Attempt(number=1, at=NOW, duration=1, status_code=500), NOW)
    again = failed.started(failed.due_at or 0)
    with pytest.raises(ConflictError):
        deliveries.acquire(failed, again, UPSTREAM, NOW)
    assert (
        len([name for name in table.get(f"upstream#{UPSTREAM.name}", "upstream") or {} if name.startswith("slot_")])
        == 1
    )


def test_a_place_is_left_in_any_case_and_the_outcome_kept(
    deliveries: DeliveryStore, finished: Generation, table: RecordTable
) -> None:
    started = delivery(finished).started(NOW)
    slot = deliveries.acquire(None, started, UPSTREAM, NOW)
    attempt = Attempt(number=1, at=NOW, duration=1, status_code=500)
    deliveries.advance(started, replace(started, version=2))
    # when its record has moved on
    with pytest.raises(ConflictError):
        deliveries.advance(started, started.finished(attempt, NOW), attempt, Release(slot, Health.FAILING, NOW))
    # then
    upstream = table.get(f"upstream#{UPSTREAM.name}", "upstream") or {}
    assert (upstream["failures"], [name for name in upstream if name.startswith("slot_")]) == (1, [])
    assert deliveries.history(finished.id)[1][0].attempts == ()


def test_where_there_is_no_place_nothing_is_written(deliveries: DeliveryStore, finished: Generation) -> None:
    one = Upstream(UPSTREAM.name, slots=1, lease=60_000)
    deliveries.acquire(None, delivery(finished, event=Status.PENDING).started(NOW), one, NOW)
    with pytest.raises(UpstreamUnavailableError):
        deliveries.acquire(None, delivery(finished).started(NOW), one, NOW)
    assert set(deliveries.find(finished.id)[1]) == {Status.PENDING}


def test_what_is_announced_leaves_the_agenda_to_its_delivery(
    deliveries: DeliveryStore, generations: GenerationStore, finished: Generation
) -> None:
    waiting = replace(finished, due_at=NOW, version=1)
    generations.advance(finished, waiting)
    # when
    deliveries.announced(waiting, [delivery(finished)])
    # then
    assert deliveries.find(finished.id) == (waiting.announced(), {Status.SUCCESS: delivery(finished)})
    with pytest.raises(ConflictError):
        deliveries.announced(waiting, [delivery(finished)])


def test_deliveries_quicker_than_the_announcement_are_left_alone(
    deliveries: DeliveryStore, generations: GenerationStore, finished: Generation
) -> None:
    waiting = replace(finished, due_at=NOW, version=1)
    generations.advance(finished, waiting)
    told = {status: delivery(finished, event=status) for status in Status}
    quicker = (Status.PENDING, Status.UPLOADING, Status.SUCCESS)
    for status in quicker:
        deliveries.acquire(None, told[status].started(NOW), UPSTREAM, NOW)
    # when
    deliveries.announced(waiting, list(told.values()))
    # then
    expected = {status: item.started(NOW) if status in quicker else item for status, item in told.items()}
    assert deliveries.find(finished.id) == (waiting.announced(), expected)


# ---- Their end


def test_a_deletion_leaves_nothing_and_nothing_begins_anew(
    deliveries: DeliveryStore, finished: Generation, stack: Stack, generations: GenerationStore
) -> None:
    # given deliveries with attempts, of this generation and of another, and one under way
    other = generation(status=Status.SUCCESS)
    generations.add(other)
    for item in (finished, other):
        for status in (Status.PENDING, Status.SUCCESS):
            pending = delivery(item, event=status)
            deliveries.advance(None, pending)
            deliveries.advance(pending, replace(pending, version=1), Attempt(number=1, at=NOW, duration=1))
    under_way = delivery(finished, event=Status.PROCESSING).started(NOW)
    slot = deliveries.acquire(None, under_way, UPSTREAM, NOW)
    # when
    TableEraser(aws("dynamodb"), stack.ref("GenerationsTable")).erase(finished.id)
    # then
    attempt = Attempt(number=1, at=NOW, duration=1, status_code=200)
    with pytest.raises(ConflictError):
        deliveries.advance(under_way, under_way.finished(attempt, NOW), attempt, Release(slot, Health.HEALTHY, NOW))
    for begin in (
        lambda: deliveries.advance(None, delivery(finished)),
        lambda: deliveries.acquire(None, delivery(finished).started(NOW), UPSTREAM, NOW),
    ):
        with pytest.raises(ConflictError):
            begin()
    left = [row["id"]["S"] for row in stack.rows("GenerationsTable") if row["record"]["S"] != "upstream"]
    assert left == [other.id] * 5


class Meanwhile:
    """A client of DynamoDB, and what another worker does when the deliveries are gone and the generation is not."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self._client = aws("dynamodb")
        self._happens = happens
        self.exceptions = self._client.exceptions
        self.query = self._client.query

    def delete_item(self, **what: Any) -> None:
        if what["Key"]["record"]["S"] == "generation":
            self._happens()
        self._client.delete_item(**what)


def test_a_delivery_begun_during_a_deletion_is_deleted_too(
    deliveries: DeliveryStore, finished: Generation, stack: Stack
) -> None:
    def begin() -> None:
        deliveries.advance(None, delivery(finished))

    TableEraser(Meanwhile(begin), stack.ref("GenerationsTable")).erase(finished.id)  # type: ignore[arg-type]
    assert stack.rows("GenerationsTable") == []


def test_all_that_is_known_of_a_generation_expires_together(lambdas: Lambdas, key: str, stack: Stack) -> None:
    # given
    table = stack.ref("GenerationsTable")
    rule = aws("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    # when
    body = {**json.loads(SKETCH), "webhook_events": ["processing", "success"]}
    lambdas.ask(request("generate", authorization=key, body=json.dumps(body)))
    lambdas.make()
    lambdas.stream()
    for _ in range(3):
        lambdas.drain("deliver")
        overdue(stack)
        lambdas.invoke("reconcile", event("reconcile"))
    # then
    found = [row for row in stack.rows("GenerationsTable") if not row["id"]["S"].startswith("upstream#")]
    assert (rule["AttributeName"], rule["TimeToLiveStatus"]) == ("expires_at", "ENABLED")
    assert {row["record"]["S"].partition("#")[0] for row in found} == {"generation", "delivery", "attempt"}
    assert len({row["expires_at"]["N"] for row in found}) == 1
    (own,) = [row for row in found if row["record"]["S"] == "generation"]
    days = (int(own["expires_at"]["N"]) * 1_000 - int(own["created_at"]["N"])) / DAY
    assert days == pytest.approx(7, abs=0.001)


# ---- Their way


def test_a_delivery_costs_three_calls_when_the_receiver_is_well(
    lambdas: Lambdas, key: str, internet: Internet, calls: Calls
) -> None:
    # given a warm sandbox
    internet.hosts[RECEIVER] = accept
    for _ in range(2):
        lambdas.ask(request("generate", authorization=key, body=SKETCH))
    lambdas.make()
    first, second = [item["id"] for item in lambdas.waiting("DeliveryQueue") or _announced(lambdas)]
    lambdas.invoke("deliver", queue_event("deliver", message(first)))
    calls.take()
    # when
    lambdas.invoke("deliver", queue_event("deliver", message(second)))
    # then
    assert len(internet.to(RECEIVER)) == 2
    assert calls.take() == ["dynamodb:BatchGetItem", "dynamodb:TransactWriteItems", "dynamodb:TransactWriteItems"]


def _announced(lambdas: Lambdas) -> list[Any]:
    lambdas.stream()
    return lambdas.waiting("DeliveryQueue")


def test_whoever_wants_to_know_is_told_of_every_status(
    lambdas: Lambdas, key: str, internet: Internet, generations: GenerationStore, stack: Stack
) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    body = json.dumps({**json.loads(SKETCH), "webhook_events": ALL})
    # when each change is seen as it happens
    _, accepted = lambdas.ask(request("generate", authorization=key, body=body))
    lambdas.stream()
    lambdas.drain("deliver")
    lambdas.make()
    lambdas.stream()
    for _ in range(6):
        lambdas.invoke("deliver", queue_event("deliver", message(accepted["id"])))
    # then
    told = [json.loads(sent.content) for sent in internet.to(RECEIVER)]
    assert [item["status"] for item in told] == ["pending", "processing", "uploading", "success"]
    assert {item["id"] for item in told} == {accepted["id"]}
    assert [item["output"] is None for item in told] == [True, True, True, False]
    moments = events(generations.get(accepted["id"]))
    assert [item["updatedAt"] for item in told] == [timestamp(moment.at) for moment in moments]
    ids = [sent.headers["webhook-id"] for sent in internet.to(RECEIVER)]
    assert ids == [f"msg_{accepted['id']}_{status}" for status in ("pending", "processing", "uploading", "success")]
    assert {row["status"]["S"] for row in rows(stack, "delivery#")} == {"delivered"}


@pytest.mark.parametrize(
    ("wanted", "messages"), [(None, 1), (["success"], 1), (["processing"], 2), (["error"], 0), (ALL, 4)]
)
def test_only_what_is_wanted_sends_messages(
    lambdas: Lambdas, key: str, wanted: list[str] | None, messages: int
) -> None:
    """The end also where only what was before it is wanted: a message may have been lost."""
    lambdas.ask(
        request("generate", authorization=key, body=json.dumps({**json.loads(SKETCH), "webhook_events": wanted}))
    )
    lambdas.make()
    lambdas.stream()
    assert len(lambdas.waiting("DeliveryQueue")) == messages


def test_an_event_whose_message_was_lost_is_told_with_the_end(
    lambdas: Lambdas, key: str, internet: Internet, stack: Stack
) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    body = json.dumps({**json.loads(SKETCH), "webhook_events": ["processing"]})
    lambdas.ask(request("generate", authorization=key, body=body))
    lambdas.make()
    lambdas.stream()
    aws("sqs").purge_queue(QueueUrl=stack.ref("DeliveryQueue"))
    # when
    overdue(stack)
    lambdas.invoke("reconcile", event("reconcile"))
    lambdas.drain("deliver")
    # then
    (sent,) = internet.to(RECEIVER)
    assert json.loads(sent.content)["status"] == "processing"


def test_a_failing_host_is_left_alone_and_told_when_it_is_back(
    lambdas: Lambdas, finished: Generation, generations: GenerationStore, internet: Internet, stack: Stack,
    table: RecordTable,
) -> None:  # fmt: skip
    # given as many failures as open the breaker, and two more that wait
    internet.hosts[RECEIVER] = lambda _: httpx.Response(503)
    for _ in range(FAILURES_TO_OPEN + 2):
        one = replace(finished, id=new_id(NOW))
        generations.add(one)
        lambdas.invoke("deliver", queue_event("deliver", message(one.id)))
    assert len(internet.to(RECEIVER)) == FAILURES_TO_OPEN
    assert sorted(int(row["tries"]["N"]) for row in rows(stack, "delivery#")) == [0, 0, *[1] * FAILURES_TO_OPEN]
    # when it is back, and the time for a probe has come
    internet.hosts[RECEIVER] = accept
    upstream = (f"upstream#{UPSTREAM.name}#{finished.user_id}", "upstream")
    table.update(upstream, {"probe_at": 1}, condition="attribute_exists(id)", values={})
    overdue(stack)
    lambdas.invoke("reconcile", event("reconcile"))
    lambdas.drain("deliver")
    # then
    assert {row["status"]["S"] for row in rows(stack, "delivery#")} == {"delivered"}
    assert "failures" not in (table.get(*upstream) or {})


def test_a_line_forms_at_a_host_and_moves_on(
    generations: GenerationStore, deliveries: DeliveryStore, finished: Generation
) -> None:
    # given three that stand in line, the last of them for longest
    waiting = {}
    for number in range(3):
        one = replace(finished, id=f"{NOW:012x}{number:020x}")
        generations.add(one)
        first = first_delivery(one, HOOK, Moment(Status.SUCCESS, NOW), "https://atelier.example")
        later = replace(first.rescheduled(NOW, NOW, down=True), line_since=NOW - number)
        assert deliveries.stand_in_line(None, later, "host:a") == later
        waiting[one.id] = later
    names = list(waiting)
    # then they are in their order, at their host alone
    assert [place.generation_id for place in deliveries.line("host:a", 10)] == names[::-1]
    assert len(deliveries.line("host:a", 2)) == 2
    assert deliveries.line("host:a#another user", 10) == []
    # and who stands in it again keeps the place
    again = deliveries.stand_in_line(waiting[names[2]], waiting[names[2]].rescheduled(NOW, NOW, down=True), "host:a")
    assert [place.generation_id for place in deliveries.line("host:a", 10)] == names[::-1]
    # and who leaves it is woken, once
    place = deliveries.line("host:a", 1)[0]
    deliveries.leave_line(place, again, again.woken(NOW + 1))
    assert deliveries.find(names[2])[1][Status.SUCCESS].due_at == NOW + 1
    with pytest.raises(ConflictError):
        deliveries.leave_line(place, again, again.woken(NOW + 2))
    # and a place of nobody just goes
    deliveries.leave_line(deliveries.line("host:a", 1)[0], None, None)
    assert [place.generation_id for place in deliveries.line("host:a", 10)] == names[:1]


def test_a_delivery_that_dies_is_logged_as_its_alarm_counts_it(
    lambdas: Lambdas, finished: Generation, deliveries: DeliveryStore, internet: Internet,
    logs: Callable[[], list[dict[str, Any]]],
) -> None:  # fmt: skip
    # given the last attempt
    internet.hosts[RECEIVER] = lambda _: httpx.Response(503)
    last = first_delivery(finished, HOOK, WAY[2], "https://atelier.example/api")
    deliveries.advance(None, replace(last, tries=len(SCHEDULE), attempts=len(SCHEDULE)))
    # when
    lambdas.invoke("deliver", queue_event("deliver", message(finished.id)))
    # then
    assert deliveries.find(finished.id)[1][Status.SUCCESS].status is DeliveryStatus.DEAD
    pattern = template()["Resources"]["DeadDeliveries"]["Properties"]["FilterPattern"]
    (line,) = [line for line in logs() if line.get("delivery") == "dead"]
    assert pattern == '{ $.delivery = "dead" }'
    assert (line["generation_id"], line["event"], line["code"]) == (finished.id, "success", 503)


def test_the_receivers_answer_is_kept_and_not_logged(
    lambdas: Lambdas, finished: Generation, deliveries: DeliveryStore, internet: Internet,
    logs: Callable[[], list[dict[str, Any]]],
) -> None:  # fmt: skip
    internet.hosts[RECEIVER] = lambda _: httpx.Response(500, text="a stack trace " + "x" * 20_000)
    lambdas.invoke("deliver", queue_event("deliver", message(finished.id)))
    [(_, (attempt,))] = deliveries.history(finished.id)[1]
    assert (attempt.status_code, attempt.reason) == (500, "The receiver answered 500.")
    assert str(attempt.answer).startswith("a stack trace x")
    assert len(str(attempt.answer)) == 16 * 1024
    assert "stack trace" not in json.dumps(logs())
