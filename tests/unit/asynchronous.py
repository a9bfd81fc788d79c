"""What the tests of the asynchronous providers share: answers as recorded, and what each of them allows."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from atelier.adapters.http.client import HttpxClient
from atelier.errors import (
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRejectedError,
)
from atelier.outbound.url_policy import OperatorPolicy
from atelier.providers.provider import CallbackRequest

Answer = Callable[[httpx.Request], httpx.Response]

NOW = 1_800_000_000
"""Seconds since the Unix epoch."""

REFUSALS: list[tuple[int, type[ProviderError]]] = [
    (400, ProviderRejectedError),
    (401, ProviderCredentialsError),
    (402, ProviderCredentialsError),
    (403, ProviderCredentialsError),
    (404, ProviderRejectedError),
    (413, ProviderRejectedError),
    (422, ProviderRejectedError),
    (429, ProviderBusyError),
    (503, ProviderBusyError),
]
"""Answers after which no job exists."""
LOST: list[tuple[int, type[ProviderError]]] = [
    (status, OutcomeUnknownError) for status in (301, 307, 408, 500, 502, 504, 520)
]
NO_ANSWER: list[tuple[type[httpx.TransportError], type[ProviderError]]] = [
    (httpx.ConnectError, ProviderBusyError),
    (httpx.ConnectTimeout, ProviderBusyError),
    (httpx.ReadTimeout, OutcomeUnknownError),
    (httpx.WriteError, OutcomeUnknownError),
    (httpx.ReadError, OutcomeUnknownError),
    (httpx.RemoteProtocolError, OutcomeUnknownError),
]
"""A paid call may be made again only if it was never sent."""
REPEATABLE: list[tuple[int, type[ProviderError]]] = [
    *((status, ProviderCredentialsError) for status in (401, 402, 403)),
    *((status, ProviderBusyError) for status in (302, 408, 425, 429, 500, 502, 503, 504)),
]
"""Answers to a question that are none, so that it may be asked again."""
NO_DOCUMENT = [b"", b"<html>", b"[]", b'"id"', b"null", b"\xff", b"[" * 100_000, b'{"id": ' + b"9" * 10_000 + b"}"]
NO_ID: list[object] = [None, "", 5, ["a"], "../../keys", "a?b", "a b", "a\n", "é", "١٢", "a" * 201, "\ud800"]


@dataclass
class Wire:
    """A transport that answers in turn, the last answer for good, and keeps what it was asked."""

    answers: tuple[httpx.Response | type[httpx.TransportError] | Answer, ...]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        number = min(len(self.requests), len(self.answers) - 1)
        self.requests.append(request)
        match self.answers[number]:
            case httpx.Response() as response:
                return response
            case type() as error:
                raise error("no")
            case answer:
                return answer(request)

    @property
    def client(self) -> HttpxClient:
        return HttpxClient(httpx.MockTransport(self), OperatorPolicy())

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(request.method, str(request.url)) for request in self.requests]


def wire(*answers: httpx.Response | type[httpx.TransportError] | Answer) -> Wire:
    return Wire(answers)


def raised(kind: type[ProviderError], call: Callable[[], object]) -> ProviderError:
    """Return the error of exactly this kind that a call raises."""
    with pytest.raises(ProviderError) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value


def callback(headers: dict[str, str], body: bytes, at: int = NOW) -> CallbackRequest:
    return CallbackRequest(headers={name.lower(): value for name, value in headers.items()}, body=body, received_at=at)


def our_key() -> str:
    return "the key"


def no_key_needed() -> str | None:
    raise AssertionError("a callback without a signature needs no key of ours")
