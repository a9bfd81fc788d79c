"""Administer: what the operator may do, and when it is too late for it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from atelier.accounts.api_keys import ApiKey, authenticate, mint_key, parse_key
from atelier.accounts.create_user import CreateUser
from atelier.accounts.rotate_key import RotateKey
from atelier.accounts.users import User, UserRequest, new_user
from atelier.encoding import encode
from atelier.errors import ConflictError, NotFoundError, NotPossibleError, UnauthenticatedError
from atelier.generations.delete import Delete
from atelier.generations.model import Generation, Moment, Status
from atelier.generations.serializer import describe
from atelier.webhooks.delivery import Delivery, DeliveryStatus
from atelier.webhooks.redeliver import Redeliver
from tests.unit.fakes import (
    BASE_URL,
    NOW,
    Clock,
    InMemoryDeliveries,
    InMemoryGenerations,
    InMemoryQueue,
    Table,
    a_generation,
)

ID = a_generation().id
DONE = a_generation(status=Status.SUCCESS, finished_at=NOW)
DELIVERY = Delivery(
    generation_id=ID,
    user_id="user_1",
    event=Status.SUCCESS,
    url="https://client.example/hook",
    body="the body",
    created_at=NOW,
    begun_at=NOW,
    due_at=NOW,
)


class InMemoryAccounts:
    """The Accounts port."""

    def __init__(self, user: User, *keys: ApiKey) -> None:
        self.users = {user.id: user}
        self.keys = {key.id: key for key in keys}

    def get(self, key_id: str) -> ApiKey | None:
        return self.keys.get(key_id)

    def user(self, user_id: str) -> User:
        return self.users[user_id]

    def add_user(self, user: User) -> None:
        if user.email in {known.email for known in self.users.values()}:
            raise ConflictError("the address is taken")
        self.users[user.id] = user

    def replace_key(self, old_id: str, new_key: ApiKey, expires_at: int) -> None:
        self.keys[new_key.id] = new_key
        self.keys[old_id] = replace(self.keys[old_id], expires_at=expires_at)


class Gone:
    """The Eraser and StoredFiles ports: remember what was to be deleted, in which order."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def erase(self, generation_id: str) -> None:
        self.deleted.append(generation_id)

    def delete_all(self, prefix: str) -> None:
        self.deleted.append(prefix)


USER = new_user(email="ann@example.com", name="Ann", now=NOW)


def minted(**limits: Any) -> ApiKey:
    return mint_key(name="site", user=USER, test=False, digest_key="d", now=NOW, **limits)[0]


def rotate(accounts: InMemoryAccounts, key_id: str, overlap: int = 60_000) -> tuple[ApiKey, str]:
    return RotateKey(accounts=accounts, digest_key=lambda: "d", clock=Clock())(key_id, overlap)


def test_a_user_is_made_once_for_an_address() -> None:
    accounts = InMemoryAccounts(USER)
    create = CreateUser(accounts=accounts, clock=Clock())
    made = create(UserRequest(email="bob@example.com", name="Bob", plan="pro", credits=7))
    assert (made.email, made.name, made.plan, made.credits, made.created_at) == (
        "bob@example.com", "Bob", "pro", 7, NOW,
    )  # fmt: skip
    with pytest.raises(NotPossibleError, match=r"bob@example\.com"):
        create(UserRequest(email="bob@example.com", name="Bob", plan="pro", credits=7))


def test_a_rotated_key_may_do_the_same_and_the_old_one_overlaps() -> None:
    old = minted(scopes=("read",), requests_per_minute=5, models=("sketch",), expires_at=NOW + 10**9)
    accounts = InMemoryAccounts(USER, old)
    new, text = rotate(accounts, old.id)
    assert replace(new, id=old.id, digest=old.digest) == old
    assert new.id != old.id
    assert authenticate(parse_key(text), new, "d", NOW)
    assert accounts.keys == {old.id: replace(old, expires_at=NOW + 60_000), new.id: new}


