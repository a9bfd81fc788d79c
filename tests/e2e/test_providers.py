"""Providers that are busy, refuse, take a minute or are told to stop: simulators of them behind a deployed stack."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.deployment import Account, Simulators, account_with_key, administer, eventually, row
from tests.simulators.faults import Answer, Course, Ending
from tests.simulators.server import Job, png
from tools.local_stack import Deployed

PROMPT = {"prompt": "a lighthouse"}
HELD = "a lighthouse, in its own time"


@dataclass(frozen=True)
class Slow:
    """A generation whose provider has not answered, as its client was answered, and after how many seconds."""

    answer: httpx.Response
    waited: float

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.answer.json()["id"])


@pytest.fixture(scope="module")
def buyer(upstream: Deployed) -> Account:
    administer(upstream, "POST", "/users", email="buyer@example.com", credits=100).raise_for_status()
    return account_with_key(upstream, "buyer@example.com")


@pytest.fixture(scope="module")
def slow(buyer: Account, simulators: Simulators) -> Iterator[Slow]:
    simulators.openai.hold()
    began = time.monotonic()
    answer = buyer.post({"model": "from-openai", "input": {"prompt": HELD}}, Prefer="wait=3")
    yield Slow(answer, time.monotonic() - began)
    simulators.openai.release()


def ask(buyer: Account, model: str, **input: Any) -> dict[str, Any]:
    """Have a picture made, and return its document."""
    accepted = buyer.post({"model": model, "input": PROMPT | input}, Prefer="respond-async")
    return buyer.finished(accepted.raise_for_status().json()["id"])


def entries(buyer: Account, generation_id: str) -> Counter[str]:
    """Count what a generation's client was charged and given back."""
    ledger = administer(buyer.stack, "GET", f"/users/{buyer.user_id}/ledger").raise_for_status().json()["data"]
    return Counter(entry["kind"] for entry in ledger if entry["generationId"] == generation_id)


# ---- A call that takes long


def test_a_provider_that_takes_long_keeps_no_request(slow: Slow, simulators: Simulators) -> None:
    assert slow.answer.status_code == 202
    assert slow.waited < 20
    assert eventually(lambda: simulators.openai.running == 1 or None)


def test_meanwhile_others_pictures_are_made(slow: Slow, buyer: Account, simulators: Simulators) -> None:
    made = [ask(buyer, model)["status"] for model in ("playground-v2", "from-replicate", "from-fal")]

    assert made == ["success"] * 3
    assert eventually(lambda: simulators.openai.running == 1 or None)


def test_it_keeps_one_worker_however_often_the_queue_repeats(
    slow: Slow, buyer: Account, simulators: Simulators
) -> None:
    sqs, queue = buyer.stack.client("sqs"), buyer.stack.resource("DispatchQueue")

    def messages() -> list[int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return [int(found[name]) for name in names]

    _, in_work = messages()
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"id": slow.id}))

    assert in_work >= 1
    assert eventually(lambda: messages() <= [0, in_work] or None)
    assert simulators.openai.running == simulators.openai.submissions[HELD] == 1


# ---- Fallback


def test_who_is_out_of_order_or_busy_is_passed_over(buyer: Account, simulators: Simulators) -> None:
    unavailable, busy = Course(answer=Answer.UNAVAILABLE), Course(answer=Answer.BUSY)
    with simulators.replicate.planned(unavailable), simulators.fal.planned(busy):
        document = ask(buyer, "from-anybody")

    turns = [(attempt["provider"], attempt["error"] is None) for attempt in document["attempts"]]
    assert document["status"] == "success"
    assert turns == [("replicate", False), ("fal", False), ("artificial-studio", True)]
    assert [simulator.submissions[document["id"]] for simulator in simulators.asynchronous] == [1, 1, 1, 0, 0]
    assert entries(buyer, document["id"]) == {"charge": 1}


@pytest.mark.parametrize(
    "course", [Course(answer=Answer.REFUSED), Course(ending=Ending.UNSAFE)], ids=["the input", "the picture"]
)
def test_what_one_refuses_nobody_else_is_asked_for(buyer: Account, simulators: Simulators, course: Course) -> None:
    with simulators.replicate.planned(course):
        document = ask(buyer, "from-anybody")

    assert document["status"] == "error"
    assert "replicate" in document["error"]
    assert [attempt["provider"] for attempt in document["attempts"]] == ["replicate"]
    assert [simulator.submissions[document["id"]] for simulator in simulators.asynchronous] == [1, 0, 0, 0, 0]
    assert entries(buyer, document["id"]) == {"charge": 1, "refund": 1}


# ---- Cancelling


def test_a_job_is_stopped_where_it_is_worked_on(buyer: Account, simulators: Simulators) -> None:
    with simulators.replicate.planned(Course(ending=Ending.NEVER)):
        body = {"model": "from-replicate", "input": PROMPT}
        generation_id = buyer.post(body, Prefer="respond-async").raise_for_status().json()["id"]
        job_id = eventually(lambda: row(buyer.stack, generation_id).get("job_id"))

    cancelled = buyer.post({}, f"/generations/{generation_id}/cancel")
    finished = buyer.finished(generation_id)

    assert cancelled.is_success
    assert simulators.replicate.jobs[job_id].cancelled
    assert (finished["status"], finished["error"]) == ("error", "cancelled")
    assert entries(buyer, generation_id) == {"charge": 1}  # the provider may want to be paid


# ---- Clients' pictures


def test_clients_pictures_reach_the_provider_from_this_stack(buyer: Account, simulators: Simulators) -> None:
    theirs = ask(buyer, "playground-v2")["output"]
    inline = f"data:image/png;base64,{base64.b64encode(png('inline')).decode()}"

    document = ask(buyer, "from-replicate", image_urls=[theirs, inline])

    told = job_of(simulators, document["id"]).input["image_input"]
    fetched = [httpx.get(url, follow_redirects=True, timeout=30) for url in told]
    assert document["status"] == "success"
    assert all(url.startswith(f"{buyer.stack.api}/files/inputs/") for url in told)
    assert [answer.headers["content-type"] for answer in fetched] == ["image/png"] * 2


def job_of(simulators: Simulators, generation_id: str) -> Job:
    """Find a generation's job at Replicate."""
    return next(job for job in simulators.replicate.jobs.values() if job.generation_id == generation_id)


# ---- The call is over


def test_after_its_answer_it_is_there_and_was_asked_for_once(
    slow: Slow, buyer: Account, simulators: Simulators
) -> None:
    simulators.openai.release()
    finished = buyer.finished(slow.id, seconds=120)

    assert finished["status"] == "success"
    assert simulators.openai.submissions[HELD] == 1
    assert entries(buyer, slow.id) == {"charge": 1}
