"""`each` runs every case, and a failure says which case broke and how."""

import pytest

from tests.cases import each


def test_every_case_is_run_and_each_that_fails_is_named(tmp_path: object) -> None:
    seen = []

    @each("one", ["a", "b"])
    @each(("two", "three"), [(1, 2), pytest.param(3, 4, id="odd and even")])
    def check(one: str, two: int, three: int, fixture: object) -> None:
        seen.append((one, two, three, fixture))
        assert (one, two) == ("a", 1)

    with pytest.raises(AssertionError) as caught:
        check(fixture=tmp_path)

    assert seen == [(one, two, three, tmp_path) for one in "ab" for two, three in ((1, 2), (3, 4))]
    assert "2 of 2 cases: 'a': AssertionError: 1 of 2 cases: odd and even: AssertionError: assert" in str(caught.value)


def test_no_cases_is_a_failure() -> None:
    @each("one", [])
    def check(one: str) -> None:
        """Say nothing."""

    with pytest.raises(AssertionError, match="no cases"):
        check()
