"""The page that shows the API's description, for somebody who has no more than a key."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import findings
from tests.deployment import Account


def test_every_call_is_shown_and_nobody_else_is_asked(stranger: Page, alice: Account) -> None:
    stranger.goto(f"{alice.stack.api}/docs")

    expect(stranger.get_by_role("heading", name="Atelier")).to_be_visible()
    expect(stranger.locator(".opblock-summary-path", has_text="/generate")).to_be_visible()
    expect(stranger.locator(".errors-wrapper")).to_have_count(0)


def test_axe_finds_nothing_serious(stranger: Page, alice: Account) -> None:
    stranger.goto(f"{alice.stack.api}/docs")
    for call in ("Generations-generate", "Generations-listGenerations", "Webhooks-listDeliveries"):
        stranger.locator(f"#operations-{call}").get_by_role("button").first.click()
    stranger.locator("#operations-Generations-generate").get_by_role("button", name="Try it out").click()
    expect(stranger.locator(".body-param__text")).to_be_visible()

    assert findings(stranger) == []


def test_a_call_can_be_tried(stranger: Page, alice: Account) -> None:
    stranger.goto(f"{alice.stack.api}/docs")
    stranger.get_by_role("button", name="Authorize").first.click()
    stranger.get_by_label("Value").fill(alice.key)
    stranger.get_by_role("button", name="Apply credentials").click()
    stranger.get_by_role("button", name="Close").first.click()

    call = stranger.locator("#operations-Account_and_service-readAccount")
    call.get_by_role("button").first.click()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("button", name="Execute").click()

    answer = call.locator(".live-responses-table .response")
    expect(answer).to_contain_text("200")
    expect(answer).to_contain_text("alice@example.com")
