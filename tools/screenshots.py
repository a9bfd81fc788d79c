"""`make screenshots`: pictures of the console on the running local stack, in light and dark and on a phone."""

import json
import re
import secrets
import sys
import time
from dataclasses import dataclass
from queue import Queue
from typing import Any, Literal

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from atelier.adapters.dynamodb.generation_store import from_stream, list_shard
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.dynamodb.usage_store import UsageStore
from tools.local_stack import ROOT, Deployed, LocalStackError, deployed
from tools.receiver import Received, Receiver
from tools.run import STACK_FILE, STACK_NAME

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
OUTPUT = ROOT / "docs" / "screenshots"
VIEWS = (
    "signin", "overview", "usage", "keys", "generations", "generation", "deliveries", "users", "providers",
    "playground",
)  # fmt: skip
TALL = {"playground": 1220, "generation": 1690, "generations": 980}
DAY_MS = 86_400_000
PROMPT = "A lighthouse by the sea at sunset, warm colors"
PLAYED = "A robot in a meadow at sunrise, warm colors"
PROMPTS = (
    "An owl in a forest at night, full moon",
    "Robot in a neon city in the rain",
    "An underwater garden, cold color palette",
    "Mountains under the northern lights",
    "A cat on the moon",
    "Hot air balloons over a meadow, pastel",
    "test:fail A portrait that the provider refuses",
    "A sailing boat in a storm, muted colors",
    "A cactus in the desert at dusk",
    "A castle on a hill in spring",
)
USERS = (
    {"email": "ana@example.com", "name": "Ana Ribeiro", "plan": "studio", "credits": 1840},
    {"email": "ops@northwind.example", "name": "Northwind", "plan": "enterprise"},
    {"email": "noor@example.com", "name": "نور الدين", "plan": "trial", "credits": 25},
)
KEYS = (
    {"name": "website", "user": "ana@example.com"},
    {"name": "Ana’s laptop", "user": "ana@example.com", "test": True},
    {"name": "nightly batch", "user": "ops@northwind.example", "requestsPerMinute": 600},
    {"name": "dashboard", "user": "ops@northwind.example", "scopes": ["read"]},
    {"name": "first try", "user": "noor@example.com", "models": ["sketch"]},
)


@dataclass(frozen=True)
class Studio:
    """The running stack, and who may ask it for what."""

    stack: Deployed
    secret: str
    api_key: str

    def admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Call an admin route as the operator."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        return httpx.request(method, f"{self.stack.api}/console/admin/{path}", headers=headers, json=body, timeout=60)

    def generate(self, prompt: str, key: str | None = None, **wishes: Any) -> str:
        """Make a generation, with what else is wished for, and return its id."""
        body = {"model": "playground-v2", "input": {"prompt": prompt, "seed": 7}} | wishes
        answer = httpx.post(
            f"{self.stack.api}/generate",
            headers={"Authorization": key or self.api_key, "Prefer": "wait=25"},
            json=body,
            timeout=60,
        )
        return str(answer.raise_for_status().json()["id"])


def furnish(studio: Studio) -> str:
    """Fill the stack with samples where it has none yet, and return the generation to show."""
    known = {user["email"] for user in studio.admin("GET", "users").raise_for_status().json()["data"]}
    for user in USERS:
        if user["email"] not in known:
            studio.admin("POST", "users", {"credits": None, **user}).raise_for_status()
    named = {key["name"] for key in studio.admin("GET", "keys").raise_for_status().json()["data"]}
    fresh: dict[str, str] = {}
    for key in KEYS:
        if key["name"] not in named:
            fresh[str(key["name"])] = studio.admin("POST", "keys", dict(key)).raise_for_status().json()["key"]
    if fresh:
        for number, prompt in enumerate(PROMPTS):
            studio.generate(prompt, fresh.get(("website", "nightly batch", "")[number % 3]))
        _look_back(studio)
    return _told_twice(studio)


def tidy(studio: Studio, prompt: str) -> None:
    """Delete what was made for one picture only, so that the next one and the next run start as this one did."""
    for one in studio.admin("GET", "generations?limit=24").raise_for_status().json()["data"]:
        if one["payload"].get("prompt") == prompt:
            studio.admin("DELETE", f"generations/{one['id']}").raise_for_status()


def _told_twice(studio: Studio) -> str:
    """Make a generation of two pictures, whose webhook gets two events and refuses the first attempt."""
    told: Queue[Received] = Queue()

    def answer(received: Received) -> int:
        told.put(received)
        return 503 if told.qsize() == 1 else 200

    with Receiver(answer, says=b'{"status": "in maintenance"}') as receiver:
        generation_id = studio.generate(
            PROMPT,
            model="sketch",
            input={"prompt": PROMPT, "seed": 7, "aspect_ratio": "4:3", "num_images": 2},
            webhook=receiver.url,
            webhook_events=["processing", "success"],
        )
        for _ in range(60):
            detail = studio.admin("GET", f"generations/{generation_id}").raise_for_status().json()
            if [delivery["status"] for delivery in detail["deliveries"]] == ["delivered", "delivered"]:
                break
            time.sleep(1)
    return generation_id