def test_an_old_key_does_not_outlive_its_own_end() -> None:
    old = minted(expires_at=NOW + 10)
    accounts = InMemoryAccounts(USER, old)
    rotate(accounts, old.id)
    assert accounts.keys[old.id].expires_at == NOW + 10


@pytest.mark.parametrize("change", [{"revoked_at": NOW - 1}, {"expires_at": NOW}])
def test_a_void_key_cannot_be_rotated(change: dict[str, Any]) -> None:
    old = replace(minted(), **change)
    accounts = InMemoryAccounts(USER, old)
    with pytest.raises(NotPossibleError):
        rotate(accounts, old.id)
    assert accounts.keys == {old.id: old}


def test_an_unknown_key_cannot_be_rotated() -> None:
    with pytest.raises(NotFoundError):
        rotate(InMemoryAccounts(USER), "unknown")


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.ERROR])
def test_a_finished_generation_is_deleted_its_files_first(status: Status) -> None:
    gone = Gone()
    generations = InMemoryGenerations(Table(generations={ID: a_generation(status=status)}))
    Delete(generations=generations, eraser=gone, files=gone)(ID)
    assert gone.deleted == [f"inputs/{ID}/", f"outputs/{ID}/", f"answers/{ID}/", ID]


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.UPLOADING])
def test_an_unfinished_generation_is_not_deleted(status: Status) -> None:
    gone = Gone()
    generations = InMemoryGenerations(Table(generations={ID: a_generation(status=status)}))
    with pytest.raises(NotPossibleError, match=status.value):
        Delete(generations=generations, eraser=gone, files=gone)(ID)
    assert gone.deleted == []


def redeliver(table: Table, queue: InMemoryQueue | None = None) -> Redeliver:
    """Make the step."""
    return Redeliver(deliveries=InMemoryDeliveries(table), queue=queue or InMemoryQueue(), clock=Clock())


def told_before(*deliveries: Delivery, **changes: Any) -> Table:
    """Make a table with the finished generation and deliveries of it."""
    return Table(generations={ID: replace(DONE, **changes)}, deliveries={(ID, item.event): item for item in deliveries})


@pytest.mark.parametrize(
    "before",
    [
        replace(DELIVERY, status=DeliveryStatus.DELIVERED, due_at=None, tries=1, attempts=1),
        replace(DELIVERY, status=DeliveryStatus.DEAD, due_at=None, tries=11, attempts=11, reason="All failed."),
        replace(DELIVERY, due_at=NOW + 60_000, tries=3, attempts=3),
        replace(DELIVERY, started_at=NOW - 60_000, due_at=NOW, tries=1),
    ],
    ids=["delivered", "dead", "pending", "interrupted"],
)
def test_a_webhook_is_told_again_with_the_same_message(before: Delivery) -> None:
    table, queue = told_before(before), InMemoryQueue()
    [again] = redeliver(table, queue)(ID, BASE_URL)
    assert again == table.deliveries[ID, Status.SUCCESS]
    assert (again.message_id, again.body, again.url) == (before.message_id, before.body, before.url)
    assert (again.status, again.tries, again.due_at, again.attempts, again.reason) == (
        DeliveryStatus.PENDING, 0, NOW, before.attempts, None,
    )  # fmt: skip
    assert again.version == before.version + 1
    assert queue.sent == [(ID, 0)]


def test_what_was_never_delivered_is_delivered_now() -> None:
    table, queue = told_before(), InMemoryQueue()
    [first] = redeliver(table, queue)(ID, BASE_URL)
    assert table.deliveries == {(ID, Status.SUCCESS): first}
    assert (first.url, first.body, first.begun_at) == (DONE.webhook, encode(describe(DONE, BASE_URL)), NOW)
    assert queue.sent == [(ID, 0)]


def test_asked_for_twice_it_is_due_once() -> None:
    table = told_before(replace(DELIVERY, status=DeliveryStatus.DEAD, due_at=None, tries=11))
    again = redeliver(table)
    again(ID, BASE_URL)
    assert again(ID, BASE_URL) == list(table.deliveries.values())
    assert [(item.due_at, item.tries) for item in table.deliveries.values()] == [(NOW, 0)]


