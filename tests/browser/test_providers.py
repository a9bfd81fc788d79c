"""Providers: a key goes in, is told as set, and goes out again; nobody ever reads it."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit, findings
from tests.deployment import administer
from tools.local_stack import Deployed

KEY = "sk-a-key-that-is-never-shown"


def test_from_set_to_unset(visit: Visit, stack: Deployed) -> None:
    page = visit("providers")
    row = page.get_by_role("row").filter(has_text="stability")
    expect(row).to_contain_text("not set")
    expect(row).to_contain_text("stable-image-core")
    expect(page.get_by_role("row").filter(has_text="not needed")).to_have_count(3)

    page.get_by_role("button", name="Set the key of stability").click()
    page.get_by_label("Key", exact=True).fill("no key at all")
    page.get_by_role("button", name="Set the key", exact=True).click()
    expect(page.get_by_label("Key", exact=True)).to_have_attribute("aria-invalid", "true")
    assert findings(page) == []
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Set the key", exact=True).click()
    expect(page.get_by_text("The key of stability is set.")).to_be_visible()
    expect(row.get_by_text("set", exact=True)).to_be_visible()
    assert KEY not in page.content()
    listed = administer(stack, "GET", "/providers")
    assert {one["name"]: one["set"] for one in listed.json()["data"]}["stability"] is True
    assert KEY not in listed.text

    page.get_by_role("button", name="Unset the key of stability").click()
    page.get_by_role("dialog").get_by_role("button", name="Unset").click()
    expect(page.get_by_text("The key of stability is unset.")).to_be_visible()
    expect(row).to_contain_text("not set")
    expect(page.get_by_role("button", name="Unset the key of stability")).to_have_count(0)
