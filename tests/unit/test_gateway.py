"""Gateways: what the catalog can say of a provider that speaks OpenAI's Images API."""

import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from atelier.catalog.gateway import Gateway, Sent
from atelier.catalog.model import Route, embedded, load, mismatches
from atelier.errors import ConfigurationError, ProviderRejectedError
from atelier.images.mask import write_mask
from atelier.providers.openai_shaped import shaped
from atelier.providers.provider import Images, ImageUrls, InputImage, Job
from atelier.providers.registry import KINDS, Setup, keyed, kinds
from tests.cases import each
from tests.unit.asynchronous import raised, wire
from tests.unit.fakes import RAW, InMemoryProviderKeys, a_generation
from tests.unit.test_catalog import SMALL
from tests.unit.test_multipart import fields, read
from tests.unit.test_provider_openai import PNG, SUCCESS
from tests.unit.test_step_dispatch import Room

ENTRY = """
[providers.mine]
concurrency = 2
shape = "openai"
url = "https://gateway.example/ai/v1/"
inputs = ["prompt", "seed"]
"""
MINE = SMALL.replace('name = "fal"', 'name = "mine"') + ENTRY
PICTURES = (InputImage(PNG, "image/png", "https://a.example/1"), InputImage(PNG, "image/png", "https://a.example/2"))
DATA_URL = "data:image/png;base64,iVBORw0KGgogb25l"


def the_gateway(text: str = MINE) -> Gateway:
    return load(text).gateways["mine"]


def sent(gateway: Gateway, *, images: tuple[InputImage, ...] = (), key: str | None = "the key") -> httpx.Request:
    there = wire(httpx.Response(200, json=SUCCESS))
    shaped(gateway)(there.client).submit(Job(model="a", input={"prompt": "p"}, callback_url="", key=key, images=images))
    [request] = there.requests
    return request


def test_an_entry_makes_a_provider() -> None:
    catalog = load(MINE)
    (route,) = catalog.model("m").routes
    assert route.gateway == Gateway(
        name="mine", url="https://gateway.example/ai/v1", inputs=frozenset({"prompt", "seed"})
    )
    assert list(mismatches(catalog, {name: kind.inputs for name, kind in KINDS.items()})) == []
    kind = keyed("mine", catalog)
    assert (kind.name, kind.needs_key, kind.charges, kind.asynchronous) == ("mine", True, True, False)
    assert catalog.concurrency_of("mine") == 2


def test_a_job_goes_to_its_paths_with_its_key() -> None:
    request = sent(the_gateway())
    assert str(request.url) == "https://gateway.example/ai/v1/images/generations"
    assert request.headers["Authorization"] == "Bearer the key"
    assert json.loads(request.content) == {"model": "a", "prompt": "p"}
    told = the_gateway(MINE + 'header = "X-Key"\nscheme = ""\ngenerations = "/draw"\n')
    request = sent(told)
    assert (str(request.url), request.headers["X-Key"]) == ("https://gateway.example/ai/v1/draw", "the key")
    assert "Authorization" not in request.headers


def test_a_gateway_may_have_no_key() -> None:
    gateway = the_gateway(MINE + "key = false\n")
    assert "Authorization" not in sent(gateway, key=None).headers
    assert Setup(InMemoryProviderKeys(), {}).ready(Route("mine", "a", gateway=gateway))


def test_an_address_may_be_the_operators_affair() -> None:
    gateway = the_gateway(MINE.replace('url = "https://gateway.example/ai/v1/"', ""))
    route, keys = Route("mine", "a", gateway=gateway), InMemoryProviderKeys({"mine": "k"})
    assert not Setup(keys, {}).ready(route)
    assert Setup(keys, {"mine": "http://10.0.0.5:4000/v1"}).ready(route)


