"""The units by which DynamoDB charges, as benchmarks/metering.py counts them."""

from typing import Any

import pytest

from benchmarks.metering import Meter, index_writes, size
from tests.cases import each

KEYS: dict[str, Any] = {"id": {"S": "x"}, "record": {"S": "generation"}}
LISTED: dict[str, Any] = KEYS | {"user_id": {"S": "u"}, "created_day": {"S": "2026-01-01"}}


@each(
    ("item", "expected"),
    [
        ({}, 0),
        ({"name": {"S": "four"}}, 8),
        ({"n": {"S": "é"}}, 3),
        ({"n": {"N": "1767225600000"}}, 6),
        ({"n": {"N": "0"}}, 2),
        ({"n": {"BOOL": True}}, 2),
        ({"n": {"L": [{"S": "ab"}, {"N": "12"}]}}, 10),
        ({"n": {"M": {"k": {"S": "ab"}}}}, 8),
    ],
)
def test_an_items_size_is_its_names_and_values(item: dict[str, Any], expected: int) -> None:
    assert size(item) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, LISTED, 2),
        (LISTED, {}, 2),
        (LISTED, LISTED | {"status": {"S": "success"}}, 0),
        (LISTED, LISTED | {"user_id": {"S": "v"}}, 2),
        (KEYS, KEYS | {"due_shard": {"S": "0"}}, 0),
        (KEYS, KEYS | {"due_shard": {"S": "0"}, "due_at": {"N": "1"}}, 1),
    ],
)
def test_an_index_is_written_where_its_entry_comes_goes_or_moves(
    before: dict[str, Any], after: dict[str, Any], expected: int
) -> None:
    assert index_writes("GenerationsTable", before, after) == expected


def test_time_within_time_that_is_excluded_counts_once() -> None:
    # given
    meter = Meter()
    # when
    with meter.excluding():
        with meter.excluding():
            sum(range(2_000_000))
        inner = meter.excluded
    # then
    assert inner == 0
    assert meter.excluded > 0
