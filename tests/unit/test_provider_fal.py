"""fal: what is sent, what each answer means, and which callbacks are its own."""

import base64
import hashlib
import json
from functools import partial
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from atelier.adapters import ed25519
from atelier.errors import (
    InvalidSignatureError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderError,
    ProviderRejectedError,
)
from atelier.providers.callback_keys import FAILURE_SECONDS, LEAST_RENEWAL_SECONDS, MAX_AGE_SECONDS
from atelier.providers.fal import Fal
from atelier.providers.provider import Failed, ImageUrls, Job, JobRef, Outcome, Running, Submitted
from atelier.providers.request_paths import MAX_JOB_ID_LENGTH
from atelier.providers.wire import MAX_ANSWER_BYTES
from tests.cases import each
from tests.unit.asynchronous import (
    LOST,
    NO_ANSWER,
    NO_DOCUMENT,
    NO_ID,
    NOW,
    REFUSALS,
    REPEATABLE,
    Wire,
    callback,
    no_key_needed,
    raised,
    wire,
)

BASE = "https://queue.fal.example"
URLS = {"fal": BASE, "fal-keys": "https://keys.fal.example"}
ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"
JOB = Job(
    model="fal-ai/flux/dev",
    input={"prompt": "a café"},
    callback_url="https://atelier.example/api/webhook/fal/1/token?a=b",
    key="id:secret",
)
REF = JobRef(id=ID, model=JOB.model, input=JOB.input, key=JOB.key)
PLACE = f"{BASE}/fal-ai/flux/requests/{ID}"
TAKEN = {
    "status": "IN_QUEUE",
    "request_id": ID,
    "response_url": PLACE,
    "status_url": f"{PLACE}/status",
    "cancel_url": f"{PLACE}/cancel",
    "queue_position": 0,
}
PICTURES = ("https://v3.fal.media/files/x/1.png", "https://v3.fal.media/files/x/2.png")
RESULT: dict[str, Any] = {
    "images": [{"url": url, "width": 1024, "height": 1024, "content_type": "image/png"} for url in PICTURES],
    "timings": {"inference": 1.2},
    "seed": 42,
    "has_nsfw_concepts": [False, False],
    "prompt": "https://client.example/what-the-client-wrote.png",
}
COMPLETED = httpx.Response(200, json={"status": "COMPLETED", "request_id": ID, "response_url": PLACE, "metrics": {}})
FAILED = "The provider fal could not make the picture: {}; try again, or change the input."
UNSAFE = "The provider fal holds the prompt, or the picture made of it, to be unsafe: {}; change the prompt."
POLICY = {
    "detail": [
        {
            "loc": ["body", "prompt"],
            "msg": "The content could not be processed.",
            "type": "content_policy_violation",
            "url": "https://docs.fal.ai/errors#content_policy_violation",
            "input": "a café",
        }
    ]
}


def fal(line: Wire) -> Fal:
    return Fal(line.client, URLS, ed25519.verify)


def submit(answer: httpx.Response | type[httpx.TransportError]) -> Outcome:
    return fal(wire(answer)).submit(JOB)


def result(answer: httpx.Response | type[httpx.TransportError]) -> Outcome:
    return fal(wire(COMPLETED, answer)).fetch(REF)


# ---- Submitting


def test_an_input_is_posted_once_with_the_key_and_our_callback() -> None:
    line = wire(httpx.Response(200, json=TAKEN))
    assert fal(line).submit(JOB) == Submitted(ID)
    [request] = line.requests
    assert (request.method, request.url.path) == ("POST", "/fal-ai/flux/dev")
    assert request.url.host == "queue.fal.example"
    assert dict(request.url.params) == {"fal_webhook": JOB.callback_url}
    assert request.headers["Authorization"] == "Key id:secret"
    assert request.headers["X-Fal-No-Retry"] == "1"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == JOB.input


def test_without_an_owners_address_it_is_the_documented_one() -> None:
    line = wire(httpx.Response(200, json=TAKEN))
    Fal(line.client, {}, ed25519.verify).submit(JOB)
    assert line.asked[0][1].startswith("https://queue.fal.run/fal-ai/flux/dev?")


