"""AWS clients, made from the botocore session that boto3 wraps: the same clients, sooner (docs/decisions.md)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, overload

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.session import Session, get_session

from atelier.adapters.aws.late_credentials import LateCredentialResolver
from atelier.adapters.aws.trust import amazon_roots
from atelier.deadline import seconds_left
from atelier.errors import UnavailableError
from atelier.settings import endpoint_url

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

    from atelier.adapters.aws.bedrock import BedrockClient


_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    signature_version="v4",
    # Fixed here, since botocore would compute it for each call:
    user_agent="atelier",
    account_id_endpoint_mode="disabled",  # the credentials of a role name no account
    parameter_validation=False,  # the types are checked; the integration tests validate
)
_OTHER_CONFIGS = {
    # By the bucket's own host: presigned URLs lead to us-east-1 otherwise, which sends new buckets' callers elsewhere.
    # A call that hangs ends within 17 s: a worker with paid images in hand then tries again.
    "s3": Config(signature_version="s3v4", s3={"addressing_style": "virtual"}, read_timeout=5),
    # A picture takes minutes and is paid for: a call that may have been taken is never made again.
    "bedrock-runtime": Config(read_timeout=150, retries={"total_max_attempts": 1}),
}
MODELS = "aws_models"
"""The package that layers/aws_models makes: the service models, with what we call alone."""
_BRIEF_CONFIG = Config(connect_timeout=1, read_timeout=3)
"""An attempt takes 3 s at most, so that three of them, or two calls of which one hangs, fit into 29 s."""
MAX_RESERVE = 10.0
"""An attempt whose answer may take longer starts with less time left than it may take."""
_CREATION = Lock()
"""botocore's session makes one client at a time; clients themselves may be used by several threads."""
_PUBLIC_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+")
"""As botocore's partitions.json tells the regions of the partition `aws`, whose certificates Amazon signs."""


@overload
def client(service: Literal["bedrock"], *, brief: bool = ...) -> "BedrockClient": ...
@overload
def client(service: Literal["bedrock-runtime"], *, brief: bool = ...) -> "BedrockRuntimeClient": ...
@overload
def client(service: Literal["dynamodb"], *, brief: bool = ...) -> "DynamoDBClient": ...
@overload
def client(service: Literal["s3"], *, brief: bool = ...) -> "S3Client": ...
@overload
def client(service: Literal["secretsmanager"], *, brief: bool = ...) -> "SecretsManagerClient": ...
@overload
def client(service: Literal["sns"], *, brief: bool = ...) -> "SNSClient": ...
@overload
def client(service: Literal["sqs"], *, brief: bool = ...) -> "SQSClient": ...
@cache
def client(service: str, *, brief: bool = False) -> Any:
    """Return this sandbox's client of a service; a `brief` one is for functions whose own callers wait."""
    config = _CONFIG.merge(_OTHER_CONFIGS.get(service, Config()))
    if brief:
        config = config.merge(_BRIEF_CONFIG)
    if service == "s3" and endpoint_url():
        config = config.merge(Config(s3={"addressing_style": "path"}))  # an emulator's buckets have no hosts
    with _CREATION:
        made = _session().create_client(service, config=config, verify=_roots())
    longest = min(made.meta.config.read_timeout, MAX_RESERVE)  # type: ignore[attr-defined]
    made.meta.events.register_first("before-send", partial(_start_in_time, longest))
    return made


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn AWS's errors into UnavailableError, naming what could not be done."""
    try:
        yield
    except (ClientError, BotoCoreError) as exc:
        raise UnavailableError(f"{what} is out of reach; try again.") from exc


class OutOfTimeError(BotoCoreError):
    """The request's time is nearly over: the call, or its repetition, was not sent."""

    fmt = "not sent: only {left:.1f} s are left"


def _start_in_time(seconds: float, **_: Any) -> None:
    """Refuse an attempt that may outlast the present request; `seconds` are what it may take."""
    left = seconds_left()
    if left < seconds:
        raise OutOfTimeError(left=left)


def _roots() -> str | None:
    """Return Amazon's own roots where nothing else can answer; None for all that botocore trusts.

    Each new connection reads the bundle anew, which takes longer than all else that it does.
    """
    if endpoint_url() or _session().get_config_variable("ca_bundle"):
        return None
    region = _session().get_config_variable("region") or ""
    return amazon_roots() if _PUBLIC_REGION.fullmatch(region) else None


@cache
def _session() -> Session:
    session = get_session()
    session.register_component("credential_provider", LateCredentialResolver(session))
    models = find_spec(MODELS)
    if models is not None:  # whoever has no layers, such as the tools, has botocore's own
        folders = list(models.submodule_search_locations or ())
        session.register_component("data_loader", Loader(folders, include_default_search_paths=False))
    return session
