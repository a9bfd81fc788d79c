"""Typed in-memory fakes of the ports, with the semantics of the real ones where a step can tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from atelier.accounts.api_keys import ApiKey
from atelier.catalog.model import Catalog, Model, Route, Tool
from atelier.errors import ConflictError, NotFoundError, UnavailableError
from atelier.generations.idempotency import CountedRequest, Idempotency
from atelier.generations.model import RESEND_AFTER, Generation, Status
from atelier.generations.ports import Due
from atelier.images.image import EncodedImage
from atelier.images.output import Output
from atelier.images.ports import Sanitise, UploadForm
from atelier.outbound.circuit_breaker import (
    FAILURES_TO_OPEN,
    PROBE_EVERY,
    CircuitBreaker,
    Health,
    Release,
    Slot,
    Upstream,
    choose,
    record_name,
    records_for,
)
from atelier.outbound.http_client import HttpResponse
from atelier.providers.provider import CallbackRequest, Job, JobRef, Outcome, ProviderImage
from atelier.webhooks.delivery import Announced, Attempt, Delivery
from atelier.webhooks.ports import InLine

NOW = 1_800_000_000_000
BASE_URL = "https://atelier.example/api"
PICTURE = EncodedImage(b"a picture", "image/png", 64, 48)
SMALL_PICTURE = EncodedImage(b"a small picture", "image/webp", 32, 24)
RAW = ProviderImage(b"a picture", "image/png")
"""PICTURE as a provider sends it."""
DEADLINE = 600_000


def a_generation(**changes: Any) -> Generation:
    """Make a pending generation of the model "paid"."""
    pending = Generation(
        id="0" * 31 + "1",
        user_id="user_1",
        key_id="key_1",
        test=False,
        model="paid",
        tool="text-to-image",
        type="image",
        payload={"prompt": "a café"},
        webhook="https://client.example/hook",
        created_at=NOW,
        correlation_id="correlation-1",
        callback_token="callback-token",
        file_token="file-token",
        due_at=NOW + RESEND_AFTER,
    )
    return replace(pending, **changes)


def a_catalog() -> Catalog:
    """Make a catalog: "free" is sketched, "paid" costs or is sketched, "paid-only" costs.

    "shared" has two providers, and "at-once" the second of them.
    """
    tool = Tool("text-to-image", "Text to image", "", "image", {"type": "object", "properties": {}})
    routes = {
        "free": (Route("sketch", "sketch"),),
        "paid": (Route("studio", "studio/xl"), Route("sketch", "sketch", fallback=True)),
        "paid-only": (Route("nobody", "none"), Route("studio", "studio/xl")),
        "shared": (Route("studio", "studio/xl"), Route("other", "other/xl")),
        "at-once": (Route("other", "other/xl"),),
    }
    return Catalog({slug: Model(slug, slug, "", tool, DEADLINE, 0, routes[slug]) for slug in routes})


def thumbnail(content: bytes) -> EncodedImage:
    """Stand in for Pillow."""
    return SMALL_PICTURE


def sanitise(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
    """Stand in for Pillow."""
    return replace(PICTURE, content=content)


def read_mask(content: bytes, *, size: tuple[int, int]) -> EncodedImage:
    """Stand in for Pillow."""
    return replace(PICTURE, content=content, width=size[0], height=size[1])


def convert(image: EncodedImage, output: Output) -> tuple[EncodedImage, tuple[str, ...]]:
    """Stand in for Pillow: only say what is wanted."""
    return replace(image, content_type=f"image/{output.format}", thumbnail=None), (f"as {output.format}",)


def sanitised(change: Callable[[bytes], bytes], content_type: str = "image/png") -> Sanitise:
    """Make a sanitise() that changes the bytes as it is told."""

    def clean(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
        return replace(PICTURE, content=change(content), content_type=content_type)

    return clean


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += int(seconds * 1_000)


class InMemoryUpstreams:
    """The states of upstreams' records by the records' names, as the BreakerTable knows it."""

    def __init__(self) -> None:
        self.breakers: dict[str, CircuitBreaker] = {}

    def acquire(self, upstream: Upstream, now: int) -> Slot:
        """Take a place."""
        slot = choose(upstream, now, lambda one: self.records(one.name, one.slots))
        for one in (slot, slot.shared):
            if one:
                self._take(one, now)
        return slot

    def records(self, name: str, slots: int) -> list[CircuitBreaker]:
        """Read the states of an upstream's records."""
        names = [record_name(name, number) for number in range(records_for(slots))]
        return [self.breakers.get(one, CircuitBreaker()) for one in names]

    def _take(self, slot: Slot, now: int) -> None:
        name = record_name(slot.upstream.name, slot.record)
        breaker = self.breakers.get(name, CircuitBreaker())
        self.breakers[name] = replace(
            breaker,
            probe_at=now + PROBE_EVERY if slot.probe else breaker.probe_at,
            taken={**breaker.taken, slot.number: slot.until},
        )

    def release(self, release: Release) -> None:
        """Leave a place."""
        for part in release.parts():
            self._release(part)

    def _release(self, release: Release) -> None:
        name, number = record_name(release.slot.upstream.name, release.slot.record), release.slot.number
        breaker = self.breakers[name]
        taken = {slot: until for slot, until in breaker.taken.items() if slot != number}
        failures, probe_at = breaker.failures, breaker.probe_at
        match release.health:
            case Health.HEALTHY:
                failures, probe_at = 0, 0
            case Health.FAILING:
                failures, probe_at = failures + 1, release.at + PROBE_EVERY
        if release.rest_until is not None:
            failures, probe_at = FAILURES_TO_OPEN, release.rest_until
        self.breakers[name] = CircuitBreaker(failures, probe_at, taken)

    def taken(self, now: int) -> int:
        """Count the places that are taken."""
        return sum(until >= now for breaker in self.breakers.values() for until in breaker.taken.values())


