"""Bedrock: what is sent, what each answer means, and what each of AWS's errors allows."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    SSLError,
)
from botocore.response import StreamingBody
from botocore.stub import Stubber
from urllib3 import HTTPResponse

from atelier.adapters.aws import clients
from atelier.adapters.aws.bedrock import BedrockAccess, BedrockModels
from atelier.errors import (
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRejectedError,
)
from atelier.providers.bedrock import Bedrock
from atelier.providers.provider import Images, InputImage, Job, Outcome, ProviderImage
from tests.cases import each
from tests.unit.asynchronous import NO_DOCUMENT, raised

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

MODEL = "stability.sd3-5-large-v1:0"
PNG = b"\x89PNG\r\n\x1a\n one"
PICTURE = InputImage(b"\xff\xd8\xff two", "image/jpeg", "https://atelier.example/1.jpg")
INPUT = {"prompt": "a café", "aspect_ratio": "16:9", "seed": 0}
SUCCESS = {"seeds": [5], "finish_reasons": [None], "images": [base64.b64encode(PNG).decode()]}


def a_job(*images: InputImage, **more: Any) -> Job:
    return Job(model=MODEL, input={**INPUT, **more}, callback_url="", key=None, images=images)


# ---- The adapter of the provider


class Recorder:
    """The ModelInvoker port: answers one thing, and keeps what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Any]] = []

    def invoke(self, model: str, body: bytes) -> bytes:
        self.asked.append((model, json.loads(body)))
        return self.answer


def sent(job: Job) -> Any:
    models = Recorder(json.dumps(SUCCESS).encode())
    Bedrock(models).submit(job)
    [(model, body)] = models.asked
    assert model == MODEL
    return body


def submit(document: object) -> Outcome:
    return Bedrock(Recorder(json.dumps(document).encode())).submit(a_job())


def test_a_model_gets_the_input_and_its_mode() -> None:
    assert sent(a_job()) == {**INPUT, "mode": "text-to-image"}


def test_a_picture_goes_with_a_strength_and_no_aspect_ratio() -> None:
    body = {"prompt": "a café", "seed": 0, "mode": "image-to-image"}
    image = base64.b64encode(PICTURE.content).decode()
    assert sent(a_job(PICTURE)) == {**body, "image": image, "strength": 0.7}
    assert sent(a_job(PICTURE, strength=0.2)) == {**body, "image": image, "strength": 0.2}


@pytest.mark.parametrize("tool", ["inpaint", "outpaint", "erase", "remove-background", "upscale"])
def test_a_tool_gets_its_input_and_its_pictures_only(tool: str) -> None:
    mask = InputImage(PNG, "image/png", "https://atelier.example/2.png")
    body = sent(replace(a_job(PICTURE), tool=tool, mask=mask))
    image = base64.b64encode(PICTURE.content).decode()
    assert body == {**INPUT, "image": image, "mask": base64.b64encode(PNG).decode()}
    assert "mask" not in sent(replace(a_job(PICTURE), tool=tool))


def test_pictures_come_in_base64() -> None:
    assert submit(SUCCESS) == Images((ProviderImage(PNG, "image/png"),))


@pytest.mark.parametrize("reason", ["prompt", "input image", "output image"])
def test_what_the_filter_takes_out_is_the_clients_fault(reason: str) -> None:
    refusal = raised(ProviderRejectedError, lambda: submit({"finish_reasons": [f"Filter reason: {reason}"]}))
    assert f"unsafe: Filter reason: {reason}; change the prompt" in str(refusal)


def test_a_model_that_fails_may_do_better_the_next_time() -> None:
    busy = raised(ProviderBusyError, lambda: submit({"finish_reasons": ["Inference error"], "images": []}))
    assert "Inference error" in str(busy)


@each(
    "document",
    [{}, {"images": []}, {"images": "a"}, {"images": [None]}, {"images": ["!"]}, {"images": ["Tm90IGE="]},
     {"finish_reasons": None}, {"finish_reasons": [5], "images": []}],
)  # fmt: skip
def test_an_answer_without_a_picture_is_an_unknown_outcome(document: object) -> None:
    raised(OutcomeUnknownError, lambda: submit(document))


