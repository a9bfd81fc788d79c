"""The output: results on stdout, progress and errors on stderr, and no control characters."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text
from typer.core import TyperGroup

import atelier_client
from atelier_cli.client import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from typer._click import Context

READABLE = 16
"""Cells that a column is not cut below while another can be left out."""
LEAST_WIDTH = 6
_out = Console(highlight=False)
_err = Console(highlight=False, stderr=True)


class ErrorLine(TyperGroup):
    """The root of the commands, which turns their errors into one line and an exit code."""

    def invoke(self, ctx: Context) -> object:
        """Run the command; exit with 1 on an error of ours and with 130 on Ctrl-C."""
        try:
            return super().invoke(ctx)
        except atelier_client.AtelierError as exc:
            _complain(f"Error: {_explained(exc)}", exc)
            raise typer.Exit(1) from exc
        except KeyboardInterrupt as exc:
            _complain("Stopped", exc)
            raise typer.Exit(130) from exc


def clean(value: object) -> str:
    """Make one line of printable characters, safe for any terminal; None becomes an empty line."""
    text = "" if value is None else str(value)
    return "".join(char if char.isprintable() else " " * char.isspace() for char in text)


def shorten(text: str, width: int = 50) -> str:
    """Cut the text to the width, with an ellipsis for what is missing."""
    return text if len(text) <= width else text[: width - 1] + "…"


def line(value: object) -> None:
    """Print one line, never wrapped, so that it can be copied or piped."""
    _out.print(Text(clean(value)), soft_wrap=True)


def data(value: object) -> None:
    """Print JSON for scripts; escapes keep it ASCII."""
    typer.echo(json.dumps(value, indent=2))


def secret(what: str) -> str:
    """Ask for a secret without showing it, or read it from stdin where that is no terminal."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, err=True)).strip()
    return sys.stdin.read().strip()


def note(value: object) -> None:
    """Print one line on stderr, beside the results."""
    _err.print(Text(clean(value)), soft_wrap=True)


def fields(titles: Mapping[str, str], record: Mapping[str, object]) -> None:
    """Print a line for each title, with the record's field that it stands for."""
    width = max(map(len, titles))
    for title, name in titles.items():
        _out.print(Text.assemble((title.ljust(width), "bold"), "  ", clean(record[name])), soft_wrap=True)


def table(titles: Mapping[str, str], records: Iterable[Mapping[str, object]], spare: Sequence[str] = ()) -> None:
    """Print a column for each title, with the records' field that it stands for, a line each.

    In a terminal that is too narrow to read all of them, the columns titled `spare` are left out, the first of them
    first; then the widest are cut until a line fits, but no id. Into a pipe goes all of it.
    """
    names = list(titles.values())
    rows = [[*titles], *([_cell(name, record[name]) for name in names] for record in records)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    shown = list(range(len(names)))
    if _out.is_terminal:
        whole = [name.lower().endswith("id") for name in names]
        readable = [width if kept else min(width, READABLE) for width, kept in zip(widths, whole, strict=True)]
        for title in spare:
            if _line_width([readable[number] for number in shown]) > _out.width:
                shown.remove(rows[0].index(title))
        _fit(widths, [number for number in shown if not whole[number]], shown, _out.width)
    for number, row in enumerate(rows):
        cells = [set_cell_size(_cut(row[column], widths[column]), widths[column]) for column in shown]
        text = Text("  ".join(cells).rstrip(), style="" if number else "bold")
        _out.print(text, no_wrap=True, overflow="ellipsis" if _out.is_terminal else "ignore", crop=_out.is_terminal)


def _line_width(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _fit(widths: list[int], cut: list[int], shown: list[int], room: int) -> None:
    """Take from the widest of the columns that may be cut what the line has too much."""
    while cut and _line_width([widths[number] for number in shown]) > room:
        widest = max(cut, key=lambda number: widths[number])
        if widths[widest] <= LEAST_WIDTH:
            break
        widths[widest] -= 1


def _cut(cell: str, width: int) -> str:
    return cell if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…"


def _cell(name: str, value: object) -> str:
    """Make a cell's text; times, which are in UTC, are cut to minutes."""
    text = clean(value)
    return text[:16].replace("T", " ") if name.endswith("At") else text


@contextmanager
def progress(status: str, console: Console = _err) -> Iterator[Callable[[str], None]]:
    """Show a spinner with the status, which the caller renews, and the seconds, if there is a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.elapsed:.0f} s"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bar:
        task = bar.add_task(clean(status), total=None)
        yield lambda status: bar.update(task, description=clean(status))


def _explained(exc: atelier_client.AtelierError) -> str:
    """Say what to do about an error of the public API's client."""
    match exc:
        case atelier_client.ApiError(__cause__=httpx.ConnectError() as cause):
            host = cause.request.url.netloc.decode()
            return f"cannot connect to {host}: {cause}; run `make run` or pass --stack"
        case atelier_client.ApiError(status=401):
            return f"{exc} (HTTP 401); check ATELIER_API_KEY, or make a key with `atelier keys create`"
        case atelier_client.ApiError(status=int(status), errors=errors):
            said = invalid(str(exc), [vars(error) for error in errors])
            return said if f"HTTP {status}" in said else f"{said} (HTTP {status})"
    return str(exc)


def _complain(message: str, exc: BaseException) -> None:
    notes: list[str] = getattr(exc, "__notes__", [])
    _err.print(Text(clean("; ".join([message, *notes])), style="red"), soft_wrap=True)
