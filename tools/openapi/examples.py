"""Examples of the API's documents: made by the code that makes the documents, so that they cannot say anything else."""

import base64
import hashlib
from dataclasses import replace
from typing import Any

from atelier import standard_webhooks
from atelier.accounts.serializer import describe_account
from atelier.accounts.users import User
from atelier.api.usage import usage_row
from atelier.catalog.model import embedded
from atelier.catalog.serializer import describe_model, describe_tool, tool_detail
from atelier.clock import SECOND
from atelier.generations import listing, serializer
from atelier.generations import model as generation_model
from atelier.generations.model import Generation, Moment, ProviderAttempt, Status, StoredFile
from atelier.generations.usage import Usage
from atelier.images.file_urls import UPLOADS
from atelier.images.ports import UploadForm
from atelier.images.serializer import describe_upload
from atelier.images.uploads import Upload
from atelier.webhooks import payload
from atelier.webhooks.delivery import Attempt, DeliveryHistory
from atelier.webhooks.events import first_delivery
from atelier.webhooks.serializer import delivery_document

BASE = "https://api.example.com/api"
NOW = 1_795_348_800_000
"""2026-11-22, 12:00 UTC."""
PROMPT = "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"
WEBHOOK = "https://your-server.com/api/webhook"
IMAGE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC")
"""A PNG of one black pixel."""
KEY_ID, TOKEN = "4fGh7KpQ2xYz", "kJ3vN8qLr5TzW1yBcD6fGh2m"
TEXT_TO_IMAGE = "text-to-image"
Json = dict[str, Any]


def _id(at: int) -> str:
    return f"{at:012x}{hashlib.sha256(str(at).encode()).hexdigest()[:20]}"


ID = _id(NOW)
_FOLDER = f"outputs/{ID}/{TOKEN}"
ACCEPTED = Generation(
    id=ID, user_id="user_Q7r2Tt5vWx8Yz1Aa", key_id=KEY_ID, test=False, model="playground-v2", tool=TEXT_TO_IMAGE,
    type="image", payload={"prompt": PROMPT}, webhook=WEBHOOK, created_at=NOW, correlation_id="", callback_token="",
    file_token=TOKEN,
)  # fmt: skip
SUCCEEDED = replace(
    ACCEPTED,
    status=Status.SUCCESS,
    outputs=(StoredFile(f"{_FOLDER}/0.png", "image/png", 1_482_113, hashlib.sha256(b"0").hexdigest(), 1024, 1024),),
    thumbnail=f"{_FOLDER}/thumbnail.webp",
    timeline=(
        Moment(Status.PROCESSING, NOW + 300, "artificial-studio"),
        Moment(Status.UPLOADING, NOW + 9_100),
        Moment(Status.SUCCESS, NOW + 9_800),
    ),
    attempts=(ProviderAttempt("artificial-studio", "playground-v2", NOW + 300, NOW + 9_100),),
)
FAILED = replace(
    ACCEPTED,
    status=Status.ERROR,
    error="The provider refuses this prompt.",
    timeline=(Moment(Status.PROCESSING, NOW + 300, "artificial-studio"), Moment(Status.ERROR, NOW + 4_200)),
    attempts=(ProviderAttempt("artificial-studio", "playground-v2", NOW + 300, NOW + 4_200, "It is refused."),),
)
CANCELLED = replace(
    ACCEPTED,
    status=Status.ERROR,
    error=generation_model.CANCELLED,
    timeline=(Moment(Status.ERROR, NOW + 4_000),),
)
USER = User(id=ACCEPTED.user_id, email="you@example.com", name="You", created_at=NOW - 86_400 * SECOND, credits=480)


def generation_document(made: Generation) -> Json:
    """A generation as the API answers it."""
    return serializer.detail(made, BASE)


def run_answer() -> Json:
    """The answer of `POST /run` to a client that does not wait."""
    return serializer.accepted(ACCEPTED)


def page(**wanted: Any) -> Json:
    """A page of a list."""
    asked = listing.ListRequest(limit=2, **wanted)
    total = None if asked.cursor is not None else 12
    return serializer.page_document(listing.Page((SUCCEEDED, FAILED), ID, total), asked, BASE)


def models() -> list[Json]:
    """The models that any stack has from the start."""
    return [model_document(slug) for slug in ("sketch", "playground-v2")]


def model_document(slug: str) -> Json:
    """A model of the catalog that ships with the code."""
    model = embedded().model(slug)
    return describe_model(model, model.routes)


def tool() -> Json:
    """A tool as it is listed."""
    return describe_tool(embedded().tool(TEXT_TO_IMAGE))


