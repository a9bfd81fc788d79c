"""The service models that the functions are deployed with: botocore's own, with what the adapters call alone."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import pytest
import service_models
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.session import get_session
from service_models import UNUSED, UnknownCallError, called_operations, pruned

from atelier.adapters.aws import clients

ROOT = Path(__file__).parents[2]
ADAPTERS = ROOT / "layers" / "core" / "atelier" / "adapters"
LAYER = ROOT / "layers" / "aws_models"
FULL = Loader()
CALLED = called_operations(ADAPTERS, FULL)


def undocumented(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "" if k == "documentation" and isinstance(v, str) else undocumented(v) for k, v in value.items()}
    return [undocumented(item) for item in value] if isinstance(value, list) else value


def unused(operation: Any) -> dict[str, Any]:
    return {key: value for key, value in operation._operation_model.items() if key == UNUSED}


def described(shape: Shape | None, seen: frozenset[str] = frozenset()) -> Any:
    """All that botocore makes of a shape: how it and each part of it are written on the wire."""
    if shape is None or shape.name in seen:
        return shape and shape.name
    seen |= {shape.name}
    parts: dict[str, Any] = dict(getattr(shape, "members", {}))
    parts |= {name: getattr(shape, name) for name in ("member", "key", "value") if hasattr(shape, name)}
    about = (shape.name, shape.type_name, shape.serialization, shape.metadata, shape.required_members) if (
        shape.type_name == "structure"
    ) else (shape.name, shape.type_name, shape.serialization, shape.metadata)  # fmt: skip
    return about, {name: described(part, seen) for name, part in parts.items()}


@pytest.mark.parametrize("service", sorted(CALLED))
def test_the_shapes_are_those_of_the_full_model(service: str) -> None:
    document = FULL.load_service_model(service, "service-2")
    full, ours = ServiceModel(document, service), ServiceModel(pruned(document, CALLED[service]), service)
    assert set(ours.operation_names) == CALLED[service]
    assert ours.metadata == full.metadata
    for name in CALLED[service]:
        mine: Any = ours.operation_model(name)
        theirs: Any = full.operation_model(name)
        assert mine.http == theirs.http
        assert undocumented(mine._operation_model) | unused(theirs) == undocumented(theirs._operation_model)
        assert not unused(mine)
        assert described(mine.input_shape) == described(theirs.input_shape)
        assert described(mine.output_shape) == described(theirs.output_shape)
        assert list(map(described, mine.error_shapes)) == list(map(described, theirs.error_shapes))
        assert mine.documentation == ""


def test_the_operations_are_those_of_the_adapters() -> None:
    assert CALLED["sns"] == {"Publish"}
    assert CALLED["secretsmanager"] == {"GetSecretValue", "PutSecretValue"}
    assert {"CreateBucket", "GetObject", "HeadBucket"} <= CALLED["s3"]
    assert {"CreateTable", "DeleteTable"}.isdisjoint(CALLED["dynamodb"])
    assert "InvokeModel" in CALLED["bedrock-runtime"]
    assert CALLED["bedrock"] == {"GetFoundationModelAvailability"}


def test_no_call_escapes_the_list() -> None:
    """The list is read off `self._client` in adapters' classes, so clients are called nowhere else."""
    for path in [*(ROOT / "layers" / "core").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\bclient\(\s*\"[\w-]+\"\s*\)\s*\.", text), path
        takes = re.findall(r"client: \"(?:Callable\[\[\], )?\w+Client\b", text)
        kept = re.findall(r"self\._client = client$", text, re.MULTILINE)
        assert len(takes) == len(kept), path


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    """Adapters of which one calls what SNS does not have."""
    folder = tmp_path / "adapters"
    (folder / "aws").mkdir(parents=True)
    clients = (ADAPTERS / "aws" / "clients.py").read_text(encoding="utf-8")
    (folder / "aws" / "clients.py").write_text(clients, encoding="utf-8")
    topic = (ADAPTERS / "aws" / "topic.py").read_text(encoding="utf-8")
    assert ".publish(" in topic
    (folder / "aws" / "topic.py").write_text(topic.replace(".publish(", ".proclaim("), encoding="utf-8")
    return folder


def test_an_unknown_call_fails_the_build(adapters: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownCallError, match=r"topic\.py: sns has no operation proclaim"):
        called_operations(adapters, FULL)
    command = [sys.executable, str(LAYER / "service_models.py"), str(adapters), str(tmp_path / "made")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "sns has no operation proclaim" in result.stderr
    assert not (tmp_path / "made").exists()


def test_botocore_makes_every_client_of_these_files_alone(tmp_path: Path) -> None:
    service_models.write(ADAPTERS, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.json")) < 400_000
    endpoints = json.loads((tmp_path / "endpoints.json").read_text(encoding="utf-8"))
    assert set().union(*(partition["services"] for partition in endpoints["partitions"])) <= set(CALLED)
    for region, host in (("eu-central-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")):
        session = get_session()
        session.set_credentials("none", "none")
        full = {service: session.create_client(service, region) for service in CALLED}
        lean = get_session()
        lean.set_credentials("none", "none")
        lean.register_component("data_loader", Loader([str(tmp_path)], include_default_search_paths=False))
        for service, like in full.items():
            client: Any = lean.create_client(service, region)
            assert client.meta.endpoint_url == like.meta.endpoint_url
            assert client.meta.endpoint_url.endswith(host)
            assert set(client.meta.method_to_api_mapping.values()) == CALLED[service]
            assert client.meta.service_model.api_version == like.meta.service_model.api_version
        s3: Any = lean.create_client("s3", region)
        form = s3.generate_presigned_post(Bucket="files", Key="a.png", ExpiresIn=60)
        assert form["fields"]["key"] == "a.png"


def test_the_layers_botocore_is_that_of_the_tests() -> None:
    assert f"botocore=={botocore.__version__}\n" in (LAYER / "requirements.txt").read_text(encoding="utf-8")


def test_calls_go_where_the_full_model_sends_them(tmp_path: Path) -> None:
    service_models.write(ADAPTERS, tmp_path)
    arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/things"
    key = {"id": {"S": "1"}, "record": {"S": "thing"}}
    reached: list[list[str]] = []
    for loader in (FULL, Loader([str(tmp_path)], include_default_search_paths=False)):
        session = get_session()
        session.set_credentials("none", "none", account_id="123456789012")
        session.register_component("data_loader", loader)
        config = Config(account_id_endpoint_mode=clients._CONFIG.account_id_endpoint_mode)  # type: ignore[attr-defined]
        client: Any = session.create_client("dynamodb", "eu-central-1", config=config)
        urls: list[str] = []

        def send(request: Any, urls: list[str] = urls, **_: Any) -> AWSResponse:
            urls.append(request.url)
            return AWSResponse(request.url, 200, HTTPHeaders(), BytesResponse(b"{}"))

        client.meta.events.register("before-send", send)
        client.get_item(TableName=arn, Key=key)
        client.transact_write_items(TransactItems=[{"Delete": {"TableName": arn, "Key": key}}])
        reached.append(urls)
    assert reached[0] == reached[1] == ["https://dynamodb.eu-central-1.amazonaws.com/"] * 2


class BytesResponse:
    """An answer's body, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]