@each(("status", "error"), [*REFUSALS, *LOST], ids=str)
def test_each_refusal_says_what_may_be_done_next(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: submit(httpx.Response(status, json={"detail": "no"})))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"detail": "Path /dev2 not found"}, "refused the input: Path /dev2 not found; change it."),
        (
            {"detail": [{"loc": ["body", "seed"], "msg": "not an integer"}, {"loc": ["body"], "msg": "too much"}]},
            "refused the input: seed: not an integer; too much; change it.",
        ),
        ({"detail": [5, {}, {"loc": 5, "msg": 5}]}, "refused the input: 5; change it."),
        ({}, "refused the input; change it."),
    ],
)
def test_a_refusal_is_passed_on_in_the_providers_words(document: object, words: str) -> None:
    error = raised(ProviderRejectedError, lambda: submit(httpx.Response(422, json=document)))
    assert str(error) == f"The provider fal {words}"


def test_a_locked_account_is_the_owners_affair() -> None:
    locked = httpx.Response(403, json={"detail": "User is locked. Reason: Exhausted balance."})
    with pytest.raises(ProviderError, match=r"credit .*; tell the operator"):
        submit(locked)


@each("body", [*NO_DOCUMENT, *(json.dumps({"request_id": job_id}).encode() for job_id in NO_ID)])
def test_an_answer_without_a_plain_id_is_an_unknown_outcome(body: bytes) -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, content=body)))


def test_an_answer_that_is_too_large_is_an_unknown_outcome() -> None:
    raised(OutcomeUnknownError, lambda: submit(httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1))))


@pytest.mark.parametrize(("lost", "error"), NO_ANSWER)
def test_a_call_may_be_made_again_only_if_it_was_never_sent(
    lost: type[httpx.TransportError], error: type[ProviderError]
) -> None:
    raised(error, lambda: submit(lost))


# ---- Where a request is asked about


def asked_with(job_id: str, model: str = JOB.model) -> list[tuple[str, str]]:
    """Fetch and cancel a job; return what was asked."""
    line = wire(COMPLETED, httpx.Response(200, json=RESULT), httpx.Response(202))
    job = JobRef(id=job_id, model=model, input={}, key="id:secret")
    provider = fal(line)
    provider.fetch(job)
    provider.cancel(job)
    assert {request.headers["Authorization"] for request in line.requests} == {"Key id:secret"}
    return line.asked


@pytest.mark.parametrize(
    ("model", "application"),
    [
        ("fal-ai/flux/dev", "fal-ai/flux"),
        ("fal-ai/fast-sdxl", "fal-ai/fast-sdxl"),
        ("fal-ai/flux-pro/v1.1/ultra", "fal-ai/flux-pro"),
        ("workflows/someone/flow/v2", "workflows/someone/flow"),
        ("comfy/someone/flow", "comfy/someone/flow"),
    ],
)
def test_a_job_named_by_callback_alone_is_asked_as_documented(model: str, application: str) -> None:
    place = f"{BASE}/{application}/requests/{ID}"
    assert asked_with(ID, model) == [("GET", f"{place}/status"), ("GET", place), ("PUT", f"{place}/cancel")]


def test_the_urls_that_the_queue_named_are_used() -> None:
    named = TAKEN | {"status_url": f"{BASE}/other/{ID}/status?v=2", "cancel_url": f"{BASE}/stop/{ID}"}
    outcome = submit(httpx.Response(200, json=named))
    assert isinstance(outcome, Submitted)
    assert asked_with(outcome.job_id, "some/other/model") == [
        ("GET", f"{BASE}/other/{ID}/status?v=2"),
        ("GET", PLACE),
        ("PUT", f"{BASE}/stop/{ID}"),
    ]


@each(
    "url",
    [
        "https://evil.example/status",
        "http://queue.fal.example/status",
        f"{BASE}.evil.example/status",
        f"{BASE}@evil.example/status",
        f"{BASE}:8443/status",
        BASE,
        f"{BASE}/a b",
        f"{BASE}/é",
        f"{BASE}/" + "a" * MAX_JOB_ID_LENGTH,
        "//evil.example",
        None,
        5,
    ],
)
@each("name", ["response_url", "status_url", "cancel_url"])
def test_our_key_goes_to_the_queues_own_host_only(name: str, url: object) -> None:
    assert submit(httpx.Response(200, content=json.dumps(TAKEN | {name: url}))) == Submitted(ID)


