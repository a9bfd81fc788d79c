"""Refusals that every provider tells apart: after some the call may be made again, after others never."""

from collections.abc import Callable

import pytest

from atelier.errors import ProviderBusyError, ProviderRejectedError
from tests.simulators.faults import Answer, Timing

REFUSALS = {
    Answer.BUSY: ProviderBusyError,
    Answer.UNAVAILABLE: ProviderBusyError,
    Answer.REFUSED: ProviderRejectedError,
}
"""A simulator's answer, and the error that its provider adapter makes of it."""


def check_refusals(submit: Callable[[], object]) -> None:
    """Submit a job to a simulator that answers with all of them, in their order."""
    for answer, error in REFUSALS.items():
        with pytest.raises(error) as caught:
            submit()
        if answer is Answer.BUSY:
            assert isinstance(caught.value, ProviderBusyError)
            assert caught.value.retry_after == Timing.retry_after
