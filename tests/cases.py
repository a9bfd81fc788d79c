"""A table of cases as one test, where `pytest.mark.parametrize` would make a test of each."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

Ids = Callable[[Any], object] | Sequence[str] | None


def each(
    names: str | tuple[str, ...], cases: Iterable[Any], *, ids: Ids = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test on all cases, and name each that fails with the line that says what broke.

    Takes what `pytest.mark.parametrize` takes. Fixtures are made once for all cases.
    """
    fields = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    listed = list(cases)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(**fixtures: Any) -> None:
            assert listed, "there are no cases"
            broken: list[tuple[str, Exception]] = []
            for number, case in enumerate(listed):
                label, values = _read(case, len(fields), ids[number] if isinstance(ids, Sequence) else ids)
                try:
                    test(**dict(zip(fields, values, strict=True)), **fixtures)
                except Exception as error:
                    broken.append((label, error))
            if broken:
                lines = [f"{label}: {_line(error)}" for label, error in broken]
                raise AssertionError(f"{len(broken)} of {len(listed)} cases: " + "\n".join(lines)) from broken[0][1]

        signature = inspect.signature(test)
        kept = [parameter for name, parameter in signature.parameters.items() if name not in fields]
        run.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return run

    return decorate


def _read(case: Any, count: int, ids: Callable[[Any], object] | str | None) -> tuple[str, tuple[Any, ...]]:
    if isinstance(case, type(pytest.param())):
        values, label = tuple(case.values), case.id
    else:
        values, label = (tuple(case) if count > 1 else (case,)), None
    name = ids if callable(ids) else repr
    return str(label or (ids if isinstance(ids, str) else ", ".join(str(name(value)) for value in values)))[
        :100
    ], values


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
