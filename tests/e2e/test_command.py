"""The atelier command against the deployed stack."""

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.deployment import Account


def atelier(account: Account, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("atelier"), "--stack", account.stack.api, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "ATELIER_ADMIN_SECRET": account.stack.secret("ConsoleSecretArn"),
            "ATELIER_API_KEY": key or account.key,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_from_the_first_key_to_a_picture(alice: Account, tmp_path: Path) -> None:
    created = atelier(alice, "keys", "create", "laptop", "--user", "dora@example.com")
    key = next(word for word in created.stdout.split() if word.startswith("atl_live_") and len(word) > 50)
    picture = tmp_path / "fox.png"
    generated = atelier(
        alice, "generate", "a fox in the snow, dawn", "--model", "sketch", "--out", str(picture), key=key
    )
    listed = atelier(alice, "keys", "list")
    generations = atelier(alice, "generations", "list", "--user", "dora@example.com")

    assert created.returncode == generated.returncode == listed.returncode == generations.returncode == 0
    assert Image.open(picture).size == (1024, 1024)
    assert "laptop" in listed.stdout
    assert key not in listed.stdout
    assert "success" in generations.stdout


def test_a_revoked_key_is_refused(alice: Account) -> None:
    created = atelier(alice, "keys", "create", "lost", "--user", "dora@example.com")
    key = next(word for word in created.stdout.split() if word.startswith("atl_live_") and len(word) > 50)
    revoked = atelier(alice, "keys", "revoke", key[9:21], "--yes")

    refused = atelier(alice, "generate", "a fox", key=key)

    assert revoked.returncode == 0
    assert refused.returncode == 1
    assert "revoked" in refused.stderr + refused.stdout
