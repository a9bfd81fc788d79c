"""Repeated requests, which give the same generation, and no second charge.

Idempotency keys: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A client's key, and the digest of the request that it stands for."""

    key: str
    request_digest: str


@dataclass(frozen=True, slots=True)
class CountedRequest:
    """A request of a client that counts how often it sends one: `number` is 0 the first time, then 1, 2, ...

    `request_digest` stands for what is asked for. Two requests may ask for the same, and then want two pictures.
    """

    number: int
    request_digest: str
