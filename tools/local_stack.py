"""The deployed template on this machine: MiniStack as AWS, and the real `sam build` and `sam deploy` into it."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import WaiterError

from tools.stop import end

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / ".aws-sam" / "build"
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
MACHINE = {
    "PythonRuntime": RUNTIME,
    "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
    "SnapStart": "false",
}
"""The parameters that depend on this machine."""
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
STARTUP_SECONDS = 60
STEP_SECONDS = 600
TEMPLATES = "templates"
"""The bucket for templates, which are too long to be sent with a call."""


class LocalStackError(Exception):
    """The local stack cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Deployed:
    """A deployed stack: its name, the emulator's endpoint, and the template's Outputs."""

    name: str
    endpoint: str
    outputs: Mapping[str, str]

    @property
    def api(self) -> str:
        """The base to which /generate is appended."""
        return public_url(self.endpoint).format(api_id=self.outputs["ApiId"])

    def client(self, service: str) -> Any:
        """Make the account owner's client of an AWS service."""
        return client(service, self.endpoint)

    def secret(self, output: str) -> str:
        """Read a secret whose ARN is an Output."""
        answer = self.client("secretsmanager").get_secret_value(SecretId=self.outputs[output])
        return str(answer["SecretString"])

    def resource(self, logical_id: str) -> str:
        """Return the physical id of one of the template's resources."""
        answer = self.client("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])


@dataclass(frozen=True)
class Emulator:
    """A running MiniStack; `scratch` is the folder of its temporary files."""

    endpoint: str
    pid: int
    scratch: str

    def stop(self) -> None:
        """End it and the workers that it started, and delete its temporary files."""
        end(self.pid)
        shutil.rmtree(self.scratch, ignore_errors=True)


def client(service: str, endpoint: str) -> Any:
    """Make the account owner's client of an AWS service on the emulator."""
    session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    return session.client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 2}))


def public_url(endpoint: str) -> str:
    """Return the pattern of API URLs on the emulator, with {api_id} in it."""
    return endpoint + "/_aws/execute-api/{api_id}/api"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_emulator(port: int, log: Path, state: Path | None = None) -> Emulator:
    """Start MiniStack on 127.0.0.1 with IAM enforced, and wait until it answers.

    With a `state` folder it keeps what it holds there when it is stopped, and begins with it.
    """
    binaries = ROOT / ".venv-local" / "bin"
    endpoint = f"http://127.0.0.1:{port}"
    scratch = log.with_name(f"{log.stem}-scratch")  # for the code of each worker: gigabytes in an hour of tests
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    environment = {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "AUTH": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_HOST": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(scratch),
    }
    if state:
        environment |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state / "s3"),
        }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            [binaries / "python", "-P", ROOT / "tools" / "emulator.py"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    emulator = Emulator(endpoint, process.pid, str(scratch))
    try:
        for _ in range(STARTUP_SECONDS * 10):
            if process.poll() is not None:
                break
            if healthy(endpoint):
                return emulator
            time.sleep(0.1)
    except KeyboardInterrupt:
        emulator.stop()
        raise
    raise LocalStackError(f"the emulator did not start; see {log}")


def healthy(endpoint: str) -> bool:
    """Tell whether an emulator answers at an endpoint."""
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def build(log: Path) -> None:
    """Run `sam build` and compile what it made."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        raise LocalStackError(f"SAM builds for Python 3.11 to 3.14, and this is {RUNTIME}; make with PYTHON=python3.13")
    with log.open("w") as output:
        _sam(["build", "--parameter-overrides", *_overrides(MACHINE)], output, {})
        _run(
            [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", BUILT],
            output,
            dict(os.environ),
        )


def deploy(name: str, endpoint: str, log: Path, *, built: Path = BUILT, **parameters: str) -> Deployed:
    """Run `sam deploy` of a build into the emulator."""
    overrides = _parameters(endpoint, parameters)
    arguments = ["deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"]
    arguments += ["--template-file", str(built / "template.yaml"), "--stack-name", name, "--parameter-overrides"]
    with log.open("w") as output:
        _sam(
            [*arguments, *_overrides(overrides)],
            output,
            {"AWS_ENDPOINT_URL": endpoint},
        )
    return deployed(name, endpoint)


def deploy_again(stack: Deployed, name: str, **parameters: str) -> Deployed:
    """Deploy what `stack` was deployed from under another name, without the seconds that the SAM CLI takes."""
    cloudformation = stack.client("cloudformation")
    overrides = _parameters(stack.endpoint, parameters)
    template = cloudformation.get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
    s3, key = stack.client("s3"), f"{name}.template"
    s3.create_bucket(Bucket=TEMPLATES)
    s3.put_object(Bucket=TEMPLATES, Key=key, Body=template if isinstance(template, str) else json.dumps(template))
    with suppress(cloudformation.exceptions.AlreadyExistsException):  # an answer came late, and the SDK asked again
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{stack.endpoint}/{TEMPLATES}/{key}",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in overrides.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": STEP_SECONDS}
        )
    except WaiterError as error:
        raise LocalStackError(f"the stack {name} was not made: {error}") from error
    return deployed(name, stack.endpoint)


def deployed(name: str, endpoint: str) -> Deployed:
    """Look up a deployed stack."""
    stacks = client("cloudformation", endpoint).describe_stacks(StackName=name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
    return Deployed(name, endpoint, outputs)


def _parameters(endpoint: str, given: Mapping[str, str]) -> dict[str, str]:
    return {**MACHINE, "LocalEndpoint": endpoint, "PublicUrl": public_url(endpoint), **given}


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a JSON file that only its owner can read, at once or not at all."""
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(state, indent=2) + "\n")
    partial.replace(path)


def _overrides(parameters: Mapping[str, str]) -> list[str]:
    return [f"{name}={json.dumps(value)}" for name, value in parameters.items()]  # quoted, as JSON must be


def _sam(arguments: list[str], output: IO[str], environment: Mapping[str, str]) -> None:
    binaries = ROOT / ".venv-sam" / "bin"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    _run(
        [binaries / "python", "-P", ROOT / "tools" / "sam.py", *arguments],
        output,
        {
            **inherited,
            **CREDENTIALS,
            **environment,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "SAM_CLI_TELEMETRY": "0",
        },
    )


def _run(command: list[str | Path], output: IO[str], environment: Mapping[str, str]) -> None:
    output.flush()
    result = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=output, stderr=output, timeout=STEP_SECONDS, check=False
    )
    if result.returncode:
        output.flush()
        tail = Path(output.name).read_text().strip().splitlines()[-15:]
        words = " ".join(str(word) for word in command[:4])
        raise LocalStackError(f"`{words}` failed; the end of {output.name}:\n" + "\n".join(tail))
