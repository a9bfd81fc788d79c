"""The real use cases on the real stores, over a simulated DynamoDB and a provider that charges.

A check or a benchmark runs workers in this world, ends or interleaves them as it likes, lets `settle` work off what is
left, and then asks `complaints` what was promised and not kept.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from atelier.accounts.api_keys import ApiKey
from atelier.accounts.users import User
from atelier.adapters.dynamodb.acceptance_store import AcceptanceStore
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.generation_eraser import TableEraser
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.chance import chance
from atelier.clock import MINUTE
from atelier.errors import AtelierError, ConflictError, OutcomeUnknownError, ProviderBusyError
from atelier.generations.cancel import Cancel
from atelier.generations.complete import Complete
from atelier.generations.dispatch import Dispatch, Workshop
from atelier.generations.idempotency import CountedRequest, Idempotency
from atelier.generations.ingest import Ingest
from atelier.generations.input_images import PrepareInputs, StoredInputs
from atelier.generations.model import CLAIM_LEASE, GRACE, Generation, Status
from atelier.generations.ports import take
from atelier.generations.provider_callback import ProviderCallback
from atelier.generations.reconcile import Reconcile
from atelier.images.download import Download
from atelier.providers.provider import (
    CallbackRequest,
    Failed,
    Images,
    ImageUrls,
    Job,
    JobRef,
    Outcome,
    ProviderImage,
    Rendered,
    Submitted,
)
from atelier.webhooks.announce import Announce
from atelier.webhooks.deliver import Deliver
from atelier.webhooks.delivery import Announced
from tests.integration.stack import template
from tests.simulation.dynamodb import Fate, Item, Killed, SimulatedDynamoDB
from tests.simulation.interleavings import current_worker
from tests.unit.fakes import (
    BASE_URL,
    DEADLINE,
    NOW,
    PICTURE,
    Clock,
    InMemoryFiles,
    InMemoryProviderKeys,
    InMemoryQueue,
    InMemoryTopic,
    ScriptedHttp,
    ScriptedProvider,
    a_catalog,
    a_generation,
    answer,
    convert,
    read_mask,
    sanitise,
    thumbnail,
)

ACCOUNTS, GENERATIONS = "accounts", "generations"
USER = "user_1"
URLS = ("https://cdn.example/1.png",)
MAX_ROUNDS = 20
MAX_RECEIVES = 5
DICE = random.Random()
"""What `repeatable` takes chance from; each new world seeds it."""

Pause = Callable[[str], Fate]


@contextmanager
def repeatable() -> Iterator[None]:
    """Let a schedule lead to the same state again: chance comes from DICE instead of the operating system."""
    vars(chance).update(random=DICE.random, getrandbits=DICE.getrandbits)
    try:
        yield
    finally:
        for name in ("random", "getrandbits"):
            del vars(chance)[name]


@cache
def indexes() -> Mapping[str, tuple[str, str]]:
    """Read the tables' indexes from the template."""
    found = {}
    for resource in template()["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            for index in resource["Properties"].get("GlobalSecondaryIndexes", []):
                partition, sort = (part["AttributeName"] for part in index["KeySchema"])
                found[index["IndexName"]] = (partition, sort)
    return found


class ChargingProvider:
    """A provider that charges for every job that it takes, whatever becomes of its answer.

    `paid` counts its jobs by generation; `most` is how many calls it had at once, `calls` how many in all. `answers`
    says how the next paid calls of a generation are answered: "taken", "lost" (it takes the job and says nothing),
    "busy", or "wrongly busy" (it takes the job, and calls back for it).
    """

    def __init__(self, name: str, pause: Pause, *, asynchronous: bool) -> None:
        self.name = name
        self.asynchronous = self.cancels = asynchronous
        self.needs_key = self.takes_key = self.charges = True
        self.needs_address = self.needs_listing = False
        self.inputs = frozenset[str]()
        self.paid: Counter[str] = Counter()
        self.jobs: dict[str, str] = {}
        self.answers: dict[str, list[str]] = {}
        self.running = self.most = self.calls = 0
        self._pause = pause

    def submit(self, job: Job) -> Outcome:
        """Take a job."""
        generation_id = job.callback_url.split("/")[-2]
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return self._take(generation_id)
        finally:
            self.running -= 1

    def _take(self, generation_id: str) -> Outcome:
        fate = self._pause("pay")
        if fate is Fate.KILLED_BEFORE:
            raise Killed
        planned = self.answers.get(generation_id) or ["taken"]
        wanted = planned.pop(0) if len(planned) > 1 else planned[0]
        if wanted == "busy":
            raise ProviderBusyError("busy")
        if wanted == "wrongly busy":
            self.jobs[f"{self.name}-{generation_id}-0"] = generation_id
            self._pause("answer")
            raise ProviderBusyError("busy")
        self.paid[generation_id] += 1
        job_id = f"{self.name}-{generation_id}-{self.paid[generation_id]}"
        self.jobs[job_id] = generation_id
        if fate is Fate.KILLED_AFTER:
            raise Killed
        if fate is Fate.UNKNOWN or wanted == "lost":
            raise OutcomeUnknownError(f"The answer of the provider {self.name} was lost.")
        self._pause("answer")
        return Submitted(job_id) if self.asynchronous else Images((ProviderImage(PICTURE.content, "image/png"),))

    def fetch(self, job: JobRef) -> Outcome:
        """Return the picture of a job."""
        if self._pause("read") is Fate.KILLED_BEFORE:
            raise Killed
        if job.id not in self.jobs:
            return Failed("there is no such job")
        return ImageUrls(URLS)

    def cancel(self, job: JobRef) -> None:
        """Stop nothing: it is too late."""

    def check(self, key: str | None) -> None:
        """Find nothing wrong."""

    def read_callback(self, request: CallbackRequest, key: Callable[[], str | None]) -> str | None:
        """Return the job that a callback names."""
        return request.body.decode()


class GuardedQueue(InMemoryQueue):
    """A queue whose sender may be killed before it sends."""

    def __init__(self, clock: Clock, pause: Pause) -> None:
        super().__init__(clock)
        self._pause = pause

    def send(self, generation_id: str, *, delay: int = 0, known: Any = None) -> None:
        """Send an id."""
        if self._pause("send") is Fate.KILLED_BEFORE:
            raise Killed
        super().send(generation_id, delay=delay, known=known)


@dataclass
class Seen:
    """What the table's stream showed: transitions by generation, and what no transition may do."""

    finished: Counter[str] = field(default_factory=Counter)
    stream: list[str] = field(default_factory=list)
    writes: list[tuple[object, str, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class World:
    """All use cases on one pair of tables. `pause` is called before each call to the world outside."""

    def __init__(
        self,
        pause: Pause = lambda _: Fate.DONE,
        *,
        slots: int = 4,
        without: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        tokens: bool = True,
        shows: bool = True,
    ) -> None:
        DICE.seed(0)
        self.clock = Clock()
        self.seen = Seen()
        self.dynamodb = SimulatedDynamoDB(indexes(), pause, self._changed, without, tokens, shows)
        client: Any = self.dynamodb
        self.accounts = AccountStore(RecordTable(client, ACCOUNTS))
        table = RecordTable(client, GENERATIONS)
        self.generations = CheckedStore(table, self)
        self.deliveries = DeliveryStore(table)
        self.acceptances = AcceptanceStore(RecordTable(client, ACCOUNTS), self.accounts, self.generations)
        self.queues = {name: GuardedQueue(self.clock, pause) for name in ("dispatch", "ingest", "delivery")}
        self.topic = InMemoryTopic(self.queues["delivery"])
        self.files = InMemoryFiles()
        self.receiver = ScriptedHttp(answer(200))
        self.studio = ChargingProvider("studio", pause, asynchronous=True)
        self.other = ChargingProvider("other", pause, asynchronous=False)
        self.sketch = ScriptedProvider("sketch", submit=[Rendered((PICTURE,))], needs_key=False, charges=False)
        self.accepted: dict[str, int] = {}
        self.claimed: list[str] = []
        self.erased: set[str] = set()
        self.deleted: set[str] = set()
        self._eraser = TableEraser(client, GENERATIONS)
        self._failures: Counter[tuple[str, str]] = Counter()
        self._wire(slots)

    def _wire(self, slots: int) -> None:
        providers: Any = {one.name: one for one in (self.studio, self.other, self.sketch)}
        keys = InMemoryProviderKeys({"studio": "the key", "other": "the other key"})
        generations, files, clock = self.generations, self.files, self.clock
        catalog = replace(a_catalog(), concurrency={"studio": slots, "other": slots})
        download = Download(ScriptedHttp(answer(200, PICTURE.content)))
        complete = Complete(
            generations=generations, files=files, sanitise=sanitise, convert=convert, thumbnail=thumbnail, clock=clock
        )
        prepare = PrepareInputs(
            generations=generations, files=files, download=download, sanitise=sanitise, read_mask=read_mask,
            base_url=BASE_URL, clock=clock,
        )  # fmt: skip
        self._dispatch = Dispatch(
            generations=generations, queue=self.queues["dispatch"], elsewhere=self.queues["ingest"],
            ingest_queue=self.queues["ingest"], providers=providers, keys=keys, ready=lambda _: True,
            gateways=lambda gateway: providers[gateway.name],
            catalog=lambda: catalog, inputs=StoredInputs(files=files, base_url=BASE_URL), files=files,
            callback_base_url=BASE_URL, clock=clock, sleep=lambda _: None,
        )  # fmt: skip
        workshop = replace(
            self._dispatch, queue=self.queues["ingest"], elsewhere=self.queues["dispatch"],
            workshop=Workshop(prepare=prepare, complete=complete),
        )  # fmt: skip
        self._ingest = Ingest(
            generations=generations, files=files, workshop=workshop,
            inputs=StoredInputs(files=files, base_url=BASE_URL), providers=providers, keys=keys,
            catalog=lambda: catalog, download=download, queue=self.queues["ingest"], finish=complete, clock=clock,
        )  # fmt: skip
        self._callback = ProviderCallback(
            generations=generations, queue=self.queues["ingest"], providers=providers, keys=lambda: keys
        )
        self._cancel = Cancel(generations=generations, ingest_queue=self.queues["ingest"], kinds=providers, clock=clock)
        self._announce = Announce(deliveries=self.deliveries, topic=self.topic, base_url=BASE_URL)
        self._reconcile = Reconcile(
            generations=generations, schedule=generations, dispatch_queue=self.queues["dispatch"],
            ingest_queue=self.queues["ingest"], delivery_queue=self.queues["delivery"], announce=self._announce,
            clock=clock,
        )  # fmt: skip
        self._deliver = Deliver(
            deliveries=self.deliveries, queue=lambda: self.queues["delivery"], egress=self.receiver,
            secrets=lambda *_: ("whsec_c2lnbmluZyBrZXk=",), source="artificial-studio", base_url=BASE_URL, clock=clock,
        )  # fmt: skip

    # ---- Before the workers run

    def open_account(self, credits: int) -> None:
        """Make the user, with so many credits."""
        self.accounts.add_user(User(id=USER, email="a@example.com", name="a", created_at=NOW, credits=credits))

    def key(self, requests_per_minute: int | None = None, budget: int | None = None) -> ApiKey:
        """Make a key of the user's."""
        return ApiKey(
            id="key_1", name="key", user_id=USER, user_email="a@example.com", digest="", test=False, created_at=NOW,
            requests_per_minute=requests_per_minute, last_used_at=NOW, budget_day=budget,
        )  # fmt: skip

    def add(self, number: int = 1, **changes: Any) -> Generation:
        """Write a generation as it is, charged for where it costs; returns it."""
        generation = a_generation(id=f"{number:032x}", callback_token=f"token-{number}", **{"webhook": None, **changes})
        if generation.cost:
            self.acceptances.write(generation, self.key(), None, NOW)
        else:
            self.generations.add(generation)
        self.accepted[generation.id] = generation.cost
        return generation

    def client(self, call: Callable[[], None]) -> None:
        """Make a call whose worker may be killed, which its caller sees as a lost connection."""
        with suppress(Killed):
            call()

    # ---- Workers: each does one thing once, and may be killed or come too late

    def accept(
        self, number: int, *, cost: int = 0, idempotency: str | None = None, limit: int | None = None,
        budget: int | None = None, counted: CountedRequest | None = None,
    ) -> None:  # fmt: skip
        """Let a client ask for a picture; remembers what it was promised."""
        wanted = a_generation(id=f"{number:032x}", callback_token=f"token-{number}", cost=cost, webhook=None)
        once = Idempotency(idempotency, "digest") if idempotency else None
        with suppress(AtelierError):
            accepted = self.acceptances.write(wanted, self.key(limit, budget), once, self.clock(), counted)
            self.accepted[accepted.id] = cost
            self.queues["dispatch"].send(accepted.id, known=accepted)

    def claim(self, counted: CountedRequest) -> None:
        """Let a client's SDK send a request again; remembers which generation it was given."""
        with suppress(AtelierError):
            if earlier := self.acceptances.claim(self.key(), counted, self.clock()):
                self.claimed.append(earlier.id)

    def erase(self, generation_id: str) -> None:
        """Let the client delete a finished generation; remembers which were deleted to the end."""
        with suppress(AtelierError):
            self._eraser.erase(generation_id)
            self.erased.add(generation_id)

    def dispatch(self, generation_id: str, known: Generation | None = None) -> None:
        """Take a message of the dispatch queue; what fails comes again."""
        read = partial(self.generations.get, generation_id)
        self._retried("dispatch", generation_id, lambda: take(known, read, self._dispatch))

    def ingest(self, generation_id: str, known: Generation | None = None) -> None:
        """Take a message of the ingest queue; what fails comes again."""
        read = partial(self.generations.get, generation_id)
        self._retried("ingest", generation_id, lambda: take(known, read, self._ingest))

    def deliver(self, generation_id: str, known: Announced | None = None) -> None:
        """Take a message of the delivery queue; what fails comes again."""

        def attempt() -> object:
            if known:
                with suppress(ConflictError):
                    return self._deliver.begin(known.delivery)
            return self._deliver(*self.deliveries.find(generation_id))

        self._retried("delivery", generation_id, attempt)

    def call_back(self, generation_id: str, *, job_id: str | None = None, token: str | None = None) -> None:
        """Let the provider call back for a generation's job, where it has taken one, or somebody forge that."""
        jobs = [job for job, of in self.studio.jobs.items() if of == generation_id]
        if named := job_id or (jobs[0] if jobs else None):
            number = int(generation_id, 16)
            request = CallbackRequest(headers={}, body=named.encode(), received_at=1)
            with suppress(AtelierError):
                self._callback("studio", generation_id, token or f"token-{number}", request)

    def cancel(self, generation_id: str) -> None:
        """Let the client give a generation up."""
        with suppress(AtelierError):
            self._cancel(generation_id)

    def announce(self, generation_id: str) -> None:
        """Announce a finished generation, as the stream's function does."""
        with suppress(AtelierError):
            generation = self.generations.get(generation_id)
            if generation.status.final:
                self._announce(generation)

    def reconcile(self, later: int = 0) -> None:
        """Let the time pass, and look after what is overdue then."""
        self.clock.now += later
        with suppress(AtelierError):
            for _ in self._reconcile():
                pass

    def _retried(self, queue: str, generation_id: str, do: Callable[[], object]) -> None:
        try:
            do()
        except ConflictError:
            pass
        except (AtelierError, Killed) as exc:
            self._failures[queue, generation_id] += 1
            if self._failures[queue, generation_id] < MAX_RECEIVES:
                InMemoryQueue.send(self.queues[queue], generation_id)
            if isinstance(exc, Killed):
                raise

    # ---- Afterwards

    def settle(self, *, callbacks: bool = True) -> None:
        """Let everything come to rest: messages come, providers call back, and the time passes to every deadline."""
        for number in range(MAX_ROUNDS):
            self.drain()
            if callbacks:
                for generation_id in set(self.studio.jobs.values()):
                    self.call_back(generation_id)
                self.drain()
            if not self._overdue():
                break
            self.clock.now += CLAIM_LEASE + MINUTE if number < 2 else DEADLINE + GRACE + MINUTE
            self.reconcile()
        self.clock.now += CLAIM_LEASE + MINUTE
        self.drain()

    def drain(self) -> None:
        """Work off all messages; what a worker that is killed had in hand comes again."""
        steps: dict[str, Callable[[str, Any], None]] = {
            "dispatch": self.dispatch,
            "ingest": self.ingest,
            "delivery": self.deliver,
        }
        for _ in range(1_000_000):
            busy = False
            while self.seen.stream:
                with suppress(Killed):
                    self.announce(self.seen.stream.pop())
                busy = True
            for name, step in steps.items():
                if (message := self.queues[name].receive()) is not None:
                    busy = True
                    with suppress(Killed):
                        step(message.generation_id, message.believed())
            if not busy:
                return
        raise AssertionError("there is no end of work")

    def _overdue(self) -> bool:
        return any("due_at" in row for kind in ("generation", "delivery") for row in self.rows(kind))

    def rows(self, record: str) -> list[dict[str, Any]]:
        """List the records of a kind in the generations' table."""
        return self.dynamodb.items(GENERATIONS, record)

    def balance(self) -> int:
        """Return the user's credits."""
        return sum(int(row["balance"]) for row in self.dynamodb.items(ACCOUNTS, "user"))

    # ---- What was promised

    def complaints(self) -> Iterator[str]:
        """Name each promise that was not kept."""
        yield from self.seen.wrong
        rows = {row["id"]: row for row in self.rows("generation")}
        yield from (f"{name} was accepted and is gone" for name in self.accepted.keys() - rows.keys() - self.deleted)
        kept = self.rows("delivery") + self.rows("attempt")
        yield from (f"{row['record']} outlived its generation" for row in kept if row["id"] in self.erased)
        for name, row in rows.items():
            yield from self._complaints(name, row)
        if self.dynamodb.items(ACCOUNTS, "user"):
            yield from self._money(rows)
        slots = [row for row in self.rows("peer") if any(_is_lease(*pair, self.clock()) for pair in row.items())]
        yield from (f"a slot at {row['id']} is still taken" for row in slots)

    def _complaints(self, name: str, row: Mapping[str, Any]) -> Iterator[str]:
        paid = self.studio.paid[name] + self.other.paid[name]
        if paid > 1:
            yield f"{name} was paid {paid} times"
        if not Status(row["status"]).final or "due_at" in row:
            yield f"{name} did not come to rest: {row['status']}"
        if self.seen.finished[name] > 1:
            yield f"{name} finished {self.seen.finished[name]} times"
        if row["status"] == "success" and not self.files.objects:
            yield f"{name} succeeded without a picture"
        if self.studio.paid[name] and row["status"] != "success" and row.get("error") != "cancelled":
            yield f"{name} was paid for and is lost: {row.get('error')}"

    def _money(self, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
        entries = self.dynamodb.items(ACCOUNTS, "ledger")
        if sum(entry["amount"] for entry in entries) != self.balance():
            yield f"the ledger's sum is {sum(entry['amount'] for entry in entries)}, the balance {self.balance()}"
        if self.balance() < 0:
            yield f"the balance is {self.balance()}"
        first = sum(entry["amount"] for entry in entries if entry["entry_kind"] == "top-up")
        spent = sum(row["cost"] for row in rows.values() if not row.get("refunded"))
        if first - spent != self.balance():
            yield f"{first} credits less {spent} spent is not the balance {self.balance()}"

    def _changed(self, table: str, before: Item | None, after: Item | None) -> None:
        if before and after is None and before["record"]["S"] == "generation":
            self.deleted.add(before["id"]["S"])
            if before["status"]["S"] not in ("success", "error"):
                self.seen.wrong.append(f"{before['id']['S']} was deleted before its end")
        if table != GENERATIONS or after is None or after["record"]["S"] != "generation":
            return
        name, status = after["id"]["S"], after["status"]["S"]
        self.seen.writes.append((current_worker(), name, int(after["version"]["N"])))
        old = before["status"]["S"] if before else None
        if before and old in ("success", "error") and status != old:
            self.seen.wrong.append(f"{name} was {old} and became {status}")
        if before and "job_id" in before and status == "pending":
            self.seen.wrong.append(f"{name} was given back though its provider had called back")
        if before and "job_id" in before and "job_id" in after and before["job_id"] != after["job_id"]:
            self.seen.wrong.append(f"{name} changed its job")
        if (
            "job_id" in after
            and "provider" in after
            and after["job_id"]["S"] not in getattr(self, after["provider"]["S"]).jobs
        ):
            self.seen.wrong.append(f"{name} has a job that its provider does not know")
        if status in ("success", "error") and old not in ("success", "error"):
            self.seen.finished[name] += 1
            self.seen.stream.append(name)


class CheckedStore(GenerationStore):
    """The store, which must not report a conflict where its own write took effect."""

    def __init__(self, table: RecordTable, world: World) -> None:
        super().__init__(table, accounts=world.accounts)
        self._world = world

    def advance(self, before: Generation, after: Generation, *more: Any, **named: Any) -> Generation:
        """Write `after`, and compare what is reported with what was written."""
        with self._checked(after):
            return super().advance(before, after, *more, **named)

    def acquire(self, before: Generation, after: Generation, *more: Any, **named: Any) -> Any:
        """Write `after` and take a slot, and compare what is reported with what was written."""
        with self._checked(after):
            return super().acquire(before, after, *more, **named)

    @contextmanager
    def _checked(self, after: Generation) -> Iterator[None]:
        first = len(self._world.seen.writes)
        try:
            yield
        except ConflictError:
            if (current_worker(), after.id, after.version) in self._world.seen.writes[first:]:
                message = f"{after.id} became {after.status}, and the writer was told of a conflict"
                self._world.seen.wrong.append(message)
            raise


def _is_lease(name: str, value: Any, now: int) -> bool:
    return name.startswith("slot_") and isinstance(value, int) and value >= now