@each("body", NO_DOCUMENT)
def test_an_answer_that_is_no_document_is_an_unknown_outcome(body: bytes) -> None:
    raised(OutcomeUnknownError, lambda: Bedrock(Recorder(body)).submit(a_job()))


# ---- The adapter of AWS


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> "BedrockRuntimeClient":
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return clients.client("bedrock-runtime")


@pytest.fixture
def stubber(client: "BedrockRuntimeClient") -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def invoke(client: "BedrockRuntimeClient") -> bytes:
    return BedrockModels(lambda: client).invoke(MODEL, b"{}")


def body(content: bytes, length: int | None = None) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content) if length is None else length)


def test_a_model_is_invoked_with_json(client: "BedrockRuntimeClient", stubber: Stubber) -> None:
    asked = {"modelId": MODEL, "body": b"{}", "contentType": "application/json", "accept": "application/json"}
    stubber.add_response("invoke_model", {"body": body(b'{"images": []}'), "contentType": "application/json"}, asked)
    assert invoke(client) == b'{"images": []}'


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ValidationException", 400, ProviderRejectedError),
        ("AccessDeniedException", 403, ProviderCredentialsError),
        ("ResourceNotFoundException", 404, ProviderCredentialsError),
        ("UnrecognizedClientException", 403, ProviderCredentialsError),
        ("ExpiredTokenException", 403, ProviderCredentialsError),
        ("ThrottlingException", 429, ProviderBusyError),
        ("ModelNotReadyException", 429, ProviderBusyError),
        ("ServiceQuotaExceededException", 400, ProviderBusyError),
        ("ModelErrorException", 424, ProviderBusyError),
        ("InternalServerException", 500, ProviderBusyError),
        ("ServiceUnavailableException", 503, ProviderBusyError),
        ("ModelTimeoutException", 408, OutcomeUnknownError),
        ("502", 502, OutcomeUnknownError),
        ("SomethingNewException", 400, OutcomeUnknownError),
    ],
)
def test_each_error_says_what_may_be_done_next(
    client: "BedrockRuntimeClient", stubber: Stubber, code: str, status: int, kind: type[ProviderError]
) -> None:
    stubber.add_client_error("invoke_model", code, "seed: must be positive", http_status_code=status)
    error = raised(kind, lambda: invoke(client))
    assert ("seed: must be positive" if kind is ProviderRejectedError else code) in str(error)


def test_a_missing_right_says_how_to_give_it(client: "BedrockRuntimeClient", stubber: Stubber) -> None:
    stubber.add_client_error("invoke_model", "AccessDeniedException", "User: arn:aws:... is not authorized", 403)
    error = raised(ProviderCredentialsError, lambda: invoke(client))
    assert "console" in str(error)
    assert "BedrockModelArns" in str(error)


def test_an_answer_that_breaks_off_is_an_unknown_outcome(client: "BedrockRuntimeClient", stubber: Stubber) -> None:
    broken = {"body": body(b'{"ima', length=1_000), "contentType": "application/json"}
    stubber.add_response("invoke_model", broken)
    error = raised(OutcomeUnknownError, lambda: invoke(client))
    assert isinstance(error.__cause__, IncompleteReadError)


class Network:
    """What the client's requests come to: counts them, and answers or breaks."""

    def __init__(self) -> None:
        self.answer: AWSResponse | Exception = AssertionError("there is no answer yet")
        self.requests: list[AWSPreparedRequest] = []

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def network(client: "BedrockRuntimeClient") -> Iterator[Network]:
    network: Any = Network()
    client.meta.events.register("before-send.bedrock-runtime", network)
    yield network
    client.meta.events.unregister("before-send.bedrock-runtime", network)


