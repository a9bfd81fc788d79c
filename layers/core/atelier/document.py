"""How a generation looks to clients: the same document in answers, webhooks and notifications."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from atelier.generation import Generation

if TYPE_CHECKING:
    from atelier.catalog import Model  # which reads TOML


def describe(generation: Generation, base_url: str) -> dict[str, Any]:
    """Make the contract's document; `base_url` is where the API is reached, without a final slash."""
    files = [file_url(key, base_url) for key in generation.outputs]
    return {
        "_id": generation.id,
        "id": generation.id,
        "status": generation.status.value,
        "output": files[0] if files else None,
        "thumbnail": file_url(generation.thumbnail, base_url) if generation.thumbnail else None,
        "model": generation.model,
        "tool": generation.tool,
        "type": generation.type,
        "payload": dict(generation.payload),
        "error": generation.error,
        "createdAt": timestamp(generation.created_at),
    }


def announce(generation: Generation, base_url: str) -> dict[str, Any]:
    """Make the message that the topic gets of a finished generation."""
    return {**describe(generation, base_url), "userId": generation.user_id}


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


def encode(document: dict[str, Any]) -> str:
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
