"""One deployment serves all tests that need one."""

pytest_plugins = ["tests.deployment"]
