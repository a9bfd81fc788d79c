"""What a client asks for: read, or refused with every field at fault."""

import base64
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.accounts.authorization import parse_authorization
from atelier.api.generation_request import parse_generation_request, parse_run_request
from atelier.api.json_body import MAX_BODY_BYTES, parse_object
from atelier.api.prefer import parse_wait
from atelier.api.redelivery_request import parse_redelivery
from atelier.catalog.model import embedded, load
from atelier.errors import (
    FieldError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
    RequestError,
    UnauthenticatedError,
)
from atelier.generations.accept import GenerationRequest
from atelier.generations.model import FINAL, Status
from atelier.outbound.url_policy import UrlPolicy
from tests.cases import each

MISSION = """
{
  "model": "playground-v2",
  "input": {
    "prompt": "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"
  },
  "webhook": "https://your-server.com/api/webhook"
}
"""
HOOK = "https://your-server.com/api/webhook"
CATALOG = embedded()
DEEP = sys.getrecursionlimit() * 10
relaxed = settings(deadline=None)


def parse(body: str) -> GenerationRequest:
    """Read a body as a deployed stack does."""
    return parse_generation_request(body, CATALOG, UrlPolicy())


def refused(body: str) -> RequestError:
    """Return the error with which a body is refused."""
    with pytest.raises(RequestError) as caught:
        parse(body)
    return caught.value


def faults(error: RequestError) -> set[tuple[str, str]]:
    """Return the fields at fault with their codes."""
    return {(fault.field, fault.code) for fault in error.errors}


def request(*, without: str | None = None, **fields: Any) -> str:
    """Write a valid request, but for some fields."""
    document = {"model": "sketch", "input": {"prompt": "a cat"}, **fields}
    document.pop(without or "", None)
    return json.dumps(document)


def test_the_missions_request_is_valid() -> None:
    read = parse(MISSION)
    assert read.model is CATALOG.models["playground-v2"]
    assert read.input == {"prompt": "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"}
    assert read.webhook == HOOK


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        (None, FINAL),
        (["success", "error"], FINAL),
        (["error", "success"], FINAL),
        (["processing"], (Status.PROCESSING,)),
        (["success", "pending"], (Status.PENDING, Status.SUCCESS)),
        (list(Status), tuple(Status)),
    ],
)
def test_a_webhook_is_told_of_what_it_asks_for_or_of_the_end(
    events: list[str] | None, wanted: tuple[Status, ...]
) -> None:
    assert parse(request(webhook=HOOK, webhook_events=events)).webhook_events == wanted
    assert parse(request(webhook=HOOK)).webhook_events == FINAL


@each(
    ("events", "expected"),
    [
        ([], {("webhook_events", "too_short")}),
        ("success", {("webhook_events", "type")}),
        ({"success": True}, {("webhook_events", "type")}),
        (["success", 1], {("webhook_events", "type")}),
        (["success", ["error"]], {("webhook_events", "type")}),
        (["success", "done"], {("webhook_events.1", "enum")}),
        (["Success", ""], {("webhook_events.0", "enum"), ("webhook_events.1", "enum")}),
        (["success", "error", "success"], {("webhook_events", "repeated")}),
        (["x", "x"], {("webhook_events.0", "enum"), ("webhook_events.1", "enum"), ("webhook_events", "repeated")}),
    ],
)
def test_webhook_events_are_a_list_of_statuses(events: object, expected: set[tuple[str, str]]) -> None:
    assert faults(refused(request(webhook=HOOK, webhook_events=events))) == expected


@pytest.mark.parametrize("events", [["success"], [], 7])
def test_webhook_events_need_a_webhook(events: object) -> None:
    assert faults(refused(request(webhook_events=events))) == {("webhook_events", "conflict")}


@pytest.mark.parametrize("body", [request(), request(webhook=None)])
def test_a_request_needs_no_webhook(body: str) -> None:
    assert parse(body).webhook is None


