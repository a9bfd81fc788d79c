"""Jitter differs between the sandboxes that start from one snapshot."""

import ast
import random
from pathlib import Path

import pytest

from atelier.chance import chance

ROOT = Path(__file__).parents[2]
FIXED = {"Random", "SystemRandom", "seed"}
"""A generator with a seed of its own is meant to repeat itself: the same prompt is drawn the same.

`seed` is what each sandbox calls after its start from a snapshot.
"""


def test_the_state_that_a_snapshot_keeps_does_not_matter() -> None:
    kept = random.getstate()
    drawn = []
    for _ in range(2):
        random.setstate(kept)
        drawn.append([chance.uniform(0, 1) for _ in range(4)])
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("folder", ["layers/core/atelier", "functions"])
def test_no_module_uses_pythons_shared_generator(folder: str) -> None:
    used = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and ast.unparse(node.value) == "random" and node.attr not in FIXED)
        or (isinstance(node, ast.ImportFrom) and node.module == "random" and {n.name for n in node.names} - FIXED)
    ]
    assert used == []
