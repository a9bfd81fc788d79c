"""The SNS topic."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from atelier.adapters.aws.clients import translated
from atelier.adapters.aws.messages import ANNOUNCED, announced_text
from atelier.adapters.aws.messages import attributes as message_attributes
from atelier.encoding import encode

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from atelier.webhooks.delivery import Announced


class SnsTopic:
    """The Topic port."""

    def __init__(self, client: "SNSClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(
        self, document: Mapping[str, Any], attributes: Mapping[str, str], announced: "Announced | None" = None
    ) -> None:
        """Publish a JSON document with string attributes, and the delivery that it announces, where that fits."""
        more = {ANNOUNCED: announced_text(announced)} if announced else {}
        with translated("The topic"):
            self._client.publish(
                TopicArn=self._arn,
                Message=encode(dict(document)),
                MessageAttributes=message_attributes({**attributes, **more}),
            )
