"""Usage, and the pages of one user and one key, from which both are edited, disabled and deleted."""

import csv
import io

from playwright.sync_api import Page, expect

from tests.browser.conftest import HOSTILE, Visit, address
from tests.deployment import Account, account_with_key, eventually
from tools.local_stack import Deployed


def test_usage_of_all_and_of_one_user(visit: Visit, alice: Account, generation: str) -> None:
    page = visit("usage")
    expect(page.get_by_role("img", name="generations over 30 days")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="alice@example.com")).to_be_visible()
    page.get_by_label("Group by").select_option("By model")
    expect(page.get_by_role("row").filter(has_text="sketch")).to_be_visible()

    with page.expect_download() as downloading:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(downloading.value.path().read_text(encoding="utf-8"))))
    assert {"date", "userEmail", "keyName", "success", "credits", "providerDollars"} <= rows[0].keys()
    assert sum(int(row["success"]) for row in rows if row["userId"] == alice.user_id) >= 1

    page = visit(f"users/{alice.user_id}")
    expect(page.get_by_role("heading", name="Generations per day")).to_be_visible()
    expect(page.get_by_role("table", name="Keys of alice@example.com")).to_be_visible()


def test_a_user_and_a_key_from_edited_to_deleted(visit: Visit, stack: Deployed) -> None:
    account = account_with_key(stack, "leaving@example.com")

    page = visit("users")
    page.get_by_label("Search users").fill("LEAVING")
    expect(page.locator("tbody tr:visible")).to_have_count(1)
    page.get_by_role("link", name="leaving").click()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Name").fill(HOSTILE)
    page.get_by_label("Budget per month").fill("500")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=HOSTILE[:20])).to_be_visible()
    expect(page.get_by_text("0 of 500 credits")).to_be_visible()

    page = visit(f"keys/{account.key_id}")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Budget per day").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Budget per day")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Budget per day").fill("7")
    expect(page.get_by_label("Budget per day")).not_to_have_attribute("aria-invalid", "true")
    page.get_by_label("Requests per minute").fill("30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("0 of 7 credits")).to_be_visible()
    expect(page.get_by_text("30 per minute")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_text("disabled", exact=True)).to_be_visible()
    assert account.get("/account").status_code == 401
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("active", exact=True)).to_be_visible()
    eventually(lambda: account.get("/account").status_code == 200 or None)

    page = visit(f"users/{account.user_id}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Users", exact=True)).to_be_visible()
    expect(page.get_by_text("leaving@example.com", exact=True)).to_have_count(0)
    assert account.get("/account").status_code == 401
    not_found(page, stack, f"users/{account.user_id}")


def test_deliveries_of_all_generations(visit: Visit, generation: str) -> None:
    page = visit("deliveries")
    link = page.locator(f"a[href*='{generation}']").first
    expect(link).to_be_visible()

    page.get_by_label("Event").select_option("success")
    expect(page.locator("tbody").get_by_text("processing")).to_have_count(0)
    expect(link).to_be_visible()
    page.get_by_label("Status").select_option("delivered")
    expect(page.locator(f"a[href*='{generation}']")).to_have_count(0)
    assert "status=delivered&event=success" in page.url


def not_found(page: Page, stack: Deployed, view: str) -> None:
    """Check that a view of nothing says so, and offers no other try."""
    page.goto(address(stack, view))
    expect(page.get_by_text("Not found")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
