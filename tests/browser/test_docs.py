"""The page that shows the API's description, for somebody who has no more than a key."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import findings, watched
from tests.deployment import Account
from tools.local_stack import Deployed


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
    landmarks = stranger.get_by_role("main")
    expect(landmarks).to_have_count(1)


def test_dark_mode(browser: Browser, stack: Deployed) -> None:
    with watched(browser, stack, color_scheme="dark") as (_, page):
        page.goto(f"{stack.api}/docs")
        for call in ("Generations-generate", "Webhooks-listDeliveries"):
            page.locator(f"#operations-{call}").get_by_role("button").first.click()

        assert brightness(page) < 60
        assert findings(page) == []


def test_a_phone_is_wide_enough(browser: Browser, stack: Deployed) -> None:
    with watched(browser, stack, viewport={"width": 390, "height": 844}) as (_, page):
        page.goto(f"{stack.api}/docs")
        page.locator("#operations-Generations-generate").get_by_role("button").first.click()

        assert page.evaluate("document.documentElement.scrollWidth") == 390


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


def brightness(page: Page) -> float:
    """Return the mean of the page's background colour, from 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]
    return sum(parts) / len(parts)
