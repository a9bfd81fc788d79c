"""Deliver: POST what became of a generation to its client's webhook, signed, until it is taken or given up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import urlsplit

from atelier import standard_webhooks
from atelier.clock import SECOND
from atelier.errors import ConflictError, FetchError, FetchRefusedError, NotFoundError, UpstreamUnavailableError
from atelier.generations.model import Generation, Status
from atelier.generations.ports import MAX_QUEUE_DELAY, Queue
from atelier.outbound.circuit_breaker import PROBE_EVERY, Health, Release, Upstream
from atelier.outbound.http_client import HttpClient, HttpResponse
from atelier.outbound.retry_after import retry_after
from atelier.webhooks.delivery import ATTEMPT_LEASE, Attempt, Delivery
from atelier.webhooks.events import deliveries_for
from atelier.webhooks.ports import Deliveries, InLine

TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 16 * 1024
WOKEN_BY_SUCCESS = 2
"""How many of those that wait for a host each success wakes: twice as many each time, up to the host's slots."""
PLACES_READ, MAX_READS_OF_A_LINE = 10, 5
CALLS_PER_HOST = 20
"""How many calls a host gets at once unless the operator says otherwise."""
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"}
"""Characters that could control the terminal on which an answer is shown."""


class Handled(NamedTuple):
    """A delivery as a run left it, and the attempt that ended, if one did."""

    delivery: Delivery
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Makes one attempt; the table holds the next one's time, and the queue delays short waits as well."""

    deliveries: Deliveries
    queue: Callable[[], Queue]
    """Made only when something is left to do, which most runs don't leave."""
    egress: HttpClient
    secrets: Callable[[str, int], tuple[str, ...]]
    """The secrets that a user's webhooks are signed with at a time."""
    base_url: str
    source: str
    """The value of X-Webhook-Source."""
    clock: Callable[[], int]
    calls_per_host: int = CALLS_PER_HOST
    """How many calls a host gets at once, from all users together.

    Half of them may be one user's, so that nobody's slow receiver takes the whole of a host that many share.
    """

    def __call__(self, generation: Generation, deliveries: Mapping[Status, Delivery]) -> Handled | None:
        """Attempt the delivery that is due longest, if there is one; ConflictError where another worker has it.

        The id is sent again where more are due, or where the other worker may not have seen all that are.
        """
        now = self.clock()
        due = [item for item in deliveries_for(generation, deliveries, self.base_url) if item.is_due(now)]
        if not due:
            return None
        if len(due) > 1:
            self.queue().send(generation.id, delay=1)
        try:
            longest = min(due, key=lambda item: item.due_at or 0)
            return self._handle(deliveries.get(longest.event), longest, now)
        except ConflictError:
            if len(due) == 1:
                self.queue().send(generation.id, delay=1)
            raise

    def begin(self, announced: Delivery) -> Handled:
        """Make the first attempt of a delivery as it was announced; ConflictError where the table knows another."""
        return self._handle(announced, announced, self.clock())

    def _handle(self, before: Delivery | None, delivery: Delivery, now: int) -> Handled:
        if delivery.started_at is not None:
            lost = _interrupted(delivery, delivery.started_at)
            return self._ride(Handled(self.deliveries.advance(before, delivery.finished(lost, now), lost), lost), now)
        started, headers = delivery.started(now), self._headers(delivery, now)
        upstream = self._upstream(delivery)
        try:
            slot = self.deliveries.acquire(before, started, upstream, now)
        except UpstreamUnavailableError as exc:
            later = delivery.rescheduled(exc.retry_at, now, down=exc.down)
            if later.due_at is None and delivery.line_since is not None:
                self.deliveries.leave_line(_place(delivery, upstream.name, delivery.line_since), before, later)
                return Handled(later)
            if not exc.down or later.due_at is None:
                return self._ride(Handled(self.deliveries.advance(before, later)), now)
            return Handled(self.deliveries.stand_in_line(before, later, upstream.name))
        answer = self._post(started, headers)
        now = self.clock()
        attempt = _attempt(started, answer, now)
        finished, health = started.finished(attempt, now, _rest(answer, now)), _health(answer)
        self.deliveries.advance(started, finished, attempt, Release(slot, health, now))
        if health is Health.FAILING and slot.probe:
            self._wake(upstream.name, 1, now + PROBE_EVERY + SECOND)
        elif health is Health.HEALTHY and (slot.probe or delivery.in_line):
            self._wake(upstream.name, WOKEN_BY_SUCCESS, now)
        return self._ride(Handled(finished, attempt), now)

    def _wake(self, upstream: str, count: int, at: int) -> None:
        """Let those that have waited longest for a host make their attempts at a time: the line moves on by itself.

        Where a run dies before, they look by themselves, later.
        """
        for _ in range(MAX_READS_OF_A_LINE):
            places = self.deliveries.line(upstream, PLACES_READ)
            for place in places:
                if count == 0:
                    return
                count -= self._wake_one(place, at)
            if len(places) < PLACES_READ:
                return

    def _wake_one(self, place: InLine, at: int) -> bool:
        """Let a delivery make its attempt if it still stands in line, and tell whether it does; its place goes."""
        try:
            before = self.deliveries.find(place.generation_id)[1].get(Status(place.event))
            if before is not None:
                woken = before.woken(at)
                self.deliveries.leave_line(place, before, woken)
                self._ride(Handled(woken), self.clock())
                return True
        except (ConflictError, NotFoundError, ValueError):
            pass
        self.deliveries.leave_line(place, None, None)
        return False

    def _ride(self, handled: Handled, now: int) -> Handled:
        """Let a short wait ride on the queue."""
        delivery = handled.delivery
        if delivery.due_at is not None and delivery.due_at - now <= MAX_QUEUE_DELAY:
            self.queue().send(delivery.generation_id, delay=-(-(delivery.due_at - now) // SECOND))
        return handled

    def _headers(self, delivery: Delivery, now: int) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json",
            "X-Webhook-Source": self.source,
            "X-Media-Id": delivery.generation_id,
            **standard_webhooks.sign(
                self.secrets(delivery.user_id, now),
                message_id=delivery.message_id,
                timestamp=now // SECOND,
                body=delivery.body.encode(),
            ),
        }

    def _upstream(self, delivery: Delivery) -> Upstream:
        """Name the user's share of the receiver's host; the breaker is the share's: a host may have many tenants."""
        parts = urlsplit(delivery.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = Upstream(f"host:{parts.hostname}:{port}", self.calls_per_host, ATTEMPT_LEASE)
        return Upstream(f"{host.name}#{delivery.user_id}", self.calls_per_host // 2, ATTEMPT_LEASE, shared=host)

    def _post(self, delivery: Delivery, headers: Mapping[str, str]) -> HttpResponse | FetchError:
        try:
            return self.egress.post(
                delivery.url,
                headers=headers,
                content=delivery.body.encode(),
                timeout=TIMEOUT_SECONDS,
                keep_bytes=MAX_ANSWER_BYTES,
            )
        except FetchError as exc:
            return exc


def _place(delivery: Delivery, upstream: str, since: int) -> InLine:
    return InLine(upstream, since, delivery.generation_id, delivery.event)


def _attempt(delivery: Delivery, answer: HttpResponse | FetchError, now: int) -> Attempt:
    at = delivery.started_at or now
    attempt = Attempt(number=delivery.attempts + 1, at=at, duration=now - at)
    if isinstance(answer, FetchError):
        return replace(attempt, reason=str(answer))
    text = answer.body[:MAX_ANSWER_BYTES].decode(errors="replace").translate(_CONTROLS)
    return replace(attempt, status_code=answer.status, answer=text, reason=_why(answer.status))


def _interrupted(delivery: Delivery, started_at: int) -> Attempt:
    reason = "The attempt was interrupted; what the receiver answered is not known."
    return Attempt(number=delivery.attempts + 1, at=started_at, duration=ATTEMPT_LEASE, reason=reason)


def _why(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    hint = " Redirects are not followed; give the URL that they lead to." if 300 <= status < 400 else ""
    return f"The receiver answered {status}.{hint}"


def _health(answer: HttpResponse | FetchError) -> Health:
    match answer:
        case FetchRefusedError():
            return Health.UNKNOWN  # it was not asked
        case HttpResponse(status=status) if status < 500:
            return Health.HEALTHY
        case _:
            return Health.FAILING


def _rest(answer: HttpResponse | FetchError, now: int) -> int:
    return 0 if isinstance(answer, FetchError) else retry_after(answer.headers, now) or 0
