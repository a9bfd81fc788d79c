"""What the API's description cannot say: what a picture's bytes are, and what keeps a thousand generations small."""

import base64
import os
import re
import uuid
from typing import Any

import schemathesis
from hypothesis import strategies as st

from tests.simulators.server import png

PICTURE = png("fuzz")
PICTURES = st.binary(max_size=64).map(lambda rest: PICTURE + rest)
"""Pictures, with what an upload cuts off behind them."""
CONTENT = base64.b64encode(PICTURE).decode()
URL = f"data:image/png;base64,{CONTENT}"
PICTURE_URLS = st.just(URL)
RECEIVER = os.environ["FUZZ_RECEIVER"]
FILE = dict(zip(("folder", "owner", "token", "name"), os.environ["FUZZ_FILE"].split("/"), strict=True))
CREATING = ("/generate", "/run")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""The characters that a header's value may not hold (RFC 9110, section 5.5)."""
OTHERS = ("/v1/images/", "/v1/predictions", "/v1/models/{owner}", "/v1/deployments/", "/sdapi/v1/")

schemathesis.openapi.format("binary", PICTURES)
schemathesis.openapi.format("image-url", PICTURE_URLS)
schemathesis.openapi.format("image-base64", st.just(CONTENT))
for kind in ("image/png", "image/jpeg", "image/webp", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, PICTURES)


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: Any) -> None:
    """Make a valid request small, quick and harmless; leave as it is what is to be refused."""
    for name, value in dict(case.headers or {}).items():
        case.headers[name] = CONTROL.sub("", value)  # which servers refuse before they look at the path
    if case.path.startswith("/sdapi/v1/") and isinstance(case.body, dict):
        case.body["override_settings"] = {"sd_model_checkpoint": "sketch"}
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.path in CREATING and isinstance(case.body, dict):
        case.headers.update({"Prefer": "respond-async", "Idempotency-Key": str(uuid.uuid4())})
        _shrink(case.body)
        if case.path == "/run" and "model" in case.body["input"]:
            case.body["input"]["model"] = "sketch"  # of which the rest of the input is
    elif case.path.startswith(OTHERS) and isinstance(case.body, dict):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
        case.headers.pop("Prefer", None)
        _shrink_other(case.body)
    elif case.path == "/generations" and "cursor" in case.query:
        case.query.pop("offset", None)  # one of them
    elif "folder" in case.path_parameters:
        case.path_parameters.update(FILE)  # one that is there; an upload that was only announced is not yet


def _mend_format(wanted: dict[str, Any]) -> None:
    if wanted.get("output_format") == "jpeg" and wanted.get("background") == "transparent":
        del wanted["background"]  # which a JPEG cannot be


def _shrink(body: dict[str, Any]) -> None:
    if body.get("webhook") is None:
        body.pop("webhook_events", None)  # which is for a webhook
    else:
        body["webhook"] = RECEIVER
    wanted = body["input"]
    _mend_format(wanted)
    if wanted.get("aspect_ratio") is None:
        wanted |= {"width": 256, "height": 256}
    if wanted.get("num_images") is not None:
        wanted["num_images"] = 1


def _shrink_other(body: dict[str, Any]) -> None:
    """Shrink a request in the words of another API."""
    for name, value in {"n": 1, "size": "256x256", "batch_size": 1, "n_iter": 1, "width": 256, "height": 256}.items():
        if body.get(name) is not None:
            body[name] = value
    _mend_format(body)
    if body.get("init_images"):
        body["init_images"] = [CONTENT]  # of the same size as the mask
    if isinstance(body.get("image_url"), str):
        body["image_url"] = URL  # that of the example is nowhere
    for name in ("webhook", "webhook_completed"):
        if body.get(name) is not None:
            body[name] = RECEIVER
    if body.get("webhook") is None:
        body.pop("webhook_events", None)
    if isinstance(body.get("input"), dict):
        _mend_format(body["input"])
        body["input"] |= {"aspect_ratio": None, "width": 256, "height": 256}
        if body["input"].get("num_images") is not None:
            body["input"]["num_images"] = 1
