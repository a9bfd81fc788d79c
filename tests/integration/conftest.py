"""A stack in moto for each test, made from template.yaml, and the handlers with the world around them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import service_models
from botocore.model import OperationModel
from botocore.validate import validate_parameters
from moto import mock_aws

from atelier.accounts.api_keys import mint_key
from atelier.accounts.users import new_user
from atelier.adapters.aws import clients
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.http import client as http
from atelier.adapters.http.client import HttpxClient, Policy
from atelier.logging import logger
from tests.integration.lambdas import FACTORIES, Calls, Lambdas
from tests.integration.stack import REGION, Stack, set_provider_keys
from tests.integration.world import Internet, Studio, picture

ADAPTERS = Path(clients.__file__).parents[1]
NOW = 1_767_225_600_000


@pytest.fixture(scope="session")
def _service_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the functions' clients the models of layers/aws_models, as they have them where they are deployed."""
    folder = tmp_path_factory.mktemp("layer")
    service_models.write(ADAPTERS, folder / clients.MODELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


@pytest.fixture(scope="session")
def _calls(_service_models: None) -> Calls:
    """Hear of every call that the functions' clients make; they are made once, since that takes long."""
    calls = Calls()
    clients.client.cache_clear()  # type: ignore[attr-defined]
    clients._session.cache_clear()
    clients._session().register("before-call", calls)
    clients._session().get_component("event_emitter").register_last("before-parameter-build", validated)
    return calls


def validated(params: dict[str, Any], model: OperationModel, **_: Any) -> None:
    """Check the parameters of a call against its model, which the functions' clients leave out."""
    if model.input_shape:
        validate_parameters(params, model.input_shape)


@pytest.fixture
def calls(_calls: Calls, lambdas: Lambdas) -> Calls:
    """The functions' AWS calls from here on."""
    _calls.take()
    return _calls


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put moto in AWS's place."""
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield


@pytest.fixture
def stack(moto: None) -> Stack:
    """What template.yaml defines, with nobody kept waiting, and a retention that is not the code's default."""
    return Stack(WaitSeconds="0", RetentionDays="7")


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """Who answers when the functions call somebody; the URL rules stay in force."""
    internet = Internet()

    def client(policy: Policy) -> HttpxClient:
        return HttpxClient(httpx.MockTransport(internet), policy)

    monkeypatch.setattr(http, "client", client)
    return internet


@pytest.fixture
def studio(internet: Internet, stack: Stack) -> Studio:
    """The provider with a key in the stack."""
    studio = Studio()
    internet.hosts["api.artificialstudio.ai"] = studio
    internet.hosts["files.artificialstudio.ai"] = lambda _: httpx.Response(200, content=picture())
    set_provider_keys(stack.ref("ProviderKeysSecret"), {"artificial-studio": studio.key})
    return studio


@pytest.fixture
def lambdas(stack: Stack, internet: Internet, _calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambdas]:
    """All functions, each in a cold sandbox."""
    for factory in FACTORIES:
        factory.cache_clear()
    yield Lambdas(stack, monkeypatch, _calls)
    for factory in FACTORIES:
        factory.cache_clear()


@pytest.fixture
def accounts(stack: Stack, _calls: Calls) -> AccountStore:
    return AccountStore(RecordTable(clients.client("dynamodb"), stack.ref("AccountsTable")))


@pytest.fixture
def table(stack: Stack, _calls: Calls) -> RecordTable:
    return RecordTable(clients.client("dynamodb"), stack.ref("GenerationsTable"))


@pytest.fixture
def generations(table: RecordTable, accounts: AccountStore) -> GenerationStore:
    return GenerationStore(table, accounts=accounts)


@pytest.fixture
def key(stack: Stack, accounts: AccountStore) -> str:
    """A client's key."""
    user = new_user(email="client@example.com", name="client", now=NOW)
    record, text = mint_key(name="test", user=user, test=False, digest_key=stack.secret("DigestKeySecret"), now=NOW)
    accounts.add_user(user)
    accounts.add_key(record)
    return text


@pytest.fixture
def logs() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The functions' log lines so far; one that is not JSON is an error."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    handler.setStream(before)
