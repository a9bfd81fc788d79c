"""The API's records. Each keeps the whole JSON object in `raw`; fields that the client does not know are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["pending", "processing", "uploading", "success", "error"]
Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class FieldError:
    """One field at fault: its name, the reason, and a code for programs."""

    field: str
    message: str
    code: str


@dataclass(frozen=True)
class Picture:
    """A stored picture: `size` in bytes, `width` and `height` in pixels."""

    url: str
    content_type: str
    size: int
    width: int
    height: int
    sha256: str | None

    @classmethod
    def from_json(cls, document: Json) -> Picture:
        """Read the API's record."""
        return cls(
            url=document["url"],
            content_type=document["contentType"],
            size=document["size"],
            width=document["width"],
            height=document["height"],
            sha256=document.get("sha256"),
        )


@dataclass(frozen=True)
class Generation:
    """A generation as it stood when it was read; `output` is the URL of its first picture."""

    id: str
    status: Status
    output: str | None
    thumbnail: str | None
    error: str | None
    model: str | None
    tool: str | None
    type: str
    payload: Json
    outputs: tuple[Picture, ...]
    created_at: str | None
    raw: Json = field(repr=False)

    @property
    def ended(self) -> bool:
        """Tell whether the status is final."""
        return self.status in ("success", "error")

    @classmethod
    def from_json(cls, document: Json) -> Generation:
        """Read the API's record, or a webhook's body."""
        return cls(
            id=document["id"],
            status=document["status"],
            output=document.get("output"),
            thumbnail=document.get("thumbnail"),
            error=document.get("error"),
            model=document.get("model"),
            tool=document.get("tool"),
            type=document.get("type") or "image",
            payload=document.get("payload") or {},
            outputs=tuple(Picture.from_json(one) for one in document.get("outputs") or ()),
            created_at=document.get("createdAt"),
            raw=document,
        )


@dataclass(frozen=True)
class Page:
    """A part of a list, newest first; `next_cursor` is None at the end."""

    generations: tuple[Generation, ...]
    next_cursor: str | None

    @classmethod
    def from_json(cls, document: Json) -> Page:
        """Read the API's record."""
        return cls(tuple(map(Generation.from_json, document["data"])), document["pagination"].get("nextCursor"))


@dataclass(frozen=True)
class Model:
    """A model of the catalog; `cost` is in credits for each `cost_unit`."""

    slug: str
    name: str
    description: str
    available: bool
    cost: float
    cost_unit: str
    input_schema: Json
    raw: Json = field(repr=False)

    @classmethod
    def from_json(cls, document: Json) -> Model:
        """Read the API's record."""
        return cls(
            slug=document["slug"],
            name=document["name"],
            description=document.get("description") or "",
            available=document.get("available", True),
            cost=document["cost"],
            cost_unit=document.get("costUnit") or "image",
            input_schema=document.get("inputSchema") or {},
            raw=document,
        )


@dataclass(frozen=True)
class Account:
    """The owner of the key; `credits` is None where the user is not metered."""

    id: str
    email: str
    credits: float | None
    plan: str | None
    raw: Json = field(repr=False)

    @classmethod
    def from_json(cls, document: Json) -> Account:
        """Read the API's record."""
        return cls(document["id"], document["email"], document["credits"], document.get("plan"), document)


@dataclass(frozen=True)
class File:
    """An uploaded file; its `url` may be an item of the input `image_urls`."""

    id: str
    url: str
    mimetype: str
    size: int

    @classmethod
    def from_json(cls, document: Json) -> File:
        """Read the API's record."""
        return cls(document["id"], document["url"], document["mimetype"], document["size"])
