"""The playground: what can be requested, what it costs, and what comes back."""

import ast
import io
import json
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Visit
from tests.deployment import Account, administer


def test_the_playground_says_what_is_wrong(visit: Visit, alice: Account) -> None:
    page = visit("playground")
    page.get_by_label("On the account of").select_option("Another API key…")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Fill in this field.")).to_have_count(1)

    page.get_by_label("Prompt", exact=True).fill("a boat")
    expect(page.get_by_label("Prompt", exact=True)).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Fill in this field.")).to_have_count(0)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_label("API key")).to_have_attribute("aria-invalid", "true")

    page.get_by_label("API key").fill(alice.key)
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
    paste_key(page, alice)
    page.get_by_role("link", name="Users").click()
    page.get_by_role("link", name="Playground", exact=True).click()
    expect(page.get_by_label("API key")).to_have_value(alice.key)

    page.reload()

    page.get_by_label("On the account of").select_option("Another API key…")
    expect(page.get_by_label("API key")).to_have_value("")


def test_an_unavailable_model_says_what_it_waits_for(visit: Visit) -> None:
    page = visit("playground")

    option = page.get_by_role("option", name="FLUX.1 dev")

    expect(option).to_be_disabled()
    expect(option).to_have_text("FLUX.1 dev: set a key of replicate or fal")
    page.get_by_role("link", name="provider", exact=True).click()
    expect(page.get_by_role("heading", name="Providers", exact=True)).to_be_visible()


def test_several_pictures_come_back(visit: Visit, alice: Account) -> None:
    page = visit("playground")
    paste_key(page, alice)
    page.get_by_label("Prompt", exact=True).fill("two boats")
    page.get_by_text("More settings").click()
    page.get_by_label("Aspect ratio").select_option("16:9")
    page.get_by_label("Pictures wanted").fill("2")
    expect(curl(page)).to_contain_text('"aspect_ratio": "16:9"')

    for side in ("Width", "Height"):
        page.get_by_label(side).fill("256")
    expect(page.get_by_label("Aspect ratio")).to_be_disabled()
    expect(page.get_by_text("Not sent: Width and Height replace it.")).to_be_visible()
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
    page.get_by_role("link", name="Playground", exact=True).click()
    page.get_by_label("Model", exact=True).select_option("gpt-image")
    page.get_by_text("More settings").click()
    page.get_by_label("Pictures wanted").fill("3")
    expect(page.get_by_text("Costs 18 credits: 6 for each of 3 images.")).to_be_visible()

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
    page.get_by_role("button", name="Remove image 1").click()
    expect(curl(page)).not_to_contain_text("data:")


def test_a_signed_in_operator_needs_no_key(visit: Visit, alice: Account) -> None:
    page = visit("playground")
    page.get_by_label("On the account of").select_option("alice@example.com")
    page.get_by_label("Prompt", exact=True).fill("a boat on a lake")
    small(page)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("img", name="a boat on a lake")).to_be_visible(timeout=60_000)
    (key,) = console_keys(alice)
    assert (key["userEmail"], key["revokedAt"]) == ("alice@example.com", None)

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_text("You are signed out.")).to_be_visible()
    (key,) = console_keys(alice)
    assert key["revokedAt"] is not None


def test_the_draft_is_kept_between_views(visit: Visit) -> None:
    page = visit("playground")
    page.get_by_label("Model", exact=True).select_option("playground-v2")
    page.get_by_label("Prompt", exact=True).fill("a kite")
    page.get_by_role("link", name="Users").click()
    page.get_by_role("link", name="Playground", exact=True).click()

    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a kite")
    expect(page.get_by_label("Model", exact=True)).to_have_value("playground-v2")


def test_the_samples_say_the_same_in_each_language(visit: Visit) -> None:
    page = visit("playground")
    page.get_by_label("Prompt", exact=True).fill('a "red" kite')
    page.get_by_role("tab", name="Python").click()
    python = page.get_by_role("region", name="The same request with Python").inner_text()
    page.get_by_role("tab", name="JavaScript").click()
    javascript = page.get_by_role("region", name="The same request with JavaScript").inner_text()

    (call,) = [node for node in ast.walk(ast.parse(python)) if isinstance(node, ast.Call) and node.keywords[1:]]
    body = next(ast.literal_eval(word.value) for word in call.keywords if word.arg == "json")
    assert body == {"model": "sketch", "input": {"prompt": 'a "red" kite'}}
    assert json.loads(javascript.partition("JSON.stringify(")[2].partition("),\n});")[0]) == body


def test_a_lost_connection_keeps_the_link_to_the_generation(visit: Visit, alice: Account) -> None:
    page = visit("playground")
    page.get_by_label("On the account of").select_option("alice@example.com")
    page.get_by_label("Prompt", exact=True).fill("a lighthouse")
    small(page)
    page.clock.install()
    page.route("**/generations/*", lambda route: route.abort())
    page.get_by_role("button", name="Generate").click()
    link = page.get_by_role("link", name="Open the generation")
    expect(link).to_be_visible(timeout=60_000)
    for _ in range(12):
        page.clock.run_for(5_000)
    expect(page.get_by_text("The stack cannot be reached.")).to_be_visible()
    expect(link).to_be_visible()

    page.unroute("**/generations/*")
    page.get_by_role("button", name="Check again").click()
    for _ in range(60):
        page.clock.run_for(3_000)
        if page.get_by_role("img", name="a lighthouse").count():
            break
    expect(page.get_by_role("img", name="a lighthouse")).to_be_visible()


