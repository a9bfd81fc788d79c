"""Reads what the operator asks of the console, or says everything that is wrong with it."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from atelier.accounts.api_keys import SCOPES
from atelier.accounts.budgets import NO_BUDGET, Budget
from atelier.accounts.search import MAX_LIMIT as MAX_FOUND
from atelier.accounts.search import Search
from atelier.accounts.users import DEFAULT_PLAN, UserRequest
from atelier.api.fields import FieldReader, digits, matching, one_of
from atelier.api.json_body import parse_object
from atelier.clock import HOUR, SECOND
from atelier.errors import FieldError, InvalidRequestError
from atelier.generations.model import ID_PATTERN, Status
from atelier.webhooks.delivery import DeliveryStatus

MAX_NAME_LENGTH = 200
MAX_EMAIL_LENGTH = 254
MAX_NOTE_LENGTH = 500
MAX_PROVIDER_KEY_LENGTH = 4_096
MAX_CREDITS = 1_000_000_000
MAX_REQUESTS_PER_MINUTE = 100_000
MAX_KEY_AGE = 100 * 365 * 24 * HOUR
DEFAULT_OVERLAP_SECONDS, MAX_OVERLAP_SECONDS = 86_400, 30 * 86_400
DEFAULT_DAYS, MAX_DAYS = 14, 31
MAX_LIMIT = 100
MAX_FILTER_LENGTH = 254
MAX_TIME = 1 << 47
_BUDGETS = ("budgetPerDay", "budgetPerMonth")
_KEY_LIMITS = ("scopes", "requestsPerMinute", "models", "expiresAt", *_BUDGETS)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_PROVIDER_KEY = re.compile(r"[!-~]+")
_CURSOR = re.compile(r"\d{1,15}-\w{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """A valid request for a new API key; None means that there is no limit."""

    name: str
    email: str
    test: bool = False
    scopes: tuple[str, ...] = SCOPES
    requests_per_minute: int | None = None
    models: tuple[str, ...] | None = None
    expires_at: int | None = None
    budget: Budget = NO_BUDGET


@dataclass(frozen=True, slots=True)
class TopUp:
    """A valid request to give a user more credits."""

    amount: int
    note: str | None


@dataclass(frozen=True, slots=True)
class AdminListRequest:
    """Which part of a list: `cursor` is the id after which it goes on; `user` is an id or an address."""

    limit: int
    cursor: str | None
    status: str | None
    model: str | None = None
    user: str | None = None
    text: str | None = None
    since: int = 0
    until: int | None = None

    @property
    def before(self) -> str | None:
        """The id, or the beginning of one, below which the list goes on."""
        if self.cursor is not None or self.until is None:
            return self.cursor
        return f"{self.until:012x}"


@dataclass(frozen=True, slots=True)
class DeliveryListRequest:
    """Which part of the list of deliveries; `cursor` is the id of the generation after which it goes on."""

    limit: int
    cursor: str | None
    status: str | None
    event: str | None
    user: str | None


def parse_key_request(body: str, *, now: int, models: Collection[str]) -> KeyRequest:
    """Read `{"name", "user", "test"?, "scopes"?, "requestsPerMinute"?, "models"?, "expiresAt"?, "budgetPerDay"?, ...}`.

    InvalidRequestError names the fields at fault.
    """
    fields = FieldReader(parse_object(body), "name", "user", "test", *_KEY_LIMITS)
    limit = f"a whole number from 1 to {MAX_REQUESTS_PER_MINUTE}"
    name = fields.read("name", _name, f"a name of at most {MAX_NAME_LENGTH} characters")
    email = fields.read("user", _email, "an e-mail address")
    test = fields.read("test", _boolean, "true or false", default=False, code="type")
    scopes = fields.read("scopes", _choices(SCOPES), f"a list of {' and '.join(SCOPES)}", default=SCOPES)
    per_minute = fields.read("requestsPerMinute", _whole(1, MAX_REQUESTS_PER_MINUTE), limit, default=None)
    allowed = fields.read("models", _choices(tuple(models)), f"a list of {', '.join(models)}", default=None)
    expires_at = fields.read("expiresAt", _moment_after(now), "a time to come, in ISO 8601", default=None)
    budget = Budget(*_budget(fields))
    fields.check()
    return KeyRequest(
        name=name,
        email=email,
        test=test,
        scopes=scopes,
        requests_per_minute=per_minute,
        models=allowed,
        expires_at=expires_at,
        budget=budget,
    )


def parse_key_changes(body: str, *, now: int, models: Collection[str]) -> dict[str, Any]:
    """Read the attributes of a key that are to change, by the names of ApiKey; null removes a limit."""
    document = parse_object(body)
    fields = FieldReader(document, "name", "disabled", *_KEY_LIMITS)
    limit = f"a whole number from 1 to {MAX_REQUESTS_PER_MINUTE}, or null"
    name_words = f"a name of at most {MAX_NAME_LENGTH} characters"
    read = {
        "name": ("name", fields.read("name", _name, name_words, default=None)),
        "scopes": (
            "scopes",
            fields.read("scopes", _choices(SCOPES), f"a list of {' and '.join(SCOPES)}", default=None),
        ),
        "requestsPerMinute": (
            "requests_per_minute",
            fields.read("requestsPerMinute", _whole(1, MAX_REQUESTS_PER_MINUTE), limit, default=None),
        ),
        "models": (
            "models",
            fields.read("models", _choices(tuple(models)), f"a list of {', '.join(models)}, or null", default=None),
        ),
        "expiresAt": (
            "expires_at",
            fields.read("expiresAt", _moment_after(now), "a time to come, in ISO 8601, or null", default=None),
        ),
        **_budget_changes(fields),
        **_disabled(fields, now),
    }
    return _given(fields, document, read, required=("name", "scopes", "disabled"))


def parse_user_changes(body: str, *, now: int) -> dict[str, Any]:
    """Read the attributes of a user that are to change, by the names of User; null removes a limit."""
    document = parse_object(body)
    fields = FieldReader(document, "name", "plan", "disabled", *_BUDGETS)
    words = f"a name of at most {MAX_NAME_LENGTH} characters"
    read = {
        "name": ("name", fields.read("name", _name, words, default=None)),
        "plan": ("plan", fields.read("plan", _name, words, default=None)),
        **_budget_changes(fields),
        **_disabled(fields, now),
    }
    return _given(fields, document, read, required=("name", "plan", "disabled"))


def parse_user_request(body: str) -> UserRequest:
    """Read `{"email", "name"?, "plan"?, "credits"?, "budgetPerDay"?, "budgetPerMonth"?}`.

    InvalidRequestError names the fields at fault.
    """
    fields = FieldReader(parse_object(body), "email", "name", "plan", "credits", *_BUDGETS)
    email = fields.read("email", _email, "an e-mail address")
    name = fields.read("name", _name, f"a name of at most {MAX_NAME_LENGTH} characters", default=None)
    plan = fields.read("plan", _name, f"a name of at most {MAX_NAME_LENGTH} characters", default=DEFAULT_PLAN)
    words = f"a whole number from 0 to {MAX_CREDITS}, or null"
    credits = fields.read("credits", _whole(0, MAX_CREDITS), words, default=None)
    day, month = _budget(fields)
    fields.check()
    return UserRequest(
        email=email, name=name or email.partition("@")[0], plan=plan, credits=credits, budget_day=day,
        budget_month=month,
    )  # fmt: skip


def parse_top_up(body: str) -> TopUp:
    """Read `{"amount", "note"?}`; InvalidRequestError names the fields at fault."""
    fields = FieldReader(parse_object(body), "amount", "note")
    amount = fields.read("amount", _whole(1, MAX_CREDITS), f"a whole number from 1 to {MAX_CREDITS}")
    note = fields.read("note", _note, f"a text of at most {MAX_NOTE_LENGTH} characters", default=None)
    fields.check()
    return TopUp(amount, note)


def parse_provider_key(body: str) -> str:
    """Read `{"key"}`; InvalidRequestError where it is none that an HTTP header can carry."""
    fields = FieldReader(parse_object(body), "key")
    words = f"a key of at most {MAX_PROVIDER_KEY_LENGTH} ASCII characters without spaces"
    key: str = fields.read("key", _provider_key, words)
    fields.check()
    return key


def parse_overlap(body: str) -> int:
    """Read `{"overlapSeconds"?}`, or nothing, as milliseconds; InvalidRequestError where it is not valid."""
    fields = FieldReader(parse_object(body or "{}"), "overlapSeconds")
    words = f"a whole number from 0 to {MAX_OVERLAP_SECONDS}"
    seconds = fields.read("overlapSeconds", _whole(0, MAX_OVERLAP_SECONDS), words, default=DEFAULT_OVERLAP_SECONDS)
    fields.check()
    return int(seconds * SECOND)


def parse_sign_in(body: str) -> str:
    """Read `{"secret"}`; InvalidRequestError where there is none."""
    fields = FieldReader(parse_object(body), "secret")
    secret: str = fields.read("secret", lambda it: it if isinstance(it, str) and it else None, "the console's secret")
    fields.check()
    return secret


def parse_page(query: Mapping[str, str]) -> AdminListRequest:
    """Read `limit`, `cursor`, `status`, `model`, `user`, `q`, `from` and `to`.

    InvalidRequestError names the ones at fault.
    """
    known = ("limit", "cursor", "status", "model", "user", "q", "from", "to")
    fields = FieldReader({name: query[name] for name in known if name in query})
    words = f"at most {MAX_FILTER_LENGTH} characters"
    moment = "a time in ISO 8601"
    page = AdminListRequest(
        limit=fields.read("limit", digits(1, MAX_LIMIT), f"a whole number from 1 to {MAX_LIMIT}", default=20),
        cursor=fields.read("cursor", matching(ID_PATTERN), "a nextCursor of an earlier answer", default=None),
        status=fields.read("status", one_of(tuple(Status)), f"one of {', '.join(Status)}", default=None),
        model=fields.read("model", _filter, words, default=None),
        user=fields.read("user", _filter, words, default=None),
        text=fields.read("q", _filter, words, default=None),
        since=fields.read("from", _milliseconds, moment, default=0),
        until=fields.read("to", _milliseconds, moment, default=None),
    )
    fields.check()
    return page


def parse_delivery_page(query: Mapping[str, str]) -> DeliveryListRequest:
    """Read `limit`, `cursor`, `status`, `event` and `user`; InvalidRequestError names the ones at fault."""
    known = ("limit", "cursor", "status", "event", "user")
    fields = FieldReader({name: query[name] for name in known if name in query})
    statuses = tuple(DeliveryStatus)
    page = DeliveryListRequest(
        limit=fields.read("limit", digits(1, MAX_LIMIT), f"a whole number from 1 to {MAX_LIMIT}", default=50),
        cursor=fields.read("cursor", matching(ID_PATTERN), "a nextCursor of an earlier answer", default=None),
        status=fields.read("status", one_of(statuses), f"one of {', '.join(statuses)}", default=None),
        event=fields.read("event", one_of(tuple(Status)), f"one of {', '.join(Status)}", default=None),
        user=fields.read("user", _filter, f"at most {MAX_FILTER_LENGTH} characters", default=None),
    )
    fields.check()
    return page


def parse_days(query: Mapping[str, str]) -> int:
    """Read `days`; InvalidRequestError where it is not valid."""
    fields = FieldReader({name: query[name] for name in ("days",) if name in query})
    days: int = fields.read("days", digits(1, MAX_DAYS), f"a whole number from 1 to {MAX_DAYS}", default=DEFAULT_DAYS)
    fields.check()
    return days


def parse_search(query: Mapping[str, str]) -> Search:
    """Read `limit`, `cursor` and `q` of a list of users or keys; InvalidRequestError names the ones at fault."""
    fields = FieldReader({name: query[name] for name in ("limit", "cursor", "q") if name in query})
    words = f"at most {MAX_FILTER_LENGTH} characters"
    found = Search(
        limit=fields.read("limit", digits(1, MAX_FOUND), f"a whole number from 1 to {MAX_FOUND}", default=MAX_FOUND),
        cursor=fields.read("cursor", matching(_CURSOR), "a nextCursor of an earlier answer", default=None),
        text=(fields.read("q", _filter, words, default=None) or "").casefold(),
    )
    fields.check()
    return found


def _budget(fields: FieldReader) -> tuple[int | None, int | None]:
    words = f"a whole number from 1 to {MAX_CREDITS}, or null"
    day = fields.read("budgetPerDay", _whole(1, MAX_CREDITS), words, default=None)
    return day, fields.read("budgetPerMonth", _whole(1, MAX_CREDITS), words, default=None)


def _budget_changes(fields: FieldReader) -> dict[str, tuple[str, Any]]:
    day, month = _budget(fields)
    return {"budgetPerDay": ("budget_day", day), "budgetPerMonth": ("budget_month", month)}


def _disabled(fields: FieldReader, now: int) -> dict[str, tuple[str, Any]]:
    disabled = fields.read("disabled", _boolean, "true or false", default=False, code="type")
    return {"disabled": ("disabled_at", now if disabled else None)}


def _given(
    fields: FieldReader, document: Mapping[str, Any], read: Mapping[str, tuple[str, Any]], *, required: Collection[str]
) -> dict[str, Any]:
    """Return what the document says, by our names; InvalidRequestError where it says nothing or nothing valid."""
    fields.check()
    empty = [FieldError(name, "Must not be null.", "invalid") for name in required if document.get(name, "") is None]
    if not document:
        empty = [FieldError("", "Name at least one field to change.", "required")]
    if empty:
        raise InvalidRequestError(f"The request is not valid: {empty[0].message}", empty)
    return {ours: value for name, (ours, value) in read.items() if name in document}


def _name(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and 0 < len(value.strip()) <= MAX_NAME_LENGTH else None


def _note(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and len(value) <= MAX_NOTE_LENGTH else None


def _provider_key(value: Any) -> str | None:
    key = value.strip() if isinstance(value, str) else ""
    return key if len(key) <= MAX_PROVIDER_KEY_LENGTH and _PROVIDER_KEY.fullmatch(key) else None


def _filter(value: str) -> str | None:
    return value if len(value) <= MAX_FILTER_LENGTH else None


def _email(value: Any) -> str | None:
    valid = isinstance(value, str) and len(value) <= MAX_EMAIL_LENGTH and _EMAIL.fullmatch(value)
    return str(value).lower() if valid else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(least: int, most: int) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else None

    return read


def _choices(known: Collection[str]) -> Callable[[Any], tuple[str, ...] | None]:
    def read(value: Any) -> tuple[str, ...] | None:
        if not isinstance(value, list) or not value or any(item not in known for item in value):
            return None
        return tuple(item for item in known if item in value)

    return read


def _milliseconds(value: Any) -> int | None:
    try:
        moment = datetime.fromisoformat(value)
        at = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * SECOND)
    except (TypeError, ValueError, OverflowError):
        return None
    return at if 0 <= at < MAX_TIME else None


def _moment_after(now: int) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        try:
            moment = datetime.fromisoformat(value)
            at = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * SECOND)
        except (TypeError, ValueError, OverflowError):
            return None
        return at if now < at <= now + MAX_KEY_AGE else None

    return read
