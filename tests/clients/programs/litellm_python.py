"""LiteLLM's SDK, with any OpenAI-compatible service."""

import io

import litellm
from scenarios import SETTINGS, SKETCH, decoded, equal, png, run

litellm.drop_params = True


def generate(base=SETTINGS["base"], key=SETTINGS["key"], model=SKETCH, **changes):
    wanted = {"prompt": "a boat", "size": "256x256", **changes}
    return litellm.image_generation(
        model=f"openai/{model}", api_base=f"{base}/v1", api_key=key, max_retries=0, num_retries=0, **wanted
    )


def sizes(answer):
    return [decoded(item["b64_json"]) for item in answer.data]


def edit(images, **fields):
    return litellm.image_edit(
        model=f"openai/{SKETCH}", image=images, prompt="a boat", api_base=f"{SETTINGS['base']}/v1",
        api_key=SETTINGS["key"], **fields,
    )  # fmt: skip


def refused(status, call):
    try:
        call()
    except Exception as exc:
        equal(getattr(exc, "status_code", exc), status)
        return
    raise AssertionError("it was not refused")


def named(content):
    file = io.BytesIO(content)
    file.name = "image.png"
    return file


def long():
    slow = SETTINGS["slow"]
    answer = litellm.image_generation(
        model=f"openai/{slow['model']}", prompt=slow["prompt"], api_base=f"{SETTINGS['upstream']}/v1",
        api_key=SETTINGS["rich"], max_retries=0,
    )  # fmt: skip
    assert sizes(answer)


SCENARIOS = {
    "generate": lambda: equal(sizes(generate(seed=7)), [(256, 256)]),
    "n = 2": lambda: equal(sizes(generate(n=2)), [(256, 256)] * 2),
    "sizes": lambda: equal(sizes(generate(size="300x257")), [(300, 257)]),
    "edit, one": lambda: equal(sizes(edit(named(png()))), [(64, 64)]),
    "edit, two": lambda: equal(sizes(edit([named(png()), named(png(9))])), [(64, 64)]),
    "mask": lambda: equal(sizes(edit(named(png()), mask=named(png(alpha=0)))), [(64, 64)]),
    "401": lambda: refused(401, lambda: generate(key="none")),
    "bad parameter": lambda: refused(400, lambda: generate(size="big")),
    "refused": lambda: refused(400, lambda: generate(prompt="test:unsafe")),
    "failed": lambda: refused(424, lambda: generate(prompt="test:fail")),
    "no credits": lambda: refused(
        429,
        lambda: litellm.image_generation(
            model=f"openai/{SETTINGS['paid']}", prompt="a boat", api_base=f"{SETTINGS['upstream']}/v1",
            api_key=SETTINGS["poor"], max_retries=0,
        ),
    ),
    "rate limit": lambda: refused(429, lambda: generate(key=SETTINGS["limited"])),
    "65 s": long,
}  # fmt: skip

if __name__ == "__main__":
    run(SCENARIOS)
