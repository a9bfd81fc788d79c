"""The body of OpenAI's `POST /v1/images/edits`: a form with pictures in it, or JSON that names their URLs.

https://platform.openai.com/docs/api-reference/images/createEdit
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from atelier.api.form_data import parse_form
from atelier.api.json_body import parse_object
from atelier.errors import FieldError, InvalidRequestError, PayloadTooLargeError
from atelier.images.image import EXTENSIONS, sniff

MAX_BODY_BYTES = 4_500_000
"""Lambda takes 6 MB, in which bytes are base64, a third longer."""
_IMAGES = ("image", "image[]")
_MASK = "mask"
_TEXTS = frozenset(
    {
        "prompt", "model", "size", "quality", "background", "style", "moderation", "output_format", "response_format",
        "user", "safety_identifier", "input_fidelity", "negative_prompt", "aspect_ratio", "webhook", "image_url",
        "mask_url",
    }
)  # fmt: skip
"""Fields whose text is their value; that of any other is read as JSON where it is a whole number, a boolean or null."""
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class EditForm:
    """The parameters, the pictures as bytes or as URLs, and the mask as one of these."""

    document: dict[str, Any]
    pictures: tuple[bytes, ...] = ()
    mask: bytes | None = None
    urls: tuple[Any, ...] = field(default=())
    mask_url: Any = None


def parse_edit_form(content_type: str, body: bytes) -> EditForm:
    """Read a form, whose parts come in any order, and whose names and types of files are not believed."""
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(
            f"The form is larger than {MAX_BODY_BYTES / 1e6:g} MB; upload the pictures by POST /files, and name their "
            "URLs in fields 'image_url'."
        )
    document: dict[str, Any] = {}
    pictures: list[bytes] = []
    mask, urls = None, []
    for part in parse_form(content_type, body):
        name = part.field or ""
        if name in _IMAGES and (part.name is not None or sniff(part.content)):
            pictures.append(_picture(part.content, "image"))
        elif name == _MASK:
            mask = _picture(part.content, _MASK)
        elif name in _IMAGES or name.removesuffix("[]") == "image_url":
            urls.append(_text(part.content, name))
        elif name.endswith("[]"):
            document.setdefault(name.removesuffix("[]"), []).append(_text(part.content, name))
        elif name:
            document[name.partition("[")[0]] = _value(name, _text(part.content, name))
    mask_url = document.pop("mask_url", None)
    return EditForm(document, tuple(pictures), mask, tuple(urls), mask_url)


def parse_edit_json(body: str) -> EditForm:
    """Read JSON with `images` of the form `{"image_url"}`, or `image_url` as a text or a list of texts."""
    document = parse_object(body)
    images, named = document.pop("images", None) or [], document.pop("image_url", None) or []
    mask = document.pop(_MASK, None)
    urls = [image.get("image_url") if isinstance(image, dict) else image for image in _listed(images)]
    urls += _listed(named)
    mask_url = document.pop("mask_url", None) or (mask.get("image_url") if isinstance(mask, dict) else mask)
    return EditForm(document, urls=tuple(urls), mask_url=mask_url)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _picture(content: bytes, name: str) -> bytes:
    if sniff(content) is None:
        message = f"Must be a picture of a kind that is read here: {', '.join(EXTENSIONS)}."
        raise InvalidRequestError(f"{name}: {message}", [FieldError(name, message, "invalid")])
    return content


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except ValueError as exc:
        message = "Must be text in UTF-8."
        raise InvalidRequestError(f"{name}: {message}", [FieldError(name, message, "invalid")]) from exc


def _value(name: str, text: str) -> Any:
    if name in _TEXTS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return int(text)
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text