EARLIER = replace(DELIVERY, event=Status.PROCESSING, status=DeliveryStatus.DEAD, due_at=None)
DELIVERED = replace(DELIVERY, status=DeliveryStatus.DELIVERED, due_at=None)
TALKATIVE = {
    "webhook_events": (Status.PROCESSING, Status.SUCCESS, Status.ERROR),
    "timeline": (Moment(Status.PROCESSING, NOW), Moment(Status.SUCCESS, NOW)),
}


@pytest.mark.parametrize(
    ("event", "repeated"),
    [
        (None, [Status.PROCESSING, Status.SUCCESS]),
        (Status.PROCESSING, [Status.PROCESSING]),
        (Status.SUCCESS, [Status.SUCCESS]),
    ],
)
def test_one_event_is_told_again_or_all(event: Status | None, repeated: list[Status]) -> None:
    table, queue = told_before(EARLIER, DELIVERED, **TALKATIVE), InMemoryQueue()
    again = redeliver(table, queue)(ID, BASE_URL, event)
    assert [item.event for item in again] == repeated
    pending = [event for (_, event), item in table.deliveries.items() if item.status is DeliveryStatus.PENDING]
    assert pending == repeated
    assert queue.sent == [(ID, 0)]


def test_a_queue_out_of_reach_is_made_good_by_reconcile() -> None:
    [again] = redeliver(told_before(DELIVERY), InMemoryQueue(broken=True))(ID, BASE_URL)
    assert again.due_at == NOW


@pytest.mark.parametrize(
    ("generation", "event", "words"),
    [
        (replace(DONE, webhook=None), None, "no webhook"),
        (a_generation(), None, "is pending"),
        (a_generation(status=Status.UPLOADING), None, "is uploading"),
        (replace(DONE, webhook_events=(Status.ERROR,)), None, "is success"),
        (DONE, Status.UPLOADING, "not told of 'uploading'; it asked for success, error"),
        (DONE, Status.ERROR, "is success"),
    ],
)
def test_where_there_is_nothing_to_tell_nothing_is_told(generation: Any, event: Status | None, words: str) -> None:
    table, queue = Table(generations={ID: generation}), InMemoryQueue()
    with pytest.raises(NotPossibleError, match=words):
        redeliver(table, queue)(ID, BASE_URL, event)
    assert (table.deliveries, queue.sent) == ({}, [])


@pytest.mark.parametrize("event", [None, Status.SUCCESS])
def test_an_attempt_that_is_under_way_is_not_doubled(event: Status | None) -> None:
    table, queue = told_before(EARLIER, DELIVERY.started(NOW), **TALKATIVE), InMemoryQueue()
    before = dict(table.deliveries)
    with pytest.raises(NotPossibleError, match="under way"):
        redeliver(table, queue)(ID, BASE_URL, event)
    assert (table.deliveries, queue.sent) == (before, [])


def test_a_redelivery_that_meets_an_attempt_says_so() -> None:
    class Overtaken(InMemoryDeliveries):
        def find(self, generation_id: str) -> tuple[Generation, Mapping[Status, Delivery]]:
            found = super().find(generation_id)
            self.advance(DELIVERY, DELIVERY.started(NOW))
            return found

    table = told_before(DELIVERY)
    step = replace(redeliver(table), deliveries=Overtaken(table))
    with pytest.raises(NotPossibleError, match="try again"):
        step(ID, BASE_URL)
    assert table.deliveries[ID, Status.SUCCESS].started_at == NOW


def test_a_wrong_text_is_still_refused_after_a_rotation() -> None:
    old = minted()
    new, _ = rotate(InMemoryAccounts(USER, old), old.id)
    _, other = mint_key(name="x", user=USER, test=False, digest_key="d", now=NOW)
    with pytest.raises(UnauthenticatedError):
        authenticate(parse_key(other), new, "d", NOW)