URL = "https://bedrock-runtime.us-west-2.amazonaws.com"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (EndpointConnectionError(endpoint_url=URL), ProviderBusyError),
        (ConnectTimeoutError(endpoint_url=URL), ProviderBusyError),
        (ReadTimeoutError(endpoint_url=URL), OutcomeUnknownError),
        (ConnectionClosedError(endpoint_url=URL), OutcomeUnknownError),
        (HTTPClientError(error="reset"), OutcomeUnknownError),
        (SSLError(endpoint_url=URL, error=OSError()), OutcomeUnknownError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_a_call_that_may_have_been_taken_is_made_once(
    client: "BedrockRuntimeClient", network: Network, failure: Exception, kind: type[ProviderError]
) -> None:
    network.answer = failure
    raised(kind, lambda: invoke(client))
    assert len(network.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_the_sdk_repeats_nothing(client: "BedrockRuntimeClient", network: Network, status: int) -> None:
    headers: Any = {"x-amzn-errortype": "ThrottlingException"}
    raw = HTTPResponse(io.BytesIO(b"{}"), preload_content=False)
    network.answer = AWSResponse(URL, status, headers, raw)
    raised(ProviderBusyError, lambda: invoke(client))
    assert len(network.requests) == 1


def test_the_client_waits_as_long_as_a_picture_takes(client: "BedrockRuntimeClient") -> None:
    config: Any = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 150)


# ---- The free call


ARNS = (
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.stability.stable-image-erase-object-v1:0",
    "arn:aws:bedrock:us-east-1::foundation-model/stability.stable-image-erase-object-v1:0",
    "arn:aws:bedrock:us-west-2::foundation-model/stability.stable-image-erase-object-v1:0",
    f"arn:aws:bedrock:us-west-2::foundation-model/{MODEL}",
    "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.stability.stable-outpaint-v1:0",
)
ALLOWED = {
    "modelId": MODEL,
    "agreementAvailability": {"status": "AVAILABLE"},
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client: Any = clients.client("bedrock", brief=True)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def check(*arns: str) -> None:
    access = BedrockAccess(lambda: clients.client("bedrock", brief=True))
    Bedrock(Recorder(b""), access, arns).check(None)


def test_each_listed_model_is_asked_about_once(control: Stubber) -> None:
    for model in (MODEL, "stability.stable-image-erase-object-v1:0", "stability.stable-outpaint-v1:0"):
        control.add_response("get_foundation_model_availability", {**ALLOWED, "modelId": model}, {"modelId": model})
    check(*ARNS)


@each(
    "fault",
    [
        {"authorizationStatus": "NOT_AUTHORIZED"},
        {"entitlementAvailability": "NOT_AVAILABLE"},
        {"agreementAvailability": {"status": "PENDING"}},
        {"regionAvailability": "NOT_AVAILABLE"},
    ],
)
def test_a_model_that_may_not_be_invoked_is_named(fault: dict[str, Any]) -> None:
    class Client:
        def get_foundation_model_availability(self, *, modelId: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
            return {**ALLOWED, "modelId": modelId, **fault}

    access = BedrockAccess(Client)
    refusal = raised(ProviderCredentialsError, lambda: Bedrock(Recorder(b""), access, ARNS[3:4]).check(None))
    [name] = fault
    assert MODEL in str(refusal)
    assert f"({name} is {fault[name] if isinstance(fault[name], str) else 'PENDING'})" in str(refusal)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDeniedException", 403, ProviderCredentialsError),
        ("ResourceNotFoundException", 404, ProviderCredentialsError),
        ("ValidationException", 400, ProviderCredentialsError),
        ("ThrottlingException", 429, ProviderBusyError),
        ("InternalServerException", 500, ProviderBusyError),
        ("502", 502, ProviderBusyError),
    ],
)
def test_what_the_free_call_is_refused(control: Stubber, code: str, status: int, kind: type[ProviderError]) -> None:
    control.add_client_error("get_foundation_model_availability", code, http_status_code=status)
    assert code in str(raised(kind, lambda: check(ARNS[3])))


def test_a_free_call_without_an_answer_passes(control: Stubber) -> None:
    def unanswered(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://bedrock.us-west-2.amazonaws.com")

    control.client.meta.events.register("before-call.bedrock", unanswered)
    try:
        raised(ProviderBusyError, lambda: check(ARNS[3]))
    finally:
        control.client.meta.events.unregister("before-call.bedrock", unanswered)


def test_a_stack_that_lists_no_model_says_where_to(control: Stubber) -> None:
    assert "BedrockModelArns" in str(raised(ProviderCredentialsError, check))


def test_dispatch_asks_nothing() -> None:
    Bedrock(Recorder(b"")).check(None)
