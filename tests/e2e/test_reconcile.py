"""Reconcile ends, on its own schedule, what a provider never answers."""

from tests.deployment import Account


def test_a_provider_that_never_answers(unanswered: Account) -> None:
    (generation,) = unanswered.get("/generations").json()["data"]

    finished = unanswered.finished(generation["id"], seconds=240)

    assert finished["status"] == "error"
    assert "in time" in finished["error"]
