"""replicate-python."""

import io

import httpx
import replicate
from replicate.exceptions import ReplicateError
from replicate.helpers import FileOutput
from scenarios import SETTINGS, equal, png, run, size

client = replicate.Client(api_token=SETTINGS["key"], base_url=SETTINGS["base"])
MODEL = "atelier/sketch"
INPUT = {"prompt": "a boat", "width": 256, "height": 256}


def sizes(outputs):
    """Read outputs as FileOutput does, into which the client makes them where the URLs are https."""
    files = [it if isinstance(it, FileOutput) else FileOutput(it, client) for it in outputs]
    return [size(file.read()) for file in files]


def make(model=MODEL, **changes):
    return sizes(client.run(model, input={**INPUT, **changes}))


def by_version():
    (version,) = client.models.get(MODEL).versions.list()
    equal(make(f"{MODEL}:{version.id}", num_outputs=1, go_fast=True), [(256, 256)])


def edit(*contents, **fields):
    files = [io.BytesIO(content) for content in contents]
    return sizes(client.run(MODEL, input={"prompt": "a boat", "image_input": files, **fields}))


def listed():
    assert "sketch" in [model.name for model in client.models.list()]
    made = client.predictions.create(model=MODEL, input=INPUT)
    assert made.id in [it.id for it in client.predictions.list().results]
    made.wait()
    equal(made.status, "succeeded")


def refused(status, call):
    try:
        call()
    except ReplicateError as exc:
        equal(exc.status, status)
        return
    raise AssertionError("it was not refused")


def failed(prompt):
    try:
        make(prompt=prompt)
    except replicate.exceptions.ModelError as exc:
        equal(exc.prediction.status, "failed")
        return
    raise AssertionError("it did not fail")


def other(key, base=SETTINGS["base"]):
    return replicate.Client(api_token=key, base_url=base)


def long():
    slow = SETTINGS["slow"]
    outputs = other(SETTINGS["rich"], SETTINGS["upstream"]).run(
        f"atelier/{slow['model']}", input={"prompt": slow["prompt"]}
    )
    assert httpx.get(str(outputs[0])).content[:4] == b"\x89PNG"


def poor():
    client = other(SETTINGS["poor"], SETTINGS["upstream"])
    client.run(f"atelier/{SETTINGS['paid']}", input={"prompt": "a boat"})


SCENARIOS = {
    "generate": by_version,
    "n = 2": lambda: equal(make(num_outputs=2), [(256, 256)] * 2),
    "url": lambda: equal(len(client.run(MODEL, input=INPUT, use_file_output=False)), 1),
    "sizes": lambda: equal(make(width=300, height=257.0), [(300, 257)]),
    "edit, one": lambda: equal(edit(png()), [(64, 64)]),
    "edit, two": lambda: equal(edit(png(), png(9)), [(64, 64)]),
    "mask": lambda: equal(edit(png(), mask=io.BytesIO(png(alpha=0))), [(64, 64)]),
    "list": listed,
    "401": lambda: refused(401, lambda: other("none").models.get(MODEL)),
    "bad parameter": lambda: refused(422, lambda: make(width="wide")),
    "refused": lambda: failed("test:unsafe"),
    "failed": lambda: failed("test:fail"),
    "no credits": lambda: refused(402, poor),
    "rate limit": lambda: refused(429, lambda: other(SETTINGS["limited"]).predictions.create(model=MODEL, input=INPUT)),
    "65 s": long,
}

if __name__ == "__main__":
    run(SCENARIOS)
