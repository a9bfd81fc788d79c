"""Upload files, and fetch stored ones."""

from atelier.adapters.lambda_.router import Response, Router, answer, current_event
from atelier.errors import NotFoundError
from atelier.images.file_urls import TRANSIENT, UPLOADS
from atelier.logging import logger

from ..callers import changer
from ..dependencies import base_url, dependencies

router = Router()


@router.post("/files")
def upload() -> Response[str]:
    """Store one of the caller's files, or answer the form by which the caller may store it."""
    from atelier.api.upload_request import parse_upload
    from atelier.images.serializer import describe_upload

    key, event = changer(), current_event()
    request = parse_upload(
        event.body,
        encoded=event.is_base64_encoded,
        content_type=event.headers.get("Content-Type"),
        name=event.headers.get("X-Filename"),
        query=event.query_string_parameters,
    )
    document = describe_upload(dependencies().store_upload()(request, key.user_id), base_url())
    logger.info("file accepted", file_id=document["id"], size=document["size"])
    if request.content is None:
        return answer(202, document)  # there is nothing at its URL yet
    return answer(201, document, {"Location": document["url"]})


@router.get("/files/(?:inputs|outputs|uploads|transient)/.+")
def file() -> Response[str]:
    """Lead a stable URL to a link that works for five minutes."""
    key = current_event().path.partition("/files/")[2]
    deps = dependencies()
    link = deps.files().link(key)
    if link is None and key.startswith((UPLOADS, TRANSIENT)) and deps.store_upload().publish(key):
        link = deps.files().link(key)
    if link is None:
        raise NotFoundError("There is no such file; it may have expired.")
    return answer(302, {"url": link}, {"Location": link, "Cache-Control": "private, max-age=60"})
