"""Generations: found, read, told again, cancelled, deleted."""

import json
import re
from collections.abc import Callable
from queue import Queue

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import HOSTILE, Visit, findings
from tests.deployment import Account, eventually, row
from tools.local_stack import Deployed
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
        expect(page.get_by_role("img", name="Image of: a boat")).to_be_visible()
        for part in ("Facts", "Input", "Timeline", "Provider attempts", "Webhook", "SNS message"):
            expect(page.get_by_role("heading", name=part, exact=True)).to_be_visible()
        for status in ("pending", "processing", "success"):
            expect(page.locator(".timeline").get_by_text(status, exact=True)).to_be_visible()
        expect(page.get_by_text("delivered")).to_be_visible()
        expect(page.get_by_role("region", name="SNS message")).to_contain_text(made["id"])
        expect(page.get_by_role("link", name="alice@example.com")).to_be_visible()
        expect(page.get_by_text(re.compile("256 × 256 · PNG · .* KB"))).to_be_visible()
        expect(attempts(page)).to_have_count(1)
        expect(attempts(page)).to_contain_text(re.compile(r"sketch.* m?s"))

        page.get_by_role("button", name="Redeliver").click()
        again = take(receiver.received)
        expect(page.locator(".delivery .attempts li")).to_have_count(2)

    assert again.body == first.body
    assert webhook_id(again) == webhook_id(first)


def test_an_error_is_said_once(visit: Visit, alice: Account) -> None:
    failed = alice.post({"model": "sketch", "input": {"prompt": "test:fail once"}}).json()["id"]
    error = alice.finished(failed)["error"]
    page = visit(f"generations/{failed}")

    expect(page.locator(".callout.bad")).to_have_text(error)
    expect(page.locator("main .image-frame")).to_have_count(0)
    expect(page.get_by_text(error, exact=True)).to_have_count(2)  # with the provider's attempt


def test_cards_name_their_users(visit: Visit, alice: Account, generation: str) -> None:
    page = visit("generations?user=alice@example.com")

    expect(page.locator(f"li[data-id='{generation}']")).to_contain_text("alice@example.com")


def test_no_unit_stands_alone_on_a_phone(visit: Visit, alice: Account) -> None:
    request = {"model": "sketch", "input": {"prompt": "four boats", "num_images": 4, **SMALL}}
    made = alice.finished(alice.post(request).json()["id"])["id"]
    page = visit(f"generations/{made}")
    page.set_viewport_size({"width": 390, "height": 844})

    heights = page.locator(".caption .fact").evaluate_all("(all) => all.map((one) => one.offsetHeight)")
    assert len(heights) == 3 * 4
    assert len(set(heights)) == 1  # none takes two lines
    assert top(page, "Facts") < top(page, "Input")


def test_all_pictures_are_shown(visit: Visit, generation: str) -> None:
    page = visit(f"generations/{generation}")

    for number in (1, 2):
        picture = page.get_by_role("img", name=f"lighthouse by the sea ({number} of 2)")
        assert picture.evaluate("async (image) => (await image.decode(), image.naturalWidth)") == 512


def test_pictures_that_a_client_sent(visit: Visit, generation: str) -> None:
    page = visit("generations")

    def with_pictures(route: Route) -> None:
        document = route.fetch().json()
        document["payload"]["image_urls"] = ["https://client.example/1.png", HOSTILE]
        document["inputs"] = document["outputs"][:1]
        route.fulfill(json=document)

    page.route(f"**/admin/generations/{generation}", with_pictures)
    page.evaluate(f"location.hash = '#/generations/{generation}'")

    expect(page.get_by_role("img", name="Input image")).to_have_count(1)
    expect(page.get_by_text("https://client.example/1.png")).to_be_visible()
    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()


