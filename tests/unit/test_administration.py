"""What the operator asks of the console."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.accounts.users import UserRequest
from atelier.api import admin_requests
from atelier.api.admin_requests import (
    MAX_EMAIL_LENGTH,
    MAX_LIMIT,
    AdminListRequest,
    KeyRequest,
    TopUp,
    parse_days,
    parse_overlap,
    parse_page,
    parse_sign_in,
    parse_top_up,
    parse_user_request,
)
from atelier.errors import InvalidRequestError
from atelier.generations.model import Status
from tests.cases import each

CURSOR = "018bcfe56800cbe18164477900000000"
NOW = 1_800_000_000_000
relaxed = settings(deadline=None)


def parse_key_request(body: str) -> KeyRequest:
    return admin_requests.parse_key_request(body, now=NOW, models=("sketch", "playground-v2"))


def faults(read: Callable[[str], Any], document: Any) -> list[str]:
    """Name the fields at fault in a document."""
    with pytest.raises(InvalidRequestError) as caught:
        read(json.dumps(document))
    return [fault.field for fault in caught.value.errors]


def test_a_key_is_asked_for_by_name_and_user() -> None:
    assert parse_key_request('{"name": "laptop", "user": "ann@example.com"}') == KeyRequest(
        name="laptop", email="ann@example.com", test=False
    )


def test_a_test_key_is_asked_for() -> None:
    assert parse_key_request('{"name": "ci", "user": "ann@example.com", "test": true}').test is True


def test_a_name_is_stripped_and_an_address_has_small_letters() -> None:
    assert parse_key_request('{"name": " My laptop ", "user": "Ann@Example.COM"}') == KeyRequest(
        name="My laptop", email="ann@example.com", test=False
    )


@pytest.mark.parametrize("name", ["x", "x" * 200, "\U0001f408" * 200])
def test_a_name_has_up_to_200_characters(name: str) -> None:
    assert parse_key_request(json.dumps({"name": name, "user": "a@b"})).name == name


@each(
    ("change", "field", "code"),
    [
        ({"name": None}, "name", "invalid"),
        ({"name": ""}, "name", "invalid"),
        ({"name": " \t"}, "name", "invalid"),
        ({"name": "x" * 201}, "name", "invalid"),
        ({"name": 7}, "name", "invalid"),
        ({"name": ["x"]}, "name", "invalid"),
        ({"user": None}, "user", "invalid"),
        ({"user": ""}, "user", "invalid"),
        ({"user": "ann"}, "user", "invalid"),
        ({"user": "@example.com"}, "user", "invalid"),
        ({"user": "ann@"}, "user", "invalid"),
        ({"user": "a@b@c"}, "user", "invalid"),
        ({"user": "ann @example.com"}, "user", "invalid"),
        ({"user": "ann@example.com\n"}, "user", "invalid"),
        ({"user": "a@" + "b" * MAX_EMAIL_LENGTH}, "user", "invalid"),
        ({"user": {"email": "a@b"}}, "user", "invalid"),
        ({"test": None}, "test", "type"),
        ({"scopes": []}, "scopes", "invalid"),
        ({"scopes": ["read", "all"]}, "scopes", "invalid"),
        ({"scopes": "read"}, "scopes", "invalid"),
        ({"scopes": [["read"]]}, "scopes", "invalid"),
        ({"requestsPerMinute": 0}, "requestsPerMinute", "invalid"),
        ({"requestsPerMinute": True}, "requestsPerMinute", "invalid"),
        ({"requestsPerMinute": 1.5}, "requestsPerMinute", "invalid"),
        ({"requestsPerMinute": 10**6}, "requestsPerMinute", "invalid"),
        ({"models": []}, "models", "invalid"),
        ({"models": ["dall-e"]}, "models", "invalid"),
        ({"models": [{}]}, "models", "invalid"),
        ({"expiresAt": "tomorrow"}, "expiresAt", "invalid"),
        ({"expiresAt": 2_000_000_000_000}, "expiresAt", "invalid"),
        ({"expiresAt": "2020-01-01"}, "expiresAt", "invalid"),
        ({"expiresAt": "9999-12-31T23:59:59-23:59"}, "expiresAt", "invalid"),
        ({"test": "true"}, "test", "type"),
        ({"test": 1}, "test", "type"),
        ({"admin": True}, "admin", "unknown_field"),
    ],
)
def test_one_fault_is_named(change: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_key_request(json.dumps({"name": "laptop", "user": "ann@example.com", **change}))
    assert [(fault.field, fault.code) for fault in caught.value.errors] == [(field, code)]


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_key_request('{"test": 1, "x": 1, "y": 2}')
    assert {fault.field for fault in caught.value.errors} == {"name", "user", "test", "x", "y"}


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '{"name": NaN}'])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^The body"):
        parse_key_request(body)


def test_a_page_has_twenty_by_default() -> None:
    assert parse_page({}) == AdminListRequest(limit=20, cursor=None, status=None)


@pytest.mark.parametrize("status", list(Status))
def test_a_page_is_read(status: str) -> None:
    page = parse_page({"limit": "100", "cursor": CURSOR, "status": status})
    assert page == AdminListRequest(limit=100, cursor=CURSOR, status=status)


@each(
    ("name", "value"),
    [
        *[
            ("limit", value)
            for value in (
                "", "0", "101", "-1", "+5", "1.5", "1e1", " 5", "5 ", "ten", "1_0", "\u0665", "\u00b2", "00000000199",
                "000000001" + "9" * 5_000, "9" * 5_000,
            )
        ],
        *[
            ("cursor", value)
            for value in ("", "1", CURSOR.upper(), CURSOR + "0", CURSOR[:-1], CURSOR + "\n", "g" * 32, "\u0661" * 32)
        ],
        *[("status", value) for value in ("", "done", "SUCCESS", "success ", "Status.SUCCESS")],
    ],
    ids=lambda value: ascii(value[:24]),
)  # fmt: skip
def test_a_wrong_parameter_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_page({name: value})
    assert [(fault.field, fault.code) for fault in caught.value.errors] == [(name, "invalid")]


def test_all_wrong_parameters_are_named_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_page({"limit": "x", "cursor": "x", "status": "x"})
    assert [fault.field for fault in caught.value.errors] == ["limit", "cursor", "status"]


@relaxed
@given(st.integers(-10, 200) | st.integers())
def test_a_limit_is_from_1_to_100(limit: int) -> None:
    if 1 <= limit <= MAX_LIMIT:
        assert parse_page({"limit": str(limit)}).limit == limit
    else:
        with pytest.raises(InvalidRequestError, match="1 to 100"):
            parse_page({"limit": str(limit)})


@relaxed
@given(st.text())
def test_no_limit_raises_anything_but_the_one_error(limit: str) -> None:
    try:
        page = parse_page({"limit": limit})
    except InvalidRequestError:
        return
    assert 1 <= page.limit <= MAX_LIMIT


def test_a_key_can_be_held_back() -> None:
    document = {
        "name": "laptop",
        "user": "ann@example.com",
        "scopes": ["read"],
        "requestsPerMinute": 60,
        "models": ["playground-v2"],
        "expiresAt": "2027-06-01T12:00:00.500Z",
    }
    assert parse_key_request(json.dumps(document)) == KeyRequest(
        name="laptop",
        email="ann@example.com",
        scopes=("read",),
        requests_per_minute=60,
        models=("playground-v2",),
        expires_at=1_811_851_200_500,
    )


def test_what_is_null_holds_nothing_back() -> None:
    document = {"name": "n", "user": "a@b", "requestsPerMinute": None, "models": None, "expiresAt": None}
    assert parse_key_request(json.dumps(document)) == KeyRequest(name="n", email="a@b")


@pytest.mark.parametrize("text", ["2027-06-01T12:00:00Z", "2027-06-01T14:00:00+02:00", "2027-06-01T12:00:00"])
def test_a_time_without_a_zone_is_in_utc(text: str) -> None:
    request = parse_key_request(json.dumps({"name": "n", "user": "a@b", "expiresAt": text}))
    assert request.expires_at == 1_811_851_200_000


def test_choices_are_in_our_order_and_named_once() -> None:
    document = {"name": "n", "user": "a@b", "scopes": ["read", "generate", "read"]}
    assert parse_key_request(json.dumps(document)).scopes == ("generate", "read")


def test_a_user_is_asked_for() -> None:
    body = json.dumps({"email": "Ann@Example.com", "name": " Ann ", "plan": "pro", "credits": 0})
    assert parse_user_request(body) == UserRequest(email="ann@example.com", name="Ann", plan="pro", credits=0)


@pytest.mark.parametrize("more", [{}, {"name": None, "plan": "standard", "credits": None}])
def test_a_user_is_named_after_its_address_and_not_metered(more: dict[str, Any]) -> None:
    body = json.dumps({"email": "ann@example.com", **more})
    assert parse_user_request(body) == UserRequest(email="ann@example.com", name="ann", plan="standard", credits=None)


@each(
    ("document", "wrong"),
    [
        ({}, ["email"]),
        ({"email": "ann"}, ["email"]),
        ({"email": "a@b", "name": ""}, ["name"]),
        ({"email": "a@b", "plan": 7}, ["plan"]),
        ({"email": "a@b", "credits": -1}, ["credits"]),
        ({"email": "a@b", "credits": True}, ["credits"]),
        ({"email": "a@b", "credits": "5"}, ["credits"]),
        ({"email": "a@b", "credits": 10**10}, ["credits"]),
        ({"id": "user_1", "credits": 0.5}, ["id", "email", "credits"]),
    ],
)
def test_a_wrong_user_is_refused_with_the_fields_at_fault(document: Any, wrong: list[str]) -> None:
    assert faults(parse_user_request, document) == wrong


def test_a_top_up_has_an_amount_and_may_have_a_note() -> None:
    assert parse_top_up('{"amount": 5}') == TopUp(5, None)
    assert parse_top_up('{"amount": 5, "note": " a gift "}') == TopUp(5, "a gift")


@each(
    ("document", "wrong"),
    [
        ({}, ["amount"]),
        ({"amount": 0}, ["amount"]),
        ({"amount": -5}, ["amount"]),
        ({"amount": 1.5}, ["amount"]),
        ({"amount": None}, ["amount"]),
        ({"amount": 1, "note": 7}, ["note"]),
        ({"amount": 1, "note": "x" * 501}, ["note"]),
        ({"amount": 1, "to": "me"}, ["to"]),
    ],
)
def test_a_wrong_top_up_is_refused(document: Any, wrong: list[str]) -> None:
    assert faults(parse_top_up, document) == wrong


@pytest.mark.parametrize(("body", "overlap"), [("", 86_400_000), ("{}", 86_400_000), ('{"overlapSeconds": 0}', 0)])
def test_an_old_key_holds_for_a_day_unless_said_otherwise(body: str, overlap: int) -> None:
    assert parse_overlap(body) == overlap


@pytest.mark.parametrize("seconds", [-1, 1.5, "60", True, None, 31 * 86_400])
def test_a_wrong_overlap_is_refused(seconds: Any) -> None:
    assert faults(parse_overlap, {"overlapSeconds": seconds}) == ["overlapSeconds"]


def test_the_secret_is_taken_as_it_is() -> None:
    assert parse_sign_in('{"secret": " x "}') == " x "
    for document in ({}, {"secret": ""}, {"secret": None}, {"secret": 7}, {"secret": "x", "user": "y"}):
        assert faults(parse_sign_in, document) in (["secret"], ["user"])


def test_a_page_can_be_of_one_model_and_user() -> None:
    page = parse_page({"model": "sketch", "user": "ann@example.com", "unknown": "x"})
    assert (page.model, page.user) == ("sketch", "ann@example.com")


@pytest.mark.parametrize(("query", "days"), [({}, 14), ({"days": "1"}, 1), ({"days": "31"}, 31)])
def test_an_overview_is_of_some_days(query: dict[str, str], days: int) -> None:
    assert parse_days(query) == days


@pytest.mark.parametrize("days", ["", "0", "32", "-1", "x", "1.5"])
def test_a_wrong_number_of_days_is_refused(days: str) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 31"):
        parse_days({"days": days})
