"""How a generation looks to clients: the same document in answers, webhooks and notifications."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from atelier.generation import Generation, ProviderAttempt, StoredFile

if TYPE_CHECKING:
    from atelier.catalog import Model  # which reads TOML


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
        "payload": dict(generation.payload),
        "error": generation.error,
        "createdAt": timestamp(generation.created_at),
    }


def detail(generation: Generation, base_url: str) -> dict[str, Any]:
    """Make the document of a generation as the API answers it: the contract's, all its pictures, and whose turn it was.

    An attempt's `duration` is in milliseconds.
    """
    return {
        **describe(generation, base_url),
        "outputs": [output_document(output, base_url) for output in generation.outputs],
        "updatedAt": timestamp(generation.status_at),
        "attempts": [_attempt(attempt) for attempt in generation.attempts],
    }


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


def describe_model(model: "Model") -> dict[str, Any]:
    """Make the contract's document of a model; `cost` is in credits."""
    return {
        "slug": model.slug,
        "name": model.name,
        "description": model.description,
        "tool": model.tool.slug,
        "type": model.tool.type,
        "cost": model.cost,
        "inputSchema": dict(model.tool.input),
    }


def encode(document: Any) -> str:
    """Write a document as compact JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def file_url(key: str, base_url: str) -> str:
    """Make the stable URL of a stored file."""
    return f"{base_url}/files/{key}"


def base_url(public_url: str, *, api_id: str, region: str) -> str:
    """Fill the API's id and region into the stack's public URL (a custom domain's URL has no place for them)."""
    return public_url.replace("{api_id}", api_id).replace("{region}", region).rstrip("/")


def timestamp(milliseconds: int) -> str:
    """Write a time as ISO 8601 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _attempt(attempt: ProviderAttempt) -> dict[str, Any]:
    ended = attempt.ended_at
    return {
        "provider": attempt.provider,
        "at": timestamp(attempt.at),
        "duration": None if ended is None else ended - attempt.at,
        "error": attempt.reason,
    }