def tool_with_models() -> Json:
    """A tool with its models."""
    return tool_detail(embedded().tool(TEXT_TO_IMAGE), models())


def account_document() -> Json:
    """The provider that the key belongs to."""
    return describe_account(USER)


def usage() -> Json:
    """A day's usage of one key and model."""
    row = usage_row(
        Usage(
            date="2026-11-25", user_id="user_1", key_id="k7Qm2LxT9aBc", model="sketch", provider="sketch",
            success=41, error=1, cancelled=2, credits=0, milliseconds=61_500,
        )
    )  # fmt: skip
    return {"from": "2026-11-01", "to": "2026-11-30", "data": [row]}


def deliveries() -> Json:
    """A delivery whose first attempt failed."""
    first = first_delivery(SUCCEEDED, WEBHOOK, Moment(Status.SUCCESS, NOW + 9_800), BASE)
    failed = Attempt(
        number=1, at=NOW + 10_000, duration=230, status_code=503, reason="The receiver answered 503.", answer="busy"
    )
    pending = replace(first, attempts=1, due_at=NOW + 15_000)
    return {"data": [delivery_document(DeliveryHistory(pending, (failed,)))]}


def redelivered() -> Json:
    """A delivery that begins anew."""
    first = first_delivery(SUCCEEDED, WEBHOOK, Moment(Status.SUCCESS, NOW + 9_800), BASE)
    return {"data": [delivery_document(DeliveryHistory(first.repeated(NOW + 60_000), ()))]}


def notification(made: Generation) -> Json:
    """The body of a webhook."""
    return payload.notification(made, made.timeline[-1], BASE)


def webhook_headers(made: Generation) -> dict[str, str]:
    """The headers that such a webhook comes with, signed with a secret that is nobody's."""
    moment = made.timeline[-1]
    told = first_delivery(made, WEBHOOK, moment, BASE)
    secret = f"whsec_{base64.b64encode(b'this is an example, not a secret').decode()}"
    return dict(
        standard_webhooks.sign(
            (secret,), message_id=told.message_id, timestamp=moment.at // SECOND, body=told.body.encode()
        )
    )  # fmt: skip


def pointer() -> Json:
    """The answer at the API's root."""
    return {"name": "Atelier", "documentation": f"{BASE}/docs", "openapi": f"{BASE}/openapi.json"}


def stored_file() -> Json:
    """A file that a client uploaded."""
    return describe_upload(upload(), BASE)


def announced_file() -> Json:
    """A file that its client is yet to send to the bucket."""
    fields = {"key": upload().key, "Content-Type": "image/png", "policy": "eyJ...", "x-amz-signature": "5d1e..."}
    return describe_upload(replace(upload(), form=UploadForm("https://files.example.com/", fields)), BASE)


def upload() -> Upload:
    """A picture that a client sent."""
    id_ = f"file_{hashlib.sha256(b'file').hexdigest()[:24]}"
    return Upload(
        id=id_, key=f"{UPLOADS}/{USER.id}/{id_}/{TOKEN}.png", content_type="image/png", size=482_113, name="cat.png",
        created_at=NOW,
    )  # fmt: skip


# ---- What clients send -----------------------------------------------------------------------------------------------


def generation_request(**changes: Any) -> Json:
    """The body of `POST /generate`."""
    return {"model": "playground-v2", "input": {"prompt": PROMPT}, **changes}


def run_request(**changes: Any) -> Json:
    """The same for `POST /run`."""
    return {"tool": TEXT_TO_IMAGE, "input": {"model": "playground-v2", "prompt": PROMPT}, **changes}


def tool_requests() -> dict[str, tuple[str, Json]]:
    """A body of `POST /run` for each tool that works on a given picture, with what it does."""
    picture: Json = {"image_urls": ["https://client.example/photo.jpg"]}
    mask: Json = {"mask_url": "https://client.example/mask.png"}
    values: dict[str, Json] = {
        "edit-image": {"prompt": "Make it winter.", **picture},
        "inpaint": {"prompt": "A sailing boat", **picture, **mask},
        "outpaint": {"prompt": "The sea", **picture, "left": 512, "right": 512},
        "upscale": {**picture, "factor": 4},
        "remove-background": {**picture, "output_format": "webp"},
        "erase": {**picture, **mask},
    }
    return {slug: (embedded().tool(slug).description, {"tool": slug, "input": one}) for slug, one in values.items()}


def inputs() -> list[Json]:
    """The descriptions of what each model of the shipped catalog takes."""
    return [dict(one.input) for model in embedded().models.values() for one in (model, *model.variants)]
