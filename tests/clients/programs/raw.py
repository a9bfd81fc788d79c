"""HTTP clients that know no dialect, and what applications send by them: aiohttp as Open WebUI does, requests, curl.

httpx makes the calls of the API itself, as programs written for it do.
"""

import asyncio
import base64
import json
import subprocess
import tempfile
import time
from pathlib import Path

import aiohttp
import httpx
import requests
from scenarios import NAME, SETTINGS, SKETCH, decoded, equal, png, run, size


def by_requests(method, url, key, body=None, form=None, headers=None):
    files = None
    if form is not None:
        files = [
            (name, ("a.png", value, "image/png") if isinstance(value, bytes) else (None, value)) for name, value in form
        ]
    headers = {"Authorization": f"Bearer {key}", **(headers or {})}
    answer = requests.request(method, url, headers=headers, json=body, files=files, timeout=300)
    return answer.status_code, answer.content


def by_aiohttp(method, url, key, body=None, form=None, headers=None):
    async def ask():
        data = None
        if form is not None:
            data = aiohttp.FormData()
            for name, value in form:
                if isinstance(value, bytes):
                    data.add_field(name, value, filename="a.png", content_type="image/png")
                else:
                    data.add_field(name, value)
        sent = {"Authorization": f"Bearer {key}", **(headers or {})}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=sent, json=body, data=data) as answer,
        ):
            return answer.status, await answer.read()

    return asyncio.run(ask())


