"""Where a request to a queue is asked about: paths on the queue's own host, which a job's id may carry."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_JOB_ID_LENGTH = 500
NAMESPACES = ("workflows", "comfy")
"""A model that begins with one of these has a name of three parts, others of two; the rest is an endpoint of theirs."""
_PATH = re.compile(r"/[!-~]+")


class RequestPaths(NamedTuple):
    """The paths of a request's result, its status and its cancellation."""

    response: str
    status: str
    cancel: str


def of(job_id: str, model: str) -> RequestPaths:
    """Find a request's paths in a job's id, or make the documented ones, which leave out a model's endpoint."""
    request_id, *named = job_id.split(" ")
    if named:
        return RequestPaths(*named)
    parts = model.split("/")
    application = "/".join(parts[: 3 if parts[0] in NAMESPACES else 2])
    path = f"/{application}/requests/{request_id}"
    return RequestPaths(path, f"{path}/status", f"{path}/cancel")


def kept(request_id: str, model: str, queue_url: str, document: Mapping[str, Any]) -> str:
    """Make the id that a job is kept by, without URLs that are not the queue's own, or too long to be kept."""
    paths = [_path(queue_url, document.get(f"{name}_url")) for name in RequestPaths._fields]
    named = " ".join([request_id, *(path for path in paths if path)])
    if None in paths or tuple(paths) == of(request_id, model) or len(named) > MAX_JOB_ID_LENGTH:
        return request_id
    return named


def _path(queue_url: str, url: object) -> str | None:
    if not isinstance(url, str) or not url.startswith(queue_url):
        return None
    path = url.removeprefix(queue_url)
    return path if _PATH.fullmatch(path) else None
