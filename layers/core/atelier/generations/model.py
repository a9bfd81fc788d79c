"""A generation: one request for a picture, from the moment it is accepted until it is announced.

All times are milliseconds since the Unix epoch. Every change is a pure function from one generation to the
next; the store writes it only if the record is still the one that the change started from.
"""

import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from atelier.clock import MINUTE, SECOND
from atelier.errors import UNSAFE, ConflictError
from atelier.images.file_urls import FIELD

ID_PATTERN = re.compile(r"[0-9a-f]{32}")

RESEND_AFTER = 30 * SECOND
"""A pending generation whose queue message may have been lost is sent again after this."""
CLAIM_LEASE = 5 * MINUTE
"""Longer than dispatch may run: after it, the worker that claimed the generation is gone."""
POLL_EVERY = 1 * MINUTE
"""A job whose callback has not come is asked for this often."""
UPLOAD_LEASE = 3 * MINUTE
"""Longer than ingest may run."""
DRAWN_LEASE = 30 * SECOND
"""The same for an image that is drawn here, twice as long with each try: drawing takes seconds, and may be repeated."""
ANNOUNCE_AFTER = 1 * MINUTE
"""A finished generation that the stream did not announce is announced by reconcile after this."""
GRACE = 15 * MINUTE
"""A job past its deadline is still asked for this long, should the provider be out of reach just then."""
MAX_PENDING = 24 * 60 * MINUTE
"""A generation without a deadline of its own that cannot be dispatched for this long is given up."""
MAX_TRIES = 5
"""How often a generation is offered to a provider that is busy, or to a worker that dies."""
CANCELLED = "cancelled"
_UNSAFE = re.compile(rf"The provider [\w-]+ {UNSAFE}\b")


class Status(StrEnum):
    """Where a generation is on its way; `success` and `error` are final."""

    PENDING = "pending"
    PROCESSING = "processing"
    UPLOADING = "uploading"
    SUCCESS = "success"
    ERROR = "error"

    @property
    def final(self) -> bool:
        """Tell whether nothing more will happen to the generation."""
        return self in (Status.SUCCESS, Status.ERROR)


FINAL = (Status.SUCCESS, Status.ERROR)
"""The events that a webhook gets by default."""


class Moment(NamedTuple):
    """When a generation came to a status, and who was called where it was sent to a provider."""

    status: Status
    at: int
    provider: str | None = None


class ProviderAttempt(NamedTuple):
    """One call of a provider: `model` is its own name for the model, `reason` says why it ended without a picture."""

    provider: str
    model: str
    at: int
    ended_at: int | None = None
    reason: str | None = None


