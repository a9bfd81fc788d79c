"""How a generation looks to clients: the same document in answers, webhooks and notifications."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from atelier.generation import FINAL, Generation, Moment, ProviderAttempt, Status, StoredFile

if TYPE_CHECKING:
    from atelier.account import User
    from atelier.catalog import Model, Route, Tool  # which reads TOML
    from atelier.delivery import Attempt, DeliveryHistory
    from atelier.listing import ListRequest, Page

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
        data.append(detail(generation, base_url))
        size += len(json.dumps(encode(data[-1])))  # as the answer's body stands in Lambda's
        if size > MAX_ANSWER_BYTES:
            data.pop()
            break
    cut = len(data) < len(page.generations)
    cursor = page.generations[len(data) - 1].id if cut else page.next_cursor
    pagination = {"limit": len(data) if cut else wanted.limit, "hasMore": cursor is not None, "nextCursor": cursor}
    if page.total is not None:
        pagination |= {"total": page.total, "offset": wanted.offset}
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


def notification(generation: Generation, event: Moment, base_url: str) -> dict[str, Any]:
    """Make the document that a webhook gets of an event: the contract's, as the generation stood then.

    Whoever chose the events learns the time of each; whoever gets several pictures, all of them (docs/decisions.md).
    """
    then = generation
    if not event.status.final:
        then = replace(generation, status=event.status, outputs=(), thumbnail=None, error=None)
    document = describe(then, base_url)
    if len(then.outputs) > 1:
        document["outputs"] = [output_document(output, base_url) for output in then.outputs]
    if generation.webhook_events != FINAL:
        document["updatedAt"] = timestamp(event.at)
    return document


def delivery_document(history: "DeliveryHistory") -> dict[str, Any]:
    """Describe a delivery and its newest attempts, whose `duration` is in milliseconds."""
    delivery, attempts = history
    under_way = delivery.started_at is not None
    return {
        "id": delivery.message_id,
        "event": delivery.event.value,
        "url": delivery.url,
        "status": delivery.status.value,
        "reason": delivery.reason,
        "attempts": [_delivery_attempt(attempt) for attempt in attempts],
        "nextAttemptAt": None if delivery.due_at is None or under_way else timestamp(delivery.due_at),
        "createdAt": timestamp(delivery.created_at),
    }


def announce(generation: Generation, base_url: str) -> dict[str, Any]:
    """Make the message that the topic gets of a finished generation."""
    return {**detail(generation, base_url), "userId": generation.user_id}


def describe_model(model: "Model", routes: tuple["Route", ...]) -> dict[str, Any]:
    """Make the contract's document of a model with these usable routes; `cost` is in credits."""
    return {
        "slug": model.slug,
        "name": model.name,
        "description": model.description,
        "tool": model.tool.slug,
        "type": model.tool.type,
        "available": bool(routes),
        "cost": model.price({}, routes),
        "costUnit": "image",
        "inputSchema": input_schema(model.input),
    }


def describe_tool(tool: "Tool") -> dict[str, Any]:
    """Make the contract's document of a tool as it is listed."""
    return {
        "slug": tool.slug,
        "name": tool.name,
        "description": tool.description,
        "type": tool.type,
        "outputType": tool.type,
    }


def tool_detail(tool: "Tool", models: list[dict[str, Any]]) -> dict[str, Any]:
    """Make the contract's document of a tool with its models."""
    return {**describe_tool(tool), "inputSchema": input_schema(tool.input), "models": models}


def describe_account(user: "User") -> dict[str, Any]:
    """Make the contract's document of whose key it is; credits are null where what it makes is not counted."""
    return {
        "id": user.id,
        "email": user.email,
        "credits": user.credits,
        "plan": user.plan,
        "createdAt": timestamp(user.created_at),
    }


def shown(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Write a client's input; of pictures in data URLs only the heads, since notifications hold no more than 256 KB."""
    return {
        name: [_head(item) for item in value] if isinstance(value, list) else value for name, value in payload.items()
    }


def input_schema(described: Mapping[str, Any]) -> dict[str, Any]:
    """Write the description of an input as the contract has it, where an enum has its options beside it."""
    properties = {name: _with_options(item) for name, item in described["properties"].items()}
    return {**described, "properties": properties}


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


def _with_options(item: Mapping[str, Any]) -> dict[str, Any]:
    options = [{"label": str(value), "value": value} for value in item.get("enum", ())]
    return {**({"options": options} if options else {}), **item}


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


def _delivery_attempt(attempt: "Attempt") -> dict[str, Any]:
    return {
        "at": timestamp(attempt.at),
        "duration": attempt.duration,
        "statusCode": attempt.status_code,
        "reason": attempt.reason,
        "answer": attempt.answer,
    }
