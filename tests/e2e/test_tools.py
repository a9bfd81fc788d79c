"""Each tool on a deployed stack, drawn by sketch: found, described, asked for, and what it does to a picture."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from tests.deployment import Account, account_with_key
from tools.local_stack import Deployed

SIZE = (300, 200)
LEFT, RIGHT = (0, 0, 150, 200), (150, 0, 300, 200)
PAPER = (245, 245, 240)
Check = Callable[[Image.Image, Image.Image], None]


def written(picture: Image.Image) -> bytes:
    output = io.BytesIO()
    picture.save(output, "PNG")
    return output.getvalue()


def a_picture() -> Image.Image:
    """Draw a dark disc in the left half of a light paper."""
    picture = Image.new("RGB", SIZE, PAPER)
    ImageDraw.Draw(picture).ellipse((30, 50, 130, 150), fill=(20, 40, 90))
    return picture


def a_mask() -> Image.Image:
    """Mark the left half, as OpenAI does: it is transparent."""
    mask = Image.new("RGBA", SIZE, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), LEFT)
    return mask


@pytest.fixture(scope="module")
def editor(stack: Deployed) -> Account:
    return account_with_key(stack, "editor@example.com", test=True)


@pytest.fixture(scope="module")
def urls(editor: Account) -> Mapping[str, str]:
    """Upload the picture, its mask, and a mask that is too small."""
    files = {"image": a_picture(), "mask": a_mask(), "small": a_mask().resize((150, 100))}
    return {name: upload(editor, written(picture)) for name, picture in files.items()}


def upload(account: Account, content: bytes) -> str:
    headers = {"Authorization": account.key, "Content-Type": "image/png"}
    answer = httpx.post(f"{account.stack.api}/files?transient=true", content=content, headers=headers, timeout=60)
    url: str = answer.raise_for_status().json()["url"]
    return url


def run(account: Account, tool: str, **values: Any) -> dict[str, Any]:
    """Run a tool and wait for the end."""
    headers = {"Authorization": account.key, "Prefer": "wait=25"}
    body = {"tool": tool, "input": values}
    answer = httpx.post(f"{account.stack.api}/run", json=body, headers=headers, timeout=60)
    assert answer.status_code in (200, 201), answer.text
    document: dict[str, Any] = answer.json()
    return document


def picture_of(generation: Mapping[str, Any]) -> Image.Image:
    assert generation["status"] == "success", generation
    content = httpx.get(generation["output"], follow_redirects=True, timeout=60).raise_for_status().content
    return Image.open(io.BytesIO(content))


def edited(made: Image.Image, given: Image.Image) -> None:
    assert made.size == given.size
    assert made.convert("RGB").tobytes() != given.tobytes()


def inpainted(made: Image.Image, given: Image.Image) -> None:
    edited(made, given)
    assert made.convert("RGB").crop(RIGHT).tobytes() == given.crop(RIGHT).tobytes()


def outpainted(made: Image.Image, given: Image.Image) -> None:
    assert made.size == (350, 230)
    assert made.convert("RGB").crop((40, 30, 340, 230)).tobytes() == given.tobytes()


def upscaled(made: Image.Image, given: Image.Image) -> None:
    assert made.size == (900, 600)


def cut_out(made: Image.Image, given: Image.Image) -> None:
    assert (made.mode, made.size) == ("RGBA", given.size)
    assert [made.getchannel("A").getpixel(at) for at in ((80, 100), (250, 100))] == [255, 0]


def erased(made: Image.Image, given: Image.Image) -> None:
    inpainted(made, given)
    assert min(made.convert("RGB").getpixel((80, 100))) > 150  # type: ignore[arg-type]


TOOLS: Mapping[str, tuple[dict[str, Any], bool, Check]] = {
    "edit-image": ({"prompt": "a boat"}, False, edited),
    "inpaint": ({"prompt": "a boat at sea"}, True, inpainted),
    "outpaint": ({"prompt": "snow", "left": 40, "top": 30, "right": 10}, False, outpainted),
    "upscale": ({"factor": 3}, False, upscaled),
    "remove-background": ({}, False, cut_out),
    "erase": ({}, True, erased),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_works_on_the_given_picture(editor: Account, urls: Mapping[str, str], tool: str) -> None:
    values, masked, check = TOOLS[tool]
    given = {**values, "image_urls": [urls["image"]], **({"mask_url": urls["mask"]} if masked else {})}

    generation = run(editor, tool, model="sketch", **given)

    assert (generation["tool"], generation["model"]) == (tool, "sketch")
    check(picture_of(generation), a_picture())


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_is_listed_found_and_described(stack: Deployed, tool: str) -> None:
    def get(path: str) -> Any:
        return httpx.get(f"{stack.api}/{path}", timeout=60).raise_for_status().json()

    assert tool in [one["slug"] for one in get("tools")["data"]]
    assert get(f"search?q={tool}")["data"][0]["slug"] == tool
    described = get(f"tools/{tool}")
    assert "image_urls" in described["inputSchema"]["required"]
    sketch = next(model for model in described["models"] if model["slug"] == "sketch")
    assert set(sketch["inputSchema"]["required"]) == set(described["inputSchema"]["required"])


def test_a_masks_size_must_be_the_pictures(editor: Account, urls: Mapping[str, str]) -> None:
    generation = run(editor, "erase", model="sketch", image_url=urls["image"], mask_url=urls["small"])
    assert generation["status"] == "error"
    assert "it has 150 x 100 pixels, and the picture 300 x 200" in generation["error"]


def test_what_a_tool_lacks_is_named(editor: Account) -> None:
    body = {"tool": "inpaint", "input": {"prompt": "a boat"}}
    answer = httpx.post(f"{editor.stack.api}/run", json=body, headers={"Authorization": editor.key}, timeout=60)
    assert answer.status_code == 400
    missing = {error["field"] for error in answer.json()["errors"] if error["code"] == "required"}
    assert missing == {"input.image_urls", "input.mask_url"}


def test_a_job_that_calls_back_works_on_the_picture_too(editor: Account, urls: Mapping[str, str]) -> None:
    given = {"prompt": "test:twice", "image_urls": [urls["image"]], "mask_url": urls["mask"]}
    inpainted(picture_of(run(editor, "inpaint", model="sketch", **given)), a_picture())
