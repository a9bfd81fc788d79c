"""Amazon Bedrock's models."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
)

from atelier.errors import ProviderBusyError, ProviderCredentialsError, ProviderError, ProviderRejectedError
from atelier.providers import http_responses
from atelier.providers.bedrock import Bedrock

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient


NAME = Bedrock.name
ACCOUNT = ("AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException", "ExpiredTokenException")
PASSING = (
    "ThrottlingException", "ServiceQuotaExceededException", "ModelNotReadyException", "ModelErrorException",
    "InternalServerException", "ServiceUnavailableException",
)  # fmt: skip


class BedrockModels:
    """The ModelInvoker port on the bedrock-runtime client, which is made at the first call."""

    def __init__(self, client: "Callable[[], BedrockRuntimeClient]") -> None:
        self._client = client

    def invoke(self, model: str, body: bytes) -> bytes:
        """Call InvokeModel; raises the ProviderError that says what may be done next."""
        try:
            answer = self._client().invoke_model(
                modelId=model, body=body, contentType="application/json", accept="application/json"
            )
            return answer["body"].read()
        except ClientError as exc:
            raise _refusal(exc) from exc
        except (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError) as exc:
            raise ProviderBusyError(f"The provider {NAME} could not be reached; try again later.") from exc
        except BotoCoreError as exc:
            raise http_responses.unknown(NAME, "did not answer") from exc


def _refusal(exc: ClientError) -> ProviderError:
    code = exc.response["Error"]["Code"]
    if code == "ValidationException":
        return ProviderRejectedError(http_responses.refusal(NAME, exc.response["Error"].get("Message")))
    if code in ACCOUNT:
        remedy = "allow the model in Bedrock's console, and list its ARN in BedrockModelArns"
        return ProviderCredentialsError(f"The provider {NAME} refuses this stack's account ({code}): {remedy}.")
    if code in PASSING:
        return ProviderBusyError(f"The provider {NAME} is busy or out of order ({code}); try again later.")
    return http_responses.unknown(NAME, f"answered {code}")
