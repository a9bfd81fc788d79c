"""Finding the stack to speak to: on this machine, at a URL, or in AWS by its CloudFormation name."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from atelier_cli.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import OutputTypeDef
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class Stack:
    """A stack's API, to which `/generate` is appended, and those of its secrets that are known."""

    api: str
    admin_secret: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    local: bool = False


@dataclass(frozen=True)
class Aws:
    """The AWS clients that finding a stack by name takes."""

    cloudformation: CloudFormationClient
    secrets: SecretsManagerClient

    @classmethod
    def connect(cls) -> Aws:
        """Make the clients for the account and region of the environment."""
        return cls(boto3.client("cloudformation"), boto3.client("secretsmanager"))


def find_stack(name: str | None, *, admin: bool, connect: Callable[[], Aws] = Aws.connect) -> Stack:
    """Find the stack meant by `name`, with its admin secret only if `admin` says that it is needed."""
    if not name or name == "local":
        stack = _local_stack(Path.cwd())
    elif name.startswith(("http://", "https://")):
        stack = Stack(name.rstrip("/"), admin_secret=os.environ.get("ATELIER_ADMIN_SECRET"))
    else:
        stack = _deployed_stack(name, connect, admin=admin)
    return replace(stack, api_key=os.environ.get("ATELIER_API_KEY") or stack.api_key)


def _local_stack(directory: Path) -> Stack:
    for folder in (directory, *directory.parents):
        path = folder / ".local" / "stack.json"
        if path.is_file():
            return _read(path)
    raise StackError("no stack found; run `make run` or pass --stack")


def _read(path: Path) -> Stack:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise StackError(f"cannot read {path}: {exc}; run `make run` again") from exc
    match facts:
        case {"api": str(api)}:
            return Stack(
                api.rstrip("/"),
                admin_secret=facts.get("admin_secret"),
                api_key=facts.get("api_key"),
                webhook_secret=facts.get("webhook_secret"),
                local=True,
            )
    raise StackError(f"{path} names no API; run `make run` again")


def _deployed_stack(name: str, connect: Callable[[], Aws], *, admin: bool) -> Stack:
    try:
        aws = connect()
        outputs = aws.cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
        api = _output(outputs, "ApiUrl", name).rstrip("/")
        if not admin:
            return Stack(api)
        secret = aws.secrets.get_secret_value(SecretId=_output(outputs, "ConsoleSecretArn", name))
        return Stack(api, admin_secret=secret["SecretString"])
    # A ValueError is what botocore makes of an empty region.
    except (BotoCoreError, ClientError, ValueError) as exc:
        raise StackError(f"cannot read stack {name}: {exc}; check its name and your AWS profile") from exc


def _output(outputs: list[OutputTypeDef], key: str, stack: str) -> str:
    for output in outputs:
        if output.get("OutputKey") == key:
            return output["OutputValue"]
    raise StackError(f"stack {stack} has no output {key}; is it an Atelier stack, fully deployed?")
