"""Users: made, topped up, and read."""

import uuid

from playwright.sync_api import expect

from tests.browser.conftest import Visit


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
