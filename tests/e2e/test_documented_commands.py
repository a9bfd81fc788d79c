"""The shell commands of README.md and docs/, run in order as they stand, but those marked with what they need."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.deployment import Account
from tools.local_stack import ROOT

BLOCK = re.compile(r"(?:<!-- not run: (?P<needs>[^>]*) -->\n\n)? *```(?:sh|bash)\n(?P<commands>.*?)```", re.DOTALL)
ELSEWHERE = {"api.md"}
"""Its commands are the files of docs/examples, which test_examples runs."""
DOCUMENTS = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md")})
NEEDS = re.compile(r"\b(aws|sudo|docker|make deploy|make run|sam local|tools\.restore)\b")


def blocks(document: Path) -> list[tuple[str | None, str]]:
    """List a document's blocks of commands, and what each needs that the tests have not."""
    return [(found["needs"], found["commands"]) for found in BLOCK.finditer(document.read_text(encoding="utf-8"))]


def runnable(document: Path) -> list[str]:
    """List the blocks that run here."""
    return [commands for needs, commands in blocks(document) if not needs]


@pytest.fixture
def clone(alice: Account, tmp_path: Path) -> Path:
    """A folder that looks as a clone does after `make run`."""
    (tmp_path / ".local").mkdir()
    state = {
        "endpoint": alice.stack.endpoint, "api": alice.stack.api, "api_key": alice.key,
        "admin_secret": alice.stack.secret("ConsoleSecretArn"), "webhook_secret": alice.webhook_secret,
    }  # fmt: skip
    (tmp_path / ".local" / "stack.json").write_text(json.dumps(state, indent=2))
    for name in (".venv", "layers", "tools"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if path.name not in ELSEWHERE and runnable(path)],
    ids=lambda path: path.name,
)
def test_the_commands_run_in_order(document: Path, clone: Path) -> None:
    script = "set -eu\n" + "\n".join(runnable(document))
    sources = [str(ROOT / part) for part in ("cli", "clients/python/src", "layers/core")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(clone), "PYTHONPATH": os.pathsep.join(sources)}

    ran = subprocess.run(
        ["sh", "-xc", script], cwd=clone, env=environment, capture_output=True, text=True, timeout=300, check=False
    )

    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


def test_only_what_needs_more_is_left_out() -> None:
    left_out = [commands for document in DOCUMENTS for needs, commands in blocks(document) if needs]
    kept = [commands for document in DOCUMENTS for commands in runnable(document)]

    assert len(kept) > 5
    assert not [commands for commands in kept if NEEDS.search(re.sub("#.*", "", commands))]
    assert all(NEEDS.search(commands) or "--stack" in commands or "providers set" in commands for commands in left_out)
