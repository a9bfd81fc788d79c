"""LangChain's image tool, which answers the picture's URL."""

import openai
from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper
from scenarios import SETTINGS, SKETCH, equal, run


def make(prompt="a boat", *, base=SETTINGS["base"], key=SETTINGS["key"], model=SKETCH, size="256x256", **fields):
    wrapper = DallEAPIWrapper(
        api_key=key,
        base_url=f"{base}/v1",
        model=model,
        size=size,
        max_retries=0,
        default_query={"response_format": "url"},
        **fields,
    )
    return wrapper.run(prompt)


def made(answer, number=1):
    urls = answer.split(fields_separator) if number > 1 else [answer]
    equal([url.startswith("http") for url in urls], [True] * number)


fields_separator = "\n"


def refused(status, call):
    try:
        call()
    except openai.APIStatusError as exc:
        equal(exc.status_code, status)
        return
    raise AssertionError("it was not refused")


SCENARIOS = {
    "generate": lambda: made(make()),
    "n = 2": lambda: made(make(n=2), 2),
    "url": lambda: made(make()),
    "sizes": lambda: made(make(size="300x257")),
    "401": lambda: refused(401, lambda: make(key="none")),
    "bad parameter": lambda: refused(400, lambda: make(size="big")),
    "refused": lambda: refused(400, lambda: make("test:unsafe")),
    "failed": lambda: refused(424, lambda: make("test:fail")),
    "rate limit": lambda: refused(429, lambda: make(key=SETTINGS["limited"])),
}

if __name__ == "__main__":
    run(SCENARIOS)