@pytest.mark.parametrize(
    "values",
    [
        {"prompt": "x"},
        {"prompt": "x" * 10_000},
        {"prompt": "Katze \U0001f408 na\u00efve \u732b"},
        {"prompt": "a cat", "negative_prompt": "dogs", "width": 256, "height": 2048, "seed": 0, "model": "sub"},
        {"prompt": "a cat", "seed": 4_294_967_295},
        {"prompt": "a cat", "negative_prompt": ""},
    ],
    ids=["short", "long", "unicode", "everything", "seed", "empty"],
)
def test_an_input_is_kept_as_it_came(values: dict[str, Any]) -> None:
    assert parse(request(input=values)).input == values


@each(
    ("model", "sent", "read"),
    [
        ("sketch", {"width": None, "seed": None}, {}),  # null means that an optional field is absent
        ("sketch", {"width": "512", "seed": " 7 "}, {"width": 512, "seed": 7}),
        ("sketch", {"num_images": "2"}, {"num_images": 2}),
        ("flux-pro", {"num_images": 1}, {}),
        ("flux-pro", {"num_images": "1"}, {}),
        ("sketch", {"image_size": "landscape_16_9"}, {"aspect_ratio": "16:9"}),
        ("sketch", {"image_size": "square_hd"}, {"aspect_ratio": "1:1"}),
        ("sketch", {"image_size": {"width": 512, "height": 256}}, {"width": 512, "height": 256}),
    ],
)
def test_odd_but_exact_input_is_read_as_it_is_meant(model: str, sent: dict[str, Any], read: dict[str, Any]) -> None:
    assert parse(request(model=model, input={"prompt": "a cat", **sent})).input == {"prompt": "a cat", **read}


def test_a_refused_field_names_the_models_that_take_it() -> None:
    error = refused(request(model="flux-pro", input={"prompt": "a cat", "num_images": 2}))
    assert isinstance(error, InvalidRequestError)
    (fault,) = error.errors
    assert fault.code == "unknown_field"
    assert "Models that take 'num_images': sketch" in fault.message


@pytest.mark.parametrize("width", ["512", "512.0", "5.12e2"])
def test_a_whole_number_may_be_written_in_any_way(width: str) -> None:
    made = parse(f'{{"model": "sketch", "input": {{"prompt": "a cat", "width": {width}}}}}').input["width"]
    assert (made, type(made)) == (512, int)


