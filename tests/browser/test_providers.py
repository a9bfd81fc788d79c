"""Providers: a key goes in, is told as set, and goes out again; nobody ever reads it."""

from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit, findings
from tests.deployment import administer
from tools.local_stack import Deployed

KEY = "sk-a-key-that-is-never-shown"


def test_from_set_to_unset(visit: Visit, stack: Deployed) -> None:
    page = visit("providers")
    page.route("**/providers/stability/test", refused)
    row = page.get_by_role("row").filter(has_text="stability")
    expect(row).to_contain_text("no key set")
    expect(row).to_contain_text("stable-image-core")
    expect(page.get_by_role("row").filter(has_text="no key needed")).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text="set it in BedrockModelArns")).to_contain_text("bedrock")
    expect(page.get_by_role("row").filter(has_text="set it in ProviderUrls")).to_have_count(2)
    expect(page.get_by_role("row").filter(has_text="sketch").first).to_contain_text("configured")

    page.get_by_role("button", name="Set the key of stability").click()
    page.get_by_label("Key", exact=True).fill("no key at all")
    page.get_by_role("button", name="Set the key", exact=True).click()
    expect(page.get_by_label("Key", exact=True)).to_have_attribute("aria-invalid", "true")
    assert findings(page) == []
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Set the key", exact=True).click()
    expect(page.get_by_text("The key of stability is set.")).to_be_visible()
    expect(row).to_contain_text("key set")
    assert KEY not in page.content()
    listed = administer(stack, "GET", "/providers")
    assert {one["name"]: one["set"] for one in listed.json()["data"]}["stability"] is True
    assert KEY not in listed.text

    expect(page.get_by_text("The provider stability refuses this stack's account (401)")).to_be_visible()
    with page.expect_request("**/providers/stability/test"):
        page.get_by_role("button", name="Test stability").click()

    page.get_by_role("button", name="Unset the key of stability").click()
    page.get_by_role("dialog").get_by_role("button", name="Unset").click()
    expect(page.get_by_text("The key of stability is unset.")).to_be_visible()
    expect(row).to_contain_text("no key set")
    expect(page.get_by_role("button", name="Unset the key of stability")).to_have_count(0)


def refused(route: Route) -> None:
    """Answer a provider's test as if it refused the key."""
    message = "The provider stability refuses this stack's account (401); look after its key."
    route.fulfill(json={"name": "stability", "accepted": False, "message": message})
