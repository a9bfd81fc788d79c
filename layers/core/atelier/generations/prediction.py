"""How a generation looks to clients of Replicate: the same document in answers and webhooks.

https://replicate.com/docs/reference/http
"""

from typing import Any

from atelier.encoding import timestamp
from atelier.generations.model import CANCELLED, Generation, Status, UnreadableGeneration
from atelier.generations.serializer import describe_unreadable, shown

REPLICATE = "replicate"
OWNER = "atelier"
STARTING = "starting"
_STATUSES = {
    Status.PENDING: STARTING,
    Status.PROCESSING: "processing",
    Status.UPLOADING: "processing",
    Status.SUCCESS: "succeeded",
    Status.ERROR: "failed",
}
"""Clients know no other statuses than these, and `canceled`."""


def prediction(generation: Generation, base_url: str, *, logs: str = "") -> dict[str, Any]:
    """Make a prediction's document; `base_url` is where the API is reached, without a final slash.

    Its output's URLs answer the pictures themselves: replicate-python follows no redirect.
    """
    cancelled = generation.error == CANCELLED
    started = next((moment.at for moment in generation.timeline if moment.status is Status.PROCESSING), None)
    finished = generation.finished_at
    url = f"{base_url}/v1/predictions/{generation.id}"
    metrics = {} if started is None or finished is None else {"predict_time": (finished - started) / 1_000}
    return {
        "id": generation.id,
        "model": f"{OWNER}/{generation.model}",
        "version": "hidden",
        "input": shown(generation.payload),
        "logs": "\n".join([*([logs] if logs else []), *generation.notes]),
        "output": [f"{base_url}/v1/files/{output.key}" for output in generation.outputs] or None,
        "data_removed": False,
        "error": generation.error,
        "status": "canceled" if cancelled else _STATUSES[generation.status],
        "created_at": timestamp(generation.created_at),
        "started_at": None if started is None else timestamp(started),
        "completed_at": None if finished is None else timestamp(finished),
        "metrics": metrics,
        "urls": {"get": url, "cancel": f"{url}/cancel", "web": f"{base_url}/console"},
    }


def unreadable_prediction(generation: UnreadableGeneration) -> dict[str, Any]:
    """Make the document of a prediction in a list that this release cannot read; it may still go on."""
    document = describe_unreadable(generation)
    return {
        "id": generation.id,
        "model": f"{OWNER}/{generation.model}",
        "version": "hidden",
        "input": {},
        "logs": document["error"],
        "output": None,
        "data_removed": True,
        "error": None,
        "status": "processing",
        "created_at": document["createdAt"],
        "started_at": None,
        "completed_at": None,
        "metrics": {},
        "urls": {},
    }
