"""The SAM CLI for the local stack: with python3.11 it takes wheels for this machine's glibc.

Lambda's python3.11 has glibc 2.26, for which Pillow has no wheels; SAM refuses them for every python3.11.

    .venv-sam/bin/python -P tools/sam.py build
"""

from aws_lambda_builders.workflows.python_pip.packager import DependencyBuilder  # type: ignore[import-not-found]
from samcli.cli.main import cli  # type: ignore[import-not-found]

DependencyBuilder._RUNTIME_GLIBC["cp311"] = DependencyBuilder._RUNTIME_GLIBC["cp312"]

if __name__ == "__main__":
    cli(prog_name="sam")
