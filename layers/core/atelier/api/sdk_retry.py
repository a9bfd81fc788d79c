"""The header by which clients made with Stainless, OpenAI's among them, say how often they have sent a request."""

import re

from atelier.generations.idempotency import CountedRequest

_COUNT = re.compile(r"[0-9]{1,3}")


def parse_count(header: str | None, request_digest: str) -> CountedRequest | None:
    """Read an x-stainless-retry-count header; None where there is none, or it says no number."""
    return CountedRequest(int(header), request_digest) if header and _COUNT.fullmatch(header) else None
