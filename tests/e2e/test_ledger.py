"""The ledger adds up, whatever is lost on the way to the deployed tables."""

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from atelier.accounts.api_keys import mint_key
from atelier.accounts.users import User, new_user
from atelier.adapters.dynamodb.acceptance_store import AcceptanceStore
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.clock import utc_day
from atelier.errors import NotFoundError, PaymentRequiredError, UnavailableError
from atelier.generations.idempotency import Idempotency
from atelier.generations.model import Generation, Status, new_generation
from tests.soak import size
from tools.local_stack import REGION, Deployed

OPERATIONS = size(soak=1_000, test=250)
LOST, KILLED = 0.1, 0.05


class KilledError(BaseException):
    """The function died just after a call took effect."""


class Faults:
    """Lets a call take effect, and sometimes loses its answer, which the SDK repeats, or kills the caller."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.on = True
        self.seen: Counter[str] = Counter()
        self._http = URLLib3Session()

    def __call__(self, request: Any, **_: Any) -> None:
        drawn = self.chance.random()
        if self.on and drawn < LOST + KILLED and "Transact" in request.headers["X-Amz-Target"].decode():
            self._http.send(request)
            if drawn < KILLED:
                self.seen["killed"] += 1
                raise KilledError
            self.seen["lost"] += 1
            raise ReadTimeoutError(endpoint_url=request.url)


class Shop:
    """One user's random life."""

    def __init__(self, stack: Deployed, chance: random.Random) -> None:
        self.chance = chance
        self.faults = Faults(chance)
        session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        client: Any = session.client(
            "dynamodb", endpoint_url=stack.endpoint, config=Config(retries={"total_max_attempts": 4})
        )
        client.meta.events.register("before-send", self.faults)
        accounts = RecordTable(client, stack.resource("AccountsTable"))
        self.accounts = AccountStore(accounts)
        self.generations = GenerationStore(
            RecordTable(client, stack.resource("GenerationsTable")), accounts=self.accounts
        )
        self.acceptances = AcceptanceStore(accounts, self.accounts, self.generations)
        self.user: User = new_user(email=f"{chance.random()}@example.com", name="shop", now=now(), credits=50)
        self.key, _ = mint_key(name="shop", user=self.user, test=False, digest_key="d", now=now())
        self.wanted: list[tuple[Generation, Idempotency]] = []
        self.tops = 0

    def open(self) -> None:
        """Write the user and the key; a kill comes after the write."""
        with suppress(KilledError):
            self.accounts.add_user(self.user)
        with suppress(KilledError):
            self.accounts.add_key(self.key)

    def ask(self) -> None:
        """Ask for a generation; a client whose request was lost asks again with the same key."""
        wanted = new_generation(
            user_id=self.user.id, key_id=self.key.id, test=False, model="m", tool="t", type="image",
            payload={"prompt": "a boat"}, webhook=None, correlation_id="c", now=now(), cost=self.chance.randint(1, 9),
        )  # fmt: skip
        idempotency = Idempotency(wanted.id, "digest")
        self.wanted.append((wanted, idempotency))
        self.repeat(wanted, idempotency)

    def ask_again(self) -> None:
        """Repeat an earlier request under its key."""
        if self.wanted:
            self.repeat(*self.chance.choice(self.wanted))

    def repeat(self, wanted: Generation, idempotency: Idempotency) -> None:
        """Accept a request."""
        with suppress(PaymentRequiredError):
            self.acceptances.write(wanted, self.key, idempotency, now())

    def fail(self) -> None:
        """Fail one that is not finished."""
        for generation in self.unfinished():
            self.generations.advance(generation, generation.failed("no", now()))
            return

    def top_up(self) -> None:
        """Add credits."""
        self.tops += 1
        self.accounts.top_up(self.user.id, self.chance.randint(1, 20), None, now() + self.tops)

    def unfinished(self) -> list[Generation]:
        """Read what may still fail."""
        found, _ = self.generations.search(user_id=self.user.id, limit=20, now=now())
        return [one for one in found if isinstance(one, Generation) and not one.status.final]


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.soak
def test_its_sum_is_the_balance_after_operations_with_faults(stack: Deployed) -> None:
    chance = random.Random(1)
    shop = Shop(stack, chance)
    shop.open()
    operations: list[Callable[[], None]] = [shop.ask, shop.ask, shop.ask_again, shop.fail, shop.top_up]

    for _ in range(OPERATIONS):
        with suppress(KilledError, UnavailableError):
            chance.choice(operations)()

    shop.faults.on = False
    ledger = shop.accounts.ledger(shop.user.id, limit=10_000)
    written = [found(shop, wanted.id) for wanted, _ in shop.wanted]
    generations = [generation for generation in written if generation is not None]
    charges = Counter(entry.generation_id for entry in ledger if entry.kind == "charge")
    refunds = Counter(entry.generation_id for entry in ledger if entry.kind == "refund")
    balance = shop.accounts.user(shop.user.id).credits
    assert sum(entry.amount for entry in ledger) == balance
    assert balance is not None
    assert balance >= 0
    assert charges == Counter(generation.id for generation in generations)
    assert refunds == Counter(generation.id for generation in generations if generation.status is Status.ERROR)
    assert len(refunds) > OPERATIONS / 20
    usage = shop.accounts.usage().list(utc_day(now()) - timedelta(days=1), utc_day(now()), user_id=shop.user.id)
    assert sum(one.error for one in usage) == len(refunds)
    kept = -sum(entry.amount for entry in ledger if entry.kind in ("charge", "refund"))
    assert shop.accounts.spent(shop.user.id, now())[1] == shop.accounts.spent(shop.key.id, now())[1] == kept
    assert min(shop.faults.seen["lost"], shop.faults.seen["killed"]) > OPERATIONS / 50


def found(shop: Shop, generation_id: str) -> Generation | None:
    """Read a generation, if it was written."""
    try:
        return shop.generations.get(generation_id)
    except NotFoundError:
        return None
