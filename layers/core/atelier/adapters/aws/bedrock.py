"""Amazon Bedrock's models."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

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
NEEDED = {
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "agreementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}
"""What Bedrock says of a model that the account may invoke in this region."""


class BedrockClient(Protocol):
    """The one call of the service `bedrock`, beside `bedrock-runtime`, that is made."""

    def get_foundation_model_availability(self, *, modelId: str) -> Mapping[str, Any]:  # noqa: N803 - AWS's name
        """Tell what the account may do with a model."""
        ...


class BedrockAccess:
    """The ModelAccess port on the bedrock client, which is made at the first call."""

    def __init__(self, client: "Callable[[], BedrockClient]") -> None:
        self._client = client

    def check(self, model: str) -> None:
        """Call GetFoundationModelAvailability, which costs nothing."""
        try:
            answer = self._client().get_foundation_model_availability(modelId=model)
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            if code in PASSING or exc.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise _busy(code) from exc
            raise ProviderCredentialsError(
                f"The provider {NAME} does not say whether {model} may be invoked ({code}); check its ARN in"
                " BedrockModelArns, and the model in Bedrock's console."
            ) from exc
        except BotoCoreError as exc:
            raise _unreachable() from exc
        found = {**answer, "agreementAvailability": answer.get("agreementAvailability", {}).get("status")}
        missing = [f"{name} is {found.get(name)}" for name, needed in NEEDED.items() if found.get(name) != needed]
        if missing:
            raise ProviderCredentialsError(
                f"The provider {NAME} does not let this stack's account invoke {model} ({', '.join(missing)}); ask for"
                " the model in Bedrock's console."
            )


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
            raise _unreachable() from exc
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
        return _busy(code)
    return http_responses.unknown(NAME, f"answered {code}")


def _busy(code: str) -> ProviderBusyError:
    return ProviderBusyError(f"The provider {NAME} is busy or out of order ({code}); try again later.")


def _unreachable() -> ProviderBusyError:
    return ProviderBusyError(f"The provider {NAME} could not be reached; try again later.")
