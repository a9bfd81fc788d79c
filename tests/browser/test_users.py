"""Users: made, topped up, and read."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.deployment import account_with_key
from tools.local_stack import Deployed

MANY = 1_001


def test_from_made_to_topped_up(visit: Visit) -> None:
    email = f"{uuid.uuid4().hex[:8]}@example.com"
    page = visit("users")
    page.get_by_role("button", name="New user").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Name").fill("<b>Ann</b> سلام 🐈")
    page.get_by_label("Credits").fill("10")
    page.get_by_role("button", name="Create the user").click()
    row = page.get_by_role("row").filter(has_text=email)
    expect(row).to_contain_text("<b>Ann</b> سلام 🐈")

    page.get_by_role("button", name=f"Top up {email}").click()
    page.get_by_label("Credits").fill("32")
    page.get_by_label("Note").fill("an invoice")
    page.get_by_role("button", name="Add the credits").click()
    expect(page.get_by_text(f"{email} has 42 credits now.")).to_be_visible()
    expect(row).to_contain_text("42")

    page.get_by_role("button", name=f"Ledger of {email}").click()
    expect(page.get_by_role("dialog").get_by_text("an invoice")).to_be_visible()
    page.get_by_role("button", name="Close").click()

    page.get_by_role("button", name=f"Webhook secret of {email}").click()
    page.get_by_role("button", name="Show the secret").click()
    secret = page.get_by_label("Secret", exact=True).input_value()
    assert secret.startswith("whsec_")

    page.get_by_role("button", name="Rotate", exact=True).click()
    page.get_by_role("button", name="Create the new secret").click()
    expect(page.get_by_label("Older secret")).to_have_value(secret)
    expect(page.get_by_label("Secret", exact=True)).not_to_have_value(secret)


def test_the_same_address_twice(visit: Visit) -> None:
    page = visit("users")
    for number in range(2):
        page.get_by_role("button", name="New user").click()
        page.get_by_label("E-mail").fill("twice@example.com")
        page.get_by_role("button", name="Create the user").click()
        if number == 0:
            expect(page.get_by_text("The user is created.")).to_be_visible()

    expect(page.get_by_role("dialog").locator("p.error:not(:empty)").first).to_be_visible()


def test_the_oldest_of_many_is_found(visit: Visit, stack: Deployed) -> None:
    wanted = account_with_key(stack, "oldest@example.com")
    with crowd(stack, wanted.user_id, "user"):
        page = visit("users")
        expect(page.get_by_role("link", name="crowd 0", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="oldest")).to_have_count(0)
        page.get_by_role("button", name="Show more").click()
        expect(page.get_by_role("link", name="crowd 399", exact=True)).to_be_visible()

        page.get_by_label("Search users").fill("Oldest")
        expect(page.get_by_role("link", name="oldest")).to_be_visible()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_label("Search users").fill("nobody at all")
        expect(page.get_by_text("Nothing matches the search.")).to_be_visible()

    with crowd(stack, wanted.key_id, "key"):
        page = visit("keys")
        expect(page.get_by_role("row").filter(has_text="oldest@example.com")).to_have_count(0)
        page.get_by_label("Search keys").fill("oldest@")
        expect(page.get_by_role("row").filter(has_text="oldest@example.com")).to_be_visible()


@contextmanager
def crowd(stack: Deployed, original: str, record: str) -> Iterator[None]:
    """Have a thousand newer records like an account's own in the table for a while."""
    dynamodb, table = stack.client("dynamodb"), stack.resource("AccountsTable")
    item = dynamodb.get_item(TableName=table, Key={"id": {"S": original}, "record": {"S": record}})["Item"]
    created = int(item["created_at"]["N"])
    copies = [
        {
            **item,
            "id": {"S": f"{record}_crowd{number}"},
            "name": {"S": f"crowd {number}"},
            "email": {"S": f"crowd{number}@example.com"},
            "user_email": {"S": f"crowd{number}@example.com"},
            "created_at": {"N": str(created + MANY - number)},
        }
        for number in range(MANY)
    ]
    keys = [{name: copy[name] for name in ("id", "record")} for copy in copies]
    for start in range(0, MANY, 25):
        puts = [{"PutRequest": {"Item": copy}} for copy in copies[start : start + 25]]
        dynamodb.batch_write_item(RequestItems={table: puts})
    try:
        yield
    finally:
        for start in range(0, MANY, 25):
            deletions = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + 25]]
            dynamodb.batch_write_item(RequestItems={table: deletions})
