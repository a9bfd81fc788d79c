"""Every error, as an example: raised by the code where it can be asked, else in the words that it has there."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from atelier.accounts.api_keys import ApiKey, parse_key
from atelier.accounts.authorization import parse_authorization
from atelier.adapters.dynamodb.account_store import too_many_requests
from atelier.api.error_document import describe_error
from atelier.api.generation_request import parse_generation_request, parse_run_request
from atelier.api.idempotency_key import parse_idempotency
from atelier.api.json_body import MAX_BODY_BYTES
from atelier.api.list_request import parse_list, parse_search
from atelier.api.redelivery_request import parse_redelivery
from atelier.api.upload_request import MAX_BODY_BYTES as UPLOAD_BYTES
from atelier.api.upload_request import parse_upload
from atelier.api.usage import parse_usage
from atelier.catalog.model import embedded
from atelier.errors import (
    ForbiddenError,
    IdempotencyMismatchError,
    NotFoundError,
    NotPossibleError,
    PaymentRequiredError,
    RequestError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from atelier.outbound.url_policy import UrlPolicy
from tools.openapi.examples import ID, KEY_ID, NOW, PROMPT, USER, generation_request, run_request
from tools.openapi.schemas import Json


def _raised(ask: Callable[[], object]) -> RequestError:
    try:
        ask()
    except RequestError as exc:
        return exc
    raise AssertionError("it was not refused")


def _generate(text: str) -> RequestError:
    return _raised(lambda: parse_generation_request(text, embedded(), UrlPolicy()))


def _run(document: Json) -> RequestError:
    return _raised(lambda: parse_run_request(json.dumps(document), embedded(), UrlPolicy()))


def _upload(content: bytes) -> RequestError:
    sent = base64.b64encode(content).decode()
    return _raised(lambda: parse_upload(sent, encoded=True, content_type="image/png", name=None, query={}))


def _key(**limits: Any) -> ApiKey:
    return ApiKey(
        id=KEY_ID, name="website", user_id=USER.id, user_email=USER.email, digest="", test=False, created_at=NOW,
        **limits,
    )  # fmt: skip


REFUSALS: Mapping[str, RequestError] = {
    "NotJson": _generate("{"),
    "InvalidGeneration": _generate(
        json.dumps({"model": "sketch", "input": {"prompt": "", "width": 12}, "size": "large"})
    ),
    "InvalidRun": _run(run_request(prompt=PROMPT)),
    "PrivateWebhook": _generate(json.dumps(generation_request(webhook="https://10.0.0.1/"))),
    "BadIdempotencyKey": _raised(lambda: parse_idempotency("", route="/generate", body="")),
    "BadUsage": _raised(lambda: parse_usage({"from": "yesterday"}, NOW, "key")),
    "BadPage": _raised(lambda: parse_list({"limit": "1000"})),
    "BadSearch": _raised(lambda: parse_search({})),
    "BadEvent": _raised(lambda: parse_redelivery('{"event": "done"}')),
    "NoKey": _raised(lambda: parse_authorization(None)),
    "MistypedKey": _raised(lambda: parse_key("YOUR_API_KEY")),
    "NotEnoughCredits": PaymentRequiredError(
        "This costs 4 credits, and there are not enough; ask the operator for more."
    ),
    "LackingScope": _raised(lambda: _key(scopes=("read",)).require("generate")),
    "ForbiddenModel": _raised(lambda: _key(models=("sketch",)).require("generate", model="playground-v2")),
    "AnotherUsers": ForbiddenError("This generation is another user's."),
    "UnknownModel": _generate(json.dumps(generation_request(model="no-such-model"))),
    "UnknownTool": _run(run_request(tool="no-such-tool")),
    "UnknownGeneration": NotFoundError(f"There is no generation '{ID}'."),
    "UnknownFile": NotFoundError("There is no such picture; it may have expired, or not be uploaded yet."),
    "NoFile": _upload(b""),
    "FileTooLarge": _upload(b"0" * (UPLOAD_BYTES + 1)),
    "NotAPicture": _upload(b"GIF89a"),
    "NotFinished": NotPossibleError("The generation is processing; it can be deleted once it is finished."),
    "CannotCancel": NotPossibleError("The generation is over already: success."),
    "NothingToTell": NotPossibleError("The generation has no webhook."),
    "TooLarge": _generate(" " * (MAX_BODY_BYTES + 1)),
    "WrongType": UnsupportedMediaTypeError("The body must be application/json, not 'text/html'.", ["application/json"]),
    "OtherRequest": IdempotencyMismatchError(
        "This Idempotency-Key was used for another request; use a new key for a new request."
    ),
    "TooMany": too_many_requests(60, NOW + 43_000),
    "Unavailable": UnavailableError("The table is busy; try again."),
}
ERRORS: Mapping[str, Json] = {name: describe_error(exc).document for name, exc in REFUSALS.items()}
"""The same as the API itself writes them."""