def _look_back(studio: Studio) -> None:
    """Copy today's generations to the days before and count them, so that overview and usage have something to draw."""
    dynamodb, table = studio.stack.client("dynamodb"), studio.stack.resource("GenerationsTable")
    accounts = RecordTable(dynamodb, studio.stack.resource("AccountsTable"))
    found = studio.admin("GET", f"generations?limit={len(PROMPTS)}").raise_for_status().json()["data"]
    rows = [
        dynamodb.get_item(TableName=table, Key={"id": {"S": one["id"]}, "record": {"S": "generation"}})["Item"]
        for one in found
        if one["status"] in ("success", "error")
    ]
    for age in range(1, 14):
        for number in range(5 + (age * 7) % 9 + (14 - age) // 2):
            row = dict(rows[(number * 3 + age) % len(rows)])
            created = int(row["created_at"]["N"]) - age * DAY_MS - number * 60_000
            took = int(row["finished_at"]["N"]) - int(row["created_at"]["N"])
            generation_id = f"{created:012x}{secrets.token_hex(10)}"
            row |= {
                "id": {"S": generation_id},
                "created_at": {"N": str(created)},
                "finished_at": {"N": str(created + took + number * 90)},
                "created_day": {"S": list_shard(generation_id)},
            }
            dynamodb.put_item(TableName=table, Item={name: value for name, value in row.items() if name != "webhook"})
            accounts.transact([UsageStore(accounts).count(from_stream(row))])


def photograph(browser: Browser, studio: Studio, generation_id: str) -> None:
    """Take the pictures."""
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme=scheme, reduced_motion="reduce")
        for view in VIEWS:
            page.set_viewport_size({"width": 1280, "height": TALL.get(view, 860)})
            _open(page, studio, view, generation_id)
            _shoot(page, f"{view}-{scheme}")
        page.close()
        tidy(studio, PLAYED)
    phone = browser.new_page(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, reduced_motion="reduce"
    )
    _open(phone, studio, "signin", generation_id)
    for view in ("overview", "generations", "keys"):
        _open(phone, studio, view, generation_id)
        _shoot(phone, f"{view}-phone")
    phone.close()


def _open(page: Page, studio: Studio, view: str, generation_id: str) -> None:
    """Bring a view to where it is worth a picture; the sign-in page is left signed in."""
    console = f"{studio.stack.api}/console"
    if view == "signin":
        page.goto(console)
        page.get_by_label("Console secret").wait_for()
        return
    if page.locator(".sign-in").count():
        page.get_by_label("Console secret").fill(studio.secret)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("navigation", name="Console").wait_for()
    page.goto("about:blank")
    page.goto(f"{console}#/{f'generations/{generation_id}' if view == 'generation' else view}")
    _settle(page)
    if view == "generation":
        page.get_by_text("Response body").first.click()
        page.evaluate("document.activeElement.blur()")
    if view == "playground":
        page.get_by_label("Model", exact=True).select_option("playground-v2")
        page.get_by_label("Prompt", exact=True).fill(PLAYED)
        page.get_by_role("button", name="Generate").click()
        page.get_by_role("img", name="Image of").wait_for(timeout=60_000)
        _settle(page)
        page.evaluate("window.scrollTo(0, 0)")
    page.mouse.move(0, 0)


def _settle(page: Page) -> None:
    page.locator("main h1").wait_for()
    expect(page.locator("[aria-busy], .loading")).to_have_count(0)
    page.evaluate(
        """Promise.all([...document.images].filter((one) => one.getBoundingClientRect().top < innerHeight)
           .map((one) => one.decode()))"""
    )
    page.evaluate("document.activeElement.blur()")


def _shoot(page: Page, name: str) -> None:
    if re.search(r"whsec_|atl_\w+_\w{24}", page.content()):
        raise LocalStackError(f"{name} would show a secret")
    page.screenshot(path=OUTPUT / f"{name}.png", scale="device")
    print(f"docs/screenshots/{name}.png")


def main() -> int:
    """Furnish the running stack, and take the pictures."""
    if not STACK_FILE.exists():
        print("The local stack is not up: make run")
        return 1
    state = json.loads(STACK_FILE.read_text())
    studio = Studio(deployed(STACK_NAME, state["endpoint"]), state["admin_secret"], state["api_key"])
    OUTPUT.mkdir(parents=True, exist_ok=True)
    generation_id = furnish(studio)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        photograph(browser, studio, generation_id)
        browser.close()
    tidy(studio, PROMPT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