def test_deliveries_with_what_was_answered(visit: Visit, alice: Account) -> None:
    with Receiver(answer=gone_when("processing"), says=HOSTILE.encode()) as receiver:
        request = {
            "model": "sketch",
            "input": {"prompt": "a harbour", **SMALL},
            "webhook": receiver.url,
            "webhook_events": ["processing", "success"],
        }
        made = alice.finished(alice.post(request).json()["id"])
        for _ in range(2):
            take(receiver.received)

        page = visit(f"generations/{made['id']}")
        early, late = (page.get_by_role("article", name=f"Delivery of {event}") for event in ("processing", "success"))
        expect(early).to_contain_text("gone for good (410)")
        expect(early.get_by_text("dead", exact=True)).to_be_visible()
        expect(late.get_by_text("delivered", exact=True)).to_be_visible()
        answer = early.get_by_role("region", name="Response to processing-1")
        expect(answer).to_be_hidden()
        early.get_by_text("Response body").click()
        expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
        assert findings(page) == []

        early.get_by_role("button", name="Redeliver").click()
        again = take(receiver.received)
        expect(early.get_by_role("listitem")).to_have_count(2)
        expect(answer).to_be_visible()  # what was folded out stays so
        assert json.loads(again.body)["status"] == "processing"
        assert receiver.received.empty()
        expect(late.get_by_role("listitem")).to_have_count(1)

        page.get_by_role("button", name="Redeliver all").click()
        statuses = {json.loads(take(receiver.received).body)["status"] for _ in range(2)}
        expect(late.get_by_role("listitem")).to_have_count(2)

    assert statuses == {"processing", "success"}


def test_cancelling_what_a_provider_works_on(visit: Visit, alice: Account, stack: Deployed) -> None:
    asked = alice.post({"model": "sketch", "input": {"prompt": "test:never a boat"}}, Prefer="respond-async").json()
    eventually(lambda: row(stack, asked["id"]).get("job_id"))
    page = visit(f"generations/{asked['id']}")
    expect(attempts(page)).to_contain_text("in progress")

    page.get_by_role("button", name="Cancel this generation").click()
    page.get_by_role("button", name="Cancel the generation").click()

    expect(page.get_by_role("button", name="Cancel this generation")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete")).to_be_visible(timeout=60_000)
    expect(page.locator(".callout.bad")).to_have_text("cancelled")
    expect(attempts(page)).to_contain_text("cancelled")


def test_what_cannot_be_cancelled_says_why(visit: Visit, alice: Account, stack: Deployed) -> None:
    asked = alice.post({"model": "sketch", "input": {"prompt": "test:slow"}}, Prefer="respond-async").json()
    eventually(lambda: True if row(stack, asked["id"])["status"] == "processing" else None)
    page = visit(f"generations/{asked['id']}")

    page.get_by_role("button", name="Cancel this generation").click()
    page.get_by_role("button", name="Cancel the generation").click()

    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("just being handed to its provider")


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

    expect(page.get_by_role("alert")).to_contain_text("Not found")
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


def test_new_generations_appear_by_themselves(visit: Visit, alice: Account) -> None:
    page = visit("generations")
    made = alice.post({"model": "sketch", "input": {"prompt": "a late owl", **SMALL}}).json()["id"]

    expect(page.locator(f"a[href*='{made}'] img")).to_be_visible(timeout=60_000)


def test_a_selection_is_deleted(visit: Visit, alice: Account) -> None:
    prompts = [f"a snail number {number}" for number in range(3)]
    ids = [alice.post({"model": "sketch", "input": {"prompt": prompt, **SMALL}}).json()["id"] for prompt in prompts]
    for one in ids:
        alice.finished(one)
    page = visit("generations")
    page.get_by_role("button", name="Select", exact=True).click()
    for prompt in prompts[:2]:
        page.get_by_label(f"Select {prompt}").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    assert findings(page) == []

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(page.get_by_text("2 generations deleted.")).to_be_visible()
    assert [alice.get(f"/generations/{one}").status_code for one in ids] == [404, 404, 200]
    expect(page.locator(f"a[href*='{ids[0]}']")).to_have_count(0)


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


def gone_when(status: str) -> Callable[[Received], int]:
    """Answer that nobody is there any more, where told of a status."""
    return lambda received: 410 if json.loads(received.body)["status"] == status else 200


def top(page: Page, heading: str) -> float:
    """Say how far down the page a panel's heading is, in pixels."""
    box = page.get_by_role("heading", name=heading, exact=True).bounding_box()
    assert box
    return box["y"]


def attempts(page: Page) -> Locator:
    """Find the rows of provider attempts."""
    heading = page.get_by_role("heading", name="Provider attempts")
    return page.locator("section").filter(has=heading).get_by_role("listitem")


def take(received: "Queue[Received]") -> Received:
    """Wait for a webhook."""
    return received.get(timeout=60)


def webhook_id(received: Received) -> str:
    """Read a webhook's id."""
    return {name.lower(): value for name, value in received.headers.items()}["webhook-id"]
