"""Times each function's cold start against a handler that only makes `boto3.client("dynamodb")`.

What is timed is the CPU that a new process spends on importing the built function and on putting its collaborators
together (its cached factory), which is all that stands between a cold sandbox and its first request but the calls
themselves. All are measured in turn, round after round, in one run; what is compared is each one's median.

    .venv/bin/python benchmarks/cold_start.py [--rounds 15]
"""

import argparse
import dataclasses
import importlib
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from tools.local_stack import build  # noqa: E402

BUILD = ROOT / ".aws-sam" / "build"
PYTHON = ROOT / ".venv-runtime" / "bin" / "python"  # boto3 and nothing of ours, as in a Lambda runtime
REF = "reference"
FACTORIES = {
    "generate": "dependencies",
    "webhook": "callback",
    "dispatch": "dispatch",
    "ingest": "ingest",
    "notify": "notify",
    "deliver": "deliver",
    "reconcile": "reconcile",
    "console": "dependencies",
}
MODULES = {"generate": "app.dependencies", "console": "app.dependencies"}
"""Where a function's settings and factory are, if not in its `app`."""

CREDENTIALS = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
}
REFERENCE = 'import boto3\nboto3.client("dynamodb")'
TIMED = """
import json, sys, time
sys.path[:0] = json.loads(sys.argv[1])
start = time.process_time()
exec(sys.argv[2])
print((time.process_time() - start) * 1000)
"""
VALUES: dict[object, str] = {
    str: "https://example.com/none",
    int: "1",
    bool: "false",
    frozenset[int]: "443",
    tuple[str, ...]: "",
    Mapping[str, str]: "{}",
}


@dataclasses.dataclass(frozen=True)
class Subject:
    """Code whose start is timed: where its modules are, its environment, and the interpreter that runs it."""

    paths: list[Path]
    code: str
    variables: dict[str, str]
    python: Path = PYTHON


def environment(name: str) -> dict[str, str]:
    """Make up a value for each variable that a function's settings name; the catalog is the built-in one."""
    settings = importlib.import_module(f"functions.{name}.{MODULES.get(name, 'app')}").Settings
    made_up = {field.name.upper(): VALUES[field.type] for field in dataclasses.fields(settings)}
    return made_up | ({"CATALOG_OBJECT": "embedded"} if "CATALOG_OBJECT" in made_up else {})


def milliseconds(subject: Subject) -> float:
    """Run a subject in a new process and return the CPU time that it took."""
    paths = json.dumps([str(path) for path in subject.paths])
    arguments = [str(subject.python), "-I", "-c", TIMED, paths, subject.code]
    result = subprocess.run(arguments, env=subject.variables | CREDENTIALS, check=True, capture_output=True, text=True)
    return float(result.stdout.splitlines()[-1])


def subjects() -> dict[str, Subject]:
    """List the reference and Atelier's functions, as `sam build` made them."""
    layers = [BUILD / f"{name}Layer" / "python" for name in ("Core", "AwsModels", "Imaging")]
    return {REF: Subject([], REFERENCE, {})} | {
        name: Subject(
            [BUILD / f"{name.capitalize()}Function", *layers],
            f"import app\nfrom {MODULES.get(name, 'app')} import {factory}\n{factory}()",
            environment(name),
        )
        for name, factory in FACTORIES.items()
    }


def measure(compared: Mapping[str, Subject], rounds: int) -> dict[str, list[float]]:
    """Time all subjects in turn, round after round; the first round, which warms the disk, does not count."""
    times: dict[str, list[float]] = {name: [] for name in compared}
    for _ in range(rounds + 1):
        for name, subject in compared.items():
            times[name].append(milliseconds(subject))
    return {name: measured[1:] for name, measured in times.items()}


def make_ready() -> None:
    """Build the functions as they are deployed, and the environment that they are measured in."""
    log = ROOT / ".local" / "benchmark.log"
    log.parent.mkdir(exist_ok=True)
    targets = [".venv-sam/ready", ".venv-runtime/ready"]
    subprocess.run(["make", "--silent", *targets], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    build(log)


def main() -> int:
    """Measure, and print a table whose last lines are `<function> <ratio>x`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    make_ready()
    times = measure(subjects(), rounds)
    medians = {name: statistics.median(measured) for name, measured in times.items()}
    print(f"CPU milliseconds, median (least to most) of {rounds} cold starts:")
    for name, measured in times.items():
        print(f"  {name:10} {medians[name]:6.0f} ({min(measured):.0f} to {max(measured):.0f})")
    for name in FACTORIES:
        print(f"{name} {medians[name] / medians[REF]:.2f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
