"""SQS queues."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from atelier.adapters.aws.clients import translated
from atelier.adapters.aws.messages import KNOWN, attributes, known_text
from atelier.clock import SECOND
from atelier.encoding import encode
from atelier.generations.ports import MAX_QUEUE_DELAY

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from atelier.generations.model import Generation


class SqsQueue:
    """The Queue port: a message is `{"id": ...}`, and an attribute says what is known.

    Its client is made at the first message.
    """

    def __init__(self, client: "Callable[[], SQSClient]", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, generation_id: str, *, delay: int = 0, known: "Generation | None" = None) -> None:
        """Send an id, to be seen after `delay` seconds (MAX_QUEUE_DELAY at most), and what is known, where it fits."""
        with translated("The queue"):
            self._client().send_message(
                QueueUrl=self._url,
                MessageBody=encode({"id": generation_id}),
                DelaySeconds=min(delay, MAX_QUEUE_DELAY // SECOND),
                MessageAttributes=attributes({KNOWN: known_text(known)} if known else {}),
            )


class DeadLetters:
    """The dead-letter queues."""

    def __init__(self, client: "SQSClient", urls: Sequence[str]) -> None:
        self._client = client
        self._urls = urls

    def count(self) -> int:
        """Count the messages in all of them, as nearly as SQS does."""
        name: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
        with translated("The queue"):
            answers = [
                self._client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
                for url in self._urls
            ]
        return sum(int(attributes[name]) for attributes in answers)
