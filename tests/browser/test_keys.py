"""A key's whole life: made in the console, used by the playground and its curl, rotated, revoked."""

import json
import re
import subprocess
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import HOSTILE, Visit
from tools.local_stack import Deployed


def make_key(page: Page, name: str, user: str = "shop@example.com", **limits: str) -> str:
    """Make a key in the dialog, and return it as it is shown."""
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("User").fill(user)
    if limits:
        page.get_by_text("Limits").click()
        for label, value in limits.items():
            page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Create the key").click()
    return saved(page)


def saved(page: Page) -> str:
    """Take the key that is shown once."""
    dialog = page.get_by_role("dialog", name=re.compile("Your new"))
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()  # only 'I saved it' closes it
    dialog.get_by_role("button", name="Copy").click()
    key = dialog.get_by_label("Secret").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == key
    dialog.get_by_role("button", name="I saved it").click()
    expect(dialog).to_have_count(0)
    return key


def row(page: Page, name: str) -> Locator:
    """Find a key's line."""
    return page.get_by_role("row").filter(has_text=name)


def run(curl: str, key: str) -> tuple[int, dict[str, Any]]:
    """Run the shown command in a shell, with a real key in the placeholder's place."""
    command = curl.strip().replace("YOUR_API_KEY", key) + " --silent --write-out '\\n%{http_code}'"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    document, _, status = done.stdout.decode().rpartition("\n")
    return int(status), json.loads(document)


def test_from_made_to_revoked(visit: Visit, stack: Deployed) -> None:
    page = visit("keys")
    key = make_key(page, "kiosk", "kiosk@example.com")
    expect(row(page, "kiosk").first).to_contain_text("active")
    assert key not in page.content()

    page.get_by_role("link", name="Playground", exact=True).click()
    page.get_by_label("On the account of").select_option("Another API key…")
    page.get_by_label("API key").fill(key)
    page.get_by_label("Prompt", exact=True).fill('It\'s a "red" kite\nover the downs; $(true) `true` سلام')
    page.get_by_text("More settings").click()
    page.get_by_label("Width").fill("512")
    page.get_by_label("Height").fill("512")
    page.get_by_role("button", name="Generate").click()
    picture = page.get_by_role("img", name="Image of")
    expect(picture).to_be_visible(timeout=60_000)
    assert picture.evaluate("async (image) => (await image.decode(), image.naturalWidth)") == 512
    expect(page.get_by_text("success", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Open the generation")).to_be_visible()

    curl = page.get_by_role("region", name="The same request with curl").inner_text()
    assert key not in curl
    status, document = run(curl, key)
    assert (status, document["status"]) == (200, "success")
    assert document["payload"]["prompt"] == 'It\'s a "red" kite\nover the downs; $(true) `true` سلام'
    shown = httpx.get(document["output"], follow_redirects=True, timeout=30)
    assert shown.headers["content-type"] == "image/png"

    page.get_by_role("link", name="API keys").click()
    page.get_by_role("button", name="Revoke kiosk").click()
    page.get_by_role("dialog", name="Revoke this key?").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The key is revoked.")).to_be_visible()
    page.get_by_role("heading", name="Revoked and expired").click()
    expect(row(page, "kiosk").first).to_contain_text("revoked")
    assert run(curl, key)[0] == 401

    page.get_by_role("link", name="Playground", exact=True).click()
    page.get_by_label("Prompt", exact=True).fill("a boat")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_label("API key")).to_have_attribute("aria-invalid", "true")


def test_a_rotated_key(visit: Visit, stack: Deployed) -> None:
    page = visit("keys")
    old = make_key(page, "turning")

    page.get_by_role("button", name="Rotate turning").click()
    page.get_by_role("button", name="Create the new key").click()
    new = saved(page)

    expect(row(page, "turning")).to_have_count(2)
    expect(row(page, "turning").filter(has_text="expiring")).to_have_count(1)
    assert old != new
    for key in (old, new):
        answer = httpx.get(f"{stack.api}/generations/none", headers={"Authorization": key}, timeout=30)
        assert answer.status_code == 404  # the key is known, the generation is not


def test_what_cannot_be_a_key_is_said_beside_the_field(visit: Visit) -> None:
    page = visit("keys")
    page.get_by_role("button", name="New key").click()

    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_be_focused()

    page.get_by_label("Name").fill("ok")
    page.get_by_label("User").fill("nobody")
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_label("User")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_limits(visit: Visit) -> None:
    page = visit("keys")

    make_key(page, "limited", **{"Requests per minute": "5", "Expires": "2099-01-01T12:00"})

    expect(row(page, "limited").first).to_contain_text("5 per minute")
    expect(row(page, "limited").first).to_contain_text("expires in")


def test_a_hostile_name_is_text(visit: Visit) -> None:
    page = visit("keys")

    make_key(page, HOSTILE[:100])

    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    assert page.locator("img[src='x'], main b").count() == 0
