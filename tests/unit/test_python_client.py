"""The Python client against an API that loses requests and answers, sync and async."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from atelier_client import (
    ApiError,
    AsyncAtelier,
    Atelier,
    AtelierError,
    Generation,
    GenerationFailedError,
    UnavailableError,
    WaitTimeoutError,
    WebhookVerificationError,
    verify_webhook,
)
from tests.cases import each

BASE, KEY, FILES = "https://api.example/api", "atl_live_secret", "https://files.example"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROOT = Path(__file__).parents[2]
DOCUMENT = {
    "_id": "gen_1", "id": "gen_1", "status": "success", "output": f"{FILES}/0.png", "thumbnail": None, "error": None,
    "model": "sketch", "tool": "text-to-image", "type": "image", "payload": {"prompt": "a fox"},
    "createdAt": "2026-01-01T00:00:00.000Z",
}  # fmt: skip


class Fault(StrEnum):
    """What can befall one request: before it takes effect, or after."""

    LOST = "connection lost before it took effect"
    UNANSWERED = "connection lost after it took effect"
    REFUSED = "503 before it took effect"
    GATEWAY = "504 after it took effect"
    LIMITED = "429"


@dataclass
class Api:
    """An API with the real one's idempotency; `faults` befall its requests in turn, `looks` is when jobs end."""

    faults: list[Fault] = field(default_factory=list)
    looks: int = 1
    fails: bool = False
    retry_after: str = "1"
    made: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.LOST:
            raise httpx.ConnectError("refused", request=request)
        if fault is Fault.REFUSED:
            return httpx.Response(503, json={"message": "Try again."})
        if fault is Fault.LIMITED:
            return httpx.Response(429, headers={"Retry-After": self.retry_after}, json={"message": "Slow down."})
        answer = self.answer(request)
        if fault is Fault.UNANSWERED:
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(504, text="<html>") if fault is Fault.GATEWAY else answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path.removeprefix("/api/"):
            case "POST", "generate":
                return self.generate(request)
            case "DELETE", path:
                if path in self.deleted:
                    return httpx.Response(404, json={"message": "There is no such generation."})
                self.deleted.append(path)
                return httpx.Response(204)
            case "GET", "models":
                return httpx.Response(200, json={"data": [{"slug": "sketch", "name": "Sketch", "cost": 0}]})
            case "GET", "generations":
                return httpx.Response(200, json={"data": [DOCUMENT], "pagination": {"nextCursor": "gen_1"}})
            case "GET", path if path.startswith("generations/"):
                self.looks -= 1
                return httpx.Response(200, json=self.document(path.partition("/")[2]))
            case "GET", "/0.png":
                return httpx.Response(302, headers={"Location": f"{FILES}/signed"})
            case "GET", "/signed":
                return httpx.Response(200, content=b"PNG", headers={"Content-Type": "image/png"})
            case "POST", "files":
                stored = {"id": "f", "url": f"{FILES}/f", "mimetype": "image/png", "size": len(request.content)}
                return httpx.Response(201, json=stored)
        return httpx.Response(404, json={"message": "no such path", "errors": []})

    def generate(self, request: httpx.Request) -> httpx.Response:
        key = request.headers["Idempotency-Key"]
        made, content = self.made.setdefault(key, (f"gen_{len(self.made) + 1}", request.content))
        if content != request.content:
            return httpx.Response(422, json={"message": "The key stands for another request."})
        if not json.loads(content)["input"].get("prompt"):
            del self.made[key]
            error = {"field": "input.prompt", "message": "Must be given.", "code": "required"}
            return httpx.Response(400, json={"message": "Invalid.", "errors": [error]})
        return httpx.Response(202, json=self.document(made))

    def document(self, generation_id: str) -> dict[str, Any]:
        ended = self.looks <= 0
        status = ("error" if self.fails else "success") if ended else "processing"
        error = "The provider refused." if status == "error" else None
        output = DOCUMENT["output"] if status == "success" else None
        return DOCUMENT | {"id": generation_id, "status": status, "error": error, "output": output}


