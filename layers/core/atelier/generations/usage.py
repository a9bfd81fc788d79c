"""Usage: what the finished generations came to, by day, user, API key, model and provider."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from atelier.clock import utc_day
from atelier.generations.model import CANCELLED, Generation, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Counts of one combination: `date` is the UTC day on which the generations finished.

    `credits` were kept (a refunded generation adds none). `milliseconds` is the time that the successful ones took
    together. `microdollars` is what the providers charged, in millionths of a US dollar: what they said, also of images
    that never arrived, and else the catalog's price of each delivered image. `provider` is empty for what no provider
    was asked for.
    """

    date: str
    user_id: str
    key_id: str
    model: str
    provider: str
    success: int = 0
    error: int = 0
    cancelled: int = 0
    credits: int = 0
    milliseconds: int = 0
    microdollars: int = 0


COUNTS = ("success", "error", "cancelled", "credits", "milliseconds", "microdollars")


def usage_of(generation: Generation) -> Usage:
    """Return what one finished generation adds to the usage."""
    finished_at = generation.finished_at or generation.status_at
    succeeded = generation.status is Status.SUCCESS
    cancelled = not succeeded and generation.error == CANCELLED
    return Usage(
        date=utc_day(finished_at).isoformat(),
        user_id=generation.user_id,
        key_id=generation.key_id,
        model=generation.model,
        provider=generation.attempts[-1].provider if generation.attempts else "",
        success=int(succeeded),
        error=int(not succeeded and not cancelled),
        cancelled=int(cancelled),
        credits=0 if generation.refunded else generation.cost,
        milliseconds=finished_at - generation.created_at if succeeded else 0,
        microdollars=charged(generation),
    )


def charged(generation: Generation) -> int:
    """Return what a finished generation's provider charged, in millionths of a US dollar."""
    if generation.provider_cost is not None:
        return generation.provider_cost
    return generation.provider_price * len(generation.outputs) if generation.status is Status.SUCCESS else 0


def summed(found: Iterable[Usage]) -> list[Usage]:
    """Add up what is of the same day, user, key, model and provider, in the order of these."""
    total: dict[tuple[str, ...], Usage] = {}
    for one in found:
        key = (one.date, one.user_id, one.key_id, one.model, one.provider)
        known = total.get(key)
        total[key] = one if known is None else _add(known, one)
    return [total[key] for key in sorted(total)]


def days_between(first: date, last: date) -> list[date]:
    """List the days from `first` to `last`, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _add(one: Usage, other: Usage) -> Usage:
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in COUNTS})


NAMES = tuple(field.name for field in fields(Usage) if field.name not in COUNTS)
