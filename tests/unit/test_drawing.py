"""The drawing of the built-in model "sketch"."""

from __future__ import annotations

import dataclasses
import io
import random
import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from atelier.providers.sketch.drawing import draw, unknown_words
from atelier.providers.sketch.drawing.painting import paint
from atelier.providers.sketch.drawing.scene import compose, lettered
from tests.cases import each

SMALL = 64
ASTRONAUT = "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"


def sketch(prompt: str, *, negative_prompt: str = "", seed: int | None = 1) -> Image.Image:
    """Return a small picture of the prompt."""
    png = draw(prompt, negative_prompt=negative_prompt, seed=seed, width=SMALL, height=SMALL)
    return Image.open(io.BytesIO(png))


def mean(image: Image.Image) -> tuple[float, float, float]:
    """Return the mean red, green and blue of a picture."""
    red, green, blue = ImageStat.Stat(image.convert("RGB")).mean
    return red, green, blue


def saturation(image: Image.Image) -> float:
    """Return the mean saturation of a picture."""
    return ImageStat.Stat(image.convert("HSV")).mean[1]


def difference(first: Image.Image, second: Image.Image) -> float:
    """Return the mean difference of two pictures, of 255."""
    apart = ImageChops.difference(first.convert("RGB"), second.convert("RGB"))
    return sum(ImageStat.Stat(apart).mean) / 3


def test_is_a_valid_png() -> None:
    png = draw(ASTRONAUT, width=SMALL, height=SMALL)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    Image.open(io.BytesIO(png)).verify()


def test_default_is_1024_square_and_of_reasonable_size() -> None:
    png = draw(ASTRONAUT)
    assert Image.open(io.BytesIO(png)).size == (1024, 1024)
    assert len(png) < 2_500_000


@pytest.mark.parametrize("size", [(64, 64), (192, 128), (128, 192), (64, 192), (256, 64), (101, 77)])
def test_size_is_honoured(size: tuple[int, int]) -> None:
    width, height = size
    assert Image.open(io.BytesIO(draw("a cat", width=width, height=height))).size == size


@pytest.mark.parametrize("prompt", [ASTRONAUT, "neon city, rain", "no known words: zygote"])
def test_same_arguments_give_the_same_bytes(prompt: str) -> None:
    first, second = (draw(prompt, seed=7, width=SMALL, height=SMALL) for _ in range(2))
    assert first == second


def test_seed_changes_the_picture() -> None:
    assert difference(sketch(ASTRONAUT, seed=1), sketch(ASTRONAUT, seed=2)) > 2


def test_subject_changes_the_picture() -> None:
    assert difference(sketch("a robot in a meadow"), sketch("a castle in a meadow")) > 2


def test_plural_is_the_same_subject_several_times() -> None:
    assert difference(sketch("cat in a desert"), sketch("cats in a desert")) > 2


def test_cold_is_bluer_than_warm() -> None:
    cold, warm = (mean(sketch(f"a jungle, {word} colors")) for word in ("cold", "warm"))
    assert cold[2] - cold[0] > warm[2] - warm[0] + 30


def test_night_is_darker_than_day() -> None:
    night, day = (sum(mean(sketch(f"mountains, {word}"))) for word in ("night", "day"))
    assert night < day * 0.7


def test_saturation_follows_the_palette_words() -> None:
    vivid, muted = (saturation(sketch(f"a boat, {word}")) for word in ("vivid", "muted"))
    assert vivid > muted * 1.3


def test_black_and_white_has_no_colour() -> None:
    assert saturation(sketch("robot portrait, black and white")) < 3


def test_words_match_whole_words_only() -> None:
    category, nothing = sketch("category"), sketch("category", negative_prompt="cat")
    assert difference(category, nothing) == 0


def test_negative_prompt_leaves_a_subject_out() -> None:
    with_cat = sketch("a cat in a desert")
    without = sketch("a cat in a desert", negative_prompt="cats, blurry")
    assert difference(with_cat, without) > 2


def test_negative_prompt_leaves_the_sun_out_of_the_sky() -> None:
    assert difference(sketch("a desert"), sketch("a desert", negative_prompt="sun")) > 0.5


def test_negative_prompt_leaves_a_palette_word_out() -> None:
    cold, plain = (mean(sketch("a cold jungle", negative_prompt=word)) for word in ("", "cold"))
    assert cold[2] - cold[0] > plain[2] - plain[0] + 15


@pytest.mark.parametrize(
    "prompt",
    ["", "日本の城 🏯", "رائد فضاء في الغابة", "רובוט", "é" * 10_000, "a cat " * 1_700, "line\nbreak\ttab"],
    ids=["empty", "emoji", "arabic", "hebrew", "long", "long-words", "control"],
)
def test_metadata_holds_any_prompt(prompt: str) -> None:
    picture = sketch(prompt, seed=42)
    assert picture.info["Prompt"] == prompt
    assert picture.info["Seed"] == "42"
    assert picture.info["Software"] == "sketch, not an AI model"


