"""How a generation looks to clients: the same document in answers, webhooks and notifications."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from atelier.encoding import encode, timestamp
from atelier.generations.model import Generation, ProviderAttempt, Status, StoredFile, UnreadableGeneration
from atelier.images.file_urls import file_url

if TYPE_CHECKING:
    from atelier.generations.listing import ListRequest, Page


UNREADABLE = "unreadable"
"""Shown in lists in place of a status, where a record cannot be read."""
MAX_ANSWER_BYTES = 5_000_000
"""Lambda can answer 6 MB."""


def describe(generation: Generation, base_url: str) -> dict[str, Any]:
    """Make the contract's document; `base_url` is where the API is reached, without a final slash."""
    return {
        "_id": generation.id,
        "id": generation.id,
        "status": generation.status.value,
        "output": file_url(generation.outputs[0].key, base_url) if generation.outputs else None,
        "thumbnail": file_url(generation.thumbnail, base_url) if generation.thumbnail else None,
        "model": generation.model,
        "tool": generation.tool,
        "type": generation.type,
        "payload": shown(generation.payload),
        "error": generation.error,
        "createdAt": timestamp(generation.created_at),
    }


def detail(generation: Generation, base_url: str) -> dict[str, Any]:
    """Make the document of a generation as the API answers it: the contract's, and what follows it here.

    All its pictures, the attempts (`duration` in milliseconds), and what the provider notes about the pictures.
    """
    return {
        **describe(generation, base_url),
        "outputs": [output_document(output, base_url) for output in generation.outputs],
        "updatedAt": timestamp(generation.status_at),
        "attempts": [_attempt(attempt) for attempt in generation.attempts],
        "notes": list(generation.notes),
    }


def describe_unreadable(generation: UnreadableGeneration) -> dict[str, Any]:
    """Make the document, as detail() does, of a generation in a list that this release cannot read."""
    created_at = timestamp(generation.created_at)
    return {
        "_id": generation.id,
        "id": generation.id,
        "status": UNREADABLE,
        "output": None,
        "thumbnail": None,
        "model": generation.model,
        "tool": "",
        "type": "",
        "payload": {},
        "error": "This release cannot read the generation, which a newer one may have written. Nothing of it is lost.",
        "createdAt": created_at,
        "outputs": [],
        "updatedAt": created_at,
        "attempts": [],
        "notes": [],
    }


def accepted(generation: Generation) -> dict[str, Any]:
    """Make the contract's short answer to who does not wait; what has not ended is `processing` there."""
    return {
        "id": generation.id,
        "status": generation.status.value if generation.status.final else Status.PROCESSING.value,
        "tool": generation.tool,
        "createdAt": timestamp(generation.created_at),
    }


def page_document(page: "Page", wanted: "ListRequest", base_url: str) -> dict[str, Any]:
    """Make the contract's list; where it would outgrow what Lambda can answer, it ends sooner, and `limit` says so."""
    data: list[dict[str, Any]] = []
    size = 0
    for generation in page.generations:
        if isinstance(generation, Generation):
            data.append(detail(generation, base_url))
        else:
            data.append(describe_unreadable(generation))
        size += len(json.dumps(encode(data[-1])))  # as the body is encoded in Lambda's answer
        if size > MAX_ANSWER_BYTES:
            data.pop()
            break
    cut = len(data) < len(page.generations)
    cursor = page.generations[len(data) - 1].id if cut else page.next_cursor
    pagination = {"limit": len(data) if cut else wanted.limit, "hasMore": cursor is not None, "nextCursor": cursor}
    if wanted.cursor is None:
        pagination |= {} if page.total is None else {"total": page.total}
        pagination["offset"] = wanted.offset
    return {"data": data, "pagination": pagination}


def output_document(output: StoredFile, base_url: str) -> dict[str, Any]:
    """Describe a stored picture; `size` is in bytes, `width` and `height` in pixels."""
    return {
        "url": file_url(output.key, base_url),
        "contentType": output.content_type,
        "size": output.size,
        "sha256": output.sha256,
        "width": output.width,
        "height": output.height,
    }


def announce(generation: Generation, base_url: str) -> dict[str, Any]:
    """Make the message that the topic gets of a finished generation."""
    return {**detail(generation, base_url), "userId": generation.user_id}


def shown(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Write a client's input; of pictures in data URLs only the heads, since notifications hold no more than 256 KB."""
    return {
        name: [_head(item) for item in value] if isinstance(value, list) else _head(value)
        for name, value in payload.items()
    }


def _head(item: Any) -> Any:
    return f"{item.partition(',')[0]},…" if isinstance(item, str) and item.startswith("data:") else item


def _attempt(attempt: ProviderAttempt) -> dict[str, Any]:
    ended = attempt.ended_at
    return {
        "provider": attempt.provider,
        "at": timestamp(attempt.at),
        "duration": None if ended is None else ended - attempt.at,
        "error": attempt.reason,
    }
