"""Batches of a queue or a stream: each record on its own, and only those that failed come again."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from atelier.adapters.messaging import generation_id
from atelier.adapters.store import GENERATION, from_stream
from atelier.errors import AtelierError, ConflictError, NotFoundError
from atelier.generation import Generation
from atelier.observability import forget, logger


def process_ids(event: dict[str, Any], context: Any, step: Callable[[str], None]) -> PartialItemFailureResponse:
    """Run `step` with the generation id of each SQS message."""

    def handle(record: SQSRecord) -> None:
        with _edge(message_id=record.message_id):
            found = generation_id(record.body)
            logger.append_keys(generation_id=found)
            step(found)

    return process_partial_response(event, handle, _processor(EventType.SQS), context)


def process_finished(
    event: dict[str, Any], context: Any, step: Callable[[Generation], None]
) -> PartialItemFailureResponse:
    """Run `step` with each generation that a DynamoDB stream record shows to have just finished."""

    def handle(record: DynamoDBRecord) -> None:
        with _edge(event_id=record.event_id):
            if (generation := _finished(record.raw_event["dynamodb"])) is not None:
                step(generation)

    return process_partial_response(event, handle, _processor(EventType.DynamoDBStreams), context)


def _finished(change: Mapping[str, Any]) -> Generation | None:
    images = [change.get(name) or {} for name in ("OldImage", "NewImage")]
    if any(image.get("record", {}).get("S") != GENERATION for image in images):
        return None
    old, new = (from_stream(image) for image in images)
    return new if new.status.final and not old.status.final else None


@contextmanager
def _edge(**keys: str | None) -> Iterator[None]:
    """Log what ends a record, once. ConflictError (another worker has it) and NotFoundError (it was deleted) end it
    for good; any other error brings it back.
    """
    forget()
    logger.append_keys(**keys)
    try:
        yield
    except (ConflictError, NotFoundError) as exc:
        logger.info("nothing to do", reason=str(exc))
    except AtelierError as exc:
        logger.warning("will be tried again", reason=str(exc), error=type(exc).__name__, cause=repr(exc.__cause__))
        raise
    except Exception as exc:
        logger.exception("unexpected error", error=type(exc).__name__)
        raise


def _processor(kind: EventType) -> BatchProcessor:
    return BatchProcessor(kind, raise_on_entire_batch_failure=False)
