"""The drawing of each tool: a picture from words, or a change of a given one."""

from collections.abc import Mapping
from typing import Any

from atelier.images.image import EncodedImage
from atelier.providers.provider import Failed, InputImages, Rendered
from atelier.providers.sketch import drawing

SIDE = 1_024
MAX_PIXELS = 4_096 * 4_096
"""Of a picture that became larger; the function that draws has the memory for so many."""
MAX_WORDS, MAX_WORD = 20, 40
"""So many unknown words are named, and so many letters of each."""


def draw(tool: str, values: Mapping[str, Any], inputs: InputImages) -> Rendered | Failed:
    """Do what a tool is for, by a client's input."""
    if not inputs.pictures:
        return _compose(values)
    picture, mask = inputs.pictures[0].content, inputs.mask.content if inputs.mask else None
    try:
        match tool:
            case "outpaint":
                made = [drawing.outpaint(picture, values, max_pixels=MAX_PIXELS)]
            case "upscale":
                made = [drawing.upscale(picture, values.get("factor") or 2, max_pixels=MAX_PIXELS)]
            case "remove-background":
                made = [drawing.remove_background(picture)]
            case "erase":
                made = [drawing.erase(picture, mask)]
            case _:
                made = drawing.change(
                    picture,
                    mask,
                    values["prompt"],
                    seed=values.get("seed"),
                    width=values.get("width"),
                    height=values.get("height"),
                    count=values.get("num_images") or 1,
                )
    except drawing.CannotDrawError as exc:
        return Failed(f"Sketch cannot do this: {exc}")
    return Rendered(tuple(EncodedImage(content, "image/png", *size) for content, size in made))


def _compose(values: Mapping[str, Any]) -> Rendered:
    width, height = values.get("width") or SIDE, values.get("height") or SIDE
    prompt, seed = values["prompt"], values.get("seed")
    contents = (
        drawing.draw(
            prompt,
            negative_prompt=values.get("negative_prompt") or "",
            seed=(seed or 0) + number if number else seed,
            width=width,
            height=height,
        )
        for number in range(values.get("num_images") or 1)
    )
    pictures = tuple(EncodedImage(content, "image/png", width, height) for content in contents)
    return Rendered(pictures, _notes(drawing.unknown_words(prompt)))


def _notes(unknown: tuple[str, ...]) -> tuple[str, ...]:
    """Say which words of a prompt the pictures do not show."""
    if not unknown:
        return ()
    words = ", ".join(word[:MAX_WORD] for word in unknown[:MAX_WORDS])
    more = f" and {len(unknown) - MAX_WORDS} more" if len(unknown) > MAX_WORDS else ""
    return (f"Sketch does not know these words, and did not draw them: {words}{more}.",)