@each(
    ("body", "field", "code"),
    [
        (request(without="model"), "model", "required"),
        (request(model=None), "model", "required"),
        (request(model=7), "model", "type"),
        (request(model=["sketch"]), "model", "type"),
        (request(model={"slug": "sketch"}), "model", "type"),
        (request(without="input"), "input", "required"),
        (request(input=None), "input", "required"),
        (request(input="a cat"), "input", "type"),
        (request(input=[]), "input", "type"),
        (request(input=True), "input", "type"),
        (request(input={}), "input.prompt", "required"),
        (request(input={"prompt": None}), "input.prompt", "required"),
        (request(input={"prompt": ""}), "input.prompt", "too_short"),
        (request(input={"prompt": " \n\t\u00a0"}), "input.prompt", "too_short"),
        (request(input={"prompt": "x" * 10_001}), "input.prompt", "too_long"),
        (request(input={"prompt": 7}), "input.prompt", "type"),
        (request(input={"prompt": ["a cat"]}), "input.prompt", "type"),
        (request(input={"prompt": {"text": "a cat"}}), "input.prompt", "type"),
        (request(input={"prompt": False}), "input.prompt", "type"),
        (request(input={"prompt": "a cat", "width": "512px"}), "input.width", "type"),
        (request(input={"prompt": "a cat", "width": "512.5"}), "input.width", "type"),
        (request(input={"prompt": "a cat", "image_size": "huge"}), "input.image_size", "unknown_field"),
        (request(model="flux-pro", input={"prompt": "a cat", "num_images": True}), "input.num_images", "unknown_field"),
        (request(input={"prompt": "a cat", "width": 512.5}), "input.width", "type"),
        (request(input={"prompt": "a cat", "width": True}), "input.width", "type"),
        (request(input={"prompt": "a cat", "width": 255}), "input.width", "too_small"),
        (request(input={"prompt": "a cat", "height": 2049}), "input.height", "too_large"),
        (request(input={"prompt": "a cat", "seed": -1}), "input.seed", "too_small"),
        (request(input={"prompt": "a cat", "seed": 10**4_000}), "input.seed", "too_large"),
        (request(input={"prompt": "a cat", "colour": "red"}), "input.colour", "unknown_field"),
        (request(input={"prompt": "a cat", "": 1}), "input.", "unknown_field"),
        (request(input={"prompt": "a cat", "aspect_ratio": "7:5"}), "input.aspect_ratio", "enum"),
        (request(input={"prompt": "a cat", "num_images": 5}), "input.num_images", "too_large"),
        (request(input={"prompt": "a cat", "image_urls": []}), "input.image_urls", "too_short"),
        (request(model="flux-pro", input={"prompt": "a cat", "width": 1441}), "input.width", "too_large"),
        (request(model="flux-pro", input={"prompt": "a cat", "num_images": 2}), "input.num_images", "unknown_field"),
        (request(webhok=HOOK), "webhok", "unknown_field"),
        (request(Model="sketch"), "Model", "unknown_field"),
        (request(webhook=7), "webhook", "type"),
        (request(webhook=[HOOK]), "webhook", "type"),
        (request(webhook=False), "webhook", "type"),
        (request(webhook=""), "webhook", "invalid_url"),
        (request(webhook="your-server.com/hook"), "webhook", "invalid_url"),
        (request(webhook="http://your-server.com/hook"), "webhook", "invalid_url"),
        (request(webhook="https://[::1"), "webhook", "invalid_url"),
        (request(webhook="https://your-server.com:99999/"), "webhook", "invalid_url"),
        (request(webhook="https://127.0.0.1/hook"), "webhook", "invalid_url"),
        (request(webhook="https://169.254.169.254/latest/meta-data"), "webhook", "invalid_url"),
        (request(webhook="https://localhost/hook"), "webhook", "invalid_url"),
        (request(webhook=HOOK + "?" + "x" * 2_048), "webhook", "invalid_url"),
    ],
)
def test_one_fault_is_named(body: str, field: str, code: str) -> None:
    error = refused(body)
    assert type(error) is InvalidRequestError
    assert error.status == 400
    assert faults(error) == {(field, code)}
    assert error.errors[0].message in error.message


def pictures(*urls: Any) -> str:
    """Write a request with pictures."""
    return request(model="gpt-image", input={"prompt": "as a painting", "image_urls": list(urls)})


PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n and more").decode()


@pytest.mark.parametrize(
    "urls",
    [["https://example.com/a.png"], [PNG], ["https://example.com:8443/a?b=c", PNG, PNG.replace("png;", "jpeg;")]],
)
def test_pictures_come_by_url_or_with_the_request(urls: list[str]) -> None:
    assert parse(pictures(*urls)).input["image_urls"] == urls


@each(
    "url",
    [
        "", "a.png", "ftp://example.com/a.png", "http://example.com/a.png", "https://127.0.0.1/a.png",
        "https://169.254.169.254/latest/meta-data", "https://localhost/a.png", "https://example.com:22/a.png",
        "file:///etc/passwd", "data:", "data:,x", "data:text/html;base64,PGI+", "data:image/png,x",
        "data:image/png;base64,", "data:image/png;base64,!", "data:image/png;base64,PGI+", PNG[:-1], PNG + "\n",
    ],
    ids=lambda url: ascii(url[:24]),
)  # fmt: skip
def test_a_picture_that_we_would_not_fetch_is_refused(url: str) -> None:
    assert faults(refused(pictures("https://example.com/a.png", url))) == {("input.image_urls.1", "invalid_url")}


