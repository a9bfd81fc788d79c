"""A budget holds to the credit when five hundred requests come at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

from atelier.accounts.api_keys import mint_key
from atelier.accounts.budgets import Budget
from atelier.accounts.users import new_user
from atelier.adapters.dynamodb.acceptance_store import AcceptanceStore
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.clock import now_ms
from atelier.errors import BudgetExceededError, ContendedError
from atelier.generations.model import new_generation
from tools.local_stack import REGION, Deployed

REQUESTS, THREADS, COST, LIMIT = 500, 32, 3, 300


def test_five_hundred_parallel_requests_spend_just_the_budget(stack: Deployed) -> None:
    session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    client: Any = session.client("dynamodb", endpoint_url=stack.endpoint, config=Config(max_pool_connections=THREADS))
    table = RecordTable(client, stack.resource("AccountsTable"))
    accounts = AccountStore(table)
    generations = GenerationStore(RecordTable(client, stack.resource("GenerationsTable")), accounts=accounts)
    acceptances = AcceptanceStore(table, accounts, generations)
    now = now_ms()
    user = new_user(email=f"budget-{now}@example.com", name="budget", now=now)
    accounts.add_user(user)
    key, _ = mint_key(
        name="budget", user=user, test=False, digest_key="d", now=now, budget=Budget(day=LIMIT, month=LIMIT + 1)
    )
    accounts.add_key(key)

    def request(number: int) -> bool:
        wanted = new_generation(
            user_id=user.id, key_id=key.id, test=False, model="m", tool="t", type="image",
            payload={"prompt": f"number {number}"}, webhook=None, correlation_id="c", now=now, cost=COST,
        )  # fmt: skip
        while True:
            try:
                acceptances.write(wanted, key, None, now)
            except BudgetExceededError:
                return False
            except ContendedError:
                continue
            return True

    with ThreadPoolExecutor(THREADS) as pool:
        accepted = sum(pool.map(request, range(REQUESTS)))

    assert accepted == LIMIT // COST
    assert accounts.spent(key.id, now) == accounts.spent(user.id, now) == (LIMIT, LIMIT)
