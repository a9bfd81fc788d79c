"""Every view for everybody: axe-core finds nothing serious, the keyboard reaches all, and a phone is wide enough."""

from typing import Literal

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit, address, findings, opened, settled, sign_in, watched
from tests.deployment import Account, account_with_key
from tools.local_stack import Deployed

VIEWS = (
    "overview", "usage", "playground", "generations", "generations/{generation}", "deliveries", "keys", "keys/{key}",
    "users", "users/{user}", "providers",
)  # fmt: skip
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def in_all_schemes(page: Page, view: str) -> dict[tuple[str, str], list[str]]:
    """Look at a page in light and dark, and list what is serious."""
    found: dict[tuple[str, str], list[str]] = {}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found[view, scheme] = findings(page)
    return found


def test_axe_finds_nothing_serious(browser: Browser, stack: Deployed, alice: Account, generation: str) -> None:
    found: dict[tuple[str, str], list[str]] = {}
    with watched(browser, stack, reduced_motion="reduce") as (_, page):
        page.goto(address(stack))
        page.get_by_label("Console secret").wait_for()
        found |= in_all_schemes(page, "sign in")
        sign_in(page, stack)
        for view in VIEWS:
            opened(page, stack, view.format(generation=generation, key=alice.key_id, user=alice.user_id))
            found |= in_all_schemes(page, view)
        opened(page, stack, "playground")
        page.get_by_text("More settings").click()
        page.get_by_label("Width").fill("512")
        found |= in_all_schemes(page, "the playground's settings")
        opened(page, stack, "keys")
        page.get_by_role("button", name="New key").click()
        page.get_by_text("Limits").click()
        page.get_by_role("button", name="Create the key").click()
        found |= in_all_schemes(page, "a dialog with errors")

    assert {view: faults for view, faults in found.items() if faults} == {}


def resize(page: Page, width: int) -> None:
    """Make the window so wide, and wait until the page has followed."""
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))")


def test_a_phone_is_wide_enough(browser: Browser, stack: Deployed, alice: Account, generation: str) -> None:
    with watched(browser, stack, viewport={"width": 320, "height": 800}, reduced_motion="reduce") as (_, page):
        sign_in(page, stack)
        for view in VIEWS:
            opened(page, stack, view.format(generation=generation, key=alice.key_id, user=alice.user_id))
            for width in (320, 390):
                resize(page, width)
                assert page.evaluate("document.documentElement.scrollWidth") == width, (view, width)
        for width in (320, 390):
            resize(page, width)
            assert findings(page) == [], width


def test_no_table_is_cut(browser: Browser, stack: Deployed, alice: Account) -> None:
    account_with_key(stack, "an.address.of.some.length@department.example.com", requestsPerMinute=600)
    cut = """() => [...document.querySelectorAll("main table")].filter((one) => one.checkVisibility() &&
        one.getBoundingClientRect().right > one.closest(".panel").getBoundingClientRect().right + 1).length"""
    heights = "(all) => all.map((one) => one.offsetHeight)"
    with watched(browser, stack, reduced_motion="reduce") as (_, page):
        sign_in(page, stack)
        for view in ("usage", "deliveries", "keys", "users", f"users/{alice.user_id}", "providers"):
            opened(page, stack, view)
            for width in (768, 1024, 1280):
                resize(page, width)
                assert page.evaluate(cut) == 0, (view, width)
                assert len(set(page.locator(".row-buttons .button:visible").evaluate_all(heights))) <= 1, (view, width)
                assert page.evaluate("document.documentElement.scrollWidth") == width, (view, width)


def test_the_keyboard_alone(visit: Visit) -> None:
    page = visit("overview")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()

    page.get_by_role("link", name="API keys").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="API keys")).to_be_focused()
    settled(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="New key")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="New key")).to_be_focused()


def test_the_drawing_speaks(visit: Visit, generation: str) -> None:
    page = visit("overview")

    expect(page.get_by_role("img", name="generations over 14 days")).to_be_visible()
    for figure in ("Success rate", "Average time", "Credits spent", "In progress", "Dead letters"):
        expect(page.get_by_role("heading", name=figure)).to_be_visible()
    page.get_by_role("link", name="7 days", exact=True).click()
    expect(page.get_by_role("img", name="generations over 7 days")).to_be_visible()