def test_a_loopback_picture_is_for_the_local_stack() -> None:
    body = pictures("http://127.0.0.1:8000/a.png")
    assert parse_generation_request(body, CATALOG, UrlPolicy(allow_loopback=True)).input["image_urls"]


@pytest.mark.parametrize(
    ("urls", "field", "code"),
    [
        ([], "input.image_urls", "too_short"),
        ([PNG] * 11, "input.image_urls", "too_long"),
        ([None], "input.image_urls.0", "type"),
        ([{"url": PNG}], "input.image_urls.0", "type"),
    ],
    ids=["none", "many", "null", "object"],
)
def test_a_list_of_pictures_holds_one_to_ten_texts(urls: list[Any], field: str, code: str) -> None:
    assert faults(refused(pictures(*urls))) == {(field, code)}


@pytest.mark.parametrize("given", [{"width": 512}, {"height": 512}])
def test_a_shape_is_given_in_one_way(given: dict[str, int]) -> None:
    error = refused(request(input={"prompt": "a cat", "aspect_ratio": "1:1", **given}))
    assert faults(error) == {("input.aspect_ratio", "conflict")}
    assert "not both" in error.message


def test_all_faults_are_named_at_once() -> None:
    values = {"prompt": "", "width": 1, "height": "tall", "seed": 2**40, "colour": "red"}
    error = refused(json.dumps({"model": "sketch", "input": values, "webhook": "ftp://x.example", "hook": 1}))
    assert faults(error) == {
        ("hook", "unknown_field"),
        ("webhook", "invalid_url"),
        ("input.prompt", "too_short"),
        ("input.width", "too_small"),
        ("input.height", "type"),
        ("input.seed", "too_large"),
        ("input.colour", "unknown_field"),
    }
    assert "(and 6 more)" in error.message


def test_an_empty_object_lacks_both_fields() -> None:
    assert faults(refused("{}")) == {("model", "required"), ("input", "required")}


def test_an_unknown_field_is_told_the_known_ones() -> None:
    assert "prompt, negative_prompt, image_urls" in refused(request(input={"prompt": "a cat", "size": 1})).message
    assert "model, input, webhook, webhook_events" in refused(request(callback=HOOK)).message


@pytest.mark.parametrize("slug", ["midjourney", "", "SKETCH", " sketch", "sketch\x00", "x" * 1_000])
def test_an_unknown_model_is_not_found(slug: str) -> None:
    error = refused(request(model=slug))
    assert type(error) is NotFoundError
    assert error.status == 404
    assert faults(error) == {("model", "unknown_model")}
    assert "sketch, playground-v2" in error.message


@each(
    "body",
    [
        "",
        " ",
        "prompt=a+cat",
        "{",
        '{"model": "sketch",}',
        "{'model': 'sketch'}",
        '{"model": "sketch"} {}',
        "\ufeff{}",
        '{"a": "\n"}',
        "null",
        "7",
        '"sketch"',
        "[]",
        "[{}]",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": [-Infinity]}',
        '{"a": 1e999}',
        '{"a": -1e999}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"a": "\ud800"}',
        "[" * DEEP + "]" * DEEP,
        '{"a":' * DEEP + "1" + "}" * DEEP,
        '{"a": ' + "9" * 5_000 + "}",
        '{"a": -' + "9" * 200_000 + "}",
    ],
    ids=lambda body: ascii(body[:24]),
)
def test_what_is_not_a_json_object_is_refused(body: str) -> None:
    error = refused(body)
    assert type(error) is InvalidRequestError
    assert faults(error) == {("body", "invalid_json")}
    assert "\n" not in error.message


def test_an_object_that_was_not_serialized_gets_advice() -> None:
    assert refused("[object Object]").message.endswith("Send JSON, as JSON.stringify makes it.")
    assert "stringify" not in refused("{").message


