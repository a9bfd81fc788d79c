"""Sizes of the tests that need long: full in `make soak`, smaller in `make test`."""

import os
from typing import TypeVar

T = TypeVar("T")
_SOAK = "SOAK" in os.environ


def size(*, soak: T, test: T) -> T:
    """Choose a size by the command that runs the tests."""
    return soak if _SOAK else test
