"""What the end-to-end tests share beside the deployment."""

import pytest

from tests.deployment import Account


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Look last at what takes minutes to happen by itself."""
    items.sort(key=lambda item: item.get_closest_marker("takes_minutes") is not None)


@pytest.fixture(scope="session", autouse=True)
def unanswered(alice: Account) -> str:
    """A generation whose provider never answers, asked for before all else."""
    return str(alice.post({"model": "sketch", "input": {"prompt": "test:never"}}, Prefer="respond-async").json()["id"])