@each(
    ("as_", "wanted"),
    [
        (Sent.URLS, [DATA_URL, DATA_URL]),
        (Sent.OBJECTS, [{"url": DATA_URL, "type": "image_url"}] * 2),
        (Sent.REFERENCES, [{"type": "image_url", "image_url": {"url": DATA_URL}}] * 2),
    ],
)
def test_pictures_go_as_the_entry_says(as_: Sent, wanted: list[Any]) -> None:
    line = f'edits = "/edit"\npictures = {{ field = "theirs", as = "{as_.value}" }}\n'
    request = sent(the_gateway(MINE + line), images=PICTURES)
    assert str(request.url).endswith("/edit")
    assert json.loads(request.content) == {"model": "a", "prompt": "p", "theirs": wanted}


def test_pictures_go_as_a_form_or_one_at_a_time() -> None:
    request = sent(the_gateway(), images=PICTURES)
    assert fields(read(request.headers["Content-Type"], request.content))["image[]"] == PNG
    one = the_gateway(MINE + 'pictures = { field = "image_url", as = "url" }\n')
    assert json.loads(sent(one, images=PICTURES[:1]).content)["image_url"] == DATA_URL
    assert "one picture" in str(raised(ProviderRejectedError, lambda: sent(one, images=PICTURES)))


def test_a_mask_goes_where_the_entry_says_in_black_and_white() -> None:
    lines = 'edits = "/edit"\ninpaint = "/paint"\npictures = { field = "image_url", as = "url" }\n'
    mask = InputImage(write_mask(4, 1, bytes([0, 127, 128, 255])), "image/png", "")
    job = Job(model="a", input={}, callback_url="", key="k", images=PICTURES[:1])
    there = wire(httpx.Response(200, json=SUCCESS))
    gateway = the_gateway(MINE + lines + 'mask = "mask_url"\n')
    shaped(gateway)(there.client).submit(replace(job, mask=mask))
    shaped(gateway)(there.client).submit(job)
    masked, plain = (json.loads(request.content) for request in there.requests)
    assert [url.removeprefix("https://gateway.example/ai/v1") for _, url in there.asked] == ["/paint", "/edit"]
    assert masked == {**plain, "mask_url": masked["mask_url"]}
    written = base64.b64decode(masked["mask_url"].removeprefix("data:image/png;base64,"))
    assert written == write_mask(4, 1, bytes([0, 0, 255, 255]))
    # and an entry without a field for it takes none
    refusal = raised(
        ProviderRejectedError, lambda: shaped(the_gateway(MINE + lines))(there.client).submit(replace(job, mask=mask))
    )
    assert "it takes no mask" in str(refusal)


@each(
    ("answer", "cost"),
    [
        ({}, None),
        ({"usage": {"ticks": 200_000_000}}, 20_000),
        ({"usage": {"ticks": 0}}, 0),
        ({"usage": {"ticks": -1}}, None),
        ({"usage": {"ticks": "200000000"}}, None),
        ({"usage": {"ticks": True}}, None),
        ({"usage": {"ticks": 10**400}}, 100_000_000_000),
        ({"usage": [1]}, None),
    ],
)
def test_the_cost_is_read_from_where_it_stands(answer: dict[str, Any], cost: int | None) -> None:
    gateway = the_gateway(MINE + 'cost = { "usage.ticks" = 1e-10 }\n')
    there = wire(httpx.Response(200, json={**SUCCESS, **answer}))
    outcome = shaped(gateway)(there.client).submit(Job(model="a", input={}, callback_url="", key="k"))
    assert isinstance(outcome, Images)
    assert outcome.cost == (cost if cost is None or cost < 1_000_000_000 else None)


def test_openais_tokens_are_money() -> None:
    tokens = {"input_tokens_details": {"text_tokens": 20, "image_tokens": 1_000}, "output_tokens": 1_756}
    there = wire(httpx.Response(200, json={**SUCCESS, "usage": tokens}))
    outcome = KINDS["openai"](there.client, {}).submit(  # type: ignore[call-arg]
        Job(model="gpt-image-2", input={}, callback_url="", key="k")
    )
    assert isinstance(outcome, Images)
    assert outcome.cost == 20 * 5 + 1_000 * 8 + 1_756 * 30