def by_curl(method, url, key, body=None, form=None, headers=None):
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "answer"
        command = ["curl", "-sS", "-L", "-o", str(output), "-w", "%{http_code}", "-H", f"Authorization: Bearer {key}"]
        for name, value in (headers or {}).items():
            command += ["-H", f"{name}: {value}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        for number, (name, value) in enumerate(form or ()):
            if isinstance(value, bytes):
                picture = Path(folder) / f"{number}.png"
                picture.write_bytes(value)
                value = f"@{picture};type=image/png"
            command += ["-F", f"{name}={value}"]
        ran = subprocess.run([*command, url], capture_output=True, text=True, check=True)
        return int(ran.stdout), output.read_bytes()


def by_httpx(method, url, key, body=None, form=None, headers=None):
    headers = {"Authorization": key, **(headers or {})}
    answer = httpx.request(method, url, headers=headers, json=body, timeout=300, follow_redirects=True)
    return answer.status_code, answer.content


send = {"aiohttp": by_aiohttp, "requests": by_requests, "curl": by_curl, "httpx": by_httpx}[NAME.partition(",")[0]]
BASE, UPSTREAM = SETTINGS["base"] + "/v1", SETTINGS["upstream"] + "/v1"


def ask(path, body=None, *, form=None, base=BASE, key=SETTINGS["key"], headers=None):
    status, content = send("GET" if body is None and form is None else "POST", base + path, key, body, form, headers)
    return status, content


def generate(base=BASE, key=SETTINGS["key"], headers=None, **changes):
    body = {"model": SKETCH, "prompt": "a boat", "size": "256x256", **changes}
    body = {name: value for name, value in body.items() if value is not None}
    return ask("/images/generations", body, base=base, key=key, headers=headers)


def sizes(answer):
    status, content = answer
    equal((status, content[:300] if status != 200 else b""), (200, b""))
    return [decoded(item["b64_json"]) for item in json.loads(content)["data"]]


def edit(*pictures):
    form = [("model", SKETCH), ("prompt", "a boat"), ("n", "1"), ("response_format", "b64_json"), *pictures]
    return ask("/images/edits", form=form)


def url():
    status, content = generate(response_format="url")
    picture = json.loads(content)["data"][0]["url"]
    status, content = send("GET", picture, SETTINGS["key"])
    assert (status, content[:4]) == (200, b"\x89PNG"), (status, content[:80])


def stream():
    status, content = generate(stream=True)
    (line,) = [line for line in content.decode().splitlines() if line.startswith("data: ")]
    equal((status, json.loads(line[6:])["type"]), (200, "image_generation.completed"))


def refused(status, code, answer):
    found, content = answer
    equal((found, json.loads(content)["error"]["code"]), (status, code))


def models():
    status, content = ask("/models")
    assert SKETCH in [model["id"] for model in json.loads(content)["data"]], (status, content)


def long():
    slow = SETTINGS["slow"]
    headers = {"Idempotency-Key": slow["idempotency"]}
    assert sizes(generate(UPSTREAM, SETTINGS["rich"], headers, model=slow["model"], prompt=slow["prompt"], size=None))


def large():
    big = SETTINGS["large"]
    headers = {"Idempotency-Key": big["idempotency"]}
    answer = generate(headers=headers, prompt="snow", n=4, size=None, image_urls=[big["picture"]])
    equal(sizes(answer), [tuple(big["size"])] * 4)


OPENAI = {
    "generate": lambda: equal(sizes(generate(n=1, response_format="b64_json", seed=7)), [(256, 256)]),
    "n = 2": lambda: equal(sizes(generate(n=2)), [(256, 256)] * 2),
    "url": url,
    "sizes": lambda: equal(sizes(generate(size="300x257")), [(300, 257)]),
    "edit, one": lambda: equal(sizes(edit(("image", png()))), [(64, 64)]),
    "edit, two": lambda: equal(sizes(edit(("image[]", png()), ("image[]", png(9)))), [(64, 64)]),
    "mask": lambda: equal(sizes(edit(("image", png()), ("mask", png(alpha=0)))), [(64, 64)]),
    "stream": stream,
    "list": models,
    "401": lambda: refused(401, "invalid_api_key", generate(key="none")),
    "bad parameter": lambda: refused(400, "invalid_value", generate(size="big")),
    "refused": lambda: refused(400, "moderation_blocked", generate(prompt="test:unsafe")),
    "failed": lambda: refused(424, "generation_failed", generate(prompt="test:fail")),
    "no credits": lambda: refused(
        429, "insufficient_quota", generate(UPSTREAM, SETTINGS["poor"], model=SETTINGS["paid"], size=None)
    ),
    "rate limit": lambda: refused(429, "rate_limit_exceeded", generate(key=SETTINGS["limited"])),
    "65 s": long,
    "20 MB": large,
}


# ---- AUTOMATIC1111, as Open WebUI's default engine asks for pictures


def web_ui(path, body=None, *, base=SETTINGS["base"], key=SETTINGS["key"]):
    credentials = base64.b64encode(f"any:{key}".encode()).decode()
    method = "GET" if body is None else "POST"
    return send(method, f"{base}/sdapi/v1/{path}", key, body, None, {"Authorization": f"Basic {credentials}"})


def drawn(path="txt2img", *, base=SETTINGS["base"], key=SETTINGS["key"], **changes):
    body = {"prompt": "a boat", "batch_size": 1, "width": 256, "height": 256, **changes}
    status, content = web_ui(path, body, base=base, key=key)
    equal((status, content[:300] if status != 200 else b""), (200, b""))
    document = json.loads(content)
    json.loads(document["info"])
    return [decoded(text) for text in document["images"]]


def wrong(status, answer):
    found, content = answer
    equal((found, "detail" in json.loads(content)), (status, True))


def listed():
    wanted = json.loads(web_ui("options")[1])["sd_model_checkpoint"]
    assert wanted in [model["title"] for model in json.loads(web_ui("sd-models")[1])]


def pictures(**fields):
    return drawn("img2img", init_images=[base64.b64encode(png(width=256, height=256)).decode()], **fields)


A1111 = {
    "generate": lambda: equal(drawn(seed=-1, steps=20, cfg_scale=7, sampler_name="Euler"), [(256, 256)]),
    "n = 2": lambda: equal(drawn(batch_size=2), [(256, 256)] * 2),
    "sizes": lambda: equal(drawn(width=300, height=257), [(300, 257)]),
    "edit, one": lambda: equal(pictures(denoising_strength=0.5), [(256, 256)]),
    "mask": lambda: equal(pictures(mask=base64.b64encode(png(0, width=256, height=256)).decode()), [(256, 256)]),
    "list": listed,
    "401": lambda: wrong(401, web_ui("options", key="none")),
    "bad parameter": lambda: wrong(400, web_ui("txt2img", {"prompt": "a boat", "width": "wide"})),
    "refused": lambda: wrong(400, web_ui("txt2img", {"prompt": "test:unsafe"})),
    "failed": lambda: wrong(424, web_ui("txt2img", {"prompt": "test:fail"})),
    "rate limit": lambda: wrong(429, web_ui("txt2img", {"prompt": "a boat"}, key=SETTINGS["limited"])),
}


# ---- The API itself, as its documentation has it: by model at /generate, by tool at /run


def own(path, body=None, *, base=SETTINGS["base"], key=SETTINGS["key"], headers=None):
    status, content = send("GET" if body is None else "POST", base + path, key, body, None, headers)
    return status, json.loads(content)


def made(model=SKETCH, headers=None, base=SETTINGS["base"], key=SETTINGS["key"], **given):
    given = {"prompt": "a boat", **given}
    return own("/generate", {"model": model, "input": given}, base=base, key=key, headers=headers)


def fetched(answer):
    status, generation = answer
    equal((status, generation.get("status")), (200, "success"))
    urls = [picture["url"] for picture in generation["outputs"]]
    equal(urls[0], generation["output"])
    pictures = [send("GET", url, SETTINGS["key"]) for url in urls]
    equal([status for status, _ in pictures], [200] * len(pictures))
    return [size(content) for _, content in pictures]


def run_tool(name, **given):
    """Submit, and ask until it is done, as programs do that know no waiting call."""
    status, generation = own("/run", {"tool": name, "input": given})
    equal(status, 202)
    return outcome(generation["id"])


def outcome(name, **whose):
    for _ in range(150):
        status, generation = own(f"/generations/{name}", **whose)
        if generation["status"] in ("success", "error"):
            break
        time.sleep(1)
    return status, generation


def inline(content):
    return "data:image/png;base64," + base64.b64encode(content).decode()


def edited(*pictures, **given):
    given = {"prompt": "a boat", "model": SKETCH, "image_urls": [inline(picture) for picture in pictures], **given}
    return fetched(run_tool("edit-image", **given))


def faulty(status, field, answer):
    found, document = answer
    equal((found, bool(document["message"]), [each["field"] for each in document.get("errors", [])]),
          (status, True, [field] if field else []))  # fmt: skip


def unsuccessful(reason, answer):
    status, generation = answer
    equal((status, generation["status"], generation["output"]), (200, "error", None))
    assert reason in generation["error"], generation


def waited():
    slow = SETTINGS["slow"]
    base, key = SETTINGS["upstream"], SETTINGS["rich"]
    status, generation = made(slow["model"], {"Idempotency-Key": "own"}, base, key, prompt=slow["prompt"])
    equal(status, 202)
    status, generation = outcome(generation["id"], base=base, key=key)
    equal((status, generation["status"]), (200, "success"))


def made_large():
    big = SETTINGS["large"]
    answer = made(headers={"Prefer": "wait=25"}, prompt="snow", num_images=4, image_urls=[big["picture"]])
    equal(fetched(answer), [tuple(big["size"])] * 4)


OWN = {
    "generate": lambda: equal(fetched(made(width=256, height=256, seed=7)), [(256, 256)]),
    "n = 2": lambda: equal(fetched(made(width=256, height=256, num_images=2)), [(256, 256)] * 2),
    "url": lambda: equal(len(fetched(run_tool("create-image", prompt="a boat"))), 1),
    "sizes": lambda: equal(fetched(made(width=300, height=257)), [(300, 257)]),
    "edit, one": lambda: equal(edited(png()), [(64, 64)]),
    "edit, two": lambda: equal(edited(png(), png(9)), [(64, 64)]),
    "mask": lambda: equal(edited(png(), mask_url=inline(png(alpha=0))), [(64, 64)]),
    "list": lambda: equal(SKETCH in [model["slug"] for model in own("/models")[1]["data"]], True),
    "401": lambda: faulty(401, None, made(key="none")),
    "bad parameter": lambda: faulty(400, "input.width", made(width="wide")),
    "refused": lambda: unsuccessful("", made(prompt="test:unsafe")),
    "failed": lambda: unsuccessful("", made(prompt="test:fail")),
    "no credits": lambda: faulty(402, None, made(SETTINGS["paid"], base=SETTINGS["upstream"], key=SETTINGS["poor"])),
    "rate limit": lambda: faulty(429, None, made(key=SETTINGS["limited"])),
    "65 s": waited,
    "20 MB": made_large,
}

if __name__ == "__main__":
    run(OWN if "Atelier" in NAME else A1111 if "1111" in NAME else OPENAI)