@dataclass
class Clock:
    """Time that passes by sleeping only."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.now += seconds


Use = Callable[..., Any]


def blocking(api: Api, clock: Clock, **options: Any) -> Use:
    client = Atelier(BASE, KEY, transport=httpx.MockTransport(api), sleep=clock.sleep, clock=clock, **options)

    def use(method: str, *args: Any, **given: Any) -> Any:
        return getattr(client, method)(*args, **given)

    return use


def awaiting(api: Api, clock: Clock, **options: Any) -> Use:
    def use(method: str, *args: Any, **given: Any) -> Any:
        async def main() -> Any:
            async with AsyncAtelier(
                BASE, KEY, transport=httpx.MockTransport(api), sleep=clock.sleep_async, clock=clock, **options
            ) as client:
                return await getattr(client, method)(*args, **given)

        return asyncio.run(main())

    return use


both = pytest.mark.parametrize("opened", [blocking, awaiting])


@both
def test_run_waits_for_the_end(opened: Callable[..., Use]) -> None:
    api = Api(looks=3)
    generation = opened(api, Clock())("run", "sketch", {"prompt": "a fox"})

    assert (generation.id, generation.status, generation.output) == ("gen_1", "success", DOCUMENT["output"])
    first = api.requests[0]
    assert first.headers["Authorization"] == KEY
    assert first.headers["Prefer"] == "wait=25"
    assert json.loads(first.content) == {"model": "sketch", "input": {"prompt": "a fox"}}


@both
def test_submit_returns_at_once(opened: Callable[..., Use]) -> None:
    api = Api(looks=9)
    generation = opened(api, Clock())(
        "submit", "sketch", {"prompt": "a fox"}, webhook="https://me.example/hook", webhook_events=["success"]
    )

    assert generation.status == "processing"
    (request,) = api.requests
    assert request.headers["Prefer"] == "respond-async"
    assert json.loads(request.content)["webhook"] == "https://me.example/hook"
    assert json.loads(request.content)["webhook_events"] == ["success"]


@both
def test_subscribe_reports_each_status_once(opened: Callable[..., Use]) -> None:
    seen: list[str] = []
    opened(Api(looks=4), Clock())(
        "subscribe", "sketch", {"prompt": "a fox"}, on_update=lambda generation: seen.append(generation.status)
    )

    assert seen == ["processing", "success"]


def test_an_update_may_be_awaited() -> None:
    seen: list[str] = []

    async def update(generation: Generation) -> None:
        seen.append(generation.status)

    awaiting(Api(looks=2), Clock())("subscribe", "sketch", {"prompt": "a fox"}, on_update=update)

    assert seen == ["processing", "success"]


@both
def test_a_wait_outlasts_an_outage(opened: Callable[..., Use]) -> None:
    assert opened(Api(faults=[Fault.REFUSED] * 7), Clock())("wait", "gen_1").status == "success"
    with pytest.raises(UnavailableError):
        opened(Api(faults=[Fault.LOST] * 99), Clock())("wait", "gen_1", timeout=30)


@both
def test_a_generation_that_fails_is_an_error(opened: Callable[..., Use]) -> None:
    with pytest.raises(GenerationFailedError, match="The provider refused") as caught:
        opened(Api(fails=True), Clock())("run", "sketch", {"prompt": "a fox"})

    assert caught.value.generation.status == "error"


@both
def test_a_wait_ends_at_its_time(opened: Callable[..., Use]) -> None:
    clock = Clock()
    with pytest.raises(WaitTimeoutError) as caught:
        opened(Api(looks=10_000), clock)("run", "sketch", {"prompt": "a fox"}, timeout=60)

    assert 50 < clock.now <= 60
    assert caught.value.generation.id == "gen_1"


@pytest.mark.parametrize("opened", [blocking, awaiting])
@given(faults=st.lists(st.sampled_from(Fault), max_size=4), looks=st.integers(0, 3))
@settings(deadline=None, max_examples=150)
def test_no_fault_makes_a_second_generation(opened: Callable[..., Use], faults: list[Fault], looks: int) -> None:
    api = Api(faults=list(faults), looks=looks)
    generation = opened(api, Clock())("run", "sketch", {"prompt": "a fox"})

    assert generation.status == "success"
    assert len(api.made) == 1


@both
@given(faults=st.lists(st.sampled_from(Fault), min_size=5, max_size=5))
@settings(deadline=None, max_examples=50)
def test_after_all_retries_the_same_key_goes_on(opened: Callable[..., Use], faults: list[Fault]) -> None:
    api = Api(faults=list(faults))
    use = opened(api, Clock())
    with pytest.raises(UnavailableError) as caught:
        use("run", "sketch", {"prompt": "a fox", "width": 8})

    assert len(api.requests) == 5
    use("run", "sketch", {"width": 8, "prompt": "a fox"}, idempotency_key=caught.value.idempotency_key)
    assert len(api.made) == 1


def test_two_calls_are_two_generations() -> None:
    api = Api()
    use = blocking(api, Clock())
    use("run", "sketch", {"prompt": "a fox"})
    use("run", "sketch", {"prompt": "a fox"})

    assert len(api.made) == 2


@both
def test_a_refusal_is_not_repeated(opened: Callable[..., Use]) -> None:
    api = Api()
    with pytest.raises(ApiError, match=r"Invalid\.") as caught:
        opened(api, Clock())("run", "sketch", {})

    assert len(api.requests) == 1
    assert caught.value.status == 400
    assert [(error.field, error.code) for error in caught.value.errors] == [("input.prompt", "required")]


@both
def test_retry_after_is_kept(opened: Callable[..., Use]) -> None:
    clock = Clock()
    opened(Api(faults=[Fault.LIMITED], retry_after="17"), clock)("get", "gen_1")
    assert clock.now == 17

    with pytest.raises(UnavailableError, match="Slow down"):  # nobody waits for an hour without having asked for it
        opened(Api(faults=[Fault.LIMITED], retry_after="3600"), clock)("get", "gen_1")
    assert clock.now == 17


@both
def test_a_pause_grows(opened: Callable[..., Use]) -> None:
    clock = Clock()
    with pytest.raises(UnavailableError, match="ConnectError"):
        opened(Api(faults=[Fault.LOST] * 5), clock)("get", "gen_1")

    assert 3.75 <= clock.now <= 7.5


@both
def test_what_an_earlier_attempt_deleted_is_deleted(opened: Callable[..., Use]) -> None:
    opened(Api(faults=[Fault.UNANSWERED]), Clock())("delete", "gen_1")

    with pytest.raises(ApiError, match="no such generation"):
        opened(Api(deleted=["generations/gen_1"]), Clock())("delete", "gen_1")


@both
def test_pictures_are_fetched_without_the_key(opened: Callable[..., Use]) -> None:
    api = Api(faults=[Fault.UNANSWERED])
    (picture,) = opened(api, Clock())("download", Generation.from_json(DOCUMENT))

    assert (picture.content, picture.suffix) == (b"PNG", ".png")
    assert all("Authorization" not in request.headers for request in api.requests)


@both
def test_the_other_calls(opened: Callable[..., Use]) -> None:
    api = Api()
    use = opened(api, Clock())

    assert use("models")[0].slug == "sketch"
    assert use("generations", status="success").next_cursor == "gen_1"
    assert use("upload", b"PNG", name="größe.png", transient=True).size == 3
    assert api.requests[1].url.params["status"] == "success"
    assert api.requests[2].url.params["transient"] == "true"
    with pytest.raises(ApiError, match="no such path"):
        use("account")


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'"text"', b"null"])
def test_another_server_is_noticed(content: bytes) -> None:
    client = Atelier(BASE, KEY, transport=httpx.MockTransport(lambda _: httpx.Response(200, content=content)))
    for method, arguments in (("get", ["gen_1"]), ("models", []), ("account", []), ("generations", [])):
        with pytest.raises(ApiError, match="not that of an Atelier API"):
            getattr(client, method)(*arguments)


def test_a_redirect_is_not_followed_with_the_key() -> None:
    answer = httpx.Response(302, headers={"Location": "https://evil.example/"})
    with pytest.raises(ApiError, match="302"):
        Atelier(BASE, KEY, transport=httpx.MockTransport(lambda _: answer)).get("gen_1")


@pytest.mark.parametrize(("base", "key"), [("api.example", KEY), (BASE, "schlüssel"), (BASE, "a\nb"), (BASE, " ")])
def test_what_cannot_be_sent_is_refused_at_once(base: str, key: str) -> None:
    with pytest.raises(AtelierError):
        Atelier(base, key)


@pytest.mark.parametrize("key", ["", "ä", "a\nb", "k" * 256])
def test_an_idempotency_key_is_checked(key: str) -> None:
    api = Api()
    with pytest.raises(ApiError, match="idempotency key"):
        blocking(api, Clock())("run", "sketch", {"prompt": "a fox"}, idempotency_key=key)
    assert not api.requests


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(Atelier(BASE, KEY))


def test_an_error_quotes_no_header() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError(f"bad header {request.headers['Authorization']}", request=request)

    with pytest.raises(UnavailableError) as caught:
        Atelier(BASE, KEY, transport=httpx.MockTransport(broken), max_retries=0).get("gen_1")
    assert KEY not in str(caught.value)


# ---- Webhooks --------------------------------------------------------------------------------------------------------


def signed(body: str, *, secret: str = SECRET, age: int = 0) -> dict[str, str]:
    """Sign with the reference library."""
    at = int(time.time()) - age
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body)
    return {"Webhook-Id": "msg_1", "webhook-timestamp": str(at), "WEBHOOK-SIGNATURE": f"v1a,x {signature}"}


def test_a_webhook_is_verified() -> None:
    body = json.dumps(DOCUMENT)

    for form in (body, body.encode()):
        assert verify_webhook(form, signed(body), SECRET).payload == {"prompt": "a fox"}


def broken_webhooks() -> Iterator[tuple[str, str, dict[str, str], str]]:
    body = json.dumps(DOCUMENT)
    good = signed(body)
    yield "another body", body + " ", good, SECRET
    yield "another secret", body, good, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    yield "too old", body, signed(body, age=301), SECRET
    yield "from the future", body, signed(body, age=-3_000), SECRET
    yield "no JSON", "{", signed("{"), SECRET
    yield "no generation", "[]", signed("[]"), SECRET
    yield "no secret", body, good, "whsec_"
    yield "a malformed secret", body, good, "whsec_ä"
    for name, value in (
        ("Webhook-Id", "msg_2"),
        ("Webhook-Id", ""),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "9" * 5000),
        ("webhook-timestamp", "٣"),
        ("WEBHOOK-SIGNATURE", "v1"),
        ("WEBHOOK-SIGNATURE", "v1,ä v1,=== ,"),
        ("WEBHOOK-SIGNATURE", good["WEBHOOK-SIGNATURE"].replace("v1,", "v2,")),
        ("WEBHOOK-SIGNATURE", ""),
    ):
        yield f"{name}: {value[:9]}", body, good | {name: value}, SECRET
        yield f"no {name}", body, {known: it for known, it in good.items() if known != name}, SECRET


@each(("what", "body", "headers", "secret"), list(broken_webhooks()))
def test_a_webhook_that_cannot_be_trusted(what: str, body: str, headers: dict[str, str], secret: str) -> None:
    with pytest.raises(WebhookVerificationError):
        verify_webhook(body, headers, secret)


@given(st.binary(max_size=200), st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=4))
@settings(deadline=None)
def test_no_bytes_break_the_verification(body: bytes, headers: dict[str, str]) -> None:
    stamp = {"webhook-id": "m", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1," + "A" * 44}
    with pytest.raises(WebhookVerificationError):
        verify_webhook(body, stamp | headers, SECRET)


def test_a_key_of_any_length_verifies() -> None:
    secret = "whsec_" + base64.b64encode(bytes(64)).decode()
    body = json.dumps(DOCUMENT)

    assert verify_webhook(body, signed(body, secret=secret), secret).id == "gen_1"


def test_it_knows_nothing_of_the_stack() -> None:
    """A client is installed alone: with httpx, and without the layer."""
    script = "import sys; import atelier_client; print(sorted({n.partition('.')[0] for n in sys.modules}))"
    source = ROOT / "clients" / "python" / "src"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(source)!r}); {script}"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    loaded = set(json.loads(ran.stdout.replace("'", '"')))
    assert "atelier_client" in loaded
    assert not loaded & {"atelier", "atelier_cli", "boto3", "typer", "aws_lambda_powertools"}