class StoredFile(NamedTuple):
    """A picture in the bucket: its key, what it is, and its size in bytes and pixels."""

    key: str
    content_type: str
    size: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One request, what became of it, and when it must be looked at again (`due_at`).

    `committed`: a provider that may charge was, or may have been, asked. `inputs`: its client's pictures, stored.
    `sources`: where its own wait, until `sources_until`. `cost`: credits, charged when it was accepted; `refunded`:
    they were given back; `uncharged`: they were not charged, as nobody counts them. `thumbnail`: the key of a
    stored file. `notes`: what its provider says about its pictures. `timeline`: each change of status since it was
    accepted. `attempts`: the providers called. `webhook_events`: which statuses are sent to the webhook,
    `webhook_format` in which dialect, None being our own. `cancelled_at`: when its client gave it up. `claim_by`:
    until when a provider must have taken it, its model's deadline from its acceptance. `provider_price`: what its
    provider asks for a picture by the catalog, in millionths of a US dollar; `provider_cost`: what the provider
    says that all its pictures cost, None where it does not say.
    """

    id: str
    user_id: str
    key_id: str
    test: bool
    model: str
    tool: str
    type: str
    payload: Mapping[str, Any]
    webhook: str | None = None
    webhook_events: tuple[Status, ...] = FINAL
    webhook_format: str | None = None
    created_at: int
    correlation_id: str
    callback_token: str
    file_token: str
    cost: int = 0
    status: Status = Status.PENDING
    version: int = 0
    tries: int = 0
    provider: str | None = None
    committed: bool = False
    job_id: str | None = None
    inputs: tuple[StoredFile, ...] = ()
    sources: tuple[str, ...] = ()
    sources_until: int | None = None
    outputs: tuple[StoredFile, ...] = ()
    notes: tuple[str, ...] = ()
    thumbnail: str | None = None
    error: str | None = None
    claim_by: int | None = None
    deadline_at: int | None = None
    finished_at: int | None = None
    due_at: int | None = None
    timeline: tuple[Moment, ...] = ()
    attempts: tuple[ProviderAttempt, ...] = ()
    cancelled_at: int | None = None
    refunded: bool = False
    uncharged: bool | None = None
    provider_price: int = 0
    provider_cost: int | None = None

    @property
    def unsafe(self) -> bool:
        """Tell whether a provider refused it as unsafe."""
        return bool(_UNSAFE.match(self.error or ""))

    @property
    def status_at(self) -> int:
        """When it came to its status."""
        return self.timeline[-1].at if self.timeline else self.created_at

    @property
    def pending_until(self) -> int:
        """When it is given up, if no provider has taken it."""
        return min(self.claim_by or sys.maxsize, self.created_at + MAX_PENDING)

    @property
    def lost_answer(self) -> bool:
        """Tell whether its provider's answer to the job was lost."""
        return bool(self.attempts) and self.attempts[-1].reason is not None and self.attempts[-1].ended_at is None

    @property
    def lacks_inputs(self) -> bool:
        """Tell whether its client's pictures are still to be prepared."""
        return bool(self.payload.get(FIELD)) and not self.inputs

    def is_told(self, status: Status) -> bool:
        """Tell whether its webhook wants to hear of a status."""
        return self.webhook is not None and status in self.webhook_events

    def goes_on(self, fresh: "Generation") -> bool:
        """Tell whether `fresh`, the record as it is now, has the same state, whichever fields others changed."""
        where = (self.status, self.provider, self.job_id, self.attempts)
        return where == (fresh.status, fresh.provider, fresh.job_id, fresh.attempts)

    def prepared(self, inputs: tuple[StoredFile, ...]) -> "Generation":
        """Record its client's pictures, which are fetched once, before any provider is asked."""
        self._require(Status.PENDING)
        return self._next(inputs=inputs)

    def claimed(
        self, provider: str, model: str, *, committed: bool, now: int, deadline: int, price: int = 0,
        lease: int | None = None,
    ) -> "Generation":  # fmt: skip
        """Take it for dispatch, and record who is about to be called.

        `committed` says that the call may cost money and must never be repeated blindly; `deadline` is how long
        the provider has, from the acceptance of the generation, but half of it at least; `price` is what it asks for a
        picture; `lease` is how long the worker has, CLAIM_LEASE where it calls a provider.
        """
        self._require(Status.PENDING)
        return self._moved(
            Moment(Status.PROCESSING, now, provider),
            provider=provider,
            committed=committed,
            provider_price=price,
            provider_cost=None,
            tries=self.tries + 1,
            deadline_at=max(now + deadline // 2, min(now + deadline, self.claim_by or sys.maxsize)),
            due_at=now + (lease or CLAIM_LEASE),
            attempts=(*self.attempts, ProviderAttempt(provider, model, now)),
        )

    def submitted(self, job_id: str, now: int) -> "Generation":
        """Record the provider's job; its callback or a poll brings the result."""
        self._require(Status.PROCESSING)
        return self._next(job_id=job_id, due_at=now + POLL_EVERY)

    def charged(self, cost: int | None) -> "Generation":
        """Note what the provider says that it charges, if it says so; written with the next change."""
        return self if cost is None else replace(self, provider_cost=cost)

    def answer_lost(self, reason: str) -> "Generation":
        """Note why nothing is known of the job that its provider may have taken; a callback may tell yet."""
        self._require(Status.PROCESSING)
        return self._next(attempts=(*self.attempts[:-1], self.attempts[-1]._replace(reason=reason)))

    def requeued(self, reason: str, now: int, delay: int = 0, *, counted: bool = True) -> "Generation":
        """Give it back for another try, `delay` milliseconds from now; `reason` says why this one ended.

        One that only found out whether the provider is back is not `counted`.
        """
        self._require(Status.PROCESSING, Status.UPLOADING)
        return self._moved(
            Moment(Status.PENDING, now),
            tries=self.tries - (not counted),
            provider=None,
            committed=False,
            job_id=None,
            deadline_at=None,
            sources=(),
            sources_until=None,
            due_at=now + delay + RESEND_AFTER,
            attempts=self._ended(reason, now),
        )

    def uploading(self, now: int, sources: tuple[str, ...] = (), until: int | None = None) -> "Generation":
        """The provider is done; its pictures are being brought home, from `sources` where they are URLs.

        They can be fetched `until` then, as far as is known.
        """
        self._require(Status.PROCESSING)
        return self._moved(
            Moment(Status.UPLOADING, now),
            sources=sources,
            sources_until=until,
            due_at=now + (UPLOAD_LEASE if self.committed or sources else drawn_lease(self.tries)),
            attempts=self._ended(None, now),
        )

    def succeeded(
        self, outputs: tuple[StoredFile, ...], thumbnail: str, now: int, notes: tuple[str, ...] = ()
    ) -> "Generation":
        """Finish it with its stored files, the first being the output."""
        self._require(Status.UPLOADING)
        return self._moved(
            Moment(Status.SUCCESS, now),
            outputs=outputs,
            notes=notes,
            thumbnail=thumbnail,
            finished_at=now,
            due_at=now + ANNOUNCE_AFTER,
        )

    def failed(self, error: str, now: int, *, refunded: bool = True) -> "Generation":
        """Finish it with an error that says what was wrong and what to do, and give its credits back or not."""
        if self.status.final:
            raise ConflictError(f"generation is already {self.status}")
        return self._moved(
            Moment(Status.ERROR, now),
            error=error,
            finished_at=now,
            due_at=now + ANNOUNCE_AFTER,
            attempts=self._ended(error, now),
            refunded=refunded,
        )

    def timed_out(self, error: str, now: int) -> "Generation":
        """Fail it for want of a result; where its client gave it up, that is why, and what may be paid for is paid."""
        if self.cancelled_at is None:
            return self.failed(error, now)
        return self.failed(CANCELLED, now, refunded=not self.committed)

    def cancelled(self, now: int) -> "Generation":
        """Note that its client gave it up while a provider works on it, which is to be asked to stop now."""
        self._require(Status.PROCESSING)
        return self._next(cancelled_at=now, due_at=now)

    def rescheduled(self, due_at: int) -> "Generation":
        """Look at it again at `due_at`."""
        return self._next(due_at=due_at)

    def announced(self) -> "Generation":
        """Nothing more is to be done."""
        return self._next(due_at=None)

    def _ended(self, reason: str | None, now: int) -> tuple[ProviderAttempt, ...]:
        if not self.attempts or self.attempts[-1].ended_at is not None:
            return self.attempts
        return (*self.attempts[:-1], self.attempts[-1]._replace(ended_at=now, reason=reason))

    def _require(self, *allowed: Status) -> None:
        if self.status not in allowed:
            raise ConflictError(f"generation is {self.status}, not {' or '.join(allowed)}")

    def _moved(self, moment: Moment, **changes: Any) -> "Generation":
        return self._next(status=moment.status, timeline=(*self.timeline, moment), **changes)

    def _next(self, **changes: Any) -> "Generation":
        return replace(self, version=self.version + 1, **changes)


def drawn_lease(tries: int) -> int:
    """Return how long a worker has to draw at this try, in milliseconds."""
    return int(DRAWN_LEASE * 2 ** max(tries - 1, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableGeneration:
    """A generation in a list whose record this release cannot read, as after a rollback: the parts that it can."""

    id: str
    user_id: str
    key_id: str
    test: bool
    model: str
    status: str
    cost: int

    @property
    def created_at(self) -> int:
        """When it was accepted, by its id."""
        return created_at(self.id)


ListedGeneration = Generation | UnreadableGeneration


def created_at(generation_id: str) -> int:
    """Return when a generation was accepted, by its id."""
    return int(generation_id[:12], 16)


def new_id(now: int) -> str:
    """Make an id that sorts by time and cannot be guessed: 12 hex digits of time, 20 of chance."""
    return f"{now:012x}{secrets.token_hex(10)}"


def new_generation(
    *,
    user_id: str,
    key_id: str,
    test: bool,
    model: str,
    tool: str,
    type: str,
    payload: Mapping[str, Any],
    webhook: str | None,
    webhook_events: tuple[Status, ...] = FINAL,
    webhook_format: str | None = None,
    correlation_id: str,
    now: int,
    cost: int = 0,
    charged: bool = True,
    deadline: int | None = None,
) -> Generation:
    """Make a new, pending generation with fresh unguessable tokens; `deadline` is its model's, in milliseconds."""
    return Generation(
        id=new_id(now),
        user_id=user_id,
        key_id=key_id,
        test=test,
        model=model,
        tool=tool,
        type=type,
        payload=payload,
        webhook=webhook,
        webhook_events=webhook_events,
        webhook_format=webhook_format,
        created_at=now,
        correlation_id=correlation_id,
        callback_token=secrets.token_urlsafe(24),
        file_token=secrets.token_urlsafe(18),
        cost=cost,
        uncharged=None if charged else True,
        claim_by=now + deadline if deadline else None,
        due_at=now + RESEND_AFTER,
    )