def test_a_generation_can_be_edited(visit: Visit, generation: str) -> None:
    page = visit(f"generations/{generation}")
    page.get_by_role("link", name="Edit in playground").click()

    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a lighthouse by the sea")
    expect(page.get_by_label("Seed")).to_have_value("7")
    expect(page.get_by_label("Width")).to_have_value("512")
    expect(page.get_by_label("On the account of")).to_have_value("alice@example.com")


def test_a_tool_works_on_a_picture_with_a_mask(visit: Visit, alice: Account) -> None:
    page = visit("playground")
    paste_key(page, alice)
    page.get_by_label("Tool").select_option("Inpaint")
    expect(page.get_by_label("Mask", exact=True)).to_have_count(1)
    page.get_by_label("Model", exact=True).select_option("sketch")
    page.get_by_label("Prompt", exact=True).fill("a boat at sea")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_label("Picture", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Mask", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Width")).to_have_count(0)

    choose(page, "picture.png", "image/png", a_picture("navy"), "Picture")
    choose(page, "mask.png", "image/png", a_picture("black"), "Mask")
    choose(page, "mask.png", "image/png", a_picture("white"), "Mask")
    for part in ("/run'", "Prefer: wait=25", '"tool": "inpaint"', '"model": "sketch"', '"mask_url": "data:'):
        expect(curl(page)).to_contain_text(part)
    expect(page.get_by_role("tab", name="OpenAI")).to_be_hidden()
    expect(page.get_by_role("button", name="Remove Mask")).to_have_count(1)
    choose(page, "large.png", "image/png", bytes(179_950), "Mask")
    expect(page.get_by_text("The chosen images have")).to_be_visible()
    page.get_by_role("button", name="Generate").click()

    expect(page.get_by_role("img", name="a boat at sea")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("96 × 64 · PNG")).to_be_visible()
    page.get_by_role("link", name="Open the generation").click()
    page.get_by_role("link", name="Edit in playground").click()
    expect(page.get_by_label("Tool")).to_have_value("inpaint")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a boat at sea")


def test_each_tool_shows_its_own_fields(visit: Visit) -> None:
    page = visit("playground")
    page.get_by_role("tab", name="OpenAI").click()
    for tool, label in (
        ("outpaint", "Left optional"),
        ("upscale", "Factor optional"),
        ("erase", "Mask"),
        ("remove-background", "Format optional"),
    ):
        page.get_by_label("Tool").select_option(tool)
        expect(curl(page)).to_contain_text(f'"tool": "{tool}"')
        expect(page.get_by_label("Negative prompt")).to_have_count(0)
        expect(page.get_by_label(label, exact=True)).to_have_count(1)
        page.get_by_text("More settings").click()
        expect(page.get_by_label(label, exact=True)).to_be_visible()
    page.get_by_label("Tool").select_option("Text to image")
    expect(page.get_by_label("Negative prompt")).to_have_count(1)
    expect(page.get_by_role("tab", name="OpenAI")).to_be_visible()


def test_a_default_is_not_carried_to_another_tool(visit: Visit) -> None:
    page = visit("playground")
    page.get_by_label("Model", exact=True).select_option("sketch")
    page.get_by_label("Prompt", exact=True).fill("a boat")
    expect(page.get_by_label("Aspect ratio")).to_have_value("1:1")
    page.get_by_label("Tool").select_option("edit-image")

    expect(curl(page)).to_contain_text('"prompt": "a boat"')
    expect(page.get_by_label("Aspect ratio")).to_have_value("")  # the given picture's
    expect(curl(page)).not_to_contain_text("aspect_ratio")


def test_only_what_the_model_takes_is_shown(visit: Visit) -> None:
    page = visit("playground")

    expect(page.get_by_label("Sub-model")).to_have_count(0)


def console_keys(account: Account) -> list[dict[str, Any]]:
    """List the keys that the console made for an account's playground."""
    keys = administer(account.stack, "GET", "/keys").json()["data"]
    return [key for key in keys if (key["userId"], key["name"]) == (account.user_id, "Console playground")]


def paste_key(page: Page, account: Account) -> None:
    """Use a pasted API key."""
    page.get_by_label("On the account of").select_option("Another API key…")
    page.get_by_label("API key").fill(account.key)


def small(page: Page) -> None:
    """Request a small image."""
    page.get_by_text("More settings").click()
    for side in ("Width", "Height"):
        page.get_by_label(side).fill("256")


def everything_available(route: Route) -> None:
    """Answer the models as if each had its provider."""
    models = route.fetch().json()["data"]
    route.fulfill(json={"data": [{**model, "available": True} for model in models]})


def a_picture(colour: str) -> bytes:
    """Write a small picture of one colour."""
    output = io.BytesIO()
    Image.new("RGB", (96, 64), colour).save(output, "PNG")
    return output.getvalue()


def choose(page: Page, name: str, kind: str, content: bytes, field: str = "Pictures") -> None:
    """Choose a file of this computer."""
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name=f"Choose a file for {field}", exact=True).click()
    choosing.value.set_files({"name": name, "mimeType": kind, "buffer": content})


def curl(page: Page) -> Locator:
    """Find the same request with curl."""
    return page.get_by_role("region", name="The same request with curl")
