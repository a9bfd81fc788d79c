"""openai-python, of whichever major version is installed."""

import io

import openai
from scenarios import SETTINGS, SKETCH, decoded, equal, png, run

client = openai.OpenAI(base_url=SETTINGS["base"] + "/v1", api_key=SETTINGS["key"], max_retries=0)
upstream = openai.OpenAI(base_url=SETTINGS["upstream"] + "/v1", api_key=SETTINGS["poor"], max_retries=0)


def generate(**changes):
    wanted = {"model": SKETCH, "prompt": "a boat", "size": "256x256", **changes}
    return client.images.generate(**wanted)


def sizes(answer):
    return [decoded(item.b64_json) for item in answer.data]


def refused(status, code, call):
    try:
        call()
    except openai.APIStatusError as exc:
        equal((exc.status_code, exc.code), (status, code))
        return exc
    raise AssertionError("it was not refused")


def url():
    answer = generate(response_format="url")
    assert answer.data[0].url.startswith("http"), answer


def shapes():
    equal(sizes(generate(size="300x257")), [(300, 257)])
    equal(sizes(generate(quality="standard", style="vivid", background="auto", user="u")), [(256, 256)])


def edit(images, **fields):
    return client.images.edit(model=SKETCH, prompt="a boat", image=images, **fields)


def stream():
    kinds = [event.type for event in generate(stream=True, partial_images=1)]
    equal(kinds, ["image_generation.completed"])
    kinds = [event.type for event in edit(io.BytesIO(png()), stream=True)]
    equal(kinds, ["image_edit.completed"])


def unknown_key():
    stranger = openai.OpenAI(base_url=SETTINGS["base"] + "/v1", api_key="sk-none", max_retries=0)
    refused(401, "invalid_api_key", stranger.models.list)


def limited():
    other = openai.OpenAI(base_url=SETTINGS["base"] + "/v1", api_key=SETTINGS["limited"], max_retries=0)
    exc = refused(429, "rate_limit_exceeded", lambda: other.images.generate(model=SKETCH, prompt="a boat"))
    assert isinstance(exc, openai.RateLimitError)


def long():
    other = openai.OpenAI(base_url=SETTINGS["upstream"] + "/v1", api_key=SETTINGS["rich"], max_retries=0)
    slow = SETTINGS["slow"]
    answer = other.images.generate(
        model=slow["model"], prompt=slow["prompt"], extra_headers={"Idempotency-Key": slow["idempotency"]}
    )
    assert sizes(answer)


def large():
    big = SETTINGS["large"]
    body = {"model": SKETCH, "prompt": "snow", "n": 4}
    extra = {"image_urls": [big["picture"]]}
    answer = client.images.generate(**body, extra_body=extra, extra_headers={"Idempotency-Key": big["idempotency"]})
    equal(sizes(answer), [tuple(big["size"])] * 4)


def dropped():
    """Send again what the network dropped, once."""
    drop = SETTINGS["dropped"]
    other = openai.OpenAI(base_url=drop["base"] + "/v1", api_key=drop["key"])
    assert sizes(other.images.generate(model=drop["model"], prompt=drop["prompt"]))


def models():
    assert SKETCH in [model.id for model in client.models.list()]
    equal(client.models.retrieve(SKETCH).id, SKETCH)


SCENARIOS = {
    "generate": lambda: equal(sizes(generate(extra_body={"seed": 7})), [(256, 256)]),
    "n = 2": lambda: equal(sizes(generate(n=2)), [(256, 256)] * 2),
    "url": url,
    "sizes": shapes,
    "edit, one": lambda: equal(sizes(edit(png())), [(64, 64)]),
    "edit, two": lambda: equal(sizes(edit([png(), png(9)])), [(64, 64)]),
    "mask": lambda: equal(sizes(edit(("a.png", png()), mask=("m.png", png(alpha=0)))), [(64, 64)]),
    "stream": stream,
    "list": models,
    "401": unknown_key,
    "bad parameter": lambda: refused(400, "invalid_value", lambda: generate(size="big")),
    "refused": lambda: refused(400, "moderation_blocked", lambda: generate(prompt="test:unsafe")),
    "failed": lambda: refused(424, "generation_failed", lambda: generate(prompt="test:fail")),
    "no credits": lambda: refused(
        429, "insufficient_quota", lambda: upstream.images.generate(model=SETTINGS["paid"], prompt="a boat")
    ),
    "rate limit": limited,
    "65 s": long,
    "20 MB": large,
}

if __name__ == "__main__":
    run({**SCENARIOS, "dropped": dropped} if SETTINGS.get("dropped") else SCENARIOS)