# ---- Fetching


@each("body", [b'{"status": "IN_QUEUE"}', b'{"status": "IN_PROGRESS", "logs": []}', *NO_DOCUMENT])
@each("status", [200, 202])
def test_a_request_that_is_not_completed_is_running(status: int, body: bytes) -> None:
    line = wire(httpx.Response(status, content=body))
    assert fal(line).fetch(REF) == Running()
    assert line.asked == [("GET", f"{PLACE}/status")]


@each(
    ("news", "outcome"),
    [
        ({}, ImageUrls(PICTURES)),
        ({"images": None, "image": {"url": PICTURES[0]}}, ImageUrls(PICTURES[:1])),
        ({"images": list(PICTURES)}, ImageUrls(PICTURES)),
        ({"images": []}, Failed(FAILED.format("it finished without a picture"))),
        ({"images": 5}, Failed(FAILED.format("it finished without a picture"))),
        ({"images": None, "error": "Out of luck."}, Failed(FAILED.format("Out of luck"))),
        ({"has_nsfw_concepts": [True, False]}, ImageUrls(PICTURES[1:])),
        ({"has_nsfw_concepts": [True, True]}, Failed(UNSAFE.format("it painted the picture black"))),
        ({"has_nsfw_concepts": [False, True, True]}, ImageUrls(PICTURES[:1])),
        ({"has_nsfw_concepts": None, "nsfw_content_detected": [False, True]}, ImageUrls(PICTURES[:1])),
        (
            {"images": None, "image": {"url": PICTURES[0]}, "nsfw": True},
            Failed(UNSAFE.format("it painted the picture black")),
        ),
    ],
)
def test_a_result_has_its_pictures_but_for_those_painted_black(news: dict[str, Any], outcome: Outcome) -> None:
    assert result(httpx.Response(200, json=RESULT | news)) == outcome


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (httpx.Response(422, json=POLICY), Failed(UNSAFE.format("prompt: The content could not be processed"))),
        (
            httpx.Response(422, json={"detail": [{"loc": ["body", "seed"], "msg": "not an integer", "type": "int"}]}),
            Failed(FAILED.format("seed: not an integer")),
        ),
        (httpx.Response(400, json={"detail": "NSFW content"}), Failed(UNSAFE.format("NSFW content"))),
        (httpx.Response(404), Failed(FAILED.replace(": {}", ""))),
        (
            httpx.Response(504, json={"detail": "Request timed out", "error_type": "request_timeout"}),
            Failed(FAILED.format("Request timed out")),
        ),
        (
            httpx.Response(500, json={"detail": [{"loc": ["body"], "msg": "Oh", "type": "internal_server_error"}]}),
            Failed(FAILED.format("Oh")),
        ),
    ],
)
def test_a_result_with_the_models_own_words_is_final(response: httpx.Response, outcome: Outcome) -> None:
    assert result(response) == outcome


