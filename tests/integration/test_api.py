"""The clients' API: its calls, whose they are, and HTTP's manners."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.catalog.model import embedded
from atelier.clock import now_ms
from tests.integration.client import SKETCH, Answer, Client, a_client, with_key
from tests.integration.lambdas import Calls, Lambdas
from tests.integration.stack import Stack
from tests.integration.world import BASE, RECEIVER, Internet, accept

HOOK = f"https://{RECEIVER}/api/webhook"
RUN = {"tool": "text-to-image", "input": {"prompt": "a boat", "width": 256, "height": 256}}
UNKNOWN = "0" * 32


@pytest.fixture
def ann(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "ann@example.com")


@pytest.fixture
def bob(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> Client:
    return a_client(lambdas, stack, accounts, "bob@example.com")


@pytest.fixture
def anybody(lambdas: Lambdas) -> Client:
    return Client(lambdas)


def finish(lambdas: Lambdas) -> None:
    """Let everything run that waits."""
    lambdas.make()
    lambdas.stream()
    lambdas.drain("deliver")


# ---- Asking ----------------------------------------------------------------------------------------------------------


def test_run_answers_at_once_and_shortly(ann: Client) -> None:
    answer = ann("POST", "/run", RUN)
    assert answer.status == 202
    assert set(answer.document) == {"id", "status", "tool", "createdAt"}
    assert (answer.document["status"], answer.document["tool"]) == ("processing", "text-to-image")
    assert answer.headers["Location"] == f"{BASE}/generations/{answer.document['id']}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert ann("GET", f"/generations/{answer.document['id']}").document["model"] == "sketch"


@pytest.mark.parametrize(("prefer", "fields"), [("respond-async", 4), ("wait=0", 4), ("wait=5", None)])
def test_run_answers_the_whole_to_who_waits(prefer: str, fields: int | None, ann: Client, stack: Stack) -> None:
    # given a stack that lets clients wait a little
    stack.change("WaitSeconds", "1")
    # when
    answer = ann("POST", "/run", RUN, Prefer=prefer)
    # then
    assert answer.status == 202
    assert answer.headers["Preference-Applied"] == prefer.replace("5", "1")
    assert len(answer.document) == (fields or len(ann("GET", f"/generations/{answer.document['id']}").document))


def test_runs_input_names_one_of_the_tools_models(ann: Client) -> None:
    # when
    run = ann("POST", "/run", {**RUN, "input": {**RUN["input"], "model": "playground-v2"}})  # type: ignore[dict-item]
    generated = ann("POST", "/generate", {"model": "text-to-image", "input": {"prompt": "x", "model": "playground-v2"}})
    # then
    read = ann("GET", f"/generations/{run.document['id']}").document
    assert (read["model"], read["payload"]) == ("playground-v2", RUN["input"])
    assert (generated.document["model"], generated.document["payload"]) == ("playground-v2", {"prompt": "x"})


@pytest.mark.parametrize(
    ("body", "status", "faults"),
    [
        ({**RUN, "model": "sketch"}, 400, [("model", "unknown_field")]),
        ({"input": RUN["input"]}, 400, [("tool", "required")]),
        ({**RUN, "tool": 7}, 400, [("tool", "type")]),
        ({**RUN, "tool": "text-to-song"}, 404, [("tool", "unknown_tool")]),
        ({**RUN, "tool": "sketch"}, 404, [("tool", "unknown_tool")]),
        ({**RUN, "input": {"prompt": "x", "model": "dall-e"}}, 404, [("input.model", "unknown_model")]),
        ({**RUN, "input": {"prompt": "x", "model": ["sketch"]}}, 400, [("input.model", "type")]),
        ({**RUN, "input": {}}, 400, [("input.prompt", "required")]),
        ({**RUN, "input": {"prompt": "x", "steps": 4}}, 400, [("input.steps", "unknown_field")]),
        ({**RUN, "webhook_events": ["success"]}, 400, [("webhook_events", "conflict")]),
    ],
)
def test_run_is_strict(body: Any, status: int, faults: list[tuple[str, str]], ann: Client, stack: Stack) -> None:
    answer = ann("POST", "/run", body)
    assert (answer.status, answer.faults) == (status, faults)
    assert stack.rows("GenerationsTable") == []


def test_an_idempotency_key_gives_the_same_run_again(ann: Client, stack: Stack) -> None:
    # when
    first, again = (ann("POST", "/run", RUN, Idempotency_Key="k") for _ in range(2))
    other_body = ann("POST", "/run", {**RUN, "input": {"prompt": "a ship"}}, Idempotency_Key="k")
    other_route = ann("POST", "/generate", SKETCH, Idempotency_Key="k")
    # then
    assert first.document == again.document
    assert (other_body.status, other_route.status) == (422, 422)
    assert len(stack.rows("GenerationsTable")) == 1


# ---- What can be done with a generation ------------------------------------------------------------------------------


def test_a_pending_generation_is_cancelled(ann: Client, lambdas: Lambdas) -> None:
    # given
    generation_id = ann.generate()
    # when
    cancelled, again = (ann("POST", f"/generations/{generation_id}/cancel") for _ in range(2))
    # then
    assert (cancelled.status, cancelled.document["status"], cancelled.document["error"]) == (200, "error", "cancelled")
    assert again.document == cancelled.document
    assert ann("GET", f"/generations/{generation_id}").document == cancelled.document


def test_what_is_over_is_not_cancelled(ann: Client, lambdas: Lambdas) -> None:
    generation_id = ann.generate()
    finish(lambdas)
    answer = ann("POST", f"/generations/{generation_id}/cancel")
    assert answer.status == 409
    assert "over" in answer.document["message"]


def test_a_deleted_generation_leaves_nothing(ann: Client, lambdas: Lambdas, stack: Stack, logs: Any) -> None:
    # given one that is done, with a file and a thumbnail
    generation_id = ann.generate()
    early = ann("DELETE", f"/generations/{generation_id}")
    finish(lambdas)
    files = [
        ann("GET", f"/generations/{generation_id}").document[name].removeprefix(BASE)
        for name in ("output", "thumbnail")
    ]
    assert [ann("GET", path).status for path in files] == [302, 302]
    before = len(logs())
    # when
    answer = ann("DELETE", f"/generations/{generation_id}")
    # then
    assert early.status == 409
    assert (answer.status, answer.text) == (204, "")
    assert ann("GET", f"/generations/{generation_id}").status == 404
    assert ann("DELETE", f"/generations/{generation_id}").status == 404
    assert [ann("GET", path).status for path in files] == [404, 404]
    assert not [row for row in stack.rows("GenerationsTable") if row["id"]["S"] == generation_id]
    assert ann("GET", "/generations").document["data"] == []
    lines = logs()[before:]
    assert any(line["message"] == "generation deleted" for line in lines)
    assert "boat" not in json.dumps(lines)


def test_deliveries_are_shown_and_repeated(ann: Client, lambdas: Lambdas, internet: Internet) -> None:
    # given
    internet.hosts[RECEIVER] = accept
    generation_id = ann.generate(webhook=HOOK)
    path = f"/generations/{generation_id}"
    before = ann("GET", f"{path}/deliveries")
    too_early = ann("POST", f"{path}/redeliver")
    finish(lambdas)
    (delivery,) = ann("GET", f"{path}/deliveries").document["data"]
    # when
    again = ann("POST", f"{path}/redeliver", {"event": "success"})
    lambdas.drain("deliver")
    # then
    assert (before.status, before.document) == (200, {"data": []})
    assert too_early.status == 409
    assert (delivery["event"], delivery["status"], delivery["url"]) == ("success", "delivered", HOOK)
    assert [attempt["statusCode"] for attempt in delivery["attempts"]] == [204]
    assert again.status == 202
    assert [(item["id"], item["status"]) for item in again.document["data"]] == [(delivery["id"], "pending")]
    first, second = internet.to(RECEIVER)
    assert first.content == second.content
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery["id"]
    (delivery,) = ann("GET", f"{path}/deliveries").document["data"]
    assert len(delivery["attempts"]) == 2


@pytest.mark.parametrize("body", [{"event": "done"}, {"event": 1}, {"events": ["success"]}, [], "{"])
def test_a_bad_redelivery_is_refused(body: Any, ann: Client) -> None:
    answer = ann("POST", f"/generations/{ann.generate(webhook=HOOK)}/redeliver", body)
    assert answer.status == 400
    assert answer.document["errors"]


# ---- Whose is it -----------------------------------------------------------------------------------------------------

ON_ONE = [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/deliveries"), ("POST", "/redeliver")]


@pytest.mark.parametrize(("method", "suffix"), ON_ONE)
def test_nobody_touches_another_users_generation(
    method: str, suffix: str, ann: Client, bob: Client, stack: Stack, lambdas: Lambdas
) -> None:
    # given a finished generation of each
    ids = {client.key: client.generate(webhook=HOOK) for client in (ann, bob)}
    lambdas.make()
    before = stack.rows("GenerationsTable")
    # when each tries the other's
    answers = [ann(method, f"/generations/{ids[bob.key]}{suffix}"), bob(method, f"/generations/{ids[ann.key]}{suffix}")]
    # then
    assert [(answer.status, set(answer.document)) for answer in answers] == [(403, {"message"})] * 2
    assert stack.rows("GenerationsTable") == before


@pytest.mark.parametrize(("method", "suffix"), ON_ONE)
@pytest.mark.parametrize("generation_id", [UNKNOWN, "media_id", "x" * 3_000, "upstream#provider:sketch", "%", "é"])
def test_an_unknown_generation_is_not_found(
    method: str, suffix: str, generation_id: str, ann: Client, calls: Calls
) -> None:
    answer = ann(method, f"/generations/{generation_id}{suffix}")
    assert (answer.status, set(answer.document)) == (404, {"message"})
    # what can be no id is not looked for: it may be none of a generation's, or too long for the table
    assert calls.take().count("dynamodb:GetItem") <= (2 if generation_id == UNKNOWN else 1)


@pytest.mark.parametrize(("method", "suffix"), ON_ONE)
def test_live_and_test_keys_do_not_find_each_others(
    method: str, suffix: str, ann: Client, stack: Stack, accounts: AccountStore, lambdas: Lambdas
) -> None:
    # given a finished generation of each of a user's keys
    test = with_key(ann, stack, accounts, test=True)
    ids = {client.key: client.generate(webhook=HOOK) for client in (ann, test)}
    lambdas.make()
    before = stack.rows("GenerationsTable")
    # when each tries the other's, and another live key the live one
    answers = [
        ann(method, f"/generations/{ids[test.key]}{suffix}"),
        test(method, f"/generations/{ids[ann.key]}{suffix}"),
    ]
    # then
    assert [(answer.status, set(answer.document)) for answer in answers] == [(404, {"message"})] * 2
    assert stack.rows("GenerationsTable") == before
    # but a second key of the same kind may do it
    assert with_key(ann, stack, accounts)(method, f"/generations/{ids[ann.key]}{suffix}").status != 404


def test_the_operator_finds_live_and_test_generations(
    ann: Client, stack: Stack, accounts: AccountStore, generations: GenerationStore
) -> None:
    clients = (ann, with_key(ann, stack, accounts, test=True))
    made = [client.generate() for client in (*clients, *clients)]
    # when
    first, cursor = generations.search(user_id=ann.user_id, limit=3, now=now_ms())
    rest, _ = generations.search(user_id=ann.user_id, limit=3, now=now_ms(), before=cursor)
    # then
    assert [item.id for item in (*first, *rest)] == sorted(made, reverse=True)
    assert {(item.user_id, item.test) for item in (*first, *rest)} == {(ann.user_id, False), (ann.user_id, True)}


@pytest.mark.parametrize("kind", ["another user", "a test key"])
def test_lists_cursors_and_idempotency_keys_do_not_cross(
    kind: str, ann: Client, bob: Client, stack: Stack, accounts: AccountStore
) -> None:
    bob = bob if kind == "another user" else with_key(ann, stack, accounts, test=True)
    # given two generations of each, made in turn, under the same idempotency keys
    made: dict[str | None, list[str]] = {ann.key: [], bob.key: []}
    for number in range(2):
        for client in (ann, bob):
            made[client.key].append(client("POST", "/run", RUN, Idempotency_Key=f"key-{number}").document["id"])
    assert len({*made[ann.key], *made[bob.key]}) == 4
    for one, other in ((ann, bob), (bob, ann)):
        # when one uses a cursor that was given to the other
        theirs = other("GET", "/generations", query={"limit": "1"}).document["pagination"]["nextCursor"]
        lists = [
            one("GET", "/generations"),
            one("GET", "/generations", query={"status": "pending"}),
            one("GET", "/generations", query={"cursor": theirs}),
            one("GET", "/generations", query={"cursor": theirs, "status": "pending"}),
        ]
        # then it gets its own
        assert theirs in made[other.key]
        for answer in lists:
            assert {item["id"] for item in answer.document["data"]} <= set(made[one.key])
        assert lists[0].document["pagination"]["total"] == 2


def test_the_account_is_the_keys_users(ann: Client, bob: Client, accounts: AccountStore) -> None:
    # given
    accounts.top_up(bob.user_id, 7, None, 1)
    # when
    answers = [client("GET", "/account") for client in (ann, bob)]
    # then
    assert [set(answer.document) for answer in answers] == [{"id", "email", "credits", "plan", "createdAt"}] * 2
    assert [answer.document["id"] for answer in answers] == [ann.user_id, bob.user_id]
    assert [answer.document["credits"] for answer in answers] == [None, 7]
    assert answers[0].headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("scope", "refused"),
    [
        (("generate",), [("GET", "/generations"), ("GET", "/account"), *[it for it in ON_ONE if it[0] == "GET"]]),
        (("read",), [("POST", "/run"), ("POST", "/generate"), *[it for it in ON_ONE if it[0] != "GET"]]),
    ],
)
def test_a_key_does_what_its_scopes_say(
    scope: tuple[str],
    refused: list[tuple[str, str]],
    ann: Client,
    lambdas: Lambdas,
    stack: Stack,
    accounts: AccountStore,
) -> None:
    limited = a_client(lambdas, stack, accounts, "carl@example.com", scopes=scope)
    for method, path in refused:
        whole = path if path.startswith("/") and (method, path) not in ON_ONE else f"/generations/{UNKNOWN}{path}"
        answer = limited(method, whole, RUN if path == "/run" else SKETCH if path == "/generate" else "")
        assert (answer.status, "scope" in answer.text) == (403, True), whole


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/generations"), ("GET", "/openapi.json"), ("GET", "/docs"), ("OPTIONS", "/run"), ("POST", "/run"),
     ("GET", "/no/such/path"), ("GET", "/files/outputs/x/y/z.png"), ("GET", "/v1/models"), ("HEAD", "/tools")],
)  # fmt: skip
def test_every_answer_is_what_it_says_and_comes_by_https(method: str, path: str, ann: Client, anybody: Client) -> None:
    for client in (ann, anybody):
        headers = client(method, path).headers
        assert (headers["X-Content-Type-Options"], headers["Strict-Transport-Security"]) == (
            "nosniff", "max-age=31536000",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "headers", "first", "later"),
    [
        ("/run", RUN, {"Idempotency_Key": "k"}, 202, 202),
        ("/generate", SKETCH, {"Idempotency_Key": "k", "Prefer": "wait=0"}, 202, 202),
        ("/run", "{", {}, 400, 400),
        ("/generate", {**SKETCH, "model": "no such model"}, {}, 404, 404),
        ("/generate", "x", {"Content_Type": "text/plain"}, 415, 415),
        ("/generate", {**SKETCH, "input": {}}, {"Idempotency_Key": "x" * 300}, 400, 400),
        ("/v1/images/generations", {"model": "sketch", "n": 0}, {}, 400, 400),
        ("/v1/images/generations", {"model": "sketch", "prompt": "a boat"}, {"X_Stainless_Retry_Count": "1"}, 303, 303),
    ],
)
def test_replays_and_refused_requests_count(
    path: str, body: Any, headers: dict[str, Any], first: int, later: int, lambdas: Lambdas, stack: Stack,
    accounts: AccountStore,
) -> None:  # fmt: skip
    limited = a_client(lambdas, stack, accounts, "carl@example.com", requests_per_minute=3)
    answers = [limited("POST", path, body, **headers) for _ in range(4)]
    statuses = [answer.status for answer in answers]
    if statuses[-1] != 429:  # a minute has passed between them
        answers += [limited("POST", path, body, **headers) for _ in range(4)]
    assert statuses[:2] == [first, later]
    assert answers[-1].status == 429
    assert int(answers[-1].headers["Retry-After"]) <= 60


def test_all_but_creations_count_as_reads(lambdas: Lambdas, stack: Stack, accounts: AccountStore) -> None:
    # given a key with two a minute, and what is created on its own account
    limited = a_client(lambdas, stack, accounts, "carl@example.com", requests_per_minute=2)
    generation_id = limited.generate()
    limited.generate()
    # when
    answers = [
        limited("GET", "/account"),
        limited("POST", f"/generations/{generation_id}/cancel"),
        limited("GET", "/generations"),
        limited("DELETE", f"/generations/{generation_id}"),
    ]
    # then, unless a minute has just passed
    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= set(answers[-1].headers)


# ---- The catalog -----------------------------------------------------------------------------------------------------


def test_tools_and_models_are_shown_to_anybody(anybody: Client) -> None:
    # when
    tool, *others = anybody("GET", "/tools").document["data"]
    whole = anybody("GET", "/tools/text-to-image").document
    models = anybody("GET", "/models").document["data"]
    # then
    assert set(tool) == {"slug", "name", "description", "type", "outputType"}
    own = [model for model in models if model["tool"] == "text-to-image"]
    assert whole == {**tool, "inputSchema": whole["inputSchema"], "models": own}
    assert [tool["slug"], *(other["slug"] for other in others)] == list(embedded().tools)
    assert [model["slug"] for model in models] == list(embedded().models)
    assert {"slug", "name", "cost", "costUnit", "inputSchema"} <= set(models[0])
    assert whole["inputSchema"]["required"] == ["prompt"]
    assert anybody("GET", "/models/sd3.5-large").document in models


@pytest.mark.parametrize("path", ["/models/dall-e", "/tools/text-to-song"])
def test_what_the_catalog_has_not_is_not_found(path: str, anybody: Client) -> None:
    answer = anybody("GET", path)
    assert answer.status == 404
    assert "there is no" in answer.document["message"]


def test_a_search_finds_tools_with_their_models(anybody: Client) -> None:
    answer = anybody("GET", "/search", query={"q": "FLUX schnell"})
    assert answer.status == 200
    tool, *_ = answer.document["data"]
    assert tool["models"][0] == anybody("GET", "/models/flux-schnell").document
    assert {**tool, "models": []} == {**anybody("GET", "/tools/text-to-image").document, "models": []}
    assert anybody("GET", "/search", query={"q": "zeppelin"}).document == {"data": []}


@pytest.mark.parametrize("query", [None, {}, {"q": ""}, {"q": "  "}, {"q": "x" * 201}, {"query": "flux"}])
def test_a_search_needs_words(query: dict[str, str] | None, anybody: Client) -> None:
    answer = anybody("GET", "/search", query=query)
    assert (answer.status, answer.faults) == (400, [("q", "invalid")])


def test_the_root_points_to_the_description(anybody: Client, calls: Calls) -> None:
    assert anybody("GET", "/").document == {
        "name": "Atelier",
        "documentation": f"{BASE}/docs",
        "openapi": f"{BASE}/openapi.json",
    }
    assert calls.take() == []


# ---- HTTP's manners --------------------------------------------------------------------------------------------------

PATHS = {
    "/": "GET, HEAD, OPTIONS",
    "/generate": "OPTIONS, POST",
    "/run": "OPTIONS, POST",
    "/generations": "GET, HEAD, OPTIONS",
    f"/generations/{UNKNOWN}": "DELETE, GET, HEAD, OPTIONS",
    f"/generations/{UNKNOWN}/cancel": "OPTIONS, POST",
    f"/generations/{UNKNOWN}/deliveries": "GET, HEAD, OPTIONS",
    f"/generations/{UNKNOWN}/redeliver": "OPTIONS, POST",
    "/account": "GET, HEAD, OPTIONS",
    "/models": "GET, HEAD, OPTIONS",
    "/models/sketch": "GET, HEAD, OPTIONS",
    "/tools": "GET, HEAD, OPTIONS",
    "/tools/text-to-image": "GET, HEAD, OPTIONS",
    "/search": "GET, HEAD, OPTIONS",
    "/files": "OPTIONS, POST",
    "/files/outputs/x/y.png": "GET, HEAD, OPTIONS",
}


@pytest.mark.parametrize(("path", "allowed"), PATHS.items())
def test_a_path_says_what_it_allows(path: str, allowed: str, anybody: Client, calls: Calls) -> None:
    for written in (path, f"{path.rstrip('/')}/"):
        options = anybody("OPTIONS", written)
        assert (options.status, options.headers["Allow"], options.text) == (204, allowed, "")
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} - set(allowed.split(", ")):
            answer = anybody(method, written)
            assert (answer.status, answer.headers["Allow"]) == (405, allowed)
            assert answer.text == "" if method == "HEAD" else set(answer.document) == {"message"}
    assert calls.take() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/nothing", "/generations/x/y/z", "/webhook/x", "/files/x", "/api/generate"])
def test_an_unknown_path_is_not_found_by_any_method(method: str, path: str, anybody: Client, calls: Calls) -> None:
    answer = anybody(method, path)
    assert answer.status == 404
    assert "Allow" not in answer.headers
    assert calls.take() == []


def test_a_trailing_slash_changes_nothing(ann: Client) -> None:
    generation_id = ann("POST", "/run/", RUN).document["id"]
    assert ann("GET", f"/generations/{generation_id}/").document == ann("GET", f"/generations/{generation_id}").document
    assert ann("GET", "/generations/").document == ann("GET", "/generations").document


def test_head_is_get_without_a_body(ann: Client) -> None:
    generation_id = ann.generate()
    for path in (
        "/",
        "/models",
        "/account",
        f"/generations/{generation_id}",
        "/generations",
        f"/generations/{UNKNOWN}",
    ):
        got, head = ann("GET", path), ann("HEAD", path)
        assert (head.status, head.headers, head.text) == (got.status, got.headers, ""), path


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "image/png", "json", ";"]
)
@pytest.mark.parametrize("path", ["/generate", "/run"])
def test_another_media_type_is_refused(path: str, content_type: str, ann: Client, stack: Stack) -> None:
    answer = ann("POST", path, {**SKETCH}, Content_Type=content_type)
    assert (answer.status, answer.headers["Accept"]) == (415, "application/json")
    assert "application/json" in answer.document["message"]
    assert stack.rows("GenerationsTable") == []


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json; charset=utf-8", "Application/JSON", "application/x+json"]
)
def test_json_is_read_by_any_name_or_none(content_type: str | None, ann: Client) -> None:
    assert ann("POST", "/run", RUN, Content_Type=content_type).status == 202


@pytest.mark.parametrize("path", ["/generations", "/generations/{}", "/models", "/tools", "/tools/text-to-image", "/"])
def test_a_copy_that_is_still_good_is_not_sent_again(path: str, ann: Client, lambdas: Lambdas) -> None:
    # given
    path = path.format(ann.generate())
    first = ann("GET", path)
    etag = first.headers["ETag"]
    # when
    same = [ann("GET", path, If_None_Match=tag) for tag in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*")]
    other = ann("GET", path, If_None_Match='"other"')
    # then
    assert [(answer.status, answer.text, answer.headers["ETag"]) for answer in same] == [(304, "", etag)] * 4
    assert same[0].headers["Cache-Control"] == first.headers["Cache-Control"]
    assert (other.status, other.text) == (200, first.text)
    own = path.startswith("/generations")
    assert first.headers["Cache-Control"] == ("private, no-cache" if own else "public, max-age=60")
    if own:  # and when it has changed
        lambdas.make()
        assert ann("GET", path, If_None_Match=etag).status == 200


@pytest.mark.parametrize("answer_to", ["/account", f"/generations/{UNKNOWN}", "/nothing", "/search"])
def test_what_no_cache_may_keep_says_so(answer_to: str, ann: Client) -> None:
    answer = ann("GET", answer_to)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


SEGMENTS = st.sampled_from(
    [
        "generate",
        "run",
        "generations",
        UNKNOWN,
        "cancel",
        "deliveries",
        "redeliver",
        "models",
        "tools",
        "search",
        "files",
    ]
) | st.text(max_size=8)
TEXT = st.text(max_size=12)


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    path=st.lists(SEGMENTS, max_size=4),
    query=st.dictionaries(st.sampled_from(["limit", "offset", "cursor", "status", "q"]), TEXT),
    headers=st.dictionaries(
        st.sampled_from(["Content_Type", "Prefer", "Idempotency_Key", "If_None_Match", "Origin"]), TEXT
    ),
    body=TEXT | st.just(json.dumps(RUN)),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_is_answered(
    ann: Client, method: str, path: list[str], query: dict[str, str], headers: dict[str, str], body: str
) -> None:
    answer = ann(method, f"/{'/'.join(path)}", body, query=query, **headers)
    assert answer.status < 500, answer.text
    assert answer.status < 400 or method == "HEAD" or {"message"} <= set(answer.document) <= {"message", "errors"}


# ---- Other origins ---------------------------------------------------------------------------------------------------

ORIGIN = "https://app.example"


def cross_origin(answer: Answer) -> dict[str, str]:
    return {name: item for name, item in answer.headers.items() if name.startswith("Access-Control-") or name == "Vary"}


def test_no_web_page_may_call_unless_the_owner_says_so(ann: Client) -> None:
    for method, path in (("GET", "/models"), ("OPTIONS", "/generate"), ("GET", "/nothing")):
        assert cross_origin(ann(method, path, Origin=ORIGIN)) == {}


@pytest.mark.parametrize(
    ("origins", "named"), [(f"https://other.example,{ORIGIN}", ORIGIN), ("*", "*")], ids=["a list", "all"]
)
def test_web_pages_of_the_owners_origins_may_call(origins: str, named: str, stack: Stack, ann: Client) -> None:
    # given
    stack.change("CorsOrigins", origins)
    vary = {} if named == "*" else {"Vary": "Origin"}
    # when
    preflight = ann("OPTIONS", "/generate", Origin=ORIGIN, Access_Control_Request_Method="POST")
    answers = [
        ann("POST", "/run", RUN, Origin=ORIGIN),
        ann("GET", "/models", Origin=ORIGIN),
        ann("GET", "/nothing", Origin=ORIGIN),
        Client(ann.lambdas, "wrong")("GET", "/account", Origin=ORIGIN),
    ]
    # then
    allowed = cross_origin(preflight)
    assert preflight.status == 204
    assert allowed["Access-Control-Allow-Origin"] == named
    assert "POST" in allowed["Access-Control-Allow-Methods"]
    wanted = {"authorization", "content-type", "idempotency-key", "prefer", "if-none-match"}
    assert wanted <= set(allowed["Access-Control-Allow-Headers"].lower().split(", "))
    for answer in answers:
        found = cross_origin(answer)
        assert found.pop("Access-Control-Expose-Headers").count("Retry-After") == 1
        assert found == {"Access-Control-Allow-Origin": named, **vary}
    assert "Access-Control-Allow-Credentials" not in allowed


def test_web_pages_of_other_origins_may_not(stack: Stack, ann: Client) -> None:
    stack.change("CorsOrigins", ORIGIN)
    for origin in ("https://evil.example", f"{ORIGIN}.evil.example", "null", None):
        assert cross_origin(ann("GET", "/models", Origin=origin)) == {"Vary": "Origin"}
