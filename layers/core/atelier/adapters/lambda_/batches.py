"""Batches of a queue or a stream: each record on its own, and only those that failed come again.

Powertools has a batch utility, but importing it costs every cold start an eighth of what boto3 does
(docs/decisions.md), and for a stream it goes on after a failure, though Lambda then sends all later records again.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from atelier.adapters.aws.messages import Message, read_message
from atelier.adapters.dynamodb.generation_store import GENERATION, from_stream
from atelier.clock import now_ms
from atelier.errors import AtelierError, ConflictError, NotFoundError
from atelier.generations.model import Generation, Status
from atelier.logging import clear_context, logger

BatchAnswer = dict[str, list[dict[str, str]]]
"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting"""

_handled: deque[tuple[str, str]] = deque(maxlen=256)
"""The queues and generations that this sandbox was sent last: another message of one of them says no more than its id,
so that a callback that comes twice downloads nothing twice."""


def process_messages(event: Mapping[str, Any], step: Callable[[Message], None]) -> BatchAnswer:
    """Run `step` with each SQS message, and report those that must come again."""

    def handle(record: Mapping[str, Any]) -> None:
        message = read_message(record, now_ms())
        logger.append_keys(generation_id=message.generation_id)
        name = record["eventSourceARN"], message.generation_id
        if name in _handled:
            message = Message(message.generation_id)
        _handled.append(name)
        step(message)

    records = event["Records"]
    return _answer([m["messageId"] for m in records if not _done(m["messageId"], handle, m)])


def process_changes(event: Mapping[str, Any], step: Callable[[Generation], None]) -> BatchAnswer:
    """Run `step` with each generation that a DynamoDB stream record shows to have come to another status.

    Stops at the first failure: from there on Lambda sends the records again.
    """

    def handle(change: Mapping[str, Any]) -> None:
        if (generation := _moved(change)) is not None:
            step(generation)

    for record in event["Records"]:
        change = record["dynamodb"]
        if not _done(record["eventID"], handle, change):
            return _answer([change["SequenceNumber"]])
    return _answer([])


def _moved(change: Mapping[str, Any]) -> Generation | None:
    images = {name: change[name] for name in ("OldImage", "NewImage") if name in change}
    if "NewImage" not in images or any(image["record"]["S"] != GENERATION for image in images.values()):
        return None
    new = from_stream(images["NewImage"])
    if "OldImage" not in images:
        return new if new.status is Status.PENDING else None
    old = from_stream(images["OldImage"])
    return new if new.status is not old.status and not old.status.final else None


def _done(record_id: str, handle: Callable[[Any], None], content: Any) -> bool:
    """Handle a record, log what ends it, and tell whether it is done with.

    ConflictError (another worker has it) and NotFoundError (it was deleted) end it for good; any other error brings it
    back.
    """
    clear_context()
    logger.append_keys(record_id=record_id)
    try:
        handle(content)
    except (ConflictError, NotFoundError) as exc:
        logger.info("nothing to do", reason=str(exc))
    except AtelierError as exc:
        logger.warning("will be tried again", reason=str(exc), error=type(exc).__name__, cause=repr(exc.__cause__))
        return False
    except Exception as exc:  # noqa: BLE001 (whatever it is, the other records must not suffer)
        logger.exception("unexpected error", error=type(exc).__name__)
        return False
    return True


def _answer(failed: list[str]) -> BatchAnswer:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
