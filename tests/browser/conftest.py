"""A browser on the deployed stack's console: it sees what a person sees, and leaves the stack's origin for nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright

from tests.deployment import Account, once, open_account
from tools.local_stack import Deployed, deploy_again
from tools.screenshots import CHROMIUM, CHROMIUM_ARGUMENTS

HOSTILE = "<img src=x onerror=alert(1)> \"quoted\" & 'single' </script><b>bold</b> سلام 🐈 \u202egnihton"
Visit = Callable[..., Page]
expect.set_options(timeout=20_000)  # other tests keep the processors busy meanwhile


@dataclass
class Watch:
    """What a page did that it must not do."""

    origin: str
    strangers: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def over(self, page: Page) -> Page:
        """Watch a page."""

        def asked(request: Request) -> None:
            if not request.url.startswith((f"{self.origin}/", "data:")):
                self.strangers.append(request.url)

        def asked_back(dialog: Dialog) -> None:
            self.dialogs.append(dialog.message)
            dialog.dismiss()

        def said(message: ConsoleMessage) -> None:
            if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
                self.faults.append(message.text)

        page.on("request", asked)
        page.on("dialog", asked_back)
        page.on("console", said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.set_default_timeout(90_000)  # a cold start beside other tests takes long
        return page


def address(deployed: Deployed, view: str = "") -> str:
    """Where a view of the console stands."""
    return f"{deployed.api}/console{view and '#/'}{view}"


def sign_in(page: Page, deployed: Deployed, view: str = "overview") -> Page:
    """Sign in as the operator, on a view."""
    page.goto(address(deployed, view))
    page.get_by_label("Console secret").fill(deployed.secret("ConsoleSecretArn"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Console").wait_for()
    return page


def opened(page: Page, deployed: Deployed, view: str) -> Page:
    """Load a view anew as somebody who is signed in, and wait until nothing on it is on its way."""
    page.goto("about:blank")
    page.goto(address(deployed, view))
    return settled(page)


def settled(page: Page) -> Page:
    """Wait until nothing on the page is on its way (the page's own policy forbids wait_for_function)."""
    page.locator("main h1").wait_for()
    expect(page.locator("[aria-busy], .loading")).to_have_count(0, timeout=30_000)
    return page


def findings(page: Page) -> list[str]:
    """Run axe-core, and list what is serious or critical."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{found['id']}: {node['html'][:150]} {node['failureSummary']}"
        for found in violations
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


@pytest.fixture(scope="session")
def stack(stack: Deployed, logs: Path) -> Deployed:
    """A stack of the browser tests alone, since the console shows what everybody does."""
    return Deployed(**once(logs, "console", lambda: asdict(deploy_again(stack, "console"))))


@pytest.fixture(scope="session")
def alice(stack: Deployed, logs: Path) -> Account:
    """A client of that stack."""
    fields = once(logs, "console-alice", lambda: asdict(open_account(stack, "alice@example.com")))
    return Account(**{**fields, "stack": stack})


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@contextmanager
def watched(browser: Browser, deployed: Deployed, **options: object) -> Iterator[tuple[BrowserContext, Page]]:
    """Open a page in a context of its own, and check at its end that it did nothing that it must not."""
    watch = Watch(deployed.endpoint)
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)  # type: ignore[arg-type]
    yield context, watch.over(context.new_page())
    context.close()
    assert (watch.strangers, watch.dialogs, watch.faults) == ([], [], [])


@pytest.fixture
def stranger(browser: Browser, stack: Deployed) -> Iterator[Page]:
    """A page of somebody who is not signed in."""
    with watched(browser, stack) as (_, page):
        yield page


@pytest.fixture
def visit(browser: Browser, stack: Deployed) -> Iterator[Visit]:
    """Open views as the signed-in owner."""
    with watched(browser, stack) as (_, page):
        sign_in(page, stack)

        def go(view: str) -> Page:
            return opened(page, stack, view)

        yield go


@pytest.fixture(scope="session")
def generation(alice: Account) -> str:
    """A finished generation of two pictures, with a webhook that nobody answers."""
    request = {
        "model": "sketch",
        "input": {"prompt": "a lighthouse by the sea", "seed": 7, "width": 512, "height": 512, "num_images": 2},
        "webhook": "http://127.0.0.1:9/webhook",
        "webhook_events": ["processing", "success", "error"],
    }
    answer = alice.post(request).raise_for_status().json()
    return str(alice.finished(answer["id"])["id"])
