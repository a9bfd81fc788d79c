"""The JSON document that a webhook carries."""

from dataclasses import replace
from typing import Any

from atelier.encoding import timestamp
from atelier.generations.model import FINAL, Generation, Moment
from atelier.generations.prediction import REPLICATE, prediction
from atelier.generations.serializer import describe, output_document


def notification(generation: Generation, event: Moment, base_url: str) -> dict[str, Any]:
    """Make the document that a webhook gets of an event: the contract's, or Replicate's, as the generation stood then.

    A client that chose its events also gets the time of each; several images all come (docs/decisions.md).
    """
    then = generation
    if not event.status.final:
        then = replace(generation, status=event.status, outputs=(), thumbnail=None, error=None)
    if generation.webhook_format == REPLICATE:
        return prediction(then, base_url)
    document = describe(then, base_url)
    if len(then.outputs) > 1:
        document["outputs"] = [output_document(output, base_url) for output in then.outputs]
    if generation.webhook_events != FINAL:
        document["updatedAt"] = timestamp(event.at)
    return document
