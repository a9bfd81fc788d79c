"""Credits, limits and idempotency keys under concurrency."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import pytest

from tests.deployment import Account, Simulators, account_with_key, administer
from tests.simulators.faults import Course, Ending
from tests.soak import size
from tools.local_stack import Deployed

SKETCH = {"model": "sketch", "input": {"prompt": "a boat"}}
PAID = {"model": "from-artificial-studio", "input": {"prompt": "a boat"}}
COST = 5
OTHER = {"model": "playground-v2", "input": {"prompt": "a boat"}}
MINUTE = 60
T = TypeVar("T")
AT_ONCE = size(soak=50, test=16)
"""Concurrent clients: each takes a sandbox of its own, and a fresh one takes most of a second of a processor."""


def at_once(count: int, call: Callable[[], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [future.result() for future in [pool.submit(call) for _ in range(count)]]


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def within_a_minute(measure: Callable[[], T]) -> T:
    """Return what was measured within one minute of the clock, at the third try at the latest."""
    for _ in range(3):
        minute = time.time() // MINUTE
        measured = measure()
        if time.time() // MINUTE == minute:
            return measured
    pytest.fail("three times in a row the calls took longer than what was left of the minute")


@pytest.mark.soak
def test_fifty_equal_requests_make_one_generation(alice: Account) -> None:
    answers = at_once(50, lambda: alice.post(SKETCH, **{"Idempotency-Key": "fifty", "Prefer": "respond-async"}))

    assert statuses(answers).keys() <= {200, 202}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_an_idempotency_key_stands_for_one_body(alice: Account) -> None:
    first = alice.post(SKETCH, **{"Idempotency-Key": "one body"})
    other = alice.post(SKETCH | {"input": {"prompt": "a kite"}}, **{"Idempotency-Key": "one body"})

    assert first.status_code == 200
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["message"]


@pytest.mark.soak
def test_fifty_requests_at_once_spend_no_more_than_there_is(upstream: Deployed) -> None:
    user: dict[str, Any] = administer(
        upstream, "POST", "/users", email="spender@example.com", name="Spender", credits=COST * 20
    ).json()
    spender = account_with_key(upstream, "spender@example.com")

    answers = at_once(50, lambda: spender.post(PAID, Prefer="respond-async"))

    assert statuses(answers) == {202: 20, 402: 30}
    made = [spender.finished(answer.json()["id"]) for answer in answers if answer.status_code == 202]
    assert Counter(document["status"] for document in made) == {"success": 20}
    assert balance_and_ledger(upstream, user["id"]) == (0, Counter({"top-up": 1, "charge": 20}))


def test_what_fails_is_given_back(upstream: Deployed, simulators: Simulators) -> None:
    user: dict[str, Any] = administer(upstream, "POST", "/users", email="unlucky@example.com", credits=0).json()
    unlucky = account_with_key(upstream, "unlucky@example.com")
    assert unlucky.post(PAID).status_code == 402
    topped_up = administer(upstream, "POST", f"/users/{user['id']}/credits", amount=COST, note="invoice 7").json()

    with simulators.artificial_studio.planned(Course(ending=Ending.FAILURE)):
        failed = unlucky.finished(unlucky.post(PAID).json()["id"])

    assert topped_up["credits"] == COST
    assert failed["status"] == "error"
    assert balance_and_ledger(upstream, user["id"]) == (COST, Counter({"top-up": 1, "charge": 1, "refund": 1}))


def balance_and_ledger(stack: Deployed, user_id: str) -> tuple[int, Counter[str]]:
    ledger = administer(stack, "GET", f"/users/{user_id}/ledger").json()["data"]
    user = next(item for item in administer(stack, "GET", "/users").json()["data"] if item["id"] == user_id)
    assert sum(entry["amount"] for entry in ledger) == user["credits"]
    return user["credits"], Counter(entry["kind"] for entry in ledger)


@pytest.mark.soak
def test_a_limit_is_exact_under_concurrency(stack: Deployed) -> None:
    def limited() -> Account:
        return account_with_key(stack, "limited@example.com", requestsPerMinute=20)

    def create() -> list[httpx.Response]:
        account = limited()
        return at_once(50, lambda: account.post(SKETCH, Prefer="respond-async"))

    def look() -> list[httpx.Response]:
        account = limited()
        return at_once(50, lambda: account.get("/generations/none"))

    created, read = within_a_minute(create), within_a_minute(look)

    assert statuses(created) == {202: 20, 429: 30}
    assert statuses(read) == {404: 20, 429: 30}
    refused = next(answer for answer in created if answer.status_code == 429)
    assert 0 < int(refused.headers["Retry-After"]) <= MINUTE
    assert refused.headers["RateLimit-Policy"] == '"minute";q=20;w=60'
    assert refused.headers["RateLimit"].startswith('"minute";r=0;t=')


def test_a_key_does_what_it_is_for(stack: Deployed) -> None:
    reader = account_with_key(stack, "reader@example.com", scopes=["read"])
    sketcher = account_with_key(stack, "reader@example.com", models=["sketch"])

    made = sketcher.post(SKETCH)

    assert made.status_code in (200, 202)  # 202 if it takes longer than the wait beside other tests
    assert sketcher.finished(made.json()["id"])["status"] == "success"
    assert reader.get(f"/generations/{made.json()['id']}").status_code == 200
    assert reader.post(SKETCH).status_code == 403
    assert sketcher.post(OTHER).status_code == 403


def test_a_rotated_key_works_for_the_overlap(stack: Deployed) -> None:
    old = account_with_key(stack, "rotator@example.com")

    new = administer(stack, "POST", f"/keys/{old.key_id}/rotate", overlapSeconds=3).json()

    assert old.post(SKETCH, Prefer="respond-async").status_code == 202
    time.sleep(4)
    assert old.post(SKETCH).status_code == 401
    answer = httpx.post(f"{stack.api}/generate", json=SKETCH, headers={"Authorization": new["key"]}, timeout=60)
    assert answer.status_code == 200
