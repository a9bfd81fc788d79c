"""The SNS topic."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from atelier.adapters.aws.clients import translated
from atelier.encoding import encode

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class SnsTopic:
    """The Topic port."""

    def __init__(self, client: "SNSClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, document: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
        """Publish a JSON document with string attributes."""
        with translated("The topic"):
            self._client.publish(
                TopicArn=self._arn,
                Message=encode(dict(document)),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