@pytest.mark.parametrize("character", ["x", "\u00e9", "\u732b", "\U0001f408", "\ud800"], ids=ascii)
def test_the_limit_of_a_body_is_in_bytes(character: str) -> None:
    size = len(character.encode(errors="surrogatepass"))
    frame = '{"a": ""}'
    room = MAX_BODY_BYTES - len(frame)
    body = '{"a": "' + character * (room // size) + "x" * (room % size) + '"}'
    assert len(body.encode(errors="surrogatepass")) == MAX_BODY_BYTES
    if character != "\ud800":
        assert list(parse_object(body)) == ["a"]
    with pytest.raises(PayloadTooLargeError, match="256 KB") as caught:
        parse_object(body + " ")
    assert caught.value.status == 413


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@relaxed
@given(st.dictionaries(st.text(), json_values))
def test_any_json_object_is_read_as_it_is(document: dict[str, Any]) -> None:
    assert parse_object(json.dumps(document)) == document
    assert parse_object(json.dumps(document, ensure_ascii=False)) == document


@relaxed
@given(
    st.text()
    | st.fixed_dictionaries(
        {},
        optional={
            "model": st.just("sketch") | json_values,
            "input": json_values | st.dictionaries(st.sampled_from(["prompt", "width", "seed", "x"]), json_values),
            "webhook": json_values,
            "webhook_events": json_values,
            "other": json_values,
        },
    ).map(json.dumps)
)
def test_whatever_comes_is_read_or_refused_with_a_reason(body: str) -> None:
    reasons: tuple[FieldError, ...] = ()
    try:
        assert parse(body).input["prompt"].strip()
    except RequestError as error:
        reasons = error.errors or (FieldError("", "", ""),)
    assert all(reason.field and reason.message and reason.code for reason in reasons)


@each(
    ("header", "key"),
    [
        ("KEY", "KEY"),
        ("Bearer KEY", "KEY"),
        ("bearer KEY", "KEY"),
        ("BEARER   KEY ", "KEY"),
        ("  KEY\t", "KEY"),
        ("Basic KEY", "Basic KEY"),
        ("BearerKEY", "BearerKEY"),
        ("Bearer", ""),
    ],
)
def test_the_key_is_taken_with_or_without_bearer(header: str, key: str) -> None:
    assert parse_authorization(header) == key


@pytest.mark.parametrize("header", [None, "", " ", "\t\n"])
def test_a_missing_authorization_is_said_to_be_required(header: str | None) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^Authorization header is required$"):
        parse_authorization(header)


@each(
    ("prefer", "seconds"),
    [
        ("wait=10", 10),
        ("wait=0", 0),
        ("wait=25", 25),
        ("wait=26", 25),
        ("wait=999999", 25),
        ('wait="10"', 10),
        ("Wait=10", 10),
        (" wait = 10 ", 10),
        ("wait=10; strict", 10),
        ("wait=10;a=b;c", 10),
        ("return=minimal, wait=10", 10),
        ("handling=lenient,,wait=10,", 10),
        ("wait=10, wait=20", 10),
        ("wait=soon, wait=10", 10),
    ],
)
@each("webhook", [None, HOOK])
def test_a_client_may_say_how_long_it_waits(prefer: str, seconds: int, webhook: str | None) -> None:
    assert parse_wait(prefer, webhook=webhook, limit=25) == (seconds, f"wait={seconds}")


@each(
    "prefer", ["respond-async", "Respond-Async", " respond-async ", "return=minimal, respond-async", "respond-async;x"]
)
@each("webhook", [None, HOOK])
def test_a_client_may_ask_not_to_wait(prefer: str, webhook: str | None) -> None:
    assert parse_wait(prefer, webhook=webhook, limit=25) == (0, "respond-async")


@each(
    "prefer",
    [None, "", ",", ";", "wait", "wait=", "wait=-1", "wait=1.5", "wait=ten", "wait=1e3", "await=10", "wait=10s",
     "respond-asynchronously", "return=minimal", "=", "\x00", "\u20ac" * 10_000],
    ids=lambda text: ascii((text or "none")[:20]),
)  # fmt: skip
@each(("webhook", "seconds"), [(None, 25), (HOOK, 0)])
def test_without_a_preference_a_webhook_decides(prefer: str | None, webhook: str | None, seconds: int) -> None:
    assert parse_wait(prefer, webhook=webhook, limit=25) == (seconds, None)


@relaxed
@given(st.text() | st.text('wait=0123456789,; "').map("wait={}".format), st.integers(0, 25))
def test_no_preference_makes_anyone_wait_beyond_the_limit(prefer: str, limit: int) -> None:
    seconds, _ = parse_wait(prefer, webhook=None, limit=limit)
    assert 0 <= seconds <= limit


def test_both_preferences_mean_to_wait_and_then_go_on_async() -> None:
    assert parse_wait("respond-async, wait=10", webhook=None, limit=25) == (10, "wait=10")


def test_an_answer_to_very_many_faults_stays_small() -> None:
    body = json.dumps({"model": "sketch", "input": {"prompt": "a boat", **{f"{n}{'x' * 500}": 1 for n in range(400)}}})

    error = refused(body)

    assert len(error.errors) == 50
    assert all(len(fault.message) <= 500 and len(fault.field) <= 500 for fault in error.errors)


# ---- POST /run -------------------------------------------------------------------------------------------------------


PICTURE_URL = "https://example.com/a.png"


def run(**fields: Any) -> GenerationRequest:
    """Read a valid request to run a tool, but for some fields."""
    document = {"tool": "text-to-image", "input": {"prompt": "a cat"}, **fields}
    return parse_run_request(json.dumps(document), CATALOG, UrlPolicy())


def test_a_run_without_a_model_takes_the_tools_first() -> None:
    read = run(webhook=HOOK, webhook_events=["error"])
    assert read.model is next(iter(CATALOG.models.values()))
    assert (read.input, read.webhook, read.webhook_events) == ({"prompt": "a cat"}, HOOK, (Status.ERROR,))


@each("slug", [model.slug for model in CATALOG.models_of(CATALOG.tool("text-to-image"))])
def test_a_runs_model_is_named_in_its_input_and_taken_out_of_it(slug: str) -> None:
    read = run(input={"prompt": "a cat", "model": slug})
    assert read.model is CATALOG.models[slug]
    assert read.input == {"prompt": "a cat"}


@each("slug", [model.slug for model in CATALOG.models_of(CATALOG.tool("text-to-image"))])
def test_a_tools_slug_does_for_a_models(slug: str) -> None:
    named = {"prompt": "a cat", "model": slug}
    assert parse(request(model="text-to-image", input=named)).model is CATALOG.models[slug]
    assert parse(request(model="text-to-image")).model is next(iter(CATALOG.models.values()))


@each(
    ("usable", "model"),
    [
        (set(CATALOG.models), "flux-fill-pro"),
        ({"stable-image-inpaint", "sketch"}, "stable-image-inpaint"),
        ({"sketch"}, "sketch"),
        (set(), "flux-fill-pro"),
    ],
)
def test_a_tool_means_the_first_model_that_is_usable(usable: set[str], model: str) -> None:
    document = {"tool": "inpaint", "input": {"prompt": "a cat", "image_url": PICTURE_URL, "mask_url": PICTURE_URL}}
    read = parse_run_request(json.dumps(document), CATALOG, UrlPolicy(), lambda one: one.slug in usable)
    assert (read.model.slug, read.model.tool.slug) == (model, "inpaint")
    assert read.input == {"prompt": "a cat", "image_urls": [PICTURE_URL], "mask_url": PICTURE_URL}


@each(
    ("margins", "codes"),
    [({}, ["required"]), ({"left": 0, "top": None}, ["required"]), ({"top": 1}, []), ({"left": -1}, ["too_small"])],
)
def test_one_of_several_inputs_must_be_given(margins: dict[str, Any], codes: list[str]) -> None:
    body = json.dumps({"tool": "outpaint", "input": {"image_url": PICTURE_URL, **margins}})
    try:
        parse_run_request(body, CATALOG, UrlPolicy())
        found = []
    except InvalidRequestError as exc:
        found = [error.code for error in exc.errors]
    assert found == codes


def test_a_mask_needs_its_picture() -> None:
    with pytest.raises(InvalidRequestError, match="send 'image_urls' too"):
        parse(request(model="sketch", input={"prompt": "a cat", "mask_url": PICTURE_URL}))


def test_a_models_own_sub_model_stays_in_its_input() -> None:
    named = {"prompt": "a cat", "model": "anything"}
    assert parse(request(model="playground-v2", input=named)).input == named


@each(
    ("fields", "error", "fault"),
    [
        ({"tool": "sketch"}, NotFoundError, ("tool", "unknown_tool")),
        ({"tool": None}, InvalidRequestError, ("tool", "required")),
        ({"model": "sketch"}, InvalidRequestError, ("model", "unknown_field")),
        ({"input": {"prompt": "x", "model": "x"}}, NotFoundError, ("input.model", "unknown_model")),
        ({"input": {"prompt": "x", "model": 1}}, InvalidRequestError, ("input.model", "type")),
        ({"input": {"prompt": "x", "model": {}}}, InvalidRequestError, ("input.model", "type")),
        ({"input": {"prompt": "x", "model": ""}}, NotFoundError, ("input.model", "unknown_model")),
        ({"input": {"prompt": "x", "model": "flux-pro", "image_urls": ["x"]}}, InvalidRequestError,
         ("input.image_urls", "unknown_field")),
    ],
)  # fmt: skip
def test_a_bad_run_is_refused(fields: dict[str, Any], error: type[RequestError], fault: tuple[str, str]) -> None:
    with pytest.raises(error) as caught:
        run(**fields)
    assert faults(caught.value) == {fault}


# ---- Sizes and redeliveries ------------------------------------------------------------------------------------------

GENEROUS = load(
    """
    [tools.long]
    name = "Long"
    description = "Takes whatever fits."
    type = "image"
    [tools.long.input]
    type = "object"
    [tools.long.input.properties]
    text = { type = "string" }
    numbers = { type = "array", items = { type = "number" } }
    [models.long]
    name = "Long"
    description = "Long."
    tool = "long"
    deadline = 1
    cost = 0
    providers = [{ name = "sketch" }]
    """
)


@pytest.mark.parametrize(
    "values",
    [{"text": "x" * 205_000}, {"numbers": [10**9] * 20_000}],
    ids=["too much for a message", "numbers that grow"],
)
def test_what_a_catalog_allows_and_we_cannot_hold_is_too_large(values: dict[str, Any]) -> None:
    body = json.dumps({"model": "long", "input": values}).replace("1000000000", "1E9")
    assert len(body) < MAX_BODY_BYTES
    with pytest.raises(PayloadTooLargeError, match="200 KB"):
        parse_generation_request(body, GENEROUS, UrlPolicy())


def test_who_sends_too_much_is_told_of_files() -> None:
    with pytest.raises(PayloadTooLargeError, match="POST /files"):
        parse_object(" " * (MAX_BODY_BYTES + 1))


@pytest.mark.parametrize(
    ("body", "event"), [("", None), ("{}", None), ('{"event": "error"}', Status.ERROR), ('{"event": null}', None)]
)
def test_a_redelivery_may_name_an_event(body: str, event: Status | None) -> None:
    assert parse_redelivery(body) is event


@pytest.mark.parametrize("body", ['{"event": "done"}', '{"event": 1}', '{"events": []}', "[]", "x"])
def test_a_bad_redelivery_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_redelivery(body)
