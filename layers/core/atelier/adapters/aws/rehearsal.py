"""Calls of AWS's clients that reach nobody, for what botocore does only once: made before a snapshot is taken."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders


@contextmanager
def rehearsing(client: Any, content: bytes) -> Iterator[None]:
    """Answer the client's calls with `content` at once: they are not signed, so that no credentials are read."""

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(content))

    hooks = {"choose-signer": lambda **_: UNSIGNED, "before-send": answer}
    for event, hook in hooks.items():
        client.meta.events.register_first(event, hook)
    try:
        yield
    finally:
        for event, hook in hooks.items():
            client.meta.events.unregister(event, hook)


class _Raw(io.BytesIO):
    """A body as urllib3 gives it to botocore."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()
