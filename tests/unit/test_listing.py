"""What part of a list is asked for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.api.list_request import parse_list, parse_search
from atelier.errors import InvalidRequestError
from atelier.generations.listing import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, ListRequest
from atelier.generations.model import Status

CURSOR = "0" * 31 + "f"


def test_without_a_query_it_is_the_newest_by_offset() -> None:
    assert parse_list({}) == ListRequest(limit=DEFAULT_LIMIT, offset=0, cursor=None, status=None)


@pytest.mark.parametrize("cursor", ["", CURSOR])
def test_a_cursor_is_an_id_or_empty(cursor: str) -> None:
    assert parse_list({"cursor": cursor, "limit": "5"}) == ListRequest(limit=5, cursor=cursor)


@given(
    limit=st.integers(1, MAX_LIMIT), offset=st.integers(0, MAX_OFFSET), status=st.none() | st.sampled_from(list(Status))
)
def test_what_is_valid_is_read(limit: int, offset: int, status: Status | None) -> None:
    query = {"limit": str(limit), "offset": str(offset), **({"status": status.value} if status else {}), "other": "x"}
    assert parse_list(query) == ListRequest(limit=limit, offset=offset, status=status)


@given(st.dictionaries(st.sampled_from(["limit", "offset", "cursor", "status", "q"]), st.text(max_size=40)))
def test_any_query_is_read_or_refused_with_the_fields_at_fault(query: dict[str, str]) -> None:
    try:
        read = parse_list(query)
    except InvalidRequestError as exc:
        faults = {error.field for error in exc.errors}
    else:
        faults = set()
        assert 1 <= read.limit <= MAX_LIMIT
        assert 0 <= read.offset <= MAX_OFFSET
        assert read.status is None or read.status in tuple(Status)
    assert faults <= set(query)


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": " \t"}, {"q": "x" * 201}])
def test_words_to_look_for_are_needed(query: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_search(query)
    assert [error.field for error in caught.value.errors] == ["q"]


def test_words_are_read_as_they_come() -> None:
    assert parse_search({"q": " Crème "}) == " Crème "


def test_an_error_of_a_query_names_its_field_in_the_message() -> None:
    with pytest.raises(InvalidRequestError, match=r"^The request is not valid: limit: Must be .* \(and 1 more\)$"):
        parse_list({"limit": "0", "status": "lost"})
