"""Read the query of a usage report, and write the report as JSON or CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from atelier.api.fields import FieldReader, one_of
from atelier.clock import utc_day
from atelier.errors import FieldError, InvalidRequestError
from atelier.generations.usage import Usage

DEFAULT_DAYS = 30
MAX_DAYS = 366
MAX_FILTER_LENGTH = 254
CSV = "csv"
CSV_COLUMNS = ("date", "keyId", "model", "provider", "success", "error", "cancelled", "credits", "seconds")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRequest:
    """A valid request for usage: the days `first` to `last` in UTC, both included."""

    first: date
    last: date
    user: str | None = None
    key: str | None = None
    format: str = "json"


def parse_usage(query: Mapping[str, str], now: int, *filters: str) -> UsageRequest:
    """Read `from`, `to`, `format` and the named filters; InvalidRequestError names the ones at fault."""
    fields = FieldReader({name: query[name] for name in ("from", "to", "format", *filters) if name in query})
    last = fields.read("to", _date, "a day as 2026-01-31", default=utc_day(now))
    first = fields.read("from", _date, "a day as 2026-01-01", default=None)
    format_ = fields.read("format", one_of(("json", CSV)), "json or csv", default="json")
    words = f"at most {MAX_FILTER_LENGTH} characters"
    found = {name: fields.read(name, _filter, words, default=None) for name in filters}
    fields.check()
    first = first or last - timedelta(days=DEFAULT_DAYS - 1)
    if not 0 <= (last - first).days < MAX_DAYS:
        message = f"Must be at most {MAX_DAYS - 1} days before 'to', and not after it."
        raise InvalidRequestError(
            f"The request is not valid: from: {message}", [FieldError("from", message, "invalid")]
        )
    return UsageRequest(first=first, last=last, format=format_, **found)


def usage_row(usage: Usage) -> dict[str, Any]:
    """Describe one row: a day, a key, a model and a provider (null where none was asked)."""
    return {
        "date": usage.date,
        "keyId": usage.key_id,
        "model": usage.model,
        "provider": usage.provider or None,
        "success": usage.success,
        "error": usage.error,
        "cancelled": usage.cancelled,
        "credits": usage.credits,
        "seconds": usage.milliseconds / 1_000,
    }


def usage_document(request: UsageRequest, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write a report as JSON."""
    return {"from": request.first.isoformat(), "to": request.last.isoformat(), "data": list(rows)}


def usage_csv(rows: Sequence[Mapping[str, Any]], *more: str) -> str:
    """Write a report as CSV (RFC 4180), with more columns at the end.

    Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    output = io.StringIO()
    columns = (*CSV_COLUMNS, *more)
    writer = csv.writer(output)
    writer.writerow(columns)
    writer.writerows([[_cell(row[name]) for name in columns] for row in rows])
    return output.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if len(value) == len("2026-01-31") else None
    except ValueError:
        return None


def _filter(value: str) -> str | None:
    return value if 0 < len(value) <= MAX_FILTER_LENGTH else None
