"""How AWS's clients address a bucket, whom they trust, and what they leave out."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from botocore.validate import ParamValidationDecorator

from atelier.adapters.aws import clients, trust
from atelier.adapters.aws.trust import LABELS, amazon_roots


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    clients.client.cache_clear()  # type: ignore[attr-defined]
    clients._session.cache_clear()
    yield
    clients.client.cache_clear()  # type: ignore[attr-defined]
    clients._session.cache_clear()


def presigned() -> str:
    return clients.client("s3").generate_presigned_url("get_object", Params={"Bucket": "files", "Key": "a.png"})


def test_a_bucket_is_a_host_on_aws() -> None:
    assert presigned().startswith("https://files.s3.eu-central-1.amazonaws.com/a.png?")


@pytest.mark.parametrize("host", ["host.docker.internal", "127.0.0.1"])
def test_a_bucket_is_a_path_on_an_emulator(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container knows this machine by one name, and no names of buckets below it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:4566")
    assert presigned().startswith(f"http://{host}:4566/files/a.png?")


# ---- Trust


def trusted(service: Any = "dynamodb") -> set[str]:
    """List the roots that a client verifies with, by their common names; certifi's whole bundle is `{"all"}`."""
    path = clients.client(service)._endpoint.http_session._verify
    if path in (True, None):
        return {"all"}
    roots: Any = ssl.create_default_context(cafile=path).get_ca_certs()
    return {name for root in roots for part in root["subject"] for key, name in part if key == "commonName"}


@pytest.mark.parametrize("service", ["dynamodb", "s3", "secretsmanager", "sns", "sqs", "bedrock", "bedrock-runtime"])
def test_amazon_alone_vouches_for_aws(service: str) -> None:
    assert trusted(service) == set(LABELS)


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1"])
def test_other_partitions_use_the_full_bundle(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    assert trusted() == {"all"}


def test_an_emulator_uses_the_full_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://aws.example.com")
    assert trusted() == {"all"}


def test_the_operators_own_bundle_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", certifi.where())
    assert clients.client("sqs")._endpoint.http_session._verify == certifi.where()  # type: ignore[attr-defined]


def test_a_bundle_without_amazons_roots_is_not_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    amazon_roots.cache_clear()
    (tmp_path / "other.pem").write_text(Path(certifi.where()).read_text().replace("Amazon Root CA 3", "another"))
    monkeypatch.setattr(trust, "where", lambda: str(tmp_path / "other.pem"))
    try:
        assert trusted() == {"all"}
    finally:
        amazon_roots.cache_clear()


# ---- What a call leaves out


def test_a_call_names_atelier_and_validates_nothing() -> None:
    client: Any = clients.client("dynamodb")
    assert client.meta.config.user_agent == "atelier"
    assert client.meta.config.account_id_endpoint_mode == "disabled"
    assert not isinstance(client._serializer, ParamValidationDecorator)
