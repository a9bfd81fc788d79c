"""What nobody answers for is ended by reconcile, on its own schedule."""

import pytest

from tests.deployment import Account


@pytest.mark.takes_minutes
def test_a_provider_that_never_answers(alice: Account, unanswered: str) -> None:
    finished = alice.finished(unanswered, seconds=240)

    assert finished["status"] == "error"
    assert "in time" in finished["error"]
