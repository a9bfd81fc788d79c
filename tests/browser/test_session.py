"""Signing in and out, and what nobody gets without."""

from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, address, settled, sign_in
from tests.deployment import Account
from tools.local_stack import Deployed

STATIC = Path("functions/console/static")


def test_a_wrong_secret(stranger: Page, stack: Deployed) -> None:
    stranger.goto(address(stack))
    stranger.get_by_label("Console secret").fill("not the secret")
    stranger.get_by_role("button", name="Sign in").click()

    expect(stranger.get_by_role("alert")).not_to_be_empty()
    expect(stranger.get_by_role("navigation")).to_have_count(0)
    assert httpx.post(f"{address(stack)}/session", json={"secret": "no"}, timeout=30).status_code == 401


def test_without_a_session(stranger: Page, stack: Deployed) -> None:
    for view in ("", "keys", "generations/none"):
        stranger.goto("about:blank")
        stranger.goto(address(stack, view))
        expect(stranger.get_by_label("Console secret")).to_be_visible()

    for path in ("users", "keys", "generations", "overview?days=7"):
        assert httpx.get(f"{address(stack)}/admin/{path}", timeout=30).status_code == 401


def test_the_way_in_leads_to_the_view_that_was_asked_for(stranger: Page, stack: Deployed) -> None:
    sign_in(stranger, stack, "users")
    expect(stranger.get_by_role("heading", name="Users", exact=True)).to_be_visible()

    stranger.reload()
    expect(stranger.get_by_role("heading", name="Users", exact=True)).to_be_visible()


def test_no_script_can_read_the_session(visit: Visit) -> None:
    page = visit("keys")

    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_a_change_with_a_forged_token_is_refused(visit: Visit, alice: Account) -> None:
    page = visit("keys")
    attempt = """async ([path, headers]) =>
        (await fetch(`console/admin/keys/${path}`, {method: "DELETE", headers})).status"""

    assert page.evaluate(attempt, [alice.key_id, {"X-CSRF-Token": "0" * 64}]) == 403
    assert page.evaluate(attempt, [alice.key_id, {}]) == 403
    assert alice.get("/generations/none").status_code == 404  # the key still works


def test_signing_out_ends_the_session_on_the_server_too(visit: Visit, stack: Deployed) -> None:
    page = visit("overview")
    (cookie,) = page.context.cookies()
    headers = {"Cookie": f"{cookie['name']}={cookie['value']}"}
    assert httpx.get(f"{address(stack)}/session", headers=headers, timeout=30).status_code == 200

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert httpx.get(f"{address(stack)}/session", headers=headers, timeout=30).status_code == 401


def test_a_session_that_ends_meanwhile_leads_back_to_the_door(visit: Visit) -> None:
    page = visit("overview")
    page.context.clear_cookies()

    page.get_by_role("link", name="Users").click()

    expect(page.get_by_text("Your session has ended. Sign in again.")).to_be_visible()


def test_the_page_is_closed_to_other_code_and_holds_no_secret(stack: Deployed) -> None:
    page = httpx.get(address(stack), timeout=30)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert page.headers["cache-control"] == "no-store"

    secret = stack.secret("ConsoleSecretArn")
    for file in sorted(STATIC.iterdir()):
        served = httpx.get(f"{address(stack)}/static/{file.name}", timeout=30)
        assert served.text == file.read_text(encoding="utf-8")
        assert secret not in served.text
        assert "innerHTML" not in served.text


def test_a_session_survives_the_visit_of_every_view(visit: Visit, generation: str) -> None:
    for view in ("overview", "playground", "generations", f"generations/{generation}", "keys", "users"):
        expect(settled(visit(view)).get_by_role("navigation", name="Console")).to_be_visible()


def test_an_address_without_a_page_says_so(visit: Visit) -> None:
    for view in ("nowhere", "overview/one", "users/one/two", "users/%zz", "constructor"):
        page = visit(view)
        expect(page.get_by_role("heading", name="Not found", exact=True)).to_be_visible()
        expect(page.locator("nav [aria-current]")).to_have_count(1 if view.startswith(("overview", "users")) else 0)
    page.get_by_role("link", name="Open the overview").click()
    expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
