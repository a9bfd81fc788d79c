"""Queue messages: a generation's id in the body, and what its sender knew in an attribute.

The attribute spares its receiver a read. A release that knows no such attribute reads by the id.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from atelier.adapters.dynamodb.generation_store import from_record, to_record
from atelier.adapters.dynamodb.records import Record
from atelier.clock import SECOND
from atelier.encoding import encode
from atelier.errors import UnreadableRecordError
from atelier.generations.model import Generation

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

    from atelier.webhooks.delivery import Announced

KNOWN = "generation"
"""The attribute that holds a generation as its sender read or wrote it."""
ANNOUNCED = "delivery"
"""The attribute that holds a delivery that nobody had attempted yet."""
MAX_BYTES = 48_000
"""Of an attribute; SQS and SNS charge a message by each 64 KB."""
FRESH = 10 * SECOND
"""An older message is not believed: the generation may have been finished, and deleted, since."""


class Message(NamedTuple):
    """A message: a generation's id, and what its sender knew, where that is worth believing."""

    generation_id: str
    known: Generation | None = None
    announced: "Announced | None" = None


def read_message(record: Mapping[str, Any], now: int) -> Message:
    """Read a message as Lambda gets it, whether a queue's own or one that came through the topic.

    One that comes again, or late, says no more than its id.
    """
    message = Message(str(json.loads(record["body"])["id"]))
    given = record["attributes"]
    if int(given["ApproximateReceiveCount"]) > 1 or abs(now - int(given["SentTimestamp"])) > FRESH:
        return message
    texts = {name: item.get("stringValue") for name, item in record["messageAttributes"].items()}
    try:
        if text := texts.get(KNOWN):
            return message._replace(known=from_record(json.loads(text)))
        if text := texts.get(ANNOUNCED):
            return message._replace(announced=_announced(json.loads(text)))
    except (UnreadableRecordError, KeyError, TypeError, ValueError):
        return message  # another release's
    return message


def attributes(texts: Mapping[str, str]) -> "dict[str, MessageAttributeValueTypeDef]":
    """Make a message's attributes, without those that are too long to be worth it."""
    return {
        name: {"DataType": "String", "StringValue": text}
        for name, text in texts.items()
        if len(text.encode()) <= MAX_BYTES
    }


def known_text(generation: Generation) -> str:
    """Write a generation for a message."""
    return _text(to_record(generation))


def announced_text(announced: "Announced") -> str:
    """Write a delivery for a message."""
    from atelier.adapters.dynamodb.delivery_store import delivery_record

    return _text({**delivery_record(announced.delivery), "correlation_id": announced.correlation_id})


def _announced(record: Mapping[str, Any]) -> "Announced":
    from atelier.adapters.dynamodb.delivery_store import read_delivery
    from atelier.webhooks.delivery import Announced

    return Announced(read_delivery(dict(record)), str(record["correlation_id"]))


def _text(record: Record) -> str:
    return encode({name: value for name, value in record.items() if value is not None})
