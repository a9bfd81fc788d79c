"""Generations: found, read, told again, deleted; and the playground's failures."""

import re
from queue import Queue

from playwright.sync_api import expect

from tests.browser.conftest import HOSTILE, Visit
from tests.deployment import Account
from tools.receiver import Received, Receiver

SMALL = {"width": 256, "height": 256}


def test_the_filter(visit: Visit, alice: Account, generation: str) -> None:
    failed = alice.post({"model": "sketch", "input": {"prompt": "test:fail in the console"}}).json()["id"]
    page = visit("generations")
    expect(page.locator(f"a[href*='{generation}']")).to_be_visible()
    expect(page.locator(f"a[href*='{failed}']")).to_be_visible()

    page.get_by_label("Status").select_option("error")

    expect(page.locator(f"a[href*='{generation}']")).to_have_count(0)
    expect(page.locator(f"a[href*='{failed}']")).to_be_visible()
    assert "status=error" in page.url

    page.get_by_label("User").select_option("alice@example.com")
    expect(page.locator(f"a[href*='{failed}']")).to_be_visible()
    page.get_by_label("Model").select_option("playground-v2")
    expect(page.locator(f"a[href*='{failed}']")).to_have_count(0)


def test_one_generation_and_its_redelivery(visit: Visit, alice: Account) -> None:
    with Receiver() as receiver:
        request = {"model": "sketch", "input": {"prompt": "a boat", "seed": 5, **SMALL}, "webhook": receiver.url}
        made = alice.finished(alice.post(request).json()["id"])
        first = take(receiver.received)

        page = visit(f"generations/{made['id']}")
        expect(page.get_by_role("img", name="Picture made from: a boat")).to_be_visible()
        for part in ("Facts", "Input", "Timeline", "Provider attempts", "Webhook", "SNS message"):
            expect(page.get_by_role("heading", name=part, exact=True)).to_be_visible()
        for status in ("pending", "processing", "success"):
            expect(page.locator(".timeline").get_by_text(status, exact=True)).to_be_visible()
        expect(page.get_by_text("delivered")).to_be_visible()
        expect(page.get_by_role("region", name="SNS message")).to_contain_text(made["id"])
        expect(page.get_by_role("link", name="alice@example.com")).to_be_visible()

        page.get_by_role("button", name="Redeliver").click()
        again = take(receiver.received)
        expect(page.locator(".delivery .attempts li")).to_have_count(2)

    assert again.body == first.body
    assert webhook_id(again) == webhook_id(first)


def test_deleting(visit: Visit, alice: Account) -> None:
    made = alice.finished(alice.post({"model": "sketch", "input": {"prompt": "a cat", **SMALL}}).json()["id"])
    page = visit(f"generations/{made['id']}")

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert alice.get(f"/generations/{made['id']}").status_code == 200

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The generation is deleted.")).to_be_visible()
    assert alice.get(f"/generations/{made['id']}").status_code == 404


def test_one_that_is_not_there(visit: Visit) -> None:
    page = visit("generations/none")

    expect(page.get_by_role("alert")).to_contain_text("That did not work")


def test_hostile_prompts_are_text(visit: Visit, alice: Account) -> None:
    prompt = HOSTILE + " <script>alert(2)</script>" + "x" * 9_000
    made = alice.finished(alice.post({"model": "sketch", "input": {"prompt": prompt, **SMALL}}).json()["id"])
    failing = {"model": "sketch", "input": {"prompt": f"test:fail {HOSTILE}"}}
    alice.post(failing)

    for view in ("overview", "generations", f"generations/{made['id']}"):
        page = visit(view)
        expect(page.get_by_text(re.compile("<img src=x")).first).to_be_visible()
        assert page.locator("img[src='x'], main script, main b:not(.legend b)").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_playground_says_what_is_wrong(visit: Visit, alice: Account) -> None:
    page = visit("playground")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_label("API key")).to_have_attribute("aria-invalid", "true")

    page.get_by_label("API key").fill(alice.key)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_attribute("aria-invalid", "true")

    page.get_by_label("Prompt", exact=True).fill("a boat")
    page.get_by_text("More settings").click()
    page.get_by_label("Width").fill("1")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_label("Width")).to_have_attribute("aria-invalid", "true")

    page.get_by_label("Width").fill("256")
    page.get_by_label("Prompt", exact=True).fill("test:fail now")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("asked to fail")).to_be_visible(timeout=60_000)


def test_the_playground_forgets_the_key(visit: Visit, alice: Account) -> None:
    page = visit("playground")
    page.get_by_label("API key").fill(alice.key)
    page.get_by_role("link", name="Users").click()
    page.get_by_role("link", name="Playground").click()
    expect(page.get_by_label("API key")).to_have_value(alice.key)

    page.reload()

    expect(page.get_by_label("API key")).to_have_value("")


def take(received: "Queue[Received]") -> Received:
    """Wait for a webhook."""
    return received.get(timeout=60)


def webhook_id(received: Received) -> str:
    """Read a webhook's id."""
    return {name.lower(): value for name, value in received.headers.items()}["webhook-id"]