def test_a_completed_request_may_carry_its_error() -> None:
    status = {"status": "COMPLETED", "error": "Runner disconnected.", "error_type": "runner_disconnected"}
    line = wire(httpx.Response(200, json=status))
    assert fal(line).fetch(REF) == Failed(FAILED.format("Runner disconnected"))
    assert len(line.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_request_that_is_gone_has_failed(status: int) -> None:
    assert isinstance(fal(wire(httpx.Response(status, json={"detail": "no"}))).fetch(REF), Failed)


@each(("status", "error"), REPEATABLE)
def test_asking_may_be_repeated_after_any_trouble(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: fal(wire(httpx.Response(status))).fetch(REF))
    raised(error, lambda: result(httpx.Response(status)))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_provider_out_of_reach_is_asked_again(error: type[httpx.TransportError]) -> None:
    raised(ProviderBusyError, lambda: fal(wire(error)).fetch(REF))
    raised(ProviderBusyError, lambda: result(error))


# ---- Cancelling


@pytest.mark.parametrize("status", [200, 202, 400, 404])
def test_a_cancellation_may_come_twice_or_too_late(status: int) -> None:
    line = wire(httpx.Response(status, json={"status": "ALREADY_COMPLETED"}))
    provider = fal(line)
    provider.cancel(REF)
    provider.cancel(REF)
    assert line.asked == [("PUT", f"{PLACE}/cancel")] * 2


@each(("status", "error"), REPEATABLE)
def test_a_wish_that_did_not_arrive_may_be_repeated(status: int, error: type[ProviderError]) -> None:
    raised(error, lambda: fal(wire(httpx.Response(status))).cancel(REF))


# ---- Callbacks

SIGNER, NEXT, FOREIGN = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
BODY = json.dumps({"request_id": ID, "gateway_request_id": ID, "status": "OK", "payload": RESULT}).encode()


def jwk(signer: Ed25519PrivateKey) -> dict[str, str]:
    x = base64.urlsafe_b64encode(signer.public_key().public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "1", "use": "sig"}


def told(*signers: Ed25519PrivateKey) -> httpx.Response:
    return httpx.Response(200, json={"keys": [jwk(signer) for signer in signers]})


def signed(signer: Ed25519PrivateKey = SIGNER, body: bytes = BODY, at: int = NOW) -> dict[str, str]:
    message = "\n".join([ID, "user_1", str(at), hashlib.sha256(body).hexdigest()])
    return {
        "X-Fal-Webhook-Request-Id": ID,
        "X-Fal-Webhook-User-Id": "user_1",
        "X-Fal-Webhook-Timestamp": str(at),
        "X-Fal-Webhook-Signature": signer.sign(message.encode()).hex(),
    }


def changed(**changes: str) -> dict[str, str]:
    return signed() | {f"X-Fal-Webhook-{name.replace('_', '-')}": value for name, value in changes.items()}


def test_a_signed_callback_names_its_request() -> None:
    line = wire(told(FOREIGN, SIGNER))
    assert fal(line).read_callback(callback(signed(), BODY), no_key_needed) == ID
    assert line.asked == [("GET", "https://keys.fal.example/.well-known/jwks.json")]
    assert "Authorization" not in line.requests[0].headers


def test_the_documented_keys_are_the_default() -> None:
    line = wire(told(SIGNER))
    Fal(line.client, {"fal": BASE}, ed25519.verify).read_callback(callback(signed(), BODY), no_key_needed)
    assert line.asked == [("GET", "https://rest.fal.ai/.well-known/jwks.json")]


def test_a_callback_may_be_repeated_while_it_is_fresh() -> None:
    provider = fal(wire(told(SIGNER)))
    seen = {provider.read_callback(callback(signed(), BODY, NOW + late), no_key_needed) for late in (0, 300, -300)}
    assert seen == {ID}


@pytest.mark.parametrize("late", [301, -301, 86_400])
def test_a_callback_that_is_replayed_later_is_refused(late: int) -> None:
    with pytest.raises(InvalidSignatureError):
        fal(wire(told(SIGNER))).read_callback(callback(signed(), BODY, NOW + late), no_key_needed)


FORGERIES: dict[str, tuple[dict[str, str], bytes]] = {
    "another key": (signed(FOREIGN), BODY),
    "another body": (signed(), BODY.replace(ID.encode(), b"x" * len(ID))),
    "a truncated body": (signed(), BODY[:-1]),
    "a truncated signature": (changed(Signature=signed()["X-Fal-Webhook-Signature"][:-2]), BODY),
    "an odd signature": (changed(Signature=signed()["X-Fal-Webhook-Signature"][:-1]), BODY),
    "another request": (changed(Request_Id="other"), BODY),
    "another user": (changed(User_Id="user_2"), BODY),
    "another time": (changed(Timestamp=str(NOW + 1)), BODY),
    "no time": (changed(Timestamp="now"), BODY),
    "an endless time": (changed(Timestamp="9" * 10_000), BODY),
    "a time in other digits": (changed(Timestamp="١٨٠٠٠٠٠٠٠٠"), BODY),
    "what no UTF-8 can write": (changed(User_Id="\ud800"), BODY),
    "no headers": ({}, BODY),
    "no signature": ({name: value for name, value in signed().items() if "Signature" not in name}, BODY),
    "a signature that is no hex": (changed(Signature="zz" * 64), BODY),
}


@each(("headers", "body"), FORGERIES.values(), ids=tuple(FORGERIES.keys()))
def test_a_forged_callback_is_refused(headers: dict[str, str], body: bytes) -> None:
    provider = fal(wire(told(SIGNER)))
    with pytest.raises(InvalidSignatureError):
        provider.read_callback(callback(headers, body), no_key_needed)
    assert provider.read_callback(callback(signed(), BODY), no_key_needed) == ID


@each("body", [*NO_DOCUMENT, *(json.dumps({"request_id": job_id}).encode() for job_id in NO_ID)])
def test_a_signed_callback_without_a_plain_id_has_none(body: bytes) -> None:
    assert fal(wire(told(SIGNER))).read_callback(callback(signed(body=body), body), no_key_needed) is None


def test_the_keys_are_remembered_for_a_day() -> None:
    line = wire(told(SIGNER))
    provider = fal(line)
    for at in (NOW, NOW + 1, NOW + MAX_AGE_SECONDS - 1):
        provider.read_callback(callback(signed(at=at), BODY, at), no_key_needed)
    assert len(line.requests) == 1
    for at in (NOW + MAX_AGE_SECONDS, NOW + MAX_AGE_SECONDS + 1):
        provider.read_callback(callback(signed(at=at), BODY, at), no_key_needed)
    assert len(line.requests) == 2


def test_old_keys_serve_while_the_provider_hangs() -> None:
    """A provider that hung made each of its callbacks wait for keys, and the jobs were lost."""
    line = wire(told(SIGNER), httpx.ReadTimeout)
    provider = fal(line)
    for at in (NOW, NOW + MAX_AGE_SECONDS, NOW + MAX_AGE_SECONDS + 1, NOW + 2 * MAX_AGE_SECONDS):
        assert provider.read_callback(callback(signed(at=at), BODY, at), no_key_needed) == ID
    later = NOW + 2 * MAX_AGE_SECONDS + 2
    with pytest.raises(InvalidSignatureError):
        provider.read_callback(callback(signed(FOREIGN, at=later), BODY, later), no_key_needed)
    assert len(line.requests) == 3


def test_new_keys_are_read_when_none_fits() -> None:
    line = wire(told(SIGNER), told(SIGNER, NEXT))
    provider = fal(line)
    provider.read_callback(callback(signed(), BODY), no_key_needed)
    later = NOW + LEAST_RENEWAL_SECONDS
    for signer in (NEXT, SIGNER):
        assert provider.read_callback(callback(signed(signer, at=later), BODY, later), no_key_needed) == ID
    assert len(line.requests) == 2


def test_forgeries_do_not_make_us_ask_for_the_keys_each_time() -> None:
    line = wire(told(SIGNER))
    provider = fal(line)
    for second in range(0, 2 * LEAST_RENEWAL_SECONDS, 10):
        at = NOW + second
        with pytest.raises(InvalidSignatureError):
            provider.read_callback(callback(signed(FOREIGN, at=at), BODY, at), no_key_needed)
    assert len(line.requests) == 2


@each(
    "answer",
    [
        httpx.ConnectError,
        httpx.ReadTimeout,
        *(httpx.Response(status, json={"keys": [jwk(SIGNER)]}) for status in (301, 401, 403, 404, 429, 500, 503)),
        *(httpx.Response(200, content=body) for body in (b"[]", b"{}", b'{"keys": 5}', b'{"keys": [5, {}]}')),
        *(httpx.Response(200, json={"keys": [{"x": x}]}) for x in (5, "", "AAAA", "A", "é", "*" * 43)),
    ],
)
def test_without_the_keys_a_callback_is_left_undecided(
    answer: httpx.Response | type[httpx.TransportError],
) -> None:
    line = wire(answer, told(SIGNER))
    provider = fal(line)
    for second in range(FAILURE_SECONDS):  # and is not asked again and again
        request = callback(signed(at=NOW + second), BODY, NOW + second)
        raised(ProviderBusyError, partial(provider.read_callback, request, no_key_needed))
    assert len(line.requests) == 1
    later = NOW + FAILURE_SECONDS
    assert provider.read_callback(callback(signed(at=later), BODY, later), no_key_needed) == ID