@dataclass
class Table:
    """The Generations table: its records, upstreams', and the stream as the notify function sees it.

    `finished` holds each transition from a status that is not final to one that is: the notifications written.
    `moved` holds each change of status, the first included.
    """

    generations: dict[str, Generation] = field(default_factory=dict)
    deliveries: dict[tuple[str, Status], Delivery] = field(default_factory=dict)
    attempts: dict[tuple[str, Status, int], Attempt] = field(default_factory=dict)
    finished: list[Generation] = field(default_factory=list)
    moved: list[Generation] = field(default_factory=list)
    upstreams: InMemoryUpstreams = field(default_factory=InMemoryUpstreams)
    postponed: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """When a record is named again that was due at a time, by its id, its name and that time."""
    lines: set[InLine] = field(default_factory=set)

    def write(self, generation: Generation) -> None:
        """Put a generation, and let the stream see it."""
        old = self.generations.get(generation.id)
        self.generations[generation.id] = generation
        if old and generation.status.final and not old.status.final:
            self.finished.append(generation)
        if not old or generation.status is not old.status:
            self.moved.append(generation)


class InMemoryGenerations:
    """The Generations and Schedule ports: conditional on the version, writes only what changed, as the store does."""

    def __init__(self, table: Table | None = None) -> None:
        self.table = table or Table()
        self.reads = 0

    def add(self, generation: Generation) -> None:
        if generation.id in self.table.generations:
            raise ConflictError("the id is taken")
        self.table.write(generation)

    def get(self, generation_id: str) -> Generation:
        self.reads += 1
        try:
            return self.table.generations[generation_id]
        except KeyError:
            raise NotFoundError("There is no such generation.") from None

    def status(self, generation_id: str) -> Status:
        return self.get(generation_id).status

    def finished(self, generation: Generation) -> bool:
        return self.status(generation.id).final

    def advance(self, before: Generation, after: Generation, release: Release | None = None) -> Generation:
        if release:
            self.release(release)
        current = self.table.generations.get(before.id)
        called_back = (before.status, before.job_id) == (Status.PROCESSING, None) and current and current.job_id
        given_back = after.status is Status.PENDING and called_back
        if current is None or given_back or not self.condition(current, before):
            raise ConflictError("the record was changed by another writer")
        names = [item.name for item in fields(Generation)]
        changes = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
        self.table.write(replace(current, **changes))
        return after

    def release(self, release: Release) -> None:
        self.table.upstreams.release(release)

    def recovered(self, upstream: str, slots: int, now: int) -> None:
        for number, breaker in enumerate(self.table.upstreams.records(upstream, slots)):
            if breaker.probe_at <= now + PROBE_EVERY:
                name = record_name(upstream, number)
                self.table.upstreams.breakers[name] = replace(breaker, failures=0, probe_at=0)

    def acquire(self, before: Generation, after: Generation, upstream: Upstream, now: int) -> Slot:
        slot = self.table.upstreams.acquire(upstream, now)
        try:
            self.advance(before, after)
        except ConflictError:
            self.table.upstreams.release(Release(slot, Health.UNKNOWN, now))
            raise
        return slot

    def record_job(self, generation_id: str, *, provider: str, job_id: str) -> Generation:
        current = self.get(generation_id)
        if current.job_id is None and current.provider == provider:
            self.table.write(replace(current, job_id=job_id))
        return self.table.generations[generation_id]

    def due(self, now: int, limit: int) -> Iterable[Due]:
        own = [(item.due_at, item.id, "generation") for item in self.table.generations.values()]
        own += [(item.due_at, name, f"delivery#{event}") for (name, event), item in self.table.deliveries.items()]
        found: dict[str, list[Due]] = {"generation": [], "delivery": []}
        for own_at, name, record in own:
            due_at = own_at and self.table.postponed.get((name, record, own_at), own_at)
            if due_at is not None and due_at < now:
                kind = record.partition("#")[0]
                found[kind].append(Due(name, kind, record, due_at))
        for items in found.values():
            items.sort(key=lambda due: (due.due_at, due.generation_id))
        spare = sum(max(limit // 2 - len(items), 0) for items in found.values())
        chosen = [due for items in found.values() for due in items[: limit // 2 + spare]]
        return sorted(chosen, key=lambda due: (due.due_at, due.generation_id))[:limit]

    def postpone(self, due: Due, until: int) -> None:
        items: dict[str, Any] = {"generation": self.table.generations.get(due.generation_id)}
        for (name, event), delivery in self.table.deliveries.items():
            if name == due.generation_id:
                items[f"delivery#{event}"] = delivery
        own_at = getattr(items.get(due.record), "due_at", None)
        if own_at is None or self.table.postponed.get((due.generation_id, due.record, own_at), own_at) != due.due_at:
            raise ConflictError("the record was moved by another writer")
        self.table.postponed[due.generation_id, due.record, own_at] = until

    def condition(self, current: Generation, before: Generation) -> bool:
        """Tell whether the record is still the one that the change started from."""
        return current.version == before.version


class InMemoryDeliveries:
    """The Deliveries port."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def find(self, generation_id: str) -> tuple[Generation, Mapping[Status, Delivery]]:
        if generation_id not in self.table.generations:
            raise NotFoundError("There is no such generation.")
        found = {status: self.table.deliveries.get((generation_id, status)) for status in Status}
        return self.table.generations[generation_id], {status: item for status, item in found.items() if item}

    def announced(self, generation: Generation, deliveries: Sequence[Delivery]) -> None:
        InMemoryGenerations(self.table).advance(generation, generation.announced())
        for item in deliveries:
            self.table.deliveries.setdefault((item.generation_id, item.event), item)

    def advance(
        self, before: Delivery | None, after: Delivery, attempt: Attempt | None = None, release: Release | None = None
    ) -> Delivery:
        if release:
            self.table.upstreams.release(release)
        key = (after.generation_id, after.event)
        current = self.table.deliveries.get(key)
        gone = after.generation_id not in self.table.generations
        if (current and current.version) != (before and before.version) or (before is None and gone):
            raise ConflictError("the record was changed by another writer")
        if attempt:
            assert (*key, attempt.number) not in self.table.attempts
            self.table.attempts[*key, attempt.number] = attempt
        self.table.deliveries[key] = after
        return after

    def stand_in_line(self, before: Delivery | None, after: Delivery, upstream: str) -> Delivery:
        self.advance(before, after)
        self.table.lines.add(InLine(upstream, after.line_since or 0, after.generation_id, after.event))
        return after

    def line(self, upstream: str, limit: int) -> list[InLine]:
        return sorted(place for place in self.table.lines if place.upstream == upstream)[:limit]

    def leave_line(self, place: InLine, before: Delivery | None, after: Delivery | None) -> None:
        if before and after:
            self.advance(before, after)
        self.table.lines.discard(place)

    def acquire(self, before: Delivery | None, after: Delivery, upstream: Upstream, now: int) -> Slot:
        slot = self.table.upstreams.acquire(upstream, now)
        try:
            self.advance(before, after)
        except ConflictError:
            self.table.upstreams.release(Release(slot, Health.UNKNOWN, now))
            raise
        return slot


class InMemoryAcceptances:
    """The Acceptances port over a fake of Generations, without limits and charges."""

    def __init__(self, generations: "InMemoryGenerations") -> None:
        self._generations = generations
        self._earlier: dict[str, str] = {}
        self._counted: list[tuple[str, str, str, set[int]]] = []

    def write(
        self,
        generation: Generation,
        key: ApiKey,
        idempotency: Idempotency | None,
        now: int,
        counted: CountedRequest | None = None,
    ) -> Generation:
        """Write it, unless the idempotency key is known."""
        if idempotency and idempotency.key in self._earlier:
            return self._generations.get(self._earlier[idempotency.key])
        self._generations.add(generation)
        if idempotency:
            self._earlier[idempotency.key] = generation.id
        if counted:
            self._counted.append((key.id, counted.request_digest, generation.id, set()))
        return generation

    def find_earlier(self, key: ApiKey, idempotency: Idempotency, now: int) -> Generation | None:
        """Return the idempotency key's generation."""
        found = self._earlier.get(idempotency.key)
        return self._generations.get(found) if found else None

    def claim(self, key: ApiKey, counted: CountedRequest, now: int) -> Generation | None:
        """Return the latest generation of such a request that no other of this number has got."""
        for key_id, digest, generation_id, claimed in reversed(self._counted):
            if (key_id, digest) == (key.id, counted.request_digest) and counted.number not in claimed:
                claimed.add(counted.number)
                return self._generations.get(generation_id)
        return None


class InMemoryApiKeys:
    """The ApiKeys port; counts its reads."""

    def __init__(self, *keys: ApiKey) -> None:
        self.keys = {key.id: key for key in keys}
        self.reads = 0

    def get(self, key_id: str) -> ApiKey | None:
        self.reads += 1
        return self.keys.get(key_id)


@dataclass
class Message:
    """A message: its id, when it may be seen, how often it was, and what its sender knew."""

    generation_id: str
    visible_at: int
    receives: int = 0
    known: Any = None

    def believed(self) -> Any:
        """Return what its sender knew, where this is its first receive."""
        return self.known if self.receives <= 1 else None


class InMemoryQueue:
    """The Queue port; remembers what was sent, and delivers each message `copies` times."""

    def __init__(self, clock: Callable[[], int] | None = None, *, copies: int = 1, broken: bool = False) -> None:
        self.sent: list[tuple[str, int]] = []
        self.messages: list[Message] = []
        self._clock = clock or Clock()
        self._copies = copies
        self._broken = broken

    def send(self, generation_id: str, *, delay: int = 0, known: Any = None) -> None:
        if self._broken:
            raise UnavailableError("The queue is out of reach; try again.")
        self.sent.append((generation_id, delay))
        visible_at = self._clock() + delay * 1_000
        self.messages += [Message(generation_id, visible_at, known=known) for _ in range(self._copies)]

    def receive(self) -> Message | None:
        """Take out the first message whose time has come."""
        for message in self.messages:
            if message.visible_at <= self._clock():
                self.messages.remove(message)
                message.receives += 1
                return message
        return None

    def put_back(self, message: Message, *, after: int) -> None:
        """Let a message that was not acknowledged be seen again after so many milliseconds."""
        self.messages.append(replace(message, visible_at=self._clock() + after))


class InMemoryTopic:
    """The Topic port; hands finished generations with a webhook on to `subscriber`, as the subscription does."""

    def __init__(self, subscriber: InMemoryQueue | None = None, *, broken: bool = False) -> None:
        self.published: list[tuple[Mapping[str, Any], Mapping[str, str]]] = []
        self._subscriber = subscriber
        self._broken = broken

    def publish(
        self, document: Mapping[str, Any], attributes: Mapping[str, str], announced: Announced | None = None
    ) -> None:
        if self._broken:
            raise UnavailableError("The topic is out of reach; try again.")
        self.published.append((document, attributes))
        if self._subscriber and attributes["webhook"] == "true":
            self._subscriber.send(document["id"], known=announced)


class InMemoryFiles:
    """The Files and UploadFiles ports."""

    def __init__(self) -> None:
        self.objects: dict[str, ProviderImage] = {}

    def put(self, key: str, content: bytes, content_type: str) -> None:
        self.objects[key] = ProviderImage(content, content_type)

    def get(self, key: str) -> bytes:
        try:
            return self.objects[key].content
        except KeyError:
            raise NotFoundError("There is no such file.") from None

    def form(self, key: str, content_type: str, size: int, *, seconds: int) -> UploadForm:
        fields = {"key": key, "Content-Type": content_type, "size": str(size), "seconds": str(seconds)}
        return UploadForm("https://bucket.example/", fields)


class UnreachableFiles(InMemoryFiles):
    """A bucket that answers nothing until a time; each try takes as long as the client waits."""

    def __init__(self, clock: Clock, *, until: int, hang: int) -> None:
        super().__init__()
        self._clock = clock
        self._until = until
        self._hang = hang

    def put(self, key: str, content: bytes, content_type: str) -> None:
        if self._clock() < self._until:
            self._clock.now += self._hang
            raise UnavailableError("The bucket is out of reach; try again.")
        super().put(key, content, content_type)


class InMemoryProviderKeys:
    """The ProviderKeys port: remembers `keys` until it is refreshed, then knows `stored`."""

    def __init__(self, keys: Mapping[str, str] | None = None, *, stored: Mapping[str, str] | None = None) -> None:
        self._keys = keys or {}
        self._stored = self._keys if stored is None else stored
        self.refreshes = 0

    def get(self, provider: str) -> str | None:
        return self._keys.get(provider)

    def refresh(self) -> None:
        self.refreshes += 1
        self._keys = self._stored


Scripted = Outcome | Exception | Callable[[Job], Outcome]
ScriptedFetch = Outcome | Exception | Callable[[JobRef], Outcome]


J = TypeVar("J")


class ScriptedProvider:
    """The Provider port: answers from a script, the last line over and over; remembers what it was asked."""

    def __init__(
        self,
        name: str = "studio",
        *,
        submit: Sequence[Scripted] = (),
        fetch: Sequence[ScriptedFetch] = (),
        cancel: Exception | None = None,
        check: Exception | None = None,
        needs_key: bool = True,
        charges: bool = True,
        asynchronous: bool = True,
        cancels: bool = True,
    ) -> None:
        self.name = name
        self.needs_key = self.takes_key = needs_key
        self.needs_address = self.needs_listing = False
        self.charges = charges
        self.asynchronous = asynchronous
        self.cancels = cancels
        self.polled = False
        self.inputs = frozenset[str]()
        self.submitted: list[Job] = []
        self.fetched: list[JobRef] = []
        self.cancelled: list[JobRef] = []
        self.checks = 0
        self._cancel = cancel
        self._check = check
        self._submit = list(submit)
        self._fetch = list(fetch)

    def submit(self, job: Job) -> Outcome:
        self.submitted.append(job)
        return _play(self._submit, job)

    def fetch(self, job: JobRef) -> Outcome:
        self.fetched.append(job)
        return _play(self._fetch, job)

    def cancel(self, job: JobRef) -> None:
        self.cancelled.append(job)
        if self._cancel:
            raise self._cancel

    def check(self, key: str | None) -> None:
        self.checks += 1
        if self._check:
            raise self._check

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        return request.body.decode() or None


def _play(script: list[Outcome | Exception | Callable[[J], Outcome]], job: J) -> Outcome:
    line = script.pop(0) if len(script) > 1 else script[0]
    if isinstance(line, Exception):
        raise line
    return line(job) if callable(line) else line


@dataclass(frozen=True)
class Request:
    """What a ScriptedHttp was asked to send."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    timeout: float
    max_bytes: int


class ScriptedHttp:
    """The HttpClient port: answers from a script, the last line over and over; remembers the requests.

    Of a post, `max_bytes` is what was to be kept.
    """

    def __init__(self, *script: HttpResponse | Exception) -> None:
        self.requests: list[Request] = []
        self._script = list(script)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        timeout: float,
        max_bytes: int,
    ) -> HttpResponse:
        return self._answer(Request(method, url, headers, content, timeout, max_bytes))

    def post(
        self, url: str, *, headers: Mapping[str, str], content: bytes, timeout: float, keep_bytes: int
    ) -> HttpResponse:
        found = self._answer(Request("POST", url, headers, content, timeout, keep_bytes))
        return replace(found, body=found.body[:keep_bytes])

    def _answer(self, request: Request) -> HttpResponse:
        self.requests.append(request)
        line = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(line, Exception):
            raise line
        return line


def answer(status: int = 200, body: bytes = b"", **headers: str) -> HttpResponse:
    """Make an HTTP answer; a header's underscore stands for a hyphen."""
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
