"""What the API's description cannot say: what a picture's bytes are, and what keeps a thousand generations small."""

import base64
import os
import uuid
from typing import Any

import schemathesis
from hypothesis import strategies as st

from tests.simulators.server import png

PICTURE = png("fuzz")
PICTURES = st.binary(max_size=64).map(lambda rest: PICTURE + rest)
"""Pictures, with what an upload cuts off behind them."""
PICTURE_URLS = st.just(f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}")
RECEIVER = os.environ["FUZZ_RECEIVER"]
FILE = dict(zip(("folder", "owner", "token", "name"), os.environ["FUZZ_FILE"].split("/"), strict=True))
CREATING = ("/generate", "/run")

schemathesis.openapi.format("binary", PICTURES)
schemathesis.openapi.format("image-url", PICTURE_URLS)
for kind in ("image/png", "image/jpeg", "image/webp", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, PICTURES)


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: Any) -> None:
    """Make a valid request small, quick and harmless; leave as it is what is to be refused."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.path in CREATING and isinstance(case.body, dict):
        case.headers.update({"Prefer": "respond-async", "Idempotency-Key": str(uuid.uuid4())})
        _shrink(case.body)
        if case.path == "/run" and "model" in case.body["input"]:
            case.body["input"]["model"] = "sketch"  # of which the rest of the input is
    elif case.path == "/generations" and "cursor" in case.query:
        case.query.pop("offset", None)  # one of them
    elif "folder" in case.path_parameters:
        case.path_parameters.update(FILE)  # one that is there; an upload that was only announced is not yet


def _shrink(body: dict[str, Any]) -> None:
    if body.get("webhook") is None:
        body.pop("webhook_events", None)  # which is for a webhook
    else:
        body["webhook"] = RECEIVER
    wanted = body["input"]
    if wanted.get("aspect_ratio") is None:
        wanted |= {"width": 256, "height": 256}
    if wanted.get("num_images") is not None:
        wanted["num_images"] = 1
