"""How AWS's clients address a bucket."""

from collections.abc import Iterator

import pytest

from atelier.adapters.aws import clients


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
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
