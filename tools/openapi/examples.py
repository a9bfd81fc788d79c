"""Examples of the API's documents: made by the code that makes the documents, so that they cannot say anything else."""

import base64
import hashlib
from dataclasses import replace
from typing import Any

from atelier import account, catalog, delivery, document, generation, listing, signing, upload
from atelier.generation import SECOND, Generation, Moment, ProviderAttempt, Status, StoredFile
from atelier.own_files import UPLOADS
from atelier.ports import UploadForm

BASE = "https://api.example.com/api"
NOW = 1_795_348_800_000
"""2026-11-22, 12:00 UTC."""
PROMPT = "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"
WEBHOOK = "https://your-server.com/api/webhook"
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
    error=generation.CANCELLED,
    timeline=(Moment(Status.ERROR, NOW + 4_000),),
)
USER = account.User(
    id=ACCEPTED.user_id, email="you@example.com", name="You", created_at=NOW - 86_400 * SECOND, credits=480
)


def generation_document(made: Generation) -> Json:
    """A generation as the API answers it."""
    return document.detail(made, BASE)


def run_answer() -> Json:
    """What `POST /run` answers to who does not wait."""
    return document.accepted(ACCEPTED)


def page(**wanted: Any) -> Json:
    """A page of a list."""
    asked = listing.ListRequest(limit=2, **wanted)
    total = None if asked.cursor is not None else 12
    return document.page_document(listing.Page((SUCCEEDED, FAILED), ID, total), asked, BASE)


def models() -> list[Json]:
    """The models that any stack has from the start."""
    return [model_document(slug) for slug in ("sketch", "playground-v2")]


def model_document(slug: str) -> Json:
    """A model of the catalog that ships with the code."""
    model = catalog.embedded().model(slug)
    return document.describe_model(model, model.routes)


def tool() -> Json:
    """A tool as it is listed."""
    return document.describe_tool(catalog.embedded().tool(TEXT_TO_IMAGE))


def tool_with_models() -> Json:
    """A tool with its models."""
    return document.tool_detail(catalog.embedded().tool(TEXT_TO_IMAGE), models())


def account_document() -> Json:
    """Whose key it is."""
    return document.describe_account(USER)


def deliveries() -> Json:
    """A delivery whose first attempt failed."""
    first = delivery.first_delivery(SUCCEEDED, WEBHOOK, Moment(Status.SUCCESS, NOW + 9_800), BASE)
    failed = delivery.Attempt(
        number=1, at=NOW + 10_000, duration=230, status_code=503, reason="The receiver answered 503.", answer="busy"
    )
    pending = replace(first, attempts=1, due_at=NOW + 15_000)
    return {"data": [document.delivery_document(delivery.DeliveryHistory(pending, (failed,)))]}


def redelivered() -> Json:
    """A delivery that begins anew."""
    first = delivery.first_delivery(SUCCEEDED, WEBHOOK, Moment(Status.SUCCESS, NOW + 9_800), BASE)
    return {"data": [document.delivery_document(delivery.DeliveryHistory(first.repeated(NOW + 60_000), ()))]}


def notification(made: Generation) -> Json:
    """What a webhook gets."""
    return document.notification(made, made.timeline[-1], BASE)


def webhook_headers(made: Generation) -> dict[str, str]:
    """The headers that such a webhook comes with, signed with a secret that is nobody's."""
    moment = made.timeline[-1]
    told = delivery.first_delivery(made, WEBHOOK, moment, BASE)
    secret = f"whsec_{base64.b64encode(b'this is an example, not a secret').decode()}"
    return dict(
        signing.sign(
            (secret,), message_id=told.message_id, timestamp=moment.at // SECOND, body=told.body.encode()
        )
    )  # fmt: skip


def public_keys() -> Json:
    """The public keys that verify webhooks."""
    return {"keys": [signing.public_key_text(hashlib.sha256(b"an example").digest())]}


def pointer() -> Json:
    """What the API says at its root."""
    return {"name": "Atelier", "documentation": f"{BASE}/docs", "openapi": f"{BASE}/openapi.json"}


def stored_file() -> Json:
    """A file that a client uploaded."""
    return upload.describe_upload(_upload(), BASE)


def announced_file() -> Json:
    """A file that its client is yet to send to the bucket."""
    fields = {"key": _upload().key, "Content-Type": "image/png", "policy": "eyJ...", "x-amz-signature": "5d1e..."}
    return upload.describe_upload(replace(_upload(), form=UploadForm("https://files.example.com/", fields)), BASE)


def _upload() -> upload.Upload:
    id_ = f"file_{hashlib.sha256(b'file').hexdigest()[:24]}"
    return upload.Upload(
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


def inputs() -> list[Json]:
    """The descriptions of what each model of the shipped catalog takes."""
    return [dict(model.input) for model in catalog.embedded().models.values()]
