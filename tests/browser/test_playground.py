"""The playground: what can be asked for, what it costs, and what comes back."""

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Visit
from tests.deployment import Account


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


def test_an_unavailable_model_says_what_it_waits_for(visit: Visit) -> None:
    page = visit("playground")

    option = page.get_by_role("option", name="FLUX.1 dev")

    expect(option).to_be_disabled()
    expect(option).to_have_text("FLUX.1 dev: set a key of replicate or fal")
    page.get_by_role("link", name="provider", exact=True).click()
    expect(page.get_by_role("heading", name="Providers")).to_be_visible()


def test_several_pictures_come_back(visit: Visit, alice: Account) -> None:
    page = visit("playground")
    page.get_by_label("API key").fill(alice.key)
    page.get_by_label("Prompt", exact=True).fill("two boats")
    page.get_by_text("More settings").click()
    page.get_by_label("Aspect ratio").select_option("16:9")
    page.get_by_label("Pictures wanted").fill("2")
    expect(curl(page)).to_contain_text('"aspect_ratio": "16:9"')

    for side in ("Width", "Height"):
        page.get_by_label(side).fill("256")
    expect(page.get_by_label("Aspect ratio")).to_be_disabled()
    expect(page.get_by_text("Left out: Width and Height say it.")).to_be_visible()
    expect(curl(page)).not_to_contain_text("aspect_ratio")
    page.get_by_role("button", name="Generate").click()

    expect(page.get_by_role("img", name="two boats (2 of 2)")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("256 × 256 · PNG")).to_have_count(2)
    page.get_by_label("Width").fill("")
    page.get_by_label("Height").fill("")
    expect(page.get_by_label("Aspect ratio")).to_be_enabled()


def test_pictures_to_work_from(visit: Visit) -> None:
    page = visit("overview")
    page.route("**/models", everything_available)
    page.get_by_role("link", name="Playground").click()
    page.get_by_label("Model", exact=True).select_option("gpt-image")
    page.get_by_text("More settings").click()
    page.get_by_label("Pictures wanted").fill("3")
    expect(page.get_by_text("Costs 18 credits: 6 for each of 3 pictures.")).to_be_visible()

    page.get_by_label("Pictures optional").fill("https://client.example/1.png\n\n https://client.example/2.png")
    choose(page, "fox.png", "image/png", b"fox")
    for url in ("https://client.example/1.png", "https://client.example/2.png", "data:image/png;base64,…"):
        expect(curl(page)).to_contain_text(f'"{url}"')

    choose(page, "essay.txt", "text/plain", b"words")
    expect(page.get_by_text("“essay.txt” is no PNG, JPEG or WebP.")).to_be_visible()
    choose(page, "large.png", "image/png", bytes(200_000))
    expect(page.get_by_text("Upload large ones with POST /files")).to_be_visible()
    page.get_by_label("Model", exact=True).select_option("nano-banana")
    expect(curl(page)).to_contain_text("data:image/png;base64,…")
    page.get_by_role("button", name="Remove picture 1").click()
    expect(curl(page)).not_to_contain_text("data:")


def everything_available(route: Route) -> None:
    """Answer the models as if each had its provider."""
    models = route.fetch().json()["data"]
    route.fulfill(json={"data": [{**model, "available": True} for model in models]})


def choose(page: Page, name: str, kind: str, content: bytes) -> None:
    """Choose a file of this computer."""
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose a file for Pictures").click()
    choosing.value.set_files({"name": name, "mimeType": kind, "buffer": content})


def curl(page: Page) -> Locator:
    """Find the same request with curl."""
    return page.get_by_role("region", name="The same request with curl")
