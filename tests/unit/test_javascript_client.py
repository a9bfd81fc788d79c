"""The JavaScript client's own tests, in clients/javascript/test, in Node."""

import re
import subprocess

from tests.node import NODE
from tools.local_stack import ROOT


def test_the_clients_own_tests_pass() -> None:
    folder = ROOT / "clients" / "javascript"
    ran = subprocess.run(
        [NODE, "--test", "test/client.test.js"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )

    assert ran.returncode == 0, ran.stdout
    assert int(re.findall(r"pass (\d+)", ran.stdout)[-1]) > 15
