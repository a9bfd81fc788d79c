"""What the owner asks of the console."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.administration import MAX_EMAIL_LENGTH, MAX_LIMIT, KeyRequest, Page, parse_key_request, parse_page
from atelier.errors import InvalidRequestError
from atelier.generation import Status, new_id

CURSOR = new_id(1_700_000_000_000)
relaxed = settings(deadline=None)


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


@pytest.mark.parametrize(
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
    assert parse_page({}) == Page(limit=20, cursor=None, status=None)


@pytest.mark.parametrize("status", list(Status))
def test_a_page_is_read(status: str) -> None:
    page = parse_page({"limit": "100", "cursor": CURSOR, "status": status})
    assert page == Page(limit=100, cursor=CURSOR, status=status)


@pytest.mark.parametrize(
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
