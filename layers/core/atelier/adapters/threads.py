"""Threads for calls that mostly wait for an answer."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(workers: int) -> Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]:
    """Make a `map` that applies its function to so many items at once; the results come in the order of the items.

    No time limit of the caller's holds in the threads.
    """

    def each(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        known = list(items)
        if len(known) < 2:
            yield from map(function, known)
            return
        from concurrent.futures import ThreadPoolExecutor  # most runs have nothing to do

        with ThreadPoolExecutor(max_workers=workers) as pool:
            yield from pool.map(function, known)

    return each