def test_lone_surrogate_is_accepted() -> None:
    assert sketch("cat \ud83d").info["Prompt"] == "cat ?"


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        (ASTRONAUT, ()),
        ("Three foxes and a steam train at dusk, highly detailed", ()),
        ("", ()),
        ("a cat playing the accordion, an Accordion!", ("playing", "accordion")),
        ("xylophone", ("xylophone",)),
        ("日本の城 with a cat", ("日本の城",)),
        ("the dragon's cave", ("cave",)),
    ],
)
def test_words_that_are_not_drawn_are_named_once(prompt: str, unknown: tuple[str, ...]) -> None:
    assert unknown_words(prompt) == unknown


def test_documented_prompts_can_be_drawn() -> None:
    root = Path(__file__).parents[2]
    documents = [
        root / "README.md",
        *sorted((root / "docs").rglob("*.md")),
        *sorted((root / "docs/examples").iterdir()),
    ]
    text = "\n".join(document.read_text() for document in documents if document.is_file())
    prompts = re.findall(r"""(?:generate |prompt"?: )["']([^"'\n…]+)["']""", text)
    assert len(prompts) > 3
    assert {prompt: words for prompt in prompts if (words := unknown_words(prompt))} == {}


def test_unknown_prompt_is_lettered_on_a_canvas() -> None:
    picture = Image.open(io.BytesIO(draw("xylophone orchestra in the opera", seed=1, width=256, height=256)))
    canvas = picture.convert("L").crop((90, 60, 166, 160))
    assert 100 < sum(canvas.histogram()[:100]) < 2_000
    assert sum(canvas.histogram()[200:]) > 1_000


@pytest.mark.parametrize(
    ("prompt", "subjects", "caption"),
    [
        ("a cat", 1, ""),
        ("a cat with an accordion and a sofa", 1, "accordion, sofa"),
        ("a café with a crème brûlée in a jungle", 0, "creme, brulee"),
        ("xylophone", 1, ""),
        ("red at night", 0, ""),
    ],
)
def test_caption_names_what_is_missing_beside_what_is_drawn(prompt: str, subjects: int, caption: str) -> None:
    scene = lettered(compose(prompt, "", random.Random(1)), prompt)
    assert (len(scene.subjects), scene.caption) == (subjects, caption)


def test_caption_changes_only_the_bottom_of_the_picture() -> None:
    scene = compose("a cat with an accordion", "", random.Random(1))
    captioned, plain = (
        paint(shown, random.Random(2), 128, 128) for shown in (scene, dataclasses.replace(scene, caption=""))
    )
    left, top, right, bottom = ImageChops.difference(captioned, plain).getbbox() or (0, 0, 0, 0)
    assert 115 < top < bottom <= 128
    assert 0 < left < right < 128


def test_large_pictures_are_less_oversampled_but_deterministic() -> None:
    first, second = (draw("a boat", seed=3, width=2_048, height=1_280) for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (2_048, 1_280)


SUBJECTS = [
    "astronaut",
    "person",
    "robot",
    "cat",
    "dog",
    "horse",
    "unicorn",
    "fox",
    "wolf",
    "owl",
    "bear",
    "polar bear",
    "panda",
    "lion",
    "rabbit",
    "elephant",
    "penguin",
    "dragon",
    "train",
    "bicycle",
    "airplane",
    "kite",
    "mug",
    "shoe",
    "food",
    "pizza",
    "cake",
    "apple",
    "book",
    "guitar",
    "house",
    "castle",
    "lighthouse",
    "boat",
    "fish",
    "goldfish",
    "car",
    "tree",
    "pine",
    "palm",
    "cactus",
    "flower",
    "rose",
    "mushroom",
    "bird",
    "butterfly",
    "balloon",
    "rocket",
    "moon",
    "sun",
    "planet",
]
SETTINGS = [
    "jungle",
    "forest",
    "meadow",
    "mountains",
    "city",
    "sea",
    "underwater",
    "desert",
    "space",
    "moonscape",
    "table",
    "studio",
    "abstract",
]


@each("subject", SUBJECTS)
def test_every_subject_is_drawn(subject: str) -> None:
    prompt = f"{subject}, abstract"
    assert difference(sketch(prompt), sketch(prompt, negative_prompt=subject)) > 0.2


@each("setting", SETTINGS)
@each("weather", ["day, clouds, rainbow, fog", "winter night, rain, snow, aurora"])
def test_every_setting_is_drawn_in_any_weather(setting: str, weather: str) -> None:
    picture = sketch(f"{setting}, {weather}")
    assert max(ImageStat.Stat(picture.convert("L")).stddev) > 5