def test_refused_pictures_are_left_out_and_all_refused_is_unsafe() -> None:
    gateway = the_gateway(MINE + 'refused = { field = "ok", value = false }\n')
    job = Job(model="a", input={}, callback_url="", key="k")

    def answer(*flags: bool) -> httpx.Response:
        data = [{"url": f"https://cdn.example/{n}.png", "ok": flag} for n, flag in enumerate(flags)]
        return httpx.Response(200, json={"data": data})

    outcome = shaped(gateway)(wire(answer(False, True)).client).submit(job)
    assert outcome == ImageUrls(("https://cdn.example/1.png",), 3_600)
    refusal = raised(ProviderRejectedError, lambda: shaped(gateway)(wire(answer(False, False)).client).submit(job))
    assert "to be unsafe" in str(refusal)


@each(
    ("body", "words"),
    [
        ({"error": "The size is wrong."}, "The size is wrong"),
        ({"code": "x", "message": "Too long."}, "Too long"),
        ({"error": {"message": "No.", "code": 400}}, "No"),
        ({"detail": "Nothing there."}, "Nothing there"),
        ([], "refused the input; change it"),
    ],
)
def test_a_refusal_is_found_wherever_its_words_stand(body: Any, words: str) -> None:
    there = wire(httpx.Response(400, json=body))
    job = Job(model="a", input={}, callback_url="", key="k")
    assert words in str(raised(ProviderRejectedError, lambda: shaped(the_gateway())(there.client).submit(job)))


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (ENTRY.replace('"openai"', '"fal"'), "the shape 'fal' is not known"),
        (ENTRY + "adress = 1", "a gateway has no adress"),
        (ENTRY.replace("https:", "http:"), "'url' cannot be called: The URL must start with https"),
        (ENTRY.replace("gateway.example", "10.0.0.5"), "goes into ProviderUrls"),
        (ENTRY.replace("gateway.example", "169.254.169.254"), "not public"),
        (ENTRY.replace("gateway.example", "user:pw@gateway.example"), "without a user name"),
        (ENTRY.replace('inputs = ["prompt", "seed"]', ""), "'inputs' is missing"),
        (ENTRY + 'edits = "images"', "'edits' must be a path that starts with /"),
        (ENTRY + 'inpaint = "paint"', "'inpaint' must be a path that starts with /"),
        (ENTRY + 'mask = "mask"', "the pictures go as a form"),
        (ENTRY + 'scheme = "a\\nb"', "'scheme' must be plain text"),
        (ENTRY + 'pictures = { field = "a", as = "fax" }', "'fax' is not a valid Sent"),
        (ENTRY + "cost = { a = 2 }", "a unit of 'cost' must be"),
        (ENTRY + "refused = { field = 'a' }", "'value' is missing"),
    ],
)
def test_a_broken_entry_is_said(entry: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match="mine: ") as caught:
        load(SMALL.replace('name = "fal"', 'name = "mine"') + entry)
    assert fault in str(caught.value)


def test_a_gateway_does_not_take_another_providers_name_or_key() -> None:
    catalog = load(SMALL + ENTRY.replace("providers.mine", "providers.fal"))
    faults = list(mismatches(catalog, {name: kind.inputs for name, kind in KINDS.items()}))
    assert "fal: a provider of this name exists; give the gateway another one" in faults
    assert kinds(catalog)["fal"] is KINDS["fal"]


def test_a_generation_is_dispatched_to_a_gateway() -> None:
    catalog = load(MINE)
    (route,) = catalog.model("m").routes
    keys = InMemoryProviderKeys({"mine": "the key"})
    there = Room(a_generation(model="m"), catalog=catalog, keys=keys, other=[Images((RAW,), 1_234)])
    done = there.run()
    assert (done.provider, done.provider_cost, len(done.outputs)) == ("mine", 1_234, 1)
    assert replace(route, gateway=None).gateway is None


def test_the_catalogs_gateways_are_those_of_the_readme() -> None:
    assert set(embedded().gateways) == {"xai", "openrouter", "together", "recraft"}
