"""Blocking calls that outlast the gateway: a chain of redirects, which every dialect shares.

    POST /v1/images/generations    waits, as all of these do, for what is left of WAIT_SECONDS
      303 /v1/waits/{id}?n=1       if the generation is not finished then; a redirected POST becomes a GET
      303 /v1/waits/{id}?n=2       and so on, until it is
        200 or 4xx                 the answer, or why there is no picture
        303 a presigned URL        the answer, where it is larger than Lambda can return

A location is relative, so that it leads to where the client came in, whatever host and stage that was, and the client
sends its key along. From the moment that a generation is accepted, nothing is answered upon which a client repeats its
request, since that would buy another picture.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode

from atelier.adapters.lambda_.router import Response, answer, current_event
from atelier.api.blocking_reply import MAX_INLINE_BYTES, Reply, ReplyBody
from atelier.api.fields import FieldReader, digits
from atelier.deadline import seconds_left
from atelier.errors import GenerationFailedError, RequestError, UnavailableError
from atelier.generations.model import Generation
from atelier.logging import bind_context, logger

from .callers import authenticate, own_generation
from .dependencies import base_url, dependencies

MARGIN_SECONDS = 3.1
"""Of the request's time, what the last look at the generation takes at most."""
STORING_SECONDS = 15.0
"""The time to store a large answer; with less time left the next hop does it."""
MAX_HOPS = 999
EXTENSIONS = {"application/json": "json", "text/event-stream": "txt"}


def begin(generation: Generation, reply: Reply, root: str, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Answer the call that had a generation accepted; `root` leads from its path to the API's, such as "../.."."""
    return _answer(generation, reply, root, 1, dict(headers or {}))


def go_on(generation_id: str, reply: Reply) -> Response[str]:
    """Answer `/v1/waits/{id}`, which any key of the generation's user may ask, and which no limit counts."""
    fields = FieldReader(current_event().query_string_parameters)
    hop: int = fields.read("n", digits(1, MAX_HOPS), f"a whole number from 1 to {MAX_HOPS}", default=1)
    fields.check()
    key = authenticate()
    try:
        generation = own_generation(generation_id, key)
    except UnavailableError:
        return _next(generation_id, {}, reply, "../..", hop + 1, {})
    bind_context(generation)
    return _answer(generation, reply, "../..", hop + 1, {})


def _answer(generation: Generation, reply: Reply, root: str, hop: int, headers: dict[str, str]) -> Response[str]:
    deps = dependencies()
    pending = reply.pending(generation, base_url())
    try:
        generation = deps.wait(generation, _left())
        if not generation.status.final:
            return _next(generation.id, reply.pending(generation, base_url()), reply, root, hop, headers)
        body = reply.finished(generation, base_url(), lambda key: deps.files().read(key))
        if body.size <= MAX_INLINE_BYTES:
            content = b"".join(body.pieces).decode()
            shown = {"Content-Type": body.content_type, "Cache-Control": "no-store", **headers}
            return Response(status_code=200, headers=shown, body=content)
        if hop > 1 or _left() >= STORING_SECONDS:
            return _see(_store(generation, reply, body), pending | {"status": generation.status.value}, headers)
        return _next(generation.id, pending, reply, root, hop, headers)
    except UnavailableError:
        return _next(generation.id, pending, reply, root, hop, headers)
    except RequestError:
        raise
    except Exception as exc:
        logger.exception("answer failed", error=type(exc).__name__)
        raise GenerationFailedError(
            f"The answer could not be written; the generation is at /generations/{generation.id}."
        ) from exc


def time_to_wait() -> float:
    """Return how many seconds of the present request are left for waiting."""
    return max(0.0, seconds_left() - MARGIN_SECONDS)


def _left() -> float:
    return min(dependencies().settings.wait_seconds, time_to_wait())


def _store(generation: Generation, reply: Reply, body: ReplyBody) -> str:
    """Store an answer under a key that is the same whenever the same is asked for."""
    digest = hashlib.sha256(urlencode(sorted(reply.query().items())).encode()).hexdigest()[:16]
    extension = EXTENSIONS[body.content_type]
    key = f"answers/{generation.id}/{generation.file_token}/{digest}.{extension}"
    return dependencies().files().put_answer(key, body.pieces, body.content_type)


def _next(
    generation_id: str, document: dict[str, object], reply: Reply, root: str, hop: int, headers: dict[str, str]
) -> Response[str]:
    query = urlencode({"n": min(hop, MAX_HOPS), **reply.query()})
    return _see(f"{root}/v1/waits/{generation_id}?{query}", document, headers)


def _see(location: str, document: dict[str, object], headers: dict[str, str]) -> Response[str]:
    return answer(303, document, {**headers, "Location": location})
